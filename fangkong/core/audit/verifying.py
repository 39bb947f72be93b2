"""Is the trail as it was sealed? Finds lines removed, changed, moved, slipped in or cut off."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from django.db import DatabaseError, transaction

from . import seal_keys, seals, triggers
from .heads import Head
from .models import Seal

AT_ONCE = 20_000  # rows read together


@dataclass
class Verdict:
    """What was found: ``problems`` in words, and how much was looked at."""

    problems: list[str] = field(default_factory=list)
    rows: int = 0
    seals: int = 0
    unsealed: int = 0


def verify(heads: Iterable[Head] = ()) -> Verdict:
    """Compare every sealed row with its seal, every seal with the next, and all with the heads."""
    found = Verdict()
    with transaction.atomic():
        chain = list(Seal.objects.order_by("number"))
        found.seals = len(chain)
        found.problems += _chain_problems(chain)
        found.problems += _head_problems(chain, heads)
        tables: dict[str, list[Seal]] = defaultdict(list)
        for one in chain:
            tables[one.table_name].append(one)
        for table in seals.SEALED:
            _check_rows(table, tables.pop(table, []), found)
        found.problems += [f"seals of an unknown table: {name}" for name in tables]
    found.problems += [f"trigger gone or altered: {name}" for name in triggers.problems()]
    return found


def _chain_problems(chain: list[Seal]) -> Iterator[str]:
    before = ""
    for place, one in enumerate(chain, start=1):
        if one.number != place:
            yield f"seal {place} is missing"
            return
        if one.previous != before:
            yield f"seal {place} does not follow from the one before"
        before = one.digest
    if chain and not seal_keys.is_signed(chain[-1].digest, chain[-1].signature):
        yield f"seal {chain[-1].number}, the head, is not signed by our key"


def _head_problems(chain: list[Seal], heads: Iterable[Head]) -> Iterator[str]:
    known = {one.number: one.digest for one in chain}
    for head in heads:
        if head.number not in known:
            yield f"seal {head.number} was published on {head.at} and is gone"
        elif known[head.number] != head.digest:
            yield f"seal {head.number} is not the one published on {head.at}"


def _check_rows(table: str, chain: list[Seal], found: Verdict) -> None:
    last = 0
    for group in _groups(chain):
        ids = (group[0].first_id, group[-1].last_id)
        version = group[0].format
        if version not in seals.FORMATS:
            found.problems.append(f"{table}: seal {group[0].number} is of an unknown format")
            return
        try:
            rows = seals.read(table, *ids, version=version)
            strays = seals.strays(table, *ids, version)
        except (DatabaseError, ValueError):
            found.problems.append(f"{table}: rows from id {group[0].first_id} cannot be read")
            return
        if strays:
            found.problems.append(f"{table}: {strays} old rows hold what was not there when sealed")
        start = 0
        for one in group:
            if one.first_id != last + 1:
                found.problems.append(f"{table}: no seal covers ids {last + 1} to {one.first_id}")
            last = one.last_id
            end = start
            while end < len(rows) and rows[end][0] <= one.last_id:
                end += 1
            if seals.digest(one, rows[start:end]) != one.digest:
                found.problems.append(
                    f"{table}: rows {one.first_id} to {one.last_id} are not as sealed "
                    f"(seal {one.number}: {one.count} rows then, {end - start} now)"
                )
            found.rows += end - start
            start = end
    model = seals.SEALED[table]._default_manager
    found.unsealed += model.filter(pk__gt=last).count()
    if model.filter(pk__lt=1).exists():
        found.problems.append(f"{table}: rows slipped in before the first")


def _groups(chain: list[Seal]) -> Iterator[list[Seal]]:
    """Seals whose rows are read together: thousands of small ones would each cost a statement."""
    group: list[Seal] = []
    size = 0
    for one in chain:
        if group and group[-1].format != one.format:
            yield group
            group, size = [], 0
        group.append(one)
        size += one.count
        if size >= AT_ONCE:
            yield group
            group, size = [], 0
    if group:
        yield group
