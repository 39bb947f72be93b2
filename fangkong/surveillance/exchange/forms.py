"""What people say of sent results: which tube one is of, or why it is of none."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from django import forms
from django.utils.translation import gettext_lazy as _

from fangkong.core import pages
from fangkong.surveillance.testing.forms import NumberField

from . import queries

if TYPE_CHECKING:
    from fangkong.accounts.models import User


class MatchForm(pages.Form):
    """The number on the tube."""

    number = NumberField(label=_("Number of the tube"))


class AsideForm(pages.Form):
    """Why the result is of no tube here."""

    reason = forms.CharField(label=_("Reason"), max_length=400)


class UploadForm(pages.Form):
    """A file of results, in the name of a laboratory."""

    laboratory = pages.RecordField(label=_("Laboratory"))

    def __init__(self, *args: Any, user: User, at: datetime, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        rows = queries.laboratories_of(user, at)
        field = self.fields["laboratory"]
        assert isinstance(field, pages.RecordField)
        field.queryset = rows
        if len(likely := list(rows[:2])) == 1:
            self.initial.setdefault("laboratory", likely[0].public_id)
