"""What people enter: sweeps, doors, what was found at a door."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from django import forms
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from fangkong.core import clock, pages
from fangkong.places.types import Level
from fangkong.surveillance.monitoring import queries as monitoring
from fangkong.surveillance.screening.types import Symptom

from .models import DoorVisit, Sweep
from .types import DoorFacts, IllFacts, Outcome

if TYPE_CHECKING:
    from fangkong.places.models import Area

_LARGE = "form-control-lg"


class StepForm(pages.Form):
    """A step without words of its own."""


class SweepForm(pages.Form):
    """A sweep: its name, its days, its cells."""

    title = forms.CharField(label=_("Name of the sweep"), max_length=100)
    first_date = forms.DateField(label=_("First day"), widget=forms.DateInput())
    last_date = forms.DateField(label=_("Last day"), widget=forms.DateInput())
    cells = forms.MultipleChoiceField(label=_("Cells"), widget=forms.CheckboxSelectMultiple)

    def __init__(self, *args: Any, cells: Iterable[Area], today: date, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.areas = {str(one.public_id): one for one in cells}
        field = self.fields["cells"]
        assert isinstance(field, forms.MultipleChoiceField)
        field.choices = [(key, _named(one)) for key, one in self.areas.items()]
        self.initial.setdefault("first_date", today)
        self.initial.setdefault("last_date", today)

    def asked(self) -> dict[str, object]:
        """What the action takes."""
        said = self.cleaned_data
        return {**said, "cells": [self.areas[key] for key in said["cells"]]}


def _named(cell: Area) -> str:
    above = cell.parent.display_name if cell.parent is not None else ""
    kind = "" if cell.level == Level.GRID else f" · {cell.get_level_display()}"
    return f"{above} {cell.display_name}{kind}".strip()


class DoorsForm(pages.Form):
    """New doors of a cell, one a line."""

    doors = forms.CharField(
        label=_("New doors"),
        max_length=20_000,
        widget=forms.Textarea({"rows": 4}),
        help_text=_("One a line, such as 团结路12号2单元301. No names, no phones."),
    )


class DoorForm(pages.Form):
    """What was found at a door."""

    outcome = forms.ChoiceField(
        label=pgettext_lazy("at a door", "Outcome"),
        choices=Outcome.choices,
        widget=forms.RadioSelect,
    )
    residents = forms.IntegerField(
        label=_("How many people live there"),
        min_value=1,
        max_value=99,
        required=False,
        widget=forms.NumberInput({"inputmode": "numeric", "class": _LARGE}),
    )
    note = forms.CharField(
        label=_("Note"), max_length=200, required=False, widget=forms.TextInput({"class": _LARGE})
    )

    def __init__(self, *args: Any, visit: DoorVisit | None = None, **kwargs: Any) -> None:
        if visit is not None:
            names = ("outcome", "residents", "note")
            kwargs["initial"] = {name: getattr(visit, name) for name in names}
        super().__init__(*args, **kwargs)

    def asked(self) -> dict[str, object]:
        """What the action takes; how many live there counts only where they were registered."""
        said = self.cleaned_data
        return {"facts": DoorFacts(**said)}


class IllForm(pages.Form):
    """Somebody with symptoms."""

    name = forms.CharField(
        label=pgettext_lazy("person", "Name"),
        max_length=100,
        widget=forms.TextInput({"autocomplete": "off", "class": _LARGE}),
    )
    phone = forms.CharField(
        label=_("Phone"),
        max_length=20,
        required=False,
        widget=forms.TextInput({"inputmode": "tel", "autocomplete": "off", "class": _LARGE}),
    )
    symptoms = forms.MultipleChoiceField(
        label=_("Symptoms"), choices=Symptom.choices, widget=forms.CheckboxSelectMultiple
    )
    temperature = forms.DecimalField(
        label=_("Temperature in °C"),
        required=False,
        min_value=30,
        max_value=45,
        decimal_places=1,
        widget=forms.NumberInput({"inputmode": "decimal", "step": "0.1", "class": _LARGE}),
    )

    def asked(self) -> dict[str, object]:
        """What the action takes."""
        said = self.cleaned_data
        warm = said.get("temperature")
        facts = IllFacts(
            name=said["name"],
            phone=said["phone"],
            symptoms=tuple(said["symptoms"]),
            temperature=None if warm is None else round(warm * 10),
        )
        return {"facts": facts}


class SweepFilter(pages.FilterForm):
    """The filters of the list of sweeps."""

    state = forms.ChoiceField(
        label=_("State"),
        choices=[
            ("", _("all")),
            ("open", _("not ended")),
            ("ended", pgettext_lazy("a sweep", "ended")),
        ],
        required=False,
    )

    county = forms.ChoiceField(label=_("County"), required=False)

    def __init__(self, *args: Any, at: datetime, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        counties = monitoring.home_counties(clock.day_of(at))
        field = self.fields["county"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [("", _("all")), *((one.code, one.display_short) for one in counties)]

    def narrow(self, rows: QuerySet[Sweep]) -> QuerySet[Sweep]:  # type: ignore[override]
        chosen = self.chosen()
        if state := chosen.get("state", ""):
            rows = rows.filter(ended_at__isnull=state == "open")
        if county := chosen.get("county", ""):
            rows = rows.filter(county__code=county)
        return rows
