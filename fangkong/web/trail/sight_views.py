"""Who saw whose record, and when: for an auditor's question, and as the report for the person."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from fangkong.accounts.types import StaffRequest
from fangkong.core import clock, pages
from fangkong.core.audit import queries
from fangkong.core.audit.models import Sight
from fangkong.core.audit.sights import opened
from fangkong.core.audit.types import SEE_TRAIL, How, place_words
from fangkong.core.permissions import allowed
from fangkong.people import queries as people

from .forms import SightFilter

if TYPE_CHECKING:
    from fangkong.people.models import Person

FOUND_AT_MOST = 50


def _who(sight: Sight) -> str:
    return f"{sight.by.display_name} ({sight.by.get_username()})"


def _person(sight: Sight) -> str:
    return f"{sight.subject_id}"


def _only_this_person(sight: Sight) -> str:
    return f"{reverse('trail_sights')}?key={sight.subject_id}"


SIGHTS = pages.Listing[Sight](
    name="sights",
    title=_("Who saw whom"),
    columns=[
        pages.Column("at", _("When"), lambda sight: sight.at, order="at"),
        pages.Column("who", _("Member of staff"), _who),
        pages.Column("how", _("Way"), lambda sight: sight.get_how_display()),
        pages.Column("person", _("Person (key)"), _person, url=_only_this_person),
        pages.Column("place", _("Page"), lambda sight: place_words(sight.place)),
        pages.Column("reason", _("Reason"), lambda sight: sight.reason),
    ],
    order="-at",
    filters=SightFilter,
    empty=_("Nobody has looked at a person's record here."),
    page_size=100,
)


class SearchForm(pages.PersonSearch):
    """Whom the auditor means."""

    label = _("Find the person whose record was seen")


@never_cache
@allowed(SEE_TRAIL)
@require_POST
def find(request: StaffRequest) -> HttpResponse:
    """The persons meant by a name or number, masked; this search is itself a view of each."""
    form = SearchForm(request.POST)
    found: list[Person] = []
    if form.is_valid():
        rows = people.for_the_trail(request.user, request.now, form.cleaned_data["text"])
        found = list(rows[:FOUND_AT_MOST])
        opened(request, found, how=How.FOUND)
    pages.forms.dress(form)
    today = clock.day_of(request.now)
    shown = {
        "search": form,
        "found": [(one, people.age_text(one, today)) for one in found],
        "most": FOUND_AT_MOST,
    }
    return render(request, "web/trail/found.html", shown, status=200 if form.is_valid() else 422)


@allowed(SEE_TRAIL)
def sights(request: StaffRequest) -> HttpResponseBase:
    """The newest views first."""
    rows = queries.all_sights()
    key = request.GET.get("key", "")
    if key.isdecimal() and len(key) < 19:
        rows = rows.filter(subject_type="people.person", subject_id=int(key))
    search = SearchForm()
    pages.forms.dress(search)
    template, shown = "web/trail/sights.html", {"search": search}
    return pages.listing(request, SIGHTS, rows, template=template, context=shown)
