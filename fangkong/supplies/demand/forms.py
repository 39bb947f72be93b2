"""What people enter: what a place asks for, a look ahead, and the filters of the board."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from django import forms
from django.db.models import QuerySet
from django.utils.translation import gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from fangkong.core import pages
from fangkong.supplies.stock.forms import LINES, LinesForm, PlaceField
from fangkong.supplies.stock.types import ItemClass

from . import rules, words
from .models import Need, NeedLine
from .types import Forecast, NeedState, Span, Strategy, Wanted

if TYPE_CHECKING:
    from fangkong.places.models import Area
    from fangkong.supplies.stock.models import Item, Place

    from .queries import Norms

GROUPS = 4  # lines of heads on the page
HORIZONS = [7, 14, 30, 60]


class AskForm(LinesForm):
    """A place asks for goods: lines of items, or of heads by which the rule pack reckons."""

    def __init__(
        self,
        *args: Any,
        items: Iterable[Item],
        places: Iterable[Place],
        norms: Norms,
        old: tuple[Need, Sequence[NeedLine]] | None = None,
        **kwargs: Any,
    ) -> None:
        goods = list(items)
        if old is not None:
            kwargs["initial"] = _initial(*old, goods)
        super().__init__(*args, items=goods, **kwargs)
        for name in ("other", "moved_at", "note"):
            del self.fields[name]
        for name in ("item_0", "quantity_0"):
            self.fields[name].required = False
        self.fields["place"] = PlaceField(places, label=pgettext_lazy("of a need", "For"))
        self.fields["first_day"] = forms.DateField(
            label=_("From"), widget=forms.DateInput(), help_text=_("The day on which it is needed.")
        )
        self.fields["last_day"] = forms.DateField(label=_("To"), widget=forms.DateInput())
        self.fields["reason"] = forms.CharField(label=_("What it is needed for"), max_length=200)
        roles = [("", "—"), *((code, words.text(one.name)) for code, one in norms.roles.items())]
        for n in range(GROUPS):
            self.fields[f"who_{n}"] = forms.ChoiceField(
                label=_("Role"), choices=roles, required=False
            )
            self.fields[f"heads_{n}"] = forms.IntegerField(
                label=_("Heads a day"), min_value=1, max_value=100_000, required=False
            )
            self.fields[f"of_{n}"] = forms.CharField(
                label=_("Only this item"),
                max_length=200,
                required=False,
                widget=forms.TextInput({"list": "items", "autocomplete": "off"}),
            )
        self.groups: list[dict[str, Any]] = []
        self.order_fields(["place", "first_day", "last_day", "reason"])

    @property
    def head_fields(self) -> list[list[forms.BoundField]]:
        """The lines of heads as the page draws them."""
        return [[self[f"{name}_{n}"] for name in ("who", "heads", "of")] for n in range(GROUPS)]

    @property
    def span_fields(self) -> list[forms.BoundField]:
        return [self[name] for name in ("place", "first_day", "last_day", "reason")]

    def clean(self) -> dict[str, Any]:
        said = super().clean()
        self.groups = []
        for n in range(GROUPS):
            who, heads, of = (said.get(f"{name}_{n}") for name in ("who", "heads", "of"))
            item = self._item(of) if of else None
            if of and item is None:
                self.add_error(
                    f"of_{n}", gettext("The catalogue has no such item. Choose one of the list.")
                )
            if who and heads:
                self.groups.append({"who": who, "heads": heads, "item": item, "n": n})
            elif who and f"heads_{n}" not in self.errors:
                self.add_error(f"heads_{n}", gettext("Say how many there are a day."))
            elif heads or of:
                self.add_error(f"who_{n}", gettext("Say who they are."))
        if not (self.lines or self.groups or self.errors):
            self.add_error("item_0", gettext("Enter an item, or heads of a role."))
        return said

    def asked(self) -> dict[str, object]:
        """What the action takes."""
        said = self.cleaned_data
        lines = [Wanted(item=line["of"], quantity=line["smallest"]) for line in self.lines]
        lines += [
            Wanted(item=one["item"], who=one["who"], heads=one["heads"]) for one in self.groups
        ]
        span = Span(first_day=said["first_day"], last_day=said["last_day"], reason=said["reason"])
        return {"place": said["place"], "lines": lines, "span": span}

    def _at(self, name: str, number: int) -> str | None:
        """The field of a line, goods first and heads after them, as the action counts them."""
        if number < len(self.lines):
            return super()._at(name, number)
        group = number - len(self.lines)
        n = self.groups[group]["n"] if group < len(self.groups) else 0
        own = f"{'of' if name == 'item' else name}_{n}"
        return own if own in self.fields else None


def fits(lines: Sequence[NeedLine]) -> bool:
    """Whether the form can show all that a need says; machines may ask for more."""
    groups = [one for one in lines if one.heads is not None]
    return len(lines) - len(groups) <= LINES and len(groups) <= GROUPS


def _initial(need: Need, lines: Sequence[NeedLine], goods: Sequence[Item]) -> dict[str, Any]:
    """The form of a need that is to be replaced: as it was asked."""
    found: dict[str, Any] = {
        "place": str(need.place.public_id),
        "first_day": need.first_day,
        "last_day": need.last_day,
        "reason": need.reason,
    }
    named = {one.pk: one.code for one in goods}
    items = [one for one in lines if one.quantity is not None]
    groups = [one for one in lines if one.heads is not None]
    for n, one in enumerate(items):
        found |= {f"item_{n}": named.get(one.item_id or 0, ""), f"quantity_{n}": one.quantity}
    for n, one in enumerate(groups):
        found |= {f"who_{n}": one.who, f"heads_{n}": one.heads}
        found[f"of_{n}"] = named.get(one.item_id or 0, "")
    return found


class ReasonForm(pages.Form):
    """Why something is not needed any more."""

    reason = forms.CharField(label=_("Reason"), max_length=200)


# --- Looking ahead --------------------------------------------------------------------------------

_NUMBERS = re.compile(r"[\s,，、;；]+")


class HeadsField(forms.CharField):
    """Numbers of heads a day, one after the other; cleaned a list of floats."""

    def __init__(self, **given: Any) -> None:
        super().__init__(max_length=600, widget=forms.TextInput({"inputmode": "numeric"}), **given)

    def clean(self, value: Any) -> list[float]:
        text = super().clean(value).strip()
        found = []
        for part in _NUMBERS.split(text) if text else []:
            if not re.fullmatch(r"\d{1,8}(\.\d{1,3})?", part, re.ASCII):
                raise forms.ValidationError(
                    gettext("Write numbers with commas between them, such as 4, 6, 9.")
                )
            found.append(float(part))
        return found


class AheadForm(pages.Form):
    """Heads that are foreseen at a place, from today on."""

    who = forms.ChoiceField(label=_("Role"))
    likely = HeadsField(
        label=_("Likely heads a day"),
        help_text=_("Day after day from today on; the last one goes on."),
    )
    low = HeadsField(label=_("Low (5 %)"), required=False)
    high = HeadsField(label=_("High (95 %)"), required=False)
    days = forms.TypedChoiceField(
        label=_("Days"), choices=[(n, n) for n in HORIZONS], coerce=int, initial=14
    )
    strategy = forms.ChoiceField(
        label=_("Norms"), choices=Strategy.choices, initial=Strategy.CONVENTIONAL
    )

    def __init__(self, *args: Any, places: Iterable[Place], norms: Norms, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["place"] = PlaceField(places, label=_("At"))
        role = self.fields["who"]
        assert isinstance(role, forms.ChoiceField)
        role.choices = [(code, words.text(one.name)) for code, one in norms.roles.items()]
        self.order_fields(["place", "who"])

    def clean(self) -> dict[str, Any]:
        said = super().clean() or {}
        if "likely" in said:
            levels = {0.05: said.get("low"), 0.5: said["likely"], 0.95: said.get("high")}
            heads = {level: values for level, values in levels.items() if values}
            days = max((len(values) for values in heads.values()), default=0)
            longer = {
                level: [*values, *[values[-1]] * (days - len(values))]
                for level, values in heads.items()
            }
            try:
                said["heads"] = rules.checked(longer)
            except rules.BadForecast as problem:
                self.add_error("likely", str(words.FAULTS[problem.code]))
        return said

    def forecast(self) -> Forecast:
        """What was foreseen."""
        return Forecast(self.cleaned_data["who"], self.cleaned_data["heads"])


# --- Filters --------------------------------------------------------------------------------------


class BoardFilter(pages.FilterForm):
    """The filters of the demand board."""

    county = forms.ChoiceField(label=_("County"), required=False)
    kind = forms.ChoiceField(
        label=pgettext_lazy("of an item", "Class"),
        choices=[("", _("all")), *ItemClass.choices],
        required=False,
    )
    days = forms.TypedChoiceField(
        label=_("Days ahead"),
        choices=[("", "30"), *((n, n) for n in HORIZONS if n != 30)],
        coerce=int,
        empty_value=None,
        required=False,
    )
    strategy = forms.ChoiceField(
        label=_("Norms"),
        choices=[("", Strategy.CONVENTIONAL.label), *Strategy.choices[1:]],
        required=False,
    )

    def __init__(self, *args: Any, counties: Iterable[Area], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["county"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [("", _("all")), *((one.code, one.display_short) for one in counties)]

    def asked(self) -> Mapping[str, Any]:
        """How far to look, and by which norms."""
        said = self.chosen()
        return {
            "days": said.get("days", 30),
            "strategy": said.get("strategy", Strategy.CONVENTIONAL.value),
        }


class NeedFilter(pages.FilterForm):
    """The filters of the needs."""

    q = pages.SearchField(label=_("Item"), placeholder=_("Name, pinyin initials or code"))
    state = forms.ChoiceField(
        label=_("State"), choices=[("", _("all")), *NeedState.choices], required=False
    )

    def narrow(self, rows: QuerySet[Need]) -> QuerySet[Need]:  # type: ignore[override]
        said = self.chosen()
        if text := said.get("q"):
            lines = pages.named_like(NeedLine.objects.all(), text, "item__search_text")
            rows = rows.filter(pk__in=lines.values("need"))
        if state := said.get("state"):
            rows = rows.filter(state=state)
        return rows
