"""Pages of bulletins and of daily reporting."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django import forms as django_forms
from django.contrib import messages
from django.http import Http404, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext, pgettext_lazy
from django.views.decorators.http import require_POST

from fangkong.accounts.types import StaffRequest
from fangkong.core import clock, pages
from fangkong.core.audit import queries as audit
from fangkong.core.commands.actions import once
from fangkong.core.permissions import allowed
from fangkong.core.printing import sheets as printing
from fangkong.core.refusals import Refused

from . import actions, figures, forms, queries, words
from .models import Bulletin, DailyReporting
from .types import NIL, ORDER, PREPARE, VIEW, BulletinState, Standing

FEW = 3  # facilities of one office

BULLETINS = pages.Listing[Bulletin](
    name="bulletins",
    title=gettext_lazy("Bulletins"),
    columns=[
        pages.Column(
            "day",
            gettext_lazy("Day"),
            lambda one: one.day,
            order="day",
            url=lambda one: one.get_absolute_url(),
        ),
        pages.Column("area", gettext_lazy("Place"), lambda one: one.area.display_short),
        pages.Column(
            "condition",
            gettext_lazy("Disease"),
            lambda one: words.condition(one.condition, one.day),
        ),
        pages.Column(
            "state",
            gettext_lazy("State"),
            lambda one: one.get_state_display(),
            piece="surveillance/bulletins/_state.html",
        ),
        pages.Column("number", gettext_lazy("Number"), lambda one: one.number),
        pages.Column(
            "new", pgettext_lazy("figure of a bulletin", "New"), lambda one: one.figures.new
        ),
        pages.Column(
            "total",
            pgettext_lazy("figure of a bulletin", "Cases in all"),
            lambda one: one.figures.total,
        ),
        pages.Column("issued", gettext_lazy("Published"), lambda one: one.issued_at),
        pages.Column(
            "by",
            pgettext_lazy("of a bulletin", "Issued by"),
            lambda one: one.issued_by.display_name if one.issued_by else "",
            optional=True,
        ),
    ],
    order="-day",
    empty=gettext_lazy("No bulletin yet."),
)


@allowed(VIEW)
def index(request: StaffRequest) -> HttpResponseBase:
    """What was issued, and the drafts of the user's places."""
    rows = queries.open_to(request.user, request.now)
    return pages.listing(
        request,
        BULLETINS,
        rows,
        template="surveillance/bulletins/index.html",
        filters=forms.BulletinFilter(request.GET, rows=rows, at=request.now),
        context={"may_prepare": bool(request.user.scope(PREPARE, request.now))},
    )


@allowed(PREPARE)
def new(request: StaffRequest) -> HttpResponse:
    """Count the figures of a day into a draft."""
    form = forms.PrepareForm(request.POST or None, user=request.user, at=request.now)
    if done := pages.carry_out(request, form, actions.prepare, form.asked):
        return redirect(done.result)
    return pages.form(
        request,
        form,
        title=_("Prepare a bulletin"),
        submit=pgettext("button", "Count"),
        context={"back_url": reverse("surveillance:bulletins:index")},
    )


@allowed(VIEW)
def detail(request: StaffRequest, public_id: UUID) -> HttpResponse:
    """One bulletin: its text, its figures and how they came about; also on paper."""
    found = _bulletin(request, public_id, queries.open_to)
    if "print" in request.GET:
        title = _("Bulletin of %(day)s") % {"day": found.day}
        sheet = "surveillance/bulletins/sheet.html"
        return printing.sheet(
            request, sheet, _shown(request, found), title=title, name="bulletin", subject=found
        )
    return _detail(request, found)


@allowed(VIEW)
def chart(request: StaffRequest, public_id: UUID) -> JsonResponse:
    """The series until a bulletin, as JSON."""
    found = _bulletin(request, public_id, queries.open_to)
    return pages.chart_json(figures.curve(request.user, request.now, found))


@allowed(PREPARE)
def change(request: StaffRequest, public_id: UUID) -> HttpResponse:
    """State figures otherwise than they were counted, with a reason; and the remark."""
    found = _bulletin(request, public_id, queries.open_to_prepare)
    if found.state != BulletinState.DRAFT:
        return redirect(found)
    form = pages.editing(forms.ChangeForm(request.POST or None, bulletin=found), found)
    if pages.carry_out(request, form, actions.change, form.asked, bulletin=found):
        messages.success(request, _("The draft is changed."))
        return redirect(found)
    return pages.form(
        request,
        form,
        template="surveillance/bulletins/change.html",
        title=_("Change the figures"),
        submit=pgettext("button", "Save"),
        context={"bulletin": found, "back_url": found.get_absolute_url()},
    )


@allowed(PREPARE)
@require_POST
def recount(request: StaffRequest, public_id: UUID) -> HttpResponse:
    """Count the draft anew."""
    found = _bulletin(request, public_id, queries.open_to_prepare)
    return _do(request, found, actions.recount, _("The draft is counted anew."))


@allowed(PREPARE)
@require_POST
def issue(request: StaffRequest, public_id: UUID) -> HttpResponse:
    """Publish it; the text cannot be changed afterwards."""
    found = _bulletin(request, public_id, queries.open_to_prepare)
    text = _("The bulletin gets its number and is published. It cannot be changed afterwards.")
    if page := pages.unconfirmed(
        request, text, submit=pgettext("button", "Issue"), back_url=found.get_absolute_url()
    ):
        return page
    form = pages.editing(pages.Form(request.POST), found)  # what was checked is what is issued
    if pages.carry_out(request, form, actions.issue, None, bulletin=found):
        messages.success(request, _("The bulletin is issued."))
        return redirect(found)
    found.refresh_from_db()
    problem = " ".join(str(text) for text in form.non_field_errors())
    return _detail(request, found, problem=problem, status=pages.status_of(form))


@allowed(PREPARE)
@require_POST
def drop(request: StaffRequest, public_id: UUID) -> HttpResponse:
    """Give the draft up."""
    found = _bulletin(request, public_id, queries.open_to_prepare)
    form = pages.editing(forms.ReasonForm(request.POST, prefix="drop"), found)
    if pages.carry_out(request, form, actions.drop, None, bulletin=found):
        messages.success(request, _("The draft is dropped."))
        return redirect(found)
    return _detail(request, found, drop_form=form, status=pages.status_of(form))


@allowed(PREPARE)
@require_POST
def correct(request: StaffRequest, public_id: UUID) -> HttpResponse:
    """Begin a correction of what was issued."""
    found = _bulletin(request, public_id, queries.open_to_prepare)
    form = pages.editing(forms.ReasonForm(request.POST, prefix="correct"), found)
    if done := pages.carry_out(request, form, actions.correct, None, bulletin=found):
        return redirect(done.result)
    return _detail(request, found, correct_form=form, status=pages.status_of(form))


# --- Daily reporting ------------------------------------------------------------------------------


@allowed(VIEW)
def daily(request: StaffRequest) -> HttpResponse:
    """Who has reported a day, county by county, and the orders behind it."""
    shown = figures.asked(request.user, request.now, request.GET)
    may_order = bool(request.user.scope(ORDER, request.now))
    page = {
        "asked": shown,
        "form": shown.form,
        "daily": shown.daily,
        "map": figures.reported_map(shown, request.now) if shown.daily else None,
        "missing": figures.missing_words(shown.daily) if shown.daily else "",
        "percent": None
        if shown.daily is None or shown.daily.share is None
        else round(shown.daily.share * 100),
        "mine": _mine(shown),
        "may_order": may_order,
        "orders": [
            (one, words.condition(one.condition, one.first_day), _end_form(one, request, may_order))
            for one in shown.orders
        ],
        "condition": words.condition(shown.condition, shown.day) if shown.condition else "",
        "counties": _counties(shown),
    }
    return render(request, "surveillance/bulletins/daily.html", page)


@allowed(VIEW)
def daily_map(request: StaffRequest) -> JsonResponse:
    """The map of who has reported, as JSON."""
    shown = figures.asked(request.user, request.now, request.GET)
    return pages.map_json(figures.reported_map(shown, request.now))


@allowed(NIL)
@require_POST
def nil(request: StaffRequest) -> HttpResponse:
    """Say that a facility had no case on a day."""
    form = forms.NilForm(request.POST)
    if not form.is_valid():
        raise Http404
    data = form.cleaned_data
    day = data["day"]
    facility = queries.facility_to_report_for(request.user, request.now, day, data["facility"])
    if facility is None:
        raise Http404
    try:
        made = once(
            pages.key_of(request),
            actions.report_nil,
            facility=facility,
            condition=data["condition"],
            day=day,
            by=request.user,
            at=request.now,
        )
    except Refused as problem:
        messages.warning(request, str(problem))
    else:
        told = {"facility": facility.display_name, "day": made.day}
        messages.success(request, _("%(facility)s had no case on %(day)s: reported.") % told)
    query = f"condition={data['condition']}&day={day.isoformat()}"
    return redirect(f"{reverse('surveillance:bulletins:daily')}?{query}")


@allowed(ORDER)
def order(request: StaffRequest) -> HttpResponse:
    """Order daily reporting of a disease."""
    form = forms.OrderForm(request.POST or None, day=clock.day_of(request.now))
    if done := pages.carry_out(request, form, actions.order):
        messages.success(request, _("Daily reporting is ordered."))
        return redirect(done.result)
    return pages.form(
        request,
        form,
        title=_("Order daily reporting"),
        submit=pgettext("button", "Order"),
        context={"back_url": reverse("surveillance:bulletins:daily")},
    )


@allowed(ORDER)
@require_POST
def end(request: StaffRequest, public_id: UUID) -> HttpResponse:
    """End it with a day."""
    found = get_object_or_404(queries.orders(), public_id=public_id)
    form = pages.editing(forms.EndForm(request.POST, prefix=str(found.pk)), found)
    if pages.carry_out(request, form, actions.end, None, order=found):
        messages.success(request, _("Daily reporting ends with that day."))
    else:
        for texts in form.errors.values():
            messages.warning(request, " ".join(str(text) for text in texts))
    return redirect("surveillance:bulletins:daily")


# --- What the pages share -------------------------------------------------------------------------


def _bulletin(request: StaffRequest, public_id: UUID, among: Callable[[Any, Any], Any]) -> Bulletin:
    found: Bulletin = get_object_or_404(among(request.user, request.now), public_id=public_id)
    return found


def _do(
    request: StaffRequest, found: Bulletin, action: Callable[..., Bulletin], said: str
) -> HttpResponse:
    """An action without a form; what is refused is told on the page."""
    try:
        once(pages.key_of(request), action, bulletin=found, by=request.user, at=request.now)
    except Refused as problem:
        found.refresh_from_db()
        return _detail(request, found, problem=problem, status=problem.status)
    messages.success(request, said)
    return redirect(found)


def _detail(
    request: StaffRequest,
    found: Bulletin,
    *,
    drop_form: forms.ReasonForm | None = None,
    correct_form: forms.ReasonForm | None = None,
    problem: Refused | str | None = None,
    status: int = 200,
) -> HttpResponse:
    may = queries.open_to_prepare(request.user, request.now).filter(pk=found.pk).exists()
    draft = found.state == BulletinState.DRAFT
    later = queries.correction_of(found)
    page: dict[str, object] = {
        **_shown(request, found),
        "problem": problem,
        "may": may,
        "own": draft and request.user.pk in queries.stated_by(found),
        "draft": draft,
        "issue_form": pages.editing(pages.Form(), found) if may and draft else None,
        "faults": [words.fault(one) for one in queries.faults_of(found)] if draft else [],
        "chart": figures.curve(request.user, request.now, found),
        "history": audit.history_of(found),
    }
    if may and draft:
        page["drop_form"] = _dressed(
            drop_form or pages.editing(forms.ReasonForm(prefix="drop"), found)
        )
    if may and found.state == BulletinState.ISSUED and later is None:
        page["correct_form"] = _dressed(
            correct_form or pages.editing(forms.ReasonForm(prefix="correct"), found)
        )
    return render(request, "surveillance/bulletins/detail.html", page, status=status)


def _dressed(form: forms.ReasonForm) -> forms.ReasonForm:
    pages.forms.dress(form)
    return form


def _shown(request: StaffRequest, found: Bulletin) -> dict[str, object]:
    texts = {"zh": found.text_zh, "en": found.text_en}
    if found.state == BulletinState.DRAFT:
        texts = queries.texts_of(found)
    order_ = queries.order_for(found.condition, found.day)
    reporting = found.reporting
    if found.state == BulletinState.DRAFT and order_ is not None:
        standing = queries.daily_of(order_, found.day, request.now, found.area)
        reporting = dict(queries.reported_shares(standing))
    return {
        "bulletin": found,
        "condition": words.condition(found.condition, found.day),
        "texts": [("zh-Hans", _("Chinese"), texts["zh"]), ("en", _("English"), texts["en"])],
        "singles": figures.singles(found),
        "counties": figures.counties(found),
        "tables": figures.tables(found),
        "apart": figures.apart(found),
        "changes": figures.stated_otherwise(found),
        "definition": words.definition(found.pack, found.definition),
        "clause": words.clause(found.pack, found.clause),
        "corrected_by": queries.correction_of(found),
        "reporting": reporting,
    }


def _mine(shown: figures.Asked) -> list[queries.Line]:
    """The facilities for which the user may report now, where they are few: a hospital's own.

    Whoever watches over many finds the button in the list of each county.
    """
    if shown.daily is None:
        return []
    found = [line for county in shown.daily.counties for line in county.lines if line.may_report]
    return found if len(found) <= FEW else []


def _counties(shown: figures.Asked) -> list[tuple[queries.CountyLine, list[dict[str, object]]]]:
    if shown.daily is None:
        return []
    return [(one, [_line(line) for line in one.lines]) for one in shown.daily.counties]


_TONES = {
    Standing.CARDS: "info",
    Standing.NIL: "good",
    Standing.MISSING: "neutral",
    Standing.OVERDUE: "bad",
}


def _line(line: queries.Line) -> dict[str, object]:
    return {"line": line, "tone": _TONES[line.standing], "label": line.standing.label}


def _end_form(one: DailyReporting, request: StaffRequest, may: bool) -> django_forms.Form | None:
    if not may or one.last_day is not None:
        return None
    today = clock.day_of(request.now)
    form = pages.editing(forms.EndForm(prefix=str(one.pk), initial={"last_day": today}), one)
    pages.forms.dress(form)
    return form
