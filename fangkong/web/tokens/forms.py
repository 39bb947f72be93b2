"""The form of a new token."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from django import forms
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from fangkong.core import clock, pages
from fangkong.core.tokens import queries

if TYPE_CHECKING:
    from fangkong.accounts.models import User


class TokenForm(pages.Form):
    """What a token is called, what it may do, and until when."""

    label = forms.CharField(
        label=pgettext_lazy("thing", "Name"),
        max_length=60,
        help_text=_("Which machine or program uses it, such as “Hospital information system”."),
    )
    user = forms.ChoiceField(label=_("Acts as"))
    last_day = forms.DateField(
        label=_("Last day"),
        widget=forms.DateInput(),
        help_text=_("At most a year from today. Short terms are safer."),
    )
    permissions = forms.MultipleChoiceField(
        label=_("Permissions"),
        widget=forms.CheckboxSelectMultiple(),
        help_text=_("Only what the program needs. A token never does more than its user may."),
    )

    may_write = forms.BooleanField(
        label=_("May also write"),
        required=False,
        help_text=_("Without it the token only reads."),
    )

    def __init__(
        self, data: Any, *, by: User, machines: Sequence[User], at: datetime, **kwargs: Any
    ) -> None:
        today = clock.day_of(at)
        super().__init__(data, initial={"last_day": today + timedelta(days=90)}, **kwargs)
        self._users = {str(user.public_id): user for user in [by, *machines]}
        grantable = {
            p.name: p for user in self._users.values() for p in queries.grantable(user, at)
        }
        self._offer("user", [(key, user.display_name) for key, user in self._users.items()])
        self._offer("permissions", [(name, p.label) for name, p in sorted(grantable.items())])
        if not machines:
            self.fields["user"].widget = forms.HiddenInput()
            self.initial["user"] = str(by.public_id)

    def _offer(self, name: str, choices: list[tuple[str, Any]]) -> None:
        field = self.fields[name]
        assert isinstance(field, forms.ChoiceField)
        field.choices = choices

    def cleaned(self) -> dict[str, Any]:
        """The arguments of ``tokens.actions.make``; the last day is included."""
        clean = self.cleaned_data
        return {
            "user": self._users[clean["user"]],
            "label": clean["label"],
            "permissions": clean["permissions"],
            "may_write": clean["may_write"],
            "expires_at": clock.next_day(clock.start_of(clean["last_day"])),
        }
