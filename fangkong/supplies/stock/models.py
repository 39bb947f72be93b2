"""The catalogue, the places and lots of goods, and the ledger that says how much is where."""

from __future__ import annotations

from datetime import date
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models.functions import Coalesce
from django.utils.translation import get_language, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from fangkong.core.privacy import Personal
from fangkong.core.record import Record, address

from .types import (
    HELD,
    RUNNING_COUNTS,
    CountState,
    EntryKind,
    ItemClass,
    LossReason,
    PaperKind,
    PlaceKind,
    ShipmentState,
    Unit,
)

_UNITS = dict(Unit.choices)


class Item(Record):
    """A kind of goods (品种). ``packs``: smallest units in one of each pack, by its name.

    ``code``: the row of the rule pack that it came from, or one of the prefecture's own.
    ``standard``: the one in force when it was taken over; each lot says what its label names.
    ``least``: how many smallest units the prefecture's store should never fall below.
    """

    pii: ClassVar[dict[str, Personal]] = {}

    code = models.CharField(_("code"), max_length=40, unique=True)
    name_zh = models.CharField(_("Chinese name"), max_length=60)
    name_en = models.CharField(_("English name"), max_length=100, blank=True)
    kind = models.CharField(
        pgettext_lazy("of an item", "Class"), max_length=12, choices=ItemClass.choices
    )
    unit = models.CharField(_("smallest unit"), max_length=8, choices=Unit.choices)
    packs = models.JSONField(_("packs"), default=dict, blank=True)
    standard = models.CharField(_("standard"), max_length=60, blank=True)
    shelf_days = models.PositiveIntegerField(_("shelf life in days"), null=True, blank=True)
    least = models.PositiveBigIntegerField(_("never below"), default=0)
    search_text = models.CharField(max_length=400, editable=False)

    # What ``queries.board`` adds.
    here: int
    spoiled: int
    kept_back: int
    soon: int
    first: date | None
    # And ``queries.board``.
    coming: int
    arrives: date | None
    standing: int
    fit: int | None  # None for whoever answers for no reserve

    class Meta:
        indexes = [models.Index(fields=["kind", "name_zh"], name="item_by_kind")]

    def __str__(self) -> str:
        return self.display_name

    def get_unit_display(self) -> str:  # type: ignore[no-redef]  # the plugin knows Django's
        """The unit in the language of the page; Django's own way makes all choices anew each time,
        which is most of a page with a thousand quantities."""
        return str(_UNITS.get(self.unit, self.unit))

    @property
    def display_name(self) -> str:
        """The name in the language of the page."""
        if (get_language() or "").startswith("en") and self.name_en:
            return self.name_en
        return self.name_zh

    def get_absolute_url(self) -> str:
        return address("supplies:stock:item", self.public_id)


class Place(Record):
    """Where goods are, or where they come from and go to (库位).

    A facility has one store and any wards; each way between two stores has its place ``transit``.
    What stands outside (sources, use, loss) is one place each and belongs to nobody. ``mark``: what
    the numbers of its entries begin with.
    """

    pii: ClassVar[dict[str, Personal]] = {}

    kind = models.CharField(
        pgettext_lazy("of stock", "Kind"), max_length=8, choices=PlaceKind.choices
    )
    facility = models.ForeignKey(
        "places.Facility",
        verbose_name=_("facility"),
        null=True,
        on_delete=models.PROTECT,
        related_name="+",
    )
    county = models.ForeignKey(
        "places.Area",
        verbose_name=_("county"),
        null=True,
        on_delete=models.PROTECT,
        related_name="+",
    )
    name = models.CharField(_("name"), max_length=60, blank=True)
    mark = models.CharField(_("mark"), max_length=30, blank=True)
    closed_at = models.DateTimeField(_("closed"), null=True)
    # The last day of the last month that was closed: no sheet is dated on it or before.
    closed_through = models.DateField(_("books closed through"), null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["facility", "kind", "name"],
                condition=models.Q(facility__isnull=False),
                name="place_once_in_a_facility",
            ),
            models.UniqueConstraint(
                fields=["kind"],
                condition=models.Q(facility__isnull=True),
                name="place_outside_once",
            ),
            models.UniqueConstraint(
                fields=["mark"], condition=~models.Q(mark=""), name="place_mark_once"
            ),
            models.CheckConstraint(
                condition=models.Q(kind__in=sorted(HELD), facility__isnull=False)
                | (~models.Q(kind__in=sorted(HELD)) & models.Q(facility__isnull=True)),
                name="place_held_by_a_facility",
            ),
        ]

    def __str__(self) -> str:
        return self.display_name

    @property
    def held(self) -> bool:
        """Does what is here count as stock?"""
        return self.kind in HELD

    @property
    def display_name(self) -> str:
        """The facility with the name of its ward, or the word for what stands outside."""
        if self.facility is None:
            return self.get_kind_display()
        named = self.name or ("" if self.kind == PlaceKind.STORE else self.get_kind_display())
        return f"{self.facility.display_name} · {named}" if named else self.facility.display_name

    def get_absolute_url(self) -> str:
        return address("supplies:stock:place", self.public_id)


class Lot(Record):
    """Goods of one label (批次): one number, one expiry, one owner, one earmark."""

    pii: ClassVar[dict[str, Personal]] = {}

    item = models.ForeignKey(Item, on_delete=models.PROTECT, related_name="lots", db_index=False)
    number = models.CharField(_("lot number"), max_length=40, blank=True)
    made_on = models.DateField(_("made on"), null=True, blank=True)
    expires_on = models.DateField(_("last good day"), null=True, blank=True)
    standard = models.CharField(_("standard"), max_length=60, blank=True)
    owner = models.CharField(_("owner"), max_length=100, blank=True)
    earmark = models.CharField(_("earmarked for"), max_length=100, blank=True)
    held_back_at = models.DateTimeField(_("held back"), null=True)
    held_back_why = models.CharField(_("reason"), max_length=200, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(made_on__isnull=True)
                | models.Q(expires_on__isnull=True)
                | models.Q(expires_on__gt=models.F("made_on")),
                name="lot_expires_after_it_was_made",
            ),
            # Unknown days are alike too, so none of the columns may be NULL in the key.
            models.UniqueConstraint(
                models.F("item"),
                models.F("number"),
                Coalesce("made_on", models.Value("0001-01-01", models.DateField())),
                Coalesce("expires_on", models.Value("0001-01-01", models.DateField())),
                models.F("standard"),
                models.F("owner"),
                models.F("earmark"),
                name="lot_once",
            ),
        ]
        indexes = [models.Index(fields=["expires_on", "id"], name="lot_by_expiry")]

    def __str__(self) -> str:
        return self.number or str(self.public_id)

    def get_absolute_url(self) -> str:
        return address("supplies:stock:lot", self.public_id)


class Entry(Record):
    """A sheet of the ledger (单据): what moved together, by whom and why. Never changed.

    ``number``: store, year and a count without gaps. ``moved_at``: when the goods moved as told;
    the books are in the order in which entries were made. ``reverses``: the entry that this one
    takes back, whole; an entry is taken back once.
    """

    pii: ClassVar[dict[str, Personal]] = {}
    append_only: ClassVar[bool] = True

    number = models.CharField(_("number"), max_length=40, unique=True)
    kind = models.CharField(_("kind"), max_length=10, choices=EntryKind.choices)
    place = models.ForeignKey(Place, on_delete=models.PROTECT, related_name="+", db_index=False)
    moved_at = models.DateTimeField(_("moved"))
    other = models.CharField(_("brought or taken by"), max_length=100, blank=True)
    note = models.CharField(_("note"), max_length=200, blank=True)
    loss = models.CharField(_("reason"), max_length=10, choices=LossReason.choices, blank=True)
    synthetic = models.BooleanField(_("made up for a demonstration"), default=False)
    reverses = models.OneToOneField(
        "self", null=True, on_delete=models.PROTECT, related_name="reversal"
    )

    class Meta:
        indexes = [
            models.Index(fields=["place", "id"], name="entry_by_place"),
            models.Index(fields=["moved_at"], name="entry_by_moment"),  # what a day did
        ]

    def __str__(self) -> str:
        return self.number

    def get_absolute_url(self) -> str:
        return address("supplies:stock:entry", self.public_id)


class Move(models.Model):
    """A line of the ledger (台账): so much of a lot from one place to another. Only ever added to.

    Of one lot at one place the keys follow in the order in which its balance changed, for they are
    given under the balance's lock.
    """

    pii: ClassVar[dict[str, Personal]] = {}
    append_only: ClassVar[bool] = True

    entry = models.ForeignKey(Entry, on_delete=models.PROTECT, related_name="moves")
    lot = models.ForeignKey(Lot, on_delete=models.PROTECT, related_name="moves")
    item = models.ForeignKey(Item, on_delete=models.PROTECT, related_name="+", db_index=False)
    source = models.ForeignKey(Place, on_delete=models.PROTECT, related_name="+", db_index=False)
    target = models.ForeignKey(Place, on_delete=models.PROTECT, related_name="+", db_index=False)
    quantity = models.PositiveBigIntegerField(_("quantity"))

    class Meta:
        constraints = [
            models.CheckConstraint(condition=models.Q(quantity__gt=0), name="move_is_of_something"),
            models.CheckConstraint(
                condition=~models.Q(source=models.F("target")), name="move_leads_elsewhere"
            ),
        ]
        indexes = [
            models.Index(fields=["item", "id"], name="move_by_item"),
            models.Index(fields=["source", "id"], name="move_by_source"),
            models.Index(fields=["target", "id"], name="move_by_target"),
        ]

    def __str__(self) -> str:
        return f"{self.quantity} of lot {self.lot_id}"


class Balance(models.Model):
    """How much of a lot a place holds: the sum of its moves, kept so that nobody adds them up.

    A cache of the ledger; the nightly check adds all moves up again and compares.
    """

    pii: ClassVar[dict[str, Personal]] = {}

    place = models.ForeignKey(
        Place, on_delete=models.PROTECT, related_name="balances", db_index=False
    )
    lot = models.ForeignKey(Lot, on_delete=models.PROTECT, related_name="balances")
    item = models.ForeignKey(
        Item, on_delete=models.PROTECT, related_name="balances", db_index=False
    )
    quantity = models.BigIntegerField(_("quantity"))

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["place", "lot"], name="balance_once"),
            models.CheckConstraint(
                condition=models.Q(quantity__gte=0), name="balance_never_below_zero"
            ),
        ]
        indexes = [
            models.Index(
                fields=["item", "place"],
                condition=models.Q(quantity__gt=0),
                name="balance_by_item",
            )
        ]

    def __str__(self) -> str:
        return f"{self.place_id}/{self.lot_id}: {self.quantity}"


class Numbering(models.Model):
    """The last number given out by a place in a year. Whoever writes there holds it first."""

    pii: ClassVar[dict[str, Personal]] = {}

    place = models.ForeignKey(Place, on_delete=models.PROTECT, related_name="+", db_index=False)
    year = models.PositiveSmallIntegerField()
    last = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["place", "year"], name="entry_numbering_once")
        ]

    def __str__(self) -> str:
        return f"{self.place_id} {self.year}: {self.last}"


class Count(Record):
    """A stocktake (盘点) of a place: lot by lot what is there, then booked by somebody else.

    ``blind``: the book's quantity of a lot is hidden until the lot was counted. ``entry``: the
    sheet that booked the differences; none where there were none.
    """

    pii: ClassVar[dict[str, Personal]] = {}

    number = models.CharField(_("number"), max_length=40, unique=True)
    place = models.ForeignKey(Place, on_delete=models.PROTECT, related_name="+", db_index=False)
    blind = models.BooleanField(_("blind count"), default=False)
    state = models.CharField(
        _("state"), max_length=10, choices=CountState.choices, default=CountState.OPEN
    )
    submitted_at = models.DateTimeField(_("submitted"), null=True)
    submitted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        on_delete=models.PROTECT,
        related_name="+",
        db_index=False,
    )
    decided_at = models.DateTimeField(_("decided"), null=True)
    decision = models.CharField(_("decision"), max_length=200, blank=True)
    entry = models.OneToOneField(Entry, null=True, on_delete=models.PROTECT, related_name="count")
    synthetic = models.BooleanField(_("made up for a demonstration"), default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["place"],
                condition=models.Q(state__in=sorted(RUNNING_COUNTS)),
                name="count_one_at_a_time",
            )
        ]
        indexes = [models.Index(fields=["place", "id"], name="count_by_place")]

    def __str__(self) -> str:
        return self.number

    def get_absolute_url(self) -> str:
        return address("supplies:stock:count", self.public_id)


class CountLine(Record):
    """What was counted of a lot. ``found``: the book had none of it at the place.

    ``book``: what the book held at the moment of counting, written down when it was booked; until
    then it is reckoned (``rules.book_at``), so that late sheets still count. ``times``: how often.
    """

    pii: ClassVar[dict[str, Personal]] = {}

    count = models.ForeignKey(Count, on_delete=models.PROTECT, related_name="lines", db_index=False)
    lot = models.ForeignKey(Lot, on_delete=models.PROTECT, related_name="+", db_index=False)
    found = models.BooleanField(_("not in the book"), default=False)
    quantity = models.PositiveBigIntegerField(_("counted"), null=True)
    counted_at = models.DateTimeField(_("counted at"), null=True)
    counted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        on_delete=models.PROTECT,
        related_name="+",
        db_index=False,
    )
    times = models.PositiveSmallIntegerField(default=0)
    reason = models.CharField(_("reason of the difference"), max_length=100, blank=True)
    book = models.BigIntegerField(_("book"), null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["count", "lot"], name="count_line_once")]

    def __str__(self) -> str:
        return f"{self.lot_id}: {self.quantity}"


class Transfer(Record):
    """Goods for another store (调拨): prepared, sent, received line by line by its keeper.

    ``transit``: the place that holds them on the way. ``phone``: of the firm or office.
    """

    pii: ClassVar[dict[str, Personal]] = {}

    number = models.CharField(_("number"), max_length=40, unique=True)
    source = models.ForeignKey(Place, on_delete=models.PROTECT, related_name="+", db_index=False)
    target = models.ForeignKey(Place, on_delete=models.PROTECT, related_name="+", db_index=False)
    transit = models.ForeignKey(
        Place, null=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    state = models.CharField(
        _("state"), max_length=10, choices=ShipmentState.choices, default=ShipmentState.PREPARED
    )
    carrier = models.CharField(_("carried by"), max_length=100, blank=True)
    plate = models.CharField(_("number plate"), max_length=20, blank=True)
    phone = models.CharField(_("telephone of the office"), max_length=20, blank=True)
    expected_at = models.DateTimeField(_("expected"), null=True)
    note = models.CharField(_("note"), max_length=200, blank=True)
    sent_at = models.DateTimeField(_("sent"), null=True)
    arrived_at = models.DateTimeField(_("arrived"), null=True)
    remark = models.CharField(_("remark on arrival"), max_length=200, blank=True)
    synthetic = models.BooleanField(_("made up for a demonstration"), default=False)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=~models.Q(source=models.F("target")), name="transfer_leads_elsewhere"
            )
        ]
        indexes = [
            models.Index(fields=["source", "id"], name="transfer_by_source"),
            models.Index(fields=["target", "id"], name="transfer_by_target"),
        ]

    def __str__(self) -> str:
        return self.number

    def get_absolute_url(self) -> str:
        return address("supplies:stock:shipment", self.public_id)


class TransferWish(Record):
    """What is to be sent: so much of an item, or of one lot; lots are picked when it is sent."""

    pii: ClassVar[dict[str, Personal]] = {}

    shipment = models.ForeignKey(Transfer, on_delete=models.PROTECT, related_name="wishes")
    item = models.ForeignKey(Item, on_delete=models.PROTECT, related_name="+", db_index=False)
    lot = models.ForeignKey(
        Lot, null=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    quantity = models.PositiveBigIntegerField(_("quantity"))

    def __str__(self) -> str:
        return f"{self.quantity} of item {self.item_id}"


class TransferLine(Record):
    """What was sent of a lot, and what became of it: never more than was sent, so none vanishes.

    ``extra``: what arrived beyond what was sent; it is not part of the sum.
    """

    pii: ClassVar[dict[str, Personal]] = {}

    shipment = models.ForeignKey(
        Transfer, on_delete=models.PROTECT, related_name="lines", db_index=False
    )
    lot = models.ForeignKey(Lot, on_delete=models.PROTECT, related_name="+", db_index=False)
    sent = models.PositiveBigIntegerField(_("sent"))
    received = models.PositiveBigIntegerField(_("received"), default=0)
    broken = models.PositiveBigIntegerField(_("broken"), default=0)
    returned = models.PositiveBigIntegerField(_("came back"), default=0)
    lost = models.PositiveBigIntegerField(_("lost"), default=0)
    extra = models.PositiveBigIntegerField(_("too much"), default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["shipment", "lot"], name="transfer_line_once"),
            models.CheckConstraint(
                condition=models.Q(
                    sent__gte=models.F("received")
                    + models.F("broken")
                    + models.F("returned")
                    + models.F("lost")
                ),
                name="transfer_line_sums",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.sent} of lot {self.lot_id}"

    @property
    def outstanding(self) -> int:
        """What is still on the way, or missing."""
        return self.sent - self.received - self.broken - self.returned - self.lost


class Release(Record):
    """Goods that left on a call (先行派发): the sheet, for whom, and the papers that are owed.

    ``shipment``: the one that carries the goods, where another facility of the house gets them.
    ``called_by``: an office. ``due_at``: when the next paper is due. ``settled_at``: all papers are
    there, or the goods came back and none is owed.
    """

    pii: ClassVar[dict[str, Personal]] = {}

    entry = models.OneToOneField(Entry, on_delete=models.PROTECT, related_name="release")
    place = models.ForeignKey(Place, on_delete=models.PROTECT, related_name="+", db_index=False)
    shipment = models.OneToOneField(
        Transfer, null=True, on_delete=models.PROTECT, related_name="release"
    )
    to = models.CharField(_("to"), max_length=100)
    called_by = models.CharField(_("called for by"), max_length=100)
    due_at = models.DateTimeField(_("papers due"))
    settled_at = models.DateTimeField(_("papers complete"), null=True)

    # What ``queries.releases_open_to`` adds.
    lacks_papers: bool

    class Meta:
        indexes = [
            models.Index(fields=["place", "id"], name="release_by_place"),
            models.Index(
                fields=["place", "created_at"],
                condition=models.Q(settled_at__isnull=True),
                name="release_owed",
            ),
        ]

    def __str__(self) -> str:
        return self.to

    def get_absolute_url(self) -> str:
        return address("supplies:stock:released", self.public_id)


class ReleasePaper(Record):
    """A paper that is owed for a release (后补手续), as the pack of that day says; later filed.

    Photos of it are files of the release. ``reference``: its number, "" where only a photo is.
    """

    pii: ClassVar[dict[str, Personal]] = {}

    release = models.ForeignKey(
        Release, on_delete=models.PROTECT, related_name="papers", db_index=False
    )
    kind = models.CharField(_("paper"), max_length=10, choices=PaperKind.choices)
    due_at = models.DateTimeField(pgettext_lazy("of a paper", "due"))
    reference = models.CharField(_("number of the paper"), max_length=60, blank=True)
    filed_at = models.DateTimeField(_("filed"), null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["release", "kind"], name="release_paper_once")
        ]

    def __str__(self) -> str:
        return self.kind


class MonthClosing(Record):
    """The books of a place were closed for a month (月末结账); ``month`` is its first day.

    One keeper asks with a reason (``why``) to open it again, another person agrees: the row stays,
    and the month can be closed anew.
    """

    pii: ClassVar[dict[str, Personal]] = {}

    place = models.ForeignKey(
        Place, on_delete=models.PROTECT, related_name="closings", db_index=False
    )
    month = models.DateField(_("month"))
    why = models.CharField(_("why it is to be opened again"), max_length=200, blank=True)
    asked_at = models.DateTimeField(_("asked to open it again"), null=True)
    asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        on_delete=models.PROTECT,
        related_name="+",
        db_index=False,
    )
    opened_at = models.DateTimeField(_("opened again"), null=True)
    opened_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        on_delete=models.PROTECT,
        related_name="+",
        db_index=False,
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["place", "month"],
                condition=models.Q(opened_at__isnull=True),
                name="month_closed_once",
            ),
            models.CheckConstraint(
                condition=models.Q(opened_at__isnull=True, opened_by__isnull=True)
                | (
                    models.Q(opened_at__isnull=False, asked_at__isnull=False)
                    & ~models.Q(why="")
                    & models.Q(opened_by__isnull=False, asked_by__isnull=False)
                    & ~models.Q(opened_by=models.F("asked_by"))
                ),
                name="month_opened_by_a_second_person",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.place_id} {self.month:%Y-%m}"

    def get_absolute_url(self) -> str:
        return address("supplies:stock:closing", self.public_id)


class ItemCode(Record):
    """What a GTIN on a package means (商品条码): so many smallest units of an item.

    Taught at its first scan. ``gtin``: 14 digits. ``pack``: how the package is called, "" for the
    smallest unit; ``holds``: how many smallest units it holds, as it was taught.
    """

    pii: ClassVar[dict[str, Personal]] = {}

    gtin = models.CharField(_("GTIN"), max_length=14, unique=True)
    item = models.ForeignKey(Item, on_delete=models.PROTECT, related_name="codes")
    pack = models.CharField(_("unit or pack"), max_length=60, blank=True)
    holds = models.PositiveBigIntegerField(_("smallest units in one"))

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(holds__gt=0), name="item_code_holds_something"
            )
        ]

    def __str__(self) -> str:
        return self.gtin

    def get_absolute_url(self) -> str:
        return address("supplies:stock:code", self.public_id)


class Serial(Record):
    """A package with a number of its own (序列号) that came in: received once.

    ``holds``: how many smallest units its code meant when it came in; so many were booked.
    ``taken_back_at``: its receipt was taken back, so it may come in again.
    """

    pii: ClassVar[dict[str, Personal]] = {}

    code = models.ForeignKey(
        ItemCode, on_delete=models.PROTECT, related_name="serials", db_index=False
    )
    serial = models.CharField(_("serial number"), max_length=20)
    holds = models.PositiveBigIntegerField(_("smallest units in one"))
    lot = models.ForeignKey(Lot, on_delete=models.PROTECT, related_name="serials")
    entry = models.ForeignKey(Entry, on_delete=models.PROTECT, related_name="serials")
    taken_back_at = models.DateTimeField(_("taken back"), null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["code", "serial"],
                condition=models.Q(taken_back_at__isnull=True),
                name="serial_received_once",
            ),
            models.CheckConstraint(condition=models.Q(holds__gt=0), name="serial_holds_something"),
        ]

    def __str__(self) -> str:
        return self.serial

    def get_absolute_url(self) -> str:
        return address("supplies:stock:serial", self.public_id)


class SerialMove(Record):
    """A package with a serial was scanned as it moved: from where to where, by which sheet.

    Never changed; a sheet that was taken back makes it count no more. How a package moved that
    nobody scanned is told by its lot alone.
    """

    pii: ClassVar[dict[str, Personal]] = {}
    append_only: ClassVar[bool] = True

    serial = models.ForeignKey(Serial, on_delete=models.PROTECT, related_name="moves")
    entry = models.ForeignKey(Entry, on_delete=models.PROTECT, related_name="serial_moves")
    source = models.ForeignKey(Place, on_delete=models.PROTECT, related_name="+", db_index=False)
    target = models.ForeignKey(Place, on_delete=models.PROTECT, related_name="+", db_index=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["serial", "entry"], name="serial_moves_once_a_sheet")
        ]

    def __str__(self) -> str:
        return f"{self.serial_id}: {self.source_id} → {self.target_id}"

    def get_absolute_url(self) -> str:
        return self.serial.get_absolute_url()


class ScanDraft(models.Model):
    """A sheet that is being scanned and not booked yet, of the user who scans it alone.

    ``way``: in or out. ``fields``: what the page carries, by name; read again as a page's are, so
    nothing of it is believed. Dropped when the sheet is booked, or a week after the last scan.
    """

    pii: ClassVar[dict[str, Personal]] = {}

    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    way = models.CharField(max_length=4)
    fields = models.JSONField()
    kept_at = models.DateTimeField(db_index=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["owner", "way"], name="scan_draft_once")]

    def __str__(self) -> str:
        return f"{self.owner_id} {self.way}"
