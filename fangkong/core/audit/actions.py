"""Write to the audit trail. Each action does so once, in its own transaction."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import islice
from typing import TYPE_CHECKING, Any, cast

from django.db import connection, models, transaction
from django.utils.translation import gettext_lazy as _

from fangkong.core import bulk, clock, messages
from fangkong.core.free_text import refuse_numbers
from fangkong.core.refusals import Refused
from fangkong.core.request_id import request_id
from fangkong.core.spelling import shown

from . import context
from .models import AuditLine, Finding, Review, Sight
from .queries import WEEK, persons_of
from .types import How, Result

if TYPE_CHECKING:
    from uuid import UUID

    from django.contrib.auth.models import AbstractBaseUser

Plain = str | int | float | bool | None
Detail = Mapping[str, object]
CHUNK = 1000


@dataclass(frozen=True)
class Ids:
    """Persons by key, as a list that leaves the house has them: ``Ids(Person, rows.values_list…)``.

    ``model`` may be the name of the table of persons: "people.person".
    """

    model: type[models.Model] | str
    ids: Iterable[int]


def record(
    action: str,
    subject: models.Model,
    *,
    by: AbstractBaseUser | None,
    at: datetime,
    reason: str = "",
    detail: Detail | None = None,
) -> AuditLine:
    """Add the one line of an action: room.part.verb, done to ``subject``.

    ``detail`` holds plain values that help a reader: old and new states, amounts, codes. Never
    personal data: name only the fields that changed (see ``changes``). NumberInText for a reason
    that holds the number of a person.
    """
    line = new_line(action, subject, by=by, at=at, reason=reason, detail=detail)
    line.save(force_insert=True)
    return line


def new_line(
    action: str,
    subject: models.Model,
    *,
    by: AbstractBaseUser | None,
    at: datetime,
    reason: str = "",
    detail: Detail | None = None,
) -> AuditLine:
    """The line of ``record``, not yet written; see ``record_at_end``."""
    refuse_numbers(reason=reason)
    return AuditLine(
        action=action,
        subject_type=subject._meta.label_lower,
        subject_id=subject.pk,
        subject_public_id=getattr(subject, "public_id", None),
        by_id=None if by is None else by.pk,
        at=at,
        reason=reason,
        detail=dict(detail or {}),
        area_key=_area_of(subject),
        **_whence(),
    )


def record_at_end(*lines: AuditLine) -> None:
    """Write lines with the last message of the command at hand, or at once where there is none.

    In the command's transaction all the same: a line stands or falls with what it tells of.
    """
    if not lines:
        return
    parts = [messages.insert(line) for line in lines]
    rows = ", ".join(part.sql.partition(" VALUES ")[2] for part in parts)
    head = parts[0].sql.partition(" VALUES ")[0]
    values = [value for part in parts for value in part.values]
    messages.at_end(messages.Statement(f"{head} VALUES {rows}", values, "lines"))


def refused(asked: UUID | None, *, by: AbstractBaseUser, at: datetime, detail: Detail) -> AuditLine:
    """Add the line of an attempt that was refused; ``asked`` is the public id in the address."""
    return AuditLine.objects.create(
        action="core.audit.refuse",
        subject_type="",
        subject_id=0,
        subject_public_id=asked,
        by_id=by.pk,
        at=at,
        detail=dict(detail),
        result=Result.REFUSED,
        **_whence(),
    )


def _whence() -> dict[str, Any]:
    """What the request at hand says of every line; asks no database."""
    return {
        "request_id": request_id.get(),
        "ip": context.ip(),
        "token_id": context.token_id(),
    }


def _area_of(subject: models.Model) -> int | None:
    """The area or county of a record, or of what it was read together with; asks no database."""
    for one in (subject, *subject._state.fields_cache.values()):
        held = getattr(one, "__dict__", {})
        if key := held.get("area_id") or held.get("county_id"):
            return cast(int, key)
    return None


def seen(
    who: models.Model | Iterable[models.Model] | Ids,
    *,
    by: AbstractBaseUser,
    at: datetime,
    how: How | str,
    place: str = "",
    reason: str = "",
) -> int:
    """Note that ``by`` saw these persons' records; returns how many rows were written.

    ``who``: a person; a record that has a key to a person (a case, a stay), or several such; or
    ``Ids``. Records without a person leave nothing. Call it before anything is shown. ``place`` is
    the page or list, as room.part.view; the reason must hold no personal data.
    """
    shared = {"by_id": by.pk, "how": str(How(how)), "place": place, "reason": reason, **_whence()}
    found = iter(_subjects(who))
    first = list(islice(found, CHUNK))
    if len({kind for kind, _key in first}) <= 1 and len(first) < CHUNK:
        # A page of a list: one statement, which is a transaction of its own.
        return _note_sights(first, at, shared)
    with transaction.atomic(savepoint=False):  # a statement each: nothing is caught in between
        count = _note_sights(first, at, shared)
        while chunk := list(islice(found, CHUNK)):
            count += _note_sights(chunk, at, shared)
    return count


def _note_sights(seen: list[tuple[str, int]], at: datetime, shared: Mapping[str, Any]) -> int:
    """One statement for each table of persons; the keys go over as one value.

    Fifty model instances and their four hundred values took longer than the page they stand for.
    """
    moment = connection.ops.adapt_datetimefield_value(at)
    keys: dict[str, list[int]] = {}
    for kind, key in seen:
        keys.setdefault(kind, []).append(key)
    mark, source, pack = _KEYS[connection.vendor]
    for kind, ids in keys.items():
        messages.send(
            messages.Statement(
                f"INSERT INTO {Sight._meta.db_table}"  # our own names, values bound
                f" (at, subject_type, {', '.join(shared)}, subject_id)"
                f" SELECT {mark.format('timestamptz')}, {mark.format('text')},"
                f" {', '.join(mark.format(_KINDS.get(name, 'text')) for name in shared)}, {source}",
                [moment, kind, *shared.values(), pack(ids)],
                "sights",
            )
        )
    return len(seen)


# How a value is marked, how the keys are read out of their one value, and how they are packed.
_KEYS: dict[str, tuple[str, str, Callable[[list[int]], Any]]] = {
    "sqlite": ("%s", "value FROM json_each(%s)", json.dumps),
    "postgresql": ("%s::{}", "key FROM unnest(%s::bigint[]) key", list),
}
_KINDS = {"by_id": "bigint", "token_id": "bigint"}


def _subjects(who: models.Model | Iterable[models.Model] | Ids) -> Iterator[tuple[str, int]]:
    """Table and key of each person, each once."""
    if isinstance(who, Ids):
        kind = who.model if isinstance(who.model, str) else who.model._meta.label_lower
        pairs: Iterable[tuple[str, int]] = ((kind.lower(), key) for key in who.ids if key)
    else:
        records = [who] if isinstance(who, models.Model) else who
        pairs = (pair for record in records for pair in persons_of(record))
    return iter(cast("dict[tuple[str, int], None]", dict.fromkeys(pairs)))


def record_rows(
    action: str,
    model: type[models.Model],
    keys: Sequence[int],
    *,
    public_ids: Sequence[UUID | str],
    area_keys: Sequence[int | None],
    by: AbstractBaseUser | None,
    at: datetime,
    detail: Detail | None = None,
) -> None:
    """``record`` for each of many rows of one kind, written in one go by an import."""
    bulk.insert_columns(
        AuditLine,
        len(keys),
        {
            "action": action,
            "by_id": None if by is None else by.pk,
            "at": at,
            "detail": dict(detail or {}),
            "area_key": list(area_keys),
            **_whence(),
            "subject_type": model._meta.label_lower,
            "subject_id": list(keys),
            "subject_public_id": list(public_ids),
        },
    )


def changes(
    record: models.Model, new: Mapping[str, object], *, personal: frozenset[str] | None = None
) -> dict[str, list[Plain] | str]:
    """What an edit changes, ready for ``detail``: ``{field: [old, new]}``.

    Fields that the model declares personal (or that ``personal`` names) show only that they
    changed. Call it before the new values are set.
    """
    hidden = frozenset(getattr(record, "pii", {})) if personal is None else personal
    found: dict[str, list[Plain] | str] = {}
    for field, value in new.items():
        old = getattr(record, field)
        if old != value:
            found[field] = "changed" if field in hidden else [_plain(old), _plain(value)]
    return found


def _plain(value: object) -> Plain:
    if value is None or isinstance(value, (str, int, float, bool)):
        return value
    if isinstance(value, (date, datetime)):
        return value.isoformat()
    return str(value.pk) if isinstance(value, models.Model) else str(value)


class NoteMissing(Refused):
    """A finding or a week is signed off only with a word of what was found out."""

    field = "note"


@transaction.atomic
def settle(*, finding: Finding, note: str, by: AbstractBaseUser, at: datetime) -> Finding:
    """Sign a finding off: somebody has looked into it."""
    finding = Finding.objects.select_for_update().get(pk=finding.pk)
    if finding.settled_at is not None:
        raise AlreadySettled(_("Somebody has signed this off already. Reload the page."))
    if finding.by_id == by.pk:
        raise OwnFinding(_("This is about yourself. Another auditor signs it off."))
    finding.note = _noted(note)
    finding.settled_at, finding.settled_by_id = at, by.pk
    finding.save()
    record("core.audit.settle", finding, by=by, at=at)
    return finding


class AlreadySettled(Refused):
    """Two auditors at the same finding: the first one's note stands."""


class OwnFinding(Refused):
    """Nobody looks into what stands out of themselves."""


class NotOver(Refused):
    """What is still to come cannot have been looked through."""


@transaction.atomic
def sign_off(*, week: date, note: str, by: AbstractBaseUser, at: datetime) -> Review:
    """Sign the trail of a week off (``week`` is its Monday), when it is over."""
    if clock.day_of(at) < week + WEEK:
        raise NotOver(_("This week is not over yet. Sign it off from Monday on."))
    if Review.objects.filter(week=week).exists():
        raise AlreadySettled(_("Somebody has signed this off already. Reload the page."))
    review = Review.objects.create(week=week, note=_noted(note), by_id=by.pk, at=at)
    record("core.audit.sign_off", review, by=by, at=at, detail={"week": week.isoformat()})
    return review


def _noted(note: str) -> str:
    text = shown(note)
    if not 4 <= len(text) <= 400:
        raise NoteMissing(_("Write in 4 to 400 characters what you found out."))
    return text


@transaction.atomic
def report_findings(
    *, day: date, found: Iterable[tuple[str, int, Detail]], by: None, at: datetime
) -> int:
    """Keep what the detector found for a day: (kind, viewer's id, facts). Once a day and viewer."""
    before = Finding.objects.count()
    for kind, viewer_id, facts in found:
        finding, is_new = Finding.objects.get_or_create(
            day=day,
            kind=kind,
            by_id=viewer_id,
            defaults={"facts": dict(facts), "found_at": at},
        )
        if is_new:
            record("core.audit.find", finding, by=by, at=at, detail={"kind": kind})
    return Finding.objects.count() - before
