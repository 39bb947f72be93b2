"""What is scanned: the field, the sheet that grows under it, what a new code is taught as."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from typing import Any

from django import forms
from django.utils.translation import gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from fangkong.core import pages

from . import labels, scans, words
from .forms import AtLines, PlaceField, named
from .models import Item, ItemCode, Lot, Place
from .types import Arriving, Leaving, LotFacts, Papers

WAYS = ("look", "in", "out")
SYMBOLS = "data_matrix,qr_code,code_128,ean_13,ean_8,upc_a,upc_e,itf"  # that a camera looks for


class CodeField(forms.CharField):
    """A scanned text: from a hand scanner, which ends it with Enter, a camera, or typed."""

    def __init__(self, **kwargs: Any) -> None:
        hints = {
            "autocomplete": "off",
            "autocapitalize": "off",
            "spellcheck": "false",
            "autofocus": True,
            "enterkeyhint": "done",
            "data-scan": SYMBOLS,
        }
        kwargs.setdefault("label", _("Code"))
        super().__init__(
            max_length=500, strip=False, required=False, widget=forms.TextInput(hints), **kwargs
        )


class PhotoField(forms.FileField):
    """A photo of a code, for phones whose browser reads none."""

    def __init__(self) -> None:
        hints = {"accept": "image/jpeg,image/png,image/webp", "capture": "environment"}
        super().__init__(
            label=_("Photo of the code"), required=False, widget=forms.FileInput(hints)
        )


class LookForm(pages.Form):
    """What is this? One code, and the page of what it is of."""

    code = CodeField()
    photo = PhotoField()


class SheetForm(AtLines):
    """A sheet that is scanned package by package: in, or out."""

    code = CodeField()
    photo = PhotoField()

    def __init__(
        self,
        *args: Any,
        lines: Sequence[scans.Line],
        places: Iterable[Place],
        targets: Iterable[Place] | None = None,
        **more: Any,
    ) -> None:
        super().__init__(*args, **more)
        self.lines = lines
        leaves = targets is not None
        label = pgettext_lazy("of goods", "Out of") if leaves else _("Into")
        self.fields["place"] = PlaceField(places, label=label)
        if targets is not None:
            self.fields["target"] = PlaceField(
                targets,
                empty=gettext("used up here"),
                label=pgettext_lazy("of goods", "To"),
                required=False,
            )
        self.fields["other"] = forms.CharField(
            label=_("Brought or taken by"),
            max_length=100,
            required=False,
            help_text=_("A firm, an office or a team; no names of persons."),
        )
        for n, line in enumerate(lines):
            self._add(n, line, leaves)

    def _add(self, n: int, line: scans.Line, leaves: bool) -> None:
        hints = {"inputmode": "numeric", "autocomplete": "off"}
        self.fields[f"count_{n}"] = forms.IntegerField(
            label=_("Number of %(unit)s") % {"unit": line.unit},
            min_value=1,
            max_value=scans.MOST_COUNT,
            widget=forms.TextInput(hints),
            initial=line.count,
        )
        if leaves and len(line.lots) > 1:
            self.fields[f"lot_{n}"] = forms.ChoiceField(
                label=_("Which of these lots"),
                choices=[("", "—"), *((str(r.lot.public_id), words.label(r)) for r in line.lots)],
                initial=line.chosen,
            )
        if not leaves and line.lot is None:
            self.fields[f"number_{n}"] = forms.CharField(
                label=_("Lot number"), max_length=40, required=False, initial=line.number
            )
            self.fields[f"expires_on_{n}"] = forms.DateField(
                label=_("Last good day"),
                required=False,
                widget=forms.DateInput(),
                initial=line.expires_on,
            )

    def rows(self) -> Iterator[tuple[int, scans.Line, list[forms.BoundField]]]:
        """Each line with its fields, as the page draws them."""
        for n, line in enumerate(self.lines):
            names = (f"{name}_{n}" for name in ("count", "number", "expires_on", "lot"))
            yield n, line, [self[name] for name in names if name in self.fields]

    def clean(self) -> dict[str, Any]:
        said = super().clean() or {}
        if not self.lines:
            self.add_error("code", gettext("Scan at least one package."))
        if "target" not in self.fields and any(line.of_a_gift for line in self.lines):
            self.add_error("code", words.of_a_gift())
        if "target" in self.fields:
            self._refuse_gone()
        return said

    def _refuse_gone(self) -> None:
        """A lot that was scanned leaves itself or not at all; no other one goes instead."""
        for n, line in enumerate(self.lines):
            if line.names_a_lot and not line.lots:
                self.add_error(
                    f"count_{n}",
                    line.note or gettext("Choose first out of which place the goods leave."),
                )

    def papers(self) -> Papers:
        """What stands on the sheet beside its lines."""
        return Papers(other=self.cleaned_data["other"])

    def asked_in(self) -> dict[str, object]:
        """What ``actions.receive`` takes."""
        said = self.cleaned_data
        lines = [
            Arriving(
                item=line.item,
                quantity=said[f"count_{n}"] * line.holds,
                lot=_facts(line, said.get(f"number_{n}") or "", said.get(f"expires_on_{n}")),
                code=line.code,
                serials=line.serials,
            )
            for n, line in enumerate(self.lines)
        ]
        return {"place": said["place"], "lines": lines, "papers": self.papers()}

    def asked_out(self) -> dict[str, object]:
        """What ``actions.issue`` takes: the lot that was scanned, and no other."""
        said = self.cleaned_data
        lines = [
            Leaving(
                item=line.item,
                quantity=said[f"count_{n}"] * line.holds,
                lot=_chosen(line, said.get(f"lot_{n}", "")),
                code=line.code,
                serials=line.serials,
            )
            for n, line in enumerate(self.lines)
        ]
        papers = {"source": said["place"], "target": said["target"], "papers": self.papers()}
        return {**papers, "lines": lines}

    def _at(self, name: str, number: int) -> str:
        """Its number of packages, where it has no field of its own."""
        own = {"quantity": "count", "made_on": "expires_on"}.get(name, name)
        fields = (f"{own}_{number}", f"count_{number}")
        return next(one for one in fields if one in self.fields)


def _facts(line: scans.Line, number: str, expires_on: date | None) -> LotFacts:
    if line.lot is not None:
        names = ("number", "made_on", "expires_on", "standard", "owner", "earmark")
        return LotFacts(**{name: getattr(line.lot, name) for name in names})
    made_on = None if line.goods is None else line.goods.made_on
    return LotFacts(number=number, made_on=made_on, expires_on=expires_on)


def _chosen(line: scans.Line, key: str) -> Lot | None:
    if len(line.lots) == 1:
        return line.lots[0].lot
    return next((row.lot for row in line.lots if str(row.lot.public_id) == key), None)


class TeachForm(pages.Form):
    """What a GTIN means: an item, and what of it one package is."""

    item = forms.CharField(
        label=_("Item"),
        max_length=200,
        widget=forms.TextInput({"list": "items", "autocomplete": "off"}),
    )
    unit = forms.CharField(
        label=_("What one package is"),
        max_length=60,
        required=False,
        help_text=_("A pack of the item, such as 箱(2000只); empty for its smallest unit."),
        widget=forms.TextInput({"list": "units", "autocomplete": "off"}),
    )

    def __init__(self, *args: Any, items: Iterable[Item], **more: Any) -> None:
        super().__init__(*args, **more)
        self.items = {named(one): one for one in items}

    @property
    def known_units(self) -> list[str]:
        """The packs of the catalogue."""
        return sorted({name for item in self.items.values() for name in item.packs})

    def clean_item(self) -> Item:
        text = str(self.cleaned_data["item"])
        fits = [one for name, one in self.items.items() if text in (name, one.code, one.name_zh)]
        if len(fits) != 1:
            raise forms.ValidationError(
                gettext("The catalogue has no such item. Choose one of the list.")
            )
        return fits[0]


class CorrectForm(TeachForm):
    """A GTIN was taught wrongly."""

    reason = forms.CharField(label=_("What was wrong"), max_length=200)

    def __init__(self, *args: Any, code: ItemCode, **more: Any) -> None:
        more.setdefault("initial", {"item": named(code.item), "unit": code.pack})
        super().__init__(*args, **more)


class CodeFilter(pages.FilterForm):
    """The filters of the codes that were taught."""

    q = pages.SearchField(label=_("Item"), placeholder=_("Name, pinyin initials or code"))
    gtin = forms.CharField(label=_("GTIN"), max_length=14, required=False)

    def narrow(self, rows: Any) -> Any:
        said = self.chosen()
        rows = pages.named_like(rows, said.get("q", ""), "item__search_text")
        if gtin := said.get("gtin"):
            rows = rows.filter(gtin__endswith=gtin)
        return rows


class LabelsForm(forms.Form):
    """Which labels are printed, how many of each, and how large."""

    size = forms.ChoiceField(choices=[(one, one) for one in labels.SIZES], required=False)
    copies = forms.IntegerField(min_value=1, max_value=labels.MOST_LABELS, required=False)
