"""What emergency access asks for."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from fangkong.core import pages

from .types import finders


class OpenForm(pages.Form):
    """Whom, and why."""

    kind = forms.ChoiceField(label=_("Find the person by"))
    number = forms.CharField(
        label=pgettext_lazy("of a document or a card", "Number"),
        max_length=60,
        help_text=_("The whole number, as it stands on the document or the report card."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    reason = forms.CharField(
        label=_("Reason"),
        max_length=400,
        help_text=_("A sentence. The auditor reads it."),
        widget=forms.Textarea(attrs={"rows": 3}),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["kind"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [(one.name, one.label) for one in finders()]


class CheckForm(pages.Form):
    """What the auditor found."""

    justified = forms.ChoiceField(
        label=_("Result"), choices=[("yes", _("justified")), ("no", _("not justified"))]
    )
    finding = forms.CharField(
        label=_("Finding"), required=False, max_length=400, widget=forms.Textarea(attrs={"rows": 3})
    )

    def cleaned(self) -> dict[str, Any]:
        """The arguments of ``actions.sign_off``."""
        clean = self.cleaned_data
        return {"justified": clean["justified"] == "yes", "finding": clean["finding"]}
