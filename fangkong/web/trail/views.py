"""The audit trail as its reader sees it: who did what to which record, and when."""

from __future__ import annotations

from datetime import date
from typing import TypeVar

from django import forms
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db.models import Model, QuerySet
from django.http import HttpResponseBase
from django.utils.translation import gettext_lazy as _

from fangkong.accounts.types import StaffRequest
from fangkong.core import clock, pages
from fangkong.core.audit import queries
from fangkong.core.audit.models import AuditLine
from fangkong.core.audit.types import SEE_TRAIL, words
from fangkong.core.permissions import allowed

M = TypeVar("M", bound=Model)


class TrailFilter(pages.FilterForm):
    """By who, what, which record and when."""

    who = forms.CharField(label=_("User name"), required=False)
    verb = forms.CharField(label=_("Action begins with"), required=False)
    record = forms.UUIDField(label=_("Record id"), required=False)
    on = forms.DateField(
        label=_("Day"),
        required=False,
        widget=forms.DateInput(),
        # The last days of the calendar have no day after them.
        validators=[MinValueValidator(date(1900, 1, 1)), MaxValueValidator(date(2999, 12, 31))],
    )

    def narrow(self, rows: QuerySet[M]) -> QuerySet[M]:
        chosen = self.chosen()
        if "who" in chosen:
            rows = rows.filter(by__username=chosen["who"])
        if "verb" in chosen:
            rows = rows.filter(action__startswith=chosen["verb"])
        if "record" in chosen:
            rows = rows.filter(subject_public_id=chosen["record"])
        if "on" in chosen:
            start = clock.start_of(chosen["on"])
            rows = rows.filter(at__gte=start, at__lt=clock.next_day(start))
        return rows


def _who(line: AuditLine) -> str:
    return line.by.get_username() if line.by is not None else "–"


TRAIL = pages.Listing[AuditLine](
    name="trail",
    title=_("Audit trail"),
    columns=[
        pages.Column("at", _("When"), lambda line: line.at, order="id"),
        pages.Column("who", _("User name"), _who),
        pages.Column("what", _("What"), lambda line: words(line.action)),
        pages.Column("verb", _("Action"), lambda line: line.action),
        pages.Column("record", _("Record"), lambda line: line.subject_public_id),
        pages.Column("reason", _("Reason"), lambda line: line.reason),
    ],
    order="-at",
    filters=TrailFilter,
    empty=_("Nothing has been done yet."),
    page_size=100,
)


@allowed(SEE_TRAIL)
def index(request: StaffRequest) -> HttpResponseBase:
    """The newest lines first."""
    return pages.listing(request, TRAIL, queries.lines())
