"""Pages of emergency release: one short form, what papers are owed, and the closing of a month."""

from __future__ import annotations

from datetime import datetime
from itertools import chain
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext, pgettext_lazy
from django.views.decorators.http import require_POST

from fangkong.accounts.types import StaffRequest
from fangkong.core import pages
from fangkong.core.audit import queries as audit
from fangkong.core.files import queries as files
from fangkong.core.files import receiving
from fangkong.core.pages import cells
from fangkong.core.permissions import Permission, allowed

from . import closing as closing_
from . import forms, queries, release_forms, releasing, step_views, words
from .models import MonthClosing, Release, ReleasePaper
from .types import APPROVE, KEEP, OWED_BY_CALLER, PAPERS, VIEW, PaperKind

RELEASES = pages.Listing[Release](
    name="stock_releases",
    title=gettext_lazy("Emergency releases"),
    columns=[
        pages.Column(
            "number",
            gettext_lazy("Number"),
            lambda one: one.entry.number,
            url=lambda one: one.get_absolute_url(),
        ),
        pages.Column("place", gettext_lazy("Place"), lambda one: one.place.display_name),
        pages.Column("to", pgettext_lazy("of goods", "To"), lambda one: one.to),
        pages.Column("called", gettext_lazy("Called for by"), lambda one: one.called_by),
        pages.Column(
            "papers",
            gettext_lazy("Papers"),
            lambda one: state(one),
            draw=lambda one, at: badge(one, at > one.due_at),
        ),
        pages.Column("due", gettext_lazy("Papers due"), lambda one: one.due_at, order="due_at"),
        pages.Column(
            "left",
            pgettext_lazy("of goods", "Left"),
            lambda one: one.created_at,
            order="created_at",
        ),
    ],
    order="-left",
    filters=release_forms.ReleaseFilter,
    empty=gettext_lazy("Nothing left without papers."),
)


def state(one: Release) -> str:
    """Whether papers are owed, are there, or are needed no more because the goods came back."""
    if one.settled_at is None:
        return _("owed")
    return pgettext("release", "taken back") if one.lacks_papers else _("complete")


def badge(one: Release, late: bool) -> SafeString:
    """The state with its colour."""
    tone = "bad" if late else "warn"
    if one.settled_at is not None:
        tone = "neutral" if one.lacks_papers else "good"
    return cells.badge(tone, state(one))


@allowed(VIEW)
def releases(request: StaffRequest) -> HttpResponseBase:
    """What left the user's places on a call, the last first."""
    return pages.listing(
        request,
        RELEASES,
        queries.releases_open_to(request.user, request.now),
        template="supplies/stock/releases.html",
        context={"may_keep": bool(request.user.scope(KEEP, request.now))},
    )


@allowed(KEEP)
def release(request: StaffRequest) -> HttpResponse:
    """Goods leave at once: who called, for which place, what, how many."""
    user, at = request.user, request.now
    form = release_forms.ReleaseForm(
        request.POST or None,
        items=queries.items(),
        places=queries.places_to_choose(user, at),
        targets=queries.targets_to_choose(),
        callers=queries.offices_called_before(user, at),
        initial={"source": request.GET.get("place", "")},
    )
    if done := pages.carry_out(request, form, releasing.release, form.asked):
        messages.success(request, _("The goods may leave. File the papers in time."))
        return redirect(done.result)
    return pages.form(
        request,
        form,
        title=_("Emergency release"),
        submit=_("Let the goods leave"),
        template="supplies/stock/call.html",
        context={"back_url": reverse("supplies:stock:releases")},
    )


@allowed(VIEW)
def released(request: StaffRequest, public_id: UUID) -> HttpResponse:
    """One release: what left, which papers are owed, by whom and until when."""
    return _page(request, _found(request, public_id, VIEW))


@allowed(KEEP)
@require_POST
def file_paper(request: StaffRequest, public_id: UUID) -> HttpResponse:
    """A paper has come."""
    found = _found(request, public_id, KEEP)
    form = release_forms.PaperForm(request.POST, request.FILES, left=_left(found))

    def asked() -> dict[str, object]:
        said = form.cleaned_data
        kept = receiving.taken(request, PAPERS, said["attachments"], pages.key_of(request))
        return {"kind": PaperKind(said["kind"]), "reference": said["reference"], "files": kept}

    if pages.carry_out(request, form, releasing.file_paper, asked, release=found):
        messages.success(request, _("The paper is filed."))
        return redirect(found)
    return _page(request, found, paper=form, status=pages.status_of(form))


def _left(found: Release) -> list[PaperKind]:
    """The papers to choose from; all, where nothing is owed, so that the action can say so."""
    owed = [PaperKind(one.kind) for one in queries.papers_of(found) if one.filed_at is None]
    return owed or list(PaperKind)


def _found(request: StaffRequest, public_id: UUID, permission: Permission) -> Release:
    rows = queries.releases_open_to(request.user, request.now, permission)
    return get_object_or_404(rows, public_id=public_id)


def _page(
    request: StaffRequest,
    found: Release,
    *,
    paper: release_forms.PaperForm | None = None,
    status: int = 200,
) -> HttpResponse:
    at = request.now
    keeps = queries.releases_open_to(request.user, at, KEEP).filter(pk=found.pk).exists()
    form = paper
    if form is None and keeps and found.settled_at is None:
        form = release_forms.PaperForm(left=_left(found))
    if form is not None:
        pages.forms.dress(form)
    settled = found.settled_at is not None
    page = {
        "release": found,
        "badge": badge(found, at > found.due_at),
        "papers": [
            (
                one,
                found.called_by if one.kind in OWED_BY_CALLER else found.to,
                _tone(one, settled, at),
            )
            for one in queries.papers_of(found)
        ],
        "moves": [
            (one, words.amount(one.quantity, one.item)) for one in queries.moves_of(found.entry)
        ],
        "form": form,
        "files": files.of(PAPERS, found),
        "history": audit.history_of(found),
    }
    return render(request, "supplies/stock/release.html", page, status=status)


def _tone(paper: ReleasePaper, settled: bool, at: datetime) -> str:
    """How a paper stands: filed, owed or late; nothing where the goods came back."""
    if paper.filed_at is not None:
        return "good"
    if settled:
        return ""
    return "bad" if at > paper.due_at else "warn"


# --- Months ---------------------------------------------------------------------------------------


@allowed(KEEP)
@require_POST
def close_month(request: StaffRequest, public_id: UUID) -> HttpResponse:
    """Close the next month of a place."""
    place = queries.place_open_to(request.user, request.now, public_id, KEEP)
    if place is None:
        raise Http404
    form = forms.MonthForm(request.POST)
    if done := pages.carry_out(request, form, closing_.close_month, place=place):
        closed = done.result.month
        messages.success(request, _("%(month)s is closed.") % {"month": f"{closed:%Y-%m}"})
    for text in chain.from_iterable(form.errors.values()):
        messages.warning(request, str(text))
    return redirect(place)


@allowed(VIEW)
def closing(request: StaffRequest, public_id: UUID) -> HttpResponse:
    """A month that was closed: who closed it, who asks to open it again."""
    return _month(request, _closing(request, public_id, VIEW))


@allowed(KEEP)
def ask_to_open(request: StaffRequest, public_id: UUID) -> HttpResponse:
    """Ask to open it again."""
    found = _closing(request, public_id, KEEP)
    return step_views.with_reason(
        request, found, closing_.ask_to_open, _("Ask to open the month again"), closing=found
    )


@allowed(APPROVE)
@require_POST
def open_month(request: StaffRequest, public_id: UUID) -> HttpResponse:
    """Agree to open it again."""
    found = _closing(request, public_id, APPROVE)
    form = pages.editing(forms.StepForm(request.POST), found)
    if pages.carry_out(request, form, closing_.open_again, closing=found):
        messages.success(request, _("The month is open again."))
        return redirect(found)
    found = _closing(request, public_id, VIEW)
    return _month(request, found, step=form, status=pages.status_of(form))


@allowed(APPROVE)
def leave_closed(request: StaffRequest, public_id: UUID) -> HttpResponse:
    """Decline."""
    found = _closing(request, public_id, APPROVE)
    return step_views.with_reason(
        request, found, closing_.leave_closed, _("Leave the month closed"), closing=found
    )


def _closing(request: StaffRequest, public_id: UUID, permission: Permission) -> MonthClosing:
    rows = queries.closings_open_to(request.user, request.now, permission)
    return get_object_or_404(rows, public_id=public_id)


def _month(
    request: StaffRequest, found: MonthClosing, *, step: pages.Form | None = None, status: int = 200
) -> HttpResponse:
    user, at = request.user, request.now
    keeps, decides = (
        queries.closings_open_to(user, at, one).filter(pk=found.pk).exists()
        for one in (KEEP, APPROVE)
    )
    closed, asked = found.opened_at is None, found.asked_at is not None
    decides = decides and closed and asked and found.asked_by_id != user.pk
    page = {
        "closing": found,
        "step": step,
        "may_ask": keeps and closed and not asked,
        "decision": pages.editing(forms.StepForm(), found) if decides else None,
        "history": audit.history_of(found),
    }
    return render(request, "supplies/stock/closing.html", page, status=status)
