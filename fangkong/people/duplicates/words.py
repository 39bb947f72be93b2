"""Pairs and joined records in words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from django.db.models import Model
from django.utils.functional import Promise
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from .. import queries as people
from .. import rules as masks
from ..models import Person
from . import queries, rules
from .models import Merge, Pair

if TYPE_CHECKING:
    from .forms import MergeForm

FIELDS: dict[str, str | Promise] = {
    "name": pgettext_lazy("person", "Name"),
    "sex": _("Sex"),
    "birth_date": _("Birth date"),
    "occupation": _("Occupation"),
    "workplace": _("Workplace or school"),
    "guardian_name": _("Parent or guardian"),
    "ethnicity": _("Ethnic group"),
    "area": _("Area"),
    "address_detail": _("Address below township"),
}
# What agrees, by comparison and level; what says nothing or speaks against it has no words here.
AGREED: dict[tuple[str, str], str | Promise] = {
    ("document", "same"): _("same document number"),
    ("name", "same"): _("same name"),
    ("name", "sound"): _("name of the same sound"),
    ("name", "near"): _("name but for a sign or two"),
    ("name", "initials"): _("same initials"),
    ("born", "same"): _("same birth date"),
    ("born", "swapped"): _("day and month of birth changed about"),
    ("born", "near"): _("birth date but for a digit"),
    ("born", "year"): _("same year of birth"),
    ("phone", "same"): _("same phone"),
    ("place", "town"): _("same township"),
    ("place", "county"): _("same county"),
}
AGAINST: dict[tuple[str, str], str | Promise] = {
    ("document", "other"): _("other document number"),
    ("name", "other"): _("other name"),
    ("born", "other"): _("other birth date"),
    ("sex", "other"): _("other sex"),
}
# Bits from which on a pair is called so.
STRENGTHS: tuple[tuple[int, str, str | Promise], ...] = (
    (14_000, "good", pgettext_lazy("one person", "nearly certain")),
    (9_000, "info", pgettext_lazy("one person", "likely")),
    (-1_000_000, "", pgettext_lazy("one person", "possible")),
)


@dataclass(frozen=True)
class Strength:
    """How likely a pair is one person: a tone for the badge, and words."""

    tone: str
    label: str

    def __str__(self) -> str:
        return self.label


def strength(weight: int) -> Strength:
    """In words, by the weight in thousandths of a bit."""
    tone, label = next((tone, label) for least, tone, label in STRENGTHS if weight >= least)
    return Strength(tone, str(label))


def agreed(levels: Mapping[str, str]) -> list[str]:
    """What agrees of a pair, the strongest first."""
    return [str(label) for key, label in AGREED.items() if levels.get(key[0]) == key[1]]


def against(levels: Mapping[str, str]) -> list[str]:
    """What speaks against one person."""
    return [str(label) for key, label in AGAINST.items() if levels.get(key[0]) == key[1]]


def listed(names: list[str]) -> str:
    """Words one after the other, as the language has it."""
    return _now(", ").join(names)


def agreed_line(pair: Pair) -> str:
    """What agrees, in one line of a list."""
    return listed(agreed(pair.agreed))


def masked(person: Person, field: str, on: date) -> str:
    """What may be shown of one field; a birth date is told by the age."""
    facts = people.masked(person, on)
    if field == "birth_date":
        return facts.age
    if field == "ethnicity":
        return masks.HIDDEN if person.ethnicity else ""
    return str(getattr(facts, field))


@dataclass(frozen=True)
class Line:
    """One field of two records: what each of them shows, and whether they differ unmasked.

    ``chosen``: the record, by public id, from which the field is taken as the form stands.
    """

    field: str
    label: str
    texts: tuple[str, str]
    differs: bool
    chosen: str = ""


def lines(one: Person, other: Person, on: date, form: MergeForm) -> list[Line]:
    """Two records field by field, masked; a difference is found below the masks."""
    unlike = set(form.differing)
    return [
        Line(
            field,
            str(FIELDS[field]),
            (masked(one, field, on), masked(other, field, on)),
            field in unlike,
            form.chosen(f"from_{field}") if field in unlike else "",
        )
        for field in rules.FIELDS
        if queries.says(one, field) or queries.says(other, field)
    ]


@dataclass(frozen=True)
class Side:
    """One of the two records: numbers masked, and how many rows of each table are about it."""

    person: Person
    documents: tuple[tuple[str, str], ...]
    phones: tuple[tuple[str, str], ...]
    rows: list[tuple[str, int]]


def record(person: Person, on: date) -> Side:
    """What stands in a record's own column beside its fields."""
    facts = people.masked(person, on)
    return Side(person, facts.documents, facts.phones, queries.row_counts(person))


def fields(names: list[str]) -> str:
    """Fields in words."""
    return listed([str(FIELDS[name]) for name in names])


def moved(merge: Merge) -> list[tuple[str, int]]:
    """How many rows of each table followed, in words."""
    found: dict[str, int] = {}
    for key, rows in merge.moved.items():
        label = queries.called(key.rpartition(".")[0])
        found[label] = found.get(label, 0) + len(rows)
    return list(found.items())


def counted(merge: Merge) -> dict[str, int]:
    """How many rows of each key followed, by the key."""
    return {key: len(rows) for key, rows in merge.moved.items()}


HIDDEN = frozenset(
    {"kept_before", "kept_after", "gone_before", "moved", "taken", "agreed", "weight"}
)


def in_words(row: Model, field: str) -> str | None:
    """A person's copy tells that records were joined, not how the house keeps what was before."""
    return "" if field in HIDDEN else None
