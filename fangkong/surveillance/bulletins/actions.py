"""Prepare, change, issue and correct bulletins; order daily reporting; nil reports."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, override

from fangkong.core import clock
from fangkong.core.audit import actions as audit
from fangkong.core.free_text import REASON_AT_LEAST, refuse_numbers, stated_reason
from fangkong.core.free_text import ReasonMissing as ReasonMissing
from fangkong.core.permissions import NotYours
from fangkong.core.record import stamps
from fangkong.core.refusals import Refused, WrongField
from fangkong.core.roles import Role
from fangkong.core.spelling import shown
from fangkong.packs.types import NoPackInForce, UnknownCode
from fangkong.tasks import actions as tasks
from fangkong.tasks.types import words as both

from . import queries, rules, words
from .models import Bulletin, DailyReporting, NilReport
from .types import MISSING_TASK, ORDER, PREPARE, BulletinState

if TYPE_CHECKING:
    from fangkong.accounts.models import User
    from fangkong.places.models import Area, Facility
    from fangkong.tasks.models import Task

MISSING_WITHIN = timedelta(hours=4)
FAR_BACK = timedelta(days=3653)
AHEAD = timedelta(days=7)


class NotCounted(WrongField):
    """No rules in force on that day say what a bulletin of this disease counts."""


class NotOver(WrongField):
    """A day is told of after its 24:00."""


class NothingChanged(Refused):
    """What was sent says nothing new."""

    status = 422


class WrongFigures(Refused):
    """Numbers that cannot be figures; ``faults``: key of ``rules.flat`` and words of each."""

    status = 422

    def __init__(self, faults: Iterable[tuple[str, str]], pack: str) -> None:
        self.faults = [(key, words.number_fault(code)) for key, code in faults]
        super().__init__(" ".join(f"{_figure(key, pack)}: {text}" for key, text in self.faults))
        self.errors = [
            {"in": "body", "where": f"/figures/{_pointer(key)}", "text": text}
            for key, text in self.faults
        ]


class Issued(Refused):
    """A bulletin of this day stands; ``bulletin`` is it."""

    def __init__(self, bulletin: Bulletin) -> None:
        text = _("Bulletin no. %(number)s tells of this day already. Correct that one.")
        super().__init__(text % {"number": bulletin.number})
        self.bulletin = bulletin


class NoDraft(Refused):
    """Only a draft is changed, issued or dropped."""


class CorrectedAlready(Refused):
    """A bulletin is corrected once; its correction may be corrected in turn."""


class NotIssued(Refused):
    """Only what was issued is corrected."""


class OwnDraft(Refused):
    """Whoever prepared or changed a bulletin last does not issue it."""

    status = 403


class DoesNotSum(Refused):
    """The figures do not fit together; ``faults`` says all of it."""

    status = 422

    def __init__(self, faults: Iterable[rules.Fault]) -> None:
        self.faults = [words.fault(one) for one in faults]
        super().__init__(" ".join(self.faults))


class OrderedAlready(Refused):
    """Daily reporting of this disease is ordered."""


class NotOrdered(WrongField):
    """Nobody asks for daily reports of this disease on this day."""


class CasesReported(Refused):
    """A facility that reported cases of a day had cases on it."""


class NotOfThese(Refused):
    """The facility reports no cases each day, or is not one that the user reports for."""

    status = 403


# --- Bulletins ------------------------------------------------------------------------------------


@transaction.atomic
def prepare(*, area: Area, condition: str, day: date, by: User, at: datetime) -> Bulletin:
    """Count the figures of a day into a draft. A draft that stands already is given back."""
    _may_tell_of(area, by, at)
    _check_day(day, at)
    standing = queries.draft(area.pk, condition, day)
    if standing is not None:
        return standing
    if (told := queries.current(area.pk, condition, day)) is not None:
        raise Issued(told)
    return _draft(area, condition, day, by, at)


@transaction.atomic
def prepare_by_itself(*, area: Area, condition: str, day: date, at: datetime) -> Bulletin:
    """The draft of a day that the house counts by the clock: whoever checks it may issue it."""
    return _draft(area, condition, day, None, at)


@transaction.atomic
def correct(*, bulletin: Bulletin, reason: str, by: User, at: datetime) -> Bulletin:
    """Begin the correction of an issued bulletin: a draft of the same day, counted anew. What was
    known by word of mouth (cured) stays as it was told."""
    _may_tell_of(bulletin.area, by, at)
    why = stated_reason(reason, _("Say why."))
    bulletin = Bulletin.objects.select_for_update(of=("self",)).get(pk=bulletin.pk)
    if bulletin.state != BulletinState.ISSUED:
        raise NotIssued(_("This bulletin is not issued. Change the draft itself."))
    if queries.correction_of(bulletin) is not None:
        raise CorrectedAlready(_("This bulletin is corrected already. Correct its correction."))
    if (standing := queries.draft(bulletin.area_id, bulletin.condition, bulletin.day)) is not None:
        return standing
    return _draft(
        bulletin.area,
        bulletin.condition,
        bulletin.day,
        by,
        at,
        corrects=bulletin,
        reason=why,
    )


def _draft(
    area: Area,
    condition: str,
    day: date,
    by: User | None,
    at: datetime,
    *,
    corrects: Bulletin | None = None,
    reason: str = "",
) -> Bulletin:
    try:
        pack, definition = queries.counting(condition, day)
    except (UnknownCode, NoPackInForce):
        raise NotCounted(
            _("No rules in force on that day say what a bulletin of this disease counts."),
            "condition",
        ) from None
    counted = queries.figures_of(area, condition, day)
    stated = counted
    if corrects is not None:
        stated = rules.restated(counted, {"cured": corrects.figures.cured})
    made = Bulletin(
        **stamps(by, at),
        area=area,
        condition=condition,
        day=day,
        as_of=queries.end_of(day),
        pack=pack.id,
        definition=definition.code,
        clause=definition.clause.code,
        counted=counted.as_json(),
        stated=stated.as_json(),
        stated_by=by,
        corrects=corrects,
        reason=reason,
        synthetic=queries.is_demo(),
    )
    try:
        with transaction.atomic():
            made.save(force_insert=True)
    except IntegrityError:  # somebody else prepares the same at this moment
        standing = queries.draft(area.pk, condition, day)
        if standing is None:
            raise
        return standing
    detail = {"day": day.isoformat(), "total": stated.total, "definition": definition.code}
    if corrects is not None:
        detail["corrects"] = str(corrects.public_id)
    audit.record("surveillance.bulletins.prepare", made, by=by, at=at, reason=reason, detail=detail)
    return made


@transaction.atomic
def change(
    *,
    bulletin: Bulletin,
    figures: Mapping[str, int | None],
    remark_zh: str,
    remark_en: str,
    reason: str,
    by: User,
    at: datetime,
) -> Bulletin:
    """State figures otherwise (keys of ``rules.flat``), and the remark. A reason is needed where
    a figure changes; WrongFigures for what cannot be one."""
    bulletin = _locked(bulletin, by, at)
    before = bulletin.figures
    told = dict(figures)
    if wrong := rules.number_faults(told, rules.flat(before)):
        raise WrongFigures(wrong, bulletin.pack)
    after = rules.restated(before, told)
    changed = rules.changes(before, after)
    remarks = (shown(remark_zh), shown(remark_en))
    refuse_numbers(remark_zh=remarks[0], remark_en=remarks[1])
    if not changed and remarks == (bulletin.remark_zh, bulletin.remark_en):
        raise NothingChanged(_("Nothing was changed."))
    why = stated_reason(reason, _("Say why.")) if changed else shown(reason)
    bulletin.stated = after.as_json()
    bulletin.remark_zh, bulletin.remark_en = remarks
    entry = {
        "at": at.isoformat(),
        "by": by.display_name,
        "by_id": by.pk,
        "reason": why,
        "figures": [[one.key, one.before, one.after] for one in changed],
    }
    bulletin.changes = [*bulletin.changes, entry]
    bulletin.touch(by, at)
    bulletin.save()
    detail = {"changed": {one.key: [one.before, one.after] for one in changed}}
    audit.record("surveillance.bulletins.change", bulletin, by=by, at=at, reason=why, detail=detail)
    return bulletin


@transaction.atomic
def recount(*, bulletin: Bulletin, by: User, at: datetime) -> Bulletin:
    """Count the draft anew, as of the same moment. What was stated otherwise is counted again; only
    what the house cannot count (cured) stays."""
    bulletin = _locked(bulletin, by, at)
    counted = queries.figures_of(bulletin.area, bulletin.condition, bulletin.day)
    stated = rules.restated(counted, {"cured": bulletin.figures.cured})
    changed = rules.changes(bulletin.figures, stated)
    pack, definition = queries.counting(bulletin.condition, bulletin.day)
    bulletin.pack, bulletin.definition = pack.id, definition.code
    bulletin.clause = definition.clause.code
    bulletin.counted, bulletin.stated = counted.as_json(), stated.as_json()
    entry = {
        "at": at.isoformat(),
        "by": by.display_name,
        "by_id": by.pk,
        "recount": True,
        "figures": [[one.key, one.before, one.after] for one in changed],
    }
    bulletin.changes = [*bulletin.changes, entry]
    bulletin.stated_by = by
    bulletin.touch(by, at)
    bulletin.save()
    detail = {"changed": {one.key: [one.before, one.after] for one in changed}}
    audit.record("surveillance.bulletins.recount", bulletin, by=by, at=at, detail=detail)
    return bulletin


@transaction.atomic
def issue(*, bulletin: Bulletin, by: User, at: datetime) -> Bulletin:
    """Publish a draft that somebody else prepared, where its figures fit together. It gets its
    number, its text and its moment; DoesNotSum names all that stands against it."""
    _hold_series(bulletin)
    bulletin = _locked(bulletin, by, at)
    if by.pk in queries.stated_by(bulletin):
        raise OwnDraft(
            _("You stated these figures yourself. Somebody else checks and issues them.")
        )
    if bulletin.corrects_id is None:
        told = queries.current(bulletin.area_id, bulletin.condition, bulletin.day)
        if told is not None:
            raise Issued(told)
    elif bulletin.corrects is not None and queries.correction_of(bulletin.corrects) is not None:
        raise CorrectedAlready(_("This bulletin is corrected already. Correct its correction."))
    if found := queries.faults_of(bulletin):
        raise DoesNotSum(found)
    last = queries.issued(bulletin.area_id, bulletin.condition).order_by("-number").first()
    bulletin.number = 1 if last is None or last.number is None else last.number + 1
    bulletin.state, bulletin.issued_at, bulletin.issued_by = BulletinState.ISSUED, at, by
    texts = queries.texts_of(bulletin)
    bulletin.text_zh, bulletin.text_en = texts["zh"], texts["en"]
    order = queries.order_for(bulletin.condition, bulletin.day)
    if order is not None:
        daily = queries.daily_of(order, bulletin.day, at, bulletin.area)
        bulletin.reporting = dict(queries.reported_shares(daily))
    bulletin.touch(by, at)
    bulletin.save()
    detail = {"number": bulletin.number, "total": bulletin.figures.total}
    audit.record("surveillance.bulletins.issue", bulletin, by=by, at=at, detail=detail)
    return bulletin


@transaction.atomic
def drop(*, bulletin: Bulletin, reason: str, by: User, at: datetime) -> Bulletin:
    """Give a draft up; it stays to be read, and the day is free for another one."""
    bulletin = _locked(bulletin, by, at)
    why = stated_reason(reason, _("Say why."))
    entry = {"at": at.isoformat(), "by": by.display_name, "by_id": by.pk, "reason": why}
    bulletin.changes = [*bulletin.changes, {**entry, "dropped": True, "figures": []}]
    bulletin.state = BulletinState.DROPPED
    bulletin.touch(by, at)
    bulletin.save()
    audit.record("surveillance.bulletins.drop", bulletin, by=by, at=at, reason=why)
    return bulletin


# --- Daily reporting ------------------------------------------------------------------------------


@transaction.atomic
def order(
    *, condition: str, first_day: date, due_hour: int, basis: str, by: User, at: datetime
) -> DailyReporting:
    """Order that every facility that sees patients reports a disease each day."""
    if not by.scope(ORDER, at):
        raise NotYours(str(ORDER.label))
    said = shown(basis)
    if len(said) < REASON_AT_LEAST:
        raise WrongField(_("Say by what daily reporting is ordered."), "basis")
    refuse_numbers(basis=said)
    if not 0 <= due_hour <= 23:
        raise WrongField(_("Give a full hour from 0 to 23."), "due_hour")
    if not -FAR_BACK <= first_day - clock.day_of(at) <= AHEAD:
        raise WrongField(
            _("Begin at most 7 days ahead, and not more than ten years back. Check the year."),
            "first_day",
        )
    try:
        queries.counting(condition, first_day)
    except (UnknownCode, NoPackInForce):
        raise NotCounted(
            _("No rules in force on that day say what a bulletin of this disease counts."),
            "condition",
        ) from None
    before = queries.orders().filter(condition=condition)
    if before.filter(last_day__isnull=True).exists():
        raise OrderedAlready(_("Daily reporting of this disease is ordered already."))
    if before.filter(last_day__gte=first_day).exists():
        raise WrongField(_("An earlier order holds on this day still."), "first_day")
    made = DailyReporting(
        **stamps(by, at), condition=condition, first_day=first_day, due_hour=due_hour, basis=said
    )
    try:
        with transaction.atomic():
            made.save(force_insert=True)
    except IntegrityError:
        raise OrderedAlready(_("Daily reporting of this disease is ordered already.")) from None
    detail = {"condition": condition, "from": first_day.isoformat(), "hour": due_hour}
    audit.record("surveillance.bulletins.order", made, by=by, at=at, detail=detail)
    return made


@transaction.atomic
def end(*, order: DailyReporting, last_day: date, by: User, at: datetime) -> DailyReporting:
    """End daily reporting with a day; reports of the days until then are asked for still."""
    if not by.scope(ORDER, at):
        raise NotYours(str(ORDER.label))
    order = DailyReporting.objects.select_for_update().get(pk=order.pk)
    if order.last_day is not None:
        raise NothingChanged(_("This order is ended already."))
    # One that has not begun yet is ended with its first day.
    if not order.first_day <= last_day <= max(order.first_day, clock.day_of(at)):
        raise WrongField(_("Give a day from the first day of the order to today."), "last_day")
    order.last_day = last_day
    order.touch(by, at)
    order.save()
    detail = {"to": last_day.isoformat()}
    audit.record("surveillance.bulletins.end", order, by=by, at=at, detail=detail)
    return order


@transaction.atomic
def report_nil(
    *, facility: Facility, condition: str, day: date, by: User, at: datetime
) -> NilReport:
    """Say that a facility had no case of a disease on a day. Sent again it is the same report; a
    late one is taken, and is late."""
    if at < queries.nil_from(day):
        text = _("That a day had no case is reported from %(hour)s:00 of it on.")
        raise NotOver(text % {"hour": queries.NIL_FROM}, "day")
    found = queries.order_for(condition, day)
    if found is None:
        raise NotOrdered(_("No daily report of this disease is asked for on this day."), "day")
    mine = queries.facilities_to_report_for(by, at, day)
    if facility.pk not in {one.pk for one in mine}:
        raise NotOfThese(_("You do not report each day for this facility."))
    if cards := queries.cards_by_facility(condition, day, [facility.pk]).get(facility.pk):
        text = ngettext(
            "This facility reported %(n)d case on this day. Its card is its report.",
            "This facility reported %(n)d cases on this day. Its cards are its report.",
            cards,
        )
        raise CasesReported(text % {"n": cards})
    county = facility.area.county_id or facility.area_id
    made, fresh = NilReport.objects.get_or_create(
        order=found,
        facility=facility,
        day=day,
        defaults={"county_id": county, "due_at": queries.due_at(found, day), **stamps(by, at)},
    )
    if fresh:
        detail = {"condition": condition, "day": day.isoformat(), "late": made.late}
        audit.record("surveillance.bulletins.report_nil", made, by=by, at=at, detail=detail)
    return made


@transaction.atomic
def remind(*, order: DailyReporting, area: Area, day: date, at: datetime) -> Task | None:
    """Tell a county how many of its facilities have said nothing of a day; None where all have."""
    missing = queries.daily_of(order, day, at, area).missing
    if not missing:
        return None
    names = {}
    for short, language in (("zh", "zh-hans"), ("en", "en")):
        with override(language):
            names[short] = words.condition(order.condition, day)
    return tasks.assign(
        kind=MISSING_TASK.code,
        params={"day": day.isoformat(), "count": missing, "condition": both(**names)},
        area=area,
        role=Role.COUNTY_CDC,
        due_at=at + MISSING_WITHIN,
        priority=2,
        source=order,
        by=None,
        at=at,
    )


# --- What all of them need ------------------------------------------------------------------------


def _may_tell_of(area: Area, by: User, at: datetime) -> None:
    if area.pk not in {one.pk for one in queries.places_to_tell_of(by, at)}:
        raise NotYours(str(PREPARE.label))


def _check_day(day: date, at: datetime) -> None:
    if queries.end_of(day) > at:
        raise NotOver(_("The day is not over: a bulletin tells of it after 24:00."), "day")
    if clock.day_of(at) - day > FAR_BACK:
        raise NotOver(_("This day is more than ten years away. Check the year."), "day")


def _locked(bulletin: Bulletin, by: User, at: datetime) -> Bulletin:
    _may_tell_of(bulletin.area, by, at)
    rows = Bulletin.objects.select_for_update(of=("self",)).select_related("area", "corrects")
    found = rows.get(pk=bulletin.pk)
    if found.state != BulletinState.DRAFT:
        text = _("This bulletin is %(state)s. Only a draft can be changed.")
        raise NoDraft(text % {"state": found.get_state_display()})
    return found


def _hold_series(bulletin: Bulletin) -> None:
    """One number at a time: whoever issues another of the series waits for the same rows."""
    series = Bulletin.objects.filter(area_id=bulletin.area_id, condition=bulletin.condition)
    list(series.select_for_update().order_by("pk").values_list("pk", flat=True))


def _pointer(key: str) -> str:
    """A key as a part of a JSON pointer (RFC 6901)."""
    return key.replace("~", "~0").replace("/", "~1")


def _figure(key: str, pack: str) -> str:
    try:
        return words.figure(key, pack)
    except (KeyError, ValueError):
        return key
