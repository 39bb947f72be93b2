"""The sweep of the demonstration: a township, cells and doors that are all made up."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from fangkong.core import clock
from fangkong.places import actions as places
from fangkong.places.types import AreaFacts, Level
from fangkong.surveillance.sweeps import actions as sweeps
from fangkong.surveillance.sweeps import queries
from fangkong.surveillance.sweeps.types import DoorFacts, IllFacts

from . import history, invented

if TYPE_CHECKING:
    from fangkong.accounts.models import User
    from fangkong.places.models import Area
    from fangkong.surveillance.models import Sweep

DAY = timedelta(days=1)
CELLS, DOORS = 4, 12
OPENED = "演示用，虚构", "Made up for the demonstration"


def swept(county: Area, staff: Mapping[str, User], at: datetime) -> int:
    """Cells with doors, most of them visited on two days; gives how many doors.

    The last cell has no door on file yet: it is not covered, and says so.
    """
    today = clock.day_of(at)
    cells = [_cell(county, n, at) for n in range(1, CELLS + 1)]
    sweep = sweeps.begin(
        title="返乡人员入户排查（演示）",
        cells=cells,
        first_date=today - DAY,
        last_date=today + 5 * DAY,
        synthetic=True,
        by=staff["daofu"],
        at=at - DAY,
    )
    count = 0
    for n, cell in enumerate(cells[:-1]):
        lines = "\n".join(f"演示路{n + 1}段{door}号（虚构）" for door in range(1, DOORS + 1))
        count += sweeps.add_households(
            cell=cell, doors=lines, synthetic=True, by=staff["daofu"], at=at - DAY
        )
        _walk(sweep, cell, n, staff["daofu"], at)
    return count


def _cell(county: Area, n: int, at: datetime) -> Area:
    return places.put_area(
        facts=AreaFacts(
            code=f"{county.code}-D{n:02d}",
            level=Level.GRID.value,
            name_zh=f"演示第{n}网格",
            name_en=f"Demonstration cell {n}",
            parent_id=county.pk,
            valid_from=clock.day_of(at) - 30 * DAY,
            synthetic=True,
            source_zh=OPENED[0],
            source_en=OPENED[1],
        ),
        by=None,
        at=at - DAY,
    )


def _walk(sweep: Sweep, cell: Area, n: int, by: User, at: datetime) -> None:
    """The first cell is done, the second half, the third begun."""
    homes = [one.household for one in queries.doors(sweep, cell, by, at)]
    for place, home in enumerate(homes[: (DOORS, 7, 3)[n]]):
        random = invented.chance("door", n, place)
        outcome = "registered" if place % 5 or not n else "absent"
        people = random.randint(1, 6) if outcome == "registered" else None
        facts = DoorFacts(outcome=outcome, residents=people)
        moment = at - DAY if place % 2 else at
        sweeps.visit(sweep=sweep, household=home, facts=facts, by=by, at=moment)
        if (n, place) == (1, 2):
            name = invented.name(random, invented.FEMALE, history.table("names"), tibetan=1)
            ill = IllFacts(name=name, symptoms=("fever", "cough"), temperature=379)
            sweeps.find_ill(
                sweep=sweep, household=home, facts=ill, synthetic=True, by=by, at=moment
            )
