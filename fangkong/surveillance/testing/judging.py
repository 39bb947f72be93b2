"""From a result to the case: raised where the rules say it, else given to the county to decide."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import fields, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import transaction
from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from fangkong.core import clock
from fangkong.core.refusals import Refused
from fangkong.core.roles import Role
from fangkong.packs import queries as packs
from fangkong.packs.types import NoPackInForce
from fangkong.surveillance.monitoring import actions as monitoring
from fangkong.surveillance.monitoring import rules as cases
from fangkong.surveillance.monitoring.types import CaseFacts
from fangkong.tasks import actions as tasks
from fangkong.tasks.types import words as both

from . import queries, rules, words
from .types import POSITIVE_TASK, RETRACTED_TASK, ResultOutcome

if TYPE_CHECKING:
    from fangkong.accounts.models import User
    from fangkong.packs.types import ResultJudgement
    from fangkong.surveillance.monitoring.models import Case

    from .models import Result, Specimen

DECIDED_WITHIN = timedelta(hours=24)  # where the rules have no clock for it


def judge(
    *,
    specimen: Specimen,
    result: Result,
    before: Result | None = None,
    by: User | None,
    at: datetime,
) -> None:
    """What a result makes of its person's case. Call it in the transaction that stores the result.

    A positive one raises the open case of the disease by the pack's definition, with a revised
    card whose reason names the specimen; a case that is there already stays as it is. Where there
    is no case, or the card would be refused, or somebody had discarded the case, the county is
    asked; so it is where a positive result is corrected into another. A surface, and a disease or
    method of which the rules say nothing, concern no case.
    """
    judgement = _judgement(specimen, result)
    if specimen.person_id is None or judgement is None:
        return
    if result.outcome != ResultOutcome.POSITIVE:
        if before is not None and before.outcome == ResultOutcome.POSITIVE:
            _ask(RETRACTED_TASK.code, specimen, result, judgement, "", by, at)
        return
    case = queries.case_of(specimen, result.tested_at)
    if case is None:
        with _in_the_language_of_the_house():
            note = _("There is no report card. Report the case, or say why it is none.")
        _ask(POSITIVE_TASK.code, specimen, result, judgement, note, by, at)
        return
    case = monitoring.held(case)  # what the county writes at this moment is judged too
    onset = case.onset_date or specimen.onset_date
    becomes = rules.becomes(judgement, case.case_class, has_symptoms=onset is not None)
    if not becomes:
        return
    try:
        if case.case_class == rules.DISCARDED:
            raise Refused(gettext_lazy("The case had been discarded."))
        with transaction.atomic():
            monitoring.revise(
                case=case,
                facts=replace(_facts(case), case_class=becomes, onset_date=onset),
                reason=_reason(specimen, result),
                by=by,
                at=at,
            )
    except Refused as problem:
        with _in_the_language_of_the_house():
            note = _("The case %(number)s was not raised: %(why)s") % {
                "number": case.number,
                "why": problem,
            }
        _ask(POSITIVE_TASK.code, specimen, result, judgement, note, by, at)


def _judgement(specimen: Specimen, result: Result) -> ResultJudgement | None:
    day = clock.day_of(result.tested_at)
    try:
        pack = queries.pack_on(day)
    except NoPackInForce:
        return None
    return rules.judgement(pack, specimen.condition, result.method, day)


def _facts(case: Case) -> CaseFacts:
    return CaseFacts(**{one.name: getattr(case, one.name) for one in fields(CaseFacts)})


def _in_the_language_of_the_house() -> AbstractContextManager[None]:
    """What is kept as text is read by others than whoever entered the result."""
    return translation.override(settings.LANGUAGE_CODE)


def _reason(specimen: Specimen, result: Result) -> str:
    """Why the card is revised."""
    with _in_the_language_of_the_house():
        method = words.named(specimen.pack, "methods", result.method)
        return _("Specimen %(number)s positive by %(method)s.") % {
            "number": specimen.number,
            "method": method,
        }


def _ask(
    kind: str,
    specimen: Specimen,
    result: Result,
    judgement: ResultJudgement,
    note: str,
    by: User | None,
    at: datetime,
) -> None:
    """A task of the county where the person lives, else of the one that took the specimen."""
    area = specimen.home_county or specimen.county or specimen.area
    pack = queries.pack_on(clock.day_of(at))
    facts = CaseFacts(condition=specimen.condition, case_class=judgement.becomes, diagnosed_at=at)
    due_at = cases.report_due(pack, facts) or at + DECIDED_WITHIN
    name = packs.name(pack, specimen.condition, clock.day_of(at))
    tasks.assign(
        kind=kind,
        params={"condition": both(name.zh, name.en), "number": specimen.number},
        area=area,
        role=Role.COUNTY_CDC,
        due_at=due_at if due_at > at else at + DECIDED_WITHIN,
        priority=3,
        note=note,
        source=specimen,
        by=by,
        at=at,
    )
