"""``fangkong retention``: what is due to be destroyed, by class; ``--destroy`` does it now."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from fangkong.core import clock
from fangkong.core.retention import actions, nights, queries


class Command(BaseCommand):
    help = "Say which personal data are due to be destroyed, or destroy them now."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--destroy", action="store_true")
        parser.add_argument(
            "--clock-is-right",
            action="store_true",
            help="destroy although the clock is days ahead of the last run",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        at = clock.now()
        for row in queries.standing(at):
            said = f"{row.kept}   ({row.ground})" if row.ground else row.kept
            self.stdout.write(f"{row.label:<28} {row.rows_due:>8} due   {said}")
        if options["destroy"]:
            if not options["clock_is_right"]:
                try:
                    nights.require_plausible(at)
                except nights.ClockInDoubt as problem:
                    raise CommandError(str(problem)) from None
            done = actions.destroy_due(at=at)
            nights.note(at)
            self.stdout.write(f"{sum(done.values())} rows emptied.")
