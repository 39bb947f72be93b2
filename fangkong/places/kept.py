"""The places, kept in memory as long as nobody changes one (``core.editions``).

Shared by all requests of a process: nobody changes these records.
"""

from __future__ import annotations

from uuid import UUID

from fangkong.core.editions import queries as editions

from .models import Area, Facility

NAME = "places"


def areas() -> dict[int, Area]:
    """Every area ever, each with its county, by key and in the order of the keys."""
    return editions.kept(NAME, "areas", _areas)


def facilities() -> dict[UUID, Facility]:
    """Every facility with its area, by public id."""
    return editions.kept(NAME, "facilities", _facilities)


def _areas() -> dict[int, Area]:
    found = {area.pk: area for area in Area.objects.order_by("pk")}
    for area in found.values():
        if area.county_id is not None and area.county_id in found:
            area.county = found[area.county_id]
    return found


def _facilities() -> dict[UUID, Facility]:
    every = areas()
    found = {}
    for facility in Facility.objects.order_by("pk"):
        if facility.area_id in every:  # unless both were made since the areas were read
            facility.area = every[facility.area_id]
            found[facility.public_id] = facility
    return found
