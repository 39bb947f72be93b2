"""The command ``fangkong`` as a person runs it: what cannot work is one line, no traceback."""

from __future__ import annotations

import json
import os
import shutil
import socket
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from epistat import commands
from fangkong.config import cli

SUBCOMMANDS = [
    "run", "demo", "worker", "migrate", "places", "counts", "admin", "where", "check", "detect",
    "replay",
]  # fmt: skip


PASSWORD = "yak-butter-and-barley"


def fangkong(
    *args: str, data: Path, typed: str = "", **env: str
) -> subprocess.CompletedProcess[str]:
    clean = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("FANGKONG_", "DATABASE_URL", "REDIS_URL"))
    }
    return subprocess.run(  # our own program, with arguments written here
        [sys.executable, "-m", "fangkong.config.cli", *args],
        env={**clean, "FANGKONG_DATA": str(data), **env},
        capture_output=True,
        text=True,
        timeout=120,
        input=typed,
        check=False,
    )


def refused(answer: subprocess.CompletedProcess[str]) -> str:
    """The one line of a refusal."""
    assert answer.returncode != 0, answer.stdout
    lines = answer.stderr.splitlines()
    assert len(lines) == 1, answer.stderr
    assert lines[0].startswith("fangkong")
    return lines[0]


@pytest.fixture(scope="module")
def migrated(tmp_path_factory) -> Path:
    """A data folder with a database that is up to date."""
    data = tmp_path_factory.mktemp("data")
    answer = fangkong("migrate", data=data)
    assert (answer.returncode, answer.stderr) == (0, ""), answer.stderr
    assert "up to date" in answer.stdout
    return data


@pytest.fixture
def data(migrated, tmp_path) -> Path:
    """A copy of it that a test may spoil."""
    shutil.copytree(migrated, tmp_path / "data")
    return tmp_path / "data"


def test_a_fresh_installation_is_for_its_owner_only_and_the_doctor_finds_it_so(migrated):
    made = [migrated, *migrated.rglob("*")]
    assert {migrated / "fangkong.sqlite3", migrated / "secret.key"} <= set(made)
    assert [str(path) for path in made if path.stat().st_mode & 0o077] == []

    assert modes(migrated) == "ok"


def test_a_folder_that_was_opened_later_is_told_by_the_doctor(data):
    data.chmod(0o755)
    (data / "fangkong.sqlite3").chmod(0o644)

    assert modes(data) == "warn"


def test_an_empty_folder_is_told_to_be_migrated_and_nobody_is_suspected(tmp_path):
    answer = fangkong("check", data=tmp_path)

    assert answer.returncode != 0
    assert "The database is empty" in answer.stderr and "fangkong migrate" in answer.stderr
    assert "triggers" not in answer.stderr and "who did this" not in answer.stderr


def test_the_doctor_says_of_an_empty_folder_what_to_do_and_shows_no_error(tmp_path):
    answer = fangkong("doctor", data=tmp_path, FANGKONG_LANGUAGE="en")

    assert answer.returncode == 2 and "Error" not in answer.stdout + answer.stderr
    assert "Migrations: none is applied: the database is empty." in answer.stdout
    assert "→ Set it up with fangkong migrate" in answer.stdout
    assert "Put back the copy" not in answer.stdout  # there was never a key to be lost


def test_whoever_reads_the_first_lines_only_gets_no_traceback(tmp_path):
    here, there = os.pipe()
    os.close(here)  # as `fangkong doctor | head` does after its lines
    try:
        ended = subprocess.run(
            [sys.executable, "-m", "fangkong.config.cli", "allocate", "--help"],
            env={**os.environ, "FANGKONG_DATA": str(tmp_path)},
            stdout=there, stderr=subprocess.PIPE, text=True, check=False,
        )  # fmt: skip
    finally:
        os.close(there)

    assert "Traceback" not in ended.stderr


def modes(data: Path) -> str:
    told = json.loads(fangkong("doctor", "--json", data=data, FANGKONG_LANGUAGE="en").stdout)
    return str(next(line["state"] for line in told if line["what"] == "File modes"))


@pytest.mark.parametrize("subcommand", [[], *([name] for name in SUBCOMMANDS)])
def test_help_says_what_a_subcommand_does(subcommand, tmp_path):
    answer = fangkong(*subcommand, "--help", data=tmp_path / "never-made")

    assert (answer.returncode, answer.stderr) == (0, "")
    assert answer.stdout.startswith("usage:")
    assert not (tmp_path / "never-made").exists()


def test_without_a_subcommand_all_of_them_are_listed(tmp_path):
    answer = fangkong(data=tmp_path)

    assert answer.returncode == 0
    for name in SUBCOMMANDS:
        assert f"    {name}" in answer.stdout


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["nonsense"], "'nonsense'"),
        (["run", "--port", "http"], "'http' is not a port"),
        (["run", "--port", "99999"], "between 1 and 65535"),
        (["demo", "--day", "2020-02-30"], "YYYY-MM-DD"),
        (["places", "--nonsense"], "--nonsense"),
        (["admin", "zhaxi"], "--name"),
        (["where"], "url"),
    ],
)
def test_a_mistyped_command_is_one_line(args, said, tmp_path):
    assert said in refused(fangkong(*args, data=tmp_path))


def test_a_wrong_setting_is_one_line_that_names_it(tmp_path):
    line = refused(fangkong("check", data=tmp_path, FANGKONG_AREA="Ganzi"))

    assert "FANGKONG_AREA='Ganzi'" in line


def test_a_wrong_database_address_does_not_show_its_password(tmp_path):
    line = refused(fangkong("check", data=tmp_path, DATABASE_URL="mysql://u:geheim@h/n"))

    assert "DATABASE_URL" in line
    assert "geheim" not in line


def test_a_file_in_the_place_of_the_data_folder_is_one_line(tmp_path):
    (tmp_path / "file").write_text("x")

    assert "FANGKONG_DATA" in refused(fangkong("migrate", data=tmp_path / "file"))
    assert "FANGKONG_DATA" in refused(fangkong("migrate", data=tmp_path / "file" / "below"))
    assert (tmp_path / "file").read_text() == "x"


def test_a_folder_without_rights_is_one_line(tmp_path):
    if os.geteuid() == 0:
        pytest.skip("root may write everywhere; a file in the folder's place is tried above")
    tmp_path.chmod(0o500)

    assert "FANGKONG_DATA" in refused(fangkong("migrate", data=tmp_path / "data"))


def test_a_file_that_is_no_database_is_one_line_and_stays_as_it_is(tmp_path):
    file = tmp_path / "letter.sqlite3"
    file.write_text("Dear colleague, " * 400)

    line = refused(fangkong("migrate", data=tmp_path, DATABASE_URL=f"sqlite:///{file}"))

    assert "not a SQLite database" in line
    assert file.read_text() == "Dear colleague, " * 400


def test_a_database_in_a_folder_that_is_not_there_is_one_line(tmp_path):
    url = f"sqlite:///{tmp_path / 'nowhere' / 'x.sqlite3'}"

    assert "cannot be opened" in refused(fangkong("migrate", data=tmp_path, DATABASE_URL=url))


@pytest.mark.parametrize(
    "newer", [("core", "9999_from_the_future"), ("supplies_of_tomorrow", "0001_initial")]
)
def test_a_newer_database_is_refused_and_not_touched(data, newer):
    file = data / "fangkong.sqlite3"
    with sqlite3.connect(file) as database:
        database.execute(
            "INSERT INTO django_migrations (app, name, applied) VALUES (?, ?, '2030-01-01')", newer
        )
    database.close()
    before = sqlite3.connect(file).execute("SELECT sql FROM sqlite_master ORDER BY 1").fetchall()
    content = file.read_bytes()

    for command in ("migrate", "worker", "run"):
        line = refused(fangkong(command, data=data, FANGKONG_PORT="18999"))
        assert ".".join(newer) in line
        assert "newer Fangkong" in line

    assert file.read_bytes() == content
    after = sqlite3.connect(file).execute("SELECT sql FROM sqlite_master ORDER BY 1").fetchall()
    assert after == before


@pytest.mark.parametrize(
    "command", [["worker"], ["places"], ["counts"], ["admin", "zhaxi", "--name", "扎西"]]
)
def test_what_needs_a_database_says_so_when_there_is_none_yet(command, tmp_path):
    line = refused(fangkong(*command, data=tmp_path))

    assert "fangkong migrate" in line


def test_a_second_migrate_changes_nothing(data):
    before = (
        sqlite3.connect(data / "fangkong.sqlite3")
        .execute("SELECT app, name FROM django_migrations ORDER BY id")
        .fetchall()
    )

    assert fangkong("migrate", data=data).returncode == 0

    after = (
        sqlite3.connect(data / "fangkong.sqlite3")
        .execute("SELECT app, name FROM django_migrations ORDER BY id")
        .fetchall()
    )
    assert after == before


def test_the_first_administrator_needs_the_areas_first(data):
    assert "places" in refused(fangkong("admin", "zhaxi", "--name", "扎西", data=data))


def test_an_address_that_no_page_answers_is_one_line(data):
    assert "nothing/here/" in refused(fangkong("where", "nothing/here/", data=data))


def test_an_address_leads_to_its_files(data):
    answer = fangkong("where", "/accounts/staff/?q=x", data=data)

    assert answer.returncode == 0, answer.stderr
    assert "accounts:index" in answer.stdout
    assert "fangkong/accounts/views.py" in answer.stdout
    assert "fangkong/accounts/templates/accounts/index.html" in answer.stdout


def test_the_check_finds_nothing_to_complain_about(data):
    answer = fangkong("check", data=data)

    assert answer.returncode == 0, answer.stderr
    assert "no issues" in answer.stdout + answer.stderr
    assert "W0" not in answer.stderr


# --- A new installation ---------------------------------------------------------------------------


@pytest.fixture(scope="module")
def with_areas(migrated, tmp_path_factory) -> Path:
    """A data folder with its areas and nobody in it."""
    data = tmp_path_factory.mktemp("areas") / "data"
    shutil.copytree(migrated, data)
    assert fangkong("places", data=data).returncode == 0
    return data


@pytest.fixture(scope="module")
def staffed(with_areas, tmp_path_factory) -> Path:
    """A data folder with its first administrator."""
    data = tmp_path_factory.mktemp("staffed") / "data"
    shutil.copytree(with_areas, data)
    answer = fangkong("admin", "zhaxi", "--name", "扎西", data=data, typed=f"{PASSWORD}\n")
    assert (answer.returncode, answer.stderr) == (0, "")
    assert "zhaxi is administrator of" in answer.stdout
    assert PASSWORD not in answer.stdout
    return data


def names(data: Path) -> list[str]:
    rows = sqlite3.connect(data / "fangkong.sqlite3").execute("SELECT username FROM accounts_user")
    return [name for (name,) in rows]


def test_the_first_administrator_is_made_once(staffed):
    second = fangkong("admin", "zhuoma", "--name", "卓玛", data=staffed, typed=f"{PASSWORD}\n")

    assert "accounts already" in refused(second)
    assert names(staffed) == ["zhaxi"]


@pytest.mark.parametrize("typed", ["", "202002051000\n"])
def test_a_weak_first_password_is_one_line_and_nobody_is_made(with_areas, typed):
    line = refused(fangkong("admin", "zhaxi", "--name", "扎西", data=with_areas, typed=typed))

    assert "密码" in line
    assert "202002051000" not in line
    assert names(with_areas) == []


def test_the_demonstration_is_not_loaded_where_staff_work(staffed):
    line = refused(fangkong("demo", "--day", "2020-02-06", data=staffed))

    assert "already holds staff" in line
    assert names(staffed) == ["zhaxi"]
    assert not (staffed / "demo.json").exists()


def test_a_busy_port_is_one_line_and_no_database_is_made(tmp_path):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        line = refused(fangkong("run", data=tmp_path, FANGKONG_PORT=str(port)))

    assert f"port {port} on 127.0.0.1" in line
    assert f"FANGKONG_PORT={port + 1}" in line
    assert not (tmp_path / "fangkong.sqlite3").exists()


@pytest.mark.parametrize("command", ["migrate", "worker"])
def test_a_postgresql_that_does_not_answer_says_why_at_once_and_shows_no_password(
    command, tmp_path
):
    with socket.socket() as nobody_listens:
        nobody_listens.bind(("127.0.0.1", 0))
        url = f"postgresql://zhaxi:geheim@127.0.0.1:{nobody_listens.getsockname()[1]}/fangkong"
        line = refused(fangkong(command, data=tmp_path, DATABASE_URL=url))

    assert "the database does not answer" in line
    assert "refused" in line
    assert "geheim" not in line


# --- The detector ---------------------------------------------------------------------------------


def detect(folder: Path, text: str, *args: str) -> subprocess.CompletedProcess[str]:
    file = folder / "counts.csv"
    file.write_text(text, encoding="utf-8")
    return fangkong("detect", *args, str(file), data=folder / "never-made")


GOOD = "series,date,count\n" + "".join(f"道孚,2020-02-{day:02},{day % 3}\n" for day in range(1, 15))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", ""),
        ("a,b\n1,2\n", "unknown column 'a'"),
        (GOOD + "道孚,2020-02-30,1\n", "2020-02-30"),
        (GOOD + "道孚,2020-02-15,many\n", "many"),
        (GOOD + "道孚,2020-02-15,-1\n", "-1"),
    ],
)
def test_a_file_that_is_no_table_of_counts_is_one_line_and_no_answer(text, said, tmp_path):
    answer = detect(tmp_path, text, "--method", "c1")

    assert (answer.returncode, answer.stdout) == (2, "")
    assert len(answer.stderr.splitlines()) == 1, answer.stderr
    assert answer.stderr.startswith("detect: ")
    assert said in answer.stderr


def test_the_commands_of_epistat_are_listed_as_it_has_them():
    listed = {name: text for name, (*_, text) in commands.COMMANDS.items()}
    assert listed == cli.STATISTICS


def test_a_right_table_is_judged_without_a_database(tmp_path):
    answer = detect(tmp_path, GOOD, "--method", "c1")

    assert (answer.returncode, answer.stderr) == (0, "")
    assert len(answer.stdout.splitlines()) == 1 + 14
    assert not (tmp_path / "never-made").exists()


def test_a_file_that_is_not_there_is_one_line(tmp_path):
    answer = fangkong("detect", "--method", "c1", str(tmp_path / "no.csv"), data=tmp_path)

    assert answer.returncode == 2
    assert len(answer.stderr.splitlines()) == 1
    assert "no.csv" in answer.stderr
