"""Everything that is held of one person, gathered from every room without asking each.

The tables are found by their keys: whatever leads to the register of persons, straight or through
other tables, is about a person. A table that leads there in another way says so (``About``), and an
architecture test fails where one with personal data does neither.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date, datetime
from functools import cache
from typing import Any, cast

from django.apps import apps
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext as _

from fangkong.core.audit import queries as audit
from fangkong.core.audit import tables
from fangkong.core.audit.types import place_words, words
from fangkong.core.pages.export import plain
from fangkong.core.privacy import About
from fangkong.core.purposes import types as purposes
from fangkong.core.sealing.fields import BlindIndexField

from .types import Access, Deed, Dossier, Entry, Section, words_of

Model = type[models.Model]
_STAMPS = frozenset({"created_at", "changed_at"})


@cache
def ways() -> dict[Model, tuple[str, ...]]:
    """For each table that leads to a person: the lookups from its rows to the person's key."""
    known: dict[Model, tuple[str, ...]] = {m: ("pk",) for m in _ours() if _is_person(m)}
    todo = [model for model in _ours() if model not in known]
    while True:
        found = {model: paths for model in todo if (paths := _paths(model, known))}
        if not found:
            return known
        known |= found
        todo = [model for model in todo if model not in found]


def _ours() -> list[Model]:
    return [model for model in apps.get_models() if model.__module__.startswith("fangkong.")]


def _is_person(model: Model) -> bool:
    return bool(getattr(model, "is_person", False))


def _paths(model: Model, known: dict[Model, tuple[str, ...]]) -> tuple[str, ...]:
    """Through the keys of this table into the tables known already."""
    keys = [
        field
        for field in model._meta.concrete_fields
        if isinstance(field, models.ForeignKey) and field.related_model in known
    ]
    return tuple(
        field.name if path == "pk" else f"{field.name}__{path}"
        for field in keys
        for path in known[field.related_model]
    )


def about(model: Model) -> About | None:
    """What a table says of itself that leads to no person by keys, or that only repeats another."""
    found = vars(model).get("about")
    return found if isinstance(found, About) else None


def is_index(model: Model) -> bool:
    """Whether a table only repeats another one's words, for searching."""
    one = about(model)
    return bool(one and one.repeats)


def gathered() -> dict[Model, str]:
    """How each table with rows about persons is gathered, in a word, for the register's page."""
    said = {model: ", ".join(paths) for model, paths in ways().items() if not is_index(model)}
    for model in _ours():
        one = about(model)
        if one and not one.nobody and not one.repeats:
            said[model] = one.key or "+".join(one.record or ())
    return said


def rows_about(person: models.Model) -> Iterator[tuple[Model, list[models.Model]]]:
    """Each table with its rows about a person, also about those entered twice and merged.

    With search indexes, which hold the person too although no copy shows them.
    """
    persons = _records_of(person)
    keys = [one.pk for one in persons]
    yield type(person), persons
    named: dict[str, list[Any]] = {person._meta.label_lower: [_public(one) for one in persons]}
    for model, paths in ways().items():
        if _is_person(model):
            continue
        about_them = Q()
        for path in paths:
            about_them |= Q(**{f"{path}__in": keys})
        if rows := list(model._base_manager.filter(about_them).order_by("pk")):
            named.setdefault(model._meta.label_lower, []).extend(_public(row) for row in rows)
            yield model, rows
    yield from _named(named)


def _records_of(person: models.Model) -> list[models.Model]:
    """The person's record and those that were joined to it."""
    both = Q(pk=person.pk) | Q(merged_into=person.pk)
    return list(type(person)._base_manager.filter(both).order_by("pk"))


def _named(named: dict[str, list[Any]]) -> Iterator[tuple[Model, list[models.Model]]]:
    """Rows that name a person, or a record about one, by public id; and what names those."""
    said = [
        (model, one)
        for model in _ours()
        if (one := about(model)) and not one.nobody and not one.repeats
    ]
    persons = {model._meta.label_lower for model in ways() if _is_person(model)}
    # A file belongs to a task that belongs to a case: two rounds, the second finds what is new.
    seen: dict[Model, dict[int, models.Model]] = {}
    for _round in range(2):
        for model, one in said:
            fits = Q(pk__in=[])
            if one.key:
                ids = [key for label in persons for key in named.get(label, []) if key]
                fits |= Q(**{f"{one.key}__in": ids})
            if one.record:
                kind, key = one.record
                for label, ids in named.items():
                    fits |= Q(**{kind: label, f"{key}__in": [one for one in ids if one]})
            rows = list(model._base_manager.filter(fits).order_by("pk"))
            fresh = [row for row in rows if row.pk not in seen.get(model, {})]
            seen.setdefault(model, {}).update({row.pk: row for row in fresh})
            named.setdefault(model._meta.label_lower, []).extend(_public(row) for row in fresh)
    yield from ((model, list(rows.values())) for model, rows in seen.items() if rows)


def _public(row: models.Model) -> Any:
    return getattr(row, "public_id", None)


def dossier(person: models.Model, at: datetime) -> Dossier:
    """All of it in words. The caller has a request of the person, and notes who gets it."""
    sections, files = [], []
    records: list[models.Model] = []
    for model, rows in rows_about(person):
        if is_index(model):
            continue
        shown = tuple(entries for row in rows if (entries := tuple(_entries(row))))
        if shown:
            title = purposes.called(model)
            sections.append(Section(model._meta.label, title, shown))
        records += rows
        if hasattr(model, "stored_as"):
            files += [(cast(Any, row).name, str(cast(Any, row).path)) for row in rows]
    return Dossier(
        at=at,
        sections=tuple(sections),
        accesses=tuple(_accesses(person)),
        deeds=tuple(_deeds(records)),
        files=tuple(files),
    )


def accesses(person: models.Model) -> list[Access]:
    """Who saw a person's record and to whom it went, oldest first (the access report)."""
    return list(_accesses(person))


def _accesses(person: models.Model) -> Iterator[Access]:
    sights = [sight for one in _records_of(person) for sight in audit.sights_of(one)]
    for sight in sorted(sights, key=lambda sight: (sight.at, sight.pk)):
        yield Access(
            at=sight.at,
            who=f"{sight.by.display_name} ({sight.by.get_username()})",
            way=str(sight.get_how_display()),
            place=str(place_words(sight.place)),
            reason=sight.reason,
        )


def _deeds(records: list[models.Model]) -> Iterator[Deed]:
    for line in audit.lines_of(records):
        who = line.by.display_name if line.by is not None else _("the system")
        yield Deed(at=line.at, who=str(who), what=str(words(line.action)))


def _entries(row: models.Model) -> Iterator[Entry]:
    said = words_of(row._meta.label)
    for field in row._meta.concrete_fields:
        if not _told(field):
            continue
        value = said(row, field.name) if said else None
        text = _text(row, field) if value is None else value
        if text:
            yield Entry(field.name, str(field.verbose_name), text)


def _told(field: models.Field[Any, Any]) -> bool:
    """Not keys of the database, digests and ciphers; not who of the staff wrote the row."""
    if field.primary_key or isinstance(field, (BlindIndexField, models.BinaryField)):
        return False
    if isinstance(field, models.ForeignKey):
        to = field.related_model
        # Of rows in other tables only places say something to the person.
        place = to not in ways() and to._meta.label != "accounts.User"
        return place and hasattr(to, "display_name")
    return not tables.holds_secret(field.name) and field.name not in _STAMPS


def _text(row: models.Model, field: models.Field[Any, Any]) -> str:
    value = getattr(row, field.name)
    if field.choices:
        return str(getattr(row, f"get_{field.name}_display")())
    if isinstance(value, bool):
        return str(_("yes") if value else _("no"))
    if isinstance(value, models.Model):
        return str(cast(Any, value).display_name)
    if isinstance(value, (dict, list)):
        return json.dumps(value, ensure_ascii=False, sort_keys=True) if value else ""
    return plain(value) if isinstance(value, (date, datetime)) or value is not None else ""
