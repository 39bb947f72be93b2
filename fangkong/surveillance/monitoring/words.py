"""Faults of cards and files in the words of the page's language; codes come from the rules."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from functools import lru_cache
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import get_language, gettext_lazy, pgettext_lazy
from django.utils.translation import gettext as _

from fangkong.core.imports.words import said
from fangkong.core.sentences import listed
from fangkong.packs import queries as packs
from fangkong.packs.types import Row, UnknownCode

from .facts import Reason

FIELDS: dict[str, str | Promise] = {
    "name": pgettext_lazy("person", "Name"),
    "guardian": gettext_lazy("Parent or guardian"),
    "id_kind": gettext_lazy("Kind of document"),
    "id_number": gettext_lazy("Document number"),
    "sex": gettext_lazy("Sex"),
    "birth_date": gettext_lazy("Date of birth"),
    "age": gettext_lazy("Age"),
    "workplace": gettext_lazy("Workplace or school"),
    "phone": gettext_lazy("Phone"),
    "relation": gettext_lazy("Patient belongs to"),
    "address": gettext_lazy("Current address"),
    "occupation": gettext_lazy("Occupation group"),
    "condition": gettext_lazy("Disease"),
    "case_class": gettext_lazy("Case class"),
    "course": gettext_lazy("Acute or chronic"),
    "severity": gettext_lazy("Severity"),
    "onset_date": gettext_lazy("Onset"),
    "diagnosed_at": gettext_lazy("Time of diagnosis"),
    "died_on": gettext_lazy("Died on"),
    "origin": gettext_lazy("Origin of the infection"),
    "origin_place": gettext_lazy("Places stayed at before"),
    "facility": gettext_lazy("Reporting facility"),
    "doctor": gettext_lazy("Reporting doctor"),
    "filled_on": gettext_lazy("Card filled on"),
    "remark": gettext_lazy("Remark"),
}

_REASONS: dict[str, str | Promise] = {
    "missing": gettext_lazy("%(field)s is missing."),
    "age_missing": gettext_lazy("Date of birth and age are missing: fill in one of them."),
    "bad_date": gettext_lazy(
        "%(field)s: “%(value)s” is not a date that can be read. Write 2020-02-05 or "
        "2020-02-05 14:30."
    ),
    "not_one_of": gettext_lazy(
        "%(field)s: “%(value)s” cannot be chosen here. Use one of: %(choices)s."
    ),
    "not_asked": gettext_lazy("%(field)s is not asked of this disease. Leave it empty."),
    "too_long": gettext_lazy("%(field)s is longer than %(limit)s characters."),
    "unreadable": gettext_lazy("%(field)s holds signs that cannot be read. Type it again."),
    "no_name": gettext_lazy("%(field)s: this is no name. Write the name, or 不详."),
    "unknown_condition": gettext_lazy("“%(value)s” is not a disease of the rules in force."),
    "not_managed": gettext_lazy("“%(value)s” was not a notifiable disease on %(day)s."),
    "no_rules": gettext_lazy(
        "Diagnosed at: no rules are in force on %(day)s, by which a card of that day could be "
        "judged. Check the year."
    ),
    "onset_after_diagnosis": gettext_lazy("Onset lies after the diagnosis."),
    "diagnosis_in_future": gettext_lazy("The diagnosis lies in the future."),
    "death_in_future": gettext_lazy("The day of death lies in the future."),
    "death_before_onset": gettext_lazy("The day of death lies before onset."),
    "death_before_birth": gettext_lazy("The day of death lies before the date of birth."),
    "before_birth": gettext_lazy("%(field)s lies before birth, going by the age."),
    "too_long_ago": gettext_lazy("%(field)s lies more than 130 years back. Check the year."),
    "birth_in_future": gettext_lazy("The date of birth lies in the future."),
    "birth_after_onset": gettext_lazy("The date of birth lies after onset."),
    "birth_after_diagnosis": gettext_lazy("The date of birth lies after the diagnosis."),
    "birth_too_long_ago": gettext_lazy("The date of birth lies more than 130 years back."),
    "bad_age": gettext_lazy("Age: “%(value)s” cannot be read. Write 56, 3 months or 10 days."),
    "bad_number": gettext_lazy("Document number: %(fault)s."),
    "lost_digits": gettext_lazy(
        "The spreadsheet has cut off digits of the document number. Format the column as text and "
        "type the number again."
    ),
    "differs_from_number": gettext_lazy("%(field)s differs from the identity number."),
    "bad_phone": gettext_lazy(
        "Phone: “%(value)s” is not a mobile number or a land line with its area code."
    ),
    "address_unknown": gettext_lazy(
        "No area is known by the address “%(value)s”. Begin with county and township."
    ),
    "lives_elsewhere": gettext_lazy(
        "Patient belongs to “%(value)s”, seen from the reporting facility, but the address lies in "
        "%(area)s. Correct one of the two."
    ),
    "counts_elsewhere": gettext_lazy(
        "Patient belongs to “%(value)s”, but by the address of its first card the case counts in "
        "%(area)s."
    ),
    "school_missing": gettext_lazy("Name the school or kindergarten, and the class."),
    "facility_unknown": gettext_lazy(
        "“%(value)s” is not a facility that you may report for. Use its full name."
    ),
    "known": gettext_lazy("Already reported as %(number)s."),
    "reported_elsewhere": gettext_lazy(
        "This illness of this person is reported already, by another county or facility. Ask the "
        "headquarters who has it."
    ),
    "known_differently": gettext_lazy(
        "Already reported as %(number)s, but this card differs in: %(fields)s. Revise the report "
        "there."
    ),
    "other_dates": gettext_lazy(
        "This person was already reported with this disease as %(number)s, with another time of "
        "diagnosis. Revise that report."
    ),
    "no_county": gettext_lazy(
        "It is not clear which county is responsible. Give an address within a county."
    ),
}

_FAULTS: dict[str, str | Promise] = {
    "length": gettext_lazy("it does not have 18 characters"),
    "characters": gettext_lazy("it holds other characters than digits"),
    "region": gettext_lazy("it begins with no province's code"),
    "birth_date": gettext_lazy("it holds a date that does not exist"),
    "check_digit": gettext_lazy("its check digit is wrong; a digit was mistyped"),
    "format": gettext_lazy("it does not look like a number of this document"),
}


def condition(definition: str, code: str, on: date) -> str:
    """What a disease was called on a day, in the language of the page; its code if unknown."""
    return _condition(definition, code, on, get_language() or "en")


def named(definition: str, kind: str, code: str) -> str:
    """A code of the pack's lists (case_classes, severity, residence_relations) in words."""
    return _named(definition, kind, code, get_language() or "en")


@lru_cache(maxsize=4096)
def _condition(definition: str, code: str, on: date, language: str) -> str:
    try:
        return packs.name(packs.pack(definition), code, on).in_language(language)
    except UnknownCode:
        return code


@lru_cache(maxsize=1024)
def _named(definition: str, kind: str, code: str, language: str) -> str:
    try:
        rows: Iterable[Row] = getattr(packs.pack(definition), kind)
    except UnknownCode:
        return code
    return next((row.name.in_language(language) for row in rows if row.code == code), code)


def field(name: str) -> str:
    """A field of the card in words."""
    return str(FIELDS.get(name, name))


def reason(code: str, params: Mapping[str, Any], *, by_code: bool = False) -> str:
    """One fault of a card as a sentence that says what to do.

    People read the lines of a list by name; ``by_code``: machines, which send codes.
    """
    if code == "said":  # another room's refusal
        return said(params)
    template = _REASONS.get(code)
    if template is None:
        return code
    told = {name: _told(name, value, by_code) for name, value in params.items()}
    text = str(template) % {"field": "", "value": "", **told}
    near = [str(name) for name in params.get("suggestions") or params.get("near") or []]
    if near:
        text += " " + _("Perhaps: %(names)s.") % {"names": listed(near)}
    return text


def reasons(items: Iterable[Reason | Mapping[str, Any]]) -> list[str]:
    """Faults as sentences; takes them as the rules give them and as rows keep them."""
    found = [Reason.of(item) if isinstance(item, Mapping) else item for item in items]
    return [reason(item.code, item.params) for item in found]


def _told(name: str, value: Any, by_code: bool) -> str:
    if name == "field":
        return field(str(value))
    if name == "fields":
        return listed(field(str(each)) for each in value)
    if name == "fault":
        return str(_FAULTS.get(str(value), value))
    if isinstance(value, (list, tuple)):
        return listed(_told("", each, by_code) for each in value)
    if isinstance(value, Mapping):
        return _line(value, by_code)
    return str(value)


def _line(names: Mapping[str, str], by_code: bool) -> str:
    """A line of a list, or a place, in the language of the page; its code for machines."""
    if by_code and "code" in names:
        return names["code"]
    zh = (get_language() or "").startswith("zh")
    return names["zh"] if zh else names["en"] or names["zh"]
