"""How signals were responded to and what became of them: by method, by county, over a span."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

from django.db.models import Min

from fangkong.core import clock

from . import queries, rules
from .models import Alarm, Signal
from .rules import Responded, Tally
from .types import State

if TYPE_CHECKING:
    from fangkong.accounts.models import User
    from fangkong.places.models import Area

LONGEST = 3660  # days of a span
EARLIEST = date(1970, 1, 2)  # no signal is older; and no zone has a moment before the year 1


@dataclass(frozen=True)
class Response:
    """The figures of a span as of a moment; a signal counts for every method that saw it.

    ``counties`` holds each county of the user's scope, also those without a signal.
    """

    first: date
    last: date
    as_of: datetime
    total: Tally
    methods: Sequence[tuple[str, Tally]]
    counties: Sequence[tuple[Area, Tally]]


def response(
    user: User,
    at: datetime,
    *,
    first: date,
    last: date,
    county: str = "",
    condition: str = "",
) -> Response:
    """Signals put on the list from ``first`` to ``last`` in the user's scope, and their answers.

    Withdrawn signals do not count, and those beyond the load budget were never put before anybody.
    """
    first, last = max(first, EARLIEST), max(min(last, clock.day_of(at)), EARLIEST)
    rows = queries.open_to(user, at).exclude(state=State.SUPERSEDED).order_by("pk")
    rows = rows.filter(
        listed_at__gte=clock.start_of(first), listed_at__lt=clock.start_of(last + timedelta(days=1))
    )
    if county:
        rows = rows.filter(area__code=county)
    if condition:
        rows = rows.filter(condition=condition)
    facts = _facts(list(rows))
    used = sorted({method for one in facts for method in one.seen_on}, key=_order)
    counties = [one for one in queries.counties_of(user, at) if county in ("", one.code)]
    return Response(
        first=first,
        last=last,
        as_of=at,
        total=rules.tally(facts, at),
        methods=[(name, rules.tally(_of_method(facts, name), at)) for name in used],
        counties=[
            (one, rules.tally([row for row in facts if row.county_id == one.pk], at))
            for one in counties
        ],
    )


def _facts(signals: Sequence[Signal]) -> list[Responded]:
    firsts: dict[int, dict[str, date]] = {}
    alarms = Alarm.objects.filter(signal__in=signals).order_by()
    for pk, method, day in alarms.values_list("signal", "method").annotate(first=Min("day")):
        firsts.setdefault(pk, {})[method] = day
    return [_fact(signal, firsts.get(signal.pk, {})) for signal in signals]


def _fact(signal: Signal, seen_on: dict[str, date]) -> Responded:
    event = signal.investigation
    assert signal.listed_at is not None  # only listed ones are asked for
    return Responded(
        county_id=signal.area_id,
        listed_at=signal.listed_at,
        verifying_at=signal.verifying_at,
        answered_at=signal.answered_at,
        outcome=signal.outcome,
        conclusion=event.conclusion if event else "",
        event=event.pk if event else None,
        first_onset=event.first_onset if event else None,
        seen_on=seen_on,
    )


def _of_method(facts: Sequence[Responded], method: str) -> list[Responded]:
    """The signals that a method saw, as if it had been the only one."""
    return [one.by(method) for one in facts if method in one.seen_on]


def _order(method: str) -> tuple[int, str]:
    known = rules.METHODS
    return (known.index(method) if method in known else len(known), method)
