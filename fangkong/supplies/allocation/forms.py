"""What people enter: which goods are shared out among whom, and a line that is changed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING, Any

from django import forms
from django.db.models import F, QuerySet
from django.utils.translation import gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from fangkong.core import pages
from fangkong.supplies.stock import words as amounts

from . import queries
from .models import Plan, Share
from .offices import Offered, PlanFacts, PlanMode, PlanState, Receiver

if TYPE_CHECKING:
    from fangkong.supplies.stock.models import Item, Place

MOST = 10**10


class StoreForm(pages.FilterForm):
    """Out of which store."""

    store = forms.ChoiceField(label=_("Out of the store"))

    def __init__(self, *args: Any, stores: Iterable[Place], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["store"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [(str(one.public_id), one.display_name) for one in stores]


class PlanForm(pages.Form):
    """A plan: mode and days, the goods of the store, and the places with what holds for them."""

    mode = forms.ChoiceField(
        label=_("How to share"),
        choices=PlanMode.choices,
        initial=PlanMode.BY_NEED,
        widget=forms.RadioSelect,
    )
    first_day = forms.DateField(label=_("First departure"), widget=forms.DateInput())
    days = forms.IntegerField(label=_("For how many days"), min_value=1, max_value=60, initial=14)
    substitutes = forms.BooleanField(
        label=_("What the rule pack allows may stand in"), required=False
    )

    def __init__(
        self,
        *args: Any,
        goods: Sequence[tuple[Item, int]],
        receivers: Sequence[Receiver],
        last: Plan | None,
        today: date,
        **kwargs: Any,
    ) -> None:
        self.goods, self.receivers = list(goods), list(receivers)
        kwargs.setdefault("initial", _initial(self.goods, self.receivers, last, today))
        super().__init__(*args, **kwargs)
        for item, _there in self.goods:
            self.fields[f"use_{item.code}"] = forms.BooleanField(
                label=_("Share it out"), required=False
            )
            self.fields[f"keep_{item.code}"] = forms.IntegerField(
                label=_("Stays in the store"), min_value=0, max_value=MOST, required=False
            )
            packs = [(str(n), f"{name} ({n})") for name, n in sorted(item.packs.items())]
            self.fields[f"pack_{item.code}"] = forms.ChoiceField(
                label=_("Leaves in"),
                choices=[("1", item.get_unit_display()), *packs],
                required=False,
            )
        for one in self.receivers:
            mark = one.place.mark
            self.fields[f"to_{mark}"] = forms.BooleanField(label=_("Takes part"), required=False)
            for name, label, least, most in (
                ("exposure", _("Exposure class"), 1, 9),
                ("risk", _("Risk"), 1, 1000),
                ("lead", _("Days on the way"), 0, 60),
                ("floor", _("Floor in days"), 0, 60),
            ):
                self.fields[f"{name}_{mark}"] = forms.IntegerField(
                    label=label, min_value=least, max_value=most, required=False
                )

    @property
    def head(self) -> list[forms.BoundField]:
        return [self[name] for name in ("mode", "first_day", "days", "substitutes")]

    @property
    def item_rows(self) -> list[tuple[str, str, list[forms.BoundField]]]:
        """The goods as the page draws them: what is there, and the fields."""
        return [
            (
                item.display_name,
                amounts.amount(there, item),
                [self[f"{name}_{item.code}"] for name in ("use", "keep", "pack")],
            )
            for item, there in self.goods
        ]

    @property
    def place_rows(self) -> list[tuple[str, list[forms.BoundField]]]:
        """The places as the page draws them."""
        names = ("to", "exposure", "risk", "lead", "floor")
        return [
            (one.place.display_name, [self[f"{name}_{one.place.mark}"] for name in names])
            for one in self.receivers
        ]

    def clean(self) -> dict[str, Any]:
        said = super().clean() or {}
        if not any(said.get(f"use_{item.code}") for item, _there in self.goods):
            self.add_error(None, gettext("Choose at least one item."))
        if not any(said.get(f"to_{one.place.mark}") for one in self.receivers):
            self.add_error(None, gettext("Choose at least one place."))
        return said

    def asked(self) -> dict[str, object]:
        """What the action takes."""
        said = self.cleaned_data
        items = [
            Offered(
                item=item,
                keep_back=said.get(f"keep_{item.code}") or 0,
                pack=int(said.get(f"pack_{item.code}") or 1),
            )
            for item, _there in self.goods
            if said.get(f"use_{item.code}")
        ]
        places = [
            replace(
                one,
                exposure=said.get(f"exposure_{one.place.mark}") or one.exposure,
                risk=said.get(f"risk_{one.place.mark}") or 1,
                lead_days=said.get(f"lead_{one.place.mark}") or 0,
                floor_days=said.get(f"floor_{one.place.mark}") or 0,
            )
            for one in self.receivers
            if said.get(f"to_{one.place.mark}")
        ]
        facts = PlanFacts(
            mode=said["mode"],
            first_day=said["first_day"],
            days=said["days"],
            items=items,
            places=places,
            substitutes=said["substitutes"],
        )
        return {"facts": facts}


def _initial(
    goods: Sequence[tuple[Item, int]],
    receivers: Sequence[Receiver],
    last: Plan | None,
    today: date,
) -> dict[str, Any]:
    """What usually holds; of a store that was planned before, what held then."""
    before: Mapping[str, Any] = {} if last is None else last.problem
    items = {one["id"]: one for one in before.get("items", [])}
    places = {one["id"]: one for one in before.get("places", [])}
    found: dict[str, Any] = {
        "first_day": today,
        "mode": PlanMode.BY_NEED if last is None else last.mode,
        "days": 14 if last is None else last.days,
        "substitutes": "substitutions" in before,
    }
    for item, _there in goods:
        told = items.get(item.code, {})
        found[f"use_{item.code}"] = not items or bool(told)
        found[f"keep_{item.code}"] = told.get("keep_back", item.least)
        found[f"pack_{item.code}"] = str(told.get("pack", 1))
    for one in receivers:
        mark = one.place.mark
        told = places.get(mark, {})
        found[f"to_{mark}"] = not places or bool(told)
        found[f"exposure_{mark}"] = told.get("exposure", one.exposure)
        found[f"risk_{mark}"] = told.get("risk", one.risk)
        found[f"lead_{mark}"] = told.get("lead_days", one.lead_days)
        found[f"floor_{mark}"] = told.get("floor_days", one.floor_days)
    return found


class AdjustForm(pages.Form):
    """A line gets more or less than was reckoned."""

    quantity = forms.IntegerField(label=_("Quantity"), min_value=0, max_value=MOST)
    reason = forms.CharField(label=_("Reason"), max_length=200)


class DropForm(pages.Form):
    """Why a plan is not followed."""

    reason = forms.CharField(label=_("Reason"), max_length=200)


class PlanFilter(pages.FilterForm):
    """The filters of the plans."""

    state = forms.ChoiceField(
        label=pgettext_lazy("of a plan", "State"),
        choices=[("", _("all")), *PlanState.choices],
        required=False,
    )

    def narrow(self, rows: QuerySet[Plan]) -> QuerySet[Plan]:  # type: ignore[override]
        state = self.chosen().get("state")
        return rows.filter(state=state) if state else rows


class LinesFilter(pages.FilterForm):
    """Which lines of a plan the page shows."""

    item = forms.ChoiceField(label=_("Item"), required=False)
    county = forms.ChoiceField(label=_("County"), required=False)
    short = forms.BooleanField(label=_("Only lines that got less than was wanted"), required=False)

    def __init__(self, *args: Any, plan: Plan, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, choices in (
            ("item", [(one.code, one.display_name) for one in queries.items_of(plan)]),
            ("county", [(one.code, one.display_short) for one in queries.counties_of(plan)]),
        ):
            field = self.fields[name]
            assert isinstance(field, forms.ChoiceField)
            field.choices = [("", _("all")), *choices]

    def narrow(self, rows: QuerySet[Share]) -> QuerySet[Share]:  # type: ignore[override]
        said = self.chosen()
        if item := said.get("item"):
            rows = rows.filter(item__code=item)
        if county := said.get("county"):
            rows = rows.filter(place__county__code=county)
        return rows.filter(quantity__lt=F("wanted")) if said.get("short") else rows
