"""Files of results: entered once, each row with its reason, and hostile ones."""

from __future__ import annotations

import io

import pytest
import xlsxwriter
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from fangkong.core.imports import actions as kit
from fangkong.core.imports.models import ImportRun
from fangkong.core.imports.queries import rows_of
from fangkong.surveillance.exchange.imports import RESULTS
from fangkong.surveillance.testing.models import Result
from fangkong.surveillance.testing.tests.factories import AT, facts, received, requested

pytestmark = pytest.mark.both_databases

HEAD = "采样管编号,检测结果,检测方法,ORF1ab,N,检测时间,检验编号"


def table(*lines: str, head: str = HEAD) -> bytes:
    return "\n".join([head, *lines, ""]).encode()


def url(name, *args):
    return reverse(f"surveillance:exchange:{name}", args=args)


@pytest.fixture
def upload(client, world):
    def send(content: bytes, name: str = "results.csv", key: str = "k"):
        client.force_login(world.technician)
        client.cookies["django_language"] = "en"
        said = {"_key": key, "laboratory": str(world.bench.public_id)}
        return client.post(url("imports"), {**said, "file": SimpleUploadedFile(name, content)})

    return send


def checked(world) -> ImportRun:
    run = ImportRun.objects.latest("pk")
    if run.state == "checking":
        kit.check(run=run, by=world.technician, at=AT)
        run.refresh_from_db()
    return run


def entered(world, run: ImportRun) -> ImportRun:
    kit.confirm(run=run, by=world.technician, at=AT)
    run.refresh_from_db()
    if run.state == "running":
        kit.enter(run=run, at=AT)
        run.refresh_from_db()
    return run


def told(run: ImportRun) -> list[tuple[str, list[str]]]:
    return [(row.outcome, [one["code"] for one in row.reasons]) for row in rows_of(run)]


def test_a_file_is_checked_entered_and_known_when_it_comes_again(upload, world):
    tube, other = received(world), requested(world, facts=facts(specimen_type="sputum"))
    content = table(
        f"{tube.number},阳性,核酸检测,21.5,22.01,2020-02-05 10:00,L1",
        f"{other.number.lower()},阴性,,,,,L2",
    )
    upload(content)
    run = checked(world)
    assert [row.outcome for row in rows_of(run)] == ["ok", "ok"]
    assert not Result.objects.exists()

    entered(world, run)

    first, second = Result.objects.order_by("pk")
    assert (first.outcome, first.ct, first.channel) == (
        "positive", {"ORF1ab": 2150, "N": 2201}, "file",
    )  # fmt: skip
    assert (second.specimen, second.outcome) == (other, "negative")
    upload(content, "again.csv", key="k2")
    again = checked(world)
    assert [row.outcome for row in rows_of(again)] == ["known", "known"]
    assert Result.objects.count() == 2


def test_each_row_says_why_it_is_not_taken_and_the_others_are(upload, world):
    tube, done = received(world), received(world, facts=facts(specimen_type="sputum"))
    upload(table(f"{done.number},阴性,,,,,"))
    entered(world, checked(world))
    upload(
        table(
            f"{tube.number},阴性,,,,,",
            "VTM-0042,阴性,,,,,",
            "S513326200000010,阴性,,,,,",
            ",阴性,,,,,",
            f"{tube.number},也许,,,,,",
            f"{tube.number},阴性,看一眼,,,,",
            f"{tube.number},阳性,,abc,,,",
            f"{tube.number},阳性,,1e999999,,,",
            f"{tube.number},阳性,,1e5000,,,",
            f"{tube.number},阳性,,99,,,",
            f"{tube.number},阳性,,1E999999,,,",
            f"{tube.number},阴性,,,,昨天,",
            f"{tube.number},阴性,,,,2020-02-06 10:00,",
            f"{done.number},阳性,,20,,,",
            "513326197001010015,阴性,,,,,",
            '=HYPERLINK("http://x"),阴性,,,,,',
        ),
        key="k2",
    )

    run = checked(world)

    assert told(run) == [
        ("ok", []),
        ("error", ["not_unknown_tube"]),
        ("error", ["number_mistyped"]),
        ("error", ["missing"]),
        ("error", ["unknown_outcome"]),
        ("error", ["unknown_method"]),
        ("error", ["not_a_number"]),
        ("error", ["not_a_number"]),
        ("error", ["not_a_number"]),
        ("error", ["said"]),
        ("error", ["not_a_number"]),
        ("error", ["bad_moment"]),
        ("error", ["to_come"]),
        ("error", ["not_reported"]),
        ("error", ["said"]),
        ("error", ["number_unreadable"]),
    ]
    run = entered(world, run)
    assert (run.state, Result.objects.count()) == ("done", 2)


def test_a_workbook_with_unknown_headings_is_matched_by_hand(client, upload, world):
    tube = received(world)
    book = io.BytesIO()
    with xlsxwriter.Workbook(book) as workbook:
        sheet = workbook.add_worksheet()
        for column, (head, value) in enumerate(
            [("管子", tube.number), ("检测结果", "阴性"), ("N基因", 30.5)]
        ):
            sheet.write(0, column, head)
            sheet.write(1, column, value)

    upload(book.getvalue(), "results.xlsx")

    run = ImportRun.objects.get()
    assert run.state == "matching"
    page = client.get(url("import_columns", run.public_id)).content.decode()
    assert "管子" in page


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("results.xlsx", b"PK\x03\x04 broken"),
        ("results.csv", b"\xff\xfe\x00\x00\x01"),
        ("results.csv", b""),
        ("results.xml", b"<!DOCTYPE x [<!ENTITY a SYSTEM 'file:///etc/passwd'>]><x>&a;</x>"),
        ("results.csv", HEAD.encode()),
    ],
)
def test_a_file_that_is_none_is_refused(upload, name, content):
    answer = upload(content, name)

    assert answer.status_code in (413, 422), answer.content[:300]
    assert not ImportRun.objects.exists()


def test_the_file_of_another_laboratory_is_not_found(client, upload, world):
    upload(table("VTM-0042,阴性,,,,,"))
    run = ImportRun.objects.get()

    client.force_login(world.other_technician)
    assert client.get(url("import_detail", run.public_id)).status_code == 404
    client.force_login(world.daofu_cdc)
    assert client.get(url("imports")).status_code == 403
    assert RESULTS.required() == ["number", "outcome"]
