"""Persons entered twice: the pairs, two records side by side, joined records, and the searches."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from fangkong.accounts.types import StaffRequest
from fangkong.core import clock, pages
from fangkong.core.audit import queries as audit
from fangkong.core.audit.sights import opened
from fangkong.core.commands.actions import once
from fangkong.core.permissions import allowed
from fangkong.core.queue import queries as queue
from fangkong.core.refusals import Refused
from fangkong.places import queries as places

from . import actions, queries, words
from .forms import ApartForm, MergeForm, PairFilter, ReconsiderForm, UndoForm
from .models import Merge, Pair, Run
from .types import FIND, JUDGE, Trigger

PAIRS = pages.Listing[Pair](
    name="pairs",
    title=_("Persons entered twice"),
    columns=[
        pages.Column(
            "pair",
            _("Persons"),
            lambda p: f"{p.one.masked_name} / {p.other.masked_name}",
            url=lambda p: p.get_absolute_url(),
            names=True,
        ),
        pages.Column(
            "weight",
            _("One person?"),
            lambda p: words.strength(p.weight),
            order="weight",
            piece="people/duplicates/_strength.html",
        ),
        pages.Column("agreed", _("What agrees"), words.agreed_line),
        pages.Column("county", _("County"), queries.county_words),
        pages.Column(
            "found", pgettext_lazy("pair", "Found"), lambda p: p.created_at, order="created_at"
        ),
    ],
    order="-weight",
    empty=_("Nobody waits to be judged. The register is searched every night."),
)
MERGES = pages.Listing[Merge](
    name="merges",
    title=_("Joined records"),
    columns=[
        pages.Column(
            "person",
            _("Person"),
            lambda m: m.kept.masked_name,
            url=lambda m: m.get_absolute_url(),
            names=True,
        ),
        pages.Column("county", _("County"), queries.county_words),
        pages.Column("joined", _("Joined"), lambda m: m.created_at, order="created_at"),
        pages.Column(
            "by",
            pgettext_lazy("of a joining", "By"),
            lambda m: m.created_by.display_name if m.created_by else "",
        ),
        pages.Column("undone", _("Undone"), lambda m: m.undone_at),
    ],
    order="-joined",
    empty=_("No records were joined yet."),
)
RUNS = pages.Listing[Run](
    name="pair_runs",
    title=_("Searches for persons entered twice"),
    columns=[
        pages.Column(
            "asked",
            _("Asked"),
            lambda r: r.created_at,
            order="created_at",
            url=lambda r: r.get_absolute_url(),
        ),
        pages.Column("trigger", _("Occasion"), lambda r: r.get_trigger_display()),
        pages.Column(
            "stage",
            _("State"),
            lambda r: r.stage.label,
            piece="people/duplicates/_stage.html",
        ),
        pages.Column("persons", _("Persons"), lambda r: r.person_count),
        pages.Column("pairs", _("Pairs"), lambda r: r.pair_count),
        pages.Column("fresh", _("New pairs"), lambda r: r.new_count),
    ],
    order="-asked",
    empty=_("The register has not been searched yet."),
)


@never_cache
@allowed(JUDGE)
def index(request: StaffRequest) -> HttpResponseBase:
    """The pairs that wait for this user's judgement, the likeliest first; or those judged."""
    counties = places.counties_of_home(clock.day_of(request.now))
    return pages.listing(
        request,
        PAIRS,
        queries.standing(request.user, request.now),
        template="people/duplicates/index.html",
        filters=PairFilter(request.GET, counties=counties),
        context={
            "last": queries.last_run(),
            "may_find": bool(request.user.scope(FIND, request.now)),
        },
    )


@never_cache
@allowed(JUDGE)
def detail(request: StaffRequest, public_id: UUID) -> HttpResponse:
    """Two records side by side, and what may be done with them."""
    return _pair_page(request, _pair(request, public_id))


@never_cache
@allowed(JUDGE)
@require_POST
def merge(request: StaffRequest, public_id: UUID) -> HttpResponse:
    """Make one record of the two."""
    pair = _pair(request, public_id)
    form = MergeForm(request.POST, pair=pair)
    if done := pages.carry_out(request, form, actions.merge, form.facts, pair=pair):
        messages.success(request, _("The two records are one now. It can be undone here."))
        return redirect(done.result)
    return _pair_page(request, pair, merge_form=form, status=pages.status_of(form))


@never_cache
@allowed(JUDGE)
@require_POST
def keep_apart(request: StaffRequest, public_id: UUID) -> HttpResponse:
    """They are two persons."""
    pair = _pair(request, public_id)
    form = ApartForm(request.POST, pair=pair)
    if pages.carry_out(request, form, actions.keep_apart, None, pair=pair):
        text = _("They are two persons. The pair does not come back.")
        messages.success(request, text)
        return redirect("people:duplicates:index")
    return _pair_page(request, pair, apart_form=form, status=pages.status_of(form))


@never_cache
@allowed(JUDGE)
@require_POST
def reconsider(request: StaffRequest, public_id: UUID) -> HttpResponse:
    """Take back that they are two persons."""
    pair = _pair(request, public_id)
    form = ReconsiderForm(request.POST)
    if pages.carry_out(request, form, actions.reconsider, None, pair=pair):
        messages.success(request, _("The pair waits to be judged again."))
        return redirect(pair)
    return _pair_page(request, pair, again=form, status=pages.status_of(form))


@never_cache
@allowed(JUDGE)
def merges(request: StaffRequest) -> HttpResponseBase:
    """Records that were joined, the newest first."""
    rows = queries.merges_open_to(request.user, request.now)
    return pages.listing(request, MERGES, rows, template="people/duplicates/merges.html")


@never_cache
@allowed(JUDGE)
def merged(request: StaffRequest, public_id: UUID) -> HttpResponse:
    """What was joined, what followed, and the way back."""
    return _merge_page(request, _merge(request, public_id))


@never_cache
@allowed(JUDGE)
@require_POST
def undo(request: StaffRequest, public_id: UUID) -> HttpResponse:
    """Make two records of it again."""
    joined = _merge(request, public_id)
    form = UndoForm(request.POST, corrected=queries.corrected_since(joined))
    if pages.carry_out(request, form, actions.undo, form.facts, merge=joined):
        messages.success(request, _("They are two records again."))
        return redirect(joined)
    return _merge_page(request, joined, form, status=pages.status_of(form))


@allowed(FIND)
def runs(request: StaffRequest) -> HttpResponseBase:
    """All searches, the newest first, and the button that asks for one."""
    rows = queries.runs_open_to(request.user, request.now)
    return pages.listing(request, RUNS, rows, template="people/duplicates/runs.html")


@require_POST
@allowed(FIND)
def new_run(request: StaffRequest) -> HttpResponse:
    """Ask for a search."""
    facts: dict[str, Any] = {"by": request.user, "at": request.now}
    try:
        run_ = once(
            pages.key_of(request), actions.request_run, trigger=Trigger.ON_DEMAND.value, **facts
        )
    except Refused as problem:
        messages.warning(request, str(problem))
        return redirect("people:duplicates:runs")
    return redirect(run_)


@allowed(FIND)
def run(request: StaffRequest, public_id: UUID) -> HttpResponse:
    """One search: how far it is, and what it found."""
    return render(request, "people/duplicates/run.html", _run_facts(request, public_id))


@allowed(FIND)
def _progress(request: StaffRequest, public_id: UUID) -> HttpResponse:
    """The live part of a search's page."""
    return render(request, "people/duplicates/_progress.html", _run_facts(request, public_id))


# --- What the pages show --------------------------------------------------------------------------


def _pair(request: StaffRequest, public_id: UUID) -> Pair:
    rows = queries.with_numbers(queries.judged_too(request.user, request.now))
    pair = get_object_or_404(rows, public_id=public_id)
    opened(request, pair)
    return pair


def _merge(request: StaffRequest, public_id: UUID) -> Merge:
    rows = queries.merges_open_to(request.user, request.now)
    joined = get_object_or_404(rows, public_id=public_id)
    opened(request, joined)
    return joined


def _pair_page(
    request: StaffRequest,
    pair: Pair,
    *,
    merge_form: MergeForm | None = None,
    apart_form: ApartForm | None = None,
    again: ReconsiderForm | None = None,
    status: int = 200,
) -> HttpResponse:
    day = clock.day_of(request.now)
    form, apart = merge_form or MergeForm(pair=pair), apart_form or ApartForm(pair=pair)
    for one in (form, apart):
        one.renewed(pair)
        pages.forms.dress(one)
    again = again or ReconsiderForm()
    pages.forms.dress(again)
    waits = queries.waits(pair)
    shown = {
        "pair": pair,
        "waits": waits,
        "records": [words.record(one, day) for one in (pair.one, pair.other)],
        "lines": words.lines(pair.one, pair.other, day, form),
        "strength": words.strength(pair.weight),
        "agreed": words.agreed(pair.agreed),
        "against": words.against(pair.agreed),
        "obstacles": queries.obstacles(pair.one, pair.other, request.now) if waits else [],
        "form": form,
        "keep": form.chosen("keep"),
        "apart": apart,
        "again": again if queries.stands_apart(pair) else None,
        "refused": () if queries.stands_apart(pair) else again.non_field_errors(),
        "joined": queries.standing_merge(pair),
    }
    return render(request, "people/duplicates/detail.html", shown, status=status)


def _merge_page(
    request: StaffRequest, joined: Merge, form: UndoForm | None = None, status: int = 200
) -> HttpResponse:
    stands = joined.undone_at is None
    later = queries.later_merge(joined) if stands else None
    gone = not (joined.kept_before and joined.kept_after and joined.gone_before)
    form = form or UndoForm(corrected=queries.corrected_since(joined) if stands else [])
    pages.forms.dress(form)
    shown = {
        "joined": joined,
        "taken": words.fields(joined.taken),
        "moved": words.moved(joined),
        "stands": stands,
        "later": later,
        "values_gone": gone,
        "history": audit.history_of(joined.kept),
        "form": form,
    }
    return render(request, "people/duplicates/merged.html", shown, status=status)


def _run_facts(request: StaffRequest, public_id: UUID) -> dict[str, Any]:
    rows = queries.runs_open_to(request.user, request.now)
    found = get_object_or_404(rows, public_id=public_id)
    live = found.stage in ("waiting", "running")
    job = queue.latest_about(queries.JOB, found.pk)
    weights = [
        (name, [(level, *shares) for level, shares in levels.items()])
        for name, levels in found.weights.items()
    ]
    return {"run": found, "job": job, "live": live, "weights": weights}
