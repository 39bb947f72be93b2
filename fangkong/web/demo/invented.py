"""Invented persons and their cards, the same ones every time: all chance comes from fixed seeds.

Nobody real is meant. Documents carry sequence numbers from 999 downward (men odd, women even) for
the birth date, phones begin with 1540: the prefix 154 is given to no operator (from memory), so
they pass the checks and ring nowhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from random import Random
from zoneinfo import ZoneInfo

from fangkong.people import rules as people

from . import history, rules
from .rules import County, Groups, History

SEED = 513300
ZONE = ZoneInfo("Asia/Shanghai")
CONDITION = "covid-19"
CONFIRMED, SUSPECTED, ASYMPTOMATIC = "confirmed", "suspected", "asymptomatic"
MALE, FEMALE = "1", "2"
PHONES_FROM = 15400000001

# Shares of ages, youngest to oldest in each band; roughly those of line lists of that winter.
_BANDS = ((3, 17, 12), (18, 29, 16), (30, 44, 30), (45, 59, 27), (60, 77, 15))


@dataclass(frozen=True)
class Invented:
    """A person and the card about them."""

    county: County
    name: str
    sex: str
    birth_date: date
    id_number: str
    phone: str
    occupation: str
    workplace: str
    case_class: str
    severity: str
    onset_date: date | None
    diagnosed_at: datetime
    origin: str
    origin_place: str
    doctor: str

    @property
    def address(self) -> str:
        """No township is invented."""
        return f"四川省甘孜藏族自治州{self.county.name.zh}"


@dataclass(frozen=True)
class _Slot:
    """One confirmed case of the curve before a person is invented for it."""

    day: date
    county: str
    place: str | None  # where they had stayed; None for an import of the first days


@lru_cache(maxsize=1)
def confirmed() -> tuple[Invented, ...]:
    """One person for every confirmed case of the true curve, in its order."""
    told = history.read()
    slots = _slots(told)
    random = chance(SEED)
    sexes, ages = _sexes(told, len(slots), random), _ages(told, len(slots), random)
    severities = _severities(told, len(slots), random)
    maker = _Maker(told, random)
    return tuple(
        maker.confirmed(slot, sex, age, severity)
        for slot, sex, age, severity in zip(slots, sexes, ages, severities, strict=True)
    )


def chance(*about: object) -> Random:
    """Numbers that are the same at every load, for the thing named."""
    return Random(f"{SEED} {about}")  # noqa: S311  # invents people, guards nothing


def of_day(day: date) -> list[Invented]:
    """The confirmed cases of one day as they were reported, with hours of the working day."""
    return [card for card in confirmed() if card.diagnosed_at.date() == day]


def for_import(county: str, day: date, now: datetime) -> list[Invented]:
    """The cards of a county that a newcomer imports on a day: its true new cases and a few more.

    Beside them one suspected case and, from 2 February on, one infection without symptoms; these
    two count in no bulletin. Diagnosed shortly before ``now``, for a card cannot lie in the future.
    """
    told = history.read()
    cards = [card for card in of_day(day) if card.county.code == county]
    maker = _Maker(told, chance(county, day), used=len(confirmed()) + day.toordinal())
    cards.append(maker.another(county, day, SUSPECTED))
    if day >= rules.FIRST_IN_DAOFU:
        cards.append(maker.another(county, day, ASYMPTOMATIC))
    midnight = datetime.combine(day, time(), ZONE)
    hours = rules.moments(rules.anchor_of(now, midnight), midnight, len(cards))
    return [replace(card, diagnosed_at=at) for card, at in zip(cards, hours, strict=True)]


def _slots(told: History) -> list[_Slot]:
    places = list(told.rest_places)
    slots = []
    for day, new in rules.new_by_county(told).items():
        for county, cases in sorted(new.items()):
            for _ in range(cases):
                arrived = any(a.day == day and a.county == county for a in told.imports)
                place = None if arrived else (places.pop(0) if places else "")
                slots.append(_Slot(day, county, place))
    return slots


def _stages(told: History, n: int) -> list[tuple[int, Groups]]:
    """How many persons each published group adds, and the last one's rules for all after it."""
    stages, before = [], 0
    for group in told.groups:
        stages.append((group.male + group.female - before, group))
        before = group.male + group.female
    return [*stages, (n - before, told.groups[-1])]


def _sexes(told: History, n: int, random: Random) -> list[str]:
    sexes: list[str] = []
    for size, group in _stages(told, n):
        men = group.male - sexes.count(MALE)
        if men <= 0:  # nothing is published any more
            men = (size + 1) // 2
        stage = [MALE] * men + [FEMALE] * (size - men)
        random.shuffle(stage)
        sexes += stage
    return sexes


def _ages(told: History, n: int, random: Random) -> list[int]:
    """Ages within the published ranges; the youngest and the oldest are among them."""
    ages: list[int] = []
    for size, group in _stages(told, n):
        stage = [age for age in (group.youngest, group.oldest) if age not in ages][:size]
        while len(stage) < size:
            low, high, _ = random.choices(_BANDS, [band[2] for band in _BANDS])[0]
            age = random.randint(low, high)
            if group.youngest < age < group.oldest:
                stage.append(age)
        random.shuffle(stage)
        ages += stage
    return ages


def _severities(told: History, n: int, random: Random) -> list[str]:
    """Severe and critical ones as many as published, the others mild or ordinary."""
    found: list[str] = []
    for size, group in _stages(told, n):
        hard = ["severe"] * (group.severe - found.count("severe"))
        hard += ["critical"] * (group.critical - found.count("critical"))
        light = random.choices(["mild", "ordinary"], [1, 2], k=size - len(hard))
        stage = hard + light
        random.shuffle(stage)
        found += stage
    return found


class _Maker:
    """Makes persons one after the other; no two share a number."""

    def __init__(self, told: History, random: Random, used: int = 0) -> None:
        self.told = told
        self.random = random
        self.names = history.table("names")
        self.phone = PHONES_FROM + used
        self.numbers: set[str] = set()

    def confirmed(self, slot: _Slot, sex: str, age: int, severity: str) -> Invented:
        arrived = slot.place is None
        origin = "import" if arrived else ("unknown" if slot.place else "local")
        place = self.told.import_place if arrived else (slot.place or "")
        card = self._card(slot.county, slot.day, sex, age, CONFIRMED)
        return replace(card, severity=severity, origin=origin, origin_place=place)

    def another(self, county: str, day: date, case_class: str) -> Invented:
        sex, age = self.random.choice((MALE, FEMALE)), self.random.randint(24, 60)
        card = self._card(county, day, sex, age, case_class)
        if case_class == ASYMPTOMATIC:
            return replace(card, severity="asymptomatic", onset_date=None)
        return card

    def _card(self, code: str, day: date, sex: str, age: int, case_class: str) -> Invented:
        county, random = self.told.counties[code], self.random
        # Full years of age on the day of diagnosis.
        born = _years_before(day, age) - timedelta(days=random.randrange(1, 330))
        occupation = self._occupation(age)
        self.phone += 1
        return Invented(
            county=county,
            name=name(random, sex, self.names, tibetan=0.75),
            sex=sex,
            birth_date=born,
            id_number=self._number(county, born, sex),
            phone=str(self.phone),
            occupation=occupation,
            workplace="演示学校（虚构）一班" if occupation == "student" else "",
            case_class=case_class,
            severity="",
            onset_date=day - timedelta(days=random.randint(1, 7)),
            diagnosed_at=datetime.combine(day, time(9), ZONE)
            + timedelta(minutes=5 * random.randrange(84)),
            origin="unknown",
            origin_place="",
            doctor=random.choice(self.names["doctors"]),
        )

    def _number(self, county: County, born: date, sex: str) -> str:
        code = county.old_code if born.year < 2015 else county.code
        for sequence in range(999 if sex == MALE else 998, 900, -2):
            first = f"{code}{born:%Y%m%d}{sequence}"
            number = first + people.check_digit(first)
            if number not in self.numbers:
                self.numbers.add(number)
                return number
        raise AssertionError("fifty persons of one sex and county were born on one day")

    def _occupation(self, age: int) -> str:
        if age < 6:
            return "child-at-home"
        if age < 19:
            return "student"
        if age >= 62:
            return self.random.choice(["retired", "herder", "farmer"])
        return self.random.choice(
            ["herder", "herder", "farmer", "farmer", "commerce", "office-worker", "migrant-worker"]
        )


def name(random: Random, sex: str, names: dict[str, Sequence[str]], tibetan: float) -> str:
    """A name joined from the parts in ``names.toml``; ``tibetan`` is the share of Tibetan ones."""
    if random.random() < tibetan:
        last = names["tibetan_male" if sex == MALE else "tibetan_female"]
        first = random.choice(names["tibetan_first"])
        return first + random.choice([part for part in last if part != first])
    given = names["han_male" if sex == MALE else "han_female"]
    return random.choice(names["han_surnames"]) + "".join(random.sample(given, 2))


def _years_before(day: date, years: int) -> date:
    """The same day some years before; the 29th of February becomes the 28th."""
    try:
        return day.replace(year=day.year - years)
    except ValueError:
        return day.replace(year=day.year - years, day=28)
