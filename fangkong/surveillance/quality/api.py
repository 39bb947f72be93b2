"""The quality of report cards for machines."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, cast
from uuid import UUID

from django.http import Http404, HttpRequest
from django.shortcuts import get_object_or_404
from ninja import Router, Schema

from fangkong.accounts.types import StaffRequest
from fangkong.core import api
from fangkong.core.audit.sights import opened
from fangkong.packs.types import NoPackInForce
from fangkong.surveillance.monitoring import queries as monitoring
from fangkong.surveillance.monitoring.types import VIEW

from . import queries, words
from .types import Dimension, Tally

router = Router(tags=["quality"])


class QualityRateOut(Schema):
    """Of `judged` cards that a dimension concerns, `right` are not at fault."""

    dimension: str
    judged: int
    right: int


class QualityFindingOut(Schema):
    dimension: str
    code: str


class CountedFindingOut(QualityFindingOut):
    cards: int


class CountyQualityOut(Schema):
    county: str
    cards: int
    rates: list[QualityRateOut]


class QualityOut(Schema):
    """The cards reported from `first` to `last`, judged as at `as_of`."""

    first: date
    last: date
    as_of: datetime
    cards: int
    rates: list[QualityRateOut]
    counties: list[CountyQualityOut]
    findings: list[CountedFindingOut]


class JudgedCardOut(Schema):
    """What was found in the newest card of a case; `text` in the language of the request."""

    case: UUID
    number: str
    definition: str
    judged: list[str]
    findings: list[QualityFindingOut]
    texts: list[str]


@router.get("/", response=QualityOut)
def quality(
    request: HttpRequest, first: date, last: date, county: str = "", condition: str = ""
) -> dict[str, Any]:
    """The rates of the cards of at most 366 days, and what is found most often.

    `county`: one of the counties whose counts you see; `condition`: a code of
    `GET …/monitoring/choices/`. More than 50,000 cards are 422: ask for fewer days or a county.
    """
    staff = cast(StaffRequest, request)
    api.require(request, VIEW)
    asked = _asked(staff, first, last, county, condition)
    cards = queries.judged(staff.user, staff.now, asked)
    whole = queries.whole(cards)
    counties = {c.pk: c.code for c in monitoring.counted_counties(staff.user, staff.now)}
    by_county = queries.tallies(cards, "county_id")
    return {
        "first": first,
        "last": last,
        "as_of": staff.now,
        "cards": whole.cards,
        "rates": _rates(whole),
        "counties": [
            {"county": counties[key], "cards": tally.cards, "rates": _rates(tally)}
            for key, tally in sorted(by_county.items())
            if key in counties
        ],
        "findings": [
            {"dimension": finding.dimension, "code": finding.code, "cards": n}
            for finding, n in sorted(whole.codes.items())
        ],
    }


@router.get("/cases/{uuid:public_id}/", response=JudgedCardOut)
def quality_of_case(request: HttpRequest, public_id: UUID) -> dict[str, Any]:
    """What is found in the newest card of a case. 404 also for a case that is not judged, such as
    a discarded one."""
    staff = cast(StaffRequest, request)
    api.require(request, VIEW)
    case = get_object_or_404(monitoring.open_to(staff.user, staff.now), public_id=public_id)
    opened(request, case)
    card = queries.of_case(case, staff.now)
    if card is None:
        raise Http404
    return {
        "case": card.public_id,
        "number": card.number,
        "definition": card.definition,
        "judged": sorted(card.audit.judged),
        "findings": [{"dimension": f.dimension, "code": f.code} for f in card.audit.findings],
        "texts": [words.named(card.definition, f) for f in card.audit.findings],
    }


def _asked(
    staff: StaffRequest, first: date, last: date, county: str, condition: str
) -> queries.Asked:
    api.in_order("last", last, "first", first)
    if (last - first).days >= queries.MOST_DAYS:
        raise api.wrong("last", "too_far", days=queries.MOST_DAYS)
    try:
        monitoring.pack_on(last)
    except NoPackInForce:
        raise api.wrong("last", "no_rules") from None
    counties = {c.code: c.pk for c in monitoring.counted_counties(staff.user, staff.now)}
    if county:
        api.among("county", county, counties)
    if condition:
        api.among("condition", condition, monitoring.condition_codes())
    return queries.Asked(
        first=first, last=last, county_id=counties.get(county), condition=condition
    )


def _rates(tally: Tally) -> list[dict[str, Any]]:
    return [
        {"dimension": one.value, "judged": tally.judged[one.value], "right": tally.right(one.value)}
        for one in Dimension
    ]
