"""Persons who are screened together, in a time when the rules allow it."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from fangkong.people.models import Person
from fangkong.people.tests import factories as people
from fangkong.surveillance.testing import actions, pools
from fangkong.surveillance.testing.models import Pool, Specimen
from fangkong.surveillance.testing.types import PoolFacts

from .factories import World, facts, found

LATER = datetime(2022, 2, 5, 10, tzinfo=ZoneInfo("Asia/Shanghai"))  # 20 in one are allowed


def kind(**changes: str) -> PoolFacts:
    values = {
        "condition": "covid-19",
        "rule": "five-in-one",
        "group": "mass-screening",
        "specimen_type": "oropharyngeal-swab",
    }
    return PoolFacts(**{**values, **changes})


def opened(world: World, at: datetime = LATER, number: str = "", **changes: str) -> Pool:
    return pools.open_pool(
        facts=kind(**changes),
        facility=world.hospital,
        laboratory=world.bench,
        number=number,
        by=world.clinician,
        at=at,
    )


def persons(world: World, count: int) -> list[Person]:
    return [
        people.person(world.daofu, documents=[people.resident_id("513326", order=100 + n)])
        for n in range(count)
    ]


def filled(
    world: World, at: datetime = LATER, count: int = 3, **changes: str
) -> tuple[Pool, list[Specimen]]:
    pool = opened(world, at, **changes)
    inside = [
        pools.add_to_pool(pool=pool, person=one, by=world.clinician, at=at)
        for one in persons(world, count)
    ]
    pool.refresh_from_db()
    return pool, inside


def at_the_bench(world: World, at: datetime = LATER, count: int = 3) -> tuple[Pool, list[Specimen]]:
    pool, inside = filled(world, at, count)
    pool = pools.close_pool(pool=pool, by=world.clinician, at=at)
    pool = pools.ship_pool(pool=pool, by=world.clinician, at=at)
    pool = pools.receive_pool(pool=pool, by=world.technician, at=at)
    return pool, inside


def told(world: World, pool: Pool, outcome: str, at: datetime = LATER, **changes: object):
    return pools.enter_pool_result(
        pool=pool, facts=found(outcome, **changes), by=world.technician, at=at
    )


def asked_singly(world: World, at: datetime = LATER, **changes: object) -> Specimen:
    return actions.request(
        **{
            "facts": facts(group="mass-screening"),
            "person": world.person,
            "facility": world.hospital,
            "laboratory": world.bench,
            "by": world.clinician,
            **changes,
        },
        at=at,
    )
