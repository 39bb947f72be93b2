"""What other rooms may use of places: the permissions, and the words for levels and kinds."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.db import models
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from fangkong.core import permissions
from fangkong.core.audit.types import name_verbs
from fangkong.core.roles import Role

VIEW = permissions.declare("places.view", _("See areas and facilities"), roles=list(Role))
EDIT_FACILITIES = permissions.declare(
    "places.edit_facilities",
    _("Add and edit facilities"),
    roles=[Role.ADMINISTRATOR, Role.HEADQUARTERS, Role.COUNTY_CDC],
)


IMPORT = permissions.declare(
    "places.import",
    _("Import areas and facilities from files"),
    roles=[Role.ADMINISTRATOR, Role.HEADQUARTERS],
)


class Level(models.TextChoices):
    """Levels of the administrative division (行政区划), down to the grid cell (网格)."""

    COUNTRY = "country", _("Country")
    PROVINCE = "province", _("Province")
    PREFECTURE = "prefecture", _("Prefecture")
    COUNTY = "county", _("County")
    TOWNSHIP = "township", _("Township")
    VILLAGE = "village", _("Village")
    GRID = "grid", _("Grid cell")


class AliasKind(models.TextChoices):
    OLD_NAME = "old_name", _("Former name")
    SHORT = "short", _("Short name")
    ROMANISATION = "romanisation", _("Romanisation")
    OTHER = "other", _("Other name")


class CountKind(models.TextChoices):
    """How a population figure came about."""

    CENSUS = "census", _("Census")
    ESTIMATE = "estimate", _("Estimate")


class FacilityKind(models.TextChoices):
    PREFECTURE_CDC = "prefecture_cdc", _("Prefecture CDC")
    COUNTY_CDC = "county_cdc", _("County CDC")
    HOSPITAL = "hospital", _("Hospital")
    TIBETAN_HOSPITAL = "tibetan_hospital", _("Hospital of Tibetan or Chinese medicine")
    MATERNAL_CHILD = "maternal_child", _("Maternal and child health centre")
    HEALTH_CENTRE = "health_centre", _("Township health centre")
    ISOLATION_SITE = "isolation_site", _("Isolation site")
    LABORATORY = "laboratory", _("Laboratory")
    EMERGENCY_STORE = "emergency_store", _("Emergency store")
    SCHOOL = "school", _("School")
    CHECKPOINT = "checkpoint", _("Checkpoint")
    HEADQUARTERS = "headquarters", _("Headquarters")


@dataclass(frozen=True)
class AreaFacts:
    """What is said of an area, ready to be written; ``code`` and ``valid_from`` say which."""

    code: str
    level: str
    name_zh: str
    valid_from: date
    valid_to: date | None = None
    parent_id: int | None = None
    name_en: str = ""
    name_bo: str = ""
    short_zh: str = ""
    short_en: str = ""
    lon: Decimal | None = None
    lat: Decimal | None = None
    area_km2: int | None = None
    synthetic: bool = False
    source_zh: str = ""
    source_en: str = ""


@dataclass(frozen=True)
class FacilityFacts:
    """What is said of a facility, cleaned, ready to be written."""

    name_zh: str
    kind: str
    area_id: int
    name_en: str = ""
    capacity_beds: int | None = None
    org_code: str = ""
    lon: Decimal | None = None
    lat: Decimal | None = None
    opened_on: date | None = None
    closed_on: date | None = None
    synthetic: bool = False
    source_zh: str = ""
    source_en: str = ""


class Request(HttpRequest):
    """A request behind ``@allowed``. Accounts stand above places, so the user stays general."""

    user: Any
    now: datetime


name_verbs(
    {
        "places.add_area": _("Area added"),
        "places.change_area": _("Area changed"),
        "places.add_alias": _("Other name added"),
        "places.put_population": _("Population figure recorded"),
        "places.link_succession": _("Succession recorded"),
        "places.add_facility": _("Facility added"),
        "places.change_facility": _("Facility changed"),
        "places.add_contact": _("Contact added"),
        "places.remove_contact": _("Contact removed"),
    }
)
