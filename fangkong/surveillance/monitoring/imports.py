"""Files of report cards: what a card's columns are, and how rows become cases (core/imports)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from fangkong.core import clock
from fangkong.core.audit import actions as audit
from fangkong.core.imports import actions as kit
from fangkong.core.imports.actions import FileContent
from fangkong.core.imports.types import (
    Field,
    Following,
    Judged,
    Kind,
    Outcome,
    Place,
    Values,
    declare,
)
from fangkong.core.refusals import Refused
from fangkong.people import actions as people

from . import columns, forms, queries, words
from .cards import Card, Desk
from .entering import Entry, card_print, enter, registration, said_of
from .facts import Reason
from .models import Case
from .types import IMPORT, counts_changed

__all__ = ["CARDS", "CardDesk", "FileContent", "place_of", "upload"]

if TYPE_CHECKING:
    from fangkong.accounts.models import User
    from fangkong.core.imports.models import ImportRun
    from fangkong.places.models import Area, Facility


Read = tuple[Card | None, list[Reason]]  # the card of a row, or what is wrong with it


class CardDesk:
    """Where the rows of one file are judged: its reader of cards, and places as records."""

    def __init__(self, run: ImportRun, by: User, at: datetime) -> None:
        self.run, self.by, self.at = run, by, at
        self.gazetteer = queries.Gazetteer(by, at)
        facility_id = run.facility_id
        assert facility_id is not None  # every file of cards belongs to one
        if facility_id not in self.gazetteer.facilities:
            self.gazetteer.facilities[facility_id] = queries.facility(facility_id)
        self.reader = Desk(
            pack_on=queries.pack_on,
            places=self.gazetteer,
            facility_id=facility_id,
            now=at,
            zone=clock.zone(),
        )
        self.ahead: tuple[Sequence[Values], list[Read]] = ((), [])  # rows, and what they say

    def check(self, rows: Sequence[Values]) -> list[Judged]:
        """A row is known where its case is there already, by the digest of its card."""
        cards: list[Card | None] = []
        judged = []
        for values in rows:
            card, faults = self.read(values)
            cards.append(card)
            print_ = card_print(card.person, card.case) if card else ""
            judged.append(Judged(Outcome.OK if card else Outcome.ERROR, faults, print_))
        known = queries.by_print({one.print for one in judged if one.print})
        return [
            one
            if card is None or one.print not in known
            else Judged(Outcome.KNOWN, [said_of(known[one.print], card.case)], one.print)
            for card, one in zip(cards, judged, strict=True)
        ]

    def read(self, values: Values) -> Read:
        card, faults = self.reader.read(values)
        if card is not None and self.place(card).county_id is None:
            return None, [Reason("no_county")]
        return card, faults

    def area(self, card: Card) -> Area | None:
        return self.gazetteer.area_named(card.person.area_id)

    def facility(self, card: Card) -> Facility:
        return self.gazetteer.facilities[card.facility_id]

    def place(self, card: Card) -> Area:
        return self.gazetteer.responsible(self.area(card), self.facility(card))

    def enter(
        self, rows: Sequence[Values], at: datetime, following: Following = lambda: ()
    ) -> list[Judged]:
        """Register the persons, then enter the cases, each with its line in the audit trail."""
        found: dict[int, Judged] = {}
        cards: dict[int, Card] = {}
        for n, (card, faults) in enumerate(self._read_all(rows)):
            if card is None:  # the rules or the places have changed since the check
                found[n] = Judged(Outcome.ERROR, faults)
            else:
                cards[n] = card
        entries = self._entries(cards, found, at)
        assert self.run.confirmed_at is not None
        made = enter(list(entries.values()), reported_at=self.run.confirmed_at, by=self.by, at=at)
        cases: list[Case] = []
        for n, result in zip(entries, made, strict=True):
            if isinstance(result, Case):
                cases.append(result)
                found[n] = Judged(Outcome.IMPORTED)
            else:
                outcome = Outcome.KNOWN if result.same else Outcome.ERROR
                found[n] = Judged(outcome, result.reasons)
        self._note(cases, at)
        after = following()
        self.ahead = (after, self._read_all(after))  # while PostgreSQL writes (core/bulk.py)
        self._tell(cases, at)
        return [found[n] for n in range(len(rows))]

    def _read_all(self, rows: Sequence[Values]) -> list[Read]:
        """What each row says, by the rules and places with which this desk was opened."""
        known, said = self.ahead
        return said if rows is known else [self.read(values) for values in rows]

    def _entries(
        self, cards: Mapping[int, Card], found: dict[int, Judged], at: datetime
    ) -> dict[int, Entry]:
        """The cards ready to be entered, their persons registered; others become errors."""
        synthetic = self.run.synthetic
        wanted = [registration(c.person, self.area(c), synthetic, at) for c in cards.values()]
        persons = people.register_many(rows=wanted, by=self.by, at=at)
        entries = {}
        for (n, card), person in zip(cards.items(), persons, strict=True):
            if isinstance(person, Refused):
                found[n] = Judged(Outcome.ERROR, [Reason("said", {"text": str(person)})])
                continue
            entries[n] = Entry(
                person_id=person.pk,
                place=self.place(card),
                facility=self.facility(card),
                facts=card.case,
                card_print=card_print(card.person, card.case),
                synthetic=synthetic,
                batch_id=self.run.pk,
            )
        return entries

    def _note(self, cases: Sequence[Case], at: datetime) -> None:
        detail = {"import": str(self.run.public_id)}
        audit.record_many("surveillance.monitoring.report", cases, by=self.by, at=at, detail=detail)

    def _tell(self, cases: Sequence[Case], at: datetime) -> None:
        if cases:
            counts_changed(
                {case.county_id for case in cases}, {case.condition for case in cases}, at, self.by
            )


def _chosen(cleaned: Mapping[str, Any]) -> tuple[Place, dict[str, object]]:
    return place_of(cleaned["facility"]), {}


def place_of(facility: Facility) -> Place:
    """Where a file of a facility belongs."""
    return Place(facility.area.county_id, facility.area_id, facility.pk, facility.name_zh)


CARDS = declare(
    Kind(
        name="surveillance.monitoring.cards",
        title=_("Import report cards"),
        permission=IMPORT,
        urls="surveillance:monitoring:",
        fields=[
            Field(
                name,
                words.FIELDS.get(name, headings[0]),
                headings,
                required=name in columns.REQUIRED,
                in_template=name not in columns.NOT_IN_TEMPLATE,
            )
            for name, headings in columns.HEADINGS.items()
        ],
        open=CardDesk,
        form=forms.UploadForm,
        chosen=_chosen,
        in_words=words.reasons,
        file_name="report-cards",
        previewed=("condition", "case_class", "onset_date", "diagnosed_at", "address"),
        promise=_(
            "The cards are reported in the name of the facility; the counts and the warnings "
            "follow at once. This cannot be undone, only revised."
        ),
        results=lambda run: f"{reverse('surveillance:monitoring:index')}?batch={run.public_id}",
    )
)


def upload(
    *,
    content: FileContent,
    file_name: str,
    facility: Facility,
    synthetic: bool = False,
    by: User,
    at: datetime,
) -> ImportRun:
    """Take a file of cards in; ``facility`` reports the rows that name none."""
    return kit.upload(
        kind=CARDS.name,
        content=content,
        file_name=file_name,
        place=place_of(facility),
        synthetic=synthetic,
        by=by,
        at=at,
    )
