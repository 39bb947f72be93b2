"""The page of response: what was asked, its table and its chart."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

from django.http import QueryDict
from django.urls import reverse
from django.utils.formats import number_format
from django.utils.translation import gettext as _

from fangkong.core import clock, pages
from fangkong.core.pages.forms import dress

from . import rules, types
from .forms import ResponseForm
from .responding import LONGEST, Response, response
from .rules import Tally

if TYPE_CHECKING:
    from fangkong.accounts.models import User

USUAL_DAYS = 91


@dataclass(frozen=True)
class Line:
    """One row of the table: a name and what became of its signals."""

    name: str
    tally: Tally

    @property
    def cells(self) -> list[tuple[str, str]]:
        """The columns of the page: heading and what stands below it."""
        t = self.tally
        median = "–" if t.median_delay is None else number_format(t.median_delay)
        return [
            (_("Signals"), number_format(t.signals)),
            (_("Answered"), part_of(t.answered, t.signals)),
            (_("Verification begun within 2 h"), part_of(t.begun_2h, t.due_2h)),
            (_("Answered within 2 h"), part_of(t.answered_2h, t.due_2h)),
            (_("Answered within 24 h"), part_of(t.answered_24h, t.due_24h)),
            (_("Suspected events"), part_of(t.suspected, t.answered)),
            (_("Events among the decided"), part_of(t.events, t.decided)),
            (
                _("Days from onset to the first alarm"),
                _("median %(days)s of %(n)d") % {"days": median, "n": len(t.delays)}
                if t.delays
                else "–",
            ),
        ]


@dataclass(frozen=True)
class Asked:
    """What the page shows: the choices, made sensible, and the figures."""

    form: ResponseForm
    found: Response
    query: str

    @property
    def lines(self) -> Sequence[tuple[str, list[Line]]]:
        """The table's parts: all, by method, by county; counties without a signal left out."""
        shown = parts(self.found)
        return [(part, [row for row in rows if row.tally.signals]) for part, rows in shown]


def asked(user: User, at: datetime, query: Mapping[str, object]) -> Asked:
    """The figures for the choices of a page; missing and wrong ones become the usual."""
    today = clock.day_of(at)
    form = ResponseForm(query or None, user=user, at=at)
    form.is_valid()
    chosen = getattr(form, "cleaned_data", {})
    last: date = chosen.get("last") or today
    first: date = chosen.get("first") or last - timedelta(days=USUAL_DAYS - 1)
    first = max(min(first, last), last - timedelta(days=LONGEST - 1))
    county, condition = (str(chosen.get(name) or "") for name in ("county", "condition"))
    said = {"first": first, "last": last, "county": county, "condition": condition}
    shown = ResponseForm(initial=said, user=user, at=at)
    dress(shown)
    kept = QueryDict(mutable=True)
    kept.update({name: str(value) for name, value in said.items()})
    found = response(user, at, first=first, last=last, county=county, condition=condition)
    return Asked(shown, found, kept.urlencode())


def parts(found: Response) -> list[tuple[str, list[Line]]]:
    """The rows of the table in three parts, each with its heading."""
    methods = [
        Line(str(types.METHOD_NAMES.get(name, name)), tally) for name, tally in found.methods
    ]
    counties = [Line(area.display_short, tally) for area, tally in found.counties]
    return [
        (_("All"), [Line(_("all signals"), found.total)]),
        (_("By method"), methods),
        (_("By county"), counties),
    ]


def chart(page: Asked) -> pages.Chart:
    """Signals by county, stacked by how soon they were answered: numbers, not shares of few."""
    found = page.found
    rows = [(area.display_short, tally) for area, tally in found.counties if tally.signals]
    kinds: list[tuple[str, Callable[[Tally], int]]] = [
        (_("answered within 2 h"), lambda t: t.answered_2h),
        (_("answered within 24 h"), lambda t: t.answered_24h - t.answered_2h),
        (_("answered later"), lambda t: t.answered - t.answered_24h),
        (_("not answered"), lambda t: t.signals - t.answered),
    ]
    return pages.Chart(
        title=_("How soon signals were answered"),
        url=f"{reverse('surveillance:warning:response_chart')}?{page.query}",
        x=[name for name, _tally in rows] or ["–"],
        series=[
            pages.Series(name, [of(tally) for _name, tally in rows] or [0]) for name, of in kinds
        ],
        kind="stacked",
        unit=_("signals"),
        x_label=_("County"),
        as_of=found.as_of,
    )


def part_of(part: int, whole: int) -> str:
    """ "3 of 4", and the share in percent where the whole is large enough to have one."""
    if not whole:
        return "–"
    said = _("%(part)s of %(whole)s") % {"part": number_format(part), "whole": number_format(whole)}
    share = rules.percent(part, whole)
    return said if share is None else f"{said} ({number_format(round(share, 1))} %)"


def head() -> list[str]:
    """The heads of the file: every share as its part and its whole."""
    return [
        _("Part"),
        _("Name"),
        _("Signals"),
        _("Answered"),
        _("Judged at 2 h"),
        _("Verification begun within 2 h"),
        _("Answered within 2 h"),
        _("Judged at 24 h"),
        _("Answered within 24 h"),
        _("Median minutes to the answer"),
        _("Suspected events"),
        _("Decided"),
        _("Events among the decided"),
        _("Outbreaks"),
        _("Outbreaks with a day of onset"),
        _("Median days from onset to the first alarm"),
    ]


def lines(found: Response) -> Iterator[list[object]]:
    """The rows of the file."""
    for part, rows in parts(found):
        for row in rows:
            t = row.tally
            yield [
                part, row.name, t.signals, t.answered, t.due_2h, t.begun_2h, t.answered_2h,
                t.due_24h, t.answered_24h, t.median_minutes, t.suspected, t.decided, t.events,
                t.outbreaks, len(t.delays), t.median_delay,
            ]  # fmt: skip
