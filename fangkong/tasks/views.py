"""The board of tasks, one task with its proof, and a new task by hand."""

from __future__ import annotations

from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from fangkong.accounts.types import StaffRequest
from fangkong.core import pages
from fangkong.core.audit import queries as audit
from fangkong.core.commands.actions import once
from fangkong.core.files import queries as files
from fangkong.core.files import receiving
from fangkong.core.permissions import allowed
from fangkong.core.printing import sheets as printing

from . import actions, queries
from .forms import (
    ProofForm,
    ReasonForm,
    ReassignForm,
    TaskFilter,
    TaskForm,
    areas_within,
    first_due,
)
from .models import Task
from .types import ASSIGN, PROOF, REDIRECT, VIEW, WORK

BOARD = pages.Listing[Task](
    name="tasks",
    title=_("Tasks"),
    columns=[
        pages.Column("title", _("Task"), lambda t: t.title, url=lambda t: t.get_absolute_url()),
        pages.Column("office", _("Office"), lambda t: t.office),
        pages.Column(
            "priority",
            _("Priority"),
            lambda t: t.get_priority_display(),
            order="priority",
            piece="tasks/_priority.html",
        ),
        pages.Column("due", _("Due"), lambda t: t.due_at, order="due_at", piece="tasks/_due.html"),
        pages.Column(
            "state",
            _("State"),
            lambda t: t.get_state_display(),
            piece="tasks/_state.html",
        ),
        pages.Column("given", _("Given"), lambda t: t.created_at, order="created_at"),
    ],
    order="due",
    empty=_("Nothing waits for you."),
)


@allowed(VIEW)
def index(request: StaffRequest) -> HttpResponseBase:
    """The board: one's own unfinished tasks first, others on demand."""
    filters = TaskFilter(request.GET, user=request.user, at=request.now)
    return pages.listing(
        request,
        BOARD,
        queries.open_to(request.user, request.now),
        template="tasks/index.html",
        filters=filters,
        context={
            "counts": queries.counts(request.user, request.now),
            "may_assign": bool(request.user.scope(ASSIGN, request.now)),
        },
    )


@allowed(VIEW)
def detail(request: StaffRequest, public_id: UUID) -> HttpResponse:
    """One task: what, by when, for what, and the form that finishes it."""
    task = _task(request, public_id)
    if "print" in request.GET:
        shown = {
            "task": task,
            "proof_files": files.of(PROOF, task),
            "history": audit.history_of(task),
        }
        return printing.sheet(
            request, "tasks/sheet.html", shown, title=task.title, name="task", subject=task
        )
    return _page(request, task)


@allowed(ASSIGN)
def new(request: StaffRequest) -> HttpResponse:
    """Give a task in own words."""
    form = TaskForm(
        request.POST or None,
        areas=areas_within(request.user, ASSIGN, request.now),
        initial={"due_at": first_due(request.now)},
    )
    if done := pages.carry_out(request, form, actions.give, form.cleaned):
        messages.success(request, _("The task is given."))
        if queries.day_off(done.result):
            messages.warning(request, _("Its end falls on a day off. It can be moved here."))
        return redirect(done.result)
    return pages.form(request, form, title=_("New task"), submit=_("Give the task"))


@require_POST
@allowed(WORK)
def accept(request: StaffRequest, public_id: UUID) -> HttpResponse:
    """Say that one sees to it."""
    task = _task(request, public_id)
    once(pages.key_of(request), actions.accept, task=task, by=request.user, at=request.now)
    messages.success(request, _("The task is yours now."))
    return redirect(task)


@require_POST
@allowed(WORK)
def finish(request: StaffRequest, public_id: UUID) -> HttpResponse:
    """Report the task as done, with proof."""
    task = _task(request, public_id)
    form = ProofForm(request.POST, request.FILES)

    def proven() -> dict[str, object]:
        kept = receiving.taken(
            request, PROOF, form.cleaned_data["attachments"], pages.key_of(request)
        )
        return {"proof": form.cleaned_data["proof"], "files": kept}

    if pages.carry_out(request, form, actions.finish, proven, task=task):
        messages.success(request, _("The task is done."))
        return redirect(task)
    return _page(request, task, proof_form=form, status=422)


@require_POST
@allowed(VIEW)
def cancel(request: StaffRequest, public_id: UUID) -> HttpResponse:
    """Take the task back."""
    task = _task(request, public_id)
    form = ReasonForm(request.POST)
    if pages.carry_out(request, form, actions.cancel, task=task):
        messages.success(request, _("The task is cancelled."))
        return redirect(task)
    return _page(request, task, cancel_form=form, status=422)


@allowed(REDIRECT)
def reassign(request: StaffRequest, public_id: UUID) -> HttpResponse:
    """Give the task to another office."""
    task = _task(request, public_id)
    off = queries.day_off(task)
    form = pages.editing(
        ReassignForm(
            request.POST or None,
            areas=areas_within(request.user, REDIRECT, request.now),
            initial={
                "area": str(task.area.public_id),
                "role": task.owner_role,
                "due_at": off.instead if off and "next_working_day" in request.GET else None,
            },
        ),
        task,
        {"_state": (_("State"), task.get_state_display())},
    )
    if pages.carry_out(request, form, actions.reassign, form.cleaned, task=task):
        messages.success(request, _("Another office has the task now."))
        return redirect(task)
    return pages.form(
        request,
        form,
        title=_("Give to another office"),
        submit=_("Give to this office"),
        context={"back_url": task.get_absolute_url()},
    )


def _task(request: StaffRequest, public_id: UUID) -> Task:
    return get_object_or_404(queries.open_to(request.user, request.now), public_id=public_id)


def _page(
    request: StaffRequest,
    task: Task,
    *,
    proof_form: ProofForm | None = None,
    cancel_form: ReasonForm | None = None,
    status: int = 200,
) -> HttpResponse:
    own = task.unfinished and queries.owns(request.user, task, request.now)
    redirects = task.unfinished and queries.may_redirect(request.user, task, request.now)
    # Who comes late finds the form gone; the refusal must still be read.
    for form, is_shown in ((proof_form, own), (cancel_form, redirects)):
        if form is not None and not is_shown:
            for problem in form.non_field_errors():
                messages.warning(request, str(problem))
    shown = {
        "task": task,
        "proof_files": files.of(PROOF, task),
        "day_off": queries.day_off(task) if task.unfinished else None,
        "may_accept": own and task.state == Task.State.OPEN,
        "proof_form": _dressed(proof_form or ProofForm()) if own else None,
        "cancel_form": _dressed(cancel_form or ReasonForm()) if redirects else None,
        "may_reassign": redirects and bool(request.user.scope(REDIRECT, request.now)),
        "history": audit.history_of(task),
    }
    return render(request, "tasks/detail.html", shown, status=status)


def _dressed(form: forms.Form) -> forms.Form:
    pages.forms.dress(form)
    return form
