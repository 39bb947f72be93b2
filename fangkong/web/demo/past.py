"""Enter the invented cases of past years: in bundles, already reviewed, one audit line each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import transaction
from django.db.models import F

from fangkong.core.audit import actions as audit
from fangkong.core.refusals import Refused
from fangkong.packs import queries as packs
from fangkong.packs.types import NoPackInForce, UnknownCode
from fangkong.people import actions as people
from fangkong.surveillance.monitoring import actions as reporting
from fangkong.surveillance.monitoring import queries as monitoring
from fangkong.surveillance.monitoring.types import CaseFacts, Origin, ReviewState

from .background import Bundle, Past
from .patients import Patients
from .types import PAST

if TYPE_CHECKING:
    from fangkong.accounts.models import User
    from fangkong.places.models import Area, Facility


def enter(
    bundles: Iterable[Bundle],
    *,
    counties: Mapping[str, Area],
    hospitals: Mapping[str, Facility],
    reader: User,
    at: datetime,
) -> int:
    """Enter the bundles in their order; returns how many cases were made.

    By nobody: there was no staff in those years. Cases of days without rules are left out, for
    nobody could have judged them. ``reader`` is somebody who may see all of them at ``at``, when
    they are entered.
    """
    patients = Patients()
    made = sum(_enter(bundle, counties, hospitals, patients, at) for bundle in bundles)
    _accept(reader, at)
    return made


@transaction.atomic
def _enter(
    bundle: Bundle,
    counties: Mapping[str, Area],
    hospitals: Mapping[str, Facility],
    patients: Patients,
    entered_at: datetime,
) -> int:
    cases = [case for case in bundle.cases if _judged(case.condition, case.diagnosed_at.date())]
    if not cases:
        return 0
    at = bundle.reported_at
    facts = [
        (patients.of(case, counties[case.county].name_zh), _facts(case), counties[case.county])
        for case in cases
    ]
    wanted = [reporting.registration(person, area, True, at) for person, _, area in facts]
    registered = people.register_many(rows=wanted, by=None, at=at)
    entries = [
        reporting.Entry(
            person_id=person.pk,
            place=area,
            facility=hospitals[area.code],
            facts=judged,
            card_print=reporting.card_print(stated, judged),
            synthetic=True,
        )
        for person, (stated, judged, area) in zip(registered, facts, strict=True)
        if not isinstance(person, Refused)
    ]
    made = reporting.enter(entries, reported_at=at, by=None, at=at)
    new = sum(not isinstance(case, reporting.Known) for case in made)
    home = next(iter(counties.values())).parent
    assert home is not None  # counties lie in the home area
    # The trail tells when something was done; in the years of these cases there was none.
    audit.record(PAST, home, by=None, at=entered_at, detail={"cases": new})
    return new


def _accept(reader: User, at: datetime) -> None:
    """Past cases were reviewed long ago; nobody's desk shall show them."""
    waiting = monitoring.open_to(reader, at).filter(review_state=ReviewState.WAITING)
    waiting.order_by().select_related(None).update(
        review_state=ReviewState.ACCEPTED, reviewed_at=F("reported_at")
    )


def _facts(case: Past) -> CaseFacts:
    return CaseFacts(
        condition=case.condition,
        case_class=case.case_class,
        diagnosed_at=case.diagnosed_at,
        onset_date=case.onset_date,
        relation="same-county",
        origin=Origin.LOCAL.value,
        doctor="王医生",
        remark="演示用虚构病例",
    )


def _judged(condition: str, day: date) -> bool:
    try:
        packs.condition(packs.in_force(settings.FANGKONG_AREA, day), condition)
    except (NoPackInForce, UnknownCode):
        return False
    return True
