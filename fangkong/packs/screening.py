"""Who is a contact, until when somebody is watched, and what is done with an arrival (排查)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date, timedelta
from itertools import pairwise
from typing import get_args

from fangkong.packs.rules import condition as whole
from fangkong.packs.types import (
    AnnouncedArea,
    Asked,
    ContactRule,
    ContactWindow,
    ExposedTo,
    ExposureKind,
    Incubation,
    Judgement,
    OriginTier,
    Pack,
    Phase,
    Placed,
    Question,
    Stay,
    Term,
    Watched,
    WatchPlace,
)

_PLACES = get_args(WatchPlace)  # the strictest first
_DAY = timedelta(days=1)


def contact_window(pack: Pack, condition: str, on: date) -> ContactWindow | None:
    """Which days of a case count, as judged on that day; None where the pack has no such rule."""
    code = whole(pack, condition).code
    rows = pack.screening.windows
    return next((row for row in rows if row.condition == code and row.covers(on)), None)


def exposure_kinds(
    pack: Pack, condition: str, on: date, *, to: ExposedTo = "case"
) -> tuple[ExposureKind, ...]:
    """The kinds of exposure that make somebody a contact on that day, in the order of the pack."""
    code = whole(pack, condition).code
    rules = [r for r in pack.screening.rules if _fits(r, code, on) and r.to == to]
    judged = {kind for rule in rules for kind in rule.kinds}
    return tuple(kind for kind in pack.screening.kinds if kind.code in judged and kind.covers(on))


def contact_class(
    pack: Pack,
    condition: str,
    kind: str,
    *,
    first: date,
    last: date,
    on: date,
    onset: date | None = None,
    specimen: date | None = None,
    isolated: date | None = None,
) -> Judgement | None:
    """What an exposure to a case from ``first`` to ``last`` makes of somebody, judged on a day.

    The days of the case count from its onset, or from its first positive specimen where it has no
    symptoms; they end with its isolation. An exposure outside them, or of a kind that the pack does
    not name, makes no contact. None where the pack has no rule for this condition on that day.
    """
    _in_order(first, last)
    begins = onset or specimen
    if begins is None:
        raise ValueError("a case has an onset or a positive specimen")
    window = contact_window(pack, condition, on)
    if window is None:
        return None
    if not window.judged:
        return Judgement(contact_class=None, clause=window.clause)
    rule = _rule(pack, condition, kind, on, "case")
    before = window.days_before
    if rule is not None and rule.days_before is not None:
        before = rule.days_before
    ends = [] if window.days_after is None else [begins + timedelta(days=window.days_after)]
    ends += [] if isolated is None else [isolated]
    opens, closes = begins - timedelta(days=before), min(ends, default=None)
    return _judged(pack, rule, window, (first, last), (opens, closes))


def class_of_contact(
    pack: Pack,
    condition: str,
    kind: str,
    *,
    first: date,
    last: date,
    on: date,
    contact_since: date,
    isolated: date | None = None,
) -> Judgement | None:
    """What an exposure to a close contact makes of somebody (密接的密接).

    It counts from the day on which that close contact first met the case until they are isolated.
    """
    _in_order(first, last)
    window = contact_window(pack, condition, on)
    if window is None:
        return None
    if not window.judged:
        return Judgement(contact_class=None, clause=window.clause)
    rule = _rule(pack, condition, kind, on, "contact")
    return _judged(pack, rule, window, (first, last), (contact_since, isolated))


def term(
    pack: Pack,
    condition: str,
    contact_class: str,
    *,
    last_exposure: date,
    on: date,
    begun: date | None = None,
) -> Term | None:
    """From when to when somebody of this class is watched; None where the pack sets no term.

    The day after the last exposure is day 1. Who is found late (``begun``) is watched from then on,
    to the same last day.
    """
    code = whole(pack, condition).code
    for row in pack.screening.terms:
        if (row.condition, row.contact_class) == (code, contact_class) and row.covers(on):
            return Term(
                rule=row,
                since=last_exposure,
                days=watched(row.phases, since=last_exposure, begun=begun),
            )
    return None


def longer(old: Term, new: Term) -> Term:
    """Which of two terms of one person counts: a later exposure never shortens a watch."""
    last = new.last
    return new if last is not None and (old.last is None or last > old.last) else old


def watched(
    phases: Iterable[Phase], *, since: date, begun: date | None = None
) -> tuple[Watched, ...]:
    """The days of each phase, counted from ``since``; what was over before ``begun`` is left out.

    A day of testing counts from the day on which the phase begins for this person. One that the
    phase no longer reaches is left out, but never the one on its last day.
    """
    found: list[Watched] = []
    first = since + timedelta(days=1)
    begun = begun and max(begun, since)
    for phase in phases:
        last = first + timedelta(days=phase.days - 1)
        if begun is None or begun <= last:
            here = first if begun is None else begun if not found else max(first, begun)
            found.append(
                Watched(phase=phase, first=here, last=last, tests=_tests(phase, here, last))
            )
        first = last + timedelta(days=1)
    return tuple(found)


def _tests(phase: Phase, first: date, last: date) -> tuple[date, ...]:
    days = {first + timedelta(days=day - 1) for day in phase.tests if day < phase.days}
    days |= {last} if phase.days in phase.tests else set()
    return tuple(sorted(day for day in days if day <= last))


def longest_incubation(pack: Pack, condition: str, on: date) -> Incubation | None:
    """The longest incubation on that day, by which a chain is cut; None where none is known."""
    code = whole(pack, condition).code
    rows = pack.screening.incubations
    return next((row for row in rows if row.condition == code and row.covers(on)), None)


def tier(
    pack: Pack,
    condition: str,
    area: str,
    *,
    stays: Sequence[Stay],
    arrived: date,
    on: date,
    signs: Iterable[str] = (),
    announced: Iterable[AnnouncedArea] = (),
) -> Placed | None:
    """The tier of whoever arrives in ``area``, and what they are asked to do; None where none fits.

    Where several fit, each day takes the stricter management of them (:func:`together`); the tier
    that is the strictest as a whole (:func:`strictness`) gives its name, of two alike the pack's
    first. ``stays``: where they were and until when; ``signs``: what they show, such as
    ``red-code``; ``announced``: the areas of which the prefecture said which tier they have.
    """
    code = whole(pack, condition).code
    shown, told = set(signs), [one for one in announced if one.covers(on)]
    fitting = []
    for row in pack.screening.tiers:
        here = not row.where or area.startswith(row.where)
        if row.condition != code or not row.covers(on) or not here:
            continue
        stay = _stay(row, stays, told, on)
        if stay is not None or row.everybody or shown.intersection(row.signs):
            fitting.append(_placed(row, stay, arrived))
    return together(fitting)


def strictness(placed: Placed) -> tuple[int, ...]:
    """What two tiers are compared by: whether one may come at all, then the days in each place."""
    days = dict.fromkeys(_PLACES, 0)  # the strictest place stands first
    for part in placed.term.days:
        days[part.phase.place] += (part.last - part.first).days + 1
    return (placed.not_yet, *days.values())


def together(several: Sequence[Placed]) -> Placed | None:
    """What several tiers of one arrival come to, day by day; None where there is none.

    On each day the strictest place counts, of two alike the one with more visits, then that of the
    strictest tier. A test counts where its own phase does: two schedules are not added up. So one
    day in a facility under one tier takes no day from a longer watch at home under another.
    """
    if not several:
        return None
    ranked = sorted(several, key=strictness, reverse=True)  # stable: of two alike the pack's first
    first = ranked[0]
    term = replace(first.term, days=_stricter([part for one in ranked for part in one.term.days]))
    return replace(first, term=term, also=tuple(one.tier for one in ranked[1:]))


def _stricter(parts: Sequence[Watched]) -> tuple[Watched, ...]:
    """One stretch after the other, each the strictest of those that hold its days."""
    edges = sorted({part.first for part in parts} | {part.last + _DAY for part in parts})
    runs: list[tuple[Watched, date, date]] = []
    for first, after in pairwise(edges):
        holding = [part for part in parts if part.first <= first <= part.last]
        if not holding:
            continue
        part = min(holding, key=lambda one: (_PLACES.index(one.phase.place), -one.phase.visits))
        last = after - _DAY
        if runs and runs[-1][0] is part and runs[-1][2] + _DAY == first:
            runs[-1] = (part, runs[-1][1], last)
        else:
            runs.append((part, first, last))
    return tuple(
        replace(
            part,
            first=first,
            last=last,
            tests=tuple(day for day in part.tests if first <= day <= last),
        )
        for part, first, last in runs
    )


def _stay(
    row: OriginTier, stays: Sequence[Stay], told: Iterable[AnnouncedArea], on: date
) -> Stay | None:
    """The latest stay that this tier is about."""
    areas = (*row.areas, *(one.area for one in told if one.tier == row.code))
    oldest = on - timedelta(days=row.within_days)
    fitting = [stay for stay in stays if stay.last >= oldest and stay.area.startswith(areas)]
    return max(fitting, key=lambda stay: stay.last, default=None)


def _placed(row: OriginTier, stay: Stay | None, arrived: date) -> Placed:
    """Days run from the stay where the tier says so and one is known, else from arriving."""
    since = stay.last if stay is not None and row.counted_from == "leaving" else arrived
    days = watched(row.phases, since=since, begun=arrived)
    return Placed(tier=row, stay=stay, term=Term(rule=row, since=since, days=days))


def questions(pack: Pack, asked: Asked, on: date) -> tuple[Question, ...]:
    """What a contact or an arrival may be asked on that day, in the order of the pack."""
    rows = pack.screening.questions
    return tuple(row for row in rows if asked in row.asked and row.covers(on))


def _fits(rule: ContactRule, code: str, on: date) -> bool:
    return rule.condition == code and rule.covers(on)


def _rule(pack: Pack, condition: str, kind: str, on: date, to: ExposedTo) -> ContactRule | None:
    code = whole(pack, condition).code
    fitting = (r for r in pack.screening.rules if _fits(r, code, on) and r.to == to)
    return next((rule for rule in fitting if kind in rule.kinds), None)


def _judged(
    pack: Pack,
    rule: ContactRule | None,
    window: ContactWindow,
    exposed: tuple[date, date],
    counts: tuple[date, date | None],
) -> Judgement:
    first, last = exposed
    opens, closes = counts
    inside = last >= opens and (closes is None or first <= closes)
    if rule is None or not inside:
        return Judgement(contact_class=None, clause=window.clause, first=opens, last=closes)
    return Judgement(
        contact_class=next(c for c in pack.screening.classes if c.code == rule.contact_class),
        clause=rule.clause,
        first=opens,
        last=closes,
        counted=last if closes is None else min(last, closes),
    )


def _in_order(first: date, last: date) -> None:
    if last < first:
        raise ValueError(f"an exposure to {last} cannot begin on {first}")
