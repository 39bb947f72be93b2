"""Persons of the demonstration who were entered a second time, as checkpoints and counters do.

All are made up. The search for them is asked for; the worker carries it out.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import date, datetime
from typing import TYPE_CHECKING

from fangkong.people import actions as people
from fangkong.people.duplicates import actions as duplicates
from fangkong.people.duplicates.types import Trigger
from fangkong.people.types import PhoneNumber, Sex
from fangkong.surveillance.monitoring import queries as monitoring

from . import invented

if TYPE_CHECKING:
    from fangkong.accounts.models import User
    from fangkong.people.models import Person

HOW_MANY = 12
# Characters of one sound, as a clerk may write another one's name.
_SOUNDS = dict(zip("扎德央吉仁平罗军", "札得泱极任坪洛君", strict=True))


def enter_again(*, reader: User, by: User, at: datetime) -> int:
    """Second records of some patients: another character of the same sound, day and month of birth
    changed about, no sex, another phone; none with the card. Gives how many."""
    cases = monitoring.open_to(reader, at).filter(person__birth_date__isnull=False)
    patients = {case.person_id: case.person for case in cases.order_by("-pk")[: 6 * HOW_MANY]}
    chosen = list(patients.values())[: HOW_MANY * 2 : 2]
    for place, person in enumerate(chosen):
        _again(person, place, by, at)
    with suppress(duplicates.NotInstalled):
        duplicates.request_run(trigger=Trigger.NIGHTLY, by=None, at=at)
    return len(chosen)


def _again(person: Person, place: int, by: User, at: datetime) -> None:
    random = invented.chance("twice", str(person.pk))
    other_phone = f"199{random.randrange(10**8):08d}"
    phones = [phone.full_number for phone in person.phones.all()]
    name, born = person.name, person.birth_date
    assert born is not None
    if place % 3 == 0:
        name = next((name.replace(a, b, 1) for a, b in _SOUNDS.items() if a in name), name + "木")
    elif place % 3 == 1:
        born = swapped(born)
    people.register(
        name=name,
        sex=person.sex if place % 3 < 2 else Sex.UNKNOWN.value,  # else known for the same at once
        birth_date=born,
        area=person.area,
        phones=[PhoneNumber(other_phone if place % 4 == 3 or not phones else phones[0])],
        workplace="县客运站" if place % 2 else "",
        synthetic=True,
        by=by,
        at=at,
    )


def swapped(born: date) -> date:
    """Day and month changed about; the next day where that is no date or the same."""
    if born.day > 12 or born.day == born.month:
        return born.replace(day=born.day - 1 if born.day > 1 else 2)
    return born.replace(month=born.day, day=born.month)
