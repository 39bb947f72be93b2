"""An invented register in which some persons were entered twice, and who is who.

Names, families, areas and faults follow dice with a seed. Nothing of it is of a real person.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Any

from benchmarks.ground.databases import Bare, Size, load
from fangkong.people import rules

TIBETAN = [
    *(
        "扎西",
        "德吉",
        "卓玛",
        "央金",
        "多吉",
        "次仁",
        "平措",
        "旺姆",
        "拉姆",
        "尼玛",
        "达瓦",
        "白玛",
    ),
    *(
        "洛桑",
        "丹增",
        "格桑",
        "曲珍",
        "仁青",
        "索朗",
        "桑珠",
        "益西",
        "泽仁",
        "罗布",
        "降央",
        "四郎",
    ),
    *(
        "呷绒",
        "阿初",
        "志玛",
        "拥忠",
        "贡布",
        "邓珠",
        "向秋",
        "根秋",
        "土登",
        "嘎玛",
        "昂旺",
        "翁姆",
    ),
    *("青麦", "尼珍", "班登", "洛绒"),
]
SURNAMES = "王李张刘陈杨黄赵吴周徐孙马朱胡郭何林罗高郑梁谢宋唐许韩冯邓曹"
GIVEN = "伟芳娜秀英敏静丽强磊军洋勇艳杰娟涛明超兰霞平刚桂华建国志玉梅红海燕春雪莲永福德贵成荣琴"
# Characters of one sound, as a clerk may write another one's name.
SOUNDS = (
    *(
        "扎札",
        "央泱",
        "德得",
        "吉极",
        "金今",
        "伟卫",
        "芳方",
        "杰洁",
        "静敬",
        "明名",
        "海亥",
        "志治",
    ),
    *(
        "丽莉",
        "军君",
        "华桦",
        "玉育",
        "成城",
        "春椿",
        "仁任",
        "平坪",
        "罗洛",
        "达答",
        "白柏",
        "桑丧",
    ),
)
FAULTS = ("sound", "typo", "swapped", "phone", "nothing", "two")


@dataclass(frozen=True)
class Made:
    """One record as it was entered; ``who`` is the person, whom nobody asks in the register."""

    who: int
    name: str
    sex: str
    born: date
    area: int
    phones: tuple[str, ...]
    document: str = ""
    fault: str = ""


@dataclass
class Register:
    """The records in the order of their entry, and the pairs that are one person with the fault."""

    records: list[Made] = field(default_factory=list)

    def truth(self) -> dict[tuple[int, int], str]:
        """The places of two records of one person, and what was done to the second."""
        first: dict[int, int] = {}
        found: dict[tuple[int, int], str] = {}
        for place, made in enumerate(self.records):
            if made.who in first:
                found[first[made.who], place] = made.fault
            first.setdefault(made.who, place)
        return found


def register(persons: int, areas: int, *, twice: float = 0.06, seed: int = 20200205) -> Register:
    """``persons`` records over ``areas`` (0 …); the share ``twice`` of them is a second entry."""
    dice = random.Random(seed)
    singles = persons - int(persons * twice)
    made = list(_families(singles, areas, dice))
    again = [
        _again(made[place], FAULTS[n % len(FAULTS)], dice)
        for n, place in enumerate(dice.sample(range(singles), persons - singles))
    ]
    return Register([*made, *again])


def _families(count: int, areas: int, dice: random.Random) -> Iterator[Made]:
    who, given = 0, set[str]()
    while who < count:
        size = min(dice.choice((1, 2, 3, 4, 5)), count - who)
        area, phone, surname = dice.randrange(areas), _phone(dice), dice.choice(SURNAMES)
        han = dice.random() < 0.2
        for _member in range(size):
            sex = dice.choice("12")
            own = dice.random() < 0.6
            born = date(1935, 1, 1) + timedelta(days=dice.randrange(365 * 84))
            if dice.random() < 0.07:  # whoever's day of birth was not known when it was asked
                born = born.replace(month=1, day=1)
            yield Made(
                who=who,
                name=_name(surname if han else "", dice),
                sex=sex,
                born=born,
                area=area,
                phones=(_phone(dice),) if own else (phone,),
                document=_document(born, sex, given, dice) if dice.random() < 0.8 else "",
            )
            who += 1


def _name(surname: str, dice: random.Random) -> str:
    if surname:
        return surname + "".join(dice.choices(GIVEN, k=dice.choice((1, 2, 2, 2))))
    return "".join(dice.choices(TIBETAN, k=dice.choice((1, 2, 2, 2))))


def _phone(dice: random.Random) -> str:
    return f"1{dice.choice('3589')}{dice.randrange(10**9):09d}"


def _document(born: date, sex: str, given: set[str], dice: random.Random) -> str:
    while True:
        order = dice.randrange(1, 500) * 2 - (sex == "1")
        first = f"5133{dice.randrange(21, 39)}{born:%Y%m%d}{order:03d}"
        if first not in given:
            given.add(first)
            return first + rules.check_digit(first)


def _again(made: Made, fault: str, dice: random.Random) -> Made:
    """The same person once more, without the card, and with a fault or two."""
    second = replace(made, document="", fault=fault)
    wrong = dice.sample(("sound", "typo", "swapped", "phone"), 2) if fault == "two" else [fault]
    for one in wrong:
        second = _wrong(second, one, dice)
    if dice.random() < 0.15:  # moved, or entered where they were stopped
        second = replace(second, area=dice.randrange(8))
    return second


def _wrong(made: Made, fault: str, dice: random.Random) -> Made:
    if fault == "sound":
        other = {sign: pair[1 - n] for pair in SOUNDS for n, sign in enumerate(pair)}
        places = [n for n, sign in enumerate(made.name) if sign in other]
        if not places:
            return _wrong(made, "typo", dice)
        place = dice.choice(places)
        return replace(
            made, name=made.name[:place] + other[made.name[place]] + made.name[place + 1 :]
        )
    if fault == "typo":
        place = dice.randrange(len(made.name))
        if len(made.name) > 2 and dice.random() < 0.5:
            return replace(made, name=made.name[:place] + made.name[place + 1 :])
        return replace(made, name=made.name[:place] + dice.choice(GIVEN) + made.name[place + 1 :])
    if fault == "swapped" and made.born.day <= 12:
        return replace(made, born=made.born.replace(month=made.born.day, day=made.born.month))
    if fault == "swapped":
        return replace(made, born=made.born + timedelta(days=dice.choice((-1, 1, 10, -10))))
    if fault == "phone":
        return replace(made, phones=(_phone(dice),))
    return made


# --- Into a database ------------------------------------------------------------------------------


def fill(size: Size) -> None:
    """The persons with documents and phones; the place of a record plus one is its key."""
    from django.core.management import call_command
    from django.db import transaction

    from benchmarks.ground import rows
    from fangkong.people import name_parts
    from fangkong.people.models import IdentityDocument, NamePart, Person, Phone

    call_command("places", verbosity=0)
    rows.make_staff()
    _add_towns()
    areas = _areas()
    made = register(size.persons, len(areas), twice=TWICE).records
    with transaction.atomic(), Bare(Person, NamePart, IdentityDocument, Phone):
        load(Person, _PERSON, _persons(made, areas))
        documents = [(n, one.document) for n, one in enumerate(made, 1) if one.document]
        phones = [(n, number) for n, one in enumerate(made, 1) for number in one.phones]
        load(IdentityDocument, [*_NUMBER, "issued_by"], _numbers(IdentityDocument, 2, documents))
        load(Phone, [*_NUMBER, "note"], _numbers(Phone, 3, phones))
        name_parts.rebuild()


def _add_towns() -> None:
    """Townships, for the house delivers none."""
    from benchmarks.ground import rows
    from fangkong.places import actions
    from fangkong.places.types import AreaFacts

    for county, code in rows.county_keys():
        for n in range(TOWNS):
            facts = AreaFacts(
                code=f"{code}{100 + n}",
                level="township",
                name_zh=f"第{n + 1}乡",
                parent_id=county,
                valid_from=date(1981, 1, 1),
            )
            actions.put_area(facts=facts, by=None, at=rows.FIRST)


def area_count() -> int:
    """Over how many areas the register of this database is spread."""
    return len(_areas())


def _areas() -> list[tuple[int, int]]:
    """Keys of areas below the counties, each with that of its county."""
    from benchmarks.ground import rows
    from fangkong.places.models import Area

    counties = [key for key, _code in rows.county_keys()]
    towns = Area.objects.filter(county_id__in=counties).exclude(pk__in=counties).order_by("pk")
    return list(towns.values_list("pk", "county_id"))


TOWNS = 18  # of a county
TWICE = 0.064  # of the records: some 19,000 of 300,000
_PERSON = (
    *("id", "public_id", "created_at", "changed_at", "name", "name_pinyin", "name_initials"),
    *("sex", "birth_date", "occupation", "workplace", "guardian_name", "ethnicity"),
    *("address_detail", "synthetic", "area_id", "county_id"),
)
_NUMBER = (
    *("id", "public_id", "created_at", "changed_at", "person_id", "kind", "number"),
    "number_index",
)


def _persons(made: list[Made], areas: list[tuple[int, int]]) -> Iterator[tuple[Any, ...]]:
    from benchmarks.ground.rows import FIRST, key, moment

    stamp = moment(FIRST)
    for n, one in enumerate(made, 1):
        area, county = areas[one.area]
        said = (one.name, *rules.spelled(one.name), one.sex, one.born.isoformat())
        yield (n, key(1, n), stamp, stamp, *said, "", "", "", "", "", True, area, county)


def _numbers(model: Any, table: int, said: list[tuple[int, str]]) -> Iterator[tuple[Any, ...]]:
    """The index is real; nobody opens the number, so its ciphertext is left out."""
    from benchmarks.ground.rows import FIRST, key, moment
    from fangkong.core.sealing.fields import index_of

    stamp, kind = moment(FIRST), "resident_id" if table == 2 else "own"
    indexes = index_of(model, "number_index", [number for _person, number in said])
    for n, ((person, _number), index) in enumerate(zip(said, indexes, strict=True), 1):
        yield (n, key(table, n), stamp, stamp, person, kind, "", index, "")
