"""The steps: each checked, none out of turn, nothing made before the last, all of it resumable."""

from __future__ import annotations

import subprocess

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from fangkong.accounts.models import User
from fangkong.places.models import Area, Facility
from fangkong.web.setup import draft, making

ABA = "区划编号,名称,备注\n513201,马尔康市,x\n513221,汶川县,y\n"
GOOD = {
    "admin": "zhou", "admin_name": "周宁", "clerk": "tashi", "clerk_name": "扎西",
    "admin_password": "Zx8-wolke-brunnen", "admin_again": "Zx8-wolke-brunnen",
    "clerk_password": "Holz-mond-77-fluss", "clerk_again": "Holz-mond-77-fluss",
}  # fmt: skip


def where(client, area="513200"):
    return client.post("/setup/", {"region": "CN", "language": "zh-hans", "area": area})


def give(client, text=ABA, name="aba.csv"):
    data = text if isinstance(text, bytes) else text.encode()
    return client.post("/setup/places/", {"file": SimpleUploadedFile(name, data)})


def match(client, *fields):
    return client.post("/setup/columns/", {f"column_{n}": f for n, f in enumerate(fields)})


def up_to_staff(client):
    where(client)
    give(client)
    match(client, "code", "name_zh", "")
    client.post("/setup/preview/")
    county = {"county": "513201", "hospital": "马尔康市人民医院"}
    assert client.post("/setup/hospital/", county).url == "/setup/staff/"


@pytest.mark.parametrize("area", ["", "51320", "abcdef", "510000", "999999", "160300"])
def test_a_code_that_cannot_be_served_is_refused(inside, area):
    assert where(inside, area).status_code == 422
    assert draft.read() == {}


@pytest.mark.parametrize("step", ["places", "columns", "preview", "hospital", "staff"])
def test_no_step_comes_before_its_turn(inside, step):
    answer = inside.get(f"/setup/{step}/", follow=True)

    assert answer.request["PATH_INFO"] == "/setup/"


def test_counties_that_are_known_need_no_file_and_others_do(inside):
    where(inside, "513300")
    assert "Please choose." not in inside.get("/setup/places/").content.decode()
    assert inside.post("/setup/places/").url == "/setup/hospital/"

    where(inside, "513400")
    assert inside.post("/setup/places/").status_code == 422


@pytest.mark.parametrize("data", [b"", b"%PDF-1.4", b"PK\x03\x04" + b"\x00" * 50, b"\x00" * 100])
def test_what_is_no_table_is_refused_in_words(inside, data):
    where(inside)

    answer = give(inside, data)

    assert answer.status_code == 422
    assert 'id="id_file_error"' in answer.content.decode()
    assert draft.given() == b""


def test_columns_with_unknown_headings_are_matched_by_hand(inside):
    where(inside)
    assert give(inside).url == "/setup/columns/"
    text = inside.get("/setup/columns/").content.decode()
    assert "区划编号" in text and "513201" in text

    assert match(inside, "", "name_zh", "").status_code == 422  # no code
    assert match(inside, "code", "name_zh", "name_zh").status_code == 422  # twice
    assert match(inside, "code", "name_zh", "").url == "/setup/preview/"
    assert "汶川县" in inside.get("/setup/preview/").content.decode()


@pytest.mark.parametrize(
    ("area", "text", "said"),
    [
        ("513200", ABA.replace("513221", "51322X"), "Line 3"),
        ("513200", ABA.replace("513201", "519901"), "519900"),
        ("513400", ABA, "No area has the code 513400"),
        ("513400", "区划编号,名称,备注\n513400,凉山州,x\n", "No county of 513400"),
    ],
)
def test_rows_that_cannot_be_entered_are_told_with_their_line_and_stop_here(
    inside, area, text, said
):
    where(inside, area)
    give(inside, text)
    match(inside, "code", "name_zh", "")
    before = Area.objects.count()

    answer = inside.post("/setup/preview/")

    assert answer.status_code == 422
    assert said in answer.content.decode()
    assert Area.objects.count() == before


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"admin_password": "zhou12345678", "admin_again": "other"}, "The two passwords differ"),
        ({"admin_password": "short", "admin_again": "short"}, "too short"),
        ({"clerk": "zhou"}, "taken"),
        ({"admin": "Zhou"}, "valid"),
        ({"clerk_name": ""}, "Please fill this in."),
    ],
)
def test_weak_or_wrong_accounts_make_nothing(inside, changed, said, monkeypatch):
    monkeypatch.setattr(making, "set_up", lambda *_: pytest.fail("nothing may be made"))
    up_to_staff(inside)

    answer = inside.post("/setup/staff/", GOOD | changed)

    text = answer.content.decode()
    assert answer.status_code == 422 and said in text
    assert GOOD["admin_password"] not in text


def test_nothing_is_made_before_the_last_step_and_a_new_browser_goes_on_there(inside):
    areas, facilities = Area.objects.count(), Facility.objects.count()
    up_to_staff(inside)

    assert (Area.objects.count(), Facility.objects.count()) == (areas, facilities)
    assert not User.objects.exists()
    kept = (draft.folder() / "draft.json").read_text("utf-8")
    assert "马尔康市人民医院" in kept
    assert (draft.folder() / "draft.json").stat().st_mode & 0o077 == 0
    assert inside.get("/setup/staff/").status_code == 200  # the draft is not in the session


def test_the_house_is_made_by_the_command_with_passwords_on_its_input_only(
    inside, monkeypatch, settings, closes
):
    asked = {}

    def run(command, **how):
        asked.update(command=command, typed=how["input"])
        (settings.FANGKONG_DATA / "prefecture.json").write_text("{}")
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(making.subprocess, "run", run)
    up_to_staff(inside)

    answer = inside.post("/setup/staff/", GOOD)

    assert answer.status_code == 200 and "closed for ever" in answer.content.decode()
    assert "--admin=zhou" in asked["command"] and "--county=513201" in asked["command"]
    assert GOOD["admin_password"] not in str(asked["command"])
    assert asked["typed"] == f"{GOOD['admin_password']}\n{GOOD['clerk_password']}\n"
    assert closes == ["closed"]
    assert not (settings.FANGKONG_DATA / "setup").exists()
    assert inside.get("/setup/").status_code == 404


def test_what_the_command_refuses_is_told_and_the_door_stays_open(inside, monkeypatch, closes):
    def run(command, **how):
        return subprocess.CompletedProcess(command, 2, "", "fangkong: the disk is full\n")

    monkeypatch.setattr(making.subprocess, "run", run)
    up_to_staff(inside)

    answer = inside.post("/setup/staff/", GOOD)

    assert answer.status_code == 422 and "The disk is full" in answer.content.decode()
    assert closes == []
    assert inside.get("/setup/staff/").status_code == 200


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("it is being set up at this moment. Wait, then reload.", "正在设置"),
        ("there are accounts already: this installation is set up.", "已经设置"),
        ("the disk is full: nothing more was written. Free some space.", "磁盘已满"),
        ("the database does not answer (x). Check DATABASE_URL and start it.", "数据库没有响应"),
        ("no area has the code 513200. Give its areas with --places FILE.", "地区文件"),
        ("something new.", "未创建任何内容"),
        ("用户名已被占用。", "用户名已被占用。"),  # an action speaks the language of the page
    ],
)
def test_a_refusal_of_the_command_comes_in_the_language_of_the_page(
    inside, monkeypatch, said, shown
):
    spoken = []

    def run(command, **how):
        spoken.append(how["env"]["FANGKONG_SPOKEN"])
        return subprocess.CompletedProcess(command, 2, "", f"fangkong: {said}\n")

    monkeypatch.setattr(making.subprocess, "run", run)
    up_to_staff(inside)
    inside.cookies["django_language"] = "zh-hans"

    answer = inside.post("/setup/staff/", GOOD)

    assert answer.status_code == 422
    assert shown in answer.content.decode()
    assert spoken == ["zh-hans"]
