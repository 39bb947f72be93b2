"""The one way into the ledger: ``post``. Balances and moves are written here and nowhere else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from django.db import connection, transaction
from django.utils.translation import gettext as _

from fangkong.core import clock, messages
from fangkong.core.record import stamps
from fangkong.core.refusals import Refused

from . import rules, words
from .models import Balance, Entry, Lot, Move, Numbering, Place
from .types import EntryKind, Papers

if TYPE_CHECKING:
    from fangkong.accounts.models import User


class NotEnough(Refused):
    """A place holds less than is to leave it; nothing was booked."""


class MonthClosed(Refused):
    """The month of a sheet was closed while the sheet waited for the place."""


@dataclass(frozen=True)
class Posting:
    """So much of a lot from one place to another."""

    lot: Lot
    source: Place
    target: Place
    quantity: int


def post(
    kind: EntryKind,
    at_place: Place,
    postings: Sequence[Posting],
    *,
    papers: Papers,
    loss: str = "",
    reverses: Entry | None = None,
    by: User | None,
    at: datetime,
) -> Entry:
    """Write one entry with its moves, or nothing: NotEnough where a balance would fall below zero.

    Within the transaction of an action that holds the locks of all places whose balances change
    (``queries.places_locked``). The moves, which are sent with the last message of a command, get
    their keys under these locks, so the ledger of a lot
    at a place, read in the order of its keys, was never below zero at any moment. The condition of
    each change and the CHECK of the table stand behind the locks, should an action forget them.
    """
    assert transaction.get_connection().in_atomic_block
    _refuse_closed_month(at_place, papers.moved_at or at)
    number = _next_number(at_place, at)
    places = {p.pk: p for one in postings for p in (one.source, one.target)}
    lots = {one.lot.pk: one.lot for one in postings}
    held = frozenset(key for key, place in places.items() if place.held)
    lines = [rules.Line(one.lot.pk, one.source.pk, one.target.pk, one.quantity) for one in postings]
    sums = rules.changes(lines, held)
    entry = Entry(
        **stamps(by, at),
        number=number,
        kind=kind,
        place=at_place,
        moved_at=papers.moved_at or at,
        other=papers.other,
        note=papers.note,
        loss=loss,
        synthetic=papers.synthetic,
        reverses=reverses,
    )
    written = messages.insert(entry)
    kept = replace(written, sql=f"{written.sql} RETURNING id", name="entry")
    *answers, ((entry.pk,),) = messages.send(
        *(_change(*key, lots, n) for key, n in sums.items()), kept
    )
    entry._state.adding, entry._state.db = False, connection.alias
    for ((place, lot), change), rows in zip(sums.items(), answers, strict=True):
        if not rows:
            raise _not_enough(places[place], lots[lot], -change)
    for one in postings:
        move = Move(
            entry=entry,
            lot=one.lot,
            item_id=one.lot.item_id,
            source=one.source,
            target=one.target,
            quantity=one.quantity,
        )
        messages.at_end(replace(messages.insert(move), name="move"))
    return entry


def _refuse_closed_month(place: Place, moment: datetime) -> None:
    """Of now too: one second before midnight it came, and one after, the month was closed."""
    last = place.closed_through
    if last is not None and clock.day_of(moment) <= last:
        raise MonthClosed(
            _("%(place)s has just closed its books through %(day)s. Send it again.")
            % {"place": place.display_name, "day": last}
        )


def _change(place: int, lot: int, lots: Mapping[int, Lot], change: int) -> messages.Statement:
    """Changes one balance and tells the new one, or nothing where it would fall below zero.

    The row stays locked.
    """
    if change > 0:
        return messages.Statement(
            f"INSERT INTO {_BALANCE} (place_id, lot_id, item_id, quantity)"  # noqa: S608  # our name
            " VALUES (%s, %s, %s, %s) ON CONFLICT (place_id, lot_id)"
            f" DO UPDATE SET quantity = {_BALANCE}.quantity + excluded.quantity RETURNING quantity",
            [place, lot, lots[lot].item_id, change],
            "balance_up",
        )
    return messages.Statement(
        f"UPDATE {_BALANCE} SET quantity = quantity - %s"  # noqa: S608  # our name
        " WHERE place_id = %s AND lot_id = %s AND quantity >= %s RETURNING quantity",
        [-change, place, lot, -change],
        "balance_down",
    )


def _not_enough(place: Place, lot: Lot, asked: int) -> NotEnough:
    rows = Balance.objects.filter(place=place, lot=lot)
    left = rows.values_list("quantity", flat=True).first() or 0
    return NotEnough(
        _("%(place)s holds %(left)s of %(item)s, lot %(lot)s; %(asked)s were asked.")
        % {
            "place": place.display_name,
            "item": lot.item.display_name,
            "lot": words.lot(lot),
            "left": words.amount(left, lot.item),
            "asked": words.amount(asked, lot.item),
        }
    )


_BALANCE = Balance._meta.db_table


def _next_number(place: Place, at: datetime) -> str:
    """The next number of a place and year; others who write there wait until this one is done."""
    table, year = Numbering._meta.db_table, clock.day_of(at).year
    statement = messages.Statement(
        f"INSERT INTO {table} (place_id, year, last) VALUES (%s, %s, 1)"  # noqa: S608  # our name
        " ON CONFLICT (place_id, year)"
        f" DO UPDATE SET last = {table}.last + 1 RETURNING last",
        [place.pk, year],
        "entry_numbers",
    )
    ((row,),) = messages.send(statement)
    return rules.entry_number(place.mark, year, row[0])


def reversed_postings(moves: Sequence[Move]) -> list[Posting]:
    """What takes the moves of an entry back: each from where it went to where it came from."""
    return [Posting(one.lot, one.target, one.source, one.quantity) for one in reversed(moves)]
