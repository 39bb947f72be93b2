"""Pages about persons: always masked, until somebody gives a reason."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any, cast
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from fangkong.accounts.types import StaffRequest
from fangkong.core import clock, pages
from fangkong.core.audit import queries as audit
from fangkong.core.audit.sights import opened
from fangkong.core.audit.types import SEE_TRAIL, How
from fangkong.core.commands.actions import once
from fangkong.core.permissions import Permission, allowed
from fangkong.core.refusals import Refused
from fangkong.places import queries as places

from . import actions, queries
from .duplicates import queries as duplicates
from .forms import (
    CorrectForm,
    DocumentForm,
    PersonFilter,
    PhoneForm,
    RemoveForm,
    RevealForm,
    SearchForm,
)
from .models import IdentityDocument, Person, Phone
from .requests.types import RECEIVE
from .types import CORRECT, REVEAL, VIEW

FOUND_AT_MOST = 50
HIDE_AFTER = 60  # seconds


def _listing(today: date) -> pages.Listing[Person]:
    """The list of persons; their age is that of ``today``."""
    return pages.Listing(
        name="people",
        title=_("Persons"),
        columns=[
            pages.Column(
                "name",
                pgettext_lazy("person", "Name"),
                _masked_name,
                url=lambda p: p.get_absolute_url(),
                names=True,
            ),
            pages.Column("sex", _("Sex"), queries.sex_name),
            pages.Column("age", _("Age"), lambda person: queries.age_text(person, today)),
            pages.Column("county", _("County"), _county),
            pages.Column("area", _("Area"), _area),
            pages.Column(
                "registered",
                pgettext_lazy("person", "Registered"),
                lambda person: person.created_at,
                order="created_at",
            ),
        ],
        order="-registered",
        empty=_("No persons yet. They come in with case reports, screening and imports."),
        person="public_id",
    )


def _masked_name(person: Person) -> str:
    return person.masked_name


def _county(person: Person) -> str:
    return person.county.display_short if person.county else ""


def _area(person: Person) -> str:
    return person.area.display_name if person.area else ""


@never_cache
@allowed(VIEW)
def index(request: StaffRequest) -> HttpResponseBase:
    """Persons of the user's counties, newest first."""
    today = clock.day_of(request.now)
    return pages.listing(
        request,
        _listing(today),
        queries.open_to(request.user, request.now),
        template="people/index.html",
        filters=PersonFilter(request.GET, counties=places.counties_of_home(today)),
        context={"search": _dressed(SearchForm())},
    )


@never_cache
@require_POST
@allowed(VIEW)
def search(request: StaffRequest) -> HttpResponse:
    """The persons meant by a name or number, sent in the body so that no log keeps it."""
    form = SearchForm(request.POST)
    found = []
    if form.is_valid():
        rows = queries.search(request.user, request.now, form.cleaned_data["text"])
        found = list(rows[: FOUND_AT_MOST + 1])
        opened(request, found[:FOUND_AT_MOST], how=How.FOUND)
    today = clock.day_of(request.now)
    shown = {
        "search": _dressed(form),
        "found": [(person, queries.age_text(person, today)) for person in found[:FOUND_AT_MOST]],
        "more": len(found) > FOUND_AT_MOST,
        "asked": form.is_valid(),
    }
    template = "people/_found.html" if request.htmx else "people/search.html"
    return render(request, template, shown, status=200 if form.is_valid() else 422)


@never_cache
@allowed(VIEW)
def detail(request: StaffRequest, public_id: UUID) -> HttpResponse:
    """One person, masked, with history and what rooms above know.

    A record that was joined to another one says so, and where the way goes.
    """
    if (sign := duplicates.signpost(request.user, request.now, public_id)) is not None:
        return _signpost(request, sign)
    return render(request, "people/detail.html", _facts(request, _person(request, public_id)))


@never_cache
@allowed(REVEAL)
def reveal(request: StaffRequest, public_id: UUID) -> HttpResponse:
    """Full values for a reason: a piece for the page, which gives way to the form in a minute."""
    person = _person(request, public_id, REVEAL)
    form = RevealForm(request.POST or None)
    if request.method != "POST":
        return _piece(request, person, {"form": _dressed(form)}, "_reveal", 200)
    if form.is_valid():
        try:
            line = once(
                pages.key_of(request),
                actions.reveal,
                person=person,
                reason=form.reason(),
                fields=form.cleaned_data["fields_wanted"],
                by=request.user,
                at=request.now,
            )
            full = queries.in_full(line, request.now)
        except Refused as problem:
            form.add_error(
                "more" if isinstance(problem, actions.ReasonMissing) else None, str(problem)
            )
        else:
            return _piece(
                request, person, {"full": full, "hide_after": HIDE_AFTER}, "_revealed", 200
            )
    return _piece(request, person, {"form": _dressed(form)}, "_reveal", 422)


@never_cache
@allowed(SEE_TRAIL)
def reveals(request: StaffRequest) -> HttpResponse:
    """Who has had how many persons' full data shown, for the auditor."""
    shown = {
        "revealers": queries.revealers(request.user, request.now),
        "limit": actions.REVEALS_PER_HOUR,
    }
    return render(request, "people/reveals.html", shown)


@never_cache
@allowed(CORRECT)
def correct(request: StaffRequest, public_id: UUID) -> HttpResponse:
    """Correct what was stated wrongly."""
    person = _person(request, public_id, CORRECT)
    form = pages.editing(
        CorrectForm(request.POST or None, person=person, user=request.user, at=request.now), person
    )
    if done := pages.carry_out(
        request, form, actions.correct, lambda: {"changes": form.changes()}, person=person
    ):
        messages.success(request, _("The person is corrected."))
        still_open = queries.open_to(request.user, request.now).filter(pk=person.pk).exists()
        return redirect(done.result) if still_open else redirect("people:index")
    return pages.form(
        request,
        form,
        title=_("Correct a person"),
        submit=_("Save the corrections"),
        template="people/correct.html",
        context={"back_url": person.get_absolute_url(), "person": person},
    )


@never_cache
@allowed(CORRECT)
def add_document(request: StaffRequest, public_id: UUID) -> HttpResponse:
    """Add an identity document."""
    title, submit = _("Add a document"), _("Add the document")
    return _add(request, public_id, DocumentForm, actions.add_document, title, submit)


@never_cache
@allowed(CORRECT)
def add_phone(request: StaffRequest, public_id: UUID) -> HttpResponse:
    """Add a phone number."""
    title, submit = _("Add a phone"), _("Add the phone")
    return _add(request, public_id, PhoneForm, actions.add_phone, title, submit)


def _add(
    request: StaffRequest,
    public_id: UUID,
    form_class: type[pages.Form],
    action: Callable[..., IdentityDocument | Phone],
    title: Promise,
    submit: Promise,
) -> HttpResponse:
    person = _person(request, public_id, CORRECT)
    form = form_class(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            once(
                pages.key_of(request),
                action,
                person=person,
                by=request.user,
                at=request.now,
                **form.cleaned_data,
            )
        except Refused as problem:
            form.add_error("number", str(problem))
        else:
            messages.success(request, _("The person is corrected."))
            return redirect(person)
    back = {"back_url": person.get_absolute_url()}
    return pages.form(request, form, title=title, submit=submit, context=back)


@never_cache
@allowed(CORRECT)
def remove_number(request: StaffRequest, public_id: UUID, number_id: UUID) -> HttpResponse:
    """Take a document or phone that is not this person's from the record."""
    person = _person(request, public_id, CORRECT)
    number = queries.number_of(person, number_id)
    if number is None and request.method != "POST":
        raise Http404
    form = RemoveForm(request.POST or None)
    said: dict[str, Any] = {"person": person, "number": number_id}
    if pages.carry_out(request, form, actions.remove_number, None, **said):
        messages.success(request, _("The number is removed from the record."))
        return redirect(person)
    return pages.form(
        request,
        form,
        title=_("Remove a number"),
        submit=_("Remove"),
        template="people/remove_number.html",
        context={"back_url": person.get_absolute_url(), "number": number},
    )


def _person(request: StaffRequest, public_id: UUID, permission: Permission = VIEW) -> Person:
    """The person, if open to this user under this permission; 404 if not."""
    rows = queries.with_numbers(queries.one_open_to(request.user, request.now, permission))
    person = get_object_or_404(rows, public_id=public_id)
    opened(request, person)
    return person


def _signpost(request: StaffRequest, sign: Person) -> HttpResponse:
    """Where a record went: a link for those who may open the one that is kept."""
    opened(request, sign)
    kept = (
        queries.one_open_to(request.user, request.now)
        .filter(pk=cast(int, sign.merged_into_id))
        .first()
    )
    shown = {
        "sign": sign,
        "kept": kept,
        "merge": duplicates.merge_of_signpost(request.user, request.now, sign),
        "history": audit.history_of(sign),
    }
    return render(request, "people/signpost.html", shown)


def _facts(request: StaffRequest, person: Person) -> dict[str, object]:
    def may(permission: Permission) -> bool:
        rows = queries.one_open_to(request.user, request.now, permission)
        return rows.filter(pk=person.pk).exists()

    return {
        "person": person,
        "facts": queries.masked(person, clock.day_of(request.now)),
        "history": audit.history_of(person),
        "may_correct": may(CORRECT),
        "may_reveal": may(REVEAL) and not person.restricted_at,
        "may_ask": may(RECEIVE),
        **_twice(request, person),
        "form": _dressed(RevealForm()),
    }


def _twice(request: StaffRequest, person: Person) -> dict[str, object]:
    """Whether the person may be entered twice, and what was joined: for those who judge it."""
    if not duplicates.judges(request.user, request.now, person):
        return {}
    return {
        "pairs": duplicates.pairs_of(request.user, request.now, person),
        "pair_elsewhere": duplicates.has_pair_elsewhere(request.user, request.now, person),
        "merges": duplicates.merges_of(request.user, request.now, person),
    }


def _piece(
    request: StaffRequest, person: Person, context: dict[str, object], name: str, status: int
) -> HttpResponse:
    """A piece of the person's page for htmx, or the whole page around it for other browsers."""
    whole = {} if request.htmx else _facts(request, person)
    template = f"people/{name}.html" if request.htmx else "people/detail.html"
    return render(request, template, {**whole, "person": person, **context}, status=status)


def _dressed(form: pages.Form) -> pages.Form:
    pages.forms.dress(form)
    return form
