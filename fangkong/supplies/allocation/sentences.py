"""Why a line is what it is, in the language of the page."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.utils import translation
from django.utils.formats import number_format
from django.utils.translation import gettext as _

from . import words
from .models import Share

# The texts are marked where they stand, in ``words``.
translate = translation.gettext

Names = Mapping[str, str]  # items by code


def of(code: str, facts: Mapping[str, Any], names: Names) -> str:
    """The sentence of a code and its facts; items are told by name, numbers as the page does."""
    told = {name: _number(value) for name, value in facts.items()}
    told["item"] = names.get(str(facts.get("item", "")), facts.get("item", ""))
    return translate(words.REASONS[code]) % told


def _number(value: Any) -> Any:
    """A number with its thousands grouped; facts that are texts stay as they are."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return value
    return number_format(value, force_grouping=True)


def of_share(one: Share, names: Names) -> str:
    """Why a line got what was reckoned; and what was changed by hand."""
    said = of(one.code, one.facts, names)
    if one.adjusted_why:
        said += " " + _("Changed by hand from %(before)s to %(now)s: %(why)s.") % {
            "before": _number(one.proposed),
            "now": _number(one.quantity),
            "why": one.adjusted_why,
        }
    return said


def of_item(why: Sequence[Iterable[Any]], names: Names) -> str:
    """What became of an item."""
    return " ".join(of(code, facts, names) for code, facts in why)
