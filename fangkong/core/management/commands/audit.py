"""``fangkong audit verify``: is the trail as it was sealed? ``audit seal`` seals it now."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from fangkong.core import clock
from fangkong.core.audit import heads, seals, verifying

SHOWN = 20


class Command(BaseCommand):
    help = "Verify the audit trail, or seal what is not sealed yet."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("what", choices=["verify", "seal"])
        parser.add_argument("--heads", default="")

    def handle(self, *args: Any, what: str, heads: str = "", **options: Any) -> None:
        if what == "seal":
            made = seals.seal(clock.now())
            self.stdout.write(f"{made} seals made.")
        else:
            self._verify(heads)

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
