"""Two records of one person, the pair of them, and all that the house holds, to be compared."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.apps import apps

from fangkong.core.record import stamps
from fangkong.people.duplicates import actions, queries, rules
from fangkong.people.duplicates.models import Merge, Pair, Run
from fangkong.people.models import Person
from fangkong.people.types import PhoneNumber

# What is only ever added to and tells what was done: the trail, and the merges themselves.
TRAIL = {
    *("core.AuditLine", "core.RowChange", "core.Sight", "core.Command", "core.Edition"),
    "people.Merge",
}
WHY = "同一身份证件，电话核实"


def everything_held(*, but: set[str] | None = None) -> dict[str, list[dict[str, Any]]]:
    """Every row of every table of ours as it reads, sealed fields opened; without the trail.

    The search index of names is made anew by the database: what it says counts, not its keys.
    """
    found: dict[str, list[dict[str, Any]]] = {
        model._meta.label: [
            {field.attname: _value(row, field.attname) for field in model._meta.concrete_fields}
            for row in model._base_manager.order_by("pk")
        ]
        for model in apps.get_models()
        if model.__module__.startswith("fangkong.")
        and model._meta.label not in TRAIL | (but or set())
    }
    parts = [tuple(row.values())[1:] for row in found["people.NamePart"]]
    return found | {"people.NamePart": sorted(parts)}


def _value(row: Any, name: str) -> Any:
    value = getattr(row, name)
    return str(value) if isinstance(value, str) else value


def pair(one: Person, other: Person, at: datetime, *, weight: int = 15_000, **more: Any) -> Pair:
    """The pair of two persons, as a search has found it."""
    run = Run.objects.order_by("-pk").first() or Run.objects.create(
        trigger="nightly", started_at=at, ended_at=at, **stamps(None, at)
    )
    first, second = rules.in_order(one.pk, other.pk)
    counties = {one.county_id, other.county_id}
    return Pair.objects.create(
        one_id=first,
        other_id=second,
        run=run,
        weight=weight,
        agreed={"name": "same", "birth_date": "same"},
        county_id=counties.pop() if len(counties) == 1 else None,
        **stamps(None, at),
        **more,
    )


def seen(pair: Pair) -> str:
    """The state of a pair and its persons as a page would show it now."""
    return queries.state_of(Pair.objects.select_related("one", "other").get(pk=pair.pk))


def merge(pair: Pair, keep: Person, by: Any, at: datetime, *take: str, **more: Any) -> Merge:
    said = {"take": list(take), "state": seen(pair), "reason": WHY, **more}
    return actions.merge(pair=pair, keep=keep.public_id, by=by, at=at, **said)


def undo(merge: Merge, by: Any, at: datetime, **more: Any) -> Merge:
    said: dict[str, Any] = {"corrected": {}, "reason": "是两个人，看错了", **more}
    return actions.undo(merge=merge, by=by, at=at, **said)


def apart(pair: Pair, by: Any, at: datetime, **more: Any) -> Pair:
    said = {"state": seen(pair), "reason": "两人身份证不同", **more}
    return actions.keep_apart(pair=pair, by=by, at=at, **said)


def phone(last: int) -> PhoneNumber:
    return PhoneNumber(f"1380000{last:04d}")
