"""The house's whole history, migrated by Django's own command and by ours: the same database."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.journeys.server import surroundings
from tests.prove.test_migrate import BY_CHANCE, of_postgresql, of_sqlite

pytestmark = [pytest.mark.long, pytest.mark.both_databases]

MIGRATE = """
import django
django.setup()
from django.core.management import call_command
from {module} import Command
from django.core.management.commands import migrate
assert ("quick" in migrate.MigrationExecutor.__module__) == {quick}, "both ways are the same one"
call_command(Command(), verbosity=0, interactive=False)
"""


def made_by(module: str, data: Path, address: str) -> dict[str, object]:
    environment = surroundings(data, address, DJANGO_SETTINGS_MODULE="fangkong.config.settings")
    code = MIGRATE.format(module=module, quick=module.startswith("fangkong"))
    subprocess.run([sys.executable, "-c", code], env=environment, check=True)
    if address.startswith("sqlite"):
        return of_sqlite(address.removeprefix("sqlite:///"))
    return of_postgresql(address.replace("fangkong:@", "postgres:@"))


def test_a_quick_migration_makes_what_django_makes(tmp_path, new_database):
    plain, ours = (
        made_by(f"{room}.management.commands.migrate", tmp_path, new_database())
        for room in ("django.core", "fangkong.core")
    )

    assert len(plain) > 500
    assert not {"rows of " + table for table in BY_CHANCE} & plain.keys()
    assert [what for what in plain if plain[what] != ours.get(what)] == []
    assert plain.keys() == ours.keys()
