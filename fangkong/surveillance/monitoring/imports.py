"""Files of report cards: what a card's columns are, and how rows become cases (core/imports)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from fangkong.core import clock
from fangkong.core.audit import actions as audit
from fangkong.core.imports import actions as kit
from fangkong.core.imports.actions import FileContent
from fangkong.core.imports.types import (
    Again,
    Field,
    Judged,
    Kind,
    Outcome,
    Place,
    PreparingDesk,
    Values,
    declare,
)
from fangkong.core.imports.words import refusal
from fangkong.core.refusals import Refused
from fangkong.people import actions as people
from fangkong.people.rules import Claim
from fangkong.people.types import Document

from . import columns, forms, met, queries, ready, words
from .cards import Card, Desk
from .entering import (
    Entry,
    Known,
    card_print,
    enter,
    other_dates,
    registration,
    said_of,
    same_illness,
)
from .facts import CaseFacts, Reason
from .models import Case
from .types import IMPORT, counts_changed

__all__ = ["CARDS", "CardDesk", "FileContent", "place_of", "upload"]

if TYPE_CHECKING:
    from fangkong.accounts.models import User
    from fangkong.core.imports.models import ImportRun
    from fangkong.people.types import Registration
    from fangkong.places.models import Area, Facility


Read = tuple[Card | None, list[Reason]]  # the card of a row, or what is wrong with it


class Looked(NamedTuple):
    """What is wrong with a row, or the digest of its card and whom its number means."""

    faults: list[Reason]
    print: str = ""
    claim: Claim | None = None


@dataclass(frozen=True)
class Prepared:
    """Rows ready to be entered: ``good`` says which, ``faults`` what is wrong with the others."""

    count: int
    faults: dict[int, list[Reason]]
    good: list[int]
    ready: ready.Ready


class CardDesk(PreparingDesk):
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
        for one in self.gazetteer.facilities.values():
            _ = one.area.county  # so that nothing is asked for when rows are read

    def look(self, rows: Sequence[Values]) -> list[Looked]:
        read = [self.read(values) for values in rows]
        numbered = [n for n, (card, _faults) in enumerate(read) if card and card.person.id_number]
        stated = [_stated(card) for n in numbered if (card := read[n][0])]
        claims = dict(zip(numbered, people.claims(stated), strict=True))
        return [
            Looked(faults, card_print(card.person, card.case), claims.get(n))
            if card
            else Looked(faults)
            for n, (card, faults) in enumerate(read)
        ]

    def claims(self, looked: list[Looked]) -> list[Claim | None]:
        return [row.claim for row in looked]

    def check_looked(self, looked: list[Looked], again: Again) -> list[Judged]:
        """A row is known where its case is there already, by the digest of its card; one whose
        number is somebody else's, or whose illness is reported with other dates, is refused."""
        known = queries.by_print({row.print for row in looked if row.print})
        claimed = {n: row.claim for n, row in enumerate(looked) if row.claim}
        claimed = {n: claim for n, claim in claimed.items() if looked[n].print not in known}
        held = people.held(claimed, by=self.by, at=self.at)
        earlier = queries.cases_by_person(one.person_id for one in held.values() if not one.refusal)
        rows = cache(again)

        def facts(n: int) -> CaseFacts:
            card, _faults = self.read(rows()[n])
            assert card is not None  # it has a print
            return card.case

        ill: dict[int, Case] = {}  # rows whose illness is reported with other dates
        for n, holder in held.items():
            cases = earlier.get(holder.person_id, ()) if not holder.refusal else ()
            if cases and (illness := same_illness(cases, facts(n))):
                ill[n] = illness
        hidden = met.elsewhere([*known.values(), *ill.values()], by=self.by, at=self.at)

        def judged(n: int, row: Looked) -> Judged:
            if not row.print:
                return Judged(Outcome.ERROR, row.faults)
            if case := known.get(row.print):
                said = met.ELSEWHERE if case.pk in hidden else said_of(case, facts(n))
                return Judged(Outcome.KNOWN, [said], row.print)
            holder = held.get(n)
            if holder and holder.refusal:
                return Judged(Outcome.ERROR, [refusal(holder.refusal)], row.print)
            if illness := ill.get(n):
                reason = met.ELSEWHERE if illness.pk in hidden else other_dates(illness)
                return Judged(Outcome.ERROR, [reason], row.print)
            return Judged(Outcome.OK, row.faults, row.print, row.claim)

        return [judged(n, row) for n, row in enumerate(looked)]

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

    def prepare(self, rows: Sequence[Values], at: datetime) -> Prepared:
        """What each row says now: rules and places may have changed since the check."""
        faults: dict[int, list[Reason]] = {}
        cards: dict[int, Card] = {}
        for n, values in enumerate(rows):
            card, found = self.read(values)
            if card is None:
                faults[n] = found
            else:
                cards[n] = card
        stated = people.plain_many(
            rows=[self._registration(card, at) for card in cards.values()], at=at
        )
        good: list[int] = []
        ready_cards: list[ready.Stated] = []
        for (n, card), person in zip(cards.items(), stated, strict=True):
            if isinstance(person, Refused):
                faults[n] = [refusal(person)]
                continue
            good.append(n)
            ready_cards.append(
                ready.Stated(
                    person,
                    card.case,
                    self.place(card),
                    self.facility(card),
                    card_print(card.person, card.case),
                )
            )
        made = ready.prepare(
            ready_cards,
            reported_at=self._confirmed_at(),
            by_id=self.by.pk,
            at=at,
            synthetic=self.run.synthetic,
            batch_id=self.run.pk,
        )
        return Prepared(len(rows), faults, good, made)

    def enter_prepared(self, prepared: Prepared, again: Again, at: datetime) -> list[Judged]:
        """Register the persons, then enter the cases, each with its line in the audit trail."""
        found = {n: Judged(Outcome.ERROR, faults) for n, faults in prepared.faults.items()}
        rows = cache(again)

        def card(place: int) -> Card:
            read, _faults = self.read(rows()[prepared.good[place]])
            assert read is not None  # it was ready
            return read

        def stated(places: Sequence[int]) -> Sequence[Registration]:
            return [self._registration(card(place), at) for place in places]

        persons = people.enter_prepared(
            prepared=prepared.ready.persons, stated=stated, by=self.by, at=at
        )
        keys: dict[int, int] = {}
        for place, outcome in enumerate(persons.outcomes):
            if isinstance(outcome, Refused):
                found[prepared.good[place]] = Judged(Outcome.ERROR, [refusal(outcome)])
            else:
                keys[place] = outcome
        made = ready.enter(
            prepared.ready,
            keys,
            persons.new,
            lambda place, person: self._entry(card(place), person),
            reported_at=self._confirmed_at(),
            by=self.by,
            at=at,
        )
        found.update(self._entered({prepared.good[place]: made[place] for place in keys}, at))
        return [found[n] for n in range(prepared.count)]

    def enter(self, rows: Sequence[Values], at: datetime) -> list[Judged]:
        """The same row by row, where another process enters the same persons or cards."""
        found: dict[int, Judged] = {}
        cards: dict[int, Card] = {}
        for n, values in enumerate(rows):
            card, faults = self.read(values)
            if card is None:
                found[n] = Judged(Outcome.ERROR, faults)
            else:
                cards[n] = card
        entries = self._entries(cards, found, at)
        made = enter(list(entries.values()), reported_at=self._confirmed_at(), by=self.by, at=at)
        found.update(self._entered(dict(zip(entries, made, strict=True)), at))
        return [found[n] for n in range(len(rows))]

    def _entered(
        self, made: Mapping[int, Case | ready.Made | Known], at: datetime
    ) -> dict[int, Judged]:
        """What is said of rows by what became of them; new cases go into the trail."""
        met_cases = {n: result for n, result in made.items() if isinstance(result, Known)}
        cases = [result for result in made.values() if not isinstance(result, Known)]
        self._note(cases, at)
        self._tell(cases, at)
        new = {n: Judged(Outcome.IMPORTED) for n in made if n not in met_cases}
        return new | self._met(met_cases, at)

    def _met(self, found: Mapping[int, Known], at: datetime) -> dict[int, Judged]:
        """What is said of rows whose cases are there already."""
        cases = [known.case for known in found.values()]
        hidden = met.elsewhere(cases, by=self.by, at=at)
        return {
            n: Judged(
                Outcome.KNOWN if known.same else Outcome.ERROR,
                [met.ELSEWHERE] if known.case.pk in hidden else known.reasons,
            )
            for n, known in found.items()
        }

    def _confirmed_at(self) -> datetime:
        assert self.run.confirmed_at is not None
        return self.run.confirmed_at

    def _registration(self, card: Card, at: datetime) -> Registration:
        return registration(card.person, self.area(card), self.run.synthetic, at)

    def _entries(
        self, cards: Mapping[int, Card], found: dict[int, Judged], at: datetime
    ) -> dict[int, Entry]:
        """The cards ready to be entered, their persons registered; others become errors."""
        wanted = [self._registration(card, at) for card in cards.values()]
        persons = people.register_many(rows=wanted, by=self.by, at=at)
        entries = {}
        for (n, card), person in zip(cards.items(), persons, strict=True):
            if isinstance(person, Refused):
                found[n] = Judged(Outcome.ERROR, [refusal(person)])
                continue
            entries[n] = self._entry(card, person.pk)
        return entries

    def _entry(self, card: Card, person_id: int) -> Entry:
        return Entry(
            person_id=person_id,
            place=self.place(card),
            facility=self.facility(card),
            facts=card.case,
            card_print=card_print(card.person, card.case),
            synthetic=self.run.synthetic,
            batch_id=self.run.pk,
        )

    def _note(self, cases: Sequence[Case | ready.Made], at: datetime) -> None:
        audit.record_rows(
            "surveillance.monitoring.report",
            Case,
            [case.pk for case in cases],
            public_ids=[case.public_id for case in cases],
            area_keys=[case.area_id or case.county_id for case in cases],
            by=self.by,
            at=at,
            detail={"import": str(self.run.public_id)},
        )

    def _tell(self, cases: Sequence[Case | ready.Made], at: datetime) -> None:
        if cases:
            counts_changed(
                {case.county_id for case in cases}, {case.condition for case in cases}, at, self.by
            )


def _stated(card: Card) -> tuple[Document, str, str, date | None]:
    who = card.person
    return Document(who.id_kind, who.id_number), who.name, who.sex, who.birth_date


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
                is_moment=name in columns.MOMENTS,
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
