"""What people say of sent results: which tube one is of, or why it is of none."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, cast

from django import forms
from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from fangkong.core import pages
from fangkong.surveillance.testing.forms import NumberField
from fangkong.surveillance.testing.rules import plain_number
from fangkong.surveillance.testing.types import ResultOutcome

from . import queries, words
from .models import SentResult

if TYPE_CHECKING:
    from fangkong.accounts.models import User


class WaitingFilter(pages.FilterForm):
    """The filters of what waits for a tube; a number fits by any part, as it was sent."""

    number = pages.SearchField(label=_("Number of the tube or of the sender"))
    why = forms.ChoiceField(label=pgettext_lazy("of a result", "Waits because"), required=False)
    outcome = forms.ChoiceField(
        label=_("Result"), choices=[("", _("all")), *ResultOutcome.choices], required=False
    )
    laboratory = forms.ChoiceField(label=_("Laboratory"), required=False)

    def __init__(self, *args: Any, user: User, at: datetime, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        own = queries.laboratories_of(user, at)
        named = [(str(one.public_id), one.display_name) for one in own]
        for field, choices in (("why", words.WHY.items()), ("laboratory", named)):
            box = cast(forms.ChoiceField, self.fields[field])
            box.choices = [("", _("all")), *choices]

    def narrow(self, rows: QuerySet[SentResult]) -> QuerySet[SentResult]:  # type: ignore[override]
        chosen = self.chosen()
        if text := plain_number(chosen.get("number", "")):
            fits = Q(number__contains=text) | Q(sender_number__icontains=chosen["number"].strip())
            rows = rows.filter(fits)
        for field in ("why", "outcome"):
            if chosen.get(field):
                rows = rows.filter(**{field: chosen[field]})
        if key := chosen.get("laboratory"):
            rows = rows.filter(laboratory__public_id=key)
        return rows


class MessageForm(pages.Form):
    """A message of a laboratory's system, as a file."""

    file = forms.FileField(
        label=_("Message"),
        help_text=_(
            "An HL7 v2 ORU^R01 or a FHIR R4 Bundle (JSON), at most 2 MB, as the system would send"
            " it."
        ),
    )
    laboratory = pages.RecordField(label=_("Laboratory"))

    def __init__(self, *args: Any, user: User, at: datetime, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        box = self.fields["laboratory"]
        assert isinstance(box, pages.RecordField)
        box.queryset = queries.laboratories_of(user, at).order_by("name_zh", "pk")
        own = list(box.queryset[:2])
        if len(own) == 1:
            self.initial.setdefault("laboratory", own[0].public_id)


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
