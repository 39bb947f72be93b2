"""Two checkpoints, at the edge of Kangding and of Daofu, and people who come from Hubei."""

from __future__ import annotations

from datetime import datetime

from fangkong.accounts.tests.factories import staff
from fangkong.core.roles import Role
from fangkong.places.tests.factories import facility
from fangkong.surveillance.arrivals import actions
from fangkong.surveillance.arrivals.models import Arrival
from fangkong.surveillance.arrivals.types import ArrivalFacts, CheckpointFacts
from fangkong.surveillance.screening.tests import factories as screening
from fangkong.surveillance.screening.tests.factories import AT, DAY, HOUR, somebody

__all__ = ["AT", "DAY", "HOUR", "World", "answers", "facts", "registered", "somebody"]


class World(screening.World):
    """At Kangding and Daofu stands a checkpoint each, with somebody who works there."""

    def __init__(self) -> None:
        super().__init__()
        east = facility(self.kangding, "康定东检查点", kind="checkpoint")
        west = facility(self.daofu, "道孚检查点", kind="checkpoint")
        duty = CheckpointFacts(road="G318", duties=("register", "temperature"))
        self.gate = actions.set_up(facility=east, facts=duty, by=self.kangding_cdc, at=AT)
        self.own_gate = actions.set_up(facility=west, facts=duty, by=self.daofu_cdc, at=AT)
        self.guard = staff(Role.FIELD_WORKER, facility=east)
        self.own_guard = staff(Role.FIELD_WORKER, facility=west)


def answers(**changes: str) -> dict[str, str]:
    """Who comes from Wuhan to the town of Daofu, and left on the first of February."""
    said = {
        "full-name": "王小山",
        "mobile": "13988880001",
        "staying-at": "道孚县鲜水镇团结社区2号",
        "came-from": "湖北省武汉市",
        "left-on": "2020-02-01",
        "symptoms": "no",
    }
    return {**said, **{name.replace("_", "-"): text for name, text in changes.items()}}


def facts(said: dict[str, str] | None = None, **changes: object) -> ArrivalFacts:
    told = answers() if said is None else said
    values: dict[str, object] = {"answers": told, "shown": tuple(told)}
    return ArrivalFacts(**{**values, **changes})


def registered(
    world: World, said: dict[str, str] | None = None, *, at: datetime = AT, **changes: object
) -> Arrival:
    given: dict[str, object] = {"facts": facts(said), "checkpoint": world.gate, "by": world.guard}
    return actions.register(**{**given, **changes}, at=at)
