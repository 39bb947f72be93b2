"""Files of supplies: what came, what was sent to us, what a store reports to have."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, time
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from fangkong.core import clock
from fangkong.core.imports import words as kit_words
from fangkong.core.imports.reasons import Reason
from fangkong.core.imports.types import Field, Judged, Kind, Outcome, Place, Values, declare
from fangkong.core.refusals import Refused
from fangkong.supplies.stock import actions as stock
from fangkong.supplies.stock import queries as goods
from fangkong.supplies.stock import rules as units
from fangkong.supplies.stock.types import KEEP, Arriving, Papers

from . import actions, forms, queries, rows, words
from .types import Channel, Checked, LineFacts, SupplyFacts, Verdict

if TYPE_CHECKING:
    from fangkong.accounts.models import User
    from fangkong.core.imports.models import ImportRun
    from fangkong.supplies.stock.models import Item
    from fangkong.supplies.stock.models import Place as Store

NOON = time(12)


@dataclass(frozen=True)
class Ready:
    """A row as it can be entered; ``quantity`` in smallest units, 0 where it is of money."""

    said: rows.Said
    store: Store
    item: Item | None
    quantity: int


@dataclass
class SupplyDesk:
    """Where the rows of one file are judged and entered, for the stores that the user keeps."""

    run: ImportRun
    by: User
    at: datetime
    items: dict[str, Item] = field(init=False)

    def __post_init__(self) -> None:
        day = clock.day_of(self.at)
        every = list(goods.items())
        by_code = {one.code: one for one in every}
        self.items = {
            name: by_code[code]
            for name, code in queries.other_names(day).items()
            if code in by_code
        }
        for one in every:
            self.items |= {name: one for name in (one.name_en, one.name_zh, one.code) if name}
        self.stores = list(goods.targets_to_choose())
        self.mine = {one.pk for one in goods.places_to_choose(self.by, self.at, KEEP)}
        self.facilities = {
            one.facility.name_zh: one.facility.pk for one in self.stores if one.facility
        }
        self.counties = queries.names_of_counties(self.at)
        home = queries.home(self.at)
        self.home = "" if home is None else (home.short_zh or home.name_zh)
        key = str(self.run.options.get("place", ""))
        self.usual = next((one for one in self.stores if str(one.public_id) == key), None)

    def check(self, values: Sequence[Values]) -> list[Judged]:
        """What would become of each row; nothing is written."""
        return [judged for judged, _ready in self._look(values, self.at)]

    def enter(self, values: Sequence[Values], at: datetime) -> list[Judged]:
        """Each row as the forms would enter it, with its lines in the trail."""
        return [
            judged if ready is None else self._enter(ready, judged.print, at)
            for judged, ready in self._look(values, at)
        ]

    def _look(self, values: Sequence[Values], at: datetime) -> list[tuple[Judged, Ready | None]]:
        said = [rows.read(one, clock.day_of(at), clock.zone()) for one in values]
        known = queries.prints_entered(one.print for one, _faults in said if one)
        return [self._judged(one, faults, known) for one, faults in said]

    def _judged(
        self, said: rows.Said | None, faults: list[Reason], known: frozenset[str]
    ) -> tuple[Judged, Ready | None]:
        if said is None:
            return Judged(Outcome.ERROR, faults), None
        if said.print in known:
            return Judged(Outcome.KNOWN, [Reason("known")], said.print), None
        faults = []
        store = self._store(said, faults)
        item = None if said.money else self._item(said, faults)
        quantity = 0 if item is None else self._quantity(said, item, faults)
        if faults or store is None:
            return Judged(Outcome.ERROR, faults, said.print), None
        if said.type == rows.STOCK and item is not None:
            held = queries.held_of(item, store)
            if held == quantity:
                return Judged(Outcome.KNOWN, [Reason("known")], said.print), None
            if held:
                return Judged(Outcome.ERROR, [Reason("counted_otherwise")], said.print), None
        return Judged(Outcome.OK, (), said.print), Ready(said, store, item, quantity)

    def _store(self, said: rows.Said, faults: list[Reason]) -> Store | None:
        told: dict[str, object] = {"field": "receiver", "value": said.receiver[:60]}
        kind, key = rows.receiver_key(said.receiver, self.facilities, self.counties, self.home)
        if kind == "home":
            found = [] if self.usual is None else [self.usual]
        elif kind == "facility":
            found = [one for one in self.stores if one.facility_id == key and one.kind == "store"]
        else:
            found = [one for one in self.stores if one.county_id == key and one.kind == "store"]
        if not kind:
            faults.append(Reason("not_ours", told))
        elif not found:
            faults.append(Reason("no_store", told))
        elif len(found) > 1:
            faults.append(Reason("several_stores", told))
        elif found[0].pk not in self.mine:
            faults.append(Reason("not_yours", told))
        else:
            return found[0]
        return None

    def _item(self, said: rows.Said, faults: list[Reason]) -> Item | None:
        found = self.items.get(said.item)
        if found is None:
            told: dict[str, object] = {"field": "item", "value": said.item[:60]}
            near = sorted({one.name_zh for name, one in self.items.items() if said.item in name})
            if near:
                faults.append(Reason("which_item", {**told, "choices": near[:5]}))
            else:
                faults.append(Reason("no_item", told))
        return found

    def _quantity(self, said: rows.Said, item: Item, faults: list[Reason]) -> int:
        try:
            return units.in_smallest(said.quantity, said.unit, item.unit, item.packs)
        except units.NotExact as problem:
            name = "unit" if problem.code == "unknown_unit" else "quantity"
            value = f"{said.quantity} {said.unit}"[:40]
            faults.append(Reason(f"quantity_{problem.code}", {"field": name, "value": value}))
            return 0

    def _enter(self, ready: Ready, mark: str, at: datetime) -> Judged:
        try:
            with transaction.atomic():
                if ready.said.type == rows.STOCK:
                    self._count(ready, at)
                else:
                    self._bring(ready, mark, at)
        except Refused as problem:
            return Judged(Outcome.ERROR, [kit_words.refusal(problem)], mark)
        return Judged(Outcome.IMPORTED, (), mark)

    def _bring(self, ready: Ready, mark: str, at: datetime) -> None:
        said = ready.said
        facts = SupplyFacts(
            channel=Channel(said.channel),
            place=ready.store,
            party=said.party,
            money=said.money,
            note=said.note,
            synthetic=self.run.synthetic,
            row_print=mark,
        )
        lines = []
        if ready.item is not None:
            lines = [LineFacts(item=ready.item, quantity=ready.quantity)]
        came = said.type == rows.RECEIPT
        made = actions.offer(facts=facts, lines=lines, here=came, by=self.by, at=at)
        if came:
            checked = [
                Checked(line=line, quantity=line.quantity, verdict=Verdict.FITS)
                for line in queries.lines_of(made)
            ]
            papers = Papers(moved_at=self._noon(said, at), note=said.note)
            money = bool(said.money)
            actions.receive(
                supply=made, checked=checked, papers=papers, money=money, by=self.by, at=at
            )

    def _count(self, ready: Ready, at: datetime) -> None:
        assert ready.item is not None
        stock.receive(
            place=ready.store,
            lines=[Arriving(item=ready.item, quantity=ready.quantity)],
            papers=Papers(
                moved_at=self._noon(ready.said, at),
                note=ready.said.note,
                synthetic=self.run.synthetic,
            ),
            by=self.by,
            at=at,
        )

    def _noon(self, said: rows.Said, at: datetime) -> datetime:
        """When it moved: at noon of the day, which the file tells no closer."""
        return min(datetime.combine(said.day, NOON, tzinfo=clock.zone()), at)


def _chosen(cleaned: Mapping[str, Any]) -> tuple[Place, dict[str, object]]:
    store: Store = cleaned["place"]
    facility = store.facility
    assert facility is not None
    where = Place(store.county_id, facility.area_id, facility.pk, facility.name_zh)
    return where, {"place": str(store.public_id)}


SUPPLIES = declare(
    Kind(
        name="supplies.sources.supplies",
        title=_("Import supplies"),
        permission=KEEP,
        urls="supplies:sources:",
        fields=[
            Field(
                name,
                words.FIELDS[name],
                headings,
                required=name in rows.REQUIRED,
                is_moment=name == "date",
            )
            for name, headings in rows.HEADINGS.items()
        ],
        open=SupplyDesk,
        form=forms.UploadForm,
        chosen=_chosen,
        in_words=words.reasons,
        file_name="supplies",
        previewed=("date", "type", "item", "quantity", "unit", "receiver"),
        promise=_(
            "Receipts are booked into the stores, dispatches stand as offers, stock reports are the"
            " first count of a store."
        ),
        results=lambda run: reverse("supplies:sources:index"),
    )
)
