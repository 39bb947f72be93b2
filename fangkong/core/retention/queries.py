"""What is due to be destroyed, by the class that each model declares."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.apps import apps
from django.db import models
from django.db.models import Q, QuerySet
from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from fangkong.core import clock
from fangkong.core.audit import queries as audit
from fangkong.core.privacy import PSEUDONYM, Personal, Retention
from fangkong.core.purposes import types as purposes

Hold = Callable[[list[int], datetime], Iterable[int]]
_holds: dict[str, list[Hold]] = {}
BATCH = 500


def hold(label: str) -> Callable[[Hold], Hold]:
    """A room above says which rows must still be kept: ``@hold("people.Person")``.

    The function takes ids and the moment, and gives back those that are still needed.
    """

    def register(call: Hold) -> Hold:
        if call not in _holds.setdefault(label, []):
            _holds[label].append(call)
        return call

    return register


def held(model: type[models.Model], ids: list[int], at: datetime) -> set[int]:
    """Those of the rows that a room above still needs."""
    return {pk for call in _holds.get(model._meta.label, []) for pk in call(ids, at)}


@dataclass(frozen=True)
class Duty:
    """A law obliges us to keep something of a person until a day, whatever the person asks.

    ``clause`` is a clause of the rule pack in force; ``keeps`` names the fields by table.
    """

    until: date
    clause: str
    keeps: Mapping[str, frozenset[str]]


OfLaw = Callable[[list[int], datetime], Mapping[int, Duty]]
_duties: dict[str, list[OfLaw]] = {}


def duty(label: str) -> Callable[[OfLaw], OfLaw]:
    """A room above says what a law keeps: ``duty("people.Person")(call)``, in its ``apps.py``.

    The function takes ids and the moment. Unlike a hold, which is the house's own term, a duty
    stands against the person's wish to be erased.
    """

    def register(call: OfLaw) -> OfLaw:
        if call not in _duties.setdefault(label, []):
            _duties[label].append(call)
        return call

    return register


def duties(model: type[models.Model], pk: int, at: datetime) -> list[Duty]:
    """What laws keep of one row's person, the longest first."""
    found = [call([pk], at).get(pk) for call in _duties.get(model._meta.label, [])]
    return sorted((one for one in found if one), key=lambda one: one.until, reverse=True)


def personal(model: type[models.Model]) -> dict[str, Personal]:
    """The personal fields that are destroyed one day, in words of the model."""
    pii: dict[str, Personal] = vars(model).get("pii", {})
    return {name: one for name, one in pii.items() if one.destroy != "keep"}


def classes() -> Iterator[tuple[type[models.Model], Retention]]:
    """Every model with a term, and its class."""
    for model in apps.get_models():
        found = vars(model).get("retention")
        if isinstance(found, Retention):
            yield model, found


def empty_value(field: Any) -> object:
    """What a field holds when nothing is known."""
    return None if field.null else field.get_default()


def full(model: type[models.Model], kept: Collection[str] = ()) -> Q:
    """The rows in which something is left to destroy, beside the fields that are kept."""
    left = Q()
    for name, one in personal(model).items():
        if name in kept:
            continue
        field = model._meta.get_field(name)
        if one.destroy == "pseudonymise":
            left |= ~Q(**{f"{name}__startswith": PSEUDONYM}) & ~Q(**{name: ""})
        elif field.null:
            left |= Q(**{f"{name}__isnull": False})
        else:
            left |= ~Q(**{name: empty_value(field)})
    return left


def past(model: type[models.Model], term: Retention, at: datetime) -> QuerySet[models.Model]:
    """The rows whose term is over and that are not emptied, without regard to holds."""
    rows: QuerySet[models.Model] = model._base_manager.filter(full(model))
    if term.along:
        parent = model._meta.get_field(term.along).related_model
        assert parent is not None and not isinstance(parent, str)
        names = [n for n, one in personal(parent).items() if one.destroy == "pseudonymise"]
        gone = Q(**{f"{term.along}__{names[0]}__startswith": PSEUDONYM})
        return rows.filter(gone)
    return rows.filter(**{f"{term.since}__lt": at - timedelta(days=term.days)})


def due(model: type[models.Model], term: Retention, at: datetime) -> Iterator[list[int]]:
    """Ids of rows to be emptied now, in batches."""
    last, rows = 0, past(model, term, at).order_by("pk")
    while ids := list(rows.filter(pk__gt=last).values_list("pk", flat=True)[:BATCH]):
        last = ids[-1]
        kept = held(model, ids, at)
        if now := [pk for pk in ids if pk not in kept]:
            yield now


# From which moment a term runs; a test finds one without words.
_MOMENTS = {
    "changed_at": _("the last change"),
    "created_at": _("the entry"),
    "at": _("signing in"),
    "closed_at": _("closing the account"),
    "valid_to": _("the end of the access"),
}


def in_words(model: type[models.Model], term: Retention) -> str:
    """How long a table's personal fields are kept, as people read it."""
    if term.days:
        moment = _MOMENTS[term.since]
        return gettext("%(days)d days after %(moment)s") % {"days": term.days, "moment": moment}
    # A room that destroys by itself says in its ground how long that is.
    return str(_("with the person") if term.along else term.ground)


@dataclass(frozen=True)
class Standing:
    """One class as it stands: how many rows are due, and on what ground.

    ``next_on`` is the day on which the next row's term ends, were nothing to hold it; ``destroyed``
    and ``last_at`` are what the trail tells of rows emptied before.
    """

    label: str
    name: str
    kept: str
    ground: str | Promise
    rows_due: int
    next_on: date | None = None
    destroyed: int = 0
    last_at: datetime | None = None


def standing(at: datetime) -> list[Standing]:
    """What the nightly run would destroy now, by class: a dry run that changes nothing."""
    done = _destroyed()
    found = []
    for model, term in classes():
        n = 0 if term.by_room else sum(map(len, due(model, term, at)))
        rows, last = done.get(model._meta.label, (0, None))
        found.append(
            Standing(
                model._meta.label,
                purposes.called(model),
                in_words(model, term),
                "" if term.by_room else term.ground,
                n,
                _next(model, term, at),
                rows,
                last,
            )
        )
    return found


def _next(model: type[models.Model], term: Retention, at: datetime) -> date | None:
    """When the term of the next row ends that is not over yet."""
    if not term.since:
        return None
    open_rows = model._base_manager.filter(full(model)).filter(
        **{f"{term.since}__gte": at - timedelta(days=term.days)}
    )
    oldest = open_rows.aggregate(first=models.Min(term.since))["first"]
    return None if oldest is None else clock.day_of(oldest + timedelta(days=term.days))


def _destroyed() -> dict[str, tuple[int, datetime]]:
    """How many rows of each table were emptied so far, and when last, as the trail tells."""
    found: dict[str, tuple[int, datetime]] = {}
    for line in audit.lines_about("core.retention.destroy"):
        label = str(line.detail.get("model", ""))
        rows, _last = found.get(label, (0, line.at))
        found[label] = (rows + int(line.detail.get("rows", 0)), line.at)
    return found
