"""The page of the quality of cards: what was asked, the rates, and the cards at fault."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.http import QueryDict
from django.urls import reverse
from django.utils.translation import gettext as _

from fangkong.core import clock, pages
from fangkong.core.pages.forms import dress
from fangkong.core.refusals import Refused
from fangkong.places import queries as places

from . import queries, rules, words
from .forms import QualityForm
from .types import RATED, Dimension, Finding, Tally

if TYPE_CHECKING:
    from fangkong.accounts.models import User
    from fangkong.places.models import Area, Facility

USUAL_DAYS = 30
MOST_SHOWN = 50  # cards in the table; the file has them all
MOST_KINDS = 10  # of findings


@dataclass(frozen=True)
class Rate:
    """One dimension of a tally, ready to be shown; ``percent`` is "–" of no card."""

    dimension: Dimension
    percent: str
    right: int
    judged: int
    faulty: int


@dataclass(frozen=True)
class Unit:
    """A county or a facility with its rates, and where its own page is."""

    name: str
    url: str
    cards: int
    rates: list[Rate]
    alerts: int


@dataclass(frozen=True)
class Shown:
    """The page: cards judged and counted, as the choices say."""

    form: QualityForm
    asked: queries.Asked
    at: datetime
    user: User
    cards: list[queries.Judged]
    county: str
    facility: Facility | None
    look: str  # a dimension, or dimension:code; the cards in the table have such a finding
    problem: Refused | None = None

    @cached_property
    def tally(self) -> Tally:
        return queries.whole(self.cards)

    @property
    def query(self) -> str:
        """The choices as they stand in an address, without what is looked at."""
        return self._query()

    def _query(self, **changed: str) -> str:
        chosen = {
            "first": self.asked.first.isoformat(),
            "last": self.asked.last.isoformat(),
            "county": self.county,
            "facility": str(self.facility.public_id) if self.facility else "",
            "condition": self.asked.condition,
            **changed,
        }
        query = QueryDict(mutable=True)
        query.update({name: value for name, value in chosen.items() if value})
        return query.urlencode()

    def url(self, **changed: str) -> str:
        """The page with other choices."""
        return f"{reverse('surveillance:quality:index')}?{self._query(**changed)}"

    @property
    def rates(self) -> list[Rate]:
        return rates(self.tally)

    @property
    def alerts(self) -> int:
        return self.tally.faulty[Dimension.ALERT.value]

    @property
    def all_url(self) -> str:
        """The page without the facility."""
        return self.url(facility="")

    @property
    def by_county(self) -> bool:
        """Whether the table has a line for each county, and not for each facility."""
        return len(self.form.counties) > 1 and not self.county and self.facility is None

    @cached_property
    def units(self) -> list[Unit]:
        """By county where several are shown, else by facility; those with most cards first."""
        if self.by_county:
            names: Mapping[int, Area | Facility] = {c.pk: c for c in self.form.counties.values()}
            by = queries.tallies(self.cards, "county_id")
        else:
            by = queries.tallies(self.cards, "facility_id")
            found = places.facilities_open_to(self.user, self.at).filter(pk__in=[*by])
            names = {one.pk: one for one in found}
        units = [self._unit(names.get(key), tally) for key, tally in by.items()]
        return sorted(units, key=lambda unit: (-unit.cards, unit.name))

    def _unit(self, place: Any, tally: Tally) -> Unit:
        if place is None:  # a county that is none of the home area any more, a facility elsewhere
            return Unit(_("elsewhere"), "", tally.cards, rates(tally), _alerts(tally))
        if hasattr(place, "display_short"):
            name, url = place.display_short, self.url(county=place.code)
        else:
            name, url = place.display_name, self.url(facility=str(place.public_id))
        return Unit(name, url, tally.cards, rates(tally), _alerts(tally))

    @cached_property
    def kinds(self) -> list[tuple[Finding, int, str]]:
        """What is found most often, how often, and what it is called by the newest pack."""
        named = {finding: card.definition for card in self.cards for finding in card.audit.findings}
        most = rules.top(self.tally.codes, MOST_KINDS)
        return [(finding, n, words.named(named[finding], finding)) for finding, n in most]

    @property
    def look_dimension(self) -> str:
        """The dimension that is looked at."""
        return self.look.partition(":")[0]

    @property
    def found(self) -> list[queries.Judged]:
        """The cards with the finding that is looked at, the newest first."""
        return [card for card in reversed(self.cards) if self.of(card)]

    def of(self, card: queries.Judged) -> list[Finding]:
        """The findings of a card that are looked at."""
        dimension, _colon, code = self.look.partition(":")
        return [
            one
            for one in card.audit.findings
            if (not dimension or one.dimension == dimension) and (not code or one.code == code)
        ]


def _alerts(tally: Tally) -> int:
    return tally.faulty[Dimension.ALERT.value]


def rates(tally: Tally) -> list[Rate]:
    """The five rates of a tally."""
    return [
        Rate(
            one,
            percent(tally.rate(one.value)),
            tally.right(one.value),
            tally.judged[one.value],
            tally.faulty[one.value],
        )
        for one in RATED
    ]


def percent(rate: int | None) -> str:
    """Hundredths of a percent as text, rounded down to tenths; "–" where there is none.

    So nothing but all of them is 100 %.
    """
    if rate is None:
        return "–"
    return "100\u00a0%" if rate == 10_000 else f"{rate // 100}.{rate // 10 % 10}\u00a0%"


def shown(user: User, at: datetime, query: Mapping[str, Any]) -> Shown:
    """The page for some choices; missing and wrong ones become the usual."""
    today = clock.day_of(at)
    form = QualityForm(query or None, user=user, at=at)
    form.is_valid()
    chosen = dict(getattr(form, "cleaned_data", {}))
    last: date = min(chosen.get("last") or today, today)
    first: date = chosen.get("first") or last - timedelta(days=USUAL_DAYS - 1)
    first = max(min(first, last), last - timedelta(days=queries.MOST_DAYS - 1))
    county = str(chosen.get("county") or "")
    facility = _facility(user, at, str(query.get("facility") or ""))
    asked = queries.Asked(
        first=first,
        last=last,
        county_id=form.counties[county].pk if county else None,
        facility_id=facility.pk if facility else None,
        condition=str(chosen.get("condition") or ""),
    )
    initial = {"first": first, "last": last, "county": county, "condition": asked.condition}
    form = QualityForm(initial=initial, user=user, at=at)
    dress(form)
    problem, cards = None, []
    try:
        cards = queries.judged(user, at, asked)
    except queries.TooManyCards as refused:
        problem = refused
    look = str(query.get("look") or "")
    known = look.partition(":")[0] in set(Dimension.values)
    return Shown(form, asked, at, user, cards, county, facility, look if known else "", problem)


def _facility(user: User, at: datetime, public_id: str) -> Facility | None:
    try:
        key = UUID(public_id)
    except ValueError:
        return None
    return places.facilities_open_to(user, at).filter(public_id=key).first()


def chart(page: Shown) -> pages.Chart:
    """The rates by week of report; a week without a card that a rate concerns has none."""
    weeks: dict[date, Tally] = {}
    for card in page.cards:
        day = clock.day_of(card.reported_at)
        weeks.setdefault(day - timedelta(days=day.weekday()), Tally()).add(card.audit)
    first = page.asked.first - timedelta(days=page.asked.first.weekday())
    count = (page.asked.last - first).days // 7 + 1
    mondays = [first + timedelta(days=7 * n) for n in range(count)]
    none = Tally()

    def share(monday: date, dimension: str) -> float | None:
        rate = weeks.get(monday, none).rate(dimension)
        return None if rate is None else rate / 100

    return pages.Chart(
        title=_("Rates by week of report"),
        url=f"{reverse('surveillance:quality:chart')}?{page.query}",
        x=[monday.isoformat() for monday in mondays],
        series=[
            pages.Series(one.label, [share(monday, one.value) for monday in mondays], kind="line")
            for one in RATED
        ],
        kind="lines",
        unit="%",
        x_label=_("Week from"),
        as_of=page.at,
    )
