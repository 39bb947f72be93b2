"""The kit page: every component of the look on one page, with invented content."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta

from django import forms
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from fangkong.accounts.types import StaffRequest
from fangkong.core import clock, pages
from fangkong.core.files.forms import FilesField
from fangkong.core.printing import sheets as printing
from fangkong.core.richtext import RichTextField
from fangkong.tasks.types import PROOF


@login_required
def index(request: StaffRequest) -> HttpResponse:
    """For those who build pages."""
    if "print" in request.GET:
        return _printed(request)
    form = Words(request.POST if "words" in request.POST else None)
    if request.method == "POST" and not form.is_bound:  # a button: nothing is kept here
        _say(request)
        return redirect("style_guide")
    pages.forms.dress(form)
    shown: dict[str, object] = {"board": _board(request.path), "month": _month(request)}
    status = 200
    if form.is_bound:
        if form.is_valid():
            shown["cleaned"] = form.cleaned_data["words"]
        else:
            status = 422
    return render(request, "web/style_guide.html", {**shown, "words_form": form}, status=status)


def _say(request: StaffRequest) -> None:
    """One toast: of the level that was pressed, or what the board's menu would have done."""
    levels = {
        "success": (messages.SUCCESS, _("The report card was sent to the county CDC.")),
        "info": (messages.INFO, _("Two more cards arrived meanwhile.")),
        "warning": (messages.WARNING, _("Saved, but the laboratory report is missing.")),
        "error": (messages.ERROR, _("Not saved: the card was changed by somebody else.")),
    }
    moved = messages.SUCCESS, _("The card would be moved now. Nothing here is kept.")
    messages.add_message(request, *levels.get(request.POST.get("toast", ""), moved))


def _printed(request: StaffRequest) -> HttpResponse:
    """The cards of the board on paper. Invented, so no line of the trail tells of it."""
    rows = [(card.title, card.note, column.label) for column in _board("") for card in column.cards]
    head = [_("Task"), _("Area"), _("State")]
    return printing.table(request, head, rows, title=_("Board"), name="fangkong-kit")


class Words(pages.Form):
    """Rich text and files, as an editor or an office gives them."""

    words = RichTextField(
        label=gettext_lazy("Rich text"),
        widget=forms.Textarea(attrs={"rows": 5}),
        max_length=2000,
    )
    attachments = FilesField(PROOF, label=gettext_lazy("Photos and files"), required=False)


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
    marks = pages.marks_of(settings.FANGKONG_AREA, first)
    return pages.Month(_("Visits and reports"), first, events, today, marks)


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
