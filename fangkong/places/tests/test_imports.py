"""Areas and facilities of another prefecture come from files, and the same file changes nothing."""

from __future__ import annotations

import os
from io import StringIO
from pathlib import Path
from secrets import token_hex

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command
from django.urls import reverse

from fangkong.core.audit.models import AuditLine
from fangkong.core.imports import actions as kit
from fangkong.core.imports.models import ImportRun
from fangkong.core.imports.queries import rows_of
from fangkong.core.imports.types import Place, State
from fangkong.places.imports import AREAS, FACILITIES
from fangkong.places.models import Area, Facility, Population

from .factories import AT, member

CALLED = """\
代码,级别,名称
513201,县级市,马尔康市
513201100,镇,马尔康镇
513299,市,某市
"""
HEAD = "code,level,parent,name_zh,short_zh,valid_from"
ABA = """\
code,level,parent,name_zh,short_zh,valid_from
513201,county,513200,马尔康市,马尔康,2015-11-02
513201100,township,513201,马尔康镇,马尔康,2015-11-02
"""


@pytest.fixture
def hq(areas, settings):
    settings.FANGKONG_AREA = "513300"
    return member("headquarters", where=areas["513300"])


def imported(kind, text: str, by) -> ImportRun:
    run = kit.upload(
        kind=kind.name,
        content=kit.FileContent(text.encode()),
        file_name="places.csv",
        place=Place(),
        by=by,
        at=AT,
    )
    return kit.enter(run=kit.confirm(run=run, by=by, at=AT), at=AT) if run.ok else run


def said(run: ImportRun) -> list[tuple[int, str, list[str]]]:
    return [(r.line, r.outcome, [reason["code"] for reason in r.reasons]) for r in rows_of(run)]


def test_levels_are_understood_as_lists_of_areas_call_them(hq):
    run = imported(AREAS, CALLED, hq)

    assert dict(Area.objects.filter(code__startswith="513201").values_list("code", "level")) == {
        "513201": "county",
        "513201100": "township",
    }
    assert [one[2] for one in said(run) if one[1] == "error"] == [["not_one_of"]]


def test_areas_enter_below_parents_of_the_same_file_each_with_its_line(hq):
    run = imported(AREAS, ABA, hq)

    assert (run.state, run.imported) == (State.DONE, 2)
    town = Area.objects.get(code="513201100")
    assert (town.parent.code, town.county.code) == ("513201", "513201")
    assert AuditLine.objects.filter(action="places.add_area", subject_id=town.pk).count() == 1


def test_a_day_may_be_the_number_that_a_spreadsheet_counts(hq):
    imported(AREAS, ABA.replace("2015-11-02", "42310"), hq)

    assert Area.objects.get(code="513201").valid_from.isoformat() == "2015-11-02"


def test_the_same_areas_again_are_known_and_change_nothing(hq):
    imported(AREAS, ABA, hq)
    before = list(Area.objects.order_by("pk").values())

    again = imported(AREAS, ABA, hq)

    assert (again.ok, again.known) == (0, 2)
    assert list(Area.objects.order_by("pk").values()) == before


def test_an_area_that_the_file_knows_better_is_brought_up_to_date(hq):
    imported(AREAS, ABA, hq)
    run = imported(AREAS, f"{HEAD}\n513201,county,513200,马尔康市,马康,2015-11-02\n", hq)

    assert run.imported == 1
    assert Area.objects.get(code="513201").short_zh == "马康"


def test_every_fault_of_an_area_is_said_at_once(hq):
    run = imported(AREAS, f"{HEAD}\n51x,county,999999,,x,2015-13-01\n", hq)

    assert said(run) == [(2, "error", ["wrong_code", "no_parent", "missing", "bad_date"])]


def test_a_facility_is_found_by_its_area_and_not_doubled(hq):
    text = "name_zh,kind,area\n鲜水镇卫生院,乡镇卫生院,道孚县鲜水镇\n炉城医院,hospital,513301\n"
    run = imported(FACILITIES, text, hq)
    assert (run.imported, run.errors) == (2, 0), said(run)

    again = imported(FACILITIES, text.replace("hospital", "laboratory"), hq)

    assert said(again) == [(2, "known", ["known"]), (3, "known", ["known_differently"])]
    assert Facility.objects.count() == 2


def test_a_facility_of_nowhere_is_said(hq):
    run = imported(FACILITIES, "name_zh,kind,area\nx,nothing,天上\n", hq)
    assert said(run) == [(2, "error", ["no_area", "not_one_of"])]


# --- Pages ---


def post(client, text: str, what: str = "areas"):
    return client.post(
        reverse("places:imports", args=[what]),
        {"_key": token_hex(8), "file": SimpleUploadedFile("places.csv", text.encode())},
    )


def test_unknown_headings_are_matched_by_hand_and_remembered_for_the_next_file(client, hq):
    client.force_login(hq)
    text = ABA.replace("code,level,parent,name_zh", "Ziffer,Ebene,darin,Name")
    run_url = post(client, text)["Location"]
    columns = client.get(run_url)["Location"]

    page = client.get(columns).content.decode()
    assert "Ziffer" in page and "513201" in page
    missing = client.post(columns, {"_key": "a", "column_0": "code"})
    assert missing.status_code == 422
    fields = ["code", "level", "parent", "name_zh", "short_zh", "valid_from"]
    sent = {f"column_{n}": field for n, field in enumerate(fields)}
    assert client.post(columns, {"_key": "b", **sent})["Location"] == run_url
    assert ImportRun.objects.get().ok == 2

    again = post(client, text.replace("马尔康镇", "另一个镇"))

    assert ImportRun.objects.latest("pk").state == State.READY
    assert client.get(again["Location"]).status_code == 200


def test_another_user_is_asked_for_the_same_headings_again(client, hq, areas):
    text = ABA.replace("code,level,parent,name_zh", "Ziffer,Ebene,darin,Name")
    fields = ["code", "level", "parent", "name_zh", "short_zh", "valid_from"]
    run = imported(AREAS, text, hq)
    kit.match(run=run, fields=fields, by=hq, at=AT)
    other = member("administrator", where=areas["513300"])

    assert imported(AREAS, text, other).state == State.MATCHING


def test_two_columns_for_one_field_are_refused_and_nothing_is_checked(hq):
    run = imported(AREAS, ABA.replace("code,", "Ziffer,"), hq)
    fields = ["code", "code", "parent", "name_zh", "level", "valid_from"]

    with pytest.raises(kit.WrongColumns):
        kit.match(run=run, fields=fields, by=hq, at=AT)

    run.refresh_from_db()
    assert run.state == State.MATCHING


@pytest.mark.parametrize("role", ["hospital", "auditor", "county_cdc"])
def test_who_may_not_import_places_sees_no_page_of_it(client, areas, role):
    client.force_login(member(role, where=areas["513326"]))
    assert client.get(reverse("places:imports", args=["areas"])).status_code == 403


def test_a_run_of_areas_is_not_found_among_facilities(client, hq):
    client.force_login(hq)
    run = imported(AREAS, ABA, hq)
    assert client.get(run.get_absolute_url()).status_code == 200
    other = reverse("places:import_detail", args=["facilities", run.public_id])
    assert client.get(other).status_code == 404
    assert client.get(reverse("places:imports", args=["others"])).status_code == 404


# --- A whole prefecture: Aba ---

# People of three counties by the census of 2020: the bulletin of Aba on the Seventh National
# Population Census, as the file of the shared data has them.
THREE = """\
code,name_zh,resident_pop_2020
513201,马尔康市,58390
513221,汶川县,82971
513222,理县,36926
"""
BESIDE = Path(__file__).resolve().parents[3].parent / "shared"
SHARED = Path(os.environ.get("FANGKONG_SHARED", BESIDE))
WHOLE = SHARED / "data" / "geo" / "aba_13_counties_pop2020.csv"


def entered(file, **options) -> str:
    out = StringIO()
    call_command("import_places", str(file), stdout=out, **options)
    return out.getvalue()


@pytest.fixture
def three(tmp_path):
    file = tmp_path / "aba.csv"
    file.write_text(THREE, "utf-8")
    return file


def test_level_and_parent_are_read_from_the_code_and_people_with_their_year(areas, three):
    assert "3 written" in entered(three)

    county = Area.objects.get(code="513222")
    assert (county.level, county.parent.code) == ("county", "513200")
    assert county.valid_from.isoformat() == "2020-01-01"
    assert [(p.year, p.kind, p.count) for p in county.populations.all()] == [
        (2020, "census", 36926)
    ]


def test_counties_without_day_or_figure_are_as_old_as_what_they_lie_in(areas, tmp_path):
    head = "code,name_zh,valid_from\n"
    file = tmp_path / "zigong.csv"
    file.write_text(head + "510300,自贡市,1983-03-03\n510302,自流井区,\n", "utf-8")
    entered(file)

    found = Area.objects.filter(code__startswith="5103").values_list("valid_from", flat=True)
    assert [day.isoformat() for day in found] == ["1983-03-03"] * 2

    file.write_text(head + "510303,贡井区,\n", "utf-8")  # its row was refused and comes again
    entered(file)
    assert Area.objects.get(code="510303").valid_from.isoformat() == "1983-03-03"


def test_columns_that_are_no_field_are_named(areas, tmp_path):
    file = tmp_path / "aba.csv"
    file.write_text("code,name_zh,普查\n513201,马尔康市,58390\n", "utf-8")

    assert "not read, no such field: 普查" in entered(file)


def test_a_second_time_changes_nothing_and_leaves_no_line(areas, three):
    entered(three)
    lines = AuditLine.objects.count()

    assert "0 written, 3 known" in entered(three)

    assert AuditLine.objects.count() == lines


@pytest.mark.parametrize("encoding", ["gb18030", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("mark", [";", "\t"])
def test_other_delimiters_and_encodings_are_read(areas, tmp_path, encoding, mark):
    file = tmp_path / "aba.csv"
    file.write_text(THREE.replace(",", mark), encoding)

    assert "3 would be written" in entered(file, dry_run=True)

    assert not Area.objects.filter(code="513201").exists()


def test_a_corrected_figure_alone_is_written(areas, three):
    entered(three)
    three.write_text(THREE.replace("82971", "82972"), "utf-8")

    assert "1 written, 2 known" in entered(three)

    assert Area.objects.get(code="513221").populations.get().count == 82972


def test_one_wrong_row_keeps_all_out_and_is_told_by_its_line(areas, tmp_path):
    file = tmp_path / "aba.csv"
    file.write_text(THREE + "990101,某县,many\n", "utf-8")

    with pytest.raises(CommandError, match=r"line 5: .*990100.*many"):
        entered(file)

    assert not Area.objects.filter(code="513201").exists()


def test_a_figure_without_its_year_is_refused(areas, tmp_path):
    file = tmp_path / "aba.csv"
    file.write_text("code,name_zh,population\n513201,马尔康市,58390\n", "utf-8")
    with pytest.raises(CommandError, match="nothing was written"):
        entered(file)


@pytest.mark.skipif(not WHOLE.is_file(), reason="the shared data is not on this machine")
def test_aba_comes_in_whole_and_once(areas):
    assert "13 written" in entered(WHOLE)
    assert "0 written, 13 known" in entered(WHOLE)
    whole = Area.objects.get(code="513200")
    people = Population.objects.filter(area__parent=whole, year=2020, kind="census")
    assert (len(people), sum(row.count for row in people)) == (13, 822_587)
