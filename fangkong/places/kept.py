"""The places, kept in memory as long as nobody changes one (``core.editions``).

Shared by all requests of a process: whoever writes to one of these records is told so
(``core.shared``).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TypeVar
from uuid import UUID

from fangkong.core.editions import queries as editions
from fangkong.core.shared import shared

from .models import Area, Facility
from .types import Level

NAME = "places"

T = TypeVar("T")


def areas() -> Mapping[int, Area]:
    """Every area ever, each with its county, by key and in the order of the keys."""
    return editions.kept(NAME, "areas", _areas)


def facilities() -> Mapping[UUID, Facility]:
    """Every facility with its area, by public id."""
    return editions.kept(NAME, "facilities", _facilities)


class Told(dict[int, T]):
    """What a list says of places instead of their keys; one made just now is asked for."""

    def __init__(self, known: dict[int, T], ask: Callable[[int], T]) -> None:
        super().__init__(known)
        self.ask = ask

    def __missing__(self, key: int) -> T:
        return self.ask(key)


def codes() -> Told[str]:
    """The code of every area ever, by key."""
    return editions.kept(NAME, "codes", _codes)


def county_codes() -> frozenset[str]:
    """The code of every county ever."""
    return editions.kept(NAME, "county codes", _county_codes)


def facility_ids() -> Told[UUID]:
    """The public id of every facility, by key."""
    return editions.kept(NAME, "facility ids", _facility_ids)


def _codes() -> Told[str]:
    known = {key: area.code for key, area in areas().items()}
    return Told(known, lambda key: Area.objects.values_list("code", flat=True).get(pk=key))


def _county_codes() -> frozenset[str]:
    return frozenset(area.code for area in areas().values() if area.level == Level.COUNTY)


def _facility_ids() -> Told[UUID]:
    rows = Facility.objects.values_list("public_id", flat=True)
    known = {facility.pk: public_id for public_id, facility in facilities().items()}
    return Told(known, lambda key: rows.get(pk=key))


def _areas() -> Mapping[int, Area]:
    found = {area.pk: area for area in Area.objects.order_by("pk")}
    for area in found.values():
        if area.county_id is not None and area.county_id in found:
            area.county = found[area.county_id]
    shared(found.values())
    return MappingProxyType(found)


def _facilities() -> Mapping[UUID, Facility]:
    every = areas()
    found = {}
    for facility in Facility.objects.order_by("pk"):
        if facility.area_id in every:  # unless both were made since the areas were read
            facility.area = every[facility.area_id]
            found[facility.public_id] = facility
    shared(found.values())
    return MappingProxyType(found)
