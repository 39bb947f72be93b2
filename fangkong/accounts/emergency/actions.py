"""Take, give back and check emergency access. Every use is one line in the trail."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from django.contrib.auth import get_user_model
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from fangkong.core.audit import actions as audit
from fangkong.core.notices import actions as notices
from fangkong.core.permissions import NotYours
from fangkong.core.record import stamps
from fangkong.core.refusals import Refused
from fangkong.core.roles import Role
from fangkong.core.spelling import shown

from .. import queries as queries_of_staff
from . import queries
from .models import EmergencyAccess
from .types import DAY, HOLDS, MISS, SIGN_OFF, USE, USED, finders

if TYPE_CHECKING:
    from ..models import User

SHORTEST_REASON = 10
LIMIT_PER_DAY = 10


class ReasonMissing(Refused):
    """Emergency access needs a written reason."""

    status = 422


class NobodyFound(Refused):
    """No person fits the number. Told by page and API when ``open_`` has found nobody."""

    status = 404

    def __init__(self) -> None:
        super().__init__(_("No person is found by this number. Check it and try again."))


class TooMany(Refused):
    """More uses in a day than an emergency explains."""

    status = 429


class AlreadyChecked(Refused):
    """The use has been checked before."""


class OwnUse(Refused):
    """Nobody checks what they did themselves."""

    status = 403


@transaction.atomic
def open_(*, kind: str, number: str, reason: str, by: User, at: datetime) -> EmergencyAccess | None:
    """Open one person, found by an exact number, for reading and for two hours.

    None where nobody is found: no refusal, which would be rolled back, for a try says something
    about the one who tries. It is kept, in the trail, and counts like a use.
    """
    if not by.scope(USE, at):
        raise NotYours(str(USE.label))
    why = shown(reason)
    if len(why) < SHORTEST_REASON:
        raise ReasonMissing(_("Write in a sentence why you must see this person now."))
    user = get_user_model().objects.select_for_update().get(pk=by.pk)
    tries = queries.tries(user, at)
    if len(tries) >= LIMIT_PER_DAY:
        raise TooMany(
            _("You have used emergency access ten times today. Call the headquarters."),
            wait=tries[len(tries) - LIMIT_PER_DAY] + DAY - at,
        )
    finder = next((one for one in finders() if one.name == kind), None)
    person = finder.find(number.strip(), at) if finder else None
    if finder is None or person is None:
        audit.record(MISS, user, by=by, at=at, detail={"by": finder.name if finder else ""})
        return None
    access = EmergencyAccess.objects.create(
        user=user,
        person_key=person,
        found_by=finder.name,
        reason=why,
        valid_from=at,
        valid_to=at + HOLDS,
        **stamps(by, at),
    )
    user.emergency_until = max(user.emergency_until or access.valid_to, access.valid_to)
    user.save(update_fields=["emergency_until"])
    audit.record(
        "accounts.emergency.open",
        access,
        by=by,
        at=at,
        detail={"person": str(person), "until": access.valid_to.isoformat()},
    )
    auditors = [one for one in queries_of_staff.holding(Role.AUDITOR, at) if one.pk != by.pk]
    notices.notify(users=auditors, kind=USED, subject=access, at=at)
    return access


@transaction.atomic
def close(*, access: EmergencyAccess, by: User, at: datetime) -> EmergencyAccess:
    """Give it back before it ends by itself."""
    access = EmergencyAccess.objects.select_for_update().get(pk=access.pk)
    access.valid_to = max(access.valid_from, min(access.valid_to, at))
    access.touch(by, at)
    access.save(update_fields=["valid_to", "changed_at", "changed_by"])
    audit.record("accounts.emergency.close", access, by=by, at=at)
    return access


@transaction.atomic
def sign_off(
    *, access: EmergencyAccess, justified: bool, finding: str, by: User, at: datetime
) -> EmergencyAccess:
    """The auditor has looked at a use: was it justified?"""
    if not by.scope(SIGN_OFF, at):
        raise NotYours(str(SIGN_OFF.label))
    access = EmergencyAccess.objects.select_for_update().get(pk=access.pk)
    if access.user_id == by.pk:
        raise OwnUse(_("This was your own use. Another auditor checks it."))
    if access.checked_at is not None:
        raise AlreadyChecked(_("This use has been checked already."))
    said = shown(finding)
    if not justified and len(said) < SHORTEST_REASON:
        raise ReasonMissing(_("Write what was wrong and what follows from it."))
    access.checked_at, access.checked_by = at, by
    access.justified, access.finding = justified, said
    access.touch(by, at)
    access.save()
    audit.record(
        "accounts.emergency.sign_off", access, by=by, at=at, detail={"justified": justified}
    )
    return access


def follow(*, person: UUID, to: UUID, only: Collection[int] | None = None) -> list[int]:
    """Lead every access to a person to the record that stands for them now; gives whose rows moved.

    For whoever joins two records, or parts them again (``only`` those rows), within their own
    action: it leaves the line in the trail. What was opened stays open, and an access that has
    ended is told to the person who asks about themselves.
    """
    rows = EmergencyAccess.objects.filter(person_key=person)
    if only is not None:
        rows = rows.filter(pk__in=only)
    keys = list(rows.values_list("pk", flat=True))
    if keys:
        EmergencyAccess.objects.filter(pk__in=keys).update(person_key=to)
    return keys
