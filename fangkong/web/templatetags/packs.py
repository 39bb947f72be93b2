"""Texts of rule packs in the language of the page: ``{{ pack.title|said }}``."""

from __future__ import annotations

from django import template
from django.utils.translation import get_language, pgettext
from django.utils.translation import gettext as _

from fangkong.packs.types import Text

register = template.Library()


@register.filter
def said(text: Text | None) -> str:
    """The words in the language of the page."""
    return "" if text is None else text.in_language(get_language() or "")


@register.filter
def cited(article: str) -> str:
    """Which part of a text it is: "3" is article 3, "annex 2" annex 2; other names stay."""
    kind, _space, number = article.rpartition(" ")
    if not number.isdecimal() or kind not in ("", "annex"):
        return article
    return (_("annex %(n)s") if kind else _("article %(n)s")) % {"n": number}


_CLASSES = {
    "A": lambda: pgettext("disease class", "Class A"),
    "B": lambda: pgettext("disease class", "Class B"),
    "C": lambda: pgettext("disease class", "Class C"),
    "other": lambda: pgettext("disease class", "Other"),
}

_KINDS = {
    "condition_added": lambda: pgettext("difference", "Condition added"),
    "condition_removed": lambda: pgettext("difference", "Condition removed"),
    "condition_renamed": lambda: pgettext("difference", "Condition renamed"),
    "condition_reclassified": lambda: pgettext("difference", "Condition reclassified"),
    "clock_added": lambda: pgettext("difference", "Clock added"),
    "clock_removed": lambda: pgettext("difference", "Clock removed"),
    "clock_changed": lambda: pgettext("difference", "Clock changed"),
}


@register.filter
def disease_class(code: str) -> str:
    """甲类, 乙类, 丙类 in the language of the page."""
    return _CLASSES[code]()


@register.filter
def difference_kind(code: str) -> str:
    """What kind of difference it is, in words."""
    return _KINDS[code]()
