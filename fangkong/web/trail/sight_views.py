"""Who saw whose record, and when: for an auditor's question, and as the report for the person."""

from __future__ import annotations

from django.http import HttpResponseBase
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from fangkong.accounts.types import StaffRequest
from fangkong.core import pages
from fangkong.core.audit import queries
from fangkong.core.audit.models import Sight
from fangkong.core.audit.types import SEE_TRAIL, place_words
from fangkong.core.permissions import allowed

from .forms import SightFilter


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
        pages.Column("at", _("When"), lambda sight: sight.at, order="id"),
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


@allowed(SEE_TRAIL)
def sights(request: StaffRequest) -> HttpResponseBase:
    """The newest views first."""
    rows = queries.all_sights()
    key = request.GET.get("key", "")
    if key.isdecimal() and len(key) < 19:
        rows = rows.filter(subject_type="people.person", subject_id=int(key))
    return pages.listing(request, SIGHTS, rows, template="web/trail/sights.html")
