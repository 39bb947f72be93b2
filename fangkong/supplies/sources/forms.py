"""What people enter of sources: offers, what the door found, a code, why something is so."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django import forms
from django.db.models import QuerySet
from django.utils.translation import gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from fangkong.core import pages
from fangkong.supplies.stock import forms as stock
from fangkong.supplies.stock import rules as goods
from fangkong.supplies.stock import words as said
from fangkong.supplies.stock.types import KEEP, LotFacts, Papers

from . import queries, rules
from .models import Supply
from .types import Channel, Checked, Fund, LineFacts, SupplyFacts, SupplyState, Verdict

if TYPE_CHECKING:
    from datetime import datetime

    from fangkong.accounts.models import User
    from fangkong.supplies.stock.models import Item, Place

    from .models import SupplyLine


class MoneyField(forms.CharField):
    """An amount in yuan; cleaned it is in fen, None where nothing was written."""

    def __init__(self, **given: Any) -> None:
        widget = forms.TextInput({"inputmode": "decimal", "autocomplete": "off"})
        super().__init__(max_length=20, widget=widget, **given)

    def clean(self, value: Any) -> int | None:
        text = super().clean(value)
        if not text:
            return None
        try:
            return rules.fen(text)
        except rules.NotMoney:
            raise forms.ValidationError(
                gettext("Write the amount in yuan, such as 600000 or 12.50.")
            ) from None


class OfferForm(stock.LinesForm):
    """Something that could come from outside: from whom, how, when, and what line by line."""

    channel = forms.ChoiceField(
        label=_("Channel"), choices=Channel.choices, initial=Channel.DONATION
    )
    party = forms.CharField(
        label=pgettext_lazy("of supplies", "From"),
        max_length=100,
        required=False,
        help_text=_("A firm or an office; private givers are not named."),
    )
    private = forms.BooleanField(label=_("A private giver"), required=False)
    arrives_on = forms.DateField(label=_("Promised for"), required=False, widget=forms.DateInput())
    earmark = forms.CharField(
        label=_("Earmarked for"),
        max_length=100,
        required=False,
        help_text=_("What the giver wants it used for. It binds everybody."),
    )
    money = MoneyField(
        label=_("Money given, in yuan"), required=False, help_text=_("Empty where goods come.")
    )
    fund = forms.ChoiceField(label=_("Paid with"), choices=Fund.choices, initial=Fund.NONE)
    here = forms.BooleanField(
        label=_("It stands at the door"),
        required=False,
        help_text=_("It is checked next; nobody has to accept it first."),
    )

    def __init__(
        self, *args: Any, places: Iterable[Place], kept: Iterable[Place], **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.kept = {one.pk for one in kept}
        del self.fields["other"], self.fields["moved_at"]
        self.fields["place"] = stock.PlaceField(places, label=_("For the store"))
        for name in self.line_fields(required=True):
            self.fields[f"{name}_0"].required = False  # a gift of money has no lines

    def line_fields(self, *, required: bool) -> dict[str, forms.Field]:
        return {
            **super().line_fields(required=required),
            "price": MoneyField(label=_("Price of the line, in yuan"), required=False),
            "standard": forms.CharField(
                label=_("Standard it is said to meet"), max_length=60, required=False
            ),
        }

    def clean(self) -> dict[str, Any]:
        told = super().clean()
        if told.get("here") and told.get("place") and told["place"].pk not in self.kept:
            self.add_error(
                "here", gettext("Only whoever keeps this store takes what stands at its door.")
            )
        return told

    def asked(self) -> dict[str, object]:
        """What the action takes."""
        told = self.cleaned_data
        facts = SupplyFacts(
            channel=Channel(told["channel"]),
            place=told["place"],
            party=told["party"],
            private=told["private"],
            money=told["money"] or 0,
            fund=Fund(told["fund"]),
            arrives_on=told["arrives_on"],
            earmark=told["earmark"],
            note=told["note"],
        )
        lines = [
            LineFacts(
                item=line["of"],
                quantity=line["smallest"],
                price=line["price"],
                standard=line["standard"] or "",
            )
            for line in self.lines
        ]
        return {"facts": facts, "lines": lines, "here": told["here"]}


class AcceptForm(pages.Form):
    """It is ordered or taken."""

    arrives_on = forms.DateField(
        label=_("Promised for"),
        required=False,
        widget=forms.DateInput(),
        help_text=_("Leave it where the day that was offered holds."),
    )


class PutOffForm(pages.Form):
    """It comes on another day."""

    arrives_on = forms.DateField(label=_("Promised for"), widget=forms.DateInput())
    reason = forms.CharField(label=_("Reason"), max_length=200)


class UploadForm(pages.Form):
    """A file of supplies; rows that name no receiver of ours by itself go into this store."""

    def __init__(self, *args: Any, user: User, at: datetime, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["place"] = stock.PlaceField(
            queries.places_to_choose(user, at, KEEP),
            label=_("Store"),
            help_text=_("For rows whose receiver is the prefecture, or that name none."),
        )


MORE_LOTS = 2  # of a line on one sheet of the page


def _places(n: int) -> list[str]:
    """What the names of the fields of a line end with: its first lot, and further ones."""
    return [str(n), *(f"{n}_{k + 1}" for k in range(MORE_LOTS))]


@dataclass(frozen=True)
class Row:
    """A line at the door: what was promised, what is missing, its fields lot by lot."""

    line: SupplyLine
    promised: str
    left: str
    first: list[forms.BoundField]
    more: list[list[forms.BoundField]]
    more_open: bool


class DoorForm(stock.AtLines):
    """What came to the door, line by line of what was promised; empty lines did not come.

    Each line has room for further lots: what one lorry brings often bears several numbers.
    """

    other = forms.CharField(
        label=_("Brought or taken by"),
        max_length=100,
        required=False,
        help_text=_("A firm, an office or a team; no names of persons."),
    )
    moved_at = pages.MomentField(label=_("When the goods came"), help_text=_("Empty for now."))
    note = forms.CharField(label=_("Note"), max_length=200, required=False)

    def __init__(
        self,
        *args: Any,
        supply: Supply,
        promised: Sequence[SupplyLine],
        items: Iterable[Item],
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.promised = promised
        self.items = {stock.named(one): one for one in items}
        self.checked: list[tuple[str, Checked]] = []
        self.money_due = bool(supply.money and supply.money_came_at is None)
        if self.money_due:
            self.fields["money"] = forms.BooleanField(label=_("The money came"), required=False)
        for n, line in enumerate(promised):
            for at in _places(n):
                left = queries.missing(line) if at == str(n) else 0
                for name, field in self._line_fields(left).items():
                    self.fields[f"{name}_{at}"] = field

    def _line_fields(self, left: int) -> dict[str, forms.Field]:
        return {
            "quantity": forms.CharField(
                label=_("Quantity that came"),
                max_length=20,
                required=False,
                initial=str(left) if left else "",
                widget=forms.TextInput({"inputmode": "decimal", "autocomplete": "off"}),
            ),
            "unit": forms.CharField(
                label=_("Unit or pack"),
                max_length=40,
                required=False,
                widget=forms.TextInput({"list": "units", "autocomplete": "off"}),
            ),
            "verdict": forms.ChoiceField(
                label=_("Check"), choices=Verdict.choices, initial=Verdict.FITS, required=False
            ),
            "number": forms.CharField(label=_("Lot number"), max_length=40, required=False),
            "made_on": forms.DateField(
                label=_("Made on"), required=False, widget=forms.DateInput()
            ),
            "expires_on": forms.DateField(
                label=_("Last good day"), required=False, widget=forms.DateInput()
            ),
            "standard": forms.CharField(
                label=_("Standard on the label"), max_length=60, required=False
            ),
            "as_item": forms.CharField(
                label=_("Booked as, where unsuitable"),
                max_length=200,
                required=False,
                widget=forms.TextInput({"list": "items", "autocomplete": "off"}),
            ),
            "why": forms.CharField(
                label=_("What is wrong with it"), max_length=200, required=False
            ),
        }

    def rows(self) -> Iterator[Row]:
        """The lines as the page draws them."""
        names = list(self._line_fields(0))
        for n, line in enumerate(self.promised):
            first, *more = ([self[f"{name}_{at}"] for name in names] for at in _places(n))
            yield Row(
                line=line,
                promised=said.amount(line.quantity, line.item),
                left=said.amount(queries.missing(line), line.item),
                first=first,
                more=more,
                more_open=self.is_bound
                and any(field.value() for row in more for field in row if field.name[0] != "v"),
            )

    @property
    def known_units(self) -> list[str]:
        """The units that the list under the field offers, packs of the items first."""
        packs = {name for line in self.promised for name in line.item.packs}
        return [*sorted(packs), *goods.UNIT_WORDS]

    def clean(self) -> dict[str, Any]:
        told = super().clean() or {}
        self.checked = []
        for n, line in enumerate(self.promised):
            for at in _places(n):
                if quantity := told.get(f"quantity_{at}", ""):
                    self._check(at, line, quantity, told)
        return told

    def _check(self, n: str, line: SupplyLine, text: str, told: Mapping[str, Any]) -> None:
        try:
            quantity = goods.in_smallest(
                text, told.get(f"unit_{n}", ""), line.item.unit, line.item.packs
            )
        except goods.NotExact as problem:
            field = "unit" if problem.code == "unknown_unit" else "quantity"
            self.add_error(f"{field}_{n}", said.fault(problem.code))
            return
        named = told.get(f"as_item_{n}", "")
        as_item = self.items.get(named) or next(
            (one for one in self.items.values() if named and named in (one.code, one.name_zh)),
            None,
        )
        if named and as_item is None:
            self.add_error(
                f"as_item_{n}", gettext("The catalogue has no such item. Choose one of the list.")
            )
            return
        lot = LotFacts(
            number=told.get(f"number_{n}", ""),
            made_on=told.get(f"made_on_{n}"),
            expires_on=told.get(f"expires_on_{n}"),
            standard=told.get(f"standard_{n}", ""),
        )
        verdict = Verdict(told.get(f"verdict_{n}") or Verdict.FITS)
        one = Checked(
            line=line,
            quantity=quantity,
            verdict=verdict,
            lot=lot,
            as_item=as_item,
            why=told.get(f"why_{n}", ""),
        )
        self.checked.append((n, one))

    def asked(self) -> dict[str, object]:
        """What the action takes."""
        told = self.cleaned_data
        papers = Papers(moved_at=told["moved_at"], other=told["other"], note=told["note"])
        return {
            "checked": [one for _n, one in self.checked],
            "papers": papers,
            "money": bool(told.get("money")),
        }

    def _at(self, name: str, number: int) -> str | None:
        own = f"{name}_{self.checked[number][0]}"
        return own if own in self.fields else None


class PublishForm(pages.Form):
    """What was read is published."""

    read = forms.CharField(widget=forms.HiddenInput, max_length=32)


class CorrectForm(pages.Form):
    """What was wrong with a report; what was read is published."""

    reason = forms.CharField(label=_("What was wrong"), max_length=200)
    read = forms.CharField(widget=forms.HiddenInput, max_length=32)


class ReopenForm(pages.Form):
    """A closed source still comes."""

    arrives_on = forms.DateField(
        label=_("Promised for"),
        required=False,
        widget=forms.DateInput(),
        help_text=_("Leave it where the day that was promised holds."),
    )
    reason = forms.CharField(label=_("Reason"), max_length=200)


class TraceForm(pages.Form):
    """The code of a gift, as it stands on its certificate."""

    code = forms.CharField(
        label=_("Code of the gift"),
        max_length=20,
        widget=forms.TextInput({"autocomplete": "off", "autocapitalize": "characters"}),
        help_text=_("It stands on the certificate, such as 7KQF2-M9DTA."),
    )


class SupplyFilter(pages.FilterForm):
    """The filters of what comes from outside."""

    q = pages.SearchField(
        label=pgettext_lazy("of supplies", "From"), placeholder=_("Firm or office")
    )
    channel = forms.ChoiceField(
        label=_("Channel"), choices=[("", _("all")), *Channel.choices], required=False
    )
    state = forms.ChoiceField(
        label=_("State"), choices=[("", _("all")), *SupplyState.choices], required=False
    )

    def narrow(self, rows: QuerySet[Supply]) -> QuerySet[Supply]:  # type: ignore[override]
        told = self.chosen()
        return queries.narrowed(rows, told.get("q", ""), told)
