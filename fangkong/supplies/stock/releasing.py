"""Emergency release (先行派发、事后补手续): goods leave at once on a call, the papers follow."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.db import transaction
from django.utils.translation import gettext as _

from fangkong.core import clock
from fangkong.core.audit import actions as audit
from fangkong.core.files import actions as stored
from fangkong.core.free_text import refuse_numbers
from fangkong.core.record import stamps
from fangkong.core.refusals import Refused, WrongField
from fangkong.core.spelling import shown

from . import ledger, owing, queries, rules, shipping, words
from .actions import opened, outside, picked
from .models import Entry, Item, Place, Release, Transfer
from .types import PAPERS, EntryKind, Leaving, PaperKind, Papers, PlaceKind, Way

if TYPE_CHECKING:
    from fangkong.accounts.models import User
    from fangkong.core.files.models import StoredFile


class FiledAlready(Refused):
    """This paper is there; what stands is not replaced."""


class NotOwed(Refused):
    """The rules of that day asked for no such paper."""

    status = 422


class DebtSettled(Refused):
    """All papers are there, or the goods came back."""


@transaction.atomic
def release(
    *,
    source: Place,
    item: Item,
    quantity: int,
    called_by: str,
    to: str = "",
    target: Place | None = None,
    synthetic: bool = False,
    by: User | None,
    at: datetime,
) -> Release:
    """Goods leave on a call, by earliest expiry, and the papers are owed (``queries.papers_owed``).

    ``target``: a place of the house that gets them; within one facility they move there at once,
    else they are on the way as a shipment. ``to``: in words who gets them, where no place of the
    house does; then they are used up here. NotEnough: nothing leaves.
    """
    to, called_by = shown(to) if target is None else _named(target), shown(called_by)
    refuse_numbers(called_by=called_by, **({} if target is not None else {"to": to}))
    for name, text in (("called_by", called_by), ("to", to)):
        if not text:
            raise WrongField(_("Fill this in."), name)
    if not 0 < quantity <= rules.MOST:
        fault = "too_much" if quantity > 0 else "not_positive"
        raise WrongField(words.fault(fault), "quantity")
    line = Leaving(item=item, quantity=quantity)
    shipment = None
    if target is not None and target.facility_id != source.facility_id:
        entry, shipment = _ship(source, target, line, called_by, synthetic, by, at)
    else:
        entry = _hand_over(source, target, line, to, called_by, synthetic, by, at)
    days = queries.papers_owed(at)
    made = Release(
        **stamps(by, at),
        entry=entry,
        place=entry.place,
        shipment=shipment,
        to=to[:100],
        called_by=called_by,
        due_at=at + timedelta(days=min(days.values())),
    )
    made.save(force_insert=True)
    detail = {"number": entry.number, "papers": len(days)}
    audit.record("supplies.stock.release", made, by=by, at=at, detail=detail)
    owing.begin(made, days, by, at)
    return made


def _named(place: Place) -> str:
    """A place of the house as it stands on papers, in whatever language the page is."""
    assert place.facility is not None
    return f"{place.facility.name_zh} · {place.name}" if place.name else place.facility.name_zh


def _hand_over(
    source: Place,
    target: Place | None,
    line: Leaving,
    to: str,
    called_by: str,
    synthetic: bool,
    by: User | None,
    at: datetime,
) -> Entry:
    """Out of the store: to a ward of the house, or used up."""
    if target is None:
        (source,) = opened(source)
        end = outside(PlaceKind.USED, by, at)
    elif target.pk == source.pk:
        raise WrongField(_("The goods are there already. Choose another place."), "to")
    else:
        source, end = opened(source, target)
    postings = picked(source, end, line, clock.day_of(at), [])
    papers = Papers(other=to[:100], note=called_by, synthetic=synthetic)
    return ledger.post(EntryKind.RELEASE, source, postings, papers=papers, by=by, at=at)


def _ship(
    source: Place,
    target: Place,
    line: Leaving,
    called_by: str,
    synthetic: bool,
    by: User | None,
    at: datetime,
) -> tuple[Entry, Transfer]:
    """To another facility: a shipment that is sent at once."""
    # The locks of all three are taken at once, as whoever sends the next shipment does.
    opened(source, target, shipping.way_between(source, target, by, at))
    made = shipping.prepare(
        source=source,
        target=target,
        lines=[line],
        way=Way(note=called_by),
        synthetic=synthetic,
        by=by,
        at=at,
    )
    sent = shipping.dispatch(shipment=made, by=by, at=at)
    return queries.sheet_of(sent), sent


@transaction.atomic
def file_paper(
    *,
    release: Release,
    kind: PaperKind,
    reference: str,
    files: Sequence[StoredFile] = (),
    by: User,
    at: datetime,
) -> Release:
    """One of the papers has come: the request, the approval or the signature of who got it."""
    said = shown(reference)
    refuse_numbers(reference=said)
    if not any(map(str.isalnum, said)):  # a dot is no number of a paper
        said = ""
    if not said and not files:
        raise WrongField(_("Write the number of the paper, or add a photo of it."), "reference")
    release = queries.release_locked(release.pk)
    if release.settled_at is not None:
        raise DebtSettled(_("Nothing is owed for this release any more."))
    paper = next((one for one in queries.papers_of(release) if one.kind == kind), None)
    if paper is None:
        raise NotOwed(_("This paper is not owed. Choose one that is."))
    if paper.filed_at is not None:
        raise FiledAlready(_("This paper is there already."))
    stored.attach(files=files, use=PAPERS, to=release, by=by, at=at)
    owing.filed(release, paper, said, by, at)
    return release
