"""The tools that install, check and build keep their promises."""

from __future__ import annotations

import os
import re
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from django.db import connection

import hatch_build
from tools import browser, check_tree, migrated, sharing
from tools.testing import CHOICE

ROOT = Path(__file__).resolve().parent.parent
LOCKS = sorted((ROOT / "requirements").glob("*.txt"))


def shell(*command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    # A pytest started here is a run of its own, not one process of the run that tests it.
    inherited = {name: said for name, said in os.environ.items() if "XDIST" not in name}
    return subprocess.run(
        command,
        cwd=ROOT,
        env={**inherited, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def python_that_says(folder: Path, version: str, code: int) -> str:
    """A program that answers as a Python of this version would."""
    program = folder / f"python{version}"
    program.write_text(f'#!/bin/sh\ncase "$2" in *join*) echo {version};; *) exit {code};; esac\n')
    program.chmod(0o755)
    return str(program)


# --- Locks --------------------------------------------------------------------------------------


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: path.name)
def test_every_locked_package_has_one_version_and_its_hashes(lock):
    entries = re.split(r"\n(?=\S)", lock.read_text().strip())

    assert entries
    for entry in entries:
        assert re.match(r"[\w.\[\]-]+==\S+", entry), entry
        assert "--hash=sha256:" in entry, entry


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: path.name)
def test_a_lock_names_no_host(lock):
    assert "://" not in lock.read_text()


def test_every_group_of_packages_is_locked():
    assert {path.stem for path in LOCKS} == {"app", "build", "check", "node", "test"}


# --- What is tracked ----------------------------------------------------------------------------


def test_tracked_files_name_no_registry_and_no_folder_of_one_machine():
    assert [line for path in check_tree.tracked() for line in check_tree.findings(path)] == []


@pytest.mark.parametrize(
    "line",
    [
        "https://files." + "pythonhosted.org/packages/a.whl",
        "resolved: https://registry." + "npmjs.org/vite",
        "//deb." + "debian.org/debian",
        "cd /work/" + "main",
        "open('/home/" + "li/fangkong/a.csv')",
    ],
)
def test_a_registry_or_a_folder_of_one_machine_is_found(tmp_path, line):
    file = tmp_path / "notes.txt"
    file.write_text(f"first\n{line}\n")

    assert [found.split(": ")[0] for found in check_tree.findings(file, tmp_path)] == [
        "notes.txt:2"
    ]


def test_other_addresses_and_paths_are_left_alone(tmp_path):
    file = tmp_path / "notes.txt"
    file.write_text("https://www.nhc.gov.cn/ and /var/lib/fangkong and /homework/1\n")

    assert list(check_tree.findings(file, tmp_path)) == []


# --- make and its first step --------------------------------------------------------------------


def test_an_old_python_is_refused_with_one_line(tmp_path):
    old = python_that_says(tmp_path, "3.9.2", code=1)

    done = shell("sh", "bootstrap.sh", old, str(tmp_path / "venv"))

    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "is Python 3.9.2, Fangkong needs 3.11 or newer" in done.stderr
    assert not (tmp_path / "venv").exists()


def test_a_missing_python_is_refused_with_one_line(tmp_path):
    done = shell("sh", "bootstrap.sh", "python3.99", str(tmp_path / "venv"))

    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "there is no python3.99 here" in done.stderr
    assert not (tmp_path / "venv").exists()


def test_make_alone_lists_its_targets():
    done = shell("make")

    assert done.returncode == 0
    for target in ("run", "test", "test-pg", "check", "fix", "where", "bench", "wheel", "clean"):
        assert re.search(rf"^make {target} +\S", done.stdout, re.MULTILINE), target


def test_where_without_a_page_says_how_to_ask():
    # The stamps are touched in the environment only; -o keeps make from installing anything here.
    done = shell("make", "-o", ".venv/.app", "where", "URL=")

    assert done.returncode != 0
    assert "make where URL=/" in done.stderr


# --- The database of the tests ------------------------------------------------------------------


@pytest.mark.both_databases
@pytest.mark.django_db
def test_the_tests_run_on_the_database_that_was_asked_for():
    asked = os.environ.get(CHOICE, "sqlite").split(":")[0]

    assert connection.vendor == asked


@pytest.mark.parametrize(
    "changed", ["fangkong/people/migrations/0002_more.py", "fangkong/core/walls/walls.py"]
)
def test_a_database_kept_by_an_earlier_run_is_not_taken_once_a_migration_changed(tmp_path, changed):
    source, of_tests = tmp_path / changed, tmp_path / "fangkong/core/walls/tests/test_walls.py"
    for path in (source, of_tests):
        path.parent.mkdir(parents=True)
        path.write_text("operations = []\n")
    before = migrated.template(tmp_path, tmp_path / "kept")

    of_tests.write_text("assert True\n")
    assert migrated.template(tmp_path, tmp_path / "kept") == before

    source.write_text("operations = [1]\n")
    assert migrated.template(tmp_path, tmp_path / "kept") != before


def test_a_kept_database_has_what_was_written_and_is_not_the_one_that_is_worked_in(tmp_path):
    first, kept = tmp_path / "first.sqlite3", tmp_path / "kept" / "one.sqlite3"
    with closing(sqlite3.connect(first)) as database:
        database.execute("PRAGMA journal_mode=WAL")
        database.execute("CREATE TABLE one (id)")
        migrated.keep(first, kept)
        database.execute("INSERT INTO one VALUES (1)")
        database.commit()

    assert not migrated.take(tmp_path / "kept" / "other.sqlite3", tmp_path / "second.sqlite3")
    assert migrated.take(kept, tmp_path / "second.sqlite3")
    with closing(sqlite3.connect(tmp_path / "second.sqlite3")) as database:
        assert database.execute("SELECT count(*) FROM one").fetchone() == (0,)


def test_only_the_newest_databases_are_kept(tmp_path):
    sqlite3.connect(tmp_path / "first.sqlite3").close()
    kept = [tmp_path / "kept" / f"{number}.sqlite3" for number in range(migrated.KEPT + 1)]
    for age, one in enumerate(kept):
        migrated.keep(tmp_path / "first.sqlite3", one)
        os.utime(one, (age, age))
    migrated.keep(tmp_path / "first.sqlite3", tmp_path / "kept" / "newest.sqlite3")

    left = {one.name for one in (tmp_path / "kept").iterdir()}
    assert left == {"newest.sqlite3", *(one.name for one in kept[-migrated.KEPT + 1 :])}


def test_an_unknown_database_is_refused_before_any_test_runs():
    done = shell(sys.executable, "-m", "pytest", "--collect-only", **{CHOICE: "oracle"})

    assert done.returncode == 4
    assert f"{CHOICE}='oracle': write sqlite, postgresql" in done.stderr


# --- The browser --------------------------------------------------------------------------------


def test_a_named_browser_is_taken(tmp_path):
    program = tmp_path / "chrome"
    program.touch()

    assert browser.find_browser({"FANGKONG_BROWSER": str(program)}) == program


def test_a_named_browser_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(browser.NoBrowser, match="FANGKONG_BROWSER="):
        browser.find_browser({"FANGKONG_BROWSER": str(tmp_path / "chrome")})


def test_a_machine_without_a_browser_says_what_to_install(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(browser, "driver_starts", lambda: True)
    monkeypatch.setattr(browser, "can_apt", lambda: False)
    monkeypatch.setattr(browser, "_download", lambda: None)
    monkeypatch.setattr(browser, "_candidates", lambda: iter([tmp_path / "none"]))
    monkeypatch.delenv("FANGKONG_BROWSER", raising=False)

    assert browser.main() == 1
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "sudo apt-get install chromium fonts-noto-cjk" in said


# --- The wheel ----------------------------------------------------------------------------------


def test_a_tree_that_is_not_built_makes_no_wheel(tmp_path):
    catalogue = tmp_path / "fangkong/web/locale/zh_Hans/LC_MESSAGES/django.po"
    catalogue.parent.mkdir(parents=True)
    catalogue.touch()

    assert hatch_build.missing_in(tmp_path) == [
        "front end",
        "borders",
        "names of areas",
        "translations",
    ]


def test_a_built_tree_makes_a_wheel(tmp_path):
    for name in (
        *hatch_build.BUILT.values(),
        "fangkong/web/locale/zh_Hans/LC_MESSAGES/django.po",
        "fangkong/web/locale/zh_Hans/LC_MESSAGES/django.mo",
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()

    assert hatch_build.missing_in(tmp_path) == []


# --- Which process runs which tests ---------------------------------------------------------------


def test_neighbours_from_one_file_are_one_unit_and_spread_ones_each_their_own(tmp_path):
    (tmp_path / "a.py").write_text("")
    (tmp_path / "b.py").write_text(f"pytestmark = {sharing.SPREAD}")
    found = ["a.py::one", "a.py::two[x::y]", "b.py::one", "b.py::two", "a.py::commits"]

    named = sharing.units(found, tmp_path)

    assert list(named) == found
    assert len(set(named.values())) == 4
    assert named["a.py::one"] == named["a.py::two[x::y]"] != named["a.py::commits"]


def test_two_processes_take_whole_files(tmp_path):
    (tmp_path / "pytest.ini").write_text("[pytest]\nmarkers =\n    spread\n")
    for name in "abcdef":
        (tmp_path / f"test_{name}.py").write_text(
            "import pytest\n@pytest.mark.parametrize('n', range(4))\ndef test_it(n): pass\n"
        )
    ran = shell(
        *(sys.executable, "-m", "pytest", "-c", str(tmp_path / "pytest.ini"), str(tmp_path), "-v"),
        *("-p", "tools.sharing", "-p", "no:django", "-p", "no:playwright", "-p", "no:schemathesis"),
        *("-n", "2", "--dist", "loadscope", "--no-loadscope-reorder"),
    )

    done = re.findall(r"\[(gw\d)\].*PASSED \S*test_(\w)\.py", ran.stdout)
    assert len(done) == 24, ran.stdout + ran.stderr
    assert len(set(done)) == 6, "a file was divided"
