"""Questions about areas and facilities."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import cast
from uuid import UUID

from django.conf import settings
from django.core.cache import cache
from django.db.models import OuterRef, Q, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce, NullIf
from django.utils.translation import get_language

from fangkong.core import clock
from fangkong.core.editions import queries as editions
from fangkong.core.permissions import Permission, Scope, Scoped
from fangkong.core.shared import shared

from . import kept, rules
from .models import (
    COUNTIES_CACHE,
    Area,
    AreaAlias,
    AreaSuccession,
    Facility,
    Population,
)
from .types import EDIT_FACILITIES, VIEW, Level

COUNTIES_KEPT = 60  # seconds; another process may add an area

# The English word that may follow a short name: Garzê Prefecture, Ganzi County.
_KIND_WORDS = {
    Level.PROVINCE: "Province",
    Level.PREFECTURE: "Prefecture",
    Level.COUNTY: "County",
    Level.TOWNSHIP: "Township",
    Level.VILLAGE: "Village",
}


# --- Areas ---------------------------------------------------------------------------------------


def areas_open_to(user: Scoped, at: datetime, permission: Permission = VIEW) -> QuerySet[Area]:
    """Every area, for all staff: the directory of areas is no secret inside the house.

    ``permission``: for a write that names areas, which a token may hold without ``VIEW``.
    """
    if not user.scope(permission, at):
        return Area.objects.none()
    return Area.objects.select_related("parent", "county")


def name_for(key: OuterRef) -> Subquery:
    """The short name of the area with a key, in words of the page, within another room's query."""
    names = ["short_zh", "name_zh"]
    if (get_language() or "").startswith("en"):
        names = ["short_en", "name_en", *names]
    told = Coalesce(*(NullIf(name, Value("")) for name in names))
    return Subquery(Area.objects.filter(pk=key).values_list(told)[:1])


def in_force(day: date) -> Q:
    """The condition that keeps the areas whose code is in force on a day."""
    return Q(valid_from__lte=day) & (Q(valid_to__isnull=True) | Q(valid_to__gte=day))


def area(code: str, on: date) -> Area | None:
    """The area that a code means on a day, also by a former or a later code.

    None where the code was never given, or where it means several areas (after a split).
    """
    if not (code.isascii() and code.isprintable()):  # no code, and no text for PostgreSQL
        return None
    found = Area.objects.filter(in_force(on), code=code).first()
    if found is not None:
        return found
    spans, links = _spans()
    targets = rules.current(code, on, spans, links)
    return Area.objects.get(pk=targets[0].key) if len(targets) == 1 else None


def current_code(code: str, on: date) -> str:
    """The code in force on a day for what ``code`` names (513321 → 513301); "" where none is."""
    found = area(code, on)
    return found.code if found else ""


def children(parent: Area, on: date) -> QuerySet[Area]:
    """The areas directly below one on a day, by code."""
    return parent.children.filter(in_force(on)).order_by("code")


def ancestors(below: Area) -> list[Area]:
    """What an area lies in, the largest first."""
    keys = [int(key) for key in (below.path or "").split("/")[:-2]]
    return list(Area.objects.filter(pk__in=keys).order_by("path"))


def areas() -> Mapping[int, Area]:
    """Every area ever, each with its county, by key; from memory."""
    return kept.areas()


def lineage(one: Area, on: date, every: Mapping[int, Area]) -> dict[str, int]:
    """The key at each level of an area and what it lies in, as far as in force on a day.

    For ``rules.distances``; ``every``: all ``areas``, so that no database is asked.
    """
    above = (every.get(int(key)) for key in (one.path or "").split("/")[:-1])
    return {found.level: found.pk for found in above if found is not None and found.valid_on(on)}


def home(on: date) -> Area | None:
    """The area that the deployment serves (``FANGKONG_AREA``)."""
    return area(settings.FANGKONG_AREA, on)


def area_of(pk: int) -> Area | None:
    """An area with its county from memory; None where the request has not learnt (by
    ``core.editions``) whether what is kept is current."""
    return kept.areas().get(pk) if editions.is_noted(kept.NAME) else None


def codes() -> Mapping[int, str]:
    """The code of each area by its key, from memory: for lists, which then join no areas."""
    return kept.codes()


def county_codes() -> frozenset[str]:
    """The codes of all counties ever, former ones too, from memory: what a list is narrowed by."""
    return kept.county_codes()


def facility_ids() -> Mapping[int, UUID]:
    """The public id of each facility by its key, from memory."""
    return kept.facility_ids()


def counties_of_home(on: date) -> list[Area]:
    """The counties of the home area on a day, by code.

    From memory where the request knows that nothing has changed; else kept for a minute in the
    cache.
    """
    if editions.is_noted(kept.NAME):
        key = ("counties", settings.FANGKONG_AREA, on)
        counties = editions.kept(kept.NAME, key, lambda: shared(_counties_of(home(on))))
        return [county for county in counties if county.valid_on(on)]
    return _counties_by_cache(on)


def _counties_by_cache(on: date) -> list[Area]:
    found = cache.get(COUNTIES_CACHE)
    if found is None or found[0] != settings.FANGKONG_AREA:
        found = (settings.FANGKONG_AREA, _counties_of(home(on)))
        cache.set(COUNTIES_CACHE, found, COUNTIES_KEPT)
    return [county for county in found[1] if county.valid_on(on)]


def _counties_of(whole: Area | None) -> list[Area]:
    if whole is None:
        return []
    if whole.level == Level.COUNTY:
        return [whole]
    return list(whole.descendants().filter(level=Level.COUNTY).order_by("code"))


def named_like(rows: QuerySet[Area], text: str) -> QuerySet[Area]:
    """The areas whose names, other names or code hold a text, by path."""
    return (
        rows.filter(
            Q(name_zh__icontains=text)
            | Q(name_en__icontains=text)
            | Q(name_bo__icontains=text)
            | Q(code__startswith=text)
            | Q(aliases__text__icontains=text)
        )
        .distinct()
        .order_by("path")
    )


def succession_of(one: Area) -> tuple[list[AreaSuccession], list[AreaSuccession]]:
    """What an area was before and what it became, each with the areas, oldest first."""
    before = one.precessions.select_related("before").order_by("on", "pk")
    after = one.successions.select_related("after").order_by("on", "pk")
    return list(before), list(after)


def _spans() -> tuple[list[rules.Span], list[tuple[int, int]]]:
    """The whole dated code list with its links; a few thousand rows at most, read when needed."""
    rows = Area.objects.values_list("pk", "code", "valid_from", "valid_to")
    links = AreaSuccession.objects.values_list("before_id", "after_id")
    return [rules.Span(*row) for row in rows], list(links)


# --- Names ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Match:
    """The area that a written address names, what of the text follows it, or who it could be."""

    area: Area | None
    rest: str = ""
    candidates: tuple[Area, ...] = ()


@dataclass(frozen=True)
class Matcher:
    """The names of a day, loaded once; ``match`` asks no database. For imports of many rows."""

    areas: Mapping[int, Area]
    gazetteer: rules.Gazetteer

    def match(self, text: str) -> Match:
        """The area that a written address or name means, or who it could be."""
        found = self.gazetteer.match(text)
        return Match(
            area=None if found.key is None else self.areas[found.key],
            rest=found.rest,
            candidates=tuple(self.areas[key] for key in found.candidates),
        )


def matcher(on: date) -> Matcher:
    """Every name of a day with its area. Names of former areas lead to their successors.

    Kept in memory until a place changes: reading some thousand names takes long.
    """
    return editions.kept(kept.NAME, ("matcher", on), lambda: _matcher(on))


def _matcher(on: date) -> Matcher:
    areas = kept.areas()
    aliases: dict[int, list[str]] = {}
    for area_id, text in AreaAlias.objects.values_list("area_id", "text"):
        aliases.setdefault(area_id, []).append(text)
    spans, links = _spans()
    names = []
    for key, one in areas.items():
        targets = [key]
        if not one.valid_on(on):
            targets = [span.key for span in rules.current(one.code, on, spans, links)]
        for text in _names_of(one, aliases.get(key, [])):
            names += [rules.Name(text, target, areas[target].path or "") for target in targets]
    return Matcher(areas, rules.Gazetteer(names))


def match(text: str, on: date) -> Match:
    """The area that one written address or name means on a day. For many, see ``matcher``."""
    return matcher(on).match(text)


def _names_of(one: Area, aliases: Iterable[str]) -> list[str]:
    short = [
        one.short_en,
        *(text for text in aliases if text.isascii() or text[0].isascii()),
    ]
    word = _KIND_WORDS.get(cast(Level, one.level))
    full = [f"{text} {word}" for text in short if text and word]
    own = [one.name_zh, one.short_zh, one.name_en, one.short_en, one.name_bo]
    return [text for text in [*own, *aliases, *full] if text]


# --- People --------------------------------------------------------------------------------------


def population(of: Area, on: date) -> Population | None:
    """The figure to reckon with for an area on a day: see ``rules.known_count``."""
    return populations([of], on).get(of.pk)


def populations(of: Iterable[Area], on: date) -> dict[int, Population]:
    """The figures to reckon with on a day, by the area's key; areas without any are left out."""
    by_area: dict[int, dict[rules.Count, Population]] = {}
    for row in Population.objects.filter(area__in=[a.pk for a in of]):
        by_area.setdefault(row.area_id, {})[rules.Count(row.year, row.count, row.kind)] = row
    known = {key: rules.known_count(rows, on) for key, rows in by_area.items()}
    return {key: by_area[key][count] for key, count in known.items() if count is not None}


# --- Facilities ----------------------------------------------------------------------------------


def facilities_open_to(
    user: Scoped, at: datetime, permission: Permission | None = None
) -> QuerySet[Facility]:
    """The facilities of the home area, for all staff, and those elsewhere in the user's scope.

    ``permission``: for a write that names facilities. A token that holds it without ``VIEW`` names
    those in its scope.
    """
    scope = user.scope(VIEW, at)
    rows = Facility.objects.select_related("area__county")
    if not scope:
        return rows.none() if permission is None else facilities_of(user.scope(permission, at))
    if scope.everywhere:
        return rows
    within = scope.q(county="area__county_id", area="area_id", facility="pk")
    whole = home(clock.day_of(at))
    if whole is not None:
        lowest, beyond = rules.below(whole.path or "")
        within |= Q(area__path__gte=lowest, area__path__lt=beyond)
    return rows.filter(within)


def facilities_of(scope: Scope) -> QuerySet[Facility]:
    """The facilities of a scope, whatever else its user sees: for a program that may do one thing
    for its own place and read nothing.
    """
    within = scope.q(county="area__county_id", area="area_id", facility="pk")
    return Facility.objects.select_related("area__county").filter(within)


def facility_open_to(
    user: Scoped, at: datetime, public_id: UUID, permission: Permission
) -> Facility | None:
    """The facility of a public id where the user holds a permission, from memory.

    For a machine that names the same few facilities all day.
    """
    facility = kept.facilities().get(public_id)
    return facility if facility is not None and may(user, permission, facility, at) else None


def facility(pk: int) -> Facility:
    """A facility by its key, for who has been let to what belongs to it."""
    return Facility.objects.select_related("area__county").get(pk=pk)


def facilities_by_key(keys: Collection[int]) -> dict[int, Facility]:
    """Facilities by key, in one statement: which they are is no secret."""
    return Facility.objects.in_bulk(sorted(keys))


def facilities_in(county_id: int, kinds: Collection[str]) -> list[Facility]:
    """The facilities of some kinds in a county, by name: which they are is no secret."""
    rows = Facility.objects.filter(area__county_id=county_id, kind__in=kinds)
    return list(rows.select_related("area__county").order_by("name_zh", "pk"))


def facilities_in_counties(county_ids: Collection[int], kinds: Collection[str]) -> list[Facility]:
    """The same of many counties, county by county."""
    rows = Facility.objects.filter(area__county_id__in=list(county_ids), kind__in=kinds)
    rows = rows.select_related("area__county")
    return list(rows.order_by("area__county__code", "name_zh", "pk"))


def facilities_to_edit(user: Scoped, at: datetime) -> QuerySet[Facility]:
    """The facilities that the user may change."""
    scope = user.scope(EDIT_FACILITIES, at)
    within = scope.q(county="area__county_id", area="area_id", facility="pk")
    return Facility.objects.select_related("area__county").filter(within)


def areas_to_build_in(user: Scoped, at: datetime) -> QuerySet[Area]:
    """The areas of today in which the user may add facilities, by path, from prefecture down."""
    scope = user.scope(EDIT_FACILITIES, at)
    rows = Area.objects.filter(in_force(clock.day_of(at)))
    rows = rows.exclude(level__in=[Level.COUNTRY, Level.PROVINCE])
    return rows.filter(scope.q(county="county_id", area="pk")).order_by("path")


def with_area(rows: QuerySet[Area], also: Area) -> QuerySet[Area]:
    """The rows and one more area, by path."""
    return (rows | Area.objects.filter(pk=also.pk)).order_by("path")


def may(user: Scoped, permission: Permission, facility: Facility, at: datetime) -> bool:
    """Whether a permission of the user reaches a facility."""
    return user.scope(permission, at).holds(
        county_id=facility.area.county_id,
        area_id=facility.area_id,
        facility_id=facility.pk,
    )
