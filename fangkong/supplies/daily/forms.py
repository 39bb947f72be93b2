"""What people enter: a remark, a reason, and the days they look at."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from fangkong.core import pages
from fangkong.supplies.stock.rules import EARLIEST


class FileForm(pages.Form):
    """The figures that were read are filed. Both hidden fields come with the page."""

    read = forms.CharField(widget=forms.HiddenInput, max_length=32)
    day = forms.DateField(widget=forms.HiddenInput)
    remark = forms.CharField(
        label=_("Remark"),
        max_length=200,
        required=False,
        help_text=_("What whoever reads the figures should know. No names of persons."),
    )


class CorrectForm(pages.Form):
    """The same of a day that was reported, with the reason."""

    read = forms.CharField(widget=forms.HiddenInput, max_length=32)
    reason = forms.CharField(label=_("What was wrong"), max_length=200)
    remark = forms.CharField(label=_("Remark"), max_length=200, required=False)


class DayFilter(pages.FilterForm):
    """Which day, or until which day."""

    day = forms.DateField(label=_("Day"), required=False, widget=forms.DateInput())

    def __init__(self, said: Mapping[str, Any], *, today: date) -> None:
        yesterday = today - timedelta(days=1)
        super().__init__({"day": said.get("day") or yesterday.isoformat()})
        self.today = today

    def chosen_day(self) -> date:
        """The day that was asked for; yesterday where none was, or one that is not over."""
        yesterday = day = self.today - timedelta(days=1)
        if self.is_valid():
            day = max(EARLIEST, min(self.cleaned_data["day"], yesterday))
            self.data = {"day": day.isoformat()}  # what is shown, where that is another one
        return day
