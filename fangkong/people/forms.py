"""Input about persons, cleaned; nothing is saved here."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar, cast

from django import forms
from django.db.models import Model, QuerySet
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from fangkong.core import clock, pages
from fangkong.core.permissions import Scoped
from fangkong.core.spelling import shown
from fangkong.places import queries as places
from fangkong.places.types import Level

from . import queries
from .models import Person
from .types import DocumentKind, PhoneKind, Revealable, Sex

if TYPE_CHECKING:
    from fangkong.places.models import Area

M = TypeVar("M", bound=Model)

OTHER = "other"
REASONS = [
    ("investigation", _("Epidemiological investigation")),
    ("tracing", _("Reaching a case or close contact")),
    ("care", _("Medical care")),
    ("transfer", _("Transfer, isolation or supplies")),
    ("duplicate", _("Checking a double entry")),
    (OTHER, _("Another reason, written below")),
]


class PersonFilter(pages.FilterForm):
    """By county and sex. Names and numbers are never filtered by here: they would stand in the
    address of the page."""

    county = forms.ChoiceField(label=_("County"), required=False)
    sex = forms.ChoiceField(label=_("Sex"), required=False, choices=[("", _("All")), *Sex.choices])

    def __init__(self, *args: Any, counties: list[Area], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        named = [(county.code, county.display_short) for county in counties]
        self.fields["county"].choices = [("", _("All counties")), *named]  # type: ignore[attr-defined]  # a ChoiceField

    def narrow(self, rows: QuerySet[M]) -> QuerySet[M]:
        asked = self.chosen()
        if code := asked.get("county"):
            rows = rows.filter(county__code=code)
        if sex := asked.get("sex"):
            rows = rows.filter(sex=sex)
        return rows


class SearchForm(pages.PersonSearch):
    """The search box of the register."""

    label = _("Find a person")


class RevealForm(pages.Form):
    """Which data are needed, and why."""

    fields_wanted = forms.MultipleChoiceField(
        label=_("What do you need?"),
        choices=Revealable.choices,
        initial=[Revealable.NAME, Revealable.PHONES],
        widget=forms.CheckboxSelectMultiple,
    )
    why = forms.ChoiceField(label=_("Reason"), choices=[("", _("Choose…")), *REASONS])
    more = forms.CharField(
        label=_("In your own words"),
        required=False,
        max_length=300,
        help_text=_("No names and no numbers of persons: the reason stays in the audit trail."),
    )

    def reason(self) -> str:
        """What the audit trail keeps: the chosen reason and the words added to it."""
        why, more = self.cleaned_data["why"], shown(self.cleaned_data["more"])
        if why == OTHER:
            return str(more)
        chosen = str(dict(REASONS)[why])
        return f"{chosen}: {more}" if more else chosen


class AreaOfHome(forms.ModelChoiceField):  # type: ignore[type-arg]  # not generic at run time
    """Counties and what lies in them, townships set in."""

    def label_from_instance(self, obj: Model) -> str:
        area = cast("Area", obj)
        return area.display_name if area.level == Level.COUNTY else f"\u2003{area.display_name}"


class DocumentForm(pages.Form):
    """One identity document more."""

    kind = forms.ChoiceField(
        label=_("Kind of document"),
        choices=[choice for choice in DocumentKind.choices if choice[0] != DocumentKind.NONE],
    )
    number = forms.CharField(
        label=_("Document number"), max_length=40, widget=forms.TextInput({"autocomplete": "off"})
    )
    issued_by = forms.CharField(label=_("Issued by"), required=False, max_length=100)


class PhoneForm(pages.Form):
    """One phone more."""

    number = forms.CharField(
        label=_("Phone number"),
        max_length=20,
        widget=forms.TextInput({"autocomplete": "off", "inputmode": "tel"}),
    )
    kind = forms.ChoiceField(label=_("Whose phone"), choices=PhoneKind.choices)
    note = forms.CharField(label=_("Note"), required=False, max_length=100)


class RemoveForm(pages.Form):
    """Why a document or phone is not the person's."""

    reason = forms.CharField(
        label=_("Why is it not this person's?"),
        max_length=400,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text=_("No names and no numbers of persons: the reason stays in the audit trail."),
    )


class CorrectForm(pages.Form):
    """Corrections. What is masked elsewhere is not shown here either: an empty field stays as it
    is."""

    name = forms.CharField(label=pgettext_lazy("person", "Name"), required=False, max_length=100)
    sex = forms.ChoiceField(label=_("Sex"), choices=Sex.choices)
    birth_date = forms.DateField(label=_("Birth date"), required=False, widget=forms.DateInput)
    occupation = forms.ChoiceField(label=_("Occupation"), required=False)
    workplace = forms.CharField(label=_("Workplace or school"), required=False, max_length=200)
    guardian_name = forms.CharField(label=_("Parent or guardian"), required=False, max_length=100)
    ethnicity = forms.CharField(label=_("Ethnic group"), required=False, max_length=40)
    area = AreaOfHome(label=_("Area"), required=False, queryset=None, to_field_name="code")
    address_detail = forms.CharField(
        label=_("Address below township"), required=False, max_length=300
    )

    def __init__(
        self, *args: Any, person: Person, user: Scoped, at: datetime, **kwargs: Any
    ) -> None:
        self.person = person
        kwargs["initial"] = {
            "sex": person.sex,
            "occupation": person.occupation,
            "area": person.area.code if person.area else "",
        }
        super().__init__(*args, **kwargs)
        today = clock.day_of(at)
        known = queries.occupations(today)
        if person.occupation:
            known.setdefault(person.occupation, person.occupation)
        self.fields["occupation"].choices = [("", _("Not known")), *known.items()]  # type: ignore[attr-defined]  # a ChoiceField
        home = [county.pk for county in places.counties_of_home(today)]
        areas = places.areas_open_to(user, at).filter(places.in_force(today), county__in=home)
        self.fields["area"].queryset = areas.order_by("path")  # type: ignore[attr-defined]  # a ModelChoiceField

    def unseen(self) -> dict[str, tuple[object, object]]:
        """What is masked: a form opened before somebody else corrected it must not undo that."""
        hidden = (
            "name",
            "birth_date",
            "workplace",
            "guardian_name",
            "ethnicity",
            "address_detail",
        )
        return {
            f"_{name}": (self.fields[name].label, getattr(self.person, name)) for name in hidden
        }

    def changes(self) -> dict[str, object]:
        """The fields to correct: those filled in, and the shown ones that were chosen anew."""
        data = self.cleaned_data
        found: dict[str, object] = {name: value for name, value in data.items() if value}
        if not data["occupation"]:
            found["occupation"] = ""
        return found
