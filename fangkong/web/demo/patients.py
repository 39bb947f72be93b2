"""What the cards of past years say of their patients besides name, sex and birth date.

As invented as these. Some cards are not as they should be, so that the page of card quality has
something to show.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from random import Random

from fangkong.people import rules as people
from fangkong.surveillance.monitoring.types import PersonFacts

from . import invented
from .background import Past

PHONES_FROM = 15410000000  # as unassigned as the others
FAULTY = 0.07
_PARENTS = ("卓玛", "扎西", "央金", "洛桑", "李芳", "王强")
_ADULTS = ("herder", "herder", "herder", "farmer", "farmer", "commerce", "office-worker", "teacher")


class Patients:
    """Invents patients one after the other; no two have one number."""

    def __init__(self) -> None:
        self.numbers: set[str] = set()
        self.n = 0

    def of(self, case: Past, county: str) -> PersonFacts:
        """The patient of a case; ``county`` is what the county is called."""
        self.n += 1
        random = invented.chance("patient", case.county, case.diagnosed_at, self.n)
        age = (case.diagnosed_at.date() - case.birth_date).days // 365.25
        occupation, workplace = _work(random, int(age))
        number = self._number(case.county, case.birth_date, case.sex)
        person = PersonFacts(
            name=case.name,
            sex=case.sex,
            birth_date=case.birth_date,
            id_kind="resident_id" if number else "",
            id_number=number,
            phone=str(PHONES_FROM + self.n),
            occupation=occupation,
            workplace=workplace,
            guardian=random.choice(_PARENTS) if age < 14 else "",
            address=f"{county}（虚构地址）{random.randint(1, 300)}号",
        )
        return _spoiled(random, person) if random.random() < FAULTY else person

    def _number(self, county: str, born: date, sex: str) -> str:
        """A number of the right form that nobody else here has; "" where they are used up."""
        for sequence in range(899 if sex == invented.MALE else 898, 500, -2):
            first = f"{county}{born:%Y%m%d}{sequence}"
            if first not in self.numbers:
                self.numbers.add(first)
                return first + people.check_digit(first)
        return ""


def _work(random: Random, age: int) -> tuple[str, str]:
    if age < 3:
        return "child-at-home", ""
    if age < 6:
        return "kindergarten-child", "虚构幼儿园小班"
    if age < 18:
        return "student", f"虚构学校{random.randint(1, 9)}班"
    if age >= 60:
        return random.choice(["herder", "farmer", "retired"]), ""
    return random.choice(_ADULTS), ""


def _spoiled(random: Random, person: PersonFacts) -> PersonFacts:
    """The same with one thing that a reviewer would see."""
    faults: list[dict[str, str]] = [
        {"phone": ""},
        {"phone": ""},
        {"address": ""},
        {"id_kind": "", "id_number": ""},
        {"occupation": "retired" if person.guardian or person.workplace else "student"},
        {"guardian": "", "workplace": ""},
    ]
    return replace(person, **random.choice(faults))  # type: ignore[arg-type]
