"""What is chosen when two records are judged, and when a merge is undone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeVar, cast
from uuid import UUID

from django import forms
from django.db.models import Model, Q, QuerySet
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from fangkong.core import pages

from . import queries, rules, words
from .models import Pair

if TYPE_CHECKING:
    from fangkong.places.models import Area

M = TypeVar("M", bound=Model)
ACROSS = "across"
NO_NAMES = _("No names and no numbers of persons: the reason stays in the audit trail.")
CORRECTED = [("keep", _("the correction stays")), ("put_back", _("as before the joining"))]


class PairFilter(pages.FilterForm):
    """Those that wait, or those that are two persons; by county, or across counties."""

    judged = forms.ChoiceField(
        label=_("State"),
        choices=[("", _("to be judged")), ("apart", _("two persons"))],
        required=False,
    )
    county = forms.ChoiceField(label=_("County"), required=False)

    def __init__(self, *args: Any, counties: Sequence[Area], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["county"].choices = [  # type: ignore[attr-defined]  # a ChoiceField
            ("", _("All")),
            (ACROSS, _("across counties")),
            *((county.code, county.display_short) for county in counties),
        ]

    def narrow(self, rows: QuerySet[M]) -> QuerySet[M]:
        apart = self.chosen().get("judged", "") == "apart"
        rows = rows.filter(Q(judged_at__isnull=not apart))
        county = self.chosen().get("county", "")
        if county == ACROSS:
            return rows.filter(county__isnull=True)
        return rows.filter(Q(county__code=county)) if county else rows


class _Judging(pages.Form):
    """Why, and on which state of the two records."""

    state = forms.CharField(widget=forms.HiddenInput, max_length=64)
    reason = forms.CharField(
        label=_("How do you know?"),
        max_length=400,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text=NO_NAMES,
    )

    def renewed(self, pair: Pair) -> None:
        """The page shows both records as they are now: what is sent next is decided on that."""
        if self.is_bound:
            data = cast(QueryDict, self.data).copy()
            data[self.add_prefix("state")] = queries.state_of(pair)
            self.data = data


class MergeForm(_Judging):
    """Which record is kept, and from which of the two each field is taken that differs."""

    def __init__(self, *args: Any, pair: Pair, **kwargs: Any) -> None:
        self.pair = pair
        values = {pair.one.public_id: pair.one, pair.other.public_id: pair.other}
        older = min(pair.one, pair.other, key=lambda one: (one.created_at, one.pk))
        other = pair.other if older is pair.one else pair.one
        kwargs["initial"] = {"keep": str(older.public_id), "state": queries.state_of(pair)}
        kwargs.setdefault("prefix", "merge")
        super().__init__(*args, **kwargs)
        choices = [(str(key), str(key)) for key in values]
        self.fields["keep"] = forms.ChoiceField(
            label=_("Record that is kept"), choices=choices, widget=forms.RadioSelect
        )
        said = queries.values_of(older), queries.values_of(other)
        offered = rules.offered(*said)
        self.differing = rules.differing(*said)
        # Of every field, so that a form sent twice says the same the second time.
        for field in rules.FIELDS:
            start = other if field in offered else older
            self.fields[f"from_{field}"] = forms.ChoiceField(
                label=str(words.FIELDS[field]),
                required=field in self.differing,
                choices=choices,
                widget=forms.RadioSelect,
                initial=str(start.public_id),
            )

    def chosen(self, name: str) -> str:
        """The record chosen so far, to draw the form."""
        return str(self[name].value() or "")

    def facts(self) -> dict[str, object]:
        """What the action takes."""
        data = self.cleaned_data
        take = [n for n in rules.FIELDS if data[f"from_{n}"] not in ("", data["keep"])]
        told = {"state": data["state"], "reason": data["reason"]}
        return {"keep": UUID(data["keep"]), "take": take, **told}


class ApartForm(_Judging):
    """That they are two persons."""

    def __init__(self, *args: Any, pair: Pair, **kwargs: Any) -> None:
        kwargs["initial"] = {"state": queries.state_of(pair)}
        kwargs.setdefault("prefix", "apart")
        super().__init__(*args, **kwargs)


class ReconsiderForm(pages.Form):
    """Why the judgement "two persons" is taken back."""

    reason = forms.CharField(
        label=pgettext_lazy("undoing", "Why?"),
        max_length=400,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text=NO_NAMES,
    )


class UndoForm(pages.Form):
    """Why, and what becomes of each field that was corrected since."""

    reason = forms.CharField(
        label=pgettext_lazy("undoing", "Why?"),
        max_length=400,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text=NO_NAMES,
    )

    def __init__(self, *args: Any, corrected: Sequence[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.corrected = list(corrected)
        for field in corrected:
            self.fields[f"corrected_{field}"] = forms.ChoiceField(
                label=str(words.FIELDS[field]), choices=CORRECTED, widget=forms.RadioSelect
            )

    def facts(self) -> dict[str, object]:
        """What the action takes."""
        data = self.cleaned_data
        said = {name: data[f"corrected_{name}"] for name in self.corrected}
        return {"corrected": said, "reason": data["reason"]}
