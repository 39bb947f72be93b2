"""Files of contacts: a row says who was with which case, how and on which days (core/imports)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from functools import cache
from typing import TYPE_CHECKING, Any

from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from fangkong.core import clock
from fangkong.core.imports import words as kit_words
from fangkong.core.imports.reasons import Reason
from fangkong.core.imports.types import Field, Judged, Kind, Outcome, Place, Values, declare
from fangkong.core.refusals import Refused
from fangkong.packs.types import ExposureKind
from fangkong.people import actions as people
from fangkong.people import queries as persons
from fangkong.people.types import Document, PhoneNumber, Registration
from fangkong.places import queries as places

from . import actions, entering, forms, queries, rows, rules, words
from .entering import Ready
from .types import TRACE, ExposureFacts

if TYPE_CHECKING:
    from fangkong.accounts.models import User
    from fangkong.core.imports.models import ImportRun
    from fangkong.people.models import Person
    from fangkong.people.rules import Claim
    from fangkong.places.models import Area
    from fangkong.surveillance.monitoring.models import Case


@dataclass
class Looked:
    """A row on its way: what is judged of it, or what it takes to enter it.

    ``person``: found by phone and name; ``known``: the key of whoever has the document.
    """

    judged: Judged | None = None
    ready: Ready | None = None
    stated: Registration | None = None
    person: Person | None = None
    known: int | None = None
    claim: Claim | None = None
    print: str = ""


@dataclass
class ContactDesk:
    """Where the rows of one file are judged and entered, for the cases of its county."""

    run: ImportRun
    by: User
    at: datetime
    today: date = field(init=False)

    def __post_init__(self) -> None:
        self.today = clock.day_of(self.at)
        self.matcher = places.matcher(self.today)
        self.specimen = cache(queries.first_specimen)
        self.kinds = cache(self._kinds)
        self.judgement = cache(self._judgement)

    def check(self, values: Sequence[Values]) -> list[Judged]:
        """What would become of each row; nothing is written."""
        looked = self._look(values, self.at)
        self._meet(looked, {n: key for n, one in enumerate(looked) if (key := _key(one))})
        return [one.judged or Judged(Outcome.OK, (), one.print, one.claim) for one in looked]

    def enter(self, values: Sequence[Values], at: datetime) -> list[Judged]:
        """Each row as the form would enter it, with a line in the trail for each record."""
        looked = self._look(values, at)
        new = {n: one.stated for n, one in enumerate(looked) if not one.judged and not one.person}
        made = people.register_many(rows=[s for s in new.values() if s], by=self.by, at=at)
        for n, outcome in zip(new, made, strict=True):
            if isinstance(outcome, Refused):
                looked[n].judged = Judged(Outcome.ERROR, [kit_words.refusal(outcome)])
            else:
                looked[n].person = outcome
        self._meet(looked, {n: one.person.pk for n, one in enumerate(looked) if one.person})
        todo = [one for one in looked if not one.judged]
        entered = entering.enter(
            [one.ready for one in todo if one.ready],
            [one.person for one in todo if one.person],
            areas=self.matcher.areas,
            synthetic=self.run.synthetic,
            detail={"import": str(self.run.public_id)},
            by=self.by,
            at=at,
        )
        for one, result in zip(todo, entered, strict=True):
            if result is None:
                one.judged = Judged(Outcome.IMPORTED)
            else:
                one.judged = Judged(Outcome.ERROR, [kit_words.refusal(result)])
        return [one.judged for one in looked if one.judged]

    def _look(self, values: Sequence[Values], at: datetime) -> list[Looked]:
        """Each row read and judged by the rules; who is meant by document or phone is looked up."""
        default = str(self.run.options.get("case", ""))
        said = [rows.read(one, default, clock.zone()) for one in values]
        numbers = {one.case_number for one, _faults in said if one.case_number}
        cases = queries.cases_of_file(self.by, at, self.run.county_id, numbers)
        looked = [self._judged(one, faults, cases, at) for one, faults in said]
        entered = queries.rows_entered([one.print for one in looked if one.print])
        for one in looked:
            if not one.judged and one.print in entered:
                again = [Reason("withdrawn" if entered[one.print] else "known")]
                one.judged = Judged(Outcome.KNOWN, again, one.print)
        left = [one for one in looked if not one.judged]
        stated = [one.stated for one in left if one.stated]
        for one, plain in zip(left, people.plain_many(rows=stated, at=at), strict=True):
            if isinstance(plain, Refused):
                one.judged = Judged(Outcome.ERROR, [kit_words.refusal(plain)], one.print)
        self._by_phone([one for one in left if not one.judged], at)
        self._by_document([one for one in left if not one.judged], at)
        return looked

    def _judged(
        self, said: rows.Said, faults: list[Reason], cases: Mapping[str, Case], at: datetime
    ) -> Looked:
        """A row by the rules; all that is wrong with it is said, so that it is corrected once."""
        found = list(faults)
        case = cases.get(said.case_number)
        if said.case_number and case is None:
            found.append(
                Reason("no_case", {"field": "case_number", "value": said.case_number[:30]})
            )
        if len(said.place) > 100:
            found.append(Reason("too_long", {"field": "place", "limit": 100}))
        known = () if case is None else self.kinds(case.condition)
        kind = rows.kind_of(said.kind, known)
        if said.kind and known and not kind:
            names = [one.name.zh for one in known]
            asked = {"field": "kind", "value": said.kind[:40]}
            found.append(Reason("not_one_of", {**asked, "choices": names}))
        mark, stated = said.print_of(kind), self._stated(said, at)
        ready = self._ready(said, case, kind, bool(known), mark, found)
        if ready is not None and not found:
            return Looked(ready=ready, stated=stated, print=mark)
        apart = [replace(stated, phones=()), replace(stated, documents=())] if said.name else []
        plain = people.plain_many(rows=apart, at=at)
        found += [_of_person(one) for one in plain if isinstance(one, Refused)]
        return Looked(Judged(Outcome.ERROR, rows.in_order(found), "" if faults else mark))

    def _ready(
        self,
        said: rows.Said,
        case: Case | None,
        kind: str,
        judges: bool,
        mark: str,
        found: list[Reason],
    ) -> Ready | None:
        """The exposure judged, or what is wrong with its days added to ``found``."""
        if said.first_date is None or said.last_date is None:
            days = (("first_date", said.first_date), ("last_date", said.last_date))
            to_come = [name for name, day in days if day is not None and day > self.today]
            found += [Reason("fault_day_to_come", {"field": name}) for name in to_come]
            return None
        if case is None or (judges and not kind):
            wrong = rules.exposure_faults(said.first_date, said.last_date, self.today)
            found += [Reason(f"fault_{code}", {"field": name}) for name, code in wrong]
            return None
        facts = ExposureFacts(
            kind=kind,
            first_date=said.first_date,
            last_date=said.last_date,
            setting=said.setting,
            place=said.place[:100],
            relation=said.relation,
        )
        try:
            return Ready(case, facts, self.judgement(case, facts), mark)
        except actions.NotAcceptable as problem:
            found += [Reason(f"fault_{code}", {"field": name}) for name, code in problem.codes]
        except Refused as problem:
            found.append(kit_words.refusal(problem))
        return None

    def _judgement(self, case: Case, facts: ExposureFacts) -> actions.Judged:
        return actions.judged_as(case, facts, None, self.today, self.specimen)

    def _kinds(self, condition: str) -> tuple[ExposureKind, ...]:
        return queries.kinds(queries.whole(condition, self.today), self.today)

    def _stated(self, said: rows.Said, at: datetime) -> Registration:
        aged = said.age_years is not None
        area: Area | None = self.matcher.match(said.address).area if said.address else None
        return Registration(
            name=said.name,
            sex=said.sex,
            birth_date=said.birth_date,
            age_years=said.age_years,
            age_months=said.age_months,
            age_on=clock.day_of(at) if aged else None,
            area=area,
            address_detail=said.address,
            documents=(Document(said.id_kind, said.id_number),) if said.id_number else (),
            phones=(PhoneNumber(said.phone),) if said.phone else (),
            synthetic=self.run.synthetic,
        )

    def _by_phone(self, looked: list[Looked], at: datetime) -> None:
        """Who is meant by name and phone, among those open to the user or entered for the case."""
        asked = [one for one in looked if one.stated and not one.stated.documents]
        asked = [one for one in asked if one.stated and one.stated.phones]
        numbers = {one.stated.phones[0].number for one in asked if one.stated}
        if not numbers:
            return
        known = queries.exposed_to({one.ready.case.pk for one in asked if one.ready})
        holders = persons.by_phones(self.by, at, sorted(numbers), known)
        for one in asked:
            assert one.stated is not None
            alike = [
                person
                for person in holders.get(one.stated.phones[0].number, [])
                if _same(person, one.stated)
            ]
            if len(alike) > 1:
                fault = Reason("several_persons", {"field": "phone"})
                one.judged = Judged(Outcome.ERROR, [fault], one.print)
            elif alike:
                one.person = alike[0]

    def _by_document(self, looked: list[Looked], at: datetime) -> None:
        """Who is meant by a document; refused where it is somebody else's, as on the form."""
        asked = [one for one in looked if one.stated and one.stated.documents]
        stated = [
            (s.documents[0], s.name, s.sex, s.birth_date)
            for s in (one.stated for one in asked)
            if s
        ]
        claims = dict(enumerate(people.claims(stated)))
        held = people.held(claims, by=self.by, at=at) if claims else {}
        for n, one in enumerate(asked):
            one.claim = claims[n]
            if (holder := held.get(n)) is None:
                continue
            if holder.refusal:
                one.judged = Judged(Outcome.ERROR, [kit_words.refusal(holder.refusal)], one.print)
            else:
                one.known = holder.person_id

    def _meet(self, looked: list[Looked], keys: Mapping[int, int]) -> None:
        """Rows of persons who are known: refused or known where the contact stands already."""
        met = {n: one for n in keys if (one := looked[n]).ready and not one.judged}
        if not met:
            return
        cases = {one.ready.case.pk for one in met.values() if one.ready}
        standing = queries.days_with_many(cases, {keys[n] for n in met})
        for n, one in met.items():
            assert one.ready is not None
            case, facts = one.ready.case, one.ready.facts
            days = standing.get((case.pk, keys[n], facts.kind), [])
            try:
                actions.refuse_person(case, keys[n])
            except Refused as problem:
                one.judged = Judged(Outcome.ERROR, [kit_words.refusal(problem)], one.print)
                continue
            if (facts.first_date, facts.last_date) in days:
                one.judged = Judged(Outcome.KNOWN, [Reason("known")], one.print)
            elif rules.overlap(facts.first_date, facts.last_date, days):
                fault = kit_words.refusal(actions.already())
                one.judged = Judged(Outcome.ERROR, [fault], one.print)


# How the register calls what a column holds.
_COLUMNS = {"document_number": "id_number", "document_kind": "id_kind", "age_years": "age"}
_COLUMNS |= {"address_detail": "address"}


def _of_person(problem: Refused) -> Reason:
    """What is wrong with the person of a row, beside its column where that is known."""
    said = kit_words.refusal(problem)
    name = str(getattr(problem, "field", "") or "")
    name = _COLUMNS.get(name, name)
    return Reason(said.code, {**said.params, "field": name}) if name in rows.HEADINGS else said


def _key(one: Looked) -> int | None:
    return one.person.pk if one.person else one.known


def _same(person: Person, stated: Registration) -> bool:
    """Can a person with this phone be the one of a row: the same name, and nothing against it?"""
    born, sex = stated.birth_date, stated.sex
    return (
        persons.same_name(person, stated.name)
        and not (born and person.birth_date and born != person.birth_date)
        and {sex, person.sex} != {"1", "2"}
    )


def _chosen(cleaned: Mapping[str, Any]) -> tuple[Place, dict[str, object]]:
    county: Area = cleaned["county"]
    return Place(county.pk, None, None, county.name_zh), {"case": cleaned["case"].strip().upper()}


CONTACTS = declare(
    Kind(
        name="surveillance.screening.contacts",
        title=_("Import contacts"),
        permission=TRACE,
        urls="surveillance:screening:",
        fields=[
            Field(
                name,
                words.FIELDS[name],
                headings,
                required=name in rows.REQUIRED,
                is_moment=name in rows.MOMENTS,
            )
            for name, headings in rows.HEADINGS.items()
        ],
        open=ContactDesk,
        form=forms.UploadForm,
        chosen=_chosen,
        in_words=words.reasons,
        file_name="contacts",
        previewed=("case_number", "kind", "first_date", "last_date", "place"),
        promise=_(
            "Each contact is judged by the rules of today; whom they watch is watched from today"
            " on, and stands on the list of the unit that visits."
        ),
        portion=500,
        results=lambda run: reverse("surveillance:screening:index"),
    )
)
