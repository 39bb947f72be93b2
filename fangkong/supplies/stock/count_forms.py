"""What is entered when counting: which items, how much of each lot, a lot that was found."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django import forms
from django.db.models import QuerySet
from django.utils.translation import gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from fangkong.core import pages
from fangkong.core.refusals import Refused

from . import rules, words
from .actions import NotAcceptable
from .forms import PlaceField, named
from .models import Count, CountLine, Item, Place
from .queries import Told
from .types import Counted, CountState, ItemClass, LotFacts


class OpenCountForm(pages.Form):
    """Which place is counted, and which of its goods."""

    kind = forms.ChoiceField(
        label=_("Which goods"),
        choices=[("", pgettext_lazy("goods to count", "all")), *ItemClass.choices],
        required=False,
    )
    blind = forms.BooleanField(
        label=_("Blind: the book's quantity stays hidden until a lot is counted"), required=False
    )

    def __init__(self, *args: Any, places: Iterable[Place], items: Iterable[Item], **more: Any):
        super().__init__(*args, **more)
        self.items = list(items)
        self.fields["place"] = PlaceField(places, label=_("Place"))
        self.order_fields(["place"])

    def asked(self) -> dict[str, object]:
        """What the action takes."""
        said = self.cleaned_data
        items = [one for one in self.items if one.kind == said["kind"]] if said["kind"] else []
        if said["kind"] and not items:
            raise Refused(gettext("The catalogue has no goods of this class."))
        return {"place": said["place"], "items": items, "blind": said["blind"]}


@dataclass(frozen=True)
class Row:
    """A line of the sheet as the page draws it."""

    told: Told
    amount: str  # of the book; "" where hidden
    difference: str
    quantity: forms.BoundField
    seen: forms.BoundField  # how often it had been counted, and how much, when the page was made
    unit: forms.BoundField | None
    reason: forms.BoundField | None


class SheetForm(pages.Form):
    """The sheet: what was counted of each lot, and why a difference may be."""

    def __init__(self, *args: Any, told: Sequence[Told], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.told = list(told)
        self.sent: list[CountLine] = []
        for one in self.told:
            key, item = one.line.public_id, one.line.lot.item
            label = f"{item.display_name} · {words.lot(one.line.lot)}"
            self.fields[f"q-{key}"] = forms.CharField(
                label=gettext("Counted: %(what)s") % {"what": label},
                max_length=20,
                required=False,
                initial="" if one.line.quantity is None else str(one.line.quantity),
                widget=forms.TextInput({"inputmode": "decimal", "autocomplete": "off"}),
            )
            self.fields[f"s-{key}"] = forms.CharField(
                max_length=40, required=False, initial=_seen(one.line), widget=forms.HiddenInput
            )
            if item.packs:
                self.fields[f"u-{key}"] = forms.ChoiceField(
                    label=gettext("Unit: %(what)s") % {"what": label},
                    choices=[("", item.get_unit_display()), *((n, n) for n in item.packs)],
                    required=False,
                )
            if one.difference:
                self.fields[f"r-{key}"] = forms.CharField(
                    label=gettext("Why: %(what)s") % {"what": label},
                    max_length=100,
                    required=False,
                    initial=one.line.reason,
                )

    def rows(self) -> Iterator[Row]:
        for one in self.told:
            key, item = one.line.public_id, one.line.lot.item
            unit, reason = f"u-{key}", f"r-{key}"
            yield Row(
                told=one,
                amount="" if one.book is None else words.amount(one.book, item),
                difference=words.signed(one.difference, item),
                quantity=self[f"q-{key}"],
                seen=self[f"s-{key}"],
                unit=self[unit] if unit in self.fields else None,
                reason=self[reason] if reason in self.fields else None,
            )

    def clean(self) -> dict[str, Any]:
        said = super().clean() or {}
        for one in self.told:
            key, item = one.line.public_id, one.line.lot.item
            text = str(said.get(f"q-{key}") or "").strip()
            if not text:
                said[f"n-{key}"] = None
                continue
            try:
                said[f"n-{key}"] = rules.counted(
                    text, str(said.get(f"u-{key}") or ""), item.unit, item.packs
                )
            except rules.NotExact as problem:
                self.add_error(f"q-{key}", words.fault(problem.code))
        return said

    def asked(self) -> dict[str, object]:
        """What the action takes: the lines that say something new."""
        said, told = self.cleaned_data, []
        for one in self.told:
            key = one.line.public_id
            quantity, reason = said[f"n-{key}"], said.get(f"r-{key}")
            seen = str(said.get(f"s-{key}") or "")
            times, _colon, before = seen.partition(":")
            new = quantity is not None and quantity != one.line.quantity
            if seen and before == str(quantity):
                new = False  # not touched; somebody else may have counted it meanwhile
            if new or (reason is not None and reason != one.line.reason):
                told.append(
                    Counted(
                        line=one.line,
                        quantity=quantity if new else None,
                        reason=reason,
                        times=int(times) if times.isascii() and times.isdigit() else None,
                    )
                )
        self.sent = [one.line for one in told]
        return {"told": told}

    def refuse(self, problem: Refused) -> None:
        """At the line that the action names."""
        field = getattr(problem, "field", "")
        if field.startswith("lines/"):
            _lines, n, name = field.split("/")
            line = self.sent[int(n)]
            own = f"{name[0]}-{line.public_id}"
            # What stands there now is told beside it: sent again it holds.
            self.data = {**dict(self.data.items()), f"s-{line.public_id}": _seen(line)}
            self.add_error(own if own in self.fields else None, str(problem))
            return
        super().refuse(problem)


def _seen(line: CountLine) -> str:
    """How often a line was counted, and how much was."""
    return f"{line.times}:{'' if line.quantity is None else line.quantity}"


class FoundForm(pages.Form):
    """A lot that lies there and does not stand on the sheet."""

    item = forms.CharField(
        label=_("Item"),
        max_length=200,
        widget=forms.TextInput({"list": "items", "autocomplete": "off"}),
    )
    quantity = forms.CharField(
        label=_("Quantity"), max_length=20, widget=forms.TextInput({"inputmode": "decimal"})
    )
    unit = forms.CharField(label=_("Unit or pack"), max_length=40, required=False)
    number = forms.CharField(label=_("Lot number"), max_length=40, required=False)
    made_on = forms.DateField(label=_("Made on"), required=False, widget=forms.DateInput())
    expires_on = forms.DateField(label=_("Last good day"), required=False, widget=forms.DateInput())
    standard = forms.CharField(label=_("Standard on the label"), max_length=60, required=False)
    reason = forms.CharField(label=_("How it may have come here"), max_length=100, required=False)

    def __init__(self, *args: Any, items: Iterable[Item], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.items = {named(one): one for one in items}

    def clean(self) -> dict[str, Any]:
        said = super().clean() or {}
        text = str(said.get("item") or "")
        fits = [one for name, one in self.items.items() if text in (name, one.code, one.name_zh)]
        said["of"] = fits[0] if len(fits) == 1 else None
        if said["of"] is None:
            if "item" not in self.errors:
                self.add_error(
                    "item", gettext("The catalogue has no such item. Choose one of the list.")
                )
            return said
        item = said["of"]
        try:
            said["smallest"] = rules.in_smallest(
                str(said.get("quantity") or ""), str(said.get("unit") or ""), item.unit, item.packs
            )
        except rules.NotExact as problem:
            field = "unit" if problem.code == "unknown_unit" else "quantity"
            if field not in self.errors:
                self.add_error(field, words.fault(problem.code))
        return said

    def asked(self) -> dict[str, object]:
        """What the action takes."""
        said = self.cleaned_data
        label = {name: said[name] for name in ("number", "made_on", "expires_on", "standard")}
        return {
            "item": said["of"],
            "quantity": said["smallest"],
            "label": LotFacts(**label),
            "reason": said["reason"],
        }

    def refuse(self, problem: Refused) -> None:
        if isinstance(problem, NotAcceptable):
            for name, text in problem.faults:
                self.add_error(name if name in self.fields else None, text)
            return
        super().refuse(problem)


class CountFilter(pages.FilterForm):
    """The filters of the stocktakes."""

    number = forms.CharField(label=_("Number"), max_length=40, required=False)
    state = forms.ChoiceField(
        label=_("State"), choices=[("", _("all")), *CountState.choices], required=False
    )

    def narrow(self, rows: QuerySet[Count]) -> QuerySet[Count]:  # type: ignore[override]
        said = self.chosen()
        if number := said.get("number"):
            rows = rows.filter(number__startswith=number)
        if state := said.get("state"):
            rows = rows.filter(state=state)
        return rows
