"""The kit page: every component of the look on one page, with invented content."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from fangkong.accounts.types import StaffRequest
from fangkong.core import clock, pages


@login_required
def index(request: StaffRequest) -> HttpResponse:
    """For those who build pages."""
    if request.method == "POST":  # the board's menu: nothing is kept here
        messages.success(request, _("The card would be moved now. Nothing here is kept."))
        return redirect("style_guide")
    today = clock.day_of(request.now)
    shown = {"board": _board(request.path), "month": _month(request)}
    return render(request, "web/style_guide.html", {**shown, "today": today})


def _board(url: str) -> list[pages.BoardColumn]:
    states = [("open", _("Open")), ("begun", _("Under way")), ("done", _("Done"))]
    titles = {
        "open": [_("Check the ventilation of the fever clinic"), _("Call the four close contacts")],
        "begun": [_("Bring 200 masks to Bamei")],
        "done": [],
    }
    return [
        pages.BoardColumn(
            label,
            [
                pages.Card(
                    title,
                    "#board",
                    "道孚县",
                    url,
                    [pages.Move(other, to) for to, other in states if to != state],
                )
                for title in titles[state]
            ],
        )
        for state, label in states
    ]


def _month(request: StaffRequest) -> pages.Month:
    today = clock.day_of(request.now)
    first = today.replace(day=1)
    asked = forms.DateField(required=False, input_formats=["%Y-%m"])
    with suppress(forms.ValidationError):  # a month that is none: this one
        first = asked.clean(request.GET.get("month", "")) or first
    events = [
        pages.Event(today, _("Inspection of Daofu")),
        pages.Event(today + timedelta(3), _("Situation report"), "#calendar"),
    ]
    return pages.Month(_("Visits and reports"), first, events, today)


class Place(pages.Form):
    name = forms.CharField(label=gettext_lazy("Name of the place"), max_length=40)


class Kind(pages.Form):
    kind = forms.ChoiceField(
        label=gettext_lazy("Kind"),
        choices=[("hospital", gettext_lazy("Hospital")), ("post", gettext_lazy("Checkpoint"))],
        widget=forms.RadioSelect,
    )


WIZARD = pages.Wizard(
    "kit",
    gettext_lazy("A form in steps"),
    [
        pages.Step("place", gettext_lazy("Place"), Place),
        pages.Step("kind", gettext_lazy("Kind"), Kind),
    ],
)


@login_required
def steps(request: StaffRequest) -> HttpResponse:
    """The wizard of the kit; its end keeps nothing."""

    def end(_result: object) -> HttpResponse:
        messages.success(request, _("All steps are right. Nothing here is kept."))
        return redirect("style_guide")

    return pages.wizard(request, WIZARD, _keep_nothing, done=end)


def _keep_nothing(**facts: object) -> dict[str, int]:
    return {"steps": len(facts)}
