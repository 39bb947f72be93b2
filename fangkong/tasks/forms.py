"""Forms of tasks."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from django import forms
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from fangkong.core import clock, pages
from fangkong.core.files.forms import FilesField
from fangkong.places import queries as places

from . import queries, rules, types
from .models import Task

if TYPE_CHECKING:
    from fangkong.accounts.models import User
    from fangkong.places.models import Area

NO_NAMES = _("Write no names, phones or identity numbers of the public.")


class TaskFilter(pages.FilterForm):
    """The bar above the board. Without a choice it shows one's own unfinished tasks."""

    standing = ("whose", "state")

    whose = forms.ChoiceField(
        label=_("Whose"),
        required=False,
        choices=[("", _("Mine")), ("all", _("All that I may see"))],
    )
    state = forms.ChoiceField(
        label=_("State"),
        required=False,
        choices=[("", _("Unfinished")), *Task.State.choices, ("any", _("Any"))],
    )
    late = forms.BooleanField(label=_("Overdue only"), required=False)

    def __init__(self, *args: Any, user: User, at: datetime, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user, self.at = user, at

    def narrow(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        chosen = self.chosen()
        if "whose" not in chosen:
            rows = rows & queries.of_user(self.user, self.at)
        if "state" not in chosen:
            rows = rows.filter(state__in=rules.UNFINISHED)
        elif chosen["state"] != "any":
            rows = rows.filter(state=chosen["state"])
        return rows.filter(due_at__lt=self.at) if chosen.get("late") else rows


class OfficeForm(pages.Form):
    """An area of those offered, and a role in it."""

    area = forms.ChoiceField(label=_("Area"))
    role = forms.ChoiceField(label=_("Office"), choices=[(r.value, r.label) for r in types.OWNERS])

    def __init__(self, *args: Any, areas: list[Area], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.areas = {str(area.public_id): area for area in areas}
        choice = self.fields["area"]
        assert isinstance(choice, forms.ChoiceField)
        choice.choices = [(key, area.display_name) for key, area in self.areas.items()]

    def office(self) -> dict[str, Any]:
        """What an action takes: the area and the role."""
        return {
            "area": self.areas[self.cleaned_data["area"]],
            "role": self.cleaned_data["role"],
        }


class TaskForm(OfficeForm):
    """A task in own words."""

    text = forms.CharField(
        label=_("Task"), max_length=160, help_text=_("What is to be done, in one line.")
    )
    note = forms.CharField(
        label=_("Details"),
        required=False,
        max_length=2000,
        help_text=NO_NAMES,
        widget=forms.Textarea(attrs={"rows": 3}),
    )
    due_at = forms.DateTimeField(label=_("Due"), widget=forms.DateTimeInput)
    priority = forms.TypedChoiceField(
        label=_("Priority"),
        coerce=int,
        choices=Task.Priority.choices,
        initial=Task.Priority.NORMAL,
    )

    field_order = ("text", "area", "role", "due_at", "priority", "note")

    def cleaned(self) -> dict[str, Any]:
        """What the action takes."""
        data = {name: self.cleaned_data[name] for name in ("text", "note", "due_at", "priority")}
        return {**data, **self.office()}


class ProofForm(pages.Form):
    """What was done."""

    proof = forms.CharField(
        label=_("Proof"),
        max_length=2000,
        help_text=_("What was done, when, and what shows it. No names or phones of the public."),
        widget=forms.Textarea(attrs={"rows": 3}),
    )
    attachments = FilesField(types.PROOF, label=_("Photos and files"), required=False)


class ReasonForm(pages.Form):
    """Why a task is taken back."""

    reason = forms.CharField(label=_("Reason"), max_length=400)


class ReassignForm(OfficeForm):
    """Another office for a task."""

    due_at = forms.DateTimeField(
        label=_("New end"),
        required=False,
        help_text=_("Leave empty to let the clock run on."),
        widget=forms.DateTimeInput,
    )
    reason = forms.CharField(label=_("Reason"), max_length=400)

    def cleaned(self) -> dict[str, Any]:
        """What the action takes."""
        return {
            "reason": self.cleaned_data["reason"],
            "due_at": self.cleaned_data["due_at"],
            **self.office(),
        }


def areas_within(user: User, permission: Any, at: datetime) -> list[Area]:
    """The home area and its counties, as far as the user's permission reaches."""
    day = clock.day_of(at)
    scope = user.scope(permission, at)
    home = places.home(day)
    known = ([home] if home else []) + places.counties_of_home(day)
    within = [a for a in known if scope.holds(county_id=a.county_id, area_id=a.pk)]
    return list(dict.fromkeys(within))


def first_due(at: datetime) -> datetime:
    """What the form offers as the end: a day from now, to the hour."""
    later = at.astimezone(clock.zone()) + timedelta(days=1)
    return later.replace(minute=0, second=0, microsecond=0)
