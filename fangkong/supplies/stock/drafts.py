"""Sheets that are being scanned: kept for whoever scans them, until they are booked or cleared.

No row of a draft is an act of the house: it books nothing, so it leaves no line in the trail.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.db import IntegrityError, transaction
from django.db.models import QuerySet
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
    *,
    way: str,
    seen: str,
    lines: Sequence[Line],
    beside: Mapping[str, str],
    by: User,
    at: datetime,
) -> str:
    """Keep the sheet as it stands now in place of the one that was ``seen``; an empty one is
    dropped.

    Says its token, which stays where nothing changed. GoneOn where it is not as it was seen.
    """
    rows = _as_seen(by, way, seen)
    if not lines:
        if not rows.delete()[0] and seen:
            raise GoneOn(_("This sheet went on in another window."))
        return ""
    fields = _fields(lines, beside)
    before = rows.first()
    if before is not None and {**before.fields, "token": ""} == {**fields, "token": ""}:
        return seen  # a refused scan makes no other window stale
    token = secrets.token_hex(8)
    if rows.update(fields={**fields, "token": token}, kept_at=at):
        return token
    if not seen and _begun(by, way, {**fields, "token": token}, at):
        return token
    raise GoneOn(_("This sheet went on in another window."))


def _as_seen(user: User, way: str, token: str) -> QuerySet[ScanDraft]:
    """The sheet as a window saw it; without a token, one that was kept before there were any."""
    rows = ScanDraft.objects.filter(owner=user, way=way)
    return rows.filter(fields__token=token) if token else rows.filter(fields__token__isnull=True)


def _begun(user: User, way: str, fields: Mapping[str, str], at: datetime) -> bool:
    """A sheet that there was none of yet; False where another window began one meanwhile."""
    drop_old(at=at, of=user)  # no page shows it any more
    try:
        with transaction.atomic():
            ScanDraft.objects.create(owner=user, way=way, fields=dict(fields), kept_at=at)
    except IntegrityError:
        return False
    return True


def _fields(lines: Sequence[Line], beside: Mapping[str, str]) -> dict[str, str]:
    """What a page carries of a sheet, by name."""
    fields = {name: text for name, text in beside.items() if text}
    for n, line in enumerate(lines):
        fields |= {
            f"line_{n}": line.carried,
            f"count_{n}": line.count,
            f"number_{n}": line.number,
            f"expires_on_{n}": line.expires_on,
            f"lot_{n}": line.chosen,
            f"serials_{n}": " ".join(line.serials),
        }
    return fields


@one
def book(*, way: str, token: str, told: Mapping[str, object], by: User, at: datetime) -> Entry:
    """Book a sheet as a window saw it, once: two windows of one user may hold the same.

    ``told``: what ``actions.receive`` or ``actions.issue`` takes. GoneOn where it has changed.
    """
    if not _as_seen(by, way, token).delete()[0]:
        raise GoneOn(_("This sheet went on in another window. Nothing was booked by this one."))
    action = actions.issue if way == "out" else actions.receive
    return action(**told, by=by, at=at)  # type: ignore[arg-type]  # by their names


def drop_old(*, at: datetime, of: User | None = None) -> int:
    """Those that nobody took up again, or one user's; says how many."""
    rows = ScanDraft.objects.filter(kept_at__lte=at - KEPT_FOR)
    return (rows if of is None else rows.filter(owner=of)).delete()[0]
