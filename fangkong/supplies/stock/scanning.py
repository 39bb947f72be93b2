"""Verbs of scanning: teach which item a GTIN is, put that right, receive a serial once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from fangkong.core.audit import actions as audit
from fangkong.core.free_text import stated_reason
from fangkong.core.record import stamps
from fangkong.core.refusals import Refused, WrongField
from fangkong.core.spelling import shown

from . import queries, rules, words
from .models import Entry, Item, ItemCode, Lot, Place, Serial, SerialMove, Transfer

if TYPE_CHECKING:
    from fangkong.accounts.models import User

    from .types import Arriving, Leaving, Package


class TaughtAlready(Refused):
    """The GTIN is of an item already, and of one only."""


class NothingNew(Refused):
    """The code says this already."""

    status = 422


@transaction.atomic
def teach(*, gtin: str, item: Item, unit: str = "", by: User | None, at: datetime) -> ItemCode:
    """From now on a GTIN means so much of an item: one of a unit or pack of it."""
    holds = _holds(unit, item)
    found = queries.code_of(gtin)
    if found is None:
        made = ItemCode(**stamps(by, at), gtin=gtin, item=item, pack=shown(unit), holds=holds)
        try:
            with transaction.atomic():
                made.save(force_insert=True)
        except IntegrityError:  # another keeper taught it at the same moment
            found = queries.code_of(gtin)
        else:
            detail = {"gtin": gtin, "item": item.code, "holds": holds}
            audit.record("supplies.stock.teach_code", made, by=by, at=at, detail=detail)
            return made
    assert found is not None
    raise TaughtAlready(
        _("This code is of %(item)s already. Correct it on its page if that is wrong.")
        % {"item": found.item.display_name}
    )


@transaction.atomic
def correct_code(
    *, code: ItemCode, item: Item, unit: str = "", reason: str, by: User | None, at: datetime
) -> ItemCode:
    """A GTIN was taught wrongly. What was booked by it stays; it is taken back sheet by sheet."""
    why = stated_reason(reason, _("Say what was wrong."))
    holds = _holds(unit, item)
    code = queries.code_locked(code.pk)
    if (code.item_id, code.pack, code.holds) == (item.pk, shown(unit), holds):
        raise NothingNew(_("Nothing was changed."))
    before = {"item": code.item.code, "holds": code.holds}
    code.item, code.pack, code.holds = item, shown(unit), holds
    code.touch(by, at)
    code.save()
    detail = {"gtin": code.gtin, "from": before, "to": {"item": item.code, "holds": holds}}
    audit.record("supplies.stock.correct_code", code, by=by, at=at, reason=why, detail=detail)
    return code


def _holds(unit: str, item: Item) -> int:
    """How many smallest units one of a unit is; told beside the field where it is none of them."""
    packs = {str(name): int(size) for name, size in item.packs.items()}
    try:
        return rules.in_smallest("1", unit, item.unit, packs)
    except rules.NotExact as problem:
        raise WrongField(words.fault(problem.code), "unit") from problem


def came_in(
    entry: Entry, lines: Sequence[Arriving], lots: Sequence[Lot], by: User | None, at: datetime
) -> None:
    """The serials of a receipt, line by line; one that came in before refuses the whole sheet."""
    for number, (line, lot) in enumerate(zip(lines, lots, strict=True)):
        if line.code is None or not line.serials:
            continue
        rows = [
            Serial(
                **stamps(by, at),
                code=line.code,
                serial=each,
                holds=line.code.holds,
                lot=lot,
                entry=entry,
            )
            for each in line.serials
        ]
        try:
            with transaction.atomic():
                Serial.objects.bulk_create(rows)
        except IntegrityError:
            known = queries.serials_in(line.code, line.serials) or list(line.serials)
            raise WrongField(
                _("Serial %(serial)s of this code came in already. It is received once.")
                % {"serial": known[0]},
                f"lines/{number}/serials",
            ) from None


def refuse_elsewhere(
    source: Place, lines: Sequence[Leaving], by: User | None, at: datetime
) -> None:
    """A package that was used up, or lies elsewhere by the books, does not leave from here.

    Where goods moved that nobody scanned the books do not know which packages went; then whoever
    holds one in their hands is right. Places, sheets and lots of others are not named. The caller
    holds the place.
    """
    asked: queries.Asked = {}
    for number, line in enumerate(lines):
        field = f"lines/{number}/serials"
        for one in queries.serials_now(line.code, line.serials):
            if one.lot_id != getattr(line.lot, "pk", None):
                raise _of_another_lot(one, field, by, at)
            _refuse_gone(one, source, asked, field, by, at)


def _refuse_gone(
    one: Serial, source: Place, asked: queries.Asked, field: str, by: User | None, at: datetime
) -> None:
    if queries.last_seen_at(one) == source.pk:
        return
    where = queries.whereabouts(one, asked)
    if not where.place.held or where.sure:
        raise _elsewhere(one, where, field, by, at)


def _of_another_lot(one: Serial, field: str, by: User | None, at: datetime) -> WrongField:
    if by is not None and not queries.lots_open_to(by, at).filter(pk=one.lot_id).exists():
        text = _("Serial %(serial)s came in with another lot. Check the package.")
    else:
        text = _("Serial %(serial)s came in with lot %(lot)s, not with this one.")
    return WrongField(text % {"serial": one.serial, "lot": words.lot(one.lot)}, field)


def _elsewhere(
    one: Serial, where: queries.Whereabouts, field: str, by: User | None, at: datetime
) -> WrongField:
    said = {"serial": one.serial, "number": where.entry.number}
    said["place"] = where.place.display_name
    if by is not None and not queries.entries_among(by, at, [where.entry.pk]):
        text = _("Serial %(serial)s is not here by the books of others. Check the package.")
    elif where.place.held:
        text = _(
            "Serial %(serial)s is at %(place)s by sheet %(number)s, not here. Check the"
            " package, or take that sheet back first."
        )
    else:
        text = _(
            "Serial %(serial)s left by sheet %(number)s already. Check the package, or take"
            " that sheet back first."
        )
    return WrongField(text % said, field)


def went(
    entry: Entry,
    lines: Sequence[Leaving],
    source: Place,
    target: Place,
    by: User | None,
    at: datetime,
) -> None:
    """The packages with a serial that was scanned moved by this sheet; one never scanned in is not
    followed."""
    every = (one for line in lines for one in queries.serials_now(line.code, line.serials))
    _moved(entry, every, source, target, by, at)


def _moved(
    entry: Entry,
    packages: Iterable[Serial],
    source: Place,
    target: Place,
    by: User | None,
    at: datetime,
) -> None:
    SerialMove.objects.bulk_create(
        SerialMove(**stamps(by, at), serial=one, entry=entry, source=source, target=target)
        for one in packages
    )


# --- Packages of a shipment -----------------------------------------------------------------------


def to_go_along(
    source: Place,
    packages: Sequence[Package],
    leaving: Mapping[int, int],
    by: User | None,
    at: datetime,
) -> list[Serial]:
    """The packages that go along with a shipment: of its lots, and no more than leave of each.

    ``leaving``: quantity by key of a lot. The caller holds the place.
    """
    left = dict(leaving)
    found: dict[tuple[int, str], Serial] = {}
    known, asked = queries.packages_now(packages), queries.Asked()
    for number, package in enumerate(packages):
        field, said = f"packages/{number}", {"serial": package.serial}
        key = (package.code.pk, package.serial)
        one = known.get(key)
        if key in found:
            raise WrongField(_("Serial %(serial)s stands there twice.") % said, field)
        if one is None:
            text = _("Serial %(serial)s was never scanned in. Leave it off; its lot tells of it.")
            raise WrongField(text % said, field)
        if one.lot_id not in left:
            text = _(
                "Serial %(serial)s is of a lot of which nothing leaves by this shipment. Take the"
                " package off, or prepare a shipment of its lot."
            )
            raise WrongField(text % said, field)
        _refuse_gone(one, source, asked, field, by, at)
        left[one.lot_id] -= one.code.holds
        if left[one.lot_id] < 0:
            text = _("With serial %(serial)s more packages go along than leave of their lot.")
            raise WrongField(text % said, field)
        found[key] = one
    return list(found.values())


def went_along(
    entry: Entry, packages: Sequence[Serial], way: Place, by: User | None, at: datetime
) -> None:
    """They are on the way by the sheet of a shipment."""
    _moved(entry, packages, entry.place, way, by, at)


def went_on(
    entry: Entry,
    shipment: Transfer,
    lots: Iterable[Lot],
    target: Place,
    by: User | None,
    at: datetime,
) -> None:
    """All that was sent of some lots arrived, or came back: so did the packages that went along.

    Where only a part did, nobody knows which; then whoever holds one in their hands is right.
    """
    assert shipment.transit is not None
    _moved(entry, queries.packages_underway(shipment, lots), shipment.transit, target, by, at)


def taken_back(entry: Entry, at: datetime) -> None:
    """A receipt was taken back: its serials may come in again."""
    Serial.objects.filter(entry=entry, taken_back_at__isnull=True).update(taken_back_at=at)
