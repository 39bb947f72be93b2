"""The debt of papers of an emergency release (后补手续): how it begins, and what settles it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.utils.translation import gettext as _

from fangkong.core.audit import actions as audit
from fangkong.core.record import stamps
from fangkong.core.refusals import Refused
from fangkong.tasks import actions as tasks

from . import queries
from .models import Release, ReleasePaper
from .types import PAPERS_TASK, PaperKind, keeper_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fangkong.accounts.models import User

    from .models import Entry, Transfer


SLIP = timedelta(hours=1)  # within which whoever let goods go takes a slip back alone


class OwnRelease(Refused):
    """Whoever let goods go does not end the debt of their papers alone."""

    status = 403


def begin(release: Release, days: Mapping[str, int], by: User | None, at: datetime) -> None:
    """Write down each paper that is owed, and put the debt on the desk of the store.

    A task that is late climbs by itself to the headquarters above.
    """
    ReleasePaper.objects.bulk_create(
        ReleasePaper(**stamps(by, at), release=release, kind=kind, due_at=at + timedelta(days=n))
        for kind, n in days.items()
    )
    facility = release.place.facility
    assert facility is not None
    tasks.assign(
        kind=PAPERS_TASK.code,
        params={"number": release.entry.number},
        area=facility.area,
        facility=facility,
        role=keeper_of(facility.kind),
        due_at=release.due_at,
        by=None,
        at=at,
        source=release,
    )


def filed(
    release: Release, paper: ReleasePaper, reference: str, by: User | None, at: datetime
) -> None:
    """A paper is there; with the last one nothing is owed any more. The release is locked."""
    paper.reference, paper.filed_at = reference, at
    paper.touch(by, at)
    paper.save()
    left = [one for one in queries.papers_of(release) if one.filed_at is None]
    if left:
        release.due_at = left[0].due_at
    else:
        release.settled_at = at
        tasks.finish_for(
            source=release, kind=PAPERS_TASK.code, proof=_("All papers are there."), by=by, at=at
        )
    release.touch(by, at)
    release.save()
    detail = {"paper": paper.kind, "left": len(left)}
    audit.record("supplies.stock.file_paper", release, by=by, at=at, detail=detail)


def arrived(shipment: Transfer, by: User | None, at: datetime) -> None:
    """Whoever received the goods has said so in the house: that is the signature.

    Where nothing came, nobody has signed for anything.
    """
    release = queries.release_on(shipment)
    if release is None or release.settled_at is not None:
        return
    if not any(one.received or one.broken for one in queries.shipment_lines(shipment)):
        return
    for paper in queries.papers_of(release):
        if paper.kind == PaperKind.SIGNATURE and paper.filed_at is None:
            filed(release, paper, shipment.number, by, at)


def taken_back(entry: Entry, why: str, by: User | None, at: datetime) -> None:
    """The sheet of a release was taken back: no papers are owed."""
    _forgive(queries.release_of(entry), why, by, at)


def brought_back(shipment: Transfer, why: str, by: User | None, at: datetime) -> None:
    """The goods came back before they arrived: no papers are owed."""
    _forgive(queries.release_on(shipment), why, by, at)


def settled(shipment: Transfer, why: str, by: User | None, at: datetime) -> None:
    """What was missing of a shipment is settled. Where all of it came back, nothing is owed."""
    if all(one.returned == one.sent for one in queries.shipment_lines(shipment)):
        brought_back(shipment, why, by, at)


def _forgive(release: Release | None, why: str, by: User | None, at: datetime) -> None:
    if release is None or release.settled_at is not None:
        return
    own = by is not None and release.created_by_id == by.pk
    if own and at > release.created_at + SLIP:
        raise OwnRelease(
            _(
                "You let these goods go yourself, and papers are owed for them. That they came back"
                " is now booked by somebody else: a colleague of the place, or the county."
            )
        )
    release.settled_at = at
    release.touch(by, at)
    release.save()
    tasks.cancel_for(source=release, kind=PAPERS_TASK.code, reason=why, by=by, at=at)
