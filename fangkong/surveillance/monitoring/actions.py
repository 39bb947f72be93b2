"""Report, revise and review cases, and build the counts anew. Files of cards: ``imports.py``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.db import transaction
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from fangkong.core import clock
from fangkong.core.audit import actions as audit
from fangkong.core.commands.actions import one
from fangkong.core.free_text import REASON_AT_LEAST
from fangkong.core.refusals import Refused
from fangkong.core.roles import Role
from fangkong.core.spelling import shown
from fangkong.core.webhooks import actions as webhooks
from fangkong.packs.types import NoPackInForce
from fangkong.people import actions as people
from fangkong.places.types import FacilityKind
from fangkong.tasks import actions as tasks

from . import met, queries, reminding, rules, words
from .counting import count
from .entering import Entry, Known, card_of, card_print, enter, registration
from .entering_one import Card, enter_one
from .facts import Reason
from .models import Case, DailyCount
from .types import (
    CASE_REPORTED,
    RETURNED_TASK,
    CardKind,
    CaseFacts,
    CountsReport,
    PersonFacts,
    ReviewState,
    case_told,
    counts_changed,
)

if TYPE_CHECKING:
    from fangkong.accounts.models import User
    from fangkong.packs.types import Pack
    from fangkong.people.models import Person
    from fangkong.places.models import Area, Facility


CORRECTED_WITHIN = timedelta(hours=24)  # where the rules have no clock for such a report

# ``enter`` and what it takes is the door for cards in bulk: imports and the demonstration.
__all__ = [
    "AlreadyReported",
    "Entry",
    "Known",
    "NewerCard",
    "NotAcceptable",
    "NotWaiting",
    "NothingChanged",
    "ReasonMissing",
    "SomebodyElse",
    "card_print",
    "enter",
    "rebuild",
    "registration",
    "report",
    "review",
    "revise",
]


class NotAcceptable(Refused):
    """The card contradicts itself or the rules; ``faults`` says all of it."""

    status = 422

    def __init__(self, faults: Sequence[Reason]) -> None:
        super().__init__(" ".join(words.reasons(faults)))
        self.faults = list(faults)


class AlreadyReported(Refused):
    """The same illness of the same person has its case; ``number`` is the case's."""

    def __init__(self, known: Known) -> None:
        super().__init__(" ".join(words.reasons(known.reasons)))
        self.case = known.case


class SomebodyElse(Refused):
    """The register would take what the card says for another person than the one that is meant."""


class ReasonMissing(Refused):
    status = 422
    field = "reason"


class NothingChanged(Refused):
    """A revised card must say something else than the one before."""

    status = 422


class NotWaiting(Refused):
    """Somebody has reviewed the card in the meantime."""


class NewerCard(Refused):
    """The facility has sent another card since: what the reviewer saw is not what would count."""


@one
def report(
    *,
    person: PersonFacts,
    case: CaseFacts,
    facility: Facility,
    area: Area | None = None,
    new_illness: bool = False,
    known: Person | None = None,
    synthetic: bool = False,
    by: User | None,
    at: datetime,
) -> Case:
    """Report a case with its first card (初次报告): person, number, clocks and counts in one go.

    ``area`` is where the patient lives, as far as the address tells. A second card about the same
    illness is refused with the case it belongs to, unless ``new_illness`` says that the person fell
    ill once more. ``known``: the person of the register that the card was begun for.
    """
    pack = _rules_of(case)
    near = () if area is not None else queries.near(person.address, at)
    dwelling = replace(
        queries.dwelling(area, facility, clock.day_of(at)), written=person.address, near=near
    )
    _refuse(rules.card_faults(pack, person, case, dwelling, now=at, zone=clock.zone()))
    arrival = people.coming(registration(person, area, synthetic, at), by=by, at=at)
    if known is not None and arrival.person.pk != known.pk:
        raise SomebodyElse(
            _(
                "What is known of this person does not tell them from others. Add a document to"
                " the person, or fill in an empty card."
            )
        )
    card = Card(
        arrival=arrival,
        place=queries.responsible(area, facility, clock.day_of(at)),
        facility=facility,
        facts=case,
        card_print=card_print(person, case, another=new_illness),
        new_illness=new_illness,
        synthetic=synthetic,
    )
    made = enter_one(card, reported_at=at, by=by, at=at)
    if isinstance(made, Known):
        if met.elsewhere([made.case], by=by, at=at):
            made = replace(made, reasons=(met.ELSEWHERE,))
        raise AlreadyReported(made)
    line = audit.new_line(
        "surveillance.monitoring.report",
        made,
        by=by,
        at=at,
        detail={"number": made.number, "condition": made.condition, "class": made.case_class},
    )
    audit.record_at_end(*card.arrival.lines, line)
    counts_changed({made.county_id}, {made.condition}, at, by)
    case_told(made, at, revised=False)
    webhooks.announce(CASE_REPORTED, made, at=at)
    return made


@transaction.atomic
def revise(*, case: Case, facts: CaseFacts, reason: str, by: User | None, at: datetime) -> Case:
    """Send a revised card (订正报告): other judgement, same case. The counts follow, with a trace.

    The clock of the report stays that of the first card; the review starts again.
    """
    why = shown(reason)
    if len(why) < REASON_AT_LEAST:
        raise ReasonMissing(_("Say why the report is revised."))
    whole = Case.objects.select_related("person", "area", "facility__area")
    case = whole.select_for_update(of=("self",)).get(pk=case.pk)
    pack, dwelling = _rules_of(facts), queries.dwelling_of(case, clock.day_of(at))
    _refuse(
        rules.revision_faults(pack, case.person, facts, case, dwelling, now=at, zone=clock.zone())
    )
    was_late = reminding.is_late(case, at)
    new = dict(vars(facts))
    detail = audit.changes(case, new)
    if not detail:
        raise NothingChanged(_("The card says nothing new. Change what is to be revised."))
    before, former = rules.contributions(case, clock.zone()), case.condition
    for field, value in new.items():
        setattr(case, field, value)
    case.definition = pack.id
    case.review_state, case.reviewed_at, case.reviewed_by = ReviewState.WAITING, None, None
    case.review_reason = ""
    case.review_due_at = rules.review_due(pack, case.condition, case.case_class, at)
    case.touch(by, at)
    case.save()
    card_of(case, _last_sequence(case) + 1, CardKind.REVISED, why, by, at).save()
    after = rules.contributions(case, clock.zone())
    count([(key, delta, case.pk) for key, delta in rules.difference(before, after)], at)
    audit.record(
        "surveillance.monitoring.revise", case, by=by, at=at, reason=why, detail={"changes": detail}
    )
    tasks.finish_for(source=case, kind=RETURNED_TASK.code, proof=why, by=by, at=at)
    if was_late:
        reminding.done(case, gettext("Another card came; its review begins anew."), by, at)
    counts_changed({case.county_id}, {former, case.condition}, at, by)
    case_told(case, at, revised=True)
    return case


def held(case: Case) -> Case:
    """The case as it stands now; nobody else revises or reviews it until the transaction ends."""
    return Case.objects.select_for_update().get(pk=case.pk)


@transaction.atomic
def review(
    *, case: Case, card: int, accept: bool, reason: str = "", by: User | None, at: datetime
) -> Case:
    """Accept a card (审核), or return it (退卡) with a reason: then it is a task of the facility.

    ``card`` is the sequence of the card that the reviewer saw; it must still be the newest. Whoever
    sent that card accepts it only with a reason, which stays with the case.
    """
    why = shown(reason)
    if not accept and len(why) < REASON_AT_LEAST:
        raise ReasonMissing(_("Say what the facility must correct."))
    case = Case.objects.select_for_update().get(pk=case.pk)
    newest, sender = case.cards.order_by("-sequence").values_list("sequence", "by_id")[0]
    waits = case.review_state == ReviewState.WAITING
    if card != newest:
        said = (
            _(
                "Card %(seen)d is not the newest any more: card %(newest)d came meanwhile. Look at"
                " it, then decide."
            )
            if waits
            else _(
                "Card %(seen)d is not the newest any more: card %(newest)d came meanwhile, and has"
                " been reviewed already. Nothing is left to decide."
            )
        )
        raise NewerCard(said % {"seen": card, "newest": newest})
    if not waits:
        raise NotWaiting(_("This card has been reviewed already. Reload the page."))
    own, was_late = by is not None and sender == by.pk, reminding.is_late(case, at)
    if accept and own and len(why) < REASON_AT_LEAST:
        raise ReasonMissing(
            _(
                "You sent this card yourself. A colleague reviews it; where nobody else is on duty,"
                " say so and what you checked."
            )
        )
    case.review_state = ReviewState.ACCEPTED if accept else ReviewState.RETURNED
    case.reviewed_at, case.reviewed_by = at, by
    case.review_reason = why if own or not accept else ""
    case.touch(by, at)
    case.save()
    if not accept:
        _ask_to_correct(case, by, at)
    verb = "accept" if accept else "return"
    audit.record(
        f"surveillance.monitoring.{verb}", case, by=by, at=at, reason=why, detail={"card": card}
    )
    if was_late:
        reminding.done(case, gettext("The card was reviewed."), by, at)
    return case


def _ask_to_correct(case: Case, by: User | None, at: datetime) -> None:
    """The facility whose card came back has it as a task, with the time of such a report."""
    facility = case.facility
    office = facility.kind == FacilityKind.COUNTY_CDC
    facts = CaseFacts(condition=case.condition, case_class=case.case_class, diagnosed_at=at)
    try:
        due_at = rules.report_due(queries.pack_on(clock.day_of(at)), facts)
    except NoPackInForce:
        due_at = None
    tasks.assign(
        kind=RETURNED_TASK.code,
        params={"number": case.number},
        area=facility.area.county or facility.area if office else facility.area,
        facility=None if office else facility,
        role=Role.COUNTY_CDC if office else Role.HOSPITAL,
        due_at=due_at or at + CORRECTED_WITHIN,
        priority=2,
        source=case,
        by=by,
        at=at,
    )


@transaction.atomic
def rebuild(*, by: User | None, at: datetime) -> CountsReport:
    """Build the daily counts anew from the cases; says which cells were wrong before.

    Cells of the ledger of changes are only reported: what was once counted stays on record.
    """
    found = queries.check_counts()
    true = queries.recounted()
    DailyCount.objects.all().delete()
    cells = [DailyCount(**key._asdict(), n=n) for key, n in sorted(true.items())]
    DailyCount.objects.bulk_create(cells, batch_size=1000)
    audit.record(
        "surveillance.monitoring.rebuild",
        DailyCount(pk=0),  # the table as a whole
        by=by,
        at=at,
        detail={"cells": found.cells, "wrong": len(found.kept)},
    )
    return found


def _last_sequence(case: Case) -> int:
    """The number of the newest card; the caller holds the case's lock."""
    return case.cards.order_by("-sequence").values_list("sequence", flat=True)[0]


def _rules_of(case: CaseFacts) -> Pack:
    """The pack by which a card is judged: that of the day of diagnosis."""
    diagnosed = clock.day_of(case.diagnosed_at)
    try:
        return queries.pack_on(diagnosed)
    except NoPackInForce:
        raise NotAcceptable([rules.no_rules(diagnosed)]) from None


def _refuse(faults: Sequence[Reason]) -> None:
    if faults:
        raise NotAcceptable(faults)
