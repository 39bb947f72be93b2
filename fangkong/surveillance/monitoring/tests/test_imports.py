"""A file of cards from its upload to the last row."""

from __future__ import annotations

import io
import os
import signal
from collections.abc import Mapping, Sequence
from datetime import timedelta

import pytest
import xlsxwriter
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection, transaction
from django.utils import translation

from fangkong.core import aside
from fangkong.core.aside import Aside
from fangkong.core.imports import actions as kit
from fangkong.core.imports import queries as runs
from fangkong.core.imports.models import ImportChunk, ImportRun
from fangkong.core.imports.queries import rows_of
from fangkong.core.imports.types import Outcome, State
from fangkong.core.queue import queries as queue
from fangkong.people import ready
from fangkong.people.models import Person
from fangkong.surveillance.monitoring import imports, queries
from fangkong.surveillance.monitoring.models import Case, DailyCount

from .factories import AT, case, id_number, person

HEAD = "姓名,有效证件号,现住址,病人属于,人群分类,病例分类,疾病名称,发病日期,诊断时间,填卡医生"


def row(n: int, *, case_class: str = "确诊病例", disease: str = "新冠肺炎") -> str:
    place = "道孚县鲜水镇团结社区"
    who = f"扎西,{id_number(n)},{place},本县区,牧民"
    return f"{who},{case_class},{disease},2020/2/1,2020-2-5 8:00,王医生"


def upload(world, *rows: str, encoding: str = "gb18030", by=None):
    return imports.upload(
        content=imports.FileContent("\n".join([HEAD, *rows, ""]).encode(encoding)),
        file_name="cards.csv",
        facility=world.hospital,
        by=by or world.daofu_cdc,
        at=AT,
    )


def run(world, batch):
    batch = kit.confirm(run=batch, by=world.daofu_cdc, at=AT)
    return kit.enter(run=batch, at=AT + timedelta(minutes=1))


def said(batch):
    return [
        (row.line, row.outcome, [reason["code"] for reason in row.reasons])
        for row in rows_of(batch)
    ]


def test_nothing_is_reported_before_the_import_is_confirmed(world):
    batch = upload(world, row(1), row(2))
    assert (batch.state, batch.encoding, batch.ok) == (State.READY, "gb18030", 2)
    assert not Case.objects.exists()


def test_a_confirmed_import_reports_its_rows_as_received_when_it_was_confirmed(world):
    batch = run(world, upload(world, row(1), row(2)))

    assert (batch.state, batch.imported, batch.errors) == (State.DONE, 2, 0)
    assert [one.reported_at for one in Case.objects.all()] == [AT, AT]
    assert sorted(one.number[-5:] for one in Case.objects.all()) == ["00001", "00002"]
    assert queries.check_counts().right


def test_the_values_of_imported_rows_are_emptied(world):
    batch = run(world, upload(world, row(1), row(2, case_class="也许")))
    kept = {row.outcome: row.values for row in rows_of(batch)}
    assert kept[Outcome.IMPORTED] == []
    assert kept[Outcome.ERROR] != []  # to be corrected and sent again


def test_every_bad_row_gives_its_line_and_all_its_reasons(world):
    batch = upload(
        world,
        row(1),
        "扎西,513326197001010019,天上人间,本县区,牧民,也许,新冠炎,x,2020-2-6,",
        row(2) + ",多,余",
        ",,,,,,,,,王医生",
    )
    assert said(batch) == [
        (2, "ok", []),
        (
            3,
            "error",
            [
                "bad_number",
                "age_missing",
                "address_unknown",
                "unknown_condition",
                "bad_date",
                "diagnosis_in_future",
                "missing",
            ],
        ),
        (4, "error", ["too_many_cells"]),
        (5, "error", ["missing", "age_missing", *["missing"] * 6]),
    ]


def workbook(
    *rows: str,
    merged: str = "",
    formula: str = "",
    others: Mapping[str, Sequence[str]] | None = None,
) -> bytes:
    """The same cards as .xlsx, with these cells merged (their value from the first), a formula
    whose result was not saved, or other sheets."""
    file = io.BytesIO()
    book = xlsxwriter.Workbook(file, {"in_memory": True})
    sheet = book.add_worksheet()
    for n, line in enumerate([HEAD, *rows]):
        sheet.write_row(n, 0, line.split(","))
    if merged:
        sheet.merge_range(merged, "王医生")
    if formula:
        sheet.write_formula(formula, "=NOW()", None, "")
    for name, lines in (others or {}).items():
        other = book.add_worksheet(name)
        for n, line in enumerate(lines):
            other.write_row(n, 0, line.split(","))
    book.close()
    return file.getvalue()


def sent(world, data: bytes):
    return imports.upload(
        content=imports.FileContent(data),
        file_name="cards.xlsx",
        facility=world.hospital,
        by=world.daofu_cdc,
        at=AT,
    )


def page_of(client, world, batch) -> str:
    client.force_login(world.daofu_cdc)
    return client.get(batch.get_absolute_url()).content.decode()


def test_a_year_before_any_rules_is_the_fault_of_its_row_alone(world):
    batch = upload(world, row(1).replace("2020-2-5", "2012-2-5"), row(2))
    assert said(batch) == [(2, "error", ["no_rules"]), (3, "ok", [])]


def test_a_doctor_merged_over_three_rows_reports_all_three_and_the_preview_says_so(client, world):
    batch = sent(
        world, workbook(*(row(n).removesuffix("王医生") for n in (1, 2, 3)), merged="J2:J4")
    )

    assert said(batch) == [(2, "ok", []), (3, "ok", []), (4, "ok", [])]
    page = page_of(client, world, batch)
    assert "填卡医生：2 行" in page
    again = kit.match(run=batch, fields=batch.fields, by=world.daofu_cdc, at=AT)
    assert "填卡医生：2 行" in page_of(client, world, again)
    run(world, again)
    assert [case.doctor for case in Case.objects.all()] == ["王医生"] * 3


def test_a_day_that_the_file_counts_is_shown_as_the_day_that_it_is_read_as(client, world):
    serial = row(1).replace("2020/2/1", "43862").replace("2020-2-5 8:00", "43866.25")
    batch = upload(world, serial, row(2))
    client.force_login(world.daofu_cdc)

    page = client.get(f"/surveillance/monitoring/import/{batch.public_id}/?tab=ok")

    text = page.content.decode()
    assert batch.ok == 2
    assert "2020-02-01 (43862)" in text and "2020-02-05 06:00 (43866.25)" in text
    assert "2020/2/1<" in text  # what is typed as a day stays as it is


def test_headings_below_a_group_are_proposed_and_confirmed_once(client, world):
    top = HEAD.replace("填卡医生", "联系人,")
    below = "," * top.count(",")
    file = "\n".join([top, f"{below[:-1]}填卡医生,联系电话", row(1) + ",", ""])

    def send():
        content = imports.FileContent(file.encode())
        return imports.upload(
            content=content, file_name="x.csv", facility=world.hospital, by=world.daofu_cdc, at=AT
        )

    batch = send()
    client.force_login(world.daofu_cdc)

    assert (batch.state, batch.headings[-2]) == (State.MATCHING, "联系人 › 填卡医生")
    page = client.get(f"/surveillance/monitoring/import/{batch.public_id}/columns/")
    assert "fk-note" in page.content.decode()
    batch = kit.match(run=batch, fields=batch.fields, by=world.daofu_cdc, at=AT)
    assert (batch.state, batch.ok) == (State.READY, 1)
    assert send().state == State.READY


def test_a_file_without_merged_cells_says_nothing_of_them(client, world):
    assert "合并" not in page_of(client, world, sent(world, workbook(row(1))))


def test_a_formula_without_its_result_is_told_as_such_and_not_as_missing(client, world):
    batch = sent(world, workbook(row(1), row(2), formula="I2"))

    assert said(batch) == [(2, "error", ["no_result"]), (3, "ok", [])]
    assert "诊断时间：单元格是公式，文件中没有它的结果。" in page_of(client, world, batch)


def test_a_formula_in_a_column_that_is_not_read_hinders_nothing(world):
    assert said(sent(world, workbook(row(1), formula="L2"))) == [(2, "ok", [])]


def test_a_workbook_with_two_tables_is_refused_and_no_row_of_it_is_taken(client, world):
    data = workbook(row(1), others={"说明": ["填表说明"], "康定": [HEAD, row(2)]})
    client.force_login(world.daofu_cdc)

    response = client.post(
        imports.CARDS.url("imports"),
        {"file": SimpleUploadedFile("cards.xlsx", data), "facility": world.hospital.public_id},
    )

    assert response.status_code == 422
    assert "多张工作表都有表格：Sheet1、康定。" in response.content.decode()
    assert not ImportRun.objects.exists()


def test_a_sheet_that_only_explains_is_passed_over_and_the_preview_says_so(client, world):
    batch = sent(world, workbook(row(1), others={"填表须知": ["一行一人"], "Sheet3": []}))

    assert said(batch) == [(2, "ok", [])]
    assert "没有读取工作簿中的其他工作表： 填表须知</div>" in page_of(client, world, batch)
    assert "其他工作表" not in page_of(client, world, sent(world, workbook(row(2))))


@pytest.mark.parametrize("name", ["=HYPERLINK(1)", "@扎西", "＝1+1", "　=1"])
def test_an_error_file_sent_again_says_what_the_first_one_said(client, world, name):
    """What a spreadsheet would take for a formula has got an apostrophe, which is none of it."""
    bad = row(1, disease="新冠炎").replace("扎西", name)
    batch = upload(world, bad, encoding="utf-8")
    client.force_login(world.daofu_cdc)
    url = batch.kind_of.url("import_errors", batch.public_id)
    file = b"".join(client.get(url).streaming_content)
    assert f"'{name.strip()}" in file.decode()

    again = imports.upload(
        content=imports.FileContent(file),
        file_name="again.csv",
        facility=world.hospital,
        by=world.daofu_cdc,
        at=AT,
    )

    assert [row.values[0] for row in rows_of(again)] == [name.strip()]


def test_the_same_file_again_changes_nothing_and_says_so(world):
    run(world, upload(world, row(1), row(2)))
    before = list(DailyCount.objects.order_by("pk").values_list("n", flat=True))

    again = upload(world, row(1), row(2))

    assert (again.ok, again.known) == (0, 2)
    assert [codes for _, _, codes in said(again)] == [["known"], ["known"]]
    with pytest.raises(kit.NothingToImport):
        kit.confirm(run=again, by=world.daofu_cdc, at=AT)
    assert list(DailyCount.objects.order_by("pk").values_list("n", flat=True)) == before


def test_a_known_card_that_says_something_else_is_pointed_out(world):
    run(world, upload(world, row(1, case_class="疑似病例")))
    again = upload(world, row(1))
    (reason,) = next(rows_of(again)).reasons
    assert reason["code"] == "known_differently"
    assert reason["params"]["fields"] == ["case_class"]


def test_the_same_card_twice_in_a_file_is_imported_once(world):
    batch = upload(world, row(1), row(1))
    assert said(batch) == [(2, "ok", []), (3, "known", ["twice_in_file"])]
    assert run(world, batch).imported == 1


def test_a_card_reported_between_check_and_import_is_known_and_not_doubled(world):
    batch = upload(world, row(1), row(2))
    other = upload(world, row(2))
    run(world, other)

    batch = run(world, batch)

    assert (batch.imported, batch.known) == (1, 1)
    assert Case.objects.count() == 2


def test_another_diagnosis_of_the_same_illness_is_to_be_revised_and_not_imported(world):
    case(world, 1)
    line = row(1).replace("扎西", person(1).name).replace("2020-2-5", "2020-2-4")
    batch = run(world, upload(world, line, row(2)))
    assert said(batch)[0] == (2, "error", ["other_dates"])
    assert Case.objects.count() == 2


def test_what_comes_between_check_and_import_is_said_for_its_row_alone(world):
    stranger = row(1).replace("扎西", "王小明").replace("2020-2-5", "2020-2-4")
    other_day = row(2).replace("2020-2-5", "2020-2-4")
    batch = upload(world, stranger, other_day, row(3))
    assert [outcome for _line, outcome, _codes in said(batch)] == ["ok", "ok", "ok"]
    run(world, upload(world, row(1), row(2)))

    batch = run(world, batch)

    assert said(batch) == [
        (2, "error", ["said"]),
        (3, "error", ["other_dates"]),
        (4, "imported", []),
    ]


def test_another_rooms_refusal_is_said_in_the_language_of_its_reader(world):
    run(world, upload(world, row(1)))
    stranger = row(1).replace("扎西", "王小明").replace("2020-2-5", "2020-2-4")
    batch = upload(world, stranger)
    (refused,) = runs.rows_of(batch)

    in_chinese = imports.CARDS.in_words(refused.reasons)
    with translation.override("en"):
        in_english = imports.CARDS.in_words(refused.reasons)
    assert "登记" in in_chinese[0], in_chinese
    assert in_english[0].startswith("This document is registered for")


def test_a_number_of_another_person_is_said_for_its_row_alone(world):
    run(world, upload(world, row(1)))
    stranger = row(1).replace("扎西", "王小明").replace("2020-2-5", "2020-2-4")
    batch = run(world, upload(world, stranger, row(2)))
    assert [(line, outcome) for line, outcome, _ in said(batch)] == [(2, "error"), (3, "imported")]


def test_a_killed_import_goes_on_where_it_stopped(world, monkeypatch):
    monkeypatch.setattr(kit, "CHUNK", 2)
    batch = upload(world, *(row(n) for n in range(1, 6)))
    batch = kit.confirm(run=batch, by=world.daofu_cdc, at=AT)

    def killed(done: int, total: int) -> None:
        if done == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        kit.enter(run=batch, at=AT, progress=killed)
    assert Case.objects.count() == 4

    batch = kit.enter(run=batch, at=AT)
    assert (batch.state, batch.imported) == (State.DONE, 5)
    assert sorted(one.number[-1] for one in Case.objects.all()) == list("12345")
    assert queries.check_counts().right
    assert kit.enter(run=batch, at=AT).imported == 5  # a third time does nothing


def test_a_killed_check_goes_on_and_still_sees_cards_that_stand_twice(world, monkeypatch):
    monkeypatch.setattr(kit, "CHUNK", 2)
    monkeypatch.setattr(kit, "AT_ONCE", 0)
    batch = upload(world, row(1), row(2), row(1))
    assert batch.state == State.CHECKING
    assert queue.latest_about(kit.CHECK, batch.pk) is not None

    def killed(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        kit.check(run=batch, by=world.daofu_cdc, at=AT, progress=killed)
    kit.check(run=batch, by=world.daofu_cdc, at=AT)

    batch.refresh_from_db()
    assert (batch.state, batch.ok, batch.known) == (State.READY, 2, 1)


def test_a_cancelled_import_keeps_no_row(world):
    batch = upload(world, row(1))
    batch = kit.cancel(run=batch, by=world.daofu_cdc, at=AT)
    assert batch.state == State.CANCELLED
    assert not ImportChunk.objects.exists()
    with pytest.raises(kit.NotReady):
        kit.confirm(run=batch, by=world.daofu_cdc, at=AT)


def test_what_is_left_of_old_imports_is_emptied_after_a_week_and_not_before(world):
    done = run(world, upload(world, row(1), row(2, case_class="也许")))
    waiting = upload(world, row(3))

    kit.forget(at=AT + timedelta(days=6))
    assert runs.first_rows(done, Outcome.ERROR, 1)[0].values != []
    kit.forget(at=AT + timedelta(days=8))

    assert runs.first_rows(done, Outcome.ERROR, 1) == []
    waiting.refresh_from_db()
    assert waiting.state == State.CANCELLED


def test_a_hospital_cannot_report_for_another_in_a_file(world):
    batch = imports.upload(
        content=imports.FileContent(f"{HEAD},报告单位\n{row(1)},康定市人民医院\n".encode()),
        file_name="cards.csv",
        facility=world.hospital,
        by=world.clinician,
        at=AT,
    )
    assert said(batch) == [(2, "error", ["facility_unknown"])]


def test_a_picture_is_refused_and_leaves_no_trace(world):
    with pytest.raises(kit.BadFile):
        imports.upload(
            content=imports.FileContent(b"\x89PNG\r\n\x1a\n"),
            file_name="cards.csv",
            facility=world.hospital,
            by=world.daofu_cdc,
            at=AT,
        )
    assert not ImportChunk.objects.exists()


# --- On two cores ---------------------------------------------------------------------------------


def facts_of_all() -> list[tuple[object, ...]]:
    """Everything that was entered, but for keys and moments."""
    return [
        (
            *(one.number, one.condition, one.case_class, one.onset_date, one.diagnosed_at),
            *(one.definition, one.area_id, one.county_id, one.facility_id, one.report_due_at),
            *(one.review_due_at, one.doctor, one.card_print, one.synthetic, one.reported_at),
            *(one.person.name, one.person.name_pinyin, one.person.name_initials, one.person.sex),
            *(one.person.birth_date, one.person.area_id, one.person.full_address),
            *((d.kind, d.full_number, d.number_index) for d in one.person.documents.all()),
            *((p.kind, p.full_number, p.number_index) for p in one.person.phones.all()),
            one.cards.get().area_id,
        )
        for one in Case.objects.order_by("number")
    ]


def named(n: int, **changes: str) -> str:
    """As ``row``, each person with a name of their own, so that they can be nobody else."""
    return row(n, **changes).replace("扎西,", f"{person(n).name},", 1)


def mixed(world) -> list[str]:
    """Rows of every kind: new, bad, twice, of a known person, two cards about one person, two who
    may be one, and one without a document."""
    case(world, 3)
    rows = [named(n) for n in (1, 2)] + [named(3, disease="麻疹"), named(1, disease="麻疹")]
    rows += [named(4), named(5, case_class="也许"), named(2), row(20), row(21), named(6)]
    rows += [named(7).replace(id_number(7), "").replace("\n", ""), *(named(n) for n in (8, 9, 0))]
    return rows


@pytest.mark.both_databases
@pytest.mark.parametrize("helper", [False, True])
def test_what_is_prepared_beside_is_entered_as_row_by_row(world, monkeypatch, settings, helper):
    settings.FANGKONG_HELPER = helper
    monkeypatch.setattr(kit, "CHUNK", 3)
    monkeypatch.setattr(kit, "AT_ONCE", 0)
    gave_up: list[object] = []
    monkeypatch.setattr(kit.log, "warning", lambda *said, **_more: gave_up.append(said))
    rows = mixed(world)

    def entered() -> tuple[object, ...]:
        batch = upload(world, *rows)
        kit.check(run=batch, by=world.daofu_cdc, at=AT)
        batch.refresh_from_db()
        batch = run(world, batch)
        assert queries.check_counts().right
        return batch.imported, said(batch), facts_of_all()

    with transaction.atomic():
        beside = entered()
        transaction.set_rollback(True)
    monkeypatch.setattr(kit, "isinstance", lambda *_asked: False, raising=False)

    assert beside == entered()
    assert beside[0] == 11
    assert gave_up == []


@pytest.mark.both_databases
@pytest.mark.parametrize("helper", [False, True])
def test_two_cards_of_one_new_person_about_one_illness_become_one_case(
    world, monkeypatch, settings, helper
):
    """In one chunk, which the helper prepares: the first card's case is there when the second is
    looked up. A third card, about another illness, becomes a case."""
    settings.FANGKONG_HELPER = helper
    monkeypatch.setattr(kit, "CHUNK", 5)
    monkeypatch.setattr(kit, "AT_ONCE", 0)
    first = [named(n) for n in (5, 6, 7, 8, 9)]
    earlier = named(2).replace("2020-2-5 8:00", "2020-2-4 7:30")
    batch = upload(world, *first, named(1), named(2), earlier, named(2, disease="麻疹"), named(3))
    kit.check(run=batch, by=world.daofu_cdc, at=AT)
    batch.refresh_from_db()

    batch = run(world, batch)

    assert said(batch)[5:] == [
        (7, "imported", []),
        (8, "imported", []),
        (9, "error", ["other_dates"]),
        (10, "imported", []),
        (11, "imported", []),
    ]
    (whom,) = Person.objects.filter(name=person(2).name)
    found = Case.objects.filter(person=whom).order_by("number")
    assert [one.condition for one in found] == ["covid-19", "measles"]
    assert [one.number[-5:] for one in found] == ["00007", "00009"]
    assert queries.check_counts().right


@pytest.mark.both_databases
@pytest.mark.django_db(transaction=True)
def test_a_helper_that_hangs_is_done_without_and_keeps_nobody_from_writing(
    world, monkeypatch, settings
):
    settings.FANGKONG_HELPER = True
    monkeypatch.setattr(kit, "CHUNK", 2)
    monkeypatch.setattr(kit, "AT_ONCE", 0)
    monkeypatch.setattr(aside, "PATIENCE", 0.3)
    ask, answer, stopped, held = Aside.ask, Aside.answer, [], []

    def ask_one_that_stands_still(helper, question):
        os.kill(helper.pid, signal.SIGSTOP)
        os.waitpid(helper.pid, os.WUNTRACED)
        stopped.append(helper)
        ask(helper, question)

    def wait(helper):
        held.append(connection.in_atomic_block)
        return answer(helper)

    monkeypatch.setattr(Aside, "ask", ask_one_that_stands_still)
    monkeypatch.setattr(Aside, "answer", wait)
    batch = upload(world, *(named(n) for n in range(1, 6)))
    kit.check(run=batch, by=world.daofu_cdc, at=AT)
    batch.refresh_from_db()

    assert run(world, batch).imported == 5
    assert held == [False, False]  # once at the check, once at the entry
    assert [helper.ended for helper in stopped] == [True, True]


def test_a_file_is_entered_where_the_system_gives_no_process(world, monkeypatch, settings):
    def no_room() -> int:
        raise BlockingIOError

    settings.FANGKONG_HELPER = True
    monkeypatch.setattr(kit, "AT_ONCE", 0)
    monkeypatch.setattr(os, "fork", no_room)
    batch = upload(world, named(1), named(2))
    kit.check(run=batch, by=world.daofu_cdc, at=AT)
    batch.refresh_from_db()

    assert run(world, batch).imported == 2


@pytest.mark.both_databases
def test_numbers_follow_the_file_also_where_some_persons_are_known(world):
    case(world, 2, condition="measles", severity="")
    rows = [named(1), named(2), named(3), named(1, disease="麻疹")]
    run(world, upload(world, *rows))
    told = [
        (one.number[-5:], one.person.documents.get().full_number)
        for one in Case.objects.order_by("number")
    ]

    assert told[1:4] == [(f"0000{n + 1}", id_number(n)) for n in (1, 2, 3)]


@pytest.mark.both_databases
def test_a_person_entered_by_another_process_at_the_same_moment_is_found_after_all(
    world, monkeypatch
):
    """It was not there when it was asked for: the database refuses it, and the chunk goes again."""
    batch = upload(world, named(1), named(2))
    known = case(world, 2, condition="measles", severity="").person
    monkeypatch.setattr(ready, "_sorted_out", lambda all_: (list(range(len(all_.alone))), []))

    assert run(world, batch).imported == 2
    assert Case.objects.filter(person=known).count() == 2
