"""Load the demonstration "Ganzi 2020" as of a day, through the actions of the rooms."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import transaction

from fangkong.accounts import actions as accounts
from fangkong.accounts.queries import DEMO_PASSWORD, demo_staff
from fangkong.core import clock
from fangkong.core.permissions import Scope
from fangkong.places import queries as places
from fangkong.places.types import FacilityKind
from fangkong.surveillance.testing import queries as testing
from fangkong.tasks import actions as tasks
from fangkong.tasks.types import MANUAL, words

from . import (
    background,
    bulletins,
    contacts,
    daily,
    doors,
    files,
    gates,
    history,
    invented,
    outbreak,
    past,
    pools,
    rules,
    supplies,
    tubes,
    twice,
    wants,
)
from .outbreak import Stage

if TYPE_CHECKING:
    from fangkong.accounts.models import User
    from fangkong.places.models import Area, Facility
    from fangkong.tasks.models import Task

LABORATORY = "甘孜州疾病预防控制中心"
OPENED = datetime(2020, 1, 1, 9, tzinfo=invented.ZONE)
DETECTION_BEFORE = timedelta(days=4)  # runs begin so long before the first case


class _Everywhere:
    """The loader itself, before there is any staff: it sees every place."""

    def scope(self, permission: object, at: datetime) -> Scope:
        return Scope(everywhere=True)


@transaction.atomic
def load(
    *, day: date, at: datetime, past_years: bool = True, say: Callable[[str], None] = print
) -> None:
    """Everything until the evening before ``day``, and what lies on the desks at ``at``.

    The cards of the day itself are left to the newcomer, as files (see ``files``). Areas and
    facilities must be there. ``past_years``: the invented other diseases too. NotInTheDemonstration
    for a day without figures.
    """
    told = history.read()
    rules.require_day(told, day)
    sites = gates.stand({area.code: area for area in places.counties_of_home(day)}, OPENED)
    staff = _add_staff()
    stage = _stage(staff)
    say(f"    {len(staff)} accounts")
    yesterday = day - timedelta(days=1)
    if past_years:
        say(f"    {_enter_past(stage, yesterday)} invented cases of other diseases")
    for each in rules.days_between(told.first - DETECTION_BEFORE, yesterday):
        outbreak.live_through(stage, each, yesterday)
    cases = sum(rules.totals_on(told, yesterday).values())
    say(f"    {cases} cases until {yesterday.isoformat()}, their signals and answers")
    say(f"    {outbreak.tell_the_public(stage, yesterday)} warning products")
    say(f"    {_send_tubes(stage, at)} specimens on their way")
    second = twice.enter_again(reader=stage.staff["hq"], by=stage.staff["hq"], at=at)
    say(f"    {second} persons entered twice")
    say(f"    {contacts.watched(tracer=stage.staff['daofu'], at=at)} persons under observation")
    say(f"    {doors.swept(stage.counties['513326'], stage.staff, at)} doors in a sweep")
    guard, hq = stage.staff["gate"], stage.staff["hq"]
    say(f"    {gates.came(sites=sites, guard=guard, hq=hq, at=at)} arrivals at 2 checkpoints")
    say(f"    {_fill_stores(stage, at)} sheets of supplies")
    say(f"    {daily.reported(stage.counties, stage.staff, at)} daily stock reports")
    say(f"    {wants.asked(stage.staff['hq'], at)} needs of supplies")
    say(f"    {wants.planned(LABORATORY, at)} lines of a plan of allocation")
    say(f"    {bulletins.tell(stage, told.first, yesterday, at)} bulletins")
    say(f"    {_fill_desks(stage, day, at)} tasks")
    folder = write_files(day, at)
    say(f"    the cards of {day.isoformat()} to import: {folder}")


@transaction.atomic
def screen(*, at: datetime, say: Callable[[str], None] = print) -> None:
    """Go on in a demonstration that stands: a town is screened in pools.

    NotInTheDemonstration where there is none, or where this was done before.
    """
    staff = demo_staff(("hospital", "lab"))
    if len(staff) < 2:
        raise rules.NotInTheDemonstration(
            "there is no demonstration here to go on with: run `fangkong demo` first."
        )
    stage = _stage(staff)
    if testing.pools_open_to(staff["hospital"], at).exists():
        raise rules.NotInTheDemonstration("the screening is here already: nothing was loaded.")
    made = pools.screened(
        hospital=stage.hospitals["513326"],
        laboratory=stage.laboratory,
        sender=staff["hospital"],
        tester=staff["lab"],
        at=at,
    )
    say(f"    {len(made)} pools of a screening, one positive: its members are held")


def write_files(day: date, at: datetime) -> Path:
    """The day's files in the folder ``demo`` beside the database."""
    folder = Path(settings.FANGKONG_DATA) / "demo"
    folder.mkdir(parents=True, exist_ok=True)
    for file in files.every(day, at):
        (folder / file.name).write_bytes(file.data)
    return folder


# --- Staff and places -----------------------------------------------------------------------------


def _add_staff() -> dict[str, User]:
    staff = {}
    for row in history.table("staff")["staff"]:
        user = accounts.add_staff(
            username=row["username"],
            name=row["name"],
            name_en=row["name_en"],
            password=DEMO_PASSWORD,
            synthetic=True,
            by=None,
            at=OPENED,
        )
        accounts.appoint(
            user=user,
            role=row["role"],
            area=_area(row["area"]) if "area" in row else None,
            facility=_facility(row["facility"]) if "facility" in row else None,
            valid_from=clock.day_of(OPENED),
            valid_to=None,
            by=None,
            at=OPENED,
        )
        staff[user.username] = user
    return staff


def _area(code: str) -> Area:
    found = places.area(code, clock.day_of(OPENED))
    assert found is not None, code  # the directory of places was loaded before
    return found


def _fill_stores(stage: Stage, at: datetime) -> int:
    return supplies.kept(
        depot=_facility("甘孜州疾病预防控制中心"),
        hospital=_facility("甘孜州人民医院"),
        keeper=stage.staff["store"],
        hq=stage.staff["hq"],
        at=at,
    )


def _facility(name: str) -> Facility:
    return places.facilities_open_to(_Everywhere(), OPENED).get(name_zh=name)


def _stage(staff: dict[str, User]) -> Stage:
    counties = {county.code: county for county in places.counties_of_home(clock.day_of(OPENED))}
    found = places.facilities_open_to(_Everywhere(), OPENED).filter(
        kind=FacilityKind.HOSPITAL, area__in=[county.pk for county in counties.values()]
    )
    # The county's own hospital is named after it: 道孚县人民医院.
    hospitals = {
        facility.area.code: facility
        for facility in found
        if facility.name_zh == f"{facility.area.name_zh}人民医院"
    }
    return Stage(staff, counties, hospitals, _facility(LABORATORY))


def _send_tubes(stage: Stage, at: datetime) -> int:
    return tubes.on_the_way(
        hospital=stage.hospitals["513326"],
        laboratory=stage.laboratory,
        sender=stage.staff["hospital"],
        tester=stage.staff["lab"],
        at=at,
    )


def _enter_past(stage: Stage, yesterday: date) -> int:
    found = places.populations(stage.counties.values(), yesterday)
    people_of = {
        code: found[county.pk].count
        for code, county in stage.counties.items()
        if county.pk in found and code in stage.hospitals
    }
    first = background.first_day(history.read().first)
    bundles = background.bundles(yesterday, people_of, first)
    return past.enter(
        bundles,
        counties=stage.counties,
        hospitals=stage.hospitals,
        reader=stage.staff["hq"],
        at=_hour(yesterday, 18),
    )


# --- Desks ----------------------------------------------------------------------------------------


def _fill_desks(stage: Stage, day: date, at: datetime) -> int:
    given = [task for row in history.table("desk")["tasks"] for task in _give(stage, row, day, at)]
    # What was due yesterday and is not done has climbed since.
    tasks.escalate_overdue(min(at, _hour(day, 0)))
    return len(given)


def _give(stage: Stage, row: dict[str, Any], day: date, at: datetime) -> list[Task]:
    begun = day + timedelta(days=row["day"])
    told = {
        language: row[language].format(
            day=day, yesterday=day - timedelta(days=1), before=day - timedelta(days=2)
        )
        for language in ("zh", "en")
    }
    facility = _facility(row["facility"]) if "facility" in row else None
    found = []
    for area in _areas(stage, row, facility):
        task = tasks.assign(
            kind=MANUAL.code,
            params={"text": words(told["zh"], told["en"])},
            area=area,
            facility=facility,
            role=row["role"],
            due_at=_hour(begun, row["due"]),
            priority=row.get("priority", 2),
            by=stage.staff["hq"],
            at=_hour(begun, row["from"]),
        )
        if "done" in row:
            proof = history.text(history.table("desk")["notes"]["nil_done"])
            tasks.finish(
                task=task,
                proof=f"{proof.zh} / {proof.en}",
                by=stage.county_cdc(area.code),
                at=_hour(begun, row["done"]),
            )
        found.append(task)
    return found


def _areas(stage: Stage, row: dict[str, Any], facility: Facility | None) -> list[Area]:
    if facility is not None:
        return [facility.area]
    if row.get("every"):
        return list(stage.counties.values())
    return [_area(code) for code in row["areas"]]


def _hour(day: date, hour: int) -> datetime:
    return datetime.combine(day, time(hour), invented.ZONE)
