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
_SIGNS = {  # as many numbers as a name may have signs
    "sqlite": f"json_each('{list(range(1, 101))}') AS sign",
    "postgresql": "generate_series(1, 100) AS sign(value)",
}


def _insert(vendor: str, row: str, source: str = "") -> str:
    """The parts of one row, or of every row of ``source``.

    A merged person is found no more, nor one whose name was destroyed.
    """
    head = f"SELECT {row}.id, {row}.county_id"
    of, where = (f" FROM {source}", "WHERE") if source else ("", "WHERE")
    more = f"{source}, " if source else ""
    kept = f"{row}.merged_into_id IS NULL AND substr({row}.name, 1, 1) <> '{PSEUDONYM}'"
    return (
        f"INSERT INTO {PARTS} (person_id, county_id, part) "
        f"{head}, substr(lower({row}.name), sign.value) FROM {more}{_SIGNS[vendor]} "
        f"{where} sign.value <= length({row}.name) AND {kept} "
        f"UNION ALL {head}, {row}.name_pinyin{of} {where} {row}.name_pinyin <> '' AND {kept} "
        f"UNION ALL {head}, {row}.name_initials{of} {where} {row}.name_initials <> '' AND {kept}"
    )


def triggers(vendor: str) -> list[Trigger]:
    """What keeps the parts in step; made and looked after with the triggers of the trail."""
    forget = f"DELETE FROM {PARTS} WHERE person_id = OLD.id"  # noqa: S608  # our own names
    note = _insert(vendor, "NEW")
    unlike = "IS NOT" if vendor == "sqlite" else "IS DISTINCT FROM"
    other = " OR ".join(f"OLD.{name} {unlike} NEW.{name}" for name in _SEEN)
    wanted = (
        ("fk_kept_people_person_new", "AFTER INSERT", "", note, "NEW", 5),
        ("fk_kept_people_person_other", "AFTER UPDATE", other, f"{forget}; {note}", "NEW", 17),
        ("fk_kept_people_person_gone", "BEFORE DELETE", "", forget, "OLD", 11),
    )
    make = _sqlite if vendor == "sqlite" else _postgresql
    return [make(*one) for one in wanted]


def _sqlite(name: str, when: str, unless: str, what: str, _row: str, _kind: int) -> Trigger:
    only = f" WHEN {unless}" if unless else ""
    text = f"CREATE TRIGGER {name} {when} ON {PERSONS}{only} BEGIN {what}; END"
    return Trigger(name, (text,), text)


def _postgresql(name: str, when: str, unless: str, what: str, row: str, kind: int) -> Trigger:
    only = f" WHEN ({unless})" if unless else ""
    body = f" BEGIN {what}; RETURN {row}; END "
    return Trigger(
        name,
        (
            f"CREATE OR REPLACE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $${body}$$",
            f"CREATE TRIGGER {name} {when} ON {PERSONS} FOR EACH ROW{only} "
            f"EXECUTE FUNCTION {name}()",
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
