"""``fangkong audit``: ``verify`` that the trail is as it was sealed, ``seal`` or ``export`` it."""

from __future__ import annotations

import json
import os
import sys
from argparse import ArgumentParser
from datetime import date
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from fangkong.core import clock
from fangkong.core.audit import fhir, heads, seals, verifying

SHOWN = 20


class Command(BaseCommand):
    help = "Verify the audit trail, or seal what is not sealed yet."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("what", choices=["verify", "seal", "export"])
        parser.add_argument("--heads", default="")
        parser.add_argument("--first", default="")
        parser.add_argument("--last", default="")
        parser.add_argument("--to", default="")

    def handle(self, *args: Any, what: str, heads: str = "", **options: Any) -> None:
        if what == "seal":
            made = seals.seal(clock.now())
            self.stdout.write(f"{made} seals made.")
        elif what == "export":
            self._export(options["first"], options["last"], options["to"])
        else:
            self._verify(heads)

    def _export(self, first: str, last: str, to: str) -> None:
        """AuditEvents of FHIR R4, one a line, from the first day to the last."""
        try:
            start, end = (clock.start_of(date.fromisoformat(day)) for day in (first, last))
        except ValueError:
            raise CommandError("Write --first and --last as YYYY-MM-DD.") from None
        try:
            handle = os.open(to, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except OSError as problem:
            raise CommandError(f"--to {to} cannot be written ({problem.strerror}).") from None
        count = 0
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            for event in fhir.events(start, clock.next_day(end)):
                file.write(json.dumps(event, ensure_ascii=False) + "\n")
                count += 1
        self.stdout.write(f"{count} events written.")

    def _verify(self, file: str) -> None:
        known = _published(file)
        verdict = verifying.verify(known)
        self.stdout.write(
            f"{verdict.rows} lines in {verdict.seals} seals looked at, {len(known)} published "
            f"heads compared; {verdict.unsealed} lines are not sealed yet."
        )
        if not verdict.problems:
            self.stdout.write("Nothing was removed, changed, moved or slipped in.")
            return
        for problem in verdict.problems[:SHOWN]:
            self.stdout.write(f"  {problem}")
        if len(verdict.problems) > SHOWN:
            self.stdout.write(f"  and {len(verdict.problems) - SHOWN} more")
        self.stdout.write("The trail is not as it was sealed. Keep this database and its backups.")
        sys.exit(1)


def _published(file: str) -> list[heads.Head]:
    """The heads of a file named, or of the one beside the data where it is there."""
    place = Path(file) if file else heads.path()
    if not file and not place.is_file():
        return []
    try:
        with place.open(encoding="ascii") as lines:
            return list(heads.read(lines))
    except OSError as problem:
        raise CommandError(f"{place} cannot be read ({problem.strerror})") from None
    except (heads.Unreadable, UnicodeDecodeError) as problem:
        raise CommandError(f"{place}: {problem}. Take a copy that is whole.") from None
