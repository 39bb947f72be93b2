"""``fangkong setup``: once, from nothing, whole or not at all; its choice is kept."""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
import sys

import pytest

from fangkong.config import env

AREAS = "code,name_zh,resident_pop_2020\n513201,马尔康市,58390\n513221,汶川县,82971\n"
PASSWORDS = "Zx8-wolke-brunnen\nHolz-mond-77-fluss\n"


Ended = subprocess.CompletedProcess[str]


def setup(data, *more: str, typed: str = PASSWORDS, **asked: str) -> Ended:
    given = {
        "area": "513200",
        "county": "513201",
        "hospital": "马尔康市人民医院",
        "admin": "zhou",
        "admin-name": "周宁",
        "clerk": "tashi",
        "clerk-name": "扎西",
    } | {name.replace("_", "-"): value for name, value in asked.items()}
    words = [word for name, value in given.items() if value for word in (f"--{name}", value)]
    own = {k: v for k, v in os.environ.items() if not k.startswith(("FANGKONG_", "DATABASE_URL"))}
    return subprocess.run(
        [sys.executable, "-m", "fangkong.config.cli", "setup", *words, *more],
        env={**own, "FANGKONG_DATA": str(data)},
        input=typed,
        capture_output=True,
        text=True,
    )


def test_the_choice_of_setup_stands_until_the_environment_says_otherwise(tmp_path):
    (tmp_path / env.PREFECTURE).write_text('{"FANGKONG_AREA": "513200"}')
    here = {"FANGKONG_DATA": str(tmp_path)}

    assert env.read(here).home_area == "513200"
    assert env.read({**here, "FANGKONG_AREA": ""}).home_area == "513200"
    assert env.read({**here, "FANGKONG_AREA": "510000"}).home_area == "510000"


@pytest.mark.parametrize("text", ["{", "[]"])
def test_a_choice_that_cannot_be_read_stops_the_start(tmp_path, text):
    (tmp_path / env.PREFECTURE).write_text(text)
    with pytest.raises(env.WrongSetting, match=r"prefecture\.json cannot be read"):
        env.read({"FANGKONG_DATA": str(tmp_path)})


def test_nothing_is_asked_where_nobody_types_and_a_missing_answer_writes_nothing(tmp_path):
    answer = setup(tmp_path, area="")

    assert answer.returncode == 2
    assert "--area is missing" in answer.stderr
    assert not list(tmp_path.iterdir())


def test_a_set_up_that_is_sent_twice_at_once_takes_nothing_away(tmp_path):
    with (tmp_path / "setup.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        twin = setup(tmp_path)

    assert (twin.returncode, "at this moment" in twin.stderr) == (2, True), twin.stderr
    assert not (tmp_path / env.PREFECTURE).exists()
    assert not (tmp_path / "fangkong.sqlite3").exists()


@pytest.mark.long
def test_a_prefecture_is_set_up_once_and_a_fault_leaves_nothing_behind(tmp_path):
    file = tmp_path / "aba.csv"
    file.write_text(AREAS, "utf-8")
    data = tmp_path / "data"

    weak = setup(data, "--places", str(file), typed="zhou\nzhou\n")
    assert weak.returncode == 2, weak.stdout
    assert len(weak.stderr.splitlines()) == 1
    assert not (data / env.PREFECTURE).exists()

    done = setup(data, "--places", str(file))
    assert done.returncode == 0, done.stderr
    assert "阿坝" in done.stdout
    assert "brunnen" not in done.stdout + done.stderr
    assert json.loads((data / env.PREFECTURE).read_text("utf-8"))["FANGKONG_AREA"] == "513200"

    again = setup(data, admin="other")
    assert (again.returncode, "set up already" in again.stderr) == (2, True)
    (data / env.PREFECTURE).unlink()
    stranger = setup(data, admin="other")
    assert (stranger.returncode, "accounts already" in stranger.stderr) == (2, True)
