"""Warning products: the list, the words, and the way from draft to issue."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from fangkong.accounts.types import StaffRequest
from fangkong.core import pages
from fangkong.core.audit import queries as audit
from fangkong.core.permissions import allowed

from . import products as actions
from . import queries
from .forms import ProductFilter, ProductForm, ReasonForm, WordsForm
from .models import Investigation, WarningProduct
from .types import APPROVE_TIP, APPROVERS, VIEW, WRITE, ProductFacts, ProductState

USUAL = timedelta(days=14)  # that a product is valid
XML = "application/cap+xml"

PRODUCTS = pages.Listing[WarningProduct](
    name="products",
    title=_("Warning products"),
    columns=[
        pages.Column("title", _("Title"), lambda p: p.title, url=lambda p: p.get_absolute_url()),
        pages.Column("kind", _("Product"), lambda p: p.get_kind_display()),
        pages.Column("area", _("Area"), lambda p: p.area.display_short),
        pages.Column("condition", _("Disease"), lambda p: p.condition_name),
        pages.Column(
            "level",
            _("Level of risk"),
            lambda p: p.get_level_display(),
            piece="surveillance/warning/_level.html",
        ),
        pages.Column(
            "state",
            _("State"),
            lambda p: p.get_state_display(),
            piece="surveillance/warning/_product_state.html",
        ),
        pages.Column("written", _("Written"), lambda p: p.created_at, order="created_at"),
        pages.Column("issued", _("Issued"), lambda p: p.issued_at),
        pages.Column("until", _("Valid until"), lambda p: p.expires_at),
    ],
    order="-written",
    empty=_("No warning product yet."),
)


@allowed(VIEW)
def products(request: StaffRequest) -> HttpResponseBase:
    """All products that the user may read, the newest first."""
    user, at = request.user, request.now
    return pages.listing(
        request,
        PRODUCTS,
        queries.products_open_to(user, at),
        template="surveillance/warning/products.html",
        filters=ProductFilter(request.GET),
        context={"may_write": bool(user.scope(WRITE, at))},
    )


@allowed(VIEW)
def product(request: StaffRequest, public_id: UUID) -> HttpResponse:
    """One product: its words, who wrote, approved and issued it, and what may follow."""
    return _page(request, _readable(request, public_id))


@allowed(VIEW)
def cap(request: StaffRequest, public_id: UUID) -> HttpResponse:
    """The product as a message of CAP 1.2, as a file."""
    found = _readable(request, public_id)
    name = f"cap-{found.public_id}.xml"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return HttpResponse(queries.cap_of(found), content_type=XML, headers=headers)


@allowed(WRITE)
def new_product(request: StaffRequest) -> HttpResponse:
    """Write a new product, from an investigation where its page leads here."""
    user, at = request.user, request.now
    event = _event(request)
    begin: dict[str, object] = {"expires_at": at + USUAL}
    if event is not None:
        begin |= {"area": event.area.code, "condition": event.condition}
    form = ProductForm(request.POST or None, initial=begin, user=user, at=at)

    def asked() -> dict[str, Any]:
        said = dict(form.cleaned_data)
        area, kind, condition = (said.pop(name) for name in ("area", "kind", "condition"))
        return {
            "kind": kind,
            "area": form.areas[area],
            "condition": condition,
            "facts": ProductFacts(**said),
        }

    synthetic = bool(settings.FANGKONG_DEMO)
    given = {"investigation": event, "synthetic": synthetic}
    if done := pages.carry_out(request, form, actions.write, asked, **given):
        return redirect(done.result)
    return pages.form(
        request,
        form,
        title=_("New warning product"),
        submit=_("Keep the draft"),
        context={"back_url": reverse("surveillance:warning:products")},
    )


@allowed(WRITE)
def edit(request: StaffRequest, public_id: UUID) -> HttpResponse:
    """Rewrite a draft."""
    found = _writable(request, public_id)
    begin = {name: getattr(found, name) for name in WordsForm.base_fields}
    form = _answering(WordsForm(request.POST or None, initial=begin), found)

    def asked() -> dict[str, Any]:
        return {"facts": ProductFacts(**form.cleaned_data), "product": found}

    if pages.carry_out(request, form, actions.edit, asked):
        messages.success(request, _("The draft is kept."))
        return redirect(found)
    return pages.form(
        request,
        form,
        title=found.title,
        submit=_("Keep the draft"),
        context={"back_url": found.get_absolute_url()},
    )


@require_POST
@allowed(APPROVE_TIP)
def approve(request: StaffRequest, public_id: UUID) -> HttpResponse:
    """Approve a draft that somebody else wrote."""
    rows = queries.products_to_approve(request.user, request.now)
    return _step(request, get_object_or_404(rows, public_id=public_id), actions.approve)


@require_POST
@allowed(WRITE)
def issue(request: StaffRequest, public_id: UUID) -> HttpResponse:
    """Issue an approved product."""
    found = _writable(request, public_id)
    consequence = _(
        "The product goes out to its audience as it is. Afterwards it can only be updated or"
        " cancelled."
    )
    if page := pages.unconfirmed(
        request, consequence, submit=_("Issue"), back_url=found.get_absolute_url()
    ):
        return page
    return _step(request, found, actions.issue)


@require_POST
@allowed(WRITE)
def renew(request: StaffRequest, public_id: UUID) -> HttpResponse:
    """Begin an update of an issued product."""
    return _step(request, _writable(request, public_id), actions.renew)


@require_POST
@allowed(APPROVE_TIP)
def send_back(request: StaffRequest, public_id: UUID) -> HttpResponse:
    """Send a product back to be rewritten."""
    rows = queries.products_to_approve(request.user, request.now)
    found = get_object_or_404(rows, public_id=public_id)
    form = _answering(ReasonForm(request.POST), found)
    if pages.carry_out(request, form, actions.send_back, product=found):
        messages.success(request, _("The product was sent back."))
        return redirect(found)
    return _page(request, found, back=form, status=pages.status_of(form))


@require_POST
@allowed(WRITE)
def cancel(request: StaffRequest, public_id: UUID) -> HttpResponse:
    """Cancel an issued product, or drop a draft."""
    found = _writable(request, public_id)
    form = _answering(ReasonForm(request.POST), found)
    if pages.carry_out(request, form, actions.cancel, product=found):
        messages.success(request, _("The product is cancelled."))
        return redirect(found)
    return _page(request, found, end=form, status=pages.status_of(form))


def _step(request: StaffRequest, found: WarningProduct, action: Any) -> HttpResponse:
    """A step of one button, about the words that were read; a refusal is told on the page."""
    form = pages.editing(pages.Form(request.POST), found)
    if done := pages.carry_out(request, form, action, None, product=found):
        return redirect(done.result)
    for problem in form.non_field_errors():
        messages.warning(request, str(problem))
    found.refresh_from_db()
    return _page(request, found, status=pages.status_of(form))


def _readable(request: StaffRequest, public_id: UUID) -> WarningProduct:
    rows = queries.products_open_to(request.user, request.now)
    return get_object_or_404(rows, public_id=public_id)


def _writable(request: StaffRequest, public_id: UUID) -> WarningProduct:
    rows = queries.products_to_write(request.user, request.now)
    return get_object_or_404(rows, public_id=public_id)


def _event(request: StaffRequest) -> Investigation | None:
    """The investigation that a product is written from, if the user may see it."""
    key = request.GET.get("investigation", "")
    if not key:
        return None
    try:
        wanted = UUID(key)
    except ValueError:
        return None
    rows = queries.investigations_open_to(request.user, request.now)
    return get_object_or_404(rows, public_id=wanted)


def _answering(form: Any, found: WarningProduct) -> Any:
    return pages.editing(form, found, {"_state": (_("State"), found.get_state_display())})


def _page(
    request: StaffRequest,
    found: WarningProduct,
    back: Any = None,
    end: Any = None,
    status: int = 200,
) -> HttpResponse:
    user, at = request.user, request.now
    place = {"county_id": found.county_id, "area_id": found.area_id}
    writes = user.scope(WRITE, at).holds(**place)
    judges = user.scope(APPROVERS[found.kind], at).holds(**place)
    draft, approved = (found.state == one for one in (ProductState.DRAFT, ProductState.APPROVED))
    issued = found.state == ProductState.ISSUED
    own = user.pk in (found.edited_by_id, found.created_by_id)
    asked = []
    if judges and (draft or approved) and not (own and draft):
        asked.append(("return_product", _("Send back"), _("Send back"), back or ReasonForm()))
    if writes and (draft or approved or issued):
        word = _("Cancel the product") if issued else _("Drop the product")
        asked.append(("cancel_product", word, word, end or ReasonForm()))
    for form in (back, end):
        if form is not None and form not in [one[3] for one in asked]:
            for problem in form.non_field_errors():
                messages.warning(request, str(problem))
    forms = [
        (reverse(f"surveillance:warning:{name}", args=[found.public_id]), heading, button, form)
        for name, heading, button, form in asked
    ]
    for number, (_address, _heading, _button, form) in enumerate(forms):
        form.auto_id = f"id_{number}_%s"
        if not form.is_bound:
            _answering(form, found)
        pages.forms.dress(form)
    events = queries.investigations_open_to(user, at).filter(pk=found.investigation_id or 0)
    shown = {
        "one": found,
        "event": events.first(),
        "update": queries.products_open_to(user, at)
        .filter(replaces=found)
        .exclude(state=ProductState.CANCELLED)
        .last(),
        "office": writes or judges,
        "may": {
            "approve": judges and draft and not own,
            "issue": writes and approved,
            "edit": writes and draft,
            "renew": writes and issued,
        },
        "step": pages.editing(pages.Form(), found),
        "asked": forms,
        "history": audit.history_of(found) if writes or judges else None,
    }
    return render(request, "surveillance/warning/product.html", shown, status=status)
