"""Contacts of a file, entered together: as ``actions.expose`` does one, in few statements.

Who is met here for the first time, which are nearly all, is entered with the others at once.
Whoever is watched already, has become a case, or stands in two rows goes the way of the form.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING

from django.db import transaction

from fangkong.core import bulk, clock
from fangkong.core.audit import actions as audit
from fangkong.core.record import stamps
from fangkong.core.refusals import Refused

from . import actions, queries
from .models import Exposure, Observation
from .types import ExposureFacts

if TYPE_CHECKING:
    from fangkong.accounts.models import User
    from fangkong.people.models import Person
    from fangkong.places.models import Area, Facility
    from fangkong.surveillance.monitoring.models import Case


@dataclass(frozen=True)
class Ready:
    """A row that can be entered: judged by the rules, with its print."""

    case: Case
    facts: ExposureFacts
    judged: actions.Judged
    print: str


def enter(
    ready: Sequence[Ready],
    persons: Sequence[Person],
    *,
    areas: Mapping[int, Area],
    synthetic: bool,
    detail: Mapping[str, object],
    by: User | None,
    at: datetime,
) -> list[Refused | None]:
    """Enter each row for its person, within the caller's transaction; None, or why it is refused.

    ``areas`` by key, so that none is asked for again; ``detail``: of the lines in the trail.
    Raises IntegrityError where another process has entered the same meanwhile.
    """
    if not ready:
        return []
    today, stamped = clock.day_of(at), stamps(by, at)
    keys = {one.pk for one in persons}
    rows = Counter(one.pk for one in persons)
    watched = queries.watched_of(keys)
    ill = {
        condition: queries.cases_after(keys, condition, today)
        for condition in sorted({one.judged.condition for one in ready})
    }

    @cache
    def unit(area_id: int) -> Facility | None:
        return queries.unit_for(areas[area_id], today)

    found: list[Refused | None] = [None] * len(ready)
    exposures: list[Exposure] = []
    begun: list[tuple[Exposure, Observation]] = []
    slowly: list[int] = []
    for n, (row, person) in enumerate(zip(ready, persons, strict=True)):
        condition = row.judged.condition
        alone = rows[person.pk] == 1 and (person.pk, condition) not in watched
        if not alone or ill[condition].get(person.pk):
            slowly.append(n)
            continue
        if person.area_id is not None:
            person.area = areas[person.area_id]
        area = queries.home_of(person, row.case, today)
        made = actions.exposure_of(row.case, row.facts, row.judged, person, area, stamped)
        made.row_print, made.synthetic = row.print, synthetic
        exposures.append(made)
        term = queries.term_of(made, today, today)
        if term is not None:
            begun.append((made, actions.observation_of(made, term, unit(area.pk), stamped)))
    bulk.insert([observation for _exposure, observation in begun])
    for exposure, observation in begun:
        exposure.observation = observation
    bulk.insert(exposures)
    for verb, model, made_rows in (
        ("expose", Exposure, exposures),
        ("open", Observation, [observation for _exposure, observation in begun]),
    ):
        audit.record_rows(
            f"surveillance.screening.{verb}",
            model,
            [one.pk for one in made_rows],
            public_ids=[one.public_id for one in made_rows],
            area_keys=[one.area_id for one in made_rows],
            by=by,
            at=at,
            detail=detail,
        )
    for n in slowly:
        found[n] = _one(ready[n], persons[n], synthetic, by, at)
    return found


def _one(
    row: Ready, person: Person, synthetic: bool, by: User | None, at: datetime
) -> Refused | None:
    try:
        with transaction.atomic():
            actions.expose(
                case=row.case,
                facts=row.facts,
                person=person,
                row_print=row.print,
                synthetic=synthetic,
                by=by,
                at=at,
            )
    except Refused as problem:
        return problem
    return None
