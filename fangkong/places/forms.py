"""Input about facilities, cleaned; nothing is saved here."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, TypeVar

from django import forms
from django.db.models import Model, Q, QuerySet
from django.utils.translation import gettext_lazy as _

from fangkong.core import pages

from . import rules
from .models import Area, Facility
from .types import FacilityFacts, FacilityKind

M = TypeVar("M", bound=Model)


class AreaSearch(pages.Form):
    """The search over the directory of areas."""

    q = forms.CharField(label=_("Find an area"), required=False, max_length=60)


class FacilityFilter(pages.FilterForm):
    """The filter bar over the list of facilities."""

    q = pages.SearchField(label=_("Name"), placeholder=_("Name or pinyin initials"))
    county = forms.ChoiceField(label=_("County"), required=False)
    kind = forms.ChoiceField(
        label=_("Kind"),
        required=False,
        choices=[("", _("All kinds")), *FacilityKind.choices],
    )

    def __init__(self, *args: Any, counties: list[Area], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        named = [(county.code, county.display_short) for county in counties]
        self.fields["county"].choices = [("", _("All counties")), *named]  # type: ignore[attr-defined]  # a ChoiceField

    def narrow(self, rows: QuerySet[M]) -> QuerySet[M]:
        asked = self.chosen()
        rows = pages.named_like(rows, asked.get("q", ""))
        if code := asked.get("county"):
            rows = rows.filter(Q(area__county__code=code))
        if kind := asked.get("kind"):
            rows = rows.filter(kind=kind)
        return rows


class AreaChoice(forms.ModelChoiceField):  # type: ignore[type-arg]  # not generic at run time
    """Areas by their path, indented so that the tree can be read."""

    def label_from_instance(self, obj: Model) -> str:
        assert isinstance(obj, Area)
        depth = max((obj.path or "").count("/") - 3, 0)
        return "\u2003" * depth + obj.display_name


class FacilityForm(pages.Form):
    """A facility to add or to correct."""

    name_zh = forms.CharField(label=_("Chinese name"), max_length=100)
    name_en = forms.CharField(label=_("English name"), max_length=150, required=False)
    kind = forms.ChoiceField(
        label=_("Kind"), choices=[("", _("Choose a kind")), *FacilityKind.choices]
    )
    area = AreaChoice(
        label=_("Area"),
        queryset=Area.objects.none(),
        to_field_name="public_id",
        empty_label=_("Choose an area"),
    )
    capacity_beds = forms.IntegerField(
        label=_("Beds"), required=False, min_value=0, max_value=100_000
    )
    org_code = forms.CharField(
        label=_("Organisation code"),
        required=False,
        max_length=18,
        help_text=_("Unified social credit code, 18 characters."),
    )
    lon = forms.DecimalField(
        label=_("Longitude"),
        required=False,
        min_value=Decimal(-180),
        max_value=Decimal(180),
        decimal_places=6,
    )
    lat = forms.DecimalField(
        label=_("Latitude"),
        required=False,
        min_value=Decimal(-90),
        max_value=Decimal(90),
        decimal_places=6,
    )
    opened_on = forms.DateField(label=_("Opened on"), required=False, widget=forms.DateInput)
    closed_on = forms.DateField(label=_("Closed on"), required=False, widget=forms.DateInput)
    source_zh = forms.CharField(label=_("Where this is known from"), required=False, max_length=300)

    def __init__(self, *args: Any, areas: QuerySet[Area], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["area"].queryset = areas  # type: ignore[attr-defined]  # a ModelChoiceField

    def clean_org_code(self) -> str:
        code = str(self.cleaned_data["org_code"]).strip().upper()
        if code and not rules.org_code_is_right(code):
            raise forms.ValidationError(
                _("The last character does not check. Compare the code with the licence.")
            )
        return code

    def clean(self) -> dict[str, Any]:
        super().clean()
        opened, closed = (self.cleaned_data.get(name) for name in ("opened_on", "closed_on"))
        if opened and closed and closed < opened:
            self.add_error("closed_on", _("The last day lies before the first."))
        if (self.cleaned_data.get("lon") is None) != (self.cleaned_data.get("lat") is None):
            missing = "lat" if self.cleaned_data.get("lat") is None else "lon"
            if missing not in self.errors:
                self.add_error(missing, _("Give both coordinates, or neither."))
        return self.cleaned_data

    def facts(self, was: Facility | None = None) -> FacilityFacts:
        """What the form says; what it does not ask stays as it was."""
        data = dict(self.cleaned_data)
        area = data.pop("area")
        unchanged = was is not None and was.source_zh == data["source_zh"]
        return FacilityFacts(
            area_id=area.pk,
            synthetic=was.synthetic if was else False,
            source_en=was.source_en if was and unchanged else "",
            **data,
        )


def initial_of(facility: Facility) -> dict[str, Any]:
    """What the form shows of a facility before it is changed."""
    names = [name for name in FacilityForm.base_fields if name != "area"]
    return {name: getattr(facility, name) for name in names} | {"area": facility.area.public_id}


class ContactForm(pages.Form):
    """The phone of a desk."""

    role_title = forms.CharField(label=_("Desk"), max_length=60)
    phone = forms.CharField(
        label=_("Phone"),
        max_length=24,
        help_text=_("The office's number with its area code, such as 0836-2812345."),
    )
    note = forms.CharField(label=_("Note"), max_length=200, required=False)

    def clean_phone(self) -> str:
        number = rules.office_phone(self.cleaned_data["phone"])
        if not number:
            raise forms.ValidationError(
                _("Write a landline with its area code, or a mobile number with 11 digits.")
            )
        return number
