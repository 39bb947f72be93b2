"""One row of a file as a report card, or everything that is wrong with the row. No Django.

Every fault of a row is said at once: whoever corrects a file should have to do it once.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import cache, lru_cache
from typing import Protocol
from zoneinfo import ZoneInfo

from fangkong.core.imports.serials import parse_moment as parse_moment
from fangkong.packs import queries as packs
from fangkong.packs.types import NoPackInForce, Pack, UnknownCode
from fangkong.packs.types import Row as NamedRow
from fangkong.people import rules as people

from . import rules
from .columns import HEADINGS
from .facts import CaseFacts, Dwelling, PersonFacts, Reason

LIMITS = {"name": 60, "doctor": 60, "workplace": 100, "guardian": 60, "address": 200}
LIMITS |= {"origin_place": 200, "remark": 400, "phone": 30, "id_number": 30}
REMEMBERED = 4096  # judgements of a file
_ORDER = {field: place for place, field in enumerate(HEADINGS)}

_AGE = re.compile(r"(\d{1,4})\s*(岁|周岁|y|years?|月|个月|m|months?|天|日|d|days?)?", re.IGNORECASE)
LOST_DIGITS = re.compile(r"\d(\.\d+)?E\+?\d+", re.IGNORECASE)

SEXES = {"男": "1", "male": "1", "m": "1", "1": "1", "女": "2", "female": "2", "f": "2", "2": "2"}
SEXES |= {"未知": "9", "不详": "9", "未说明": "9", "unknown": "9", "0": "9", "9": "9"}
_COURSES = {"急性": "acute", "acute": "acute", "慢性": "chronic", "chronic": "chronic"}
_COURSES |= {"未分类": "", "unclassified": ""}
_ORIGINS = {"输入": "import", "输入病例": "import", "境外输入": "import", "是": "import"}
_ORIGINS |= {"imported": "import", "import": "import", "yes": "import"}
_ORIGINS |= {"本地": "local", "本地病例": "local", "本土": "local", "否": "local", "local": "local"}
_ORIGINS |= {"no": "local", "不详": "unknown", "未知": "unknown", "unknown": "unknown"}
DOCUMENTS = {
    "居民身份证": "resident_id",
    "身份证": "resident_id",
    "residentidentitycard": "resident_id",
    "residentid": "resident_id",
    "idcard": "resident_id",
    "护照": "passport",
    "passport": "passport",
    "港澳居民来往内地通行证": "hk_macao_permit",
    "港澳通行证": "hk_macao_permit",
    "hkmacaopermit": "hk_macao_permit",
    "台湾居民来往大陆通行证": "taiwan_permit",
    "台胞证": "taiwan_permit",
    "taiwanpermit": "taiwan_permit",
    "军官证": "military",
    "士兵证": "military",
    "military": "military",
    "户口簿": "household_book",
    "householdbook": "household_book",
    "外国人永久居留身份证": "foreign_permanent_residence",
    "外国人永久居留证": "foreign_permanent_residence",
    "permanentresidence": "foreign_permanent_residence",
    "foreignpermanentresidence": "foreign_permanent_residence",
}


@dataclass(frozen=True)
class Found:
    """A place that was looked up: its id, or the names of those that come near."""

    id: int | None
    candidates: tuple[str, ...] = ()


class Places(Protocol):
    """How words become places; the queries of this part answer it, each word looked up once."""

    def area(self, address: str, code: str) -> Found:
        """The smallest area that an address or a code names."""
        ...

    def facility(self, name: str) -> Found:
        """The facility of this name among those that the sender may report for."""
        ...

    def dwelling(self, area_id: int | None, facility_id: int) -> Dwelling:
        """Where an area lies, seen from a facility; anywhere where either is not known."""
        ...


@dataclass(frozen=True, kw_only=True)
class Card:
    """A row that can be reported."""

    person: PersonFacts
    case: CaseFacts
    facility_id: int


class Desk:
    """Where rows are read: the rules, the places and the moment that all rows of a file share."""

    def __init__(
        self,
        *,
        pack_on: Callable[[date], Pack],
        places: Places,
        facility_id: int,
        now: datetime,
        zone: ZoneInfo,
    ) -> None:
        self.pack_on = cache(pack_on)
        self.places = places
        self.facility_id = facility_id  # for rows that name no facility
        self.now = now
        self.zone = zone
        self.today = now.astimezone(zone).date()
        self.area = lru_cache(maxsize=16_384)(places.area)
        self.facility = lru_cache(maxsize=4096)(places.facility)
        self.moment = lru_cache(maxsize=4096)(self._moment)
        self.condition = lru_cache(maxsize=4096)(self._condition)
        self.words = lru_cache(maxsize=4096)(self._words)
        self.lawless = lru_cache(maxsize=4096)(self._lawless)
        self.dwelling = lru_cache(maxsize=16_384)(places.dwelling)
        self.judged: dict[tuple[object, ...], list[Reason]] = {}

    def read(self, values: Mapping[str, str]) -> tuple[Card | None, list[Reason]]:
        """The card of a row (field to text), or None with all its faults in the card's order."""
        return _Row(self, values).card()

    def revised(
        self,
        values: Mapping[str, str],
        patient: rules.Patient,
        before: rules.Before,
        dwelling: Dwelling,
    ) -> tuple[CaseFacts | None, list[Reason]]:
        """The judged part of a card alone, for a revised report of a known patient."""
        row = _Row(self, values)
        case, day = row.case()
        row.add(
            rules.revision_faults(
                self.pack_on(day),
                patient,
                case,
                before,
                dwelling,
                now=self.now,
                zone=self.zone,
                judge=self.judge,
            )
        )
        return (None if row.faults else case), row.in_order()

    def judge(self, pack: Pack, case: CaseFacts, on: date) -> list[Reason]:
        """``rules.judgement_faults``, remembered: the rows of a file say the same few things."""
        said = (case.condition, case.case_class, case.severity, case.course, case.relation)
        key = (pack.id, on, *said)
        found = self.judged.get(key)
        if found is None:
            if len(self.judged) >= REMEMBERED:
                self.judged.clear()
            found = self.judged[key] = rules.judgement_faults(pack, case, on)
        return found

    def _lawless(self, day: date) -> bool:
        """Whether no rules are in force on a day, by which a card of it could be judged."""
        try:
            self.pack_on(day)
        except NoPackInForce:
            return True
        return False

    def _moment(self, text: str) -> datetime | None:
        return parse_moment(text, self.zone)

    def _condition(self, text: str, day: date) -> str | None:
        return packs.named(self.pack_on(day), text)

    def _words(self, kind: str, day: date, condition: str) -> dict[str, str]:
        """The words of a list of the pack, in both languages and as codes, with their codes."""
        pack = self.pack_on(day)
        lists: dict[str, Callable[[], Iterable[NamedRow]]] = {
            "case_class": lambda: packs.case_classes(pack, condition, day),
            "severity": lambda: packs.severities(pack, condition, day),
            "relation": lambda: pack.residence_relations,
            "occupation": lambda: pack.occupations,
        }
        try:
            rows = lists[kind]()
        except UnknownCode:  # a disease that nobody knows, told elsewhere
            rows = ()
        return {
            bare(word): row.code
            for row in rows
            for name in (row.code, row.name.zh, row.name.en)
            for word in _spoken(name)
        }


class _Row:
    """One row on its way to a card: read field by field, then judged as every card is (``rules``).

    What could not be read is not judged again.
    """

    def __init__(self, desk: Desk, values: Mapping[str, str]) -> None:
        self.desk = desk
        self.values = {name: text.strip() for name, text in values.items()}
        self.faults: list[Reason] = []

    def card(self) -> tuple[Card | None, list[Reason]]:
        name = self.named("name")
        id_kind, id_number = self.document()
        sex = self.sex()
        birth_date = self.day("birth_date")
        sex, birth_date = self.with_number(id_kind, id_number, sex, birth_date)
        years, months = self.age() if birth_date is None else (None, None)
        case, day = self.case()
        facility_id, address = self.facility(), self.text("address")
        area_id, dwelling = self.dwelling(address, facility_id)
        person = PersonFacts(
            name=name,
            sex=sex,
            birth_date=birth_date,
            age_years=years,
            age_months=months,
            id_kind=id_kind,
            id_number=id_number,
            phone=self.phone(),
            occupation=self.code_of("occupation", day),
            workplace=self.text("workplace"),
            guardian=self.named("guardian"),
            area_id=area_id,
            address=address,
        )
        desk = self.desk
        self.add(
            rules.card_faults(
                desk.pack_on(day),
                person,
                case,
                dwelling,
                now=desk.now,
                zone=desk.zone,
                judge=desk.judge,
            )
        )
        if self.faults or facility_id is None:
            return None, self.in_order()
        return Card(person=person, case=case, facility_id=facility_id), []

    def add(self, found: Iterable[Reason]) -> None:
        """Faults by the rules, but for fields that could not even be read."""
        if found:
            named = {fault.field for fault in self.faults}
            self.faults += [fault for fault in found if fault.field not in named]

    def in_order(self) -> list[Reason]:
        """The faults in the order of the card."""
        return sorted(self.faults, key=lambda fault: _ORDER.get(fault.field, len(_ORDER)))

    # --- fields -----------------------------------------------------------------------------

    def text(self, field: str) -> str:
        value = self.values.get(field)
        if not value:
            return ""
        limit = LIMITS.get(field, 0)
        if limit and len(value) > limit:
            self.fault("too_long", field, limit=limit)
            return value[:limit]
        if not people.is_plain_text(value):
            self.fault("unreadable", field)
            return ""
        return value

    def named(self, field: str) -> str:
        """What somebody is called."""
        name = people.plain_name(self.text(field))
        if name and not people.is_name(name):
            self.fault("no_name", field)
            return ""
        return name

    def of(self, field: str) -> str:
        return self.values.get(field, "")

    def moment(self, field: str) -> datetime | None:
        text = self.of(field)
        if not text:
            return None
        moment = self.desk.moment(text)
        if moment is None:
            self.fault("bad_date", field, value=text)
        return moment

    def day(self, field: str) -> date | None:
        moment = self.moment(field)
        return None if moment is None else moment.date()

    def choice(self, field: str, known: Mapping[str, str]) -> str:
        """The code of a word of ours."""
        text = self.of(field)
        if not text:
            return ""
        code = known.get(bare(text))
        if code is None:
            self.fault("not_one_of", field, value=text, choices=_shown(known))
            return ""
        return code

    def code_of(self, field: str, on: date, condition: str = "") -> str:
        """The code of a word of the pack's lists; a word that is none stays as it is."""
        text = self.of(field)
        if not text:
            return ""
        known = self.desk.words(field, on, condition)
        word = bare(text)
        return known.get(word) or known.get(word.removesuffix("case")) or text

    def sex(self) -> str:
        return self.choice("sex", SEXES) or "9"

    def document(self) -> tuple[str, str]:
        number = people.plain_number(self.text("id_number"))
        if not number:
            return "", ""
        kind = self.choice("id_kind", DOCUMENTS) or "resident_id"
        if LOST_DIGITS.fullmatch(number) and "E" in number:
            self.fault("lost_digits", "id_number")
            return "", ""
        if (wrong := people.document_fault(kind, number)) is not None:
            self.fault("bad_number", "id_number", kind=kind, fault=wrong.value)
            return "", ""
        return kind, number

    def with_number(
        self, kind: str, number: str, sex: str, birth_date: date | None
    ) -> tuple[str, date | None]:
        """Sex and birth date, filled from a citizen's number where the card leaves them out."""
        if kind != "resident_id" or not number:
            return sex, birth_date
        told = people.read_resident_id(number)
        other = people.disagreement(told, sex=sex, birth_date=birth_date)
        if other:
            self.fault("differs_from_number", other)
            return sex, birth_date
        return (told.sex if sex == "9" else sex), birth_date or told.birth_date

    def age(self) -> tuple[int | None, int | None]:
        """Full years, or the months of a child under two."""
        if not self.of("age"):
            return None, None  # a unit alone, as the form sends it, says nothing
        text = unicodedata.normalize("NFKC", self.of("age") + self.of("age_unit"))
        age = parse_age(text)
        if age is None:
            self.fault("bad_age", "age", value=text)
        return age or (None, None)

    def phone(self) -> str:
        number = people.plain_phone(self.text("phone"))
        if number and not people.is_phone(number):
            self.fault("bad_phone", "phone", value=number)
        return number

    def dwelling(self, address: str, facility_id: int | None) -> tuple[int | None, Dwelling]:
        """The area where the patient lives, as far as it is known, and where that is from here."""
        code = self.of("area")
        found = self.desk.area(address, code)
        dwelling = self.desk.dwelling(found.id, facility_id or self.desk.facility_id)
        return found.id, replace(dwelling, written=address or code, near=found.candidates)

    def facility(self) -> int | None:
        name = self.of("facility")
        if not name:
            return self.desk.facility_id
        found = self.desk.facility(name)
        if found.id is None:
            self.fault("facility_unknown", "facility", value=name, near=list(found.candidates))
        return found.id

    def case(self) -> tuple[CaseFacts, date]:
        """The judged part, and the day whose rules it is judged by: today where none is told."""
        diagnosed_at = self.moment("diagnosed_at")
        if not self.of("diagnosed_at"):
            self.fault("missing", "diagnosed_at")
        day = diagnosed_at.date() if diagnosed_at else self.desk.today
        if self.desk.lawless(day):
            self.faults.append(rules.no_rules(day))
            diagnosed_at, day = None, self.desk.today
        condition = self.desk.condition(self.of("condition"), day) or self.of("condition")
        onset, died = self.day("onset_date"), self.day("died_on")
        if diagnosed_at is None:  # no other day can be held against it
            onset = died = None
        case = CaseFacts(
            condition=condition,
            case_class=self.code_of("case_class", day, condition),
            diagnosed_at=diagnosed_at or self.desk.now,
            severity=self.code_of("severity", day, condition),
            course=self.choice("course", _COURSES),
            onset_date=onset,
            died_on=died,
            relation=self.code_of("relation", day),
            origin=self.choice("origin", _ORIGINS) or "unknown",
            origin_place=self.text("origin_place"),
            doctor=self.named("doctor"),
            remark=self.text("remark"),
        )
        return case, day

    def fault(self, code: str, field: str, **params: object) -> None:
        self.faults.append(Reason(code, {"field": field, **params}))


def parse_age(text: str) -> tuple[int, int | None] | None:
    """An age as people type it (56, 56岁, 3 months, 10天) in full years, with the months of a child
    under two; or None."""
    plain = unicodedata.normalize("NFKC", text).replace(" ", "").removesuffix(".0")
    found = _AGE.fullmatch(plain)
    if found is None or (int(found[1]) > rules.OLDEST_BIRTH and (found[2] or "岁") in "岁周岁"):
        return None
    amount, unit = int(found[1]), (found[2] or "岁").lower()
    if unit[0] in "天日d":
        return 0, amount // 30
    if unit[0] in "月个m":
        return amount // 12, amount if amount < 24 else None
    return amount, None


def _spoken(name: str) -> list[str]:
    """A name as it is also said: 确诊 for 确诊病例, and either half of 阳性检测(无症状感染者)."""
    halves = re.split(r"[()（）]", name)
    short = [half.removesuffix("病例").removesuffix(" case") for half in halves]
    return [name, *(word for word in (*halves, *short) if word.strip())]


@lru_cache(maxsize=4096)  # a file says the same few words in every row
def bare(word: str) -> str:
    """A word without blanks, stops and capitals: "确诊病例" and "确诊 病例" are one."""
    return re.sub(r"[\s()/·,._-]+", "", unicodedata.normalize("NFKC", word)).casefold()


def _shown(known: Mapping[str, str]) -> list[str]:
    """One word per code for the reader of the fault, Chinese where there is one."""
    first: dict[str, str] = {}
    for word, code in known.items():
        if code not in first or (word > "\u2e80" and first[code] < "\u2e80"):
            first[code] = word
    return list(first.values())
