"""Read a file of areas for the set-up, and let `fangkong setup` make the house: whole or not."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.utils.functional import Promise
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from fangkong.config.new_prefecture import SPOKEN
from fangkong.core.imports.actions import FileContent
from fangkong.core.imports.types import Judged, Outcome
from fangkong.core.refusals import Refused

from . import draft
from .types import areas

ENOUGH = 300  # seconds for making everything, on a slow machine


class NotMade(Refused):
    """`fangkong setup` refused; its one line says why."""


@dataclass(frozen=True)
class Given:
    """A file: its headings, its rows with their lines."""

    headings: list[str]
    lines: list[int]
    rows: list[list[str]]

    def samples(self) -> list[str]:
        """The first values of each column."""
        return [
            " · ".join([row[n] for row in self.rows[:3] if n < len(row) and row[n]])[:60]
            for n in range(len(self.headings))
        ]


def table(data: bytes) -> Given:
    """What a file holds; a refusal in words where it is no table. Read by a process of its own."""
    found = FileContent(data).table(areas())
    told = [one for piece in found.pieces for one in json.loads(zlib.decompress(piece.body))]
    return Given(list(found.headings), [line for line, _ in told], [row for _, row in told])


def named(given: Given, fields: Sequence[str]) -> list[dict[str, str]]:
    """The rows by field."""
    return [
        {f: cell for f, cell in zip(fields, row, strict=False) if f and cell} for row in given.rows
    ]


def judged(rows: Sequence[dict[str, str]], at: datetime) -> list[Judged]:
    """What the desk of the import says of each row; nothing is written."""
    desk = areas().open(None, None, at)  # type: ignore[arg-type]  # no run: nobody signed in
    return desk.check(rows)


def wrong_rows(
    lines: Sequence[int], rows: Sequence[dict[str, str]], at: datetime
) -> list[tuple[int, str]]:
    """The line of each row that cannot be entered, with the reasons in words."""
    return [
        (line, " ".join(areas().in_words([reason.plain() for reason in one.reasons])))
        for line, one in zip(lines, judged(rows, at), strict=True)
        if one.outcome == Outcome.ERROR
    ]


def set_up(answers: dict[str, dict[str, Any]], staff: dict[str, str]) -> None:
    """Make the house by the command itself, in a process that reads the new settings.

    The passwords go by standard input: a list of processes shows arguments.
    """
    where, place = answers["where"], answers["hospital"]
    words = {
        "region": where["region"],
        "language": where["language"],
        "area": where["area"],
        "county": place["county"],
        "hospital": place["hospital"],
        "admin": staff["admin"],
        "admin-name": staff["admin_name"],
        "clerk": staff["clerk"],
        "clerk-name": staff["clerk_name"],
    }
    if (file := draft.places()) is not None:
        words["places"] = str(file)
    # One word each: a name that begins with a hyphen stays a name.
    command = [sys.executable, "-m", "fangkong.config.cli", "setup"]
    command += [f"--{name}={value}" for name, value in words.items()]
    typed = f"{staff['admin_password']}\n{staff['clerk_password']}\n"
    speaking = {**os.environ, SPOKEN: get_language() or settings.LANGUAGE_CODE}
    try:
        ended = subprocess.run(
            command,
            input=typed,
            capture_output=True,
            text=True,
            timeout=ENOUGH,
            check=False,
            env=speaking,
        )
    except subprocess.TimeoutExpired:
        raise NotMade(_("The machine was too slow. Nothing was made; try again.")) from None
    if ended.returncode != 0:
        said = (ended.stderr.strip().splitlines() or ["?"])[-1]
        raise NotMade(_in_words(said.removeprefix("fangkong: ")))
    assert (settings.FANGKONG_DATA / "prefecture.json").is_file()
    draft.forget()


# What the command says on a terminal, in English, and the same for the page.
_SAID: list[tuple[str, str | Promise]] = [
    (r"it is being set up at this moment", _("It is being set up at this moment. Wait, reload.")),
    (
        r"there are accounts already|.* is set up already",
        _("This installation is set up already. Reload the page and sign in."),
    ),
    (r"the disk is full", _("The disk is full. Free some space and try again.")),
    (
        r"the database does not answer|the database file cannot be opened",
        _("The database does not answer. Ask whoever keeps this machine, and try again."),
    ),
    (
        r"no area has the code|.* has no counties yet|.* is none of its counties",
        _("The areas do not fit the code of the prefecture. Go back to the file of the areas."),
    ),
]


def _in_words(said: str) -> str:
    """A refusal of the command in the language of the page. One of an action comes in it already;
    what is not known stays as it is, for whoever keeps the machine."""
    for pattern, words in _SAID:
        if re.match(pattern, said):
            return str(words)
    if get_language() == "en" or not said.isascii():
        return said
    return _("Nothing was made. For whoever keeps this machine: %(said)s") % {"said": said}
