"""Field investigations of what may be an event: sent out, reported on, concluded."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.db import transaction
from django.utils.translation import gettext as _

from fangkong.accounts import queries as accounts
from fangkong.core import clock
from fangkong.core.audit import actions as audit
from fangkong.core.free_text import refuse_numbers
from fangkong.core.notices import actions as notices
from fangkong.core.record import stamps
from fangkong.core.refusals import Refused, WrongField
from fangkong.core.roles import Role
from fangkong.core.spelling import shown
from fangkong.surveillance.monitoring import queries as monitoring
from fangkong.tasks import actions as tasks
from fangkong.tasks.rules import is_proof
from fangkong.tasks.types import words

from . import rules
from .models import Investigation, Signal
from .types import (
    ANSWER,
    CONCLUDE_TASK,
    INVESTIGATE_TASK,
    OUTBREAK_FOUND,
    Conclusion,
    Findings,
    Setting,
    State,
)

if TYPE_CHECKING:
    from fangkong.accounts.models import User

MOST = 10_000_000  # persons; more is a slip of the keyboard
LONGEST = timedelta(days=366)  # from the first onset to the opening; more is a mistyped year


class NotYours(Refused):
    """Only the county itself and the headquarters investigate."""

    status = 403


class NotAnswered(Refused):
    """A signal is answered before anybody sets out."""


class AlreadyInvestigated(Refused):
    """The signal belongs to an investigation."""


class AlreadyBegun(Refused):
    """The team is on its way."""


class Concluded(Refused):
    """The investigation is closed."""


class StillOpen(Refused):
    """Only what is concluded can be opened again."""


class Impossible(WrongField):
    """Findings that cannot be."""


class ReasonMissing(Impossible):
    """A conclusion says what it rests on."""


@transaction.atomic
def investigate(*, signal: Signal, by: User, at: datetime) -> Investigation:
    """Send a team out for a signal that is answered, whatever the answer was.

    It joins the open investigation of its disease and county, where there is one.
    """
    signal = Signal.objects.select_for_update(of=("self",)).select_related("area").get(pk=signal.pk)
    _refuse_others(signal.area_id, by, at)
    if signal.investigation_id is not None:
        raise AlreadyInvestigated(_("This signal is already investigated."))
    if signal.state != State.ANSWERED:
        raise NotAnswered(_("Answer the signal first; then somebody can be sent out."))
    return open_for(signal, by, at)


def open_for(signal: Signal, by: User, at: datetime) -> Investigation:
    """The investigation that a signal belongs to from now on; the county gets the task of a new
    one. Inside the transaction of whoever holds the signal."""
    standing = Investigation.objects.select_for_update().filter(
        area_id=signal.area_id, condition=signal.condition, conclusion=""
    )
    found = standing.first()
    if found is None:
        found = _open(signal, by, at)
    else:
        detail = {"signal": str(signal.public_id)}
        audit.record("surveillance.warning.join", found, by=by, at=at, detail=detail)
    signal.investigation = found
    signal.touch(by, at)
    signal.save(update_fields=["investigation", "changed_by", "changed_at"])
    return found


def _open(signal: Signal, by: User, at: datetime) -> Investigation:
    pack = monitoring.pack_on(clock.day_of(at))
    due = at + timedelta(hours=rules.investigation_hours(pack, "suspicion"))
    found = Investigation.objects.create(
        **stamps(by, at),
        area=signal.area,
        condition=signal.condition,
        condition_zh=signal.condition_zh,
        condition_en=signal.condition_en,
        due_at=due,
    )
    detail = {"signal": str(signal.public_id), "condition": signal.condition}
    audit.record("surveillance.warning.investigate", found, by=by, at=at, detail=detail)
    _assign(INVESTIGATE_TASK.code, found, due, by, at)
    return found


@transaction.atomic
def set_out(*, investigation: Investigation, by: User, at: datetime) -> Investigation:
    """Say that a team is on its way; the county's task is accepted thereby."""
    found = _locked(investigation, by, at)
    if found.begun_at is not None:
        raise AlreadyBegun(_("A team is already on its way."))
    _begin(found, by, at)
    _save(found, by, at, "begun_at", "begun_by")
    audit.record("surveillance.warning.set_out", found, by=by, at=at)
    return found


@transaction.atomic
def report_findings(
    *, investigation: Investigation, findings: Findings, by: User, at: datetime
) -> Investigation:
    """Write down what is known so far; the next report takes the place of this one.

    With the first report the task to investigate is done and the one to conclude begins.
    """
    found = _locked(investigation, by, at)
    said = _checked(findings, found.created_at, at)
    before = {name: _plain(getattr(found, name)) for name in asdict(said)}
    first = found.reported_at is None
    if found.begun_at is None:
        _begin(found, by, at)
    for name, value in asdict(said).items():
        setattr(found, name, value)
    if first:
        found.reported_at = at
        pack = monitoring.pack_on(clock.day_of(at))
        hours = rules.investigation_hours(pack, "investigation")
        found.conclude_due_at = at + timedelta(hours=hours)
    found.touch(by, at)
    found.save()
    if first:
        source, kind = found, INVESTIGATE_TASK.code
        tasks.finish_for(source=source, kind=kind, proof=said.measures, by=by, at=at)
        _assign(CONCLUDE_TASK.code, found, found.clock_due_at, by, at)
    detail = {
        name: [before[name], _plain(getattr(found, name))]
        for name in before
        if name not in found.pii and before[name] != _plain(getattr(found, name))
    }
    audit.record("surveillance.warning.report_findings", found, by=by, at=at, detail=detail)
    return found


@transaction.atomic
def conclude(
    *, investigation: Investigation, conclusion: str, reason: str, by: User, at: datetime
) -> Investigation:
    """End an investigation: an outbreak with its days, or no event, and why one thinks so.

    The days of an outbreak are left out of what later days are compared with.
    """
    found = _locked(investigation, by, at)
    if conclusion not in Conclusion.values:
        raise Impossible(_("Choose one of the conclusions."), "conclusion")
    if found.reported_at is None:
        raise Impossible(_("Report what was found on site first."))
    if not is_proof(reason):
        raise ReasonMissing(_("Say in a few words what the conclusion rests on."), "reason")
    refuse_numbers(reason=reason)
    if conclusion == Conclusion.OUTBREAK and not (
        found.first_onset and found.last_day and found.cases_found
    ):
        raise Impossible(
            _(
                "An outbreak has cases, the onset of the first and the day of the last. Report"
                " these first."
            )
        )
    found.conclusion, found.reason = conclusion, shown(reason)
    found.concluded_at, found.concluded_by = at, by
    _save(found, by, at, "conclusion", "reason", "concluded_at", "concluded_by")
    kind = CONCLUDE_TASK.code
    tasks.finish_for(source=found, kind=kind, proof=found.reason, by=by, at=at)
    late = found.conclude_due_at is not None and at > found.conclude_due_at
    detail = {"conclusion": conclusion, "cases": found.cases_found, "late": late}
    audit.record("surveillance.warning.conclude", found, by=by, at=at, detail=detail)
    if conclusion == Conclusion.OUTBREAK:
        above = accounts.holding(Role.HEADQUARTERS, at, area=found.area)
        readers = [user for user in above if user.pk != by.pk]
        notices.notify(users=readers, kind=OUTBREAK_FOUND, subject=found, at=at)
    return found


@transaction.atomic
def reopen(*, investigation: Investigation, reason: str, by: User, at: datetime) -> Investigation:
    """Take a conclusion back: something new is known. Not while a newer one is open."""
    found = _held(investigation, by, at)
    if found.open:
        raise StillOpen(_("This investigation is open. Nothing was changed."))
    if not is_proof(reason):
        raise ReasonMissing(_("Say in a few words what is new."), "reason")
    refuse_numbers(reason=reason)
    newer = Investigation.objects.filter(
        area_id=found.area_id, condition=found.condition, conclusion=""
    )
    if newer.exists():
        raise AlreadyInvestigated(
            _("A newer investigation of this disease is open in the county. Report there.")
        )
    detail = {"conclusion": [found.conclusion, ""], "reason": shown(reason)}
    found.conclusion, found.reason, found.concluded_at, found.concluded_by = "", "", None, None
    pack = monitoring.pack_on(clock.day_of(at))
    found.conclude_due_at = at + timedelta(hours=rules.investigation_hours(pack, "investigation"))
    _save(found, by, at, "conclusion", "reason", "concluded_at", "concluded_by", "conclude_due_at")
    _assign(CONCLUDE_TASK.code, found, found.conclude_due_at, by, at)
    audit.record("surveillance.warning.reopen", found, by=by, at=at, detail=detail)
    return found


def _begin(found: Investigation, by: User, at: datetime) -> None:
    found.begun_at, found.begun_by = at, by
    tasks.accept_for(source=found, kind=INVESTIGATE_TASK.code, by=by, at=at)


def _checked(said: Findings, opened_at: datetime, at: datetime) -> Findings:
    """The findings as they are kept, or why they cannot be.

    The days of an outbreak are compared with nothing: a wrong year would leave nothing to compare
    with, and no method would say so.
    """
    today = clock.day_of(at)
    for name, n in (("cases_found", said.cases_found), ("deaths", said.deaths)):
        if not 0 <= n <= MOST:
            raise Impossible(_("This number cannot be right."), name)
    if said.at_risk is not None and not 1 <= said.at_risk <= MOST:
        raise Impossible(_("This number cannot be right."), "at_risk")
    if said.at_risk is not None and said.at_risk < said.cases_found:
        raise Impossible(_("There are more cases than persons at risk."), "at_risk")
    if said.deaths > said.cases_found:
        raise Impossible(_("There are more deaths than cases."), "deaths")
    for name, day in (("first_onset", said.first_onset), ("last_day", said.last_day)):
        if day is not None and day > today:
            raise Impossible(_("This day has not begun yet."), name)
    if said.first_onset and said.first_onset < clock.day_of(opened_at - LONGEST):
        raise Impossible(
            _("The first onset lies more than a year before the signal. Look at the year."),
            "first_onset",
        )
    if said.first_onset and said.last_day and said.last_day < said.first_onset:
        raise Impossible(_("The last case lies before the first."), "last_day")
    if said.setting not in Setting.values:
        raise Impossible(_("Choose one of the settings."), "setting")
    if not is_proof(said.measures):
        raise Impossible(_("Say in a few words what was done or will be."), "measures")
    refuse_numbers(source=said.source, measures=said.measures)
    return Findings(
        **{**asdict(said), "source": shown(said.source), "measures": shown(said.measures)}
    )


def _plain(value: object) -> object:
    return value.isoformat() if hasattr(value, "isoformat") else value


def _locked(investigation: Investigation, by: User, at: datetime) -> Investigation:
    found = _held(investigation, by, at)
    if not found.open:
        raise Concluded(_("This investigation is concluded. Nothing was changed."))
    return found


def _held(investigation: Investigation, by: User, at: datetime) -> Investigation:
    rows = Investigation.objects.select_for_update(of=("self",)).select_related("area")
    found = rows.get(pk=investigation.pk)
    _refuse_others(found.area_id, by, at)
    return found


def _refuse_others(county_id: int, by: User, at: datetime) -> None:
    if not by.scope(ANSWER, at).holds(county_id=county_id):
        raise NotYours(_("Only the county CDC and the headquarters investigate a signal."))


def _assign(kind: str, found: Investigation, due: datetime, by: User, at: datetime) -> None:
    area = found.area
    tasks.assign(
        kind=kind,
        params={
            "condition": words(found.condition_zh, found.condition_en),
            "area": words(area.name_zh, area.name_en),
        },
        area=area,
        role=Role.COUNTY_CDC,
        due_at=due,
        priority=3 if kind == INVESTIGATE_TASK.code else 2,
        source=found,
        by=by,
        at=at,
    )


def _save(found: Investigation, by: User, at: datetime, *fields: str) -> None:
    found.touch(by, at)
    found.save(update_fields=[*fields, "changed_by", "changed_at"])
