"""Which column of a file is which field of the report card (传染病报告卡). No Django."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache

# Field of the card: the headings it is known by. The first two are those of our template.
HEADINGS: dict[str, tuple[str, ...]] = {
    "card_number": ("卡片编号", "Card number", "卡片ID", "报告卡编号"),
    "name": ("姓名", "Name", "患者姓名", "病人姓名", "patient name", "full name"),
    "guardian": ("患儿家长姓名", "Parent or guardian", "家长姓名", "监护人", "guardian"),
    "id_kind": ("证件类型", "Document kind", "有效证件类型", "id type", "document type"),
    "id_number": (
        "有效证件号",
        "Document number",
        "证件号码",
        "证件号",
        "身份证号",
        "身份证号码",
        "居民身份证号",
        "id number",
        "id no",
        "identity number",
    ),
    "sex": ("性别", "Sex", "gender"),
    "birth_date": ("出生日期", "Date of birth", "出生年月日", "birth date", "birthday", "dob"),
    "age": ("年龄", "Age", "实足年龄", "患者年龄"),
    "age_unit": ("年龄单位", "Age unit"),
    "workplace": (
        "工作单位",
        "Workplace or school",
        "患者工作单位",
        "单位",
        "学校",
        "workplace",
        "school",
    ),
    "phone": ("联系电话", "Phone", "电话", "手机", "手机号", "患者联系电话", "telephone", "mobile"),
    "relation": ("病人属于", "Patient belongs to", "belongs to"),
    "address": (
        "现住址",
        "Current address",
        "现住详细地址",
        "现住地址",
        "住址",
        "详细地址",
        "地址",
        "address",
    ),
    "area": ("现住地区编码", "Area code", "现住地址国标", "地区编码", "住址编码", "area"),
    "occupation": (
        "人群分类",
        "Occupation group",
        "职业",
        "患者职业",
        "occupation",
        "population group",
    ),
    "case_class": ("病例分类", "Case class", "病例类型", "case classification", "classification"),
    "course": ("急性/慢性", "Acute or chronic", "病例分类2", "急慢性", "course"),
    "condition": ("疾病名称", "Disease", "病种", "疾病", "病名", "condition", "diagnosis"),
    "onset_date": ("发病日期", "Onset date", "发病时间", "date of onset", "onset"),
    "diagnosed_at": (
        "诊断时间",
        "Diagnosis time",
        "诊断日期",
        "确诊时间",
        "确诊日期",
        "date of diagnosis",
        "diagnosed",
        "diagnosed at",
        "diagnosis date",
    ),
    "died_on": ("死亡日期", "Date of death", "死亡时间", "death date", "died"),
    "severity": ("严重程度", "Severity", "临床严重程度", "临床分型"),
    "origin": ("感染来源", "Origin", "输入病例", "是否输入", "境外输入", "imported"),
    "origin_place": ("旅居史", "Places stayed at", "输入来源地", "travel history", "来源地"),
    "facility": (
        "报告单位",
        "Reporting facility",
        "填报单位",
        "报告机构",
        "reporting unit",
        "facility",
    ),
    "doctor": (
        "填卡医生",
        "Reporting doctor",
        "报告医生",
        "填报医生",
        "医生",
        "doctor",
        "physician",
    ),
    "filled_on": ("填卡日期", "Card filled on", "报告卡填写日期", "填报日期", "filled on"),
    "remark": ("备注", "Remark", "remarks", "note", "notes"),
    "reasons": ("不能导入的原因", "Reasons", "原因"),
}

REQUIRED = ("name", "condition", "case_class", "diagnosed_at")
ENOUGH = 3  # known headings in a line make it the line of headings
TEMPLATE = tuple(field for field in HEADINGS if field not in ("card_number", "area", "reasons"))


def field(heading: str) -> str:
    """The field of a heading, or "" where none is known by it.

    Stars, blanks and what stands in brackets do not matter: "发病日期*(年月日)" is 发病日期.
    """
    return _fields().get(_bare(heading), "")


def fields(headings: Sequence[str]) -> list[str]:
    """The fields of all columns, "" for columns that are not read."""
    return [field(heading) for heading in headings]


def known(cells: Sequence[str]) -> int:
    """How many cells of a line are headings that we know."""
    return len({found for cell in cells if (found := field(cell))})


def missing(headings: Sequence[str]) -> list[str]:
    """Fields without which no card can be read."""
    present = set(fields(headings))
    return [name for name in REQUIRED if name not in present]


def twice(headings: Sequence[str]) -> list[str]:
    """Fields that two columns claim."""
    found = [name for name in fields(headings) if name]
    return sorted({name for name in found if found.count(name) > 1})


@lru_cache(maxsize=1)
def _fields() -> dict[str, str]:
    return {_bare(name): field for field, names in HEADINGS.items() for name in names}


@lru_cache(maxsize=1024)
def _bare(heading: str) -> str:
    text = unicodedata.normalize("NFKC", heading)
    without_brackets = re.sub(r"\(.*?\)|\[.*?\]", "", text)
    return re.sub(r"[\s*:_#.\-/]+", "", without_brackets or text).casefold()
