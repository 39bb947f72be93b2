"""Faults of files and of rows in the words of the page's language."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from django.conf import settings
from django.utils import translation
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy

from fangkong.core.refusals import Refused
from fangkong.core.sentences import listed

from .reading import NotReadable
from .types import Kind, Reason

_FILES: dict[str, str | Promise] = {
    "empty": gettext_lazy("The file is empty."),
    "too_big": gettext_lazy("The file is larger than %(limit)s MB. Split it into smaller ones."),
    "bomb": gettext_lazy(
        "This workbook unpacks to far more than its size. Save it again as .xlsx or .csv and send "
        "that."
    ),
    "too_much": gettext_lazy(
        "Reading this file takes too much memory or time. Open it, delete the empty rows and "
        "columns at its end, and save it as .csv."
    ),
    "too_many_rows": gettext_lazy("The file has more than %(limit)s rows. Split it."),
    "too_many_columns": gettext_lazy("The file has more than %(limit)s columns."),
    "one_long_line": gettext_lazy("The file is one single long line and no table."),
    "long_cell": gettext_lazy(
        "Line %(line)s has a cell of more than %(limit)s characters. A quotation mark may not be "
        "closed."
    ),
    "wrong_type": gettext_lazy(
        "This is not a table (%(kind)s). Save it as .xlsx or .csv and send that."
    ),
    "not_text": gettext_lazy("This is not a table. Save it as .xlsx or .csv and send that."),
    "several_tables": gettext_lazy(
        "Several sheets of this workbook hold a table: %(sheets)s. A file is read as one table, "
        "and the others would be lost. Hide or delete the others, or save each sheet as a file of "
        "its own, and send them one at a time."
    ),
    "too_many_merged": gettext_lazy(
        "The file has more than %(limit)s merged cells. Split them, fill in every row, and send it "
        "again."
    ),
    "merged_ods": gettext_lazy(
        "This .ods file has cells that span several rows, which cannot be read from this kind of "
        "file. Save it as .xlsx and send that, or split the cells and fill in every row."
    ),
    "formulas_ods": gettext_lazy(
        "This .ods file has formulas whose results were not saved. Open it, save it again as "
        ".xlsx, and send that."
    ),
    "wrong_encoding": gettext_lazy(
        "The characters of this file cannot be read. Save it as CSV UTF-8 or as .xlsx."
    ),
    "broken_text": gettext_lazy(
        "Line %(line)s holds characters that cannot be read. Save the file again as CSV UTF-8."
    ),
    "broken_workbook": gettext_lazy(
        "This workbook is damaged or protected. Open it, save it again without a password as "
        ".xlsx, and send that."
    ),
    "broken_line": gettext_lazy(
        "Line %(line)s cannot be read: a quotation mark is not closed or stands within a cell."
    ),
    "no_headings": gettext_lazy(
        "No line of headings was found. Use the template: its first line names the columns."
    ),
    "column_twice": gettext_lazy("Two columns have the same heading: %(headings)s. Rename one."),
    "no_rows": gettext_lazy("The file has headings but no rows."),
}

_REASONS: dict[str, str | Promise] = {
    "missing": gettext_lazy("%(field)s is missing."),
    "not_one_of": gettext_lazy(
        "%(field)s: “%(value)s” is not known here. Use one of: %(choices)s."
    ),
    "not_a_number": gettext_lazy("%(field)s: “%(value)s” is not a number."),
    "bad_date": gettext_lazy(
        "%(field)s: “%(value)s” is not a date that can be read. Write 2020-02-05."
    ),
    "too_long": gettext_lazy("%(field)s is longer than %(limit)s characters."),
    "unreadable": gettext_lazy("%(field)s holds signs that cannot be read. Type it again."),
    "no_result": gettext_lazy(
        "%(field)s: the cell holds a formula without its result. Open the file in a spreadsheet, "
        "save it there, and send it again."
    ),
    "too_many_cells": gettext_lazy("The line has more cells than there are headings."),
    "twice_in_file": gettext_lazy("The same row stands in line %(line)s."),
    "other_in_file": gettext_lazy(
        "Line %(line)s says of the same number another name, sex or date of birth. Compare both "
        "with the document, and correct the one that is wrong."
    ),
    "known": gettext_lazy("Already known; nothing changes."),
    "missing_columns": gettext_lazy("No column is matched to: %(fields)s."),
    "column_twice": gettext_lazy("Two columns are matched to the same field: %(fields)s."),
}

# Said by the kit itself, whatever the kind.
OF_THE_KIT = frozenset(
    {
        *("too_many_cells", "no_result", "twice_in_file", "other_in_file"),
        *("missing_columns", "column_twice"),
    }
)


def problem(fault: NotReadable) -> str:
    """Why a file cannot be taken, as a sentence that says what to do."""
    told = {name: _told(value) for name, value in fault.params.items()}
    return str(_FILES[fault.code]) % told


def reasons(kind: Kind, items: Iterable[Reason | Mapping[str, Any]]) -> list[str]:
    """Reasons that every kind has, as sentences; fields by the labels of the kind."""
    return in_words(items, kind.label)


def in_words(
    items: Iterable[Reason | Mapping[str, Any]],
    label: Callable[[str], str],
    more: Mapping[str, str | Promise] | None = None,
) -> list[str]:
    """The same for a kind that has ``more`` reasons of its own."""
    templates = {**_REASONS, **(more or {})}
    found = [Reason.of(item) if isinstance(item, Mapping) else item for item in items]
    return [_sentence(reason, templates, label) for reason in found]


def refusal(problem: Refused) -> Reason:
    """Why an action would not take a row, in each language: the queue speaks none of its reader."""
    told: dict[str, str] = {}
    for language, _name in settings.LANGUAGES:
        with translation.override(language):
            told[language] = str(problem)
    return Reason("said", {"text": told})


def said(params: Mapping[str, Any]) -> str:
    """A refusal in the language of now; as it was said where one language was kept."""
    told = params["text"]
    if not isinstance(told, Mapping):
        return str(told)
    return str(told.get(translation.get_language() or "") or next(iter(told.values())))


def _sentence(
    reason: Reason, templates: Mapping[str, str | Promise], label: Callable[[str], str]
) -> str:
    if reason.code == "said":
        return said(reason.params)
    template = templates.get(reason.code)
    if template is None:
        return reason.code
    told = {name: _told(value) for name, value in reason.params.items()}
    if "field" in reason.params:
        told["field"] = label(str(reason.params["field"]))
    if isinstance(reason.params.get("fields"), (list, tuple)):
        told["fields"] = listed(label(str(one)) for one in reason.params["fields"])  # type: ignore[attr-defined]
    return str(template) % {"field": "", "value": "", **told}


def _told(value: object) -> str:
    if isinstance(value, (list, tuple)):
        return listed(value)
    return str(value)
