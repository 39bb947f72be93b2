"""A made-up set of report cards in which it is known what is wrong: errors are planted by hand.

The errors are those that people see on cards, told without the rules of the pack; good cards stand
close to what is wrong (a worker of sixteen, a pupil of five, an infant without a number), so that a
rule that asks too much is found out as well as one that asks too little.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from fangkong.packs.types import CARD_FIELDS
from fangkong.people import rules as people
from fangkong.surveillance.quality.facts import CardFacts
from fangkong.surveillance.quality.rules import months_on

ZONE = ZoneInfo("Asia/Shanghai")
NOW = datetime(2020, 12, 31, 12, tzinfo=ZONE)
EVERYTHING = frozenset(CARD_FIELDS)
# Groups of people with the ages (full years) in which nobody wonders about them.
AGES = {
    "kindergarten-child": (3, 6),
    "child-at-home": (0, 6),
    "student": (6, 24),
    "teacher": (20, 60),
    "food-service": (16, 60),
    "health-worker": (18, 65),
    "migrant-worker": (16, 65),
    "office-worker": (16, 60),
    "farmer": (14, 95),
    "herder": (12, 95),
    "retired": (45, 100),
    "home-or-unemployed": (16, 80),
    "other": (16, 80),
}
EMPLOYED = ("teacher", "food-service", "health-worker", "migrant-worker", "office-worker")
# Diseases with the hours for the report, usual ages, and the longest usual days until diagnosis.
DISEASES = {
    "influenza": (24, (0, 95), 10),
    "hand-foot-mouth": (24, (0, 12), 7),
    "mumps": (24, (1, 40), 12),
    "other-infectious-diarrhoea": (24, (0, 95), 10),
    "pulmonary-tuberculosis": (24, (5, 95), 200),
    "hepatitis-b": (24, (1, 90), 400),
    "brucellosis": (24, (10, 80), 90),
    "syphilis-latent": (24, (15, 80), 300),
    "measles": (24, (0, 50), 10),
}
ACUTE = ("influenza", "hand-foot-mouth", "mumps", "other-infectious-diarrhoea", "measles")


@dataclass(frozen=True)
class Planted:
    """A card and what was planted in it; "" in a good one."""

    card: CardFacts
    error: str


def cards(seed: int, n: int) -> Iterator[Planted]:
    """So many cards of the year 2020, of which about one in eight has one error."""
    rng = random.Random(seed)
    for _ in range(n):
        if rng.random() < 0.125:
            name, plant = rng.choice([*ERRORS.items()])
            yield Planted(plant(rng), name)
        else:
            yield Planted(_good(rng), "")


def _good(
    rng: random.Random,
    *,
    condition: str = "",
    occupation: str = "",
    years: tuple[int, int] | None = None,
) -> CardFacts:
    """A card in which nothing is wrong."""
    condition = condition or rng.choice([*DISEASES])
    hours, usual, longest = DISEASES[condition]
    while True:
        group = occupation or rng.choice([*AGES])
        low, high = years or AGES[group]
        if not years:
            low, high = max(low, usual[0]), min(high, usual[1])
        if low <= high:
            break
    diagnosed = date(2020, 1, 20) + timedelta(days=rng.randrange(330))
    age = rng.randint(low, high)
    birth = _born(rng, diagnosed, age)
    months = months_on(birth, diagnosed)
    assert months is not None
    found_at = datetime.combine(diagnosed, time(rng.randrange(24), rng.randrange(60)), ZONE)
    due = found_at + timedelta(hours=hours)
    # Some come on the last minute, which is still in time.
    reported = due if rng.random() < 0.05 else found_at + (due - found_at) * rng.random()
    review_due = reported + timedelta(hours=24)
    reviewed = review_due if rng.random() < 0.05 else reported + timedelta(hours=23) * rng.random()
    foreign = rng.random() < 0.03
    says = set(EVERYTHING)
    if group not in ("kindergarten-child", "student"):
        says.discard("workplace")
    if months >= 14 * 12:
        says.discard("guardian")
    if foreign:
        says.discard("resident_id")  # a passport
    if months == 0 and rng.random() < 0.5:
        says -= {"document", "resident_id"}  # not registered yet
    classes = ["probable", "confirmed"]
    carrier = condition in ("hepatitis-b",) and rng.random() < 0.1
    return CardFacts(
        condition=condition,
        case_class="carrier" if carrier else rng.choice(classes),
        diagnosed=diagnosed,
        months=months,
        filled=frozenset(says - ({"onset"} if carrier else set())),
        occupation=group,
        relation="foreign" if foreign else rng.choice(["same-county", "other-province"]),
        onset=None if carrier else diagnosed - timedelta(days=rng.randint(0, longest)),
        reported_at=reported,
        report_due_at=due,
        review_due_at=review_due,
        reviewed_at=reviewed,
    )


def _born(rng: random.Random, day: date, age: int) -> date:
    """A birth date of somebody of that many full years."""
    latest = date(day.year - age, day.month, min(day.day, 28))
    return latest - timedelta(days=rng.randrange(364 if age else min(330, day.timetuple().tm_yday)))


def _without(field: str, **given: object) -> Callable[[random.Random], CardFacts]:
    def plant(rng: random.Random) -> CardFacts:
        while True:  # a card that has the field at all
            card = _good(rng, **given)
            if field in card.filled:
                left = card.filled - {field}
                return replace(card, filled=left, onset=None if field == "onset" else card.onset)

    return plant


def _mistyped(rng: random.Random) -> CardFacts:
    """One digit of the identity number is another one, or two neighbours have changed places."""
    while True:
        card = _good(rng)
        if "resident_id" in card.filled and (card.months or 0) >= 2:
            break
    first = "513326" + f"{card.diagnosed.replace(year=1985):%Y%m%d}" + f"{rng.randrange(1000):03d}"
    number = [*first, people.check_digit(first)]
    at = rng.randrange(17)
    if rng.random() < 0.7:
        number[at] = rng.choice([d for d in "0123456789" if d != number[at]])
    else:
        while number[at] == number[at + 1]:
            at = rng.randrange(17)
        number[at], number[at + 1] = number[at + 1], number[at]
    right = people.resident_id_fault("".join(number)) is None
    return card if right else replace(card, filled=card.filled - {"resident_id"})


def _aged(groups: tuple[str, ...], low: int, high: int) -> Callable[[random.Random], CardFacts]:
    def plant(rng: random.Random) -> CardFacts:
        card = _good(rng, occupation=rng.choice(groups), years=(low, high), condition="influenza")
        return replace(card, filled=EVERYTHING)

    return plant


def _ill_at(condition: str, low: int, high: int) -> Callable[[random.Random], CardFacts]:
    def plant(rng: random.Random) -> CardFacts:
        group = "student" if high < 16 else "other"
        card = _good(rng, condition=condition, occupation=group, years=(low, high))
        return replace(card, filled=EVERYTHING)

    return plant


def _last_year(rng: random.Random) -> CardFacts:
    """The year of onset was mistyped."""
    card = _good(rng, condition=rng.choice(ACUTE))
    assert card.onset is not None
    return replace(card, onset=card.onset - timedelta(days=365))


def _late(rng: random.Random) -> CardFacts:
    card = _good(rng)
    assert card.report_due_at is not None
    return replace(card, reported_at=card.report_due_at + _some_time(rng))


def _reviewed_late(rng: random.Random) -> CardFacts:
    card = _good(rng)
    assert card.review_due_at is not None
    return replace(card, reviewed_at=card.review_due_at + _some_time(rng))


def _some_time(rng: random.Random) -> timedelta:
    return timedelta(minutes=rng.choice([1, 5, 60, 600, 6000]))


def _forgotten(rng: random.Random) -> CardFacts:
    return replace(_good(rng), reviewed_at=None)


def _suspected(rng: random.Random) -> CardFacts:
    """Suspected, and nothing came after it; all diagnoses lie at least fifteen days back."""
    return replace(_good(rng, condition="measles"), case_class="suspected")


ERRORS: dict[str, Callable[[random.Random], CardFacts]] = {
    "no phone": _without("phone"),
    "no sex": _without("sex"),
    "no address": _without("address"),
    "no group of people": _without("occupation"),
    "no doctor": _without("doctor"),
    "no onset": _without("onset"),
    "no school": _without("workplace", occupation="student"),
    "no parent": _without("guardian", condition="hand-foot-mouth"),
    "not told where the patient belongs": _without("relation"),
    "number mistyped": _mistyped,
    "kindergarten child, grown up": _aged(("kindergarten-child", "child-at-home"), 9, 80),
    "pupil in nappies": _aged(("student",), 0, 3),
    "old pupil": _aged(("student",), 40, 90),
    "child with a profession": _aged(EMPLOYED, 1, 14),
    "toddler with a herd": _aged(("herder", "farmer"), 1, 4),
    "retired child": _aged(("retired",), 1, 30),
    "adult with a children's disease": _ill_at("hand-foot-mouth", 20, 80),
    "child with syphilis": _ill_at("syphilis-latent", 6, 12),
    "year of onset mistyped": _last_year,
    "reported late": _late,
    "reviewed late": _reviewed_late,
    "never reviewed": _forgotten,
    "suspected for ever": _suspected,
}
