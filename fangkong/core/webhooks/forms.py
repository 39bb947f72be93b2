"""The form of a new receiver, and the filter of its deliveries."""

from __future__ import annotations

from typing import Any, TypeVar

from django import forms
from django.core.validators import RegexValidator
from django.db.models import Model, QuerySet
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from fangkong.core import outbound, pages
from fangkong.core.refusals import Refused

from .models import Delivery
from .types import events

M = TypeVar("M", bound=Model)


class ReceiverForm(pages.Form):
    """Who is told, where, and of what."""

    label = forms.CharField(
        label=pgettext_lazy("thing", "Name"),
        max_length=60,
        help_text=_("Which system it is, such as “Provincial platform”."),
    )
    url = forms.CharField(
        label=pgettext_lazy("web", "Address"),
        max_length=500,
        validators=[RegexValidator(r"^[!-~]+$", _("An address is written without spaces."))],
        widget=forms.URLInput(attrs={"placeholder": "https://", "autocomplete": "off"}),
        help_text=_(
            "A public https address. Inner hosts only where the operator listed them "
            "(FANGKONG_OUTBOUND_ALLOW)."
        ),
    )
    events = forms.MultipleChoiceField(label=_("Events"), widget=forms.CheckboxSelectMultiple())

    def __init__(self, data: Any) -> None:
        super().__init__(data)
        field = self.fields["events"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = list(events().items())

    def clean_url(self) -> str:
        """The address, where the guard would let it out; before anything is written."""
        url: str = self.cleaned_data["url"]
        try:
            outbound.check(url)
        except Refused as problem:
            raise forms.ValidationError(str(problem)) from None
        return url

    def cleaned(self) -> dict[str, Any]:
        """The arguments of ``actions.subscribe``."""
        clean = dict(self.cleaned_data)
        return {"events_": clean.pop("events"), **clean}


class DeliveryFilter(pages.FilterForm):
    """Deliveries by state."""

    state = forms.ChoiceField(
        label=_("State"), required=False, choices=[("", _("all")), *Delivery.State.choices]
    )

    def narrow(self, rows: QuerySet[M]) -> QuerySet[M]:
        chosen = self.chosen()
        return rows.filter(state=chosen["state"]) if "state" in chosen else rows
