"""Sheets that are being scanned: kept for whoever scans them, until they are booked or cleared.

No row of a draft is an act of the house: it books nothing, so it leaves no line in the trail.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.db import transaction
from django.utils.translation import gettext as _

from fangkong.core.commands.actions import one
from fangkong.core.refusals import Refused

from . import actions
from .models import Entry, ScanDraft
from .scans import Line

if TYPE_CHECKING:
    from fangkong.accounts.models import User

KEPT_FOR = timedelta(days=7)  # an older delivery is scanned anew


class GoneOn(Refused):
    """The sheet is not as the window saw it: scanned further, booked, or begun anew in another."""


def kept(user: User, way: str, at: datetime) -> ScanDraft | None:
    """The user's own unfinished sheet, ``way`` in or out; no other user's."""
    rows = ScanDraft.objects.filter(owner=user, way=way, kept_at__gt=at - KEPT_FOR)
    return rows.first()


def token_of(draft: ScanDraft | None) -> str:
    """Names a sheet as it stands, so that a window knows whether another one went on with it."""
    return "" if draft is None else str(draft.fields.get("token", ""))


@transaction.atomic
def keep(
    *, way: str, lines: Sequence[Line], beside: Mapping[str, str], by: User, at: datetime
) -> str:
    """Keep the sheet as it stands now in place of the one before; an empty one is dropped.

    Says its token.
    """
    if not lines:
        drop(way=way, by=by)
        return ""
    token = secrets.token_hex(8)
    fields = {name: text for name, text in beside.items() if text} | {"token": token}
    for n, line in enumerate(lines):
        fields |= {
            f"line_{n}": line.carried,
            f"count_{n}": line.count,
            f"number_{n}": line.number,
            f"expires_on_{n}": line.expires_on,
            f"lot_{n}": line.chosen,
            f"serials_{n}": " ".join(line.serials),
        }
    ScanDraft.objects.update_or_create(
        owner=by, way=way, defaults={"fields": fields, "kept_at": at}
    )
    return token


@one
def book(*, way: str, token: str, told: Mapping[str, object], by: User, at: datetime) -> Entry:
    """Book a sheet as a window saw it, once: two windows of one user may hold the same.

    ``told``: what ``actions.receive`` or ``actions.issue`` takes. GoneOn where it has changed.
    """
    if not ScanDraft.objects.filter(owner=by, way=way, fields__token=token).delete()[0]:
        raise GoneOn(_("This sheet went on in another window. Nothing was booked by this one."))
    action = actions.issue if way == "out" else actions.receive
    return action(**told, by=by, at=at)  # type: ignore[arg-type]  # by their names


def drop(*, way: str, by: User) -> None:
    """It is begun anew."""
    ScanDraft.objects.filter(owner=by, way=way).delete()


def drop_old(*, at: datetime) -> int:
    """Those that nobody took up again; says how many."""
    return ScanDraft.objects.filter(kept_at__lte=at - KEPT_FOR).delete()[0]
