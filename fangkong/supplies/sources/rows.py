"""One row of a file of supplies, or everything that is wrong with the row. Asks no database.

A row says what came, was sent or is there: a receipt, a dispatch to us, a report of the stock.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from zoneinfo import ZoneInfo

from fangkong.core.imports.reasons import Reason
from fangkong.core.imports.serials import parse_moment
from fangkong.core.spelling import shown

from . import rules
from .types import Channel

# Field: the headings it is known by. The first two are those of our template.
HEADINGS: dict[str, tuple[str, ...]] = {
    "date": ("日期", "Date", "时间"),
    "type": ("类型", "Type", "业务类型"),
    "item": ("物资名称", "Item", "品种", "品名", "物资"),
    "quantity": ("数量", "Quantity", "qty"),
    "unit": ("单位", "Unit", "计量单位"),
    "party": ("来源单位", "From", "from party", "捐赠单位", "供货单位"),
    "receiver": ("接收单位", "To", "to party", "受赠单位", "收货单位"),
    "channel": ("渠道", "Channel", "来源渠道"),
    "note": ("备注", "Note", "说明"),
}
REQUIRED = ("date", "type", "item", "quantity", "unit")

RECEIPT, DISPATCH, STOCK = "receipt", "dispatch", "stock"
_TYPES = {
    **dict.fromkeys((RECEIPT, "入库", "接收", "收到"), RECEIPT),
    **dict.fromkeys((DISPATCH, "发运", "在途", "发出"), DISPATCH),
    **dict.fromkeys((STOCK, "库存", "结存", "stock report"), STOCK),
}
_CHANNELS = {
    **{one.value: one.value for one in Channel},
    **dict.fromkeys(("捐赠", "社会捐赠"), Channel.DONATION.value),
    **dict.fromkeys(("counterpart support", "对口支援", "互助", "支援"), Channel.AID.value),
    **dict.fromkeys(("采购", "合同采购", "purchase"), Channel.CONTRACT.value),
    **dict.fromkeys(("应急采购", "紧急采购"), Channel.EMERGENCY.value),
    **dict.fromkeys(("上级调拨", "调拨"), Channel.ABOVE.value),
    **dict.fromkeys(("本地生产", "生产"), Channel.LOCAL.value),
    **dict.fromkeys(("征用",), Channel.REQUISITION.value),
    **dict.fromkeys(("stock report", "库存报告"), ""),
}
MONEY_UNITS = ("元", "人民币元", "yuan", "cny")
MONEY_ITEMS = ("资金", "疫情防控资金", "捐赠资金", "现金", "money")


@dataclass(frozen=True, kw_only=True)
class Said:
    """What a row says, in plain form; item, unit and receiver still in the words of the file.

    ``money``: fen, where the row is of money; then nothing is said of an item.
    """

    day: date
    type: str
    item: str
    quantity: str
    unit: str
    money: int
    party: str
    receiver: str
    channel: str
    note: str

    @property
    def print(self) -> str:
        """A digest of what it tells: the same row again has the same."""
        told = [self.day, self.type, self.item, self.quantity, self.unit, self.party]
        text = "\x1f".join(["supply", *map(str, told), self.receiver, self.channel])
        return hashlib.sha256(text.encode()).hexdigest()


def read(
    values: Mapping[str, str], today: date, zone: ZoneInfo
) -> tuple[Said | None, list[Reason]]:
    """What a row says, or None with all that cannot be read."""
    row = {name: shown(text) for name, text in values.items()}
    faults = [Reason("missing", {"field": name}) for name in REQUIRED if not row.get(name, "")]
    type_ = _choice(row, "type", _TYPES, faults)
    channel = _choice(row, "channel", _CHANNELS, faults)
    day = _day(row.get("date", ""), today, zone, faults)
    for name, limit in (("party", 100), ("note", 200), ("item", 60)):
        if len(row.get(name, "")) > limit:
            faults.append(Reason("too_long", {"field": name, "limit": limit}))
    unit, item = row.get("unit", ""), row.get("item", "")
    money = _money(row, faults) if unit.lower() in MONEY_UNITS else 0
    if type_ in (RECEIPT, DISPATCH) and not row.get("party"):
        faults.append(Reason("missing", {"field": "party"}))
    if unit.lower() in MONEY_UNITS and type_ == STOCK:
        faults.append(Reason("money_is_no_stock", {"field": "unit"}))
    if faults or day is None:
        return None, faults
    return (
        Said(
            day=day,
            type=type_,
            item=item,
            quantity=row["quantity"],
            unit=unit,
            money=money,
            party=row.get("party", ""),
            receiver=row.get("receiver", ""),
            channel=channel or Channel.DONATION.value,
            note=row.get("note", ""),
        ),
        [],
    )


def _choice(
    row: Mapping[str, str], name: str, known: Mapping[str, str], faults: list[Reason]
) -> str:
    said = row.get(name, "")
    found = known.get(said.lower())
    if found is None and said:
        choices = sorted(set(known.values()) - {""})
        faults.append(Reason("not_one_of", {"field": name, "value": said[:40], "choices": choices}))
    return found or ""


def _day(text: str, today: date, zone: ZoneInfo, faults: list[Reason]) -> date | None:
    if not text:
        return None
    moment = parse_moment(text, zone)
    found = None if moment is None else moment.date()
    if found is None:
        faults.append(Reason("bad_date", {"field": "date", "value": text[:30]}))
    elif found > today:
        faults.append(Reason("future", {"field": "date", "value": text[:30]}))
    return found


def _money(row: Mapping[str, str], faults: list[Reason]) -> int:
    plain = row.get("quantity", "")
    try:
        return rules.fen(plain)
    except rules.NotMoney:
        faults.append(Reason("not_a_number", {"field": "quantity", "value": plain[:30]}))
        return 0


def receiver_key(
    said: str, facilities: Mapping[str, int], counties: Mapping[str, int], home: str
) -> tuple[str, int]:
    """Which of ours the words of a receiver mean.

    ``facilities`` and ``counties``: keys by name, counties also by their short names; ``home``: the
    short name of the home area. ("facility", key), ("county", key), ("home", 0), or ("", 0) where
    it is nobody of ours. A facility that is named counts before its county, a longer name before
    a shorter one.
    """
    if not said:
        return "home", 0
    for kind, names in (("facility", facilities), ("county", counties)):
        hits = [name for name in names if name and name in said]
        if hits:
            return kind, names[max(hits, key=len)]
    if said.startswith("州") or (home and said.startswith(home)):
        return "home", 0
    return "", 0
