"""From a text to a valid problem. Whatever is wrong is told with its place in the JSON."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

from pydantic import TypeAdapter, ValidationError

from .types import MOST_CELL_DAYS, MOST_CELLS, Plan, Problem, Substitution

MEGABYTES = 128
MOST_FAULTS = 50


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong: ``place`` is a JSON pointer (RFC 6901), "" the whole; ``code`` of words."""

    place: str
    code: str
    facts: tuple[tuple[str, str | int], ...] = ()


class WrongProblem(ValueError):
    """A problem that cannot be shared out; ``faults`` say why, in the order of the text."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = list(faults)
        super().__init__("; ".join(f"{one.place}: {one.code}" for one in self.faults))


def read(text: bytes) -> Problem:
    """The problem that a text holds; raises ``WrongProblem``."""
    if len(text) > MEGABYTES * 2**20:
        raise WrongProblem([Fault("", "too_big", (("most", MEGABYTES),))])
    return checked(_json(text))


def checked(data: object) -> Problem:
    """The problem that JSON data say; raises ``WrongProblem``."""
    try:
        marks = list(_marks(data))
    except RecursionError:
        marks = [Fault("", "too_deep")]
    if marks:
        raise WrongProblem(marks)
    try:
        problem: Problem = adapter(Problem).validate_python(data)
    except ValidationError as wrong:
        raise WrongProblem(_told(wrong)) from None
    if faults := list(_contradictions(problem)):
        raise WrongProblem(faults)
    return problem


@cache
def adapter(kind: type) -> TypeAdapter[Any]:
    """What validates a kind and knows its schema."""
    return TypeAdapter(kind)


def schema(name: str) -> dict[str, Any]:
    """The JSON Schema (2020-12) of "problem" or "plan"."""
    kind = {"problem": Problem, "plan": Plan}[name]
    made = adapter(kind).json_schema(mode="validation" if name == "problem" else "serialization")
    return {"$schema": "https://json-schema.org/draft/2020-12/schema",
            "$id": f"urn:fangkong:allocation:{name}:1", **made}  # fmt: skip


# --- Reading JSON --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Mark:
    """Stands where the text said something that JSON data cannot: it becomes a fault."""

    code: str


class _Object(dict[str, Any]):
    """An object in which words stood twice."""

    twice: tuple[str, ...] = ()


def _json(text: bytes) -> object:
    try:
        plain = text.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise WrongProblem([Fault("", "not_utf8")]) from None
    try:
        return json.loads(
            plain, parse_int=_whole, parse_float=_whole, object_pairs_hook=_object,
            parse_constant=lambda _text: _Mark("not_number"),
        )  # fmt: skip
    except json.JSONDecodeError as wrong:
        facts = (("why", wrong.msg), ("line", wrong.lineno), ("column", wrong.colno))
        raise WrongProblem([Fault("", "not_json", facts)]) from None
    except RecursionError:
        raise WrongProblem([Fault("", "too_deep")]) from None


_SIMPLE = re.compile(r"-?\d{1,30}\Z")


def _whole(text: str) -> object:
    """A whole number, also written as 25.0 or 1e3; a mark for what is none or absurdly large."""
    if _SIMPLE.match(text):
        return int(text)
    value = float(text) if len(text) < 400 else float("inf")
    if abs(value) > 1e15:
        return 10**30 if value > 0 else -(10**30)
    return int(value) if value == int(value) else _Mark("whole")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        seen: set[str] = set()
        marked = _Object(found)
        twice = []
        for key, _value in pairs:
            if key in seen:
                twice.append(key)
            seen.add(key)
        marked.twice = tuple(dict.fromkeys(twice))
        return marked
    return found


def _marks(data: object, place: str = "") -> Iterator[Fault]:
    """The marks in JSON data, and words that stood twice."""
    if isinstance(data, _Mark):
        yield Fault(place, data.code)
    elif isinstance(data, dict):
        if isinstance(data, _Object):
            for key in data.twice:
                yield Fault(f"{place}/{_escaped(key)}", "twice")
        for key, value in data.items():
            if isinstance(value, (dict, list, _Mark)):
                yield from _marks(value, f"{place}/{_escaped(key)}")
    elif isinstance(data, list):
        for n, value in enumerate(data):
            if isinstance(value, (dict, list, _Mark)):
                yield from _marks(value, f"{place}/{n}")


def _escaped(key: object) -> str:
    """A part of a JSON pointer; what no terminal should get is written as its number."""
    plain = str(key)[:200].replace("~", "~0").replace("/", "~1")
    return "".join(sign if sign.isprintable() else f"\\u{ord(sign):04x}" for sign in plain)


# --- What pydantic found -------------------------------------------------------------------------


def _told(wrong: ValidationError) -> list[Fault]:
    """The faults that validation found, each once: a union tells of each of its sides."""
    found: dict[str, Fault] = {}
    for error in wrong.errors(include_url=False, include_input=False):
        parts = [part for part in error["loc"] if not _side(part)]
        place = "".join(f"/{_escaped(part)}" for part in parts if part != "[key]")
        fault = _fault(place, error["type"], error.get("ctx", {}), error["msg"])
        if place not in found or found[place].code in ("list", "other"):
            found[place] = fault
    above = {place[:n] for place in found for n, sign in enumerate(place) if sign == "/"}
    return [fault for place, fault in found.items() if place not in above]


def _side(part: object) -> bool:
    """Whether a part of a place names a side of a union instead of a place in the JSON."""
    return isinstance(part, str) and part.startswith(("constrained-", "tuple["))


_CODES = {
    "int_type": "whole", "int_from_float": "whole", "int_parsing": "whole",
    "unexpected_keyword_argument": "unknown_key", "extra_forbidden": "unknown_key",
    "missing": "missing", "missing_keyword_only_argument": "missing", "missing_argument": "missing",
    "string_type": "text", "string_unicode": "text",
    "string_too_short": "empty", "too_short": "empty",
    "tuple_type": "list", "dict_type": "object", "dataclass_type": "object", "day": "day",
}  # fmt: skip


def _fault(place: str, kind: str, about: dict[str, Any], message: str) -> Fault:
    if kind == "greater_than_equal":
        return Fault(place, "least", (("least", str(about["ge"])),))
    if kind == "less_than_equal":
        return Fault(place, "most", (("most", str(about["le"])),))
    if kind == "literal_error":
        return Fault(place, "choice", (("choices", str(about["expected"])),))
    if kind in ("string_too_long", "too_long"):
        return Fault(place, "long", (("most", str(about["max_length"])),))
    if kind in _CODES:
        return Fault(place, _CODES[kind])
    return Fault(place, "other", (("why", message),))


# --- What contradicts itself ---------------------------------------------------------------------


def _contradictions(problem: Problem) -> Iterator[Fault]:
    """What each part alone cannot know."""
    items = {item.id for item in problem.items}
    names = {name for place in problem.places for name in (place.id, *place.groups)}
    owners = {place.owner for place in problem.places}
    vehicles = {vehicle.id for vehicle in problem.vehicles}
    yield from _same_ids("items", (item.id for item in problem.items))
    yield from _same_ids("places", (place.id for place in problem.places))
    yield from _same_ids("vehicles", (vehicle.id for vehicle in problem.vehicles))
    dated = False
    for n, item in enumerate(problem.items):
        here = f"/items/{n}"
        if item.stock is not None and item.lots:
            yield Fault(here, "stock_or_lots")
        if item.stock is None and not item.lots:
            yield Fault(here, "no_stock")
        yield from _same_ids(f"items/{n}/lots", (lot.id for lot in item.lots))
        for m, lot in enumerate(item.lots):
            dated = dated or lot.expires is not None
            yield from _unknown(lot.only_for, names, f"{here}/lots/{m}/only_for")
            if lot.owner is not None and lot.owner not in owners:
                yield Fault(f"{here}/lots/{m}/owner", "unknown_owner")
    for n, one in enumerate(problem.substitutions):
        yield from _substitution(one, items, names, f"/substitutions/{n}")
    lines = 0
    for n, place in enumerate(problem.places):
        here = f"/places/{n}"
        if place.vehicle is not None and place.vehicle not in vehicles:
            yield Fault(f"{here}/vehicle", "unknown_vehicle")
        for word in ("request", "monthly_consumption", "need", "stock"):
            for key in getattr(place, word):
                if key not in items:
                    yield Fault(f"{here}/{word}/{_escaped(key)}", "unknown_item")
        for m, coming in enumerate(place.incoming):
            dated = True
            if coming.item not in items:
                yield Fault(f"{here}/incoming/{m}/item", "unknown_item")
        known = place.need.keys() | place.monthly_consumption.keys()
        if problem.mode == "by_need":
            lines += len(known)
            for key in place.request.keys() - known if place.request else ():
                if key in items:
                    yield Fault(f"{here}/request/{_escaped(key)}", "no_need")
        elif problem.mode == "by_request":
            lines += len(place.request)
        else:
            lines += len(place.request.keys() | place.monthly_consumption.keys())
    if dated and problem.first_day is None:
        yield Fault("/first_day", "first_day")
    if not lines:
        yield Fault("/places", "no_lines")
    days = 1
    if problem.mode == "by_need":
        days = problem.days + max(place.lead_days for place in problem.places)
    if lines > MOST_CELLS or lines * days > MOST_CELL_DAYS:
        facts = (("found", lines * days), ("most", MOST_CELL_DAYS))
        yield Fault("/places", "too_many", facts)


def _same_ids(word: str, ids: Iterable[str]) -> Iterator[Fault]:
    seen: set[str] = set()
    for n, one in enumerate(ids):
        if one in seen:
            yield Fault(f"/{word}/{n}/id", "same_id")
        seen.add(one)


def _unknown(some: tuple[str, ...] | None, names: set[str], here: str) -> Iterator[Fault]:
    for n, name in enumerate(some or ()):
        if name not in names:
            yield Fault(f"{here}/{n}", "unknown_place")


def _substitution(
    one: Substitution, items: set[str], names: set[str], here: str
) -> Iterator[Fault]:
    if one.item not in items:
        yield Fault(f"{here}/item", "unknown_item")
    if one.by not in items:
        yield Fault(f"{here}/by", "unknown_item")
    if one.item == one.by:
        yield Fault(f"{here}/by", "itself")
    yield from _unknown(one.only_for, names, f"{here}/only_for")
    yield from _unknown(one.not_for, names, f"{here}/not_for")
