"""Codes of screening in the words of the page's language."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

from django.utils.functional import Promise
from django.utils.text import format_lazy
from django.utils.translation import get_language, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from fangkong.core.imports import words as kit
from fangkong.core.sentences import listed
from fangkong.packs import queries as packs
from fangkong.packs.types import UnknownCode

from .types import Symptom

FAULTS: Mapping[str, str | Promise] = {
    "days_reversed": _("The last day lies before the first."),
    "too_long": _("These days span more than a year. Look at the years."),
    "day_to_come": _("This day lies in the future. Enter days that have been."),
    "unknown_kind": _("The rules in force today name no such kind of exposure. Choose another."),
    "unknown_setting": _("Choose one of the settings."),
    "unknown_relation": _("Choose one of the relations, or none."),
    "moment_to_come": _("This moment lies in the future. Enter when the visit was."),
    "outside_the_days": _("On this day the person was not under observation. Look at the day."),
    "no_temperature": _("A temperature lies between 34.0 and 43.0 °C."),
    "no_symptom": _("Choose symptoms of the list."),
    "nothing_to_measure": _(
        "Who was not found has neither temperature nor symptoms. Leave them empty."
    ),
}
_AFTER = pgettext_lazy("a fault after the column it is in", "%(field)s: {}")
# Faults of rows of a file; those of the days are told as on the form, after their column.
_ROWS: Mapping[str, str | Promise] = {
    **{f"fault_{code}": format_lazy(_AFTER, text) for code, text in FAULTS.items()},
    "no_case": _(
        "%(field)s: “%(value)s” is no case of this county whose contacts you enter. Compare the"
        " number with the page of the case."
    ),
    "no_number": _("%(field)s is missing. Fill it in, or name the case when you send the file."),
    "nobody_told": _(
        "By a name alone nobody can be told apart. Add a document number, a phone, a date of birth,"
        " or age and address."
    ),
    "several_persons": _(
        "Several persons of this name have this phone. Add the document number or the date of"
        " birth, or enter the contact on the page of the case."
    ),
    "lost_digits": _(
        "The spreadsheet has cut off digits of the document number. Format the column as text and"
        " type the number again."
    ),
    "bad_age": _("Age: “%(value)s” cannot be read. Write 56, 3 months or 10 days."),
    "withdrawn": _(
        "Entered before and withdrawn since; nothing changes. If it is right after all, enter it"
        " on the page of the case."
    ),
    "no_rules": _("No rules are in force today. Ask the administrator for them."),
}
FIELDS: Mapping[str, str | Promise] = {
    "case_number": _("Number of the case"),
    "name": pgettext_lazy("person", "Name"),
    "id_kind": _("Kind of document"),
    "id_number": _("Document number"),
    "sex": _("Sex"),
    "birth_date": _("Date of birth"),
    "age": _("Age"),
    "phone": _("Phone number"),
    "address": _("Address"),
    "relation": _("Relation to the case"),
    "kind": _("Kind of exposure"),
    "setting": pgettext_lazy("of an exposure", "Setting"),
    "place": pgettext_lazy("of an exposure", "Place"),
    "first_date": _("First day together"),
    "last_date": _("Last day together"),
}
PLACES: Mapping[str, str | Promise] = {
    "central": pgettext_lazy("where somebody is watched", "in a facility"),
    "home": pgettext_lazy("where somebody is watched", "at home"),
    "monitoring": pgettext_lazy("where somebody is watched", "at home, health monitoring"),
    "self": pgettext_lazy("where somebody is watched", "watches themselves"),
}


def fault(code: str) -> str:
    """What is wrong, and what to do."""
    return str(FAULTS[code])


def reasons(items: Iterable[Any]) -> list[str]:
    """Why rows of a file are not taken, as sentences."""
    return kit.in_words(items, lambda name: str(FIELDS.get(name, name)), _ROWS)


def place(code: str) -> str:
    """Where somebody is watched."""
    return str(PLACES.get(code, code))


def named(pack_id: str, table: str, code: str) -> str:
    """A code of the pack's screening tables (``kinds``, ``classes``) in words; empty stays so."""
    return _named(pack_id, table, code, get_language() or "") if code else ""


def clause(pack_id: str, code: str) -> str:
    """A clause in words; empty where the pack is gone."""
    try:
        found = next((one for one in packs.pack(pack_id).clauses if one.code == code), None)
    except UnknownCode:
        found = None
    return "" if found is None else found.text.in_language(get_language() or "")


def symptoms(codes: list[str]) -> str:
    """Symptoms as a line: fever, cough."""
    known = {one.value: str(one.label) for one in Symptom}
    return listed(known.get(code, code) for code in codes)


def temperature(tenths: int | None) -> str:
    """37.2 °C; empty where nothing was measured."""
    return "" if tenths is None else f"{tenths / 10:.1f} °C"


@lru_cache(maxsize=2000)
def _named(pack_id: str, table: str, code: str, language: str) -> str:
    try:
        pack = packs.pack(pack_id)
    except UnknownCode:
        return code
    for row in getattr(pack.screening, table):
        if row.code == code:
            return str(row.name.in_language(language))
    return code
