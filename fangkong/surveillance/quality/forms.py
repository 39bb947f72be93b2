"""Which cards are judged: days, county, disease."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from django import forms
from django.utils.translation import gettext_lazy as _

from fangkong.core import clock, pages
from fangkong.surveillance.monitoring import forms as monitoring
from fangkong.surveillance.monitoring import queries as cases

if TYPE_CHECKING:
    from fangkong.accounts.models import User


class QualityForm(pages.Form):
    """What the page shows; every wrong or missing value falls back to a sensible one."""

    first = forms.DateField(label=_("Reported from"), required=False, widget=forms.DateInput())
    last = forms.DateField(label=_("to"), required=False, widget=forms.DateInput())
    county = forms.ChoiceField(label=_("County"), required=False)
    condition = forms.ChoiceField(label=_("Disease"), required=False)

    def __init__(self, *args: Any, user: User, at: datetime, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        day = clock.day_of(at)
        self.counties = {one.code: one for one in cases.counted_counties(user, at)}
        offered = {
            "county": [(code, one.display_short) for code, one in self.counties.items()],
            "condition": monitoring.conditions(cases.pack_on(day), day),
        }
        for name, choices in offered.items():
            one = self.fields[name]
            assert isinstance(one, forms.ChoiceField)
            one.choices = [("", _("all")), *choices]
