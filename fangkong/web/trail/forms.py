"""The filter bars of the trail."""

from __future__ import annotations

from datetime import date
from typing import TypeVar, cast

from django import forms
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db.models import Model, QuerySet
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from fangkong.core import clock, pages
from fangkong.core.audit import queries
from fangkong.core.audit.types import How, Result
from fangkong.people import queries as people

M = TypeVar("M", bound=Model)

# The last days of the calendar have no day after them.
_DAYS = [MinValueValidator(date(1900, 1, 1)), MaxValueValidator(date(2999, 12, 31))]


def _day(label: str | Promise) -> forms.DateField:
    return forms.DateField(
        label=cast(str, label), required=False, widget=forms.DateInput(), validators=_DAYS
    )


class TrailFilter(pages.FilterForm):
    """By who, what, which record and when."""

    who = forms.CharField(label=_("User name"), required=False)
    verb = forms.CharField(label=_("Action begins with"), required=False)
    record = forms.UUIDField(label=_("Record id"), required=False)
    result = forms.ChoiceField(
        label=_("Result"), required=False, choices=[("", _("all")), *Result.choices]
    )
    on = _day(_("Day"))

    def narrow(self, rows: QuerySet[M]) -> QuerySet[M]:
        chosen = self.chosen()
        if "who" in chosen:
            rows = queries.by_username(rows, chosen["who"])
        if "verb" in chosen:
            rows = rows.filter(action__startswith=chosen["verb"])
        if "record" in chosen:
            rows = rows.filter(subject_public_id=chosen["record"])
        if "result" in chosen:
            rows = rows.filter(result=chosen["result"])
        if "on" in chosen:
            start = clock.start_of(chosen["on"])
            rows = rows.filter(at__gte=start, at__lt=clock.next_day(start))
        return rows


class SightFilter(pages.FilterForm):
    """Whose record, by whom, in which way, between which days (both included)."""

    person = forms.UUIDField(label=_("Record id of the person"), required=False)
    who = forms.CharField(label=_("User name"), required=False)
    how = forms.ChoiceField(label=_("Way"), required=False, choices=[("", _("all")), *How.choices])
    first = _day(_("From"))
    last = _day(_("To"))

    def narrow(self, rows: QuerySet[M]) -> QuerySet[M]:
        chosen = self.chosen()
        if "person" in chosen:
            key = people.key_of(chosen["person"])
            rows = rows.filter(subject_type="people.person", subject_id=key or 0)
        if "who" in chosen:
            rows = queries.by_username(rows, chosen["who"])
        if "how" in chosen:
            rows = rows.filter(how=chosen["how"])
        if "first" in chosen:
            rows = rows.filter(at__gte=clock.start_of(chosen["first"]))
        if "last" in chosen:
            rows = rows.filter(at__lt=clock.next_day(clock.start_of(chosen["last"])))
        return rows
