"""Begin and end sweeps, add doors, say what was found at a door and who is ill."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from fangkong.core import clock
from fangkong.core.audit import actions as audit
from fangkong.core.free_text import refuse_numbers
from fangkong.core.record import stamps
from fangkong.core.refusals import Refused, WrongField, WrongFields
from fangkong.core.roles import Role
from fangkong.core.spelling import shown
from fangkong.people import actions as people
from fangkong.people.types import PhoneNumber
from fangkong.surveillance.screening.types import Symptom
from fangkong.tasks import actions as tasks
from fangkong.tasks.types import words as both

from . import queries, rules, words
from .models import DoorVisit, Finding, Household, Sweep, SweepCell
from .types import SYMPTOMS_TASK, DoorFacts, IllFacts, Outcome

if TYPE_CHECKING:
    from fangkong.accounts.models import User
    from fangkong.people.models import Person
    from fangkong.places.models import Area

MOST_NEW_DOORS = 300  # in one go
ILL_WITHIN = timedelta(hours=2)


class NotAcceptable(WrongFields):
    """What was entered contradicts itself; ``faults``: field and words of each."""

    def __init__(self, faults: Iterable[tuple[str, str]]) -> None:
        super().__init__([(field, words.fault(code)) for field, code in faults])


class NotRunning(Refused):
    """The sweep has ended, or has not begun."""


class AlreadyEnded(Refused):
    """The sweep was ended already."""


class Removed(Refused):
    """The door is there no more."""


class NothingChanged(Refused):
    """What was sent says nothing new."""

    status = 422


# --- Sweeps ---------------------------------------------------------------------------------------


@transaction.atomic
def begin(
    *,
    title: str,
    cells: Sequence[Area],
    first_date: date,
    last_date: date,
    synthetic: bool = False,
    by: User | None,
    at: datetime,
) -> Sweep:
    """Begin a sweep over cells of one county (部署网格排查)."""
    name = shown(title)
    refuse_numbers(title=name)
    if not name:
        raise WrongField(_("Give the sweep a name."), "title")
    if not cells:
        raise WrongField(_("Choose at least one cell."), "cells")
    if overlap := rules.one_in_another((cell.path or "", cell.display_name) for cell in cells):
        raise WrongField(
            _(
                "%(inner)s lies in %(outer)s: its doors would count twice. Choose the whole or its"
                " parts, not both."
            )
            % {"inner": overlap[0], "outer": overlap[1]},
            "cells",
        )
    counties = {cell.county_id for cell in cells}
    if len(counties) != 1 or None in counties:
        raise WrongField(_("A sweep covers cells of one county. Begin one for each."), "cells")
    if faults := list(rules.sweep_faults(first_date, last_date, clock.day_of(at))):
        raise NotAcceptable(faults)
    county = cells[0].county
    assert county is not None
    made = Sweep.objects.create(
        **stamps(by, at),
        title=name,
        county=county,
        first_date=first_date,
        last_date=last_date,
        synthetic=synthetic,
    )
    SweepCell.objects.bulk_create(
        SweepCell(**stamps(by, at), sweep=made, cell=cell) for cell in dict.fromkeys(cells)
    )
    detail = {"cells": len(cells), "from": str(first_date), "to": str(last_date)}
    audit.record("surveillance.sweeps.begin", made, by=by, at=at, detail=detail)
    return made


@transaction.atomic
def end(*, sweep: Sweep, by: User | None, at: datetime) -> Sweep:
    """No more doors are visited in this sweep."""
    sweep = Sweep.objects.select_for_update().get(pk=sweep.pk)
    if sweep.ended_at is not None:
        raise AlreadyEnded(_("This sweep was ended already."))
    sweep.ended_at = at
    sweep.touch(by, at)
    sweep.save()
    audit.record("surveillance.sweeps.end", sweep, by=by, at=at)
    return sweep


# --- Doors ----------------------------------------------------------------------------------------


@transaction.atomic
def add_households(
    *, cell: Area, doors: str, synthetic: bool = False, by: User | None, at: datetime
) -> int:
    """Add the doors of a list, one a line; those that stand already stay. Gives how many are new.

    One line in the trail for all. A door that is entered by two at once is one door.
    """
    wanted = rules.new_doors(shown(doors))
    if not wanted:
        raise WrongField(_("Write at least one door, one a line."), "doors")
    if len(wanted) > MOST_NEW_DOORS:
        raise WrongField(
            _("At most %(most)d doors in one go. Send them in parts.") % {"most": MOST_NEW_DOORS},
            "doors",
        )
    if any(len(one) > 100 for one in wanted):
        raise WrongField(_("A door has at most 100 characters."), "doors")
    refuse_numbers(doors="\n".join(wanted))
    if cell.county is None:
        raise WrongField(_("Choose a cell of a county."), "cell")
    unit = queries.unit_for(cell, clock.day_of(at))
    made = 0
    for door in wanted:
        row = Household(
            **stamps(by, at),
            cell=cell,
            county=cell.county,
            unit=unit,
            door=door,
            synthetic=synthetic,
        )
        try:
            with transaction.atomic():
                row.save(force_insert=True)
        except IntegrityError:
            continue
        made += 1
    if made:
        detail = {"doors": made}
        audit.record("surveillance.sweeps.add_household", cell, by=by, at=at, detail=detail)
    return made


@transaction.atomic
def remove_household(*, household: Household, by: User | None, at: datetime) -> Household:
    """The door is there no more, or was entered in error: it counts no more."""
    household = _standing(household)
    household.removed_at = at
    household.touch(by, at)
    household.save()
    audit.record("surveillance.sweeps.remove_household", household, by=by, at=at)
    return household


@transaction.atomic
def visit(
    *, sweep: Sweep, household: Household, facts: DoorFacts, by: User | None, at: datetime
) -> DoorVisit:
    """Say what one came to at a door today; said again on the same day it is corrected.

    The same twice changes nothing, whoever sends it.
    """
    household = _standing(household)
    day = _running(sweep, at)
    note = shown(facts.note)
    refuse_numbers(note=note)
    if faults := list(rules.door_faults(facts.outcome, Outcome.values, facts.residents)):
        raise NotAcceptable(faults)
    said = {"outcome": facts.outcome, "residents": facts.residents, "note": note}
    known = queries.visit_on(sweep, household, day)
    if known is None:
        made = DoorVisit(**stamps(by, at), sweep=sweep, household=household, day=day, **said)
        made.save(force_insert=True)
        detail = {"sweep": str(sweep.public_id), "outcome": facts.outcome}
        audit.record("surveillance.sweeps.visit", household, by=by, at=at, detail=detail)
        household.touch(by, at)  # seen: it is kept as long as sweeps see it
        household.save(update_fields=["changed_at", "changed_by"])
        return made
    changed = [name for name, value in said.items() if getattr(known, name) != value]
    if not changed:
        return known
    for name in changed:
        setattr(known, name, said[name])
    known.touch(by, at)
    known.save()
    detail = {"sweep": str(sweep.public_id), "changed": ", ".join(changed)}
    audit.record("surveillance.sweeps.correct", household, by=by, at=at, detail=detail)
    return known


@transaction.atomic
def find_ill(
    *,
    sweep: Sweep,
    household: Household,
    facts: IllFacts,
    person: Person | None = None,
    synthetic: bool = False,
    by: User | None,
    at: datetime,
) -> Finding:
    """Somebody of a household has symptoms: they are registered, and the county gets a task.

    The same person again on the same day is the same finding, with what is new.
    """
    household = _standing(household)
    day = _running(sweep, at)
    wrong = []
    if not facts.symptoms or set(facts.symptoms) - set(Symptom.values):
        wrong.append(("symptoms", "no_symptom"))
    if facts.temperature is not None and facts.temperature not in rules.TEMPERATURES:
        wrong.append(("temperature", "no_temperature"))
    if wrong:
        raise NotAcceptable(wrong)
    if person is None:
        person = _person(household, facts, synthetic, by, at)
    known = Finding.objects.filter(sweep=sweep, person=person, day=day).first()
    if known is not None:
        known.symptoms = [
            one for one in Symptom.values if one in {*known.symptoms, *facts.symptoms}
        ]
        known.temperature = facts.temperature or known.temperature
        known.touch(by, at)
        known.save()
        audit.record("surveillance.sweeps.find_ill", known, by=by, at=at, detail={"again": True})
        return known
    made = Finding(
        **stamps(by, at),
        sweep=sweep,
        household=household,
        person=person,
        cell=household.cell,
        county=household.county,
        unit=household.unit,
        day=day,
        symptoms=[one for one in Symptom.values if one in facts.symptoms],
        temperature=facts.temperature,
    )
    made.save(force_insert=True)
    audit.record("surveillance.sweeps.find_ill", made, by=by, at=at)
    cell = household.cell
    tasks.assign(
        kind=SYMPTOMS_TASK.code,
        params={"cell": both(cell.name_zh, cell.name_en or cell.name_zh)},
        area=household.county,
        role=Role.COUNTY_CDC,
        due_at=at + ILL_WITHIN,
        priority=3,
        source=made,
        by=by,
        at=at,
    )
    return made


def _person(
    household: Household, facts: IllFacts, synthetic: bool, by: User | None, at: datetime
) -> Person:
    """Who it is; a person of the same name and phone behind this door is not entered twice."""
    known = queries.found_behind(household, facts.name, facts.phone)
    if known is not None:
        return known
    try:
        return people.register(
            name=facts.name,
            area=household.cell,
            address_detail=household.door,
            phones=(PhoneNumber(facts.phone),) if facts.phone else (),
            synthetic=synthetic,
            by=by,
            at=at,
        )
    except WrongField as problem:
        field = problem.field if problem.field in ("name", "phone") else "name"
        raise WrongField(str(problem), field) from None


def _standing(household: Household) -> Household:
    rows = Household.objects.select_related("cell", "county", "unit")
    found = rows.select_for_update(of=("self",)).get(pk=household.pk)
    if found.removed_at is not None:
        raise Removed(_("This door is there no more. Add it anew if it is."))
    return found


def _running(sweep: Sweep, at: datetime) -> date:
    """Today, where the sweep takes visits."""
    day = clock.day_of(at)
    found = Sweep.objects.get(pk=sweep.pk)
    if not queries.runs_on(found, day):
        raise NotRunning(
            _("This sweep runs from %(first)s to %(last)s and takes no visits now.")
            % {"first": found.first_date, "last": found.last_date}
        )
    return day
