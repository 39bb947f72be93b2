"""What is entered for a shipment: what goes where and how, what arrived, what of the rest."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any

from django import forms
from django.db.models import QuerySet
from django.utils.translation import gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from fangkong.core import pages
from fangkong.core.files.forms import FilesField
from fangkong.core.refusals import Refused

from . import rules, scans, words
from .codes import NotUnderstood
from .forms import AtLines, IssueForm, PlaceField
from .models import Place, Transfer, TransferLine
from .scan_forms import SYMBOLS
from .types import PROOF, Arrived, Leaving, Package, Settled, ShipmentState, Way

MOST_FAULTS = 10  # lines of them that are told at once
MOST_PACKAGES = 500  # of one shipment that are scanned on its page; the API takes more


def _way_fields() -> dict[str, forms.Field]:
    """How goods travel; no names and no mobile numbers of persons."""
    return {
        "carrier": forms.CharField(
            label=_("Carried by"),
            max_length=100,
            required=False,
            help_text=_("A firm, an office or a team; no names of persons."),
        ),
        "plate": forms.CharField(label=_("Number plate"), max_length=20, required=False),
        "phone": forms.CharField(
            label=_("Telephone of the office"),
            max_length=20,
            required=False,
            help_text=_("Of the firm or office; no mobile number of a person."),
        ),
        "expected_at": pages.MomentField(
            label=pgettext_lazy("of goods", "Expected"), help_text=_("Empty where it is not known.")
        ),
    }


class WayForm(pages.Form):
    """Who carries a shipment, and when it is expected."""

    def __init__(self, *args: Any, shipment: Transfer, **more: Any) -> None:
        names = ("carrier", "plate", "phone", "expected_at", "note")
        more.setdefault("initial", {name: getattr(shipment, name) for name in names})
        super().__init__(*args, **more)
        self.fields |= _way_fields()
        self.fields["note"] = forms.CharField(label=_("Note"), max_length=200, required=False)

    def asked(self) -> dict[str, object]:
        """What the action takes."""
        return {"way": Way(**self.cleaned_data)}


class ShipmentForm(IssueForm):
    """Goods for another store, and who carries them."""

    def __init__(
        self, *args: Any, places: Iterable[Place], targets: Iterable[Place], **more: Any
    ) -> None:
        super().__init__(*args, places=places, targets=targets, **more)
        for name in ("other", "moved_at"):
            del self.fields[name]
        self.fields |= _way_fields()
        self.fields["target"] = PlaceField(targets, label=pgettext_lazy("of goods", "To"))
        self.order_fields(["source", "target"])

    def same_house(self, source: Place, target: Place) -> str:
        """A shipment goes to another facility."""
        if source.facility_id != target.facility_id:
            return ""
        return gettext("Both are in one house. Issue the goods there directly.")

    def asked(self) -> dict[str, object]:
        """What the action takes."""
        said = self.cleaned_data
        names = ("carrier", "plate", "phone", "expected_at", "note")
        lines = [
            Leaving(item=line["of"], quantity=line["smallest"], lot=line["which"])
            for line in self.lines
        ]
        way = Way(**{name: said[name] for name in names})
        return {"source": said["source"], "target": said["target"], "lines": lines, "way": way}


class DispatchForm(pages.Form):
    """The packages with a serial that go along, as a hand scanner writes them: each on a line."""

    packages = forms.CharField(
        label=_("Packages with a serial number that go along"),
        help_text=_(
            "Scan one after the other, each on a line; empty where none bears a serial number."
        ),
        required=False,
        max_length=100_000,
        widget=forms.Textarea(
            {
                "rows": 3,
                "form": "send",
                "autocomplete": "off",
                "spellcheck": "false",
                "data-scan": SYMBOLS,
            }
        ),
    )

    def __init__(self, *args: Any, at: datetime, **more: Any) -> None:
        super().__init__(*args, **more)
        self.at = at

    def clean_packages(self) -> list[Package]:
        # Not splitlines: the separator of GS1 would end a line.
        texts = re.split(r"[\r\n]+", str(self.cleaned_data["packages"]))
        texts = [one for one in texts if one.strip()]
        if len(texts) > MOST_PACKAGES:
            raise forms.ValidationError(
                gettext("At most %(most)d packages at once.") % {"most": MOST_PACKAGES}
            )
        found, faults = [], []
        for text, read in zip(texts, scans.packages(texts, self.at), strict=True):
            if isinstance(read, NotUnderstood):
                said = {"text": text.strip()[:60], "why": words.misread(read.code)}
                faults.append(gettext("%(text)s: %(why)s") % said)
            else:
                found.append(read)
        if len(faults) > MOST_FAULTS:
            more = {"more": len(faults) - MOST_FAULTS}
            faults[MOST_FAULTS:] = [gettext("Lines that are wrong too: %(more)d.") % more]
        if faults:
            raise forms.ValidationError(faults)
        return found

    def refuse(self, problem: Refused) -> None:
        """A package that does not go along stands at the field."""
        if getattr(problem, "field", "").startswith("packages/"):
            self.add_error("packages", str(problem))
        else:
            super().refuse(problem)


class _LinesOfShipment(AtLines):
    """Two numbers for each line; ``first`` and ``second`` name them."""

    first: tuple[str, Any] = ("", "")
    second: tuple[str, Any] = ("", "")

    def __init__(self, *args: Any, lines: Sequence[TransferLine], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.of = list(lines)
        for one in self.of:
            what = f"{one.lot.item.display_name} · {words.lot(one.lot)}"
            for (name, label), must in ((self.first, True), (self.second, False)):
                self.fields[f"{name}-{one.public_id}"] = forms.CharField(
                    label=f"{label} · {what}",
                    max_length=20,
                    required=must and self.must,
                    widget=forms.TextInput({"inputmode": "numeric", "autocomplete": "off"}),
                )

    must = True

    def rows(self) -> Iterator[tuple[TransferLine, str, forms.BoundField, forms.BoundField]]:
        for one in self.of:
            shown = one.sent if self.must else one.outstanding
            yield (
                one,
                words.amount(shown, one.lot.item),
                self[f"{self.first[0]}-{one.public_id}"],
                self[f"{self.second[0]}-{one.public_id}"],
            )

    def clean(self) -> dict[str, Any]:
        said = super().clean() or {}
        for one in self.of:
            for name, _label in (self.first, self.second):
                key = f"{name}-{one.public_id}"
                text = str(said.get(key) or "").strip()
                try:
                    item = one.lot.item
                    said[f"n-{key}"] = rules.counted(text, "", item.unit, item.packs) if text else 0
                except rules.NotExact as problem:
                    self.add_error(key, words.fault(problem.code))
        return said

    def numbers(self) -> Iterator[tuple[TransferLine, int, int]]:
        for one in self.of:
            first, second = (
                self.cleaned_data[f"n-{name}-{one.public_id}"]
                for name, _label in (self.first, self.second)
            )
            yield one, first, second

    def _at(self, name: str, number: int) -> str | None:
        own = f"{name or self.first[0]}-{self.of[number].public_id}"
        return own if own in self.fields else None


class ArrivalForm(_LinesOfShipment):
    """What arrived, line by line, with photos of the papers."""

    first = ("good", _("Arrived in good order"))
    second = ("broken", _("Broken"))
    remark = forms.CharField(label=_("Remark"), max_length=200, required=False)
    attachments = FilesField(PROOF, label=_("Signed papers and photos"), required=False)

    def told(self) -> list[Arrived]:
        return [Arrived(line=one, good=a, broken=b) for one, a, b in self.numbers()]


class SettleForm(_LinesOfShipment):
    """What became of what was missing."""

    must = False
    first = ("back", _("Came back"))
    second = ("lost", _("Lost"))
    reason = forms.CharField(label=_("What became of it"), max_length=200)

    def asked(self) -> dict[str, object]:
        """What the action takes."""
        told = [Settled(line=one, back=a, lost=b) for one, a, b in self.numbers() if a or b]
        self.of = [one.line for one in told] or self.of
        return {"told": told, "reason": self.cleaned_data["reason"]}


class ShipmentFilter(pages.FilterForm):
    """The filters of the shipments."""

    number = forms.CharField(label=_("Number"), max_length=40, required=False)
    state = forms.ChoiceField(
        label=_("State"),
        choices=[("", pgettext_lazy("shipments", "all")), *ShipmentState.choices],
        required=False,
    )

    def narrow(self, rows: QuerySet[Transfer]) -> QuerySet[Transfer]:  # type: ignore[override]
        said = self.chosen()
        if number := said.get("number"):
            rows = rows.filter(number__startswith=number)
        if state := said.get("state"):
            rows = rows.filter(state=state)
        return rows
