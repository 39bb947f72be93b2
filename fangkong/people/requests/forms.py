"""What is stated at a request, and the answer to it."""

from __future__ import annotations

from typing import TypeVar

from django import forms
from django.db.models import Model, QuerySet
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from fangkong.core import pages

from . import queries
from .types import Asker, Kind, Proof, State

M = TypeVar("M", bound=Model)
LIFTING = "lifting"  # a filter only: the request itself stays granted in part
NO_NAMES = _("No names and no numbers of persons.")


class RequestFilter(pages.FilterForm):
    """By kind and state; without a choice all are shown."""

    kind = forms.ChoiceField(
        label=_("Kind"), required=False, choices=[("", _("All")), *Kind.choices]
    )
    state = forms.ChoiceField(
        label=_("State"),
        required=False,
        choices=[
            ("", _("All")),
            *State.choices,
            (LIFTING, pgettext_lazy("state of a request", "lifting asked for")),
        ],
    )

    def narrow(self, rows: QuerySet[M]) -> QuerySet[M]:
        chosen = self.chosen()
        if chosen.get("state") == LIFTING:
            rows = rows.filter(queries.LIFT_WAITS)
            del chosen["state"]
        return rows.filter(**chosen)


class ReceiveForm(pages.Form):
    """What is asked, by whom, and what proved it."""

    kind = forms.ChoiceField(
        label=_("What is asked"), choices=Kind.choices, widget=forms.RadioSelect
    )
    asker = forms.ChoiceField(label=_("Who asks"), choices=Asker.choices)
    proof = forms.ChoiceField(
        label=_("How the identity was checked"),
        choices=Proof.choices,
        help_text=_("Look at the document; do not copy its number here."),
    )
    words = forms.CharField(
        label=_("In the person's words"),
        required=False,
        max_length=400,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text=NO_NAMES,
    )


class DecideForm(pages.Form):
    """The answer that the person gets."""

    answer = forms.CharField(
        label=_("Answer to the person"),
        required=False,
        max_length=400,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text=_("Needed where you refuse. No names and no numbers of persons."),
    )


class LiftForm(pages.Form):
    """Why a restriction ends."""

    reason = forms.CharField(
        label=_("Which new duty makes it necessary?"),
        max_length=400,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text=NO_NAMES,
    )
