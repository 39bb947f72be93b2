"""The cards of a period, judged, as far as the asking user may see; nothing is unsealed for it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple
from uuid import UUID

from django.db.models import Exists, OuterRef, QuerySet

from fangkong.core import clock
from fangkong.core.refusals import Refused, filled
from fangkong.packs import queries as packs
from fangkong.packs.types import UnknownCode
from fangkong.people import queries as people
from fangkong.people.types import DocumentKind
from fangkong.surveillance.monitoring import queries as monitoring
from fangkong.surveillance.monitoring import rules as rules_of_cases
from fangkong.surveillance.monitoring.types import ReviewState

from . import rules
from .types import Audit, CardFacts, Tally
from .words import TOO_MANY

if TYPE_CHECKING:
    from fangkong.accounts.models import User
    from fangkong.surveillance.monitoring.models import Case

MOST_DAYS = 366
MOST_CARDS = 50_000  # judged for one page: about two seconds


class TooManyCards(Refused):
    """More cards than one answer judges."""

    status = 422


class Judged(NamedTuple):
    """A card with what was found; as much of it as a list of cards tells."""

    public_id: UUID
    person_id: int
    number: str
    condition: str
    definition: str
    county_id: int
    facility_id: int
    reported_at: datetime
    diagnosed_at: datetime
    synthetic: bool
    audit: Audit


@dataclass(frozen=True, kw_only=True)
class Asked:
    """Which cards: reported from a day to a day, by county, facility or disease."""

    first: date
    last: date
    county_id: int | None = None
    facility_id: int | None = None
    condition: str = ""


def judged(user: User, at: datetime, asked: Asked) -> list[Judged]:
    """The cards in the order they were reported, each judged as at ``at``.

    Without discarded ones, and without those of persons whose data are restricted. TooManyCards
    where there are more than ``MOST_CARDS``; at most ``MOST_DAYS`` days are looked at.
    """
    cases = monitoring.open_to(user, at).filter(
        reported_at__gte=clock.start_of(asked.first),
        reported_at__lt=clock.start_of(asked.last + timedelta(days=1)),
    )
    if asked.county_id is not None:
        cases = cases.filter(county_id=asked.county_id)
    if asked.facility_id is not None:
        cases = cases.filter(facility_id=asked.facility_id)
    if asked.condition:
        day = min(asked.last, clock.day_of(at))
        pack = monitoring.pack_on(day)
        cases = cases.filter(condition__in=rules_of_cases.with_subtypes(pack, asked.condition))
    rows = list(_read(cases.order_by("reported_at", "pk"), at, most=MOST_CARDS + 1))
    if len(rows) > MOST_CARDS:
        raise TooManyCards(filled(TOO_MANY, most=MOST_CARDS))
    return rows


def of_case(case: Case, at: datetime) -> Judged | None:
    """One case judged; the caller has been let to it. None where it is not judged at all."""
    return next(_read(type(case).objects.filter(pk=case.pk), at), None)


_READ = (
    *(
        "public_id",
        "person_id",
        "number",
        "condition",
        "definition",
        "case_class",
        "county_id",
        "facility_id",
    ),
    *("diagnosed_at", "onset_date", "died_on", "relation", "doctor", "reported_at"),
    *("report_due_at", "review_due_at", "reviewed_at", "review_state", "synthetic"),
    *("person__sex", "person__birth_date", "person__age_years", "person__age_months"),
    *("person__occupation", "person__workplace", "person__guardian_name"),
    "person__address_detail",
)


def _read(cases: QuerySet[Case], at: datetime, most: int = 1) -> Iterator[Judged]:
    documents = people.documents_of(OuterRef("person_id"))
    phones = people.phones_of(OuterRef("person_id"))
    rows: QuerySet[Case, dict[str, Any]] = (
        cases.filter(person__restricted_at__isnull=True)
        .select_related(None)
        .annotate(
            has_document=Exists(documents),
            has_resident_id=Exists(documents.filter(kind=DocumentKind.RESIDENT_ID)),
            has_phone=Exists(phones),
        )
        .values(*_READ, "has_document", "has_resident_id", "has_phone")[:most]
    )
    today = clock.day_of(at)
    auditors: dict[str, rules.Auditor] = {}
    for row in rows.iterator(chunk_size=2000):
        definition = row["definition"]
        auditor = auditors.get(definition)
        if auditor is None:
            auditor = auditors[definition] = _auditor(definition)
        if row["case_class"] in auditor.discarded:
            continue
        yield Judged(
            row["public_id"],
            row["person_id"],
            row["number"],
            row["condition"],
            definition,
            row["county_id"],
            row["facility_id"],
            row["reported_at"],
            row["diagnosed_at"],
            row["synthetic"],
            auditor.audit(_facts(row), now=at, today=today),
        )


def _auditor(definition: str) -> rules.Auditor:
    try:
        pack = packs.pack(definition)
    except UnknownCode:  # a pack that the house no longer has: only the clocks are judged
        return rules.Auditor(())
    discarded = frozenset(row.code for row in pack.case_classes if not row.reportable)
    return rules.Auditor(pack.card_checks, discarded)


def _facts(row: dict[str, Any]) -> CardFacts:
    diagnosed = clock.day_of(row["diagnosed_at"])
    birth, years, months = (
        row["person__birth_date"],
        row["person__age_years"],
        row["person__age_months"],
    )
    if birth is not None:
        age = rules.months_on(birth, diagnosed)
    else:
        age = months if months is not None else None if years is None else 12 * years
    said = {
        "document": row["has_document"],
        "resident_id": row["has_resident_id"],
        "sex": row["person__sex"] in ("1", "2"),
        "birth": birth is not None or age is not None,
        "phone": row["has_phone"],
        "occupation": row["person__occupation"],
        "workplace": row["person__workplace"],
        "guardian": row["person__guardian_name"],
        "address": row["person__address_detail"],
        "relation": row["relation"],
        "onset": row["onset_date"],
        "doctor": row["doctor"],
    }
    return CardFacts(
        condition=row["condition"],
        case_class=row["case_class"],
        diagnosed=diagnosed,
        months=age,
        filled=frozenset(name for name, value in said.items() if value),
        occupation=row["person__occupation"],
        relation=row["relation"],
        onset=row["onset_date"],
        died=row["died_on"] is not None,
        reported_at=row["reported_at"],
        report_due_at=row["report_due_at"],
        review_due_at=row["review_due_at"],
        reviewed_at=row["reviewed_at"],
        returned=row["review_state"] == ReviewState.RETURNED,
    )


def tallies(cards: list[Judged], by: str) -> dict[int, Tally]:
    """The tally of each county or facility (``by`` names the key of ``Judged``)."""
    found: dict[int, Tally] = {}
    for card in cards:
        found.setdefault(getattr(card, by), Tally()).add(card.audit)
    return found


def whole(cards: list[Judged]) -> Tally:
    """The tally of all."""
    tally = Tally()
    for card in cards:
        tally.add(card.audit)
    return tally
