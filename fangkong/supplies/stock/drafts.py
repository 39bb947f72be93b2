"""Sheets that are being scanned: kept for whoever scans them, until they are booked or cleared.

No row of a draft is an act of the house: it books nothing, so it leaves no line in the trail.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.db import transaction

from .models import ScanDraft
from .scans import Line

if TYPE_CHECKING:
    from fangkong.accounts.models import User

KEPT_FOR = timedelta(days=7)  # an older delivery is scanned anew


def kept(user: User, way: str, at: datetime) -> ScanDraft | None:
    """The user's own unfinished sheet, ``way`` in or out; no other user's."""
    rows = ScanDraft.objects.filter(owner=user, way=way, kept_at__gt=at - KEPT_FOR)
    return rows.first()


@transaction.atomic
def keep(
    *, way: str, lines: Sequence[Line], beside: Mapping[str, str], by: User, at: datetime
) -> None:
    """Keep the sheet as it stands now in place of the one before; an empty one is dropped."""
    if not lines:
        drop(way=way, by=by)
        return
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
    ScanDraft.objects.update_or_create(
        owner=by, way=way, defaults={"fields": fields, "kept_at": at}
    )


def drop(*, way: str, by: User) -> None:
    """It is booked, or begun anew."""
    ScanDraft.objects.filter(owner=by, way=way).delete()


def drop_old(*, at: datetime) -> int:
    """Those that nobody took up again; says how many."""
    return ScanDraft.objects.filter(kept_at__lte=at - KEPT_FOR).delete()[0]
