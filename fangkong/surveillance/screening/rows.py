"""One row of a file as a contact, or everything that is wrong with the row. Asks no database.

Every fault of a row is said at once: whoever corrects a file should have to do it once.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from zoneinfo import ZoneInfo

from django.conf import settings

from fangkong.core.imports.reasons import Reason
from fangkong.core.spelling import shown
from fangkong.packs.types import ExposureKind
from fangkong.people import rules as people
from fangkong.surveillance.monitoring.cards import (
    DOCUMENTS,
    LOST_DIGITS,
    SEXES,
    bare,
    parse_age,
    parse_moment,
)

from .types import Relation, Setting

# Field: the headings it is known by. The first two are those of our template.
HEADINGS: dict[str, tuple[str, ...]] = {
    "case_number": (
        "病例编号",
        "Case number",
        "个案编号",
        "关联病例",
        "病例号",
        "number of the case",
    ),
    "name": ("姓名", "Name", "密切接触者姓名", "接触者姓名", "contact name", "full name"),
    "id_kind": ("证件类型", "Document kind", "id type", "document type"),
    "id_number": (
        *("证件号码", "Document number", "身份证号", "身份证号码", "有效证件号", "证件号"),
        *("id number", "identity number"),
    ),
    "sex": ("性别", "Sex", "gender"),
    "birth_date": ("出生日期", "Date of birth", "birth date", "birthday", "dob"),
    "age": ("年龄", "Age"),
    "phone": ("联系电话", "Phone", "电话", "手机", "手机号", "telephone", "mobile"),
    "address": ("现住址", "Address", "住址", "详细地址", "地址", "current address"),
    "relation": ("与病例关系", "Relation to the case", "关系", "relation", "relationship"),
    "kind": ("接触方式", "Kind of exposure", "暴露方式", "接触类型", "exposure", "type of contact"),
    "setting": ("接触场所", "Setting", "暴露场所", "场所类型"),
    "place": ("接触地点", "Place", "暴露地点", "地点", "place of exposure"),
    "first_date": (
        *("首次接触日期", "First day together", "开始接触日期", "最早接触日期"),
        *("first exposure", "first contact date"),
    ),
    "last_date": (
        *("末次接触日期", "Last day together", "最后接触日期", "末次暴露日期"),
        *("last exposure", "last contact date"),
    ),
}
_ORDER = {field: place for place, field in enumerate(HEADINGS)}
REQUIRED = ("name", "kind", "first_date", "last_date")
MOMENTS = ("birth_date", "first_date", "last_date")

# Words of files beside the names of our choices.
_SETTINGS = {
    **dict.fromkeys(("家", "家庭", "家中", "household"), "home"),
    **dict.fromkeys(("单位", "办公室", "工地"), "work"),
    **dict.fromkeys(("医院", "医疗机构", "hospital"), "care"),
    **dict.fromkeys(("车", "交通工具", "transport"), "vehicle"),
    **dict.fromkeys(("餐馆", "聚餐", "聚会"), "meal"),
    **dict.fromkeys(("寺庙", "temple"), "worship"),
    **dict.fromkeys(("商店", "市场", "超市", "shop"), "market"),
    **dict.fromkeys(("其他", "其它"), "other"),
}
_RELATIONS = {
    **dict.fromkeys(("家人", "家属", "家庭成员", "亲属", "relative", "spouse"), "family"),
    **dict.fromkeys(("父亲", "母亲", "配偶", "丈夫", "妻子", "子女", "儿子", "女儿"), "family"),
    **dict.fromkeys(("朋友",), "friend"),
    **dict.fromkeys(("同事",), "colleague"),
    **dict.fromkeys(("同学", "老师", "师生", "classmate", "teacher"), "school"),
    **dict.fromkeys(("医生", "护士", "医护人员", "医患"), "care"),
    **dict.fromkeys(("邻居",), "neighbour"),
    **dict.fromkeys(("无", "无关系", "陌生人", "stranger"), "none"),
    **dict.fromkeys(("其他", "其它"), "other"),
}
_SETTINGS |= {one.value: one.value for one in Setting}
_RELATIONS |= {one.value: one.value for one in Relation}
SHORTEST_BEGINNING = 2  # signs of the name of a kind of exposure


@dataclass(frozen=True, kw_only=True)
class Said:
    """What a row says, in plain form; ``kind`` still in the words of the file.

    What cannot be read is empty here, a day None.
    """

    case_number: str
    name: str
    sex: str
    birth_date: date | None
    age_years: int | None
    age_months: int | None
    id_kind: str
    id_number: str
    phone: str
    address: str
    relation: str
    kind: str
    setting: str
    place: str
    first_date: date | None
    last_date: date | None

    def print_of(self, kind: str) -> str:
        """A keyed digest of case, person, kind and days: the same row again has the same.

        Keyed, so that nobody finds out by trying numbers who is meant.
        """
        who = [people.bare_name(self.name), self.id_kind, self.id_number]
        if not self.id_number:
            born = self.birth_date or f"{self.age_years}/{self.age_months}"
            who = [who[0], self.sex, str(born), self.phone, "".join(self.address.split())]
        days = [str(self.first_date or ""), str(self.last_date or "")]
        text = "\x1f".join(["contact", self.case_number, *who, kind, *days])
        return hmac.new(settings.SECRET_KEY.encode(), text.encode(), hashlib.sha256).hexdigest()


def read(values: Mapping[str, str], case_number: str, zone: ZoneInfo) -> tuple[Said, list[Reason]]:
    """What a row says, and all that cannot be read of it; ``case_number`` for who names none."""
    row = _Row({name: shown(text) for name, text in values.items()}, zone)
    return row.said(case_number), row.faults


def in_order(faults: Iterable[Reason]) -> list[Reason]:
    """Faults in the order of the columns of our template, one for each field."""
    found: dict[str, Reason] = {}
    for number, fault in enumerate(faults):
        found.setdefault(fault.field or f"#{number}", fault)
    return sorted(found.values(), key=lambda fault: _ORDER.get(fault.field, len(_ORDER)))


def kind_of(text: str, known: tuple[ExposureKind, ...]) -> str:
    """The code of a kind of exposure by its code, its name, or a beginning of only one name."""
    word = bare(text)
    names = {one.code: [bare(one.code), bare(one.name.zh), bare(one.name.en)] for one in known}
    for code, words in names.items():
        if word in words:
            return code
    if len(word) < SHORTEST_BEGINNING:
        return ""
    begun = [code for code, words in names.items() if any(one.startswith(word) for one in words)]
    return begun[0] if len(begun) == 1 else ""


class _Row:
    def __init__(self, values: Mapping[str, str], zone: ZoneInfo) -> None:
        self.values, self.zone = values, zone
        self.faults: list[Reason] = []

    def said(self, case_number: str) -> Said:
        number = self.of("case_number").upper() or case_number
        if not number:
            self.fault("no_number", "case_number")
        name = people.plain_name(self.of("name"))
        if not name:
            self.fault("missing", "name")
        elif not (people.is_plain_text(name) and people.is_name(name)):
            self.fault("unreadable", "name")
        id_number = people.plain_number(self.of("id_number"))
        if LOST_DIGITS.fullmatch(id_number) and "E" in id_number.upper():
            self.fault("lost_digits", "id_number")
        id_kind = self.choice("id_kind", DOCUMENTS) or "resident_id"
        sex = self.choice("sex", SEXES) or "9"
        birth_date = self.day("birth_date")
        years, months = self.age() if birth_date is None else (None, None)
        phone = people.plain_phone(self.of("phone"))
        address = self.of("address")
        aged = years is not None and bool(address)
        if name and not (self.of("id_number") or phone or self.of("birth_date") or aged):
            self.fault("nobody_told", "name")
        relation = self.choice("relation", _RELATIONS)
        if not (kind := self.of("kind")):
            self.fault("missing", "kind")
        setting = self.choice("setting", _SETTINGS) or Setting.OTHER.value
        first, last = (self.needed_day(field) for field in ("first_date", "last_date"))
        return Said(
            case_number=number,
            name=name,
            sex=sex,
            birth_date=birth_date,
            age_years=years,
            age_months=months,
            id_kind=id_kind if id_number else "",
            id_number=id_number,
            phone=phone,
            address=address,
            relation=relation,
            kind=kind,
            setting=setting,
            place=self.of("place"),
            first_date=first,
            last_date=last,
        )

    def of(self, field: str) -> str:
        return self.values.get(field, "")

    def fault(self, code: str, field: str, **params: object) -> None:
        self.faults.append(Reason(code, {"field": field, **params}))

    def choice(self, field: str, known: Mapping[str, str]) -> str:
        text = self.of(field)
        if not text:
            return ""
        code = _words_of(field).get(bare(text)) or known.get(bare(text), "")
        if not code:
            self.fault("not_one_of", field, value=text[:40], choices=_offered(field, known))
        return code

    def day(self, field: str) -> date | None:
        text = self.of(field)
        if not text:
            return None
        moment = parse_moment(text, self.zone)
        if moment is None:
            self.fault("bad_date", field, value=text[:40])
        return None if moment is None else moment.date()

    def needed_day(self, field: str) -> date | None:
        if not self.of(field):
            self.fault("missing", field)
        return self.day(field)

    def age(self) -> tuple[int | None, int | None]:
        text = self.of("age")
        age = parse_age(text) if text else None
        if text and age is None:
            self.fault("bad_age", "age", value=text[:40])
        return age or (None, None)


_LABELLED = {"setting": Setting.choices, "relation": Relation.choices}


@lru_cache(maxsize=16)
def _labels(field: str) -> dict[str, dict[str, str]]:
    """The words of our choices in each language of the house, with their codes."""
    from django.utils import translation

    found: dict[str, dict[str, str]] = {}
    for language, _name in settings.LANGUAGES:
        with translation.override(language):
            found[language] = {str(label): code for code, label in _LABELLED[field]}
    return found


@lru_cache(maxsize=16)
def _words_of(field: str) -> dict[str, str]:
    if field not in _LABELLED:
        return {}
    return {bare(word): code for rows in _labels(field).values() for word, code in rows.items()}


def _offered(field: str, known: Mapping[str, str]) -> list[str]:
    """One word for each code, for the reader of the fault."""
    if field in _LABELLED:
        return list(next(iter(_labels(field).values())))
    first: dict[str, str] = {}
    for word, code in known.items():
        first.setdefault(code, word)
    return list(first.values())
