"""What a name is searched in: kept in step with the persons by the database itself.

Part of a Chinese name has no beginning that an index could start at, and PostgreSQL lets no LIKE
and no trigram into an index behind a wall (decision 0018): their operators are not leakproof. So a
table holds each name from every sign to its end, its pinyin and its initials; a search is a range
of it, which both databases find by an ordinary index, behind the wall too (decision 0005).
"""

from __future__ import annotations

from django.db import connections, transaction

from fangkong.core.append_only import Trigger
from fangkong.core.privacy import PSEUDONYM

PERSONS, PARTS = "people_person", "people_namepart"
_SEEN = ("name", "name_pinyin", "name_initials", "county_id", "merged_into_id")
_MOST_SIGNS = 100
_SHORT = 6  # signs of nearly every name; what is longer costs a loop over all that there may be


def _insert(vendor: str, row: str, source: str = "") -> str:
    """The parts of one row, or of every row of ``source``.

    A merged person is found no more, nor one whose name was destroyed.
    """
    make = _parts_in_sqlite if vendor == "sqlite" else _parts_in_postgresql
    kept = f"{row}.merged_into_id IS NULL AND substr({row}.name, 1, 1) <> '{PSEUDONYM}'"
    parts = " UNION ALL ".join(
        f"SELECT {row}.id, {row}.county_id, {part}"  # noqa: S608  # our own names
        + (f" FROM {tables}" if (tables := ", ".join(filter(None, (source, more)))) else "")
        + f" WHERE {' AND '.join(filter(None, (kept, when)))}"
        for part, more, when in [
            *make(row),
            (f"{row}.name_pinyin", "", f"{row}.name_pinyin <> ''"),
            (f"{row}.name_initials", "", f"{row}.name_initials <> ''"),
        ]
    )
    return f"INSERT INTO {PARTS} (person_id, county_id, part) {parts}"


_Part = tuple[str, str, str]  # what it is, what else it is read from, on which condition


def _parts_in_sqlite(row: str) -> list[_Part]:
    """SQLite has no series; a list of a hundred numbers took longer than all parts of a name."""
    name, length = f"lower({row}.name)", f"length({row}.name)"
    rest = list(range(_SHORT + 1, _MOST_SIGNS + 1))
    return [
        (name, "", ""),
        *((f"substr({name}, {n})", "", f"{length} >= {n}") for n in range(2, _SHORT + 1)),
        (
            f"substr({name}, sign.value)",
            f"json_each('{rest}') AS sign",
            f"{length} > {_SHORT} AND sign.value <= {length}",
        ),
    ]


def _parts_in_postgresql(row: str) -> list[_Part]:
    signs = f"generate_series(1, length({row}.name)) AS sign(value)"
    return [(f"substr(lower({row}.name), sign.value)", signs, "")]


def triggers(vendor: str) -> list[Trigger]:
    """What keeps the parts in step; made and looked after with the triggers of the trail.

    PostgreSQL notes the parts of all new persons of a statement at once: a third less for each
    person of an import.
    """
    forget = f"DELETE FROM {PARTS} WHERE person_id = OLD.id"  # noqa: S608  # our own names
    note = _insert(vendor, "NEW")
    unlike = "IS NOT" if vendor == "sqlite" else "IS DISTINCT FROM"
    other = " OR ".join(f"OLD.{name} {unlike} NEW.{name}" for name in _SEEN)
    start = "fk_kept_people_person_"
    if vendor == "sqlite":
        return [
            _sqlite(f"{start}new", "AFTER INSERT", note),
            _sqlite(f"{start}other", "AFTER UPDATE", f"{forget}; {note}", other),
            _sqlite(f"{start}gone", "BEFORE DELETE", forget),
        ]
    many = _insert(vendor, "n", "new_rows n")
    each = "FOR EACH ROW"
    return [
        _postgresql(
            f"{start}new",
            "AFTER INSERT",
            "REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT",
            f"{many}; RETURN NULL",
            4,
        ),
        _postgresql(
            f"{start}other",
            "AFTER UPDATE",
            f"{each} WHEN ({other})",
            f"{forget}; {note}; RETURN NEW",
            17,
        ),
        _postgresql(f"{start}gone", "BEFORE DELETE", each, f"{forget}; RETURN OLD", 11),
    ]


def _sqlite(name: str, when: str, what: str, unless: str = "") -> Trigger:
    only = f" WHEN {unless}" if unless else ""
    text = f"CREATE TRIGGER {name} {when} ON {PERSONS}{only} BEGIN {what}; END"
    return Trigger(name, (text,), text)


def _postgresql(name: str, when: str, how: str, what: str, kind: int) -> Trigger:
    """``kind``: when it fires, as ``pg_trigger`` keeps it."""
    body = f" BEGIN {what}; END "
    return Trigger(
        name,
        (
            f"CREATE OR REPLACE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $${body}$$",
            f"CREATE TRIGGER {name} {when} ON {PERSONS} {how} EXECUTE FUNCTION {name}()",
        ),
        f"{PERSONS} O {kind} {body}",
    )


def rebuild(using: str = "default") -> None:
    """Every part anew, after rows were written past the triggers."""
    with transaction.atomic(using=using), connections[using].cursor() as cursor:
        if connections[using].vendor == "postgresql":  # a million persons take their time
            cursor.execute("SET LOCAL statement_timeout = 0")
        cursor.execute(f"DELETE FROM {PARTS}")  # noqa: S608  # our own name
        cursor.execute(_insert(connections[using].vendor, "p", f"{PERSONS} p"))
