"""Small worlds for tests: the areas around Daofu, and staff who may or may not."""

from __future__ import annotations

from dataclasses import asdict, replace
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.contrib.auth import get_user_model
from django.core.cache import cache

from fangkong.core.audit import actions as audit
from fangkong.core.audit.models import AuditLine
from fangkong.core.permissions import Permission, Scope
from fangkong.core.record import stamps
from fangkong.places import actions
from fangkong.places.models import COUNTIES_CACHE, Area, Facility
from fangkong.places.rules import step
from fangkong.places.types import AreaFacts, FacilityFacts, Level

AT = datetime(2020, 2, 5, 10, tzinfo=ZoneInfo("Asia/Shanghai"))
DAY = AT.date()
NAMES = {
    "000000": ("country", "中国", "中国", "China"),
    "510000": ("province", "四川省", "四川", "Sichuan"),
    "513200": ("prefecture", "阿坝藏族羌族自治州", "阿坝", "Aba"),
    "513300": ("prefecture", "甘孜藏族自治州", "甘孜", "Ganzi"),
    "513221": ("county", "汶川县", "汶川", "Wenchuan"),
    "513301": ("county", "康定市", "康定", "Kangding"),
    "513326": ("county", "道孚县", "道孚", "Daofu"),
    "513328": ("county", "甘孜县", "甘孜", "Ganzi"),
    "513326100": ("township", "鲜水镇", "鲜水", "Xianshui"),
    "513326-G01": ("grid", "鲜水镇第一网格", "一网格", "Xianshui grid 1"),
}


# What lies in what, from China down to a grid cell in Daofu, with a neighbour prefecture.
WORLD = {
    "000000": "",
    "510000": "000000",
    "513200": "510000",
    "513300": "510000",
    "513221": "513200",
    "513301": "513300",
    "513326": "513300",
    "513328": "513300",
    "513326100": "513326",
    "513326-G01": "513326100",
}


def area(code: str, parent: Area | None = None, **facts: Any) -> Area:
    """An area by its code, in force since 1981."""
    said = _facts(code, **facts)
    return actions.put_area(facts=replace(said, parent_id=parent and parent.pk), by=None, at=AT)


def _facts(code: str, **facts: Any) -> AreaFacts:
    level, zh, short, en = NAMES.get(code, ("county", f"{code}县", code, code))
    said = {"level": level, "name_zh": zh, "short_zh": short, "short_en": en, **facts}
    first = date(2015, 1, 1) if code == "513301" else date(1981, 1, 1)
    return AreaFacts(code=code, **{"valid_from": first, **said})


def world() -> dict[str, Area]:
    """The areas of ``WORLD`` by code, as ``area`` makes them one by one, lines of the trail too.

    Most tests begin with these, so all rows are written at once: three statements instead of
    seventy.
    """
    made = {code: Area(**stamps(None, AT), **asdict(_facts(code))) for code in WORLD}
    Area.objects.bulk_create(made.values())
    for code, above in WORLD.items():
        new, parent = made[code], made.get(above)
        new.parent = parent
        new.path = (parent.path or "" if parent else "") + step(new.pk)
        new.county = new if new.level == Level.COUNTY else parent and parent.county
    Area.objects.bulk_update(made.values(), ["parent", "path", "county"])
    cache.delete(COUNTIES_CACHE)
    AuditLine.objects.bulk_create(
        audit.new_line(
            "places.add_area", new, by=None, at=AT, detail={"code": new.code, "level": new.level}
        )
        for new in made.values()
    )
    return made


def facility(where: Area, name: str = "道孚县人民医院", **facts: Any) -> Facility:
    said = {"name_zh": name, "kind": "hospital", **facts}
    return actions.add_facility(facts=FacilityFacts(area_id=where.pk, **said), by=None, at=AT)


class Staff:
    """Answers for a user in tests of queries: one scope for every permission."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope

    def scope(self, permission: Permission, at: datetime) -> Scope:
        return self._scope


def member(role: str, where: Area | None = None, at: Facility | None = None) -> Any:
    """A member of staff with one appointment. Accounts stand above places, so no import."""
    user = get_user_model().objects.create(
        username=f"{role}-{where.code if where else at}", name="王医生", created_at=AT
    )
    user.appointments.create(
        **stamps(None, AT), role=role, area=where, facility=at, valid_from=date(2019, 1, 1)
    )
    return user
