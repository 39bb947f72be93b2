"""Files of contacts: entered as the form enters them, each row with its reason."""

from __future__ import annotations

import io
from datetime import date

import pytest
import xlsxwriter
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from fangkong.core.audit.models import AuditLine
from fangkong.core.imports import actions as kit
from fangkong.core.imports.models import ImportRun
from fangkong.core.imports.queries import rows_of
from fangkong.people.models import Person
from fangkong.people.tests import factories as people
from fangkong.surveillance.monitoring.tests import factories as cases
from fangkong.surveillance.screening import actions
from fangkong.surveillance.screening.imports import CONTACTS
from fangkong.surveillance.screening.models import Exposure, Observation

from .factories import AT, contact, facts, somebody

pytestmark = pytest.mark.both_databases

HEAD = "病例编号,姓名,证件号码,性别,年龄,联系电话,现住址,与病例关系,接触方式,"
HEAD += "接触场所,接触地点,首次接触日期,末次接触日期"
TOGETHER = "共同居住、学习、工作"
LIVES = "道孚县鲜水镇团结社区2号"


def url(name, *args):
    return reverse(f"surveillance:screening:{name}", args=args)


def number(n: int, region: str = "513326") -> str:
    return people.resident_id(region, order=n).number


def line(case, name="尼玛次仁", **said) -> str:
    values = {
        "number": "", "sex": "", "age": "", "phone": "", "address": LIVES, "relation": "家人",
        "kind": TOGETHER, "setting": "家", "place": "", "first": "2020-02-01", "last": "2020-02-04",
        **said,
    }  # fmt: skip
    return ",".join([case if isinstance(case, str) else case.number, name, *values.values()])


def table(*lines: str, head: str = HEAD) -> bytes:
    return "\n".join([head, *lines, ""]).encode()


@pytest.fixture
def upload(client, world):
    """Send a file to the page as the county's CDC; gives the run as it was checked."""

    def send(content: bytes, name="contacts.csv", *, by=None, county="513326", **said) -> ImportRun:
        client.force_login(by or world.daofu_cdc)
        client.cookies["django_language"] = "en"
        send.keys = getattr(send, "keys", 0) + 1
        file = SimpleUploadedFile(name, content)
        asked = {"_key": f"k{send.keys}", "county": county, "file": file, **said}
        answer = client.post(url("imports"), asked)
        assert answer.status_code == 302, answer.content.decode()
        return ImportRun.objects.latest("pk")

    return send


def entered(run: ImportRun, by) -> ImportRun:
    run = kit.confirm(run=run, by=by, at=AT)
    return kit.enter(run=run, at=AT)


def told(run: ImportRun) -> list[tuple[str, list[str]]]:
    return [(row.outcome, [one["code"] for one in row.reasons]) for row in rows_of(run)]


def words(run: ImportRun) -> list[str]:
    return [" ".join(CONTACTS.in_words(row.reasons)) for row in rows_of(run)]


def test_a_file_enters_contacts_as_the_form_does_and_changes_nothing_when_it_comes_again(
    client, upload, world
):
    known = somebody(world, 1)
    content = table(
        line(world.case, "尼玛次仁", number=number(1), phone="13988887777", place="G318客车"),
        line(world.case, "格桑梅朵", sex="女", age="34", phone="13988887778", relation="同事"),
        line(world.case, known.name, number=number(701), last="2020-02-05"),
        line(world.case, "白玛", age="8", address="康定市炉城街道", relation="", setting=""),
        line(world.case, "央金", age="40", first="2019-12-01", last="2019-12-05"),
    )

    run = upload(content)

    assert told(run) == [("ok", [])] * 5
    assert not Exposure.objects.exists()
    run = entered(run, world.daofu_cdc)
    assert (run.state, run.imported, run.errors) == ("done", 5, 0)
    first, second, third, fourth, fifth = Exposure.objects.order_by("created_at", "pk")
    by_form = contact(world, 9)
    for name in ("judged_class", "contact_class", "clause", "pack", "window_first", "county_id"):
        assert getattr(first, name) == getattr(by_form, name), name
    assert first.observation.phases == by_form.observation.phases
    assert first.observation.unit == by_form.observation.unit == world.centre
    assert (first.relation, first.setting, first.place) == ("family", "home", "G318客车")
    assert (second.relation, second.person.age_years) == ("colleague", 34)
    assert (third.person, third.observation.since) == (known, date(2020, 2, 5))
    assert (fourth.county, fourth.case_county) == (world.kangding, world.daofu)
    assert (fourth.relation, fourth.setting) == ("", "other")
    assert (fifth.contact_class, fifth.observation) == ("", None)
    trail = AuditLine.objects.filter(detail__has_key="import")
    assert trail.filter(action="surveillance.screening.expose").count() == 5
    assert trail.filter(action="surveillance.screening.open").count() == 4

    again = upload(content, "again.csv")
    assert told(again) == [("known", ["known"])] * 5
    page = client.get(again.get_absolute_url()).content.decode()
    assert "Every row of this file is already known" in page
    assert Exposure.objects.count() == 6
    assert Person.objects.filter(name="格桑梅朵").count() == 1


def test_each_row_says_why_it_is_not_taken_and_the_repaired_file_is(client, upload, world):
    elsewhere = cases.case(world, 2)
    elsewhere.county_id, elsewhere.area_id = world.kangding.pk, world.kangding.pk
    elsewhere.save()
    dead = cases.case(world, 3, died_on=date(2020, 2, 3), severity="")
    patient = world.case.person
    contact(world, 4, facts=facts())
    gone = contact(world, 5)
    held = somebody(world, 6, area=world.kangding)
    good = line(world.case, number=number(1))
    rows = [
        good,
        line("", number=number(2)),
        line("513326-2020-9999", number=number(3)),
        line(elsewhere, number=number(4)),
        line(dead, number=number(5), first="2020-02-04"),
        line(world.case, "", number=number(6)),
        line(world.case, "只有姓名", address=""),
        line(world.case, number="513326199001010012"),
        line(world.case, number="5.13326E+17"),
        line(world.case, phone="12345"),
        line(world.case, number=number(7), kind="握手"),
        line(world.case, number=number(8), relation="仇人", setting="月球"),
        line(world.case, number=number(9), first="昨天", last="2020-02-09"),
        line(world.case, number=number(9), first="2020-02-04", last="2020-02-01"),
        line(world.case, number=number(9), last=""),
        line(world.case, patient.name, number=patient.documents.get().full_number),
        line(world.case, somebody_named(gone), number=number(705), first="2020-02-04"),
        line(world.case, "别人", number=people.resident_id("513301", order=706).number),
        line(world.case, number=number(10), place="找张三13988887777"),
        good,
    ]  # fmt: skip

    run = upload(table(*rows))

    assert told(run) == [
        ("ok", []),
        ("error", ["no_number"]),
        ("error", ["no_case"]),
        ("error", ["no_case"]),
        ("error", ["said"]),
        ("error", ["missing"]),
        ("error", ["nobody_told"]),
        ("error", ["said"]),
        ("error", ["lost_digits"]),
        ("error", ["said"]),
        ("error", ["not_one_of"]),
        ("error", ["not_one_of", "not_one_of"]),
        ("error", ["bad_date", "fault_day_to_come"]),
        ("error", ["fault_days_reversed"]),
        ("error", ["missing"]),
        ("error", ["said"]),
        ("error", ["said"]),
        ("error", ["said"]),
        ("error", ["said"]),
        ("known", ["twice_in_file"]),
    ]
    assert held.name not in " ".join(words(run))  # of a person elsewhere nothing is told
    assert all(words(run)[n] for n in range(1, 19))
    run = entered(run, world.daofu_cdc)
    assert run.imported == 1
    repair = client.get(url("import_errors", run.public_id))
    lines = b"".join(repair.streaming_content if repair.streaming else [repair.content])
    mended = lines.decode("utf-8-sig").replace("握手", TOGETHER)
    again = upload(mended.encode(), "mended.csv")
    assert [row.outcome for row in rows_of(again)].count("ok") == 1
    assert entered(again, world.daofu_cdc).imported == 1


def test_a_row_with_many_faults_says_them_all_at_once(upload, world):
    wrong = {"number": "513326199001010012", "kind": "握手", "setting": "月球", "phone": "12345"}
    days = {"first": "2020-02-09", "last": "2020-02-08"}

    run = upload(
        table(
            line("513326-2020-9999", **{**wrong, "kind": TOGETHER}, **days),
            line(world.case, **wrong, **days),
            line(world.case, "", kind="握手", last="昨天"),
        )
    )

    def fields(row) -> list[str]:
        return [one["params"].get("field", "") for one in row.reasons]

    first, second, third = rows_of(run)
    person, both = ("id_number", "phone"), ("first_date", "last_date")
    assert fields(first) == ["case_number", *person, "setting", *both]
    assert fields(second) == [*person, "kind", "setting", *both]
    assert fields(third) == ["name", "kind", "last_date"]
    assert "is no case of this county" in words(run)[0]
    assert "First day together: This day lies in the future." in words(run)[0]


def somebody_named(exposure: Exposure) -> str:
    return exposure.person.name


def test_a_file_meets_what_was_entered_meanwhile_and_who_was_withdrawn(upload, world):
    run = upload(
        table(line(world.case, "泽仁丙", number=number(702)), line(world.case, number=number(1)))
    )
    assert [outcome for outcome, _codes in told(run)] == ["ok", "ok"]
    contact(world, 2)  # the same, by the form

    run = entered(run, world.daofu_cdc)

    assert told(run) == [("known", ["known"]), ("imported", [])]
    made = Exposure.objects.latest("pk")
    actions.withdraw(exposure=made, reason="误报", by=world.daofu_cdc, at=AT)
    again = upload(table(line(world.case, number=number(1))), "again.csv")
    assert told(again) == [("known", ["withdrawn"])]


def test_who_stands_in_two_rows_or_is_watched_already_has_one_observation(upload, world):
    second = cases.case(world, 2)
    before = contact(world, 3)
    run = upload(
        table(
            line(world.case, number=number(1)),
            line(second, number=number(1), last="2020-02-05"),
            line(second, before.person.name, number=number(703), last="2020-02-05"),
            line(second, number=number(2), first="2020-02-02", last="2020-02-03"),
            line(second, number=number(2), first="2020-02-03", last="2020-02-05"),
        )
    )

    run = entered(run, world.daofu_cdc)

    assert [outcome for outcome, _codes in told(run)] == ["imported"] * 4 + ["error"]
    assert Observation.objects.count() == 3
    assert {one.since for one in Observation.objects.filter(person__name="尼玛次仁")} == {
        date(2020, 2, 5), date(2020, 2, 3),
    }  # fmt: skip
    before.observation.refresh_from_db()
    assert before.observation.since == date(2020, 2, 5)


def test_name_and_phone_find_whom_the_county_may_open_and_nobody_elsewhere(upload, world):
    near = somebody(world, 1, phones=[people.PhoneNumber("13988880001")])
    far = somebody(world, 2, area=world.kangding, phones=[people.PhoneNumber("13988880002")])
    twins = [
        somebody(world, n, phones=[people.PhoneNumber("13988880003")], documents=[]) for n in (3, 3)
    ]
    rows = [
        line(world.case, near.name, phone="139 8888 0001"),
        line(world.case, far.name, phone="13988880002"),
        line(world.case, twins[0].name, phone="13988880003"),
        line(world.case, "别的名字", phone="13988880001"),
    ]

    run = upload(table(*rows))

    assert told(run) == [("ok", []), ("ok", []), ("error", ["several_persons"]), ("ok", [])]
    entered(run, world.daofu_cdc)
    found = [one.person for one in Exposure.objects.order_by("pk")]
    assert found[0] == near
    assert found[1] != far
    assert found[2] not in (near, far, *twins)


def test_a_list_of_one_case_names_it_once_and_columns_are_matched_once_by_hand(
    client, upload, world
):
    client.force_login(world.daofu_cdc)
    client.cookies["django_language"] = "en"
    page = client.get(url("contacts", world.case.public_id)).content.decode()
    link = f"{url('imports')}?case={world.case.public_id}"
    assert link in page
    form = client.get(link).context["form"]
    assert (form["case"].value(), form["county"].value()) == (world.case.number, "513326")
    book = io.BytesIO()
    with xlsxwriter.Workbook(book) as workbook:
        sheet = workbook.add_worksheet()
        for column, (head, value) in enumerate(
            [("谁", "尼玛次仁"), ("证件号码", number(1)), ("怎么接触", "共同居住"),
             ("首次接触日期", 43862), ("末次接触日期", "2020年2月4日")]
        ):  # fmt: skip
            sheet.write(0, column, head)
            sheet.write(1, column, value)

    run = upload(book.getvalue(), "名单.xlsx", case=world.case.number)
    assert run.state == "matching"
    fields = ["name", "id_number", "kind", "first_date", "last_date"]
    client.post(
        url("import_columns", run.public_id),
        {"_key": "m", **{f"column_{n}": name for n, name in enumerate(fields)}},
    )
    run.refresh_from_db()
    assert told(run) == [("ok", [])]
    entered(run, world.daofu_cdc)
    made = Exposure.objects.get()
    assert (made.case, made.first_date, made.kind) == (
        world.case, date(2020, 2, 1), "lived-or-worked",
    )  # fmt: skip
    assert upload(book.getvalue(), "名单2.xlsx", case=world.case.number).state == "ready"


def test_who_may_not_trace_sends_no_file_and_nobody_sees_that_of_another_county(
    client, upload, world
):
    run = upload(table(line(world.case, number=number(1))))
    for user in (world.doctor, world.stranger, world.inspector):
        client.force_login(user)
        assert client.get(url("imports")).status_code == 403
        assert client.post(url("import_confirm", run.public_id), {"_key": "x"}).status_code == 403
    client.force_login(world.kangding_cdc)
    assert client.get(url("import_detail", run.public_id)).status_code == 404
    assert client.post(url("import_confirm", run.public_id), {"_key": "y"}).status_code == 404
    answer = client.post(
        url("imports"),
        {
            "_key": "z",
            "county": "513326",
            "file": SimpleUploadedFile("a.csv", table(line(world.case))),
        },
    )
    assert answer.status_code == 422
    assert (
        client.get(f"{url('imports')}?case={world.case.public_id}").context["form"]["case"].value()
        is None
    )
    foreign = upload(
        table(line(world.case, number=number(1))), by=world.kangding_cdc, county="513301"
    )
    assert told(foreign) == [("error", ["no_case"])]
    assert not Exposure.objects.exists()


def test_what_a_file_costs_does_not_grow_with_its_rows(upload, world):
    def statements(first: int, count: int) -> int:
        rows = [line(world.case, f"尼玛{n}", number=number(n)) for n in range(first, first + count)]
        run = kit.confirm(run=upload(table(*rows), f"{count}.csv"), by=world.daofu_cdc, at=AT)
        with CaptureQueriesContext(
            connection,
        ) as spent:
            assert kit.enter(run=run, at=AT).imported == count
        return len(spent)

    statements(1, 2)
    assert statements(10, 2) == statements(20, 40)


def test_a_machine_sends_a_list_reads_its_faults_and_confirms_what_is_right(client, world):
    api = "/api/v1/surveillance/screening/imports/"
    right, phone = line(world.case, phone="13988880003"), {"phone": "13988880004"}
    rows = table(right, line(world.case, "央金", last="2020-01-01", **phone))

    def send(user, key, content=rows, **said):
        client.force_login(user)
        file = SimpleUploadedFile("contacts.csv", content)
        headers = {"Idempotency-Key": key, "Accept-Language": "en"}
        return client.post(api, {"county": "513326", "file": file, **said}, headers=headers)

    assert (told := send(world.inspector, "i")).status_code == 403, told.content
    assert send(world.kangding_cdc, "f").status_code == 404  # not their county
    assert send(world.daofu_cdc, "b", b"\xff\xff").status_code == 422
    made, again = (send(world.daofu_cdc, "k") for _n in range(2))
    assert (made.status_code, made.json()) == (201, again.json())
    run = made.json()
    assert (run["state"], run["ok"], run["errors"], run["missing"]) == ("ready", 1, 1, [])
    (wrong,) = run["rows"]
    assert (wrong["line"], wrong["outcome"]) == (3, "error")
    assert not Exposure.objects.exists()

    path = f"{api}{run['id']}/"
    headers = {"Idempotency-Key": "c"}
    client.force_login(world.kangding_cdc)
    assert client.get(path).status_code == 404
    assert client.post(f"{path}confirm/", headers=headers).status_code == 404
    client.force_login(world.daofu_cdc)
    assert client.post(f"{path}confirm/", headers=headers).json()["state"] == "running"
    kit.enter(run=ImportRun.objects.get(), at=AT)
    done = client.get(path).json()
    assert (done["state"], done["imported"]) == ("done", 1)
    assert Exposure.objects.count() == 1
    # The list again, now with the number of the case said once for all: nothing is new.
    bare = table(line("", phone="13988880003"))
    known = send(world.daofu_cdc, "n", bare, case=world.case.number).json()
    assert (known["ok"], known["known"]) == (0, 1)
