"""Background jobs: what waits, runs and failed, and a second try for what failed."""

from __future__ import annotations

from typing import Any, TypeVar
from uuid import UUID

from django import forms
from django.contrib import messages
from django.db.models import Model, QuerySet
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from fangkong.accounts.types import StaffRequest
from fangkong.core import pages
from fangkong.core.audit import queries as audit
from fangkong.core.commands.actions import once
from fangkong.core.permissions import allowed
from fangkong.core.queue import actions, queries
from fangkong.core.queue.models import Job
from fangkong.core.queue.types import SEE_JOBS

M = TypeVar("M", bound=Model)


class JobFilter(pages.FilterForm):
    """By state and kind."""

    state = forms.ChoiceField(
        label=_("State"), required=False, choices=[("", _("all")), *Job.State.choices]
    )
    name = forms.ChoiceField(label=_("Job"), required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["name"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [("", _("all")), *queries.titles().items()]

    def narrow(self, rows: QuerySet[M]) -> QuerySet[M]:
        chosen = self.chosen()
        if "state" in chosen:
            rows = rows.filter(state=chosen["state"])
        if "name" in chosen:
            rows = rows.filter(name=chosen["name"])
        return rows


def _url(job: Job) -> str:
    return reverse("job", args=[job.public_id])


JOBS = pages.Listing(
    name="jobs",
    title=_("Background jobs"),
    columns=[
        pages.Column("name", _("Job"), queries.title_of, url=_url),
        pages.Column(
            "state", _("State"), lambda job: job.get_state_display(), piece="web/queue/_state.html"
        ),
        pages.Column("tries", _("Tries"), lambda job: job.tries),
        pages.Column("asked", _("Asked"), lambda job: job.asked_at, order="id"),
        pages.Column("ended", _("Ended"), lambda job: job.ended_at),
        pages.Column("problem", _("Problem"), lambda job: job.problem),
    ],
    order="-asked",
    filters=JobFilter,
    empty=_("No job has run yet."),
)


@allowed(SEE_JOBS)
def index(request: StaffRequest) -> HttpResponseBase:
    """The newest jobs first."""
    return pages.listing(request, JOBS, queries.jobs())


@allowed(SEE_JOBS)
def detail(request: StaffRequest, public_id: UUID) -> HttpResponse:
    """One job and how it went."""
    job = get_object_or_404(queries.jobs(), public_id=public_id)
    shown = {"job": job, "title": queries.title_of(job), "history": audit.history_of(job)}
    return render(request, "web/queue/detail.html", shown)


@require_POST
@allowed(SEE_JOBS)
def repeat(request: StaffRequest, public_id: UUID) -> HttpResponse:
    """Put a failed job back into the queue."""
    job = get_object_or_404(queries.jobs(), public_id=public_id)
    once(pages.key_of(request), actions.repeat, job=job, by=request.user, at=request.now)
    messages.success(request, _("The job waits for its next try."))
    return redirect("job", public_id)
