"""What is entered for an emergency release, and for the papers that follow."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from django import forms
from django.db.models import QuerySet
from django.utils.translation import gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from fangkong.core import pages
from fangkong.core.files.forms import FilesField
from fangkong.core.spelling import shown, spelled

from . import rules, words
from .forms import PlaceField, named
from .models import Item, Place, Release
from .types import PAPERS, PaperKind

MOST_NAMED = 5  # items that a refusal names


def _names(place: Place) -> set[str]:
    """What people write for a place: its name in both languages, with that of the ward."""
    facility = place.facility
    assert facility is not None
    tail = f" · {place.name}" if place.name else ""
    both = {f"{name}{tail}" for name in (facility.name_zh, facility.name_en) if name}
    return {spelled(shown(name)) for name in (*both, place.display_name)}


class ReleaseForm(pages.Form):
    """One short form for a call, in the order in which it is told: who, where, what, how many."""

    called_by = forms.CharField(
        label=_("Which office called"),
        max_length=100,
        help_text=_("An office, not a person."),
        widget=forms.TextInput({"list": "callers", "autocomplete": "off", "autofocus": True}),
    )
    to = forms.CharField(
        label=_("For which place"),
        max_length=100,
        help_text=_("A store of the list gets it as a shipment. Others: write the office or team."),
        widget=forms.TextInput({"list": "targets", "autocomplete": "off"}),
    )
    item = forms.CharField(
        label=_("Item"),
        max_length=200,
        widget=forms.TextInput({"list": "items", "autocomplete": "off"}),
    )
    quantity = forms.CharField(
        label=_("Quantity"),
        max_length=20,
        widget=forms.TextInput({"inputmode": "decimal", "autocomplete": "off"}),
    )
    unit = forms.CharField(
        label=_("Unit or pack"),
        max_length=40,
        required=False,
        help_text=_("Empty for the smallest unit."),
        widget=forms.TextInput({"list": "units", "autocomplete": "off"}),
    )

    def __init__(
        self,
        *args: Any,
        items: Iterable[Item],
        places: Iterable[Place],
        targets: Iterable[Place],
        callers: Sequence[str] = (),
        **more: Any,
    ) -> None:
        super().__init__(*args, **more)
        self.items = {named(one): one for one in items}
        self.targets = {one.display_name: one for one in targets}
        self.callers = callers
        self.fields["source"] = PlaceField(places, label=pgettext_lazy("of goods", "Out of"))

    @property
    def known_units(self) -> list[str]:
        """The packs of the catalogue, then the usual units."""
        packs = {name for item in self.items.values() for name in item.packs}
        return [*sorted(packs), *rules.UNIT_WORDS]

    def clean(self) -> dict[str, Any]:
        said = super().clean() or {}
        item = self._item(str(said.get("item") or ""))
        if item is None:
            return said
        said["of"] = item
        if "quantity" not in self.errors:
            self._count(said, item)
        return said

    def _item(self, text: str) -> Item | None:
        """The item of a name, or of the part of one (N95, wkkz) that only this item has."""
        every = self.items.items()
        fits = [one for name, one in every if text in (name, one.code, one.name_zh, one.name_en)]
        if not fits and (typed := spelled(text)):
            fits = [one for _name, one in every if typed in one.search_text]
        if len(fits) == 1:
            return fits[0]
        if "item" not in self.errors:
            fault = gettext("The catalogue has no such item. Choose one of the list.")
            if fits:
                names = ", ".join(one.display_name for one in fits[:MOST_NAMED])
                fault = gettext("Several items are called so: %(names)s. Which one?") % {
                    "names": names + (" …" if len(fits) > MOST_NAMED else "")
                }
            self.add_error("item", fault)
        return None

    def _target(self, text: str) -> Place | None:
        """The place of the list that has this name, in either language."""
        said = spelled(shown(text))
        fits = [one for one in self.targets.values() if said in _names(one)]
        return fits[0] if len(fits) == 1 else None

    def _count(self, said: dict[str, Any], item: Item) -> None:
        unit = str(said.get("unit") or "")
        try:
            said["smallest"] = rules.in_smallest(said["quantity"], unit, item.unit, item.packs)
        except rules.NotExact as problem:
            field = "unit" if problem.code == "unknown_unit" else "quantity"
            self.add_error(field, words.fault(problem.code))

    def asked(self) -> dict[str, object]:
        """What the action takes; a place of the list is known by its name."""
        said = self.cleaned_data
        target = self._target(said["to"])
        return {
            "source": said["source"],
            "item": said["of"],
            "quantity": said["smallest"],
            "called_by": said["called_by"],
            "target": target,
            "to": "" if target is not None else said["to"],
        }


class PaperForm(pages.Form):
    """A paper that came afterwards."""

    kind = forms.ChoiceField(label=_("Paper"), widget=forms.RadioSelect)
    reference = forms.CharField(label=_("Number of the paper"), max_length=60, required=False)
    attachments = FilesField(PAPERS, label=_("Photo or file"), required=False)

    def __init__(self, *args: Any, left: Sequence[PaperKind], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["kind"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [(one.value, one.label) for one in left]


class ReleaseFilter(pages.FilterForm):
    """The filters of the emergency releases."""

    state = forms.ChoiceField(
        label=_("Papers"),
        choices=[
            ("", pgettext_lazy("releases", "all")),
            ("owed", _("owed")),
            ("complete", _("complete")),
            ("back", pgettext_lazy("release", "taken back")),
        ],
        required=False,
    )

    def narrow(self, rows: QuerySet[Release]) -> QuerySet[Release]:  # type: ignore[override]
        if said := self.chosen().get("state"):
            rows = rows.filter(settled_at__isnull=said == "owed")
            if said != "owed":
                lacking: dict[str, Any] = {"lacks_papers": said == "back"}
                rows = rows.filter(**lacking)
        return rows
