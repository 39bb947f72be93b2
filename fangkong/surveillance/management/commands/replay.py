"""``fangkong replay``: which counties would have been flagged when, day by day as it was known."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from fangkong.core import clock
from fangkong.packs.types import NoPackInForce
from fangkong.places import queries as places
from fangkong.surveillance.monitoring import queries as monitoring
from fangkong.surveillance.warning.replay import first_days, replay

LONGEST = 366


class Command(BaseCommand):
    help = (
        "Judge past days again, each by the counts known at its end, and say on which day each"
        " method first alarms. Nothing is written."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--from", dest="first", required=True, type=date.fromisoformat)
        parser.add_argument("--to", dest="last", required=True, type=date.fromisoformat)
        parser.add_argument(
            "--condition", action="append", default=[], help="only this disease, by its code"
        )

    def handle(
        self, *args: Any, first: date, last: date, condition: list[str], **options: Any
    ) -> None:
        self._refuse(first, last, condition)
        try:
            found = list(replay(first=first, last=last, conditions=condition))
        except NoPackInForce as problem:
            raise CommandError(f"{problem}: choose later days.") from None
        names = {area.pk: area for area in places.counties_of_home(last)}
        for (county_id, disease), days in sorted(first_days(found).items(), key=_by_day):
            area = names.get(county_id)
            name = f"{area.code} {area.name_zh}" if area else str(county_id)
            said = ", ".join(f"{method} {day}" for method, day in sorted(days.items(), key=_day))
            self.stdout.write(f"{name}  {disease}  {min(days.values())}  ({said})")
        days_judged = (last - first).days + 1
        self.stdout.write(f"{days_judged} days judged, {len(found)} alarms. Nothing was written.")

    def _refuse(self, first: date, last: date, conditions: list[str]) -> None:
        if last < first:
            raise CommandError("the last day lies before the first: turn them round.")
        if last > clock.day_of(clock.now()):
            raise CommandError("the last day is still to come: choose today or an earlier day.")
        if last - first >= timedelta(days=LONGEST):
            raise CommandError(f"at most {LONGEST} days at once: choose fewer.")
        unknown = set(conditions) - monitoring.condition_codes()
        if unknown:
            raise CommandError(f"no rule pack knows {', '.join(sorted(unknown))}: check the code.")


def _by_day(row: tuple[tuple[int, str], dict[str, date]]) -> tuple[date, tuple[int, str]]:
    return min(row[1].values()), row[0]


def _day(row: tuple[str, date]) -> tuple[date, str]:
    return row[1], row[0]
