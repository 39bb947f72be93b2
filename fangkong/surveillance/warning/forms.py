"""Forms of warning."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from django import forms
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from fangkong.core import pages

from . import queries, rules
from .types import Outcome, State

if TYPE_CHECKING:
    from fangkong.accounts.models import User


class SignalFilter(pages.FilterForm):
    """The bar above the signals. Without a choice it shows those that wait for an answer."""

    standing = ("state",)

    state = forms.ChoiceField(
        label=_("State"),
        required=False,
        choices=[("", _("Waiting for an answer")), *State.choices, ("any", _("Any"))],
    )
    county = forms.ChoiceField(label=_("County"), required=False)
    condition = forms.ChoiceField(label=_("Disease"), required=False)

    def __init__(self, *args: Any, user: User, at: datetime, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        counties = [(c.code, c.display_short) for c in queries.counties_of(user, at)]
        self._offer("county", _("All counties"), counties)
        self._offer("condition", _("All diseases"), queries.conditions_raised(user, at))

    def _offer(self, name: str, everything: Any, choices: list[tuple[str, str]]) -> None:
        field = self.fields[name]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [("", everything), *choices]

    def narrow(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        chosen = self.chosen()
        if "state" not in chosen:
            rows = rows.filter(state__in=rules.OPEN, listed_at__isnull=False)
        elif chosen["state"] != "any":
            rows = rows.filter(state=chosen["state"])
        if "county" in chosen:
            rows = rows.filter(area__code=chosen["county"])
        if "condition" in chosen:
            rows = rows.filter(condition=chosen["condition"])
        return rows


class AnswerForm(pages.Form):
    """What the verification found."""

    outcome = forms.ChoiceField(
        label=_("Outcome"), choices=Outcome.choices, widget=forms.RadioSelect
    )
    note = forms.CharField(
        label=_("Note"),
        max_length=2000,
        help_text=_(
            "What was checked and what was found. Write no names, phones or identity numbers."
        ),
        widget=forms.Textarea(attrs={"rows": 4}),
    )


class RunForm(pages.Form):
    """The day that a run looks at."""

    day = forms.DateField(label=_("Day"), widget=forms.DateInput)
