"""Forms about staff."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar

from django import forms
from django.db.models import Model, Q, QuerySet
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from fangkong.core import clock, pages
from fangkong.core.roles import Role
from fangkong.places import queries as places

if TYPE_CHECKING:
    from .models import User

M = TypeVar("M", bound=Model)

USERNAME = r"^[a-z][a-z0-9._-]{2,59}$"


class StaffFilter(pages.FilterForm):
    """By name, role and state."""

    q = pages.SearchField(label=_("Name or user name"))
    role = forms.ChoiceField(
        label=_("Role"), required=False, choices=[("", _("all")), *Role.choices]
    )
    active = forms.ChoiceField(
        label=_("State"),
        required=False,
        choices=[("", _("all")), ("yes", _("may sign in")), ("no", _("closed"))],
    )

    def narrow(self, rows: QuerySet[M]) -> QuerySet[M]:
        chosen = self.chosen()
        if "q" in chosen:
            text = chosen["q"]
            rows = rows.filter(
                Q(username__icontains=text) | Q(name__icontains=text) | Q(name_en__icontains=text)
            )
        if "role" in chosen:
            rows = rows.filter(appointments__role=chosen["role"]).distinct()
        if "active" in chosen:
            rows = rows.filter(is_active=chosen["active"] == "yes")
        return rows


class StaffForm(pages.Form):
    """A new account."""

    username = forms.RegexField(
        USERNAME,
        label=_("User name"),
        help_text=_("3 to 60 small Latin letters, digits, dots or hyphens; begins with a letter."),
        widget=forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "none"}),
    )
    name = forms.CharField(label=pgettext_lazy("person", "Name"), max_length=60)
    name_en = forms.CharField(label=_("Name in Latin letters"), max_length=80, required=False)
    phone = forms.CharField(label=_("Work phone"), max_length=20, required=False)
    password = forms.CharField(
        label=_("First password"),
        help_text=_("At least 12 characters. Tell it to the person in private."),
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )


class PasswordForm(pages.Form):
    """A new password for somebody else."""

    password = forms.CharField(
        label=_("New password"),
        help_text=_("At least 12 characters. Tell it to the person in private."),
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )


class AppointForm(pages.Form):
    """A role, for an area or a facility, from a day to a day."""

    role = forms.ChoiceField(label=_("Role"), choices=Role.choices)
    area = forms.ChoiceField(
        label=_("Area"), required=False, help_text=_("Choose an area or a facility, not both.")
    )
    facility = forms.ChoiceField(label=_("Facility"), required=False)
    valid_from = forms.DateField(label=_("First day"), widget=forms.DateInput())
    valid_to = forms.DateField(
        label=_("Last day"),
        required=False,
        widget=forms.DateInput(),
        help_text=_("Leave empty for an open end."),
    )

    def __init__(self, data: Any, *, by: User, at: datetime, **kwargs: Any) -> None:
        today = clock.day_of(at)
        super().__init__(data, initial={"valid_from": today}, **kwargs)
        home = places.home(today)
        self._areas = {
            str(a.public_id): a for a in [home, *places.counties_of_home(today)] if a is not None
        }
        facilities = places.facilities_open_to(by, at)
        self._facilities = {str(f.public_id): f for f in facilities}
        none = [("", _("none"))]
        self._offer("area", none + [(k, a.display_name) for k, a in self._areas.items()])
        self._offer("facility", none + [(k, f.display_name) for k, f in self._facilities.items()])

    def _offer(self, name: str, choices: list[tuple[str, Any]]) -> None:
        field = self.fields[name]
        assert isinstance(field, forms.ChoiceField)
        field.choices = choices

    def cleaned(self) -> dict[str, Any]:
        """The arguments of ``actions.appoint``."""
        clean = self.cleaned_data
        return {
            "role": clean["role"],
            "area": self._areas.get(clean["area"]),
            "facility": self._facilities.get(clean["facility"]),
            "valid_from": clean["valid_from"],
            "valid_to": clean["valid_to"],
        }


class EndForm(pages.Form):
    """The last day of an appointment."""

    last_day = forms.DateField(label=_("Last day"), widget=forms.DateInput())
