"""What people enter: goods line by line, papers, places, items, why something is held back."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from django import forms
from django.db.models import Q, QuerySet
from django.utils.translation import gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from fangkong.core import pages
from fangkong.core.refusals import Refused

from . import rules, words
from .actions import NotAcceptable
from .models import Balance, Entry, Item, Place
from .types import (
    HELD,
    Arriving,
    EntryKind,
    ItemClass,
    ItemFacts,
    Leaving,
    LossReason,
    LotFacts,
    Papers,
    PlaceKind,
    Standing,
    Unit,
)

if TYPE_CHECKING:
    from fangkong.places.models import Facility

    from .models import Lot

LINES = 12  # of one sheet on the page; the API takes more
OPEN_LINES = 2  # the others stand behind "more lines"


def named(item: Item) -> str:
    """How an item is named in a list to choose from: its name and its code."""
    return f"{item.display_name} · {item.code}"


class AtLines(pages.Form):
    """A form with numbered lines: a fault of ``lines/2/…`` stands at the field of that line."""

    def refuse(self, problem: Refused) -> None:
        """Each fault at its line; what is of no line as any form says it."""
        one_fault = [(getattr(problem, "field", ""), str(problem))]
        for field, text in getattr(problem, "faults", one_fault):
            if not field.startswith("lines/"):
                super().refuse(problem)
                return
            _lines, number, *name = field.split("/")
            self.add_error(self._at(name[-1] if name else "", int(number)), text)

    def _at(self, name: str, number: int) -> str | None:
        """The field of a line as the action counts them; None for the top of the form."""
        raise NotImplementedError


class LinesForm(AtLines):
    """A sheet: its papers, and lines of which the first has to be filled in."""

    other = forms.CharField(
        label=_("Brought or taken by"),
        max_length=100,
        required=False,
        help_text=_("A firm, an office or a team; no names of persons."),
    )
    moved_at = pages.MomentField(label=_("When the goods moved"), help_text=_("Empty for now."))
    note = forms.CharField(label=_("Note"), max_length=200, required=False)

    def __init__(self, *args: Any, items: Iterable[Item], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.items = {named(one): one for one in items}
        self.lines: list[dict[str, Any]] = []
        for n in range(LINES):
            for name, field in self.line_fields(required=n == 0).items():
                self.fields[f"{name}_{n}"] = field

    def line_fields(self, *, required: bool) -> dict[str, forms.Field]:
        """The fields of one line."""
        return {
            "item": forms.CharField(
                label=_("Item"),
                max_length=200,
                required=required,
                widget=forms.TextInput({"list": "items", "autocomplete": "off"}),
            ),
            "quantity": forms.CharField(
                label=_("Quantity"),
                max_length=20,
                required=required,
                widget=forms.TextInput({"inputmode": "decimal", "autocomplete": "off"}),
            ),
            "unit": forms.CharField(
                label=_("Unit or pack"),
                max_length=40,
                required=False,
                widget=forms.TextInput({"list": "units", "autocomplete": "off"}),
            ),
        }

    @property
    def known_units(self) -> list[str]:
        """The units that the list under the field offers, packs of the catalogue first."""
        packs = {name for item in self.items.values() for name in item.packs}
        return [*sorted(packs), *rules.UNIT_WORDS]

    def rows(self) -> Iterator[tuple[int, list[forms.BoundField]]]:
        """The lines as the page draws them."""
        for n in range(LINES):
            yield n, [self[f"{name}_{n}"] for name in self.line_fields(required=False)]

    @property
    def head(self) -> list[tuple[int, list[forms.BoundField]]]:
        return list(self.rows())[:OPEN_LINES]

    @property
    def tail(self) -> list[tuple[int, list[forms.BoundField]]]:
        return list(self.rows())[OPEN_LINES:]

    @property
    def tail_open(self) -> bool:
        """Is anything said or wrong behind "more lines"?"""
        return self.is_bound and any(bool(f.value()) for _n, row in self.tail for f in row)

    def clean(self) -> dict[str, Any]:
        said = super().clean() or {}
        self.lines = []
        for n in range(LINES):
            names = self.line_fields(required=False)
            line = {name: said.get(f"{name}_{n}") for name in names}
            if any(line.values()):
                self.lines.append({**line, "n": n, **self._read(n, line)})
        return said

    def _read(self, n: int, line: Mapping[str, Any]) -> dict[str, Any]:
        """The item and the quantity of a line; what is wrong with them stands beside them."""
        item = self._item(str(line["item"] or ""))
        if item is None:
            if f"item_{n}" not in self.errors:
                self.add_error(
                    f"item_{n}", gettext("The catalogue has no such item. Choose one of the list.")
                )
            return {}
        try:
            quantity = rules.in_smallest(
                str(line["quantity"] or ""), str(line["unit"] or ""), item.unit, _packs(item)
            )
        except rules.NotExact as problem:
            field = "unit" if problem.code == "unknown_unit" else "quantity"
            if f"{field}_{n}" not in self.errors:
                self.add_error(f"{field}_{n}", words.fault(problem.code))
            return {}
        return {"of": item, "smallest": quantity}

    def _item(self, said: str) -> Item | None:
        """The item of a name or code as it was typed; None where it is not clear which."""
        if said in self.items:
            return self.items[said]
        found = [one for one in self.items.values() if said in (one.code, one.name_zh, one.name_en)]
        return found[0] if len(found) == 1 and said else None

    def papers(self) -> Papers:
        """What stands on the sheet beside its lines."""
        said = self.cleaned_data
        return Papers(moved_at=said["moved_at"], other=said["other"], note=said["note"])

    def refuse(self, problem: Refused) -> None:
        """Each fault at its line: the action counts the lines that were filled in."""
        if isinstance(problem, NotAcceptable):
            for name, text in problem.faults:
                self.add_error(self._at(name.rpartition("/")[2], problem.line or 0), text)
            return
        super().refuse(problem)

    def _at(self, name: str, number: int) -> str | None:
        n = self.lines[number]["n"] if number < len(self.lines) else 0
        own = f"{name}_{n}"
        return own if own in self.fields else None


def _packs(item: Item) -> Mapping[str, int]:
    return {str(name): int(size) for name, size in item.packs.items()}


class PlaceField(forms.ChoiceField):
    """One of some places of stock, by public id; cleaned it is the place."""

    def __init__(self, places: Iterable[Place], *, empty: str | None = None, **given: Any) -> None:
        self.places = {str(one.public_id): one for one in places}
        choices = [(key, one.display_name) for key, one in self.places.items()]
        if empty is not None or len(choices) != 1:
            choices = [("", empty or "—"), *choices]
        super().__init__(choices=choices, **given)

    def clean(self, value: Any) -> Place | None:
        key = super().clean(value)
        return self.places[key] if key else None


class ReceiveForm(LinesForm):
    """Goods that come into a store."""

    def __init__(self, *args: Any, places: Iterable[Place], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["place"] = PlaceField(places, label=_("Into"))
        self.order_fields(["place"])

    def line_fields(self, *, required: bool) -> dict[str, forms.Field]:
        day = forms.DateInput()
        return {
            **super().line_fields(required=required),
            "number": forms.CharField(label=_("Lot number"), max_length=40, required=False),
            "made_on": forms.DateField(label=_("Made on"), required=False, widget=day),
            "expires_on": forms.DateField(
                label=_("Last good day"), required=False, widget=forms.DateInput()
            ),
            "standard": forms.CharField(
                label=_("Standard on the label"), max_length=60, required=False
            ),
            "earmark": forms.CharField(label=_("Earmarked for"), max_length=100, required=False),
        }

    def asked(self) -> dict[str, object]:
        """What the action takes."""
        said = [
            Arriving(
                item=line["of"],
                quantity=line["smallest"],
                lot=LotFacts(
                    number=line["number"] or "",
                    made_on=line["made_on"],
                    expires_on=line["expires_on"],
                    standard=line["standard"] or "",
                    earmark=line["earmark"] or "",
                ),
            )
            for line in self.lines
        ]
        return {"place": self.cleaned_data["place"], "lines": said, "papers": self.papers()}


class IssueForm(LinesForm):
    """Goods that leave a store: used up, or to another place."""

    def __init__(
        self, *args: Any, places: Iterable[Place], targets: Iterable[Place], **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.fields["source"] = PlaceField(places, label=pgettext_lazy("of goods", "Out of"))
        self.fields["target"] = PlaceField(
            targets,
            empty=gettext("used up here"),
            label=pgettext_lazy("of goods", "To"),
            required=False,
        )
        self.order_fields(["source", "target"])

    def line_fields(self, *, required: bool) -> dict[str, forms.Field]:
        return {
            **super().line_fields(required=required),
            "lot": forms.CharField(
                label=_("Lot, where not the earliest"), max_length=40, required=False
            ),
        }

    def clean(self) -> dict[str, Any]:
        said = super().clean()
        source, target = said.get("source"), said.get("target")
        if source is not None and target is not None and (fault := self.same_house(source, target)):
            self.add_error("target", fault)
        for line in self.lines:
            line["which"] = None
            if line["lot"] and source is not None and "of" in line:
                line["which"] = lot = _lot_at(source, line["of"], line["lot"])
                if lot is None:
                    self.add_error(
                        f"lot_{line['n']}",
                        gettext(
                            "This place holds no lot of this number, or several. Leave it empty."
                        ),
                    )
        return said

    def asked(self) -> dict[str, object]:
        """What the action takes."""
        lines = [
            Leaving(item=line["of"], quantity=line["smallest"], lot=line["which"])
            for line in self.lines
        ]
        said = self.cleaned_data
        return {
            "source": said["source"],
            "target": said["target"],
            "lines": lines,
            "papers": self.papers(),
        }

    def same_house(self, source: Place, target: Place) -> str:
        """What is wrong where the goods go to another facility, or nothing."""
        if source.facility_id == target.facility_id:
            return ""
        return gettext("For another facility make a shipment.")


def _lot_at(place: Place, item: Item, number: str) -> Lot | None:
    rows = place.balances.filter(item=item, quantity__gt=0, lot__number=number.strip())
    found = list(rows.select_related("lot")[:2])
    return found[0].lot if len(found) == 1 else None


class LossForm(pages.Form):
    """Goods of a lot that are gone without being used."""

    place = forms.ChoiceField(label=pgettext_lazy("of goods", "Where"))
    quantity = forms.CharField(
        label=_("Quantity"), max_length=20, widget=forms.TextInput({"inputmode": "decimal"})
    )
    unit = forms.CharField(label=_("Unit or pack"), max_length=40, required=False)
    reason = forms.ChoiceField(
        label=_("Reason"), choices=LossReason.choices, widget=forms.RadioSelect
    )
    note = forms.CharField(label=_("How it came about"), max_length=200)

    def __init__(self, *args: Any, lot: Lot, rows: Sequence[Balance], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.lot = lot
        self.places = {str(row.place.public_id): row.place for row in rows}
        field = self.fields["place"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [
            (
                str(row.place.public_id),
                f"{row.place.display_name}: {words.amount(row.quantity, lot.item)}",
            )
            for row in rows
        ]

    def clean(self) -> dict[str, Any]:
        said = super().clean() or {}
        if "quantity" in said:
            try:
                said["smallest"] = rules.in_smallest(
                    said["quantity"],
                    said.get("unit", ""),
                    self.lot.item.unit,
                    _packs(self.lot.item),
                )
            except rules.NotExact as problem:
                field = "unit" if problem.code == "unknown_unit" else "quantity"
                self.add_error(field, words.fault(problem.code))
        return said

    def asked(self) -> dict[str, object]:
        """What the action takes."""
        said = self.cleaned_data
        return {
            "place": self.places[said["place"]],
            "lot": self.lot,
            "quantity": said["smallest"],
            "reason": LossReason(said["reason"]),
            "papers": Papers(note=said["note"]),
        }


class ReasonForm(pages.Form):
    """Why an entry is taken back, or a lot held back or let go."""

    reason = forms.CharField(label=_("Reason"), max_length=200)


class StepForm(pages.Form):
    """A step without words of its own."""


class MonthForm(pages.Form):
    """The month that stands on the button, so that nobody closes another one."""

    month = forms.DateField(widget=forms.HiddenInput)


class PlaceForm(pages.Form):
    """A place in which a facility keeps goods."""

    facility = forms.ChoiceField(label=_("Facility"))
    kind = forms.ChoiceField(
        label=pgettext_lazy("of stock", "Kind"),
        choices=[(k, v) for k, v in PlaceKind.choices if k in HELD and k != PlaceKind.TRANSIT],
        widget=forms.RadioSelect,
        initial=PlaceKind.STORE,
    )
    name = forms.CharField(
        label=_("Name of the ward or team"),
        max_length=60,
        required=False,
        help_text=_("The store of a facility needs none."),
    )

    def __init__(self, *args: Any, facilities: Iterable[Facility], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.known = {str(one.public_id): one for one in facilities}
        field = self.fields["facility"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [("", "—"), *((key, one.display_name) for key, one in self.known.items())]

    def asked(self) -> dict[str, object]:
        """What the action takes."""
        said = self.cleaned_data
        kind = PlaceKind(said["kind"])
        return {"facility": self.known[said["facility"]], "kind": kind, "name": said["name"]}


class ItemForm(pages.Form):
    """An item of the catalogue."""

    code = forms.SlugField(
        label=_("Code"), max_length=40, help_text=_("Letters, digits and hyphens; it stays.")
    )
    name_zh = forms.CharField(label=_("Chinese name"), max_length=60)
    name_en = forms.CharField(label=_("English name"), max_length=100, required=False)
    kind = forms.ChoiceField(label=pgettext_lazy("of an item", "Class"), choices=ItemClass.choices)
    unit = forms.ChoiceField(label=_("Smallest unit"), choices=Unit.choices)
    packs = forms.CharField(
        label=_("Packs"),
        required=False,
        max_length=500,
        widget=forms.Textarea({"rows": 3}),
        help_text=_("One a line: name = how many of the smallest unit, such as 箱 = 2000."),
    )
    standard = forms.CharField(label=_("Standard"), max_length=60, required=False)
    shelf_days = forms.IntegerField(
        label=_("Shelf life in days"), required=False, min_value=1, max_value=20_000
    )
    least = forms.IntegerField(
        label=_("Never below (smallest units)"), required=False, min_value=0, max_value=10**12
    )

    def __init__(self, *args: Any, item: Item | None = None, **kwargs: Any) -> None:
        if item is not None:
            names = ("name_zh", "name_en", "kind", "unit", "standard", "shelf_days", "least")
            kwargs["initial"] = {name: getattr(item, name) for name in names} | {
                "packs": "\n".join(f"{name} = {size}" for name, size in item.packs.items())
            }
        super().__init__(*args, **kwargs)
        self.item = item
        if item is not None:
            del self.fields["code"]

    def clean_packs(self) -> dict[str, int]:
        found: dict[str, int] = {}
        for line in str(self.cleaned_data["packs"]).splitlines():
            name, sign, size = (part.strip() for part in line.replace("＝", "=").rpartition("="))
            if not line.strip():
                continue
            if not (sign and name and size.isascii() and size.isdigit() and len(size) <= 12):
                raise forms.ValidationError(gettext("Write each pack as: name = number."))
            found[name] = int(size)
        return found

    def asked(self) -> dict[str, object]:
        """What the action takes."""
        said = dict(self.cleaned_data)
        code = said.pop("code", "" if self.item is None else self.item.code)
        return {"facts": ItemFacts(code=code, **{**said, "least": said["least"] or 0})}


# --- Filters --------------------------------------------------------------------------------------


class BoardFilter(pages.FilterForm):
    """The filters of the stock board."""

    q = pages.SearchField(label=_("Item"), placeholder=_("Name, pinyin initials or code"))
    kind = forms.ChoiceField(
        label=pgettext_lazy("of an item", "Class"),
        choices=[("", _("all")), *ItemClass.choices],
        required=False,
    )
    state = forms.ChoiceField(
        label=_("State"),
        choices=[
            ("", _("all")),
            ("here", _("in stock")),
            ("low", _("below its reserve")),
            ("soon", _("expiring soon")),
            ("bad", _("expired or held back")),
            ("coming", _("promised or on the way")),
        ],
        required=False,
    )

    def narrow(self, rows: QuerySet[Item]) -> QuerySet[Item]:  # type: ignore[override]
        said = self.chosen()
        rows = pages.named_like(rows, said.get("q", ""))
        if kind := said.get("kind"):
            rows = rows.filter(kind=kind)
        match said.get("state"):
            case "here":
                rows = rows.filter(Q(("here__gt", 0)))
            case "low":
                rows = rows.filter(Q(("standing", Standing.LOW)))
            case "soon":
                rows = rows.filter(Q(("soon__gt", 0)))
            case "bad":
                rows = rows.filter(Q(("spoiled__gt", 0)) | Q(("kept_back__gt", 0)))
            case "coming":
                rows = rows.filter(Q(("coming__gt", 0)))
        return rows


class HoldingFilter(pages.FilterForm):
    """The filters of what is where."""

    q = pages.SearchField(label=_("Item"), placeholder=_("Name, pinyin initials or code"))
    number = forms.CharField(label=_("Lot number"), max_length=40, required=False)
    state = forms.ChoiceField(
        label=_("State"),
        choices=[("", _("all")), ("held", _("held back")), ("earmarked", _("earmarked"))],
        required=False,
    )

    def narrow(self, rows: QuerySet[Balance]) -> QuerySet[Balance]:  # type: ignore[override]
        said = self.chosen()
        rows = pages.named_like(rows, said.get("q", ""), "item__search_text")
        if number := said.get("number"):
            rows = rows.filter(lot__number=number)
        match said.get("state"):
            case "held":
                rows = rows.filter(lot__held_back_at__isnull=False)
            case "earmarked":
                rows = rows.exclude(lot__earmark="")
        return rows


class EntryFilter(pages.FilterForm):
    """The filters of the sheets of the ledger."""

    number = forms.CharField(label=_("Number"), max_length=40, required=False)
    kind = forms.ChoiceField(
        label=_("Kind"), choices=[("", _("all")), *EntryKind.choices], required=False
    )

    def narrow(self, rows: QuerySet[Entry]) -> QuerySet[Entry]:  # type: ignore[override]
        said = self.chosen()
        if number := said.get("number"):
            rows = rows.filter(number__startswith=number)
        if kind := said.get("kind"):
            rows = rows.filter(kind=kind)
        return rows
