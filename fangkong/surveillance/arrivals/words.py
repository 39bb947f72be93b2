"""Codes of arrivals in the words of the page's language."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from django.utils.functional import Promise
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from fangkong.packs import queries as packs
from fangkong.packs.types import Question, UnknownCode
from fangkong.surveillance.screening import words as screening

from .types import Duty, HealthCode

FAULTS: Mapping[str, str | Promise] = {
    "missing": _("Please fill this in."),
    "no_day": _("Write a day, such as 2020-02-05."),
    "no_yes_or_no": _("Answer yes or no."),
    "no_number": _("Write a number."),
    "no_colour": _("Choose one of the colours."),
    "arrives_later": _("This moment lies in the future. Enter when the person arrived."),
    "left_later": _("This day lies after the arrival. Look at the day."),
    "left_long_ago": _("This is more than a year ago. Look at the year."),
    "tested_later": _("This day lies in the future. Enter the day of the sample."),
    "no_origin": _("No area is called so. Begin with the province, or write 境外 for abroad."),
    "no_home_area": _(
        "Name the county and township within the prefecture: they say who takes the person over."
    ),
    "no_temperature": _("A temperature lies between 34.0 and 43.0 °C."),
    "unreadable": _("This text holds signs that cannot be read. Type it again."),
    "unknown": _("The rules of this day ask no such question. Look at the list of questions."),
    "too_long": _("At most 300 characters fit here."),
}
YES_NO = {"yes": _("yes"), "no": _("no")}


def fault(code: str) -> str:
    """What is wrong, and what to do."""
    return str(FAULTS[code])


def question(row: Question) -> str:
    """A question in the language of the page."""
    return str(row.name.in_language(get_language() or ""))


def tier(pack_id: str, code: str) -> str:
    """The name of a tier; "no tier" where none fits."""
    return screening.named(pack_id, "tiers", code) if code else str(_("no tier"))


def clause(pack_id: str, code: str) -> str:
    """What the announcement says; "" where no tier fits."""
    return screening.clause(pack_id, code) if code else ""


def tier_choices(packs_: Iterable[str]) -> list[tuple[str, str]]:
    """All tiers that these packs name, by the order of the packs."""
    found: dict[str, str] = {}
    for pack_id in packs_:
        try:
            pack = packs.pack(pack_id)
        except UnknownCode:
            continue
        for row in pack.screening.tiers:
            found.setdefault(row.code, str(row.name.in_language(get_language() or "")))
    return list(found.items())


def duties(codes: Iterable[str]) -> str:
    """What is done at a checkpoint, as a line."""
    known = {one.value: str(one.label) for one in Duty}
    return ", ".join(known.get(code, code) for code in codes)


def answer(row: Question, value: str) -> str:
    """An answer in words."""
    if row.answer == "yes-no":
        return str(YES_NO.get(value, value))
    if row.answer == "choice":
        return str(dict(HealthCode.choices).get(value, value))
    return value
