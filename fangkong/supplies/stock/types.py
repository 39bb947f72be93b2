"""What others may use of the stock: permissions, units, kinds of places and entries, facts."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from fangkong.core import permissions
from fangkong.core.audit.types import name_places, name_verbs
from fangkong.core.files import types as files
from fangkong.core.roles import Role
from fangkong.places.types import FacilityKind
from fangkong.tasks import types as tasks

if TYPE_CHECKING:
    from .models import CountLine, Item, ItemCode, Lot, TransferLine

VIEW = permissions.declare(
    "supplies.stock.view",
    _("See the stock and its ledger"),
    roles=[
        Role.HEADQUARTERS,
        Role.COUNTY_CDC,
        Role.HOSPITAL,
        Role.WARD_STAFF,
        Role.STORE_KEEPER,
        Role.INSPECTOR,
        Role.AUDITOR,
    ],
)
KEEP = permissions.declare(
    "supplies.stock.keep",
    _("Book goods in and out, and take back what was booked wrongly"),
    roles=[Role.STORE_KEEPER, Role.COUNTY_CDC, Role.HOSPITAL],
)
HOLD = permissions.declare(
    "supplies.stock.hold",
    _("Hold a lot back, recall it, or let it go again"),
    roles=[Role.STORE_KEEPER, Role.HEADQUARTERS],
)
APPROVE = permissions.declare(
    "supplies.stock.approve",
    _("Approve a stocktake that somebody else counted"),
    roles=[Role.HEADQUARTERS, Role.COUNTY_CDC, Role.HOSPITAL, Role.STORE_KEEPER],
)
PROOF = files.declare(
    files.Use("supplies.stock.arrival", permission=KEEP, kinds=(*files.PHOTOS, *files.DOCUMENTS))
)
PAPERS = files.declare(
    files.Use("supplies.stock.papers", permission=KEEP, kinds=(*files.PHOTOS, *files.DOCUMENTS))
)
CATALOGUE = permissions.declare(
    "supplies.stock.catalogue",
    _("Change the catalogue of supplies"),
    roles=[Role.HEADQUARTERS, Role.ADMINISTRATOR],
    whole=True,
)


_CLINICAL = frozenset(
    {
        FacilityKind.HOSPITAL.value,
        FacilityKind.TIBETAN_HOSPITAL.value,
        FacilityKind.MATERNAL_CHILD.value,
        FacilityKind.HEALTH_CENTRE.value,
    }
)


def keeper_of(kind: str) -> Role:
    """Who is asked about the goods of a facility of this kind; each holds ``KEEP``."""
    if kind in _CLINICAL:
        return Role.HOSPITAL
    return Role.COUNTY_CDC if kind == FacilityKind.COUNTY_CDC else Role.STORE_KEEPER


# Where the reserve lies: an emergency store, or the store of the prefecture's CDC. What a hospital,
# an isolation site or a county's CDC keeps for itself is none of it.
OF_THE_RESERVE = frozenset({FacilityKind.EMERGENCY_STORE.value, FacilityKind.PREFECTURE_CDC.value})


class Unit(models.TextChoices):
    """The smallest unit of an item, in which everything is counted (最小单位)."""

    PIECE = "piece", pgettext_lazy("unit", "pcs")
    SET = "set", pgettext_lazy("unit", "sets")
    PAIR = "pair", pgettext_lazy("unit", "pairs")
    BOTTLE = "bottle", pgettext_lazy("unit", "bottles")
    BOX = "box", pgettext_lazy("unit", "boxes")
    TABLET = "tablet", pgettext_lazy("unit", "tablets")
    TEST = "test", pgettext_lazy("unit", "tests")
    MACHINE = "machine", pgettext_lazy("unit", "machines")
    VEHICLE = "vehicle", pgettext_lazy("unit", "vehicles")
    ML = "ml", pgettext_lazy("unit", "mL")
    GRAM = "g", pgettext_lazy("unit", "g")


class ItemClass(models.TextChoices):
    """What an item is for (物资类别)."""

    PROTECTION = "protection", _("Protective equipment")
    DISINFECTION = "disinfection", _("Disinfection")
    TESTING = "testing", _("Testing and sampling")
    EQUIPMENT = "equipment", _("Equipment and vehicles")
    MEDICINE = "medicine", _("Medicines")
    OTHER = "other", pgettext_lazy("class of supplies", "Other")


class PlaceKind(models.TextChoices):
    """Where goods can be. The first three are held; the others stand outside."""

    STORE = "store", pgettext_lazy("place of stock", "Store")
    WARD = "ward", pgettext_lazy("place of stock", "Ward or team")
    TRANSIT = "transit", pgettext_lazy("place of stock", "On the way")
    SOURCE = "source", pgettext_lazy("place of stock", "From outside")
    USED = "used", pgettext_lazy("place of stock", "Used up")
    LOST = "lost", pgettext_lazy("place of stock", "Lost or destroyed")
    FOUND = "found", pgettext_lazy("place of stock", "Found when counted")


LONGEST = timedelta(days=60)  # of a way; more is a slip
HELD = frozenset({PlaceKind.STORE.value, PlaceKind.WARD.value, PlaceKind.TRANSIT.value})
OUTSIDE = frozenset(PlaceKind.values) - HELD


class EntryKind(models.TextChoices):
    """What an entry of the ledger is (单据)."""

    RECEIPT = "receipt", pgettext_lazy("entry of the ledger", "Receipt")
    ISSUE = "issue", pgettext_lazy("entry of the ledger", "Issue for use")
    MOVE = "move", pgettext_lazy("entry of the ledger", "Move to another place")
    LOSS = "loss", pgettext_lazy("entry of the ledger", "Loss")
    RELEASE = "release", pgettext_lazy("entry of the ledger", "Emergency release")
    DISPATCH = "dispatch", pgettext_lazy("entry of the ledger", "Sent to another store")
    ARRIVAL = "arrival", pgettext_lazy("entry of the ledger", "Arrived from another store")
    RETURN = "return", pgettext_lazy("entry of the ledger", "Came back from the way")
    COUNT = "count", pgettext_lazy("entry of the ledger", "Stocktake")
    REVERSAL = "reversal", pgettext_lazy("entry of the ledger", "Reversal")


class LossReason(models.TextChoices):
    """Why goods are gone without being used (报损原因)."""

    EXPIRED = "expired", pgettext_lazy("loss", "expired")
    BROKEN = "broken", pgettext_lazy("loss", "broken or soiled")
    MISSING = "missing", pgettext_lazy("loss", "not found")
    UNFIT = "unfit", pgettext_lazy("loss", "does not meet the standard")


class PaperKind(models.TextChoices):
    """What is owed for goods that left on a call (后补手续)."""

    REQUEST = "request", pgettext_lazy("paper", "Request")
    APPROVAL = "approval", pgettext_lazy("paper", "Approval")
    SIGNATURE = "signature", pgettext_lazy("paper", "Signature of who got it")


# Owed by the office that called; the others by who gets the goods.
OWED_BY_CALLER = frozenset({PaperKind.APPROVAL.value})


class ShipmentState(models.TextChoices):
    """How far goods for another store are."""

    PREPARED = "prepared", pgettext_lazy("shipment", "prepared")
    SENT = "sent", pgettext_lazy("shipment", "on the way")
    DISPUTED = "disputed", pgettext_lazy("shipment", "arrived, some missing")
    DONE = "done", pgettext_lazy("shipment", "arrived")
    RETURNED = "returned", pgettext_lazy("shipment", "came back")
    CANCELLED = "cancelled", pgettext_lazy("shipment", "cancelled")


ON_THE_WAY = frozenset({ShipmentState.SENT.value, ShipmentState.DISPUTED.value})
# Sheets that belong to a shipment: they are put right there, not taken back alone.
SHIPPED = frozenset({EntryKind.DISPATCH.value, EntryKind.ARRIVAL.value, EntryKind.RETURN.value})
# Sheets that nobody takes back alone; those of a stocktake are put right by another one.
NOT_ALONE = SHIPPED | {EntryKind.COUNT.value}


class CountState(models.TextChoices):
    """How far a stocktake is."""

    OPEN = "open", pgettext_lazy("stocktake", "being counted")
    SUBMITTED = "submitted", pgettext_lazy("stocktake", "waits for approval")
    BOOKED = "booked", pgettext_lazy("stocktake", "booked")
    CANCELLED = "cancelled", pgettext_lazy("stocktake", "given up")


RUNNING_COUNTS = frozenset({CountState.OPEN.value, CountState.SUBMITTED.value})


@dataclass(frozen=True, kw_only=True)
class ItemFacts:
    """What the catalogue says of an item; ``packs``: smallest units in one pack, by its name."""

    code: str
    name_zh: str
    kind: str
    unit: str
    name_en: str = ""
    packs: Mapping[str, int] = field(default_factory=dict)
    standard: str = ""
    shelf_days: int | None = None
    least: int = 0


@dataclass(frozen=True, kw_only=True)
class LotFacts:
    """What the label of a lot says; ``number`` is "" where there is none.

    ``owner``: whose goods these are, where not the store's. ``earmark``: what the giver wants them
    used for, in words.
    """

    number: str = ""
    made_on: date | None = None
    expires_on: date | None = None
    standard: str = ""
    owner: str = ""
    earmark: str = ""


@dataclass(frozen=True, kw_only=True)
class Arriving:
    """One line of a receipt; ``quantity`` in smallest units.

    ``serials``: the packages that bear a number of their own, of a ``code`` of the item.
    """

    item: Item
    quantity: int
    lot: LotFacts = LotFacts()
    code: ItemCode | None = None
    serials: Sequence[str] = ()


@dataclass(frozen=True, kw_only=True)
class Leaving:
    """One line of an issue: so much of an item by earliest expiry, or of one lot.

    ``serials``: the packages with a serial that were scanned, of packages of ``code``.
    """

    item: Item
    quantity: int
    lot: Lot | None = None
    code: ItemCode | None = None
    serials: Sequence[str] = ()


@dataclass(frozen=True)
class Package:
    """A package with a serial that was scanned."""

    code: ItemCode
    serial: str


class Along(models.TextChoices):
    """What became of a package that went along with a shipment."""

    UNDERWAY = "underway", pgettext_lazy("a package", "on the way")
    ARRIVED = "arrived", pgettext_lazy("a package", "arrived")
    RETURNED = "returned", pgettext_lazy("a package", "came back")
    UNSEEN = "unseen", pgettext_lazy("a package", "not seen since")


@dataclass(frozen=True, kw_only=True)
class Counted:
    """What was counted of a line; None leaves the quantity as it stands.

    ``times``: how often the line had been counted when its sheet was read; None: not told.
    """

    line: CountLine
    quantity: int | None = None
    reason: str | None = None
    times: int | None = None


@dataclass(frozen=True, kw_only=True)
class Way:
    """How goods travel. ``phone``: of the office or firm; numbers of persons are refused."""

    carrier: str = ""
    plate: str = ""
    phone: str = ""
    expected_at: datetime | None = None
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class Arrived:
    """What came of a line of a shipment, in smallest units; what is not told is missing."""

    line: TransferLine
    good: int
    broken: int = 0


@dataclass(frozen=True, kw_only=True)
class Settled:
    """What became of what was missing: it came back to the sender, or is lost."""

    line: TransferLine
    back: int = 0
    lost: int = 0


@dataclass(frozen=True, kw_only=True)
class Papers:
    """What stands on an entry beside its lines.

    ``moved_at``: when the goods moved, where not now. ``other``: who brought or took them.
    """

    moved_at: datetime | None = None
    other: str = ""
    note: str = ""
    synthetic: bool = False


LEDGER_TASK = tasks.declare_kind(
    "supplies.stock.differs",
    _("%(count)s balances of supplies differ from the ledger. Count what is there."),
    "supplies:stock:holdings",
)

COUNT_TASK = tasks.declare_kind(
    "supplies.stock.count_waits",
    _("Stocktake %(number)s of %(place)s waits for approval."),
    "supplies:stock:count",
)

DISPUTE_TASK = tasks.declare_kind(
    "supplies.stock.shipment_differs",
    _("Shipment %(number)s did not arrive as it was sent. Find out what became of the rest."),
    "supplies:stock:shipment",
)

PAPERS_TASK = tasks.declare_kind(
    "supplies.stock.papers_missing",
    _("Emergency release %(number)s: file the papers that are owed."),
    "supplies:stock:released",
)

MONTH_TASK = tasks.declare_kind(
    "supplies.stock.month_to_open",
    _("%(place)s asks to open %(month)s again. Agree or decline."),
    "supplies:stock:closing",
)

ARRIVAL_TASK = tasks.declare_kind(
    "supplies.stock.arrival_late",
    _("Shipment %(number)s should have arrived. Say what came of it, or ask the sender."),
    "supplies:stock:shipment",
)

name_verbs(
    {
        "supplies.stock.add_item": _("Item added to the catalogue"),
        "supplies.stock.change_item": _("Item of the catalogue changed"),
        "supplies.stock.take_catalogue": _("Catalogue taken from the rule pack"),
        "supplies.stock.open_place": _("Place of stock opened"),
        "supplies.stock.close_place": _("Place of stock closed"),
        "supplies.stock.receive": _("Goods received"),
        "supplies.stock.issue": _("Goods issued"),
        "supplies.stock.move": _("Goods moved"),
        "supplies.stock.lose": _("Goods written off"),
        "supplies.stock.reverse": _("Entry of the ledger reversed"),
        "supplies.stock.teach_code": _("Code of a package taught"),
        "supplies.stock.correct_code": _("Code of a package corrected"),
        "supplies.stock.release": _("Goods released on a call"),
        "supplies.stock.file_paper": _("Paper of a release filed"),
        "supplies.stock.close_month": _("Month of a place closed"),
        "supplies.stock.ask_to_open_month": _("Asked to open a closed month again"),
        "supplies.stock.open_month": _("Closed month opened again"),
        "supplies.stock.leave_month_closed": _("Declined to open a closed month"),
        "supplies.stock.prepare_shipment": _("Shipment prepared"),
        "supplies.stock.dispatch": _("Shipment sent"),
        "supplies.stock.arrive": _("Shipment received"),
        "supplies.stock.settle": _("What was missing of a shipment settled"),
        "supplies.stock.bring_back": _("Shipment came back"),
        "supplies.stock.cancel_shipment": _("Shipment cancelled"),
        "supplies.stock.tell_way": _("Way of a shipment told"),
        "supplies.stock.open_count": _("Stocktake begun"),
        "supplies.stock.count": _("Lots counted"),
        "supplies.stock.count_found": _("Lot found that is not in the book"),
        "supplies.stock.submit_count": _("Stocktake submitted"),
        "supplies.stock.approve_count": _("Stocktake approved and booked"),
        "supplies.stock.give_count_back": _("Stocktake given back"),
        "supplies.stock.cancel_count": _("Stocktake given up"),
        "supplies.stock.hold": _("Lot held back"),
        "supplies.stock.let_go": _("Lot let go"),
    }
)
name_places({"supplies.stock.ledger": _("Ledger of an item")})


# What is promised to places (by key) and has not come: item, quantity, and the day or None.
Promised = Callable[[Collection[int]], Iterable[tuple[int, int, date | None]]]
_promised: list[Promised] = []


def ask_what_is_promised(promised: Promised) -> None:
    """Where the board asks what is promised: of the part above that keeps the sources."""
    if promised not in _promised:
        _promised.append(promised)


def promised_to(places: Collection[int]) -> list[tuple[int, int, date | None]]:
    """What is promised to places: item, quantity, and the day or None."""
    return [one for ask in _promised for one in ask(places)]


class Standing(models.IntegerChoices):
    """How an item stands on the board, the most urgent first."""

    LOW = 0, _("below its reserve")
    BAD = 1, _("expired or held back")
    SOON = 2, _("expiring soon")
    HERE = 3, _("in stock")
    COMING = 4, _("only promised")
    NOTHING = 5, _("none here")
