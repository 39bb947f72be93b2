"""A problem of sharing out and the plan that answers it, as JSON has them.

Quantities are whole pieces of the item's smallest unit. Days are days of the calendar;
``first_day`` is the day on which the first vehicle leaves. The JSON Schemas are made from these
types.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import Annotated, ClassVar, Literal

from pydantic import BeforeValidator, ConfigDict, Field, StrictStr
from pydantic_core import PydanticCustomError

MOST = 10**10  # pieces, millilitres …; ten times the masks that England used in a year
MOST_DAYS = 90
MOST_PLACES, MOST_ITEMS, MOST_CELLS = 20_000, 5_000, 1_000_000
MOST_CELL_DAYS = 30_000_000

Mode = Literal["by_need", "by_request", "by_consumption"]
Bound = Literal[
    "met", "enough", "share", "no_stock", "earmark", "expiry", "vehicle", "higher", "pack",
    "no_consumption", "substitute",
]  # fmt: skip


def _day(value: object) -> date:
    if type(value) is date:
        return value
    if isinstance(value, str) and len(value) == 10:
        try:
            return date.fromisoformat(value)
        except ValueError:
            pass
    raise PydanticCustomError("day", "not a day")


Name = Annotated[StrictStr, Field(min_length=1, max_length=200)]
Pieces = Annotated[int, Field(strict=True, ge=0, le=MOST)]
Positive = Annotated[int, Field(strict=True, ge=1, le=MOST)]
Day = Annotated[date, BeforeValidator(_day)]
Names = Annotated[tuple[Name, ...], Field(min_length=1)]
CLOSED = ConfigDict(extra="forbid")


@dataclass(frozen=True, slots=True, kw_only=True)
class Lot:
    """Goods of one item with one expiry. Restrictions are hard.

    ``expires``: the last day on which they may be used. ``only_for``: ids of places, or groups of
    places, that alone may have them (定向捐赠). ``owner``: whose they are; only places of that
    owner may have them. Without either they are for everybody.
    """

    __pydantic_config__: ClassVar[ConfigDict] = CLOSED

    id: Name
    quantity: Pieces
    expires: Day | None = None
    only_for: Names | None = None
    owner: Name | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """What is shared out: either ``stock`` or ``lots``.

    ``keep_back``: pieces that stay in the store, out of what is for everybody, latest expiry first.
    ``pack``: pieces of a pack; only whole packs are sent.
    """

    __pydantic_config__: ClassVar[ConfigDict] = CLOSED

    id: Name
    stock: Pieces | None = None
    lots: Annotated[tuple[Lot, ...], Field(max_length=10_000)] = ()
    keep_back: Pieces = 0
    pack: Positive = 1
    pack_volume_cm3: Pieces = 0
    pack_weight_g: Pieces = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Substitution:
    """``by`` may stand in for ``item``, not the other way round.

    ``pieces`` of it stand in for ``replaces`` pieces of the item. ``up_to_exposure``: not for
    places of a higher class. ``only_for`` and ``not_for``: places or groups.
    """

    __pydantic_config__: ClassVar[ConfigDict] = CLOSED

    item: Name
    by: Name
    pieces: Annotated[int, Field(strict=True, ge=1, le=1000)] = 1
    replaces: Annotated[int, Field(strict=True, ge=1, le=1000)] = 1
    up_to_exposure: Annotated[int, Field(strict=True, ge=1, le=9)] = 9
    only_for: Names | None = None
    not_for: Names | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Vehicle:
    """What can be driven on each day to all the places that name this vehicle, together."""

    __pydantic_config__: ClassVar[ConfigDict] = CLOSED

    id: Name
    trips_per_day: Annotated[int, Field(strict=True, ge=0, le=1000)] = 1
    volume_cm3: Positive | None = None  # of one trip
    weight_g: Positive | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Incoming:
    """What comes to a place by another way; it counts from the morning of that day."""

    __pydantic_config__: ClassVar[ConfigDict] = CLOSED

    item: Name
    quantity: Pieces
    on: Day


Need = Pieces | Annotated[tuple[Pieces, ...], Field(min_length=1, max_length=200)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Who may get something. Staff of several exposure classes are places of their own.

    ``exposure``: class 1 to 9, the highest is served first. ``risk``: a place of risk 2 is brought
    to twice the days of cover of one of risk 1. ``lead_days``: from loading to use.
    ``floor_days``: days of cover that come before everything else. ``need``: pieces a day, or one
    number for each day from the first on (the last one goes on). Without it a thirtieth of
    ``monthly_consumption`` is the daily need. ``stock``: what the place has on the first morning.
    """

    __pydantic_config__: ClassVar[ConfigDict] = CLOSED

    id: Name
    groups: tuple[Name, ...] = ()
    owner: Name | None = None
    exposure: Annotated[int, Field(strict=True, ge=1, le=9)] = 1
    risk: Annotated[int, Field(strict=True, ge=1, le=1000)] = 1
    lead_days: Annotated[int, Field(strict=True, ge=0, le=60)] = 0
    floor_days: Annotated[int, Field(strict=True, ge=0, le=MOST_DAYS)] = 0
    vehicle: Name | None = None
    request: dict[Name, Pieces] = field(default_factory=dict)
    monthly_consumption: dict[Name, Pieces] = field(default_factory=dict)
    need: dict[Name, Need] = field(default_factory=dict)
    stock: dict[Name, Pieces] = field(default_factory=dict)
    incoming: tuple[Incoming, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """What is to be shared out, among whom, and how."""

    __pydantic_config__: ClassVar[ConfigDict] = CLOSED

    items: Annotated[tuple[Item, ...], Field(min_length=1, max_length=MOST_ITEMS)]
    places: Annotated[tuple[Place, ...], Field(min_length=1, max_length=MOST_PLACES)]
    mode: Mode = "by_need"
    first_day: Day | None = None
    days: Annotated[int, Field(strict=True, ge=1, le=MOST_DAYS)] = 14
    substitutions: Annotated[tuple[Substitution, ...], Field(max_length=10_000)] = ()
    vehicles: Annotated[tuple[Vehicle, ...], Field(max_length=MOST_PLACES)] = ()


@dataclass(frozen=True, slots=True)
class FromLot:
    """Pieces of one lot. ``day``: how many days after the first one they leave."""

    lot: str
    quantity: int
    day: int


@dataclass(frozen=True, slots=True)
class Share:
    """One line: what a place gets of an item, and why.

    ``wanted``: what it needs of the store (by need, in whole packs) or asked for, in pieces.
    ``instead_of``: the item that this one stands in for; ``wanted`` is 0 then. ``cover_before``
    and ``cover_after``: days of cover from the arrival on, by need. ``bound_by``: what kept it
    from more; ``facts``: the numbers in the reason.
    """

    place: str
    item: str
    quantity: int
    reason: str
    bound_by: Bound
    wanted: int
    instead_of: str | None
    cover_before: float | None
    cover_after: float | None
    lots: tuple[FromLot, ...]
    facts: dict[str, str | int | float]


@dataclass(frozen=True, slots=True)
class ItemSum:
    """What became of an item. ``usable``: of ``stock``, without lots that are past their day."""

    item: str
    stock: int
    usable: int
    kept_back: int
    sent: int
    left: int
    reason: str


@dataclass(frozen=True, slots=True)
class Plan:
    """The answer: lines in the order of place and item, then what is left of each item."""

    mode: Mode
    days: int
    first_day: date | None
    shares: tuple[Share, ...]
    items: tuple[ItemSum, ...]
    worst_cover: float | None
    version: Literal[1] = 1
