"""A sweep over two cells of Daofu, with somebody who goes from door to door in the first."""

from __future__ import annotations

from datetime import date, datetime

from fangkong.accounts.tests.factories import staff
from fangkong.core.roles import Role
from fangkong.places.models import Area
from fangkong.places.tests.factories import area
from fangkong.surveillance.screening.tests import factories as screening
from fangkong.surveillance.screening.tests.factories import AT, DAY, HOUR
from fangkong.surveillance.sweeps import actions
from fangkong.surveillance.sweeps.models import DoorVisit, Household
from fangkong.surveillance.sweeps.types import DoorFacts, IllFacts

__all__ = ["AT", "DAY", "HOUR", "World", "at_door", "homes", "ill"]


class World(screening.World):
    def __init__(self) -> None:
        super().__init__()
        self.cell = Area.objects.get(code="513326-G01")
        said = {"level": "grid", "name_zh": "鲜水镇第二网格", "short_en": "Xianshui grid 2"}
        self.second = area("513326-G02", self.town, **said)
        self.walker = staff(Role.FIELD_WORKER, area=self.cell)
        self.sweep = actions.begin(
            title="春节返乡人员排查",
            cells=[self.cell, self.second],
            first_date=date(2020, 2, 4),
            last_date=date(2020, 2, 10),
            by=self.daofu_cdc,
            at=AT,
        )


def homes(world: World, count: int = 3, cell: Area | None = None) -> list[Household]:
    """Doors of a cell, the first one and on."""
    where = cell or world.cell
    lines = "\n".join(f"团结路{n}号" for n in range(1, count + 1))
    actions.add_households(cell=where, doors=lines, by=world.walker, at=AT)
    return list(Household.objects.filter(cell=where).order_by("pk"))


def at_door(
    world: World, home: Household, outcome: str = "registered", *, at: datetime = AT, **more: object
) -> DoorVisit:
    said = {"outcome": outcome, **({"residents": 3} if outcome == "registered" else {}), **more}
    facts = DoorFacts(**said)
    return actions.visit(sweep=world.sweep, household=home, facts=facts, by=world.walker, at=at)


def ill(**changes: object) -> IllFacts:
    return IllFacts(
        **{"name": "罗布次仁", "symptoms": ("fever",), "phone": "13988880002", **changes}
    )
