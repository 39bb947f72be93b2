"""``fangkong counts``: compare the daily counts with the cases, or build them anew."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from fangkong.core import clock
from fangkong.surveillance.monitoring import actions, queries
from fangkong.surveillance.monitoring.facts import CountKey

SHOWN = 20


class Command(BaseCommand):
    help = "Compare the daily counts with the cases; exit code 1 where one is wrong."

    def add_arguments(self, parser: CommandParser) -> None:
        what = parser.add_mutually_exclusive_group()
        what.add_argument("--check", action="store_true", help="only compare, the usual way")
        what.add_argument("--rebuild", action="store_true", help="count all cases anew")

    def handle(self, *args: Any, rebuild: bool, **options: Any) -> None:
        found = actions.rebuild(by=None, at=clock.now()) if rebuild else queries.check_counts()
        self._tell("daily counts", found.kept)
        self._tell("ledger of changes", found.changes)
        if found.right:
            self.stdout.write(f"{found.cells} cells, all right.")
        elif rebuild:
            self.stdout.write(f"{found.cells} cells counted anew.")
        else:
            raise CommandError("Counts are wrong. Build them anew: fangkong counts --rebuild")

    def _tell(self, what: str, wrong: list[tuple[CountKey, int, int]]) -> None:
        for key, stored, true in wrong[:SHOWN]:
            self.stdout.write(
                f"{what}: county {key.county_id}, {key.condition}, {key.basis} {key.day}, "
                f"{key.case_class}: {stored}, should be {true}"
            )
        if len(wrong) > SHOWN:
            self.stdout.write(f"{what}: and {len(wrong) - SHOWN} more")
