"""``fangkong demo``: load the demonstration "Ganzi 2020" as of a day."""

from __future__ import annotations

from datetime import date, datetime
from time import monotonic
from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser

from fangkong.accounts.queries import any_users
from fangkong.core import clock
from fangkong.web.demo import actions, history, pools, rules


class Command(BaseCommand):
    help = "Load the demonstration “Ganzi 2020” into an empty database."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--day",
            type=date.fromisoformat,
            default=history.default_day(),
            help="the day that the demonstration calls today",
        )
        parser.add_argument(
            "--no-background",
            action="store_true",
            help="leave out the invented cases of other diseases",
        )

        parser.add_argument(
            "--screening",
            action="store_true",
            help="go on to 5 February 2022 in a demonstration that stands: pools of ten",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["screening"]:
            return self.screen()
        return self.load(options)

    def screen(self) -> None:
        try:
            actions.screen(at=_moment(pools.SCREENED), say=lambda line: self.stdout.write(line))
        except rules.NotInTheDemonstration as problem:
            raise CommandError(str(problem)) from None

    def load(self, options: dict[str, Any]) -> None:
        day: date = options["day"]
        try:
            rules.require_day(history.read(), day)
        except rules.NotInTheDemonstration as problem:
            raise CommandError(str(problem)) from None
        if any_users():
            raise CommandError("the database already holds staff: nothing was loaded.")
        began = monotonic()
        call_command("places", stdout=self.stdout)
        actions.load(
            day=day,
            at=_moment(day),
            past_years=not options["no_background"],
            say=lambda line: self.stdout.write(line),
        )
        self.stdout.write(f"    loaded in {monotonic() - began:.1f} s")


def _moment(day: date) -> datetime:
    """The time of day on the demonstration's day, whatever day the clock is set to."""
    now = clock.now().astimezone(clock.zone())
    return now.replace(year=day.year, month=day.month, day=day.day)
