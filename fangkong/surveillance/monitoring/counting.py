"""Keep the daily counts in step with the cases: a ledger of changes, and its sums."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime

from django.db import connection
from django.db.models import F

from fangkong.core import bulk, messages
from fangkong.core.messages import Statement

from .facts import CountKey
from .models import CaseNumbering, CountChange, DailyCount

CHUNK = 500
CELL = ", ".join(CountKey._fields)
# As Python sorts cells, whatever the locale of the database.
CELL_ORDER = (
    'county_id, condition COLLATE "C", basis COLLATE "C", day, case_class COLLATE "C",'
    ' definition COLLATE "C"'
)

Change = tuple[CountKey, int, int]  # cell, +1 or -1, case id


def count(changes: Sequence[Change], at: datetime) -> None:
    """Enter changes into the ledger and their sums into the daily counts.

    Call it inside the transaction of the cases. Cells are locked in their order.
    """
    # Most cases of a file share their cells: those are looked at once. By identity, for a cell is
    # six values to compare.
    place_of: dict[int, int] = {}
    cells: list[CountKey] = []
    places: list[int] = []
    for key, _delta, _case in changes:
        place = place_of.setdefault(id(key), len(cells))
        if place == len(cells):
            cells.append(key)
        places.append(place)
    _note(cells, places, changes, at)
    totals = [0] * len(cells)
    for place, (_key, delta, _case) in zip(places, changes, strict=True):
        totals[place] += delta
    sums: Counter[CountKey] = Counter()
    for key, total in zip(cells, totals, strict=True):
        sums[key] += total
    for key, lost in sorted((key, -n) for key, n in sums.items() if n < 0):
        DailyCount.objects.filter(**key._asdict()).update(n=F("n") - lost)
    gained = sorted((key, n) for key, n in sums.items() if n > 0)
    for start in range(0, len(gained), CHUNK):
        _add(gained[start : start + CHUNK])


def _note(
    cells: Sequence[CountKey], places: Sequence[int], changes: Sequence[Change], at: datetime
) -> None:
    """Into the ledger: three rows for every case of an import, so without a model for each."""
    said = {name: [getattr(key, name) for key in cells] for name in CountKey._fields}
    rows = bulk.ready(CountChange, len(cells), {**said, "at": at}).of(places)
    bulk.insert_ready(
        CountChange,
        rows,
        delta=[delta for _key, delta, _case in changes],
        case_id=[case for _key, _delta, case in changes],
    )


def _add(gained: list[tuple[CountKey, int]]) -> None:
    """``adding`` of many cells: PostgreSQL reads seven arrays sooner than thousands of values."""
    if connection.vendor == "sqlite" or len(gained) == 1:
        statement = adding(gained)
        bulk.send(statement.sql, statement.values)
        return
    columns = zip(*(key for key, _n in gained), strict=True)
    said = ("bigint", "text", "text", "date", "text", "text", "integer")
    arrays = ", ".join(f"%s::{kind}[]" for kind in said)
    values = [*map(list, columns), [n for _key, n in gained]]
    bulk.send(adding_from(f"SELECT * FROM unnest({arrays})").sql, values)  # noqa: S608  # values bound


def adding(gained: Sequence[tuple[CountKey, int]]) -> Statement:
    """Make each cell or add to it, in their order. Django's upsert cannot add to what is there."""
    marks = ", ".join(["(%s, %s, %s, %s, %s, %s, %s)"] * len(gained))
    values: list[str | int] = []
    for key, n in gained:
        values += [key.county_id, key.condition, key.basis, _day(key), key.case_class]
        values += [key.definition, n]
    return Statement(adding_from(f"VALUES {marks}").sql, values)


def adding_from(source: str) -> Statement:
    """``adding`` of rows (cell, number) that a statement around it has, in the order of cells."""
    table = DailyCount._meta.db_table
    return Statement(
        f"INSERT INTO {table} ({CELL}, n) {source}"
        " ON CONFLICT (basis, condition, day, county_id, case_class, definition)"
        f" DO UPDATE SET n = {table}.n + excluded.n"
    )


def _day(key: CountKey) -> str:
    # Text on SQLite; PostgreSQL reads the same text as a date.
    return key.day.isoformat()


def take_numbers(county_id: int, year: int, n: int) -> range:
    """The next ``n`` numbers of a county and year; others wait until this transaction ends.

    A transaction that is rolled back gives its numbers back, so there are never gaps.
    """
    (rows,) = messages.send(taking(county_id, year, n))
    last: int = rows[0][0]
    return range(last - n + 1, last + 1)


def taking(county_id: int, year: int, n: int) -> Statement:
    """What ``take_numbers`` sends; it gives the last of the numbers."""
    table = CaseNumbering._meta.db_table
    return Statement(
        f"INSERT INTO {table} (county_id, year, last) VALUES (%s, %s, %s)"  # noqa: S608  # as above
        " ON CONFLICT (county_id, year)"
        f" DO UPDATE SET last = {table}.last + excluded.last RETURNING last",
        [county_id, year, n],
        "numbers",
    )
