"""A backup made while cards come in: all that was acknowledged before is in it, and all fits."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from django.db import connection

from tests.prove.client import Told, sending, until
from tests.prove.installation import Installation, serving
from tests.prove.judge import Verdict, judged
from tests.prove.test_kills import at

pytestmark = [pytest.mark.long, pytest.mark.both_databases]


def keys_of(here: Installation, folder: Path) -> Path:
    """A private key, its public half beside it."""
    folder.mkdir()
    here.fangkong("backup-key", str(folder / "key"))
    return folder / "key"


def test_what_was_acknowledged_before_a_backup_began_is_in_what_is_restored(
    proof, new, place, request
):
    dice, rounds = proof.dice("backup"), 5 if proof.full else 2
    here = new()
    key = keys_of(here, place / "backup-keys")
    sqlite = connection.vendor == "sqlite"
    bad, good = Verdict(), Verdict()
    with (
        serving(here) as run,
        sending(*at(run), clients=4, dice=dice) as told,
    ):
        for turn in range(rounds):
            goal = len(told.acknowledged) + 15
            until(lambda: len(told.acknowledged) >= goal, 120, run.server.said)  # noqa: B023
            if sqlite:
                # The bug: a copy of the file, without what is still in its log.
                copy = place / f"plain-copy-{turn}"
                before = watermark(told)
                copy.mkdir()
                shutil.copy(here.data / "fangkong.sqlite3", copy)
                plain = replace(here, database_url=f"sqlite:///{copy / 'fangkong.sqlite3'}")
                add(bad, judged_or_torn(plain, before))
            before, to = watermark(told), place / f"backups-{connection.vendor}-{turn}"
            to.mkdir()
            here.fangkong("backup", "--to", str(to), "--key", f"{key}.pub", "--no-proof")
            meanwhile = len(told.acknowledged) - len(before.acknowledged)
            (file,) = to.iterdir()
            data = place / f"restored-{connection.vendor}-{turn}"
            there = (
                replace(here, data=data, database_url=f"sqlite:///{data / 'fangkong.sqlite3'}")
                if sqlite
                else replace(here, data=data, database_url=request.getfixturevalue("cluster").new())
            )
            data.mkdir()
            for secret in ("secret.key", "keys.json"):
                shutil.copy(here.data / secret, data)
            restored = there.fangkong("restore", str(file), "--key", str(key), check=False)
            assert restored.returncode == 0, restored.stderr
            add(good, judged(there, before))
            assert meanwhile > 0, "nobody worked meanwhile"
    if sqlite:
        proof.note("backup under load, planted: a plain copy of the file", **bad.figures)
        assert bad.wrong > 0, "a plain copy of the file passed: blind"
    proof.note("backup under load", **good.figures, backups=rounds)
    assert good.wrong == 0 and good.acknowledged >= 15 * rounds


def watermark(told: Told) -> Told:
    """What was acknowledged up to now."""
    return Told(acknowledged=dict(told.acknowledged))


def judged_or_torn(here: Installation, told: Told) -> Verdict:
    """A copy that cannot even be read has lost everything."""
    try:
        return judged(here, told)
    except Exception:  # whatever a torn file does
        return Verdict(acknowledged=len(told.acknowledged), lost=len(told.acknowledged))


def add(total: Verdict, one: Verdict) -> None:
    for name, figure in one.figures.items():
        setattr(total, name, getattr(total, name) + figure)
