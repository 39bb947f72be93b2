"""What others may use of the sources: permissions, channels, states, facts."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING

from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from fangkong.core import permissions
from fangkong.core.audit.types import name_places, name_verbs
from fangkong.core.roles import Role
from fangkong.supplies.stock.types import LotFacts
from fangkong.tasks import types as tasks

if TYPE_CHECKING:
    from fangkong.supplies.stock.models import Item, Place

    from .models import SupplyLine

VIEW = permissions.declare(
    "supplies.sources.view",
    _("See where supplies come from, and what is promised"),
    roles=[
        Role.HEADQUARTERS,
        Role.COUNTY_CDC,
        Role.HOSPITAL,
        Role.STORE_KEEPER,
        Role.INSPECTOR,
        Role.AUDITOR,
    ],
)
OFFER = permissions.declare(
    "supplies.sources.offer",
    _("Enter offers, orders and gifts of supplies"),
    roles=[Role.HEADQUARTERS, Role.COUNTY_CDC, Role.HOSPITAL, Role.STORE_KEEPER],
)
DECIDE = permissions.declare(
    "supplies.sources.decide",
    _("Accept or decline offers of supplies"),
    roles=[Role.HEADQUARTERS, Role.COUNTY_CDC],
)
PUBLISH = permissions.declare(
    "supplies.sources.publish",
    _("Publish which gifts came and what became of them"),
    roles=[Role.HEADQUARTERS, Role.EDITOR],
    whole=True,
)


class Channel(models.TextChoices):
    """The way by which supplies come (来源渠道)."""

    CONTRACT = "contract", pgettext_lazy("channel of supplies", "Contract purchase")
    EMERGENCY = "emergency", pgettext_lazy("channel of supplies", "Emergency purchase")
    DONATION = "donation", pgettext_lazy("channel of supplies", "Donation")
    ABOVE = "above", pgettext_lazy("channel of supplies", "Allotted from above")
    AID = "aid", pgettext_lazy("channel of supplies", "Mutual and paired aid")
    LOCAL = "local", pgettext_lazy("channel of supplies", "Local production")
    REQUISITION = "requisition", pgettext_lazy("channel of supplies", "Requisition")


# What came as a gift is told to the public; the lots of it stay apart in the ledger.
GIVEN = frozenset({Channel.DONATION.value, Channel.AID.value})
# What is bought costs money, so two persons decide on it.
BOUGHT = frozenset({Channel.CONTRACT.value, Channel.EMERGENCY.value})


class SupplyState(models.TextChoices):
    """How far it is (货源状态)."""

    OFFERED = "offered", pgettext_lazy("supply from outside", "offered")
    PROMISED = "promised", pgettext_lazy("supply from outside", "promised")
    CLOSED = "closed", pgettext_lazy("supply from outside", "closed")
    DECLINED = "declined", pgettext_lazy("supply from outside", "declined")


class Fund(models.TextChoices):
    """Whose money pays (资金来源)."""

    NONE = "none", pgettext_lazy("who pays", "nothing to pay")
    BUDGET = "budget", pgettext_lazy("who pays", "public money")
    GIFTS = "gifts", pgettext_lazy("who pays", "money that was given")


class Verdict(models.TextChoices):
    """What the check at the door made of goods (到货验收)."""

    FITS = "fits", pgettext_lazy("check of goods", "fits, booked as promised")
    OTHER = "other", pgettext_lazy("check of goods", "unsuitable, booked as another item")
    REFUSED = "refused", pgettext_lazy("check of goods", "refused, not booked")


@dataclass(frozen=True, kw_only=True)
class LineFacts:
    """So much of an item, in smallest units; ``price``: of the whole line in fen, None unknown.

    ``standard``: which the goods are said to meet.
    """

    item: Item
    quantity: int
    price: int | None = None
    standard: str = ""


@dataclass(frozen=True, kw_only=True)
class SupplyFacts:
    """What is known of a supply. ``money``: fen that are given; ``arrives_on``: as promised.

    ``party``: the firm or office; empty for a private giver, who is not named here.
    """

    channel: Channel
    place: Place
    party: str = ""
    private: bool = False
    money: int = 0
    fund: Fund = Fund.NONE
    arrives_on: date | None = None
    earmark: str = ""
    note: str = ""
    synthetic: bool = False
    row_print: str = ""


@dataclass(frozen=True, kw_only=True)
class Checked:
    """What the door made of one line: so much of it, with this label, was judged so.

    ``as_item``: what it is booked as where it is not what was promised.
    """

    line: SupplyLine
    quantity: int
    verdict: Verdict
    lot: LotFacts = field(default_factory=LotFacts)
    as_item: Item | None = None
    why: str = ""


DISCLOSE_TASK = tasks.declare_kind(
    "supplies.sources.disclose",
    _("Gifts came or were used, and nothing was published for %(days)s days. Publish a report."),
    "",
)
LATE_TASK = tasks.declare_kind(
    "supplies.sources.late",
    _("Supplies from %(party)s were promised for %(day)s and have not come. Ask, and enter it."),
    "supplies:sources:detail",
)
UNDONE_TASK = tasks.declare_kind(
    "supplies.sources.undone",
    _(
        "Supplies from %(party)s were closed, and their receipt %(entry)s was taken back. Book the"
        " goods in again, or say that they are still awaited."
    ),
    "supplies:sources:detail",
)

name_verbs(
    {
        "supplies.sources.offer": _("Supply from outside entered"),
        "supplies.sources.accept": _("Offer of supplies accepted"),
        "supplies.sources.decline": _("Offer of supplies declined"),
        "supplies.sources.put_off": _("Promised day of a supply changed"),
        "supplies.sources.receive": _("Supply checked at the door and booked in"),
        "supplies.sources.close": _("Supply closed"),
        "supplies.sources.open_again": _("Supply open again: its receipt was taken back"),
        "supplies.sources.reopen": _("Closed supply awaited again"),
        "supplies.sources.take_money_back": _("Money that was entered as come taken back"),
        "supplies.sources.publish": _("Report on gifts published"),
        "supplies.sources.correct_report": _("Report on gifts corrected"),
    }
)
name_places({"supplies.sources.compare": _("Offers of an item side by side")})
