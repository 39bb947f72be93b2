"""File the stock report of a county for a day, correct it, ask for it."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from fangkong.core import clock
from fangkong.core.audit import actions as audit
from fangkong.core.free_text import refuse_numbers, stated_reason
from fangkong.core.record import stamps
from fangkong.core.refusals import Refused, WrongField
from fangkong.core.roles import Role
from fangkong.core.spelling import shown
from fangkong.tasks import actions as tasks
from fangkong.tasks import types as task_types

from . import queries, rules
from .models import DailyLine, DailyReport
from .types import CHANGED_TASK, MISSING_TASK

if TYPE_CHECKING:
    from fangkong.accounts.models import User
    from fangkong.places.models import Area

ASK_WITHIN = timedelta(hours=4)


class MovedOn(Refused):
    """Goods moved since the figures were read."""

    status = 409


class FiledBefore(Refused):
    """The day was reported already; a correction is another report."""

    status = 409


class NothingNew(Refused):
    """The ledger says what the report says."""

    status = 409


@transaction.atomic
def file(
    *,
    county: Area,
    day: date,
    read: str | None,
    remark: str = "",
    synthetic: bool = False,
    by: User | None,
    at: datetime,
) -> DailyReport:
    """Report what the ledger says of a county and a day that is over (日报, 零报告).

    ``read``: the digest of the figures that were read; MovedOn where they are others by now (None:
    nobody read them, as in a demonstration). FiledBefore where the day was reported.
    """
    _refuse_day(day, at)
    if queries.last_of(county, day) is not None:
        raise FiledBefore(_("This day was reported already. Correct that report instead."))
    report = _write(county, day, 1, read, remark, "", synthetic, by, at)
    audit.record("supplies.daily.file", report, by=by, at=at, detail=_detail(report))
    if not queries.missing_of(county, at):
        tasks.finish_for(source=county, kind=MISSING_TASK.code, proof=_proof(report), by=by, at=at)
    return report


@transaction.atomic
def correct(
    *,
    report: DailyReport,
    read: str | None,
    reason: str,
    remark: str = "",
    by: User | None,
    at: datetime,
) -> DailyReport:
    """Report a day anew (订正), with the reason; the earlier report stays.

    NothingNew where the ledger says the same, FiledBefore where a later version stands.
    """
    why = stated_reason(reason, _("Say what was wrong."))
    _refuse_day(report.day, at)
    last = queries.last_of(report.county, report.day)
    assert last is not None
    if last.pk != report.pk:
        raise FiledBefore(_("This report was corrected already. Correct the later one."))
    if not queries.changed(report, report.county):
        raise NothingNew(_("The ledger says the same as this report. Book what is missing first."))
    made = _write(
        report.county, report.day, report.version + 1, read, remark, why, report.synthetic, by, at
    )
    audit.record("supplies.daily.correct", made, by=by, at=at, detail=_detail(made), reason=why)
    tasks.finish_for(source=report, kind=CHANGED_TASK.code, proof=_proof(made), by=by, at=at)
    return made


@transaction.atomic
def remind_of_missing(*, county: Area, at: datetime) -> bool:
    """A task for a county whose reports are overdue, one while it waits; was one given?"""
    days = queries.missing_of(county, at)
    if not days or queries.asked_to_file(county):
        return False
    tasks.assign(
        kind=MISSING_TASK.code,
        params=_params(county, days[0]),
        area=county,
        role=Role.COUNTY_CDC,
        due_at=at + ASK_WITHIN,
        by=None,
        at=at,
        source=county,
    )
    return True


@transaction.atomic
def remind_of_change(*, report: DailyReport, at: datetime) -> bool:
    """A task for the county where the ledger changed after its report; one while it waits."""
    if queries.asked_to_correct(report) or not queries.changed(report, report.county):
        return False
    county = report.county
    tasks.assign(
        kind=CHANGED_TASK.code,
        params=_params(county, report.day),
        area=county,
        role=Role.COUNTY_CDC,
        due_at=at + timedelta(days=1),
        by=None,
        at=at,
        source=report,
    )
    return True


# --- What the actions share -----------------------------------------------------------------------


def _params(county: Area, day: date) -> task_types.Params:
    named = task_types.words(county.short_zh or county.name_zh, county.name_en or county.name_zh)
    return {"county": named, "day": day.isoformat()}


def _refuse_day(day: date, at: datetime) -> None:
    today = clock.day_of(at)
    if day >= today:
        raise WrongField(_("This day is not over. Report it from tomorrow on."), "day")
    if not queries.may_be_reported(day, at):
        raise WrongField(
            _("Days of more than %(n)d days ago are not reported any more.")
            % {"n": queries.LATEST},
            "day",
        )


def _write(
    county: Area,
    day: date,
    version: int,
    read: str | None,
    remark: str,
    why: str,
    synthetic: bool,
    by: User | None,
    at: datetime,
) -> DailyReport:
    said = shown(remark)
    refuse_numbers(remark=said, reason=why)
    lines = queries.figures(county, day)
    if read is not None and read != rules.digest(lines):
        raise MovedOn(_("Goods moved since you read this. Read it again, then file it."))
    report = DailyReport(
        **stamps(by, at),
        county=county,
        day=day,
        version=version,
        nil=rules.nil(lines),
        due_at=queries.due_at(day),
        remark=said,
        why=why,
        synthetic=synthetic,
    )
    try:
        with transaction.atomic():
            report.save(force_insert=True)
    except IntegrityError as problem:  # two filed it at one moment
        raise FiledBefore(_("Somebody filed this report at the same moment.")) from problem
    DailyLine.objects.bulk_create(
        DailyLine(
            report=report,
            item_id=one.item,
            closing=one.closing,
            **{name: getattr(one, name) for name in rules.PARTS},
        )
        for one in lines
    )
    return report


def _proof(report: DailyReport) -> str:
    said = {"day": report.day.isoformat(), "n": report.version}
    return _("The stock report of %(day)s was filed, version %(n)d.") % said


def _detail(report: DailyReport) -> dict[str, object]:
    return {"day": report.day.isoformat(), "version": report.version, "nil": report.nil}
