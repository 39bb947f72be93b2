"""Forms of warning."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from django import forms
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from fangkong.core import clock, pages
from fangkong.surveillance.monitoring import forms as monitoring
from fangkong.surveillance.monitoring import queries as cases

from . import queries, rules
from .types import (
    Certainty,
    Conclusion,
    Outcome,
    ProductKind,
    ProductState,
    RiskLevel,
    Setting,
    State,
)

if TYPE_CHECKING:
    from fangkong.accounts.models import User


# A form that warns somebody chooses nothing by itself.
NONE_YET = ("", _("choose"))


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


class InvestigationFilter(pages.FilterForm):
    """The bar above the investigations."""

    state = forms.ChoiceField(
        label=_("State"),
        required=False,
        choices=[("", _("Any")), ("open", _("Open")), *Conclusion.choices],
    )
    county = forms.ChoiceField(label=_("County"), required=False)

    def __init__(self, *args: Any, user: User, at: datetime, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["county"]
        assert isinstance(field, forms.ChoiceField)
        counties = [(c.code, c.display_short) for c in queries.counties_of(user, at)]
        field.choices = [("", _("All counties")), *counties]

    def narrow(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        chosen = self.chosen()
        if "state" in chosen:
            rows = rows.filter(conclusion="" if chosen["state"] == "open" else chosen["state"])
        if "county" in chosen:
            rows = rows.filter(area__code=chosen["county"])
        return rows


class FindingsForm(pages.Form):
    """What a team found on site."""

    cases_found = forms.IntegerField(
        label=_("Cases found"),
        min_value=0,
        help_text=_("All cases that belong to the event so far, reported or not."),
    )
    deaths = forms.IntegerField(label=_("Deaths"), min_value=0, initial=0)
    at_risk = forms.IntegerField(
        label=_("Persons at risk"),
        required=False,
        min_value=1,
        help_text=_("Who was exposed to what made them ill; empty while nobody knows."),
    )
    setting = forms.ChoiceField(label=_("Setting"), choices=Setting.choices)
    first_onset = forms.DateField(
        label=_("Onset of the first case"), required=False, widget=forms.DateInput
    )
    last_day = forms.DateField(
        label=_("Last day with a case"),
        required=False,
        widget=forms.DateInput,
        help_text=_("By day of report. Needed to conclude an outbreak."),
    )
    source = forms.CharField(
        label=_("Source"),
        required=False,
        max_length=2000,
        help_text=_("What is thought to have made them ill. Write no names or numbers of persons."),
        widget=forms.Textarea(attrs={"rows": 3}),
    )
    measures = forms.CharField(
        label=_("Measures"),
        max_length=2000,
        help_text=_("What was done on site and what is still to be done."),
        widget=forms.Textarea(attrs={"rows": 3}),
    )


class ConcludeForm(pages.Form):
    """What an investigation ends with."""

    conclusion = forms.ChoiceField(
        label=_("Conclusion"), choices=Conclusion.choices, widget=forms.RadioSelect
    )
    reason = forms.CharField(
        label=_("Reason"),
        max_length=2000,
        help_text=_("What the conclusion rests on. Write no names, phones or identity numbers."),
        widget=forms.Textarea(attrs={"rows": 3}),
    )


class ReopenForm(pages.Form):
    """Why a concluded investigation is opened again."""

    reason = forms.CharField(
        label=_("What is new"), max_length=400, widget=forms.Textarea(attrs={"rows": 2})
    )


class ProductFilter(pages.FilterForm):
    """The bar above the warning products."""

    kind = forms.ChoiceField(
        label=_("Product"), required=False, choices=[("", _("Any")), *ProductKind.choices]
    )
    state = forms.ChoiceField(
        label=_("State"), required=False, choices=[("", _("Any")), *ProductState.choices]
    )

    def narrow(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        return rows.filter(**self.chosen())


class WordsForm(pages.Form):
    """What a warning product says."""

    level = forms.ChoiceField(
        label=_("Level of risk"),
        choices=[NONE_YET, *RiskLevel.choices],
        help_text=_("A very low risk has no product; monitoring goes on."),
    )
    certainty = forms.ChoiceField(label=_("Certainty"), choices=[NONE_YET, *Certainty.choices])
    expires_at = forms.DateTimeField(label=_("Valid until"), widget=forms.DateTimeInput)
    basis = forms.CharField(
        label=_("Basis of the level"),
        max_length=2000,
        help_text=_("For whoever approves; it is not issued."),
        widget=forms.Textarea(attrs={"rows": 3}),
    )
    title_zh = forms.CharField(label=_("Title in Chinese"), max_length=120)
    text_zh = forms.CharField(
        label=_("Text in Chinese"), max_length=4000, widget=forms.Textarea(attrs={"rows": 5})
    )
    instruction_zh = forms.CharField(
        label=_("What to do, in Chinese"),
        required=False,
        max_length=4000,
        widget=forms.Textarea(attrs={"rows": 3}),
    )
    title_en = forms.CharField(label=_("Title in English"), required=False, max_length=160)
    text_en = forms.CharField(
        label=_("Text in English"),
        required=False,
        max_length=4000,
        widget=forms.Textarea(attrs={"rows": 5}),
    )
    instruction_en = forms.CharField(
        label=_("What to do, in English"),
        required=False,
        max_length=4000,
        widget=forms.Textarea(attrs={"rows": 3}),
    )


class ProductForm(WordsForm):
    """A new product: which of the three, where and of which disease, and its words."""

    kind = forms.ChoiceField(label=_("Product"), choices=[NONE_YET, *ProductKind.choices])
    area = forms.ChoiceField(label=_("Area"))
    condition = forms.ChoiceField(label=_("Disease"))
    field_order = ("kind", "area", "condition")

    def __init__(self, *args: Any, user: User, at: datetime, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        day = clock.day_of(at)
        self.areas = {one.code: one for one in queries.areas_to_warn(user, at)}
        offered: dict[str, list[tuple[str, Any]]] = {
            "area": [(code, one.display_name) for code, one in self.areas.items()],
            "condition": [NONE_YET, *monitoring.conditions(cases.pack_on(day), day)],
        }
        for name, choices in offered.items():
            field = self.fields[name]
            assert isinstance(field, forms.ChoiceField)
            field.choices = choices


class ReasonForm(pages.Form):
    """Why a product is sent back or cancelled."""

    reason = forms.CharField(label=_("Reason"), max_length=400)


class ResponseForm(pages.Form):
    """Which signals the figures are of; every wrong or missing value becomes a sensible one."""

    first = forms.DateField(label=_("Listed from"), required=False, widget=forms.DateInput)
    last = forms.DateField(label=_("to"), required=False, widget=forms.DateInput)
    county = forms.ChoiceField(label=_("County"), required=False)
    condition = forms.ChoiceField(label=_("Disease"), required=False)

    def __init__(self, *args: Any, user: User, at: datetime, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        counties = [(c.code, c.display_short) for c in queries.counties_of(user, at)]
        offered = {"county": counties, "condition": queries.conditions_raised(user, at)}
        for name, choices in offered.items():
            field = self.fields[name]
            assert isinstance(field, forms.ChoiceField)
            field.choices = [("", _("all")), *choices]


class ReplayForm(pages.Form):
    """Which days are judged again, and for which disease."""

    condition = forms.ChoiceField(label=_("Disease"))
    first = forms.DateField(label=_("Judged from"), widget=forms.DateInput)
    last = forms.DateField(label=_("to"), widget=forms.DateInput)

    def __init__(self, *args: Any, today: date, most: int, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.today, self.most = today, most
        field = self.fields["condition"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [NONE_YET, *monitoring.conditions(cases.pack_on(today), today)]

    def clean(self) -> dict[str, Any]:
        said = super().clean() or self.cleaned_data
        first, last = said.get("first"), said.get("last")
        if first and last:
            if last < first:
                self.add_error("last", _("The last day lies before the first."))
            elif last > self.today:
                self.add_error("last", _("This day has not begun yet."))
            elif (last - first).days >= self.most:
                text = _("At most %(most)d days at once. Choose fewer.") % {"most": self.most}
                self.add_error("last", text)
        return said


class RunForm(pages.Form):
    """The day that a run looks at."""

    day = forms.DateField(label=_("Day"), widget=forms.DateInput)
