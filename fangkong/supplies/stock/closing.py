"""Closing of a month (月末结账), and opening it again by two persons."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from fangkong.core import clock
from fangkong.core.audit import actions as audit
from fangkong.core.free_text import stated_reason
from fangkong.core.record import stamps
from fangkong.core.refusals import Refused, WrongField
from fangkong.core.roles import Role
from fangkong.places import queries as places
from fangkong.tasks import actions as tasks
from fangkong.tasks.types import words as both

from . import queries, rules
from .actions import BACKDATED, opened
from .models import MonthClosing, Place
from .types import MONTH_TASK

if TYPE_CHECKING:
    from fangkong.accounts.models import User

ANSWERED_WITHIN = timedelta(days=2)
NAMED = 5  # sheets that a refusal names


class PapersMissing(Refused):
    """A month with goods that left without papers is not closed."""


class NotYet(Refused):
    """Months are closed one after the other, when they are over."""


class NotTheLast(Refused):
    """Months are opened again from the last one back."""


class NotClosed(Refused):
    """This closing was opened again already."""


class AskedAlready(Refused):
    """Somebody has asked, and waits for an answer."""


class NobodyAsked(Refused):
    """A month is opened again when its keeper has asked for it."""


class OwnRequest(Refused):
    """Who asked does not agree to it."""

    status = 403


@transaction.atomic
def close_month(*, place: Place, month: date, by: User | None, at: datetime) -> MonthClosing:
    """Close the books of a place for a month: no sheet is dated in it any more.

    Refused while goods that left on a call until its end have no papers.
    """
    (place,) = opened(place)
    first, last = rules.month_of(month)
    if last >= clock.day_of(at):
        raise NotYet(_("This month is not over yet."))
    earliest = rules.month_of(clock.day_of(at - BACKDATED))[0]
    if first < earliest:  # months are closed in turn: there would be no end to it
        raise WrongField(
            _("No sheet can be dated in this month any more. Begin with %(month)s.")
            % {"month": f"{earliest:%Y-%m}"},
            "month",
        )
    if place.closed_through is not None:
        if last <= place.closed_through:
            raise NotYet(_("This month is closed already."))
        if first != place.closed_through + timedelta(days=1):
            raise NotYet(_("Close the months before it first."))
    if owed := queries.owed_until(place, last):
        said = ngettext(
            "%(n)d emergency release has no papers yet: %(numbers)s. File them first.",
            "%(n)d emergency releases have no papers yet: %(numbers)s. File them first.",
            len(owed),
        )
        numbers = ", ".join(one.entry.number for one in owed[:NAMED])
        raise PapersMissing(
            said % {"n": len(owed), "numbers": numbers + (" …" if len(owed) > NAMED else "")}
        )
    made = MonthClosing(**stamps(by, at), place=place, month=first)
    made.save(force_insert=True)
    _closed_through(place, last, by, at)
    audit.record("supplies.stock.close_month", made, by=by, at=at, detail=_month(made))
    return made


@transaction.atomic
def ask_to_open(
    *, closing: MonthClosing, reason: str, by: User | None, at: datetime
) -> MonthClosing:
    """A keeper asks to open the last closed month again; somebody else has to agree."""
    why = stated_reason(reason, _("Say why the month has to be opened again."))
    closing = _last_closed(closing)
    if closing.asked_at is not None:
        raise AskedAlready(_("This was asked already, and waits for an answer."))
    closing.why, closing.asked_at, closing.asked_by = why, at, by
    closing.touch(by, at)
    closing.save()
    audit.record(
        "supplies.stock.ask_to_open_month",
        closing,
        by=by,
        at=at,
        reason=why,
        detail=_month(closing),
    )
    _ask(closing, at)
    return closing


@transaction.atomic
def open_again(*, closing: MonthClosing, by: User, at: datetime) -> MonthClosing:
    """A second person agrees: sheets may be dated in the month until it is closed anew."""
    closing = _asked(closing)
    if closing.asked_by_id == by.pk:
        raise OwnRequest(_("You asked for this yourself. Somebody else has to agree."))
    closing.opened_at, closing.opened_by = at, by
    closing.touch(by, at)
    closing.save()
    before = closing.month - timedelta(days=1)
    still = queries.closed_before(closing.place, closing.month)
    _closed_through(closing.place, before if still else None, by, at)
    detail = _month(closing)
    audit.record(
        "supplies.stock.open_month", closing, by=by, at=at, reason=closing.why, detail=detail
    )
    proof = _("The month was opened again.")
    tasks.finish_for(source=closing, kind=MONTH_TASK.code, proof=proof, by=by, at=at)
    return closing


@transaction.atomic
def leave_closed(
    *, closing: MonthClosing, reason: str, by: User | None, at: datetime
) -> MonthClosing:
    """The month stays closed; whoever asked reads why."""
    why = stated_reason(reason, _("Say why the month stays closed."))
    closing = _asked(closing)
    closing.why, closing.asked_at, closing.asked_by = "", None, None
    closing.touch(by, at)
    closing.save()
    audit.record(
        "supplies.stock.leave_month_closed",
        closing,
        by=by,
        at=at,
        reason=why,
        detail=_month(closing),
    )
    tasks.cancel_for(source=closing, kind=MONTH_TASK.code, reason=why, by=by, at=at)
    return closing


def _last_closed(closing: MonthClosing) -> MonthClosing:
    """The closing as it stands, its place locked; NotTheLast where a later month is closed too."""
    (place,) = opened(closing.place)
    closing = queries.closing_locked(closing.pk)
    closing.place = place
    if closing.opened_at is not None:
        raise NotClosed(_("This month was opened again already."))
    if place.closed_through != rules.month_of(closing.month)[1]:
        raise NotTheLast(_("A later month is closed too. Open that one first."))
    return closing


def _asked(closing: MonthClosing) -> MonthClosing:
    closing = _last_closed(closing)
    if closing.asked_at is None:
        raise NobodyAsked(_("Nobody asks to open this month again."))
    return closing


def _closed_through(place: Place, day: date | None, by: User | None, at: datetime) -> None:
    place.closed_through = day
    place.touch(by, at)
    place.save()


def _month(closing: MonthClosing) -> dict[str, object]:
    return {"place": closing.place.mark, "month": f"{closing.month:%Y-%m}"}


def _ask(closing: MonthClosing, at: datetime) -> None:
    """The county, or for a store of the prefecture its headquarters, is asked."""
    facility = closing.place.facility
    assert facility is not None
    area, role = closing.place.county, Role.COUNTY_CDC
    if area is None:
        area, role = places.home(clock.day_of(at)) or facility.area, Role.HEADQUARTERS
    tasks.assign(
        kind=MONTH_TASK.code,
        params={
            "place": both(facility.name_zh, facility.name_en),
            "month": f"{closing.month:%Y-%m}",
        },
        area=area,
        role=role,
        due_at=at + ANSWERED_WITHIN,
        by=None,
        at=at,
        source=closing,
    )
