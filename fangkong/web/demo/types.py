"""What others may know of the demonstration: the words of its audit verbs, in both languages."""

from __future__ import annotations

from django.utils.functional import lazystr
from django.utils.translation import get_language

from fangkong.core.audit.types import name_verbs
from fangkong.packs.types import Text

PAST = "web.demo.enter_past"


class _Said:
    """A text in the language of the page; the demonstration carries both in its data."""

    def __init__(self, text: Text) -> None:
        self.text = text

    def __str__(self) -> str:
        return self.text.in_language(get_language() or "")


name_verbs(
    {
        PAST: lazystr(
            _Said(
                Text(zh="录入演示用虚构往年病例", en="Invented past cases entered (demonstration)")
            )
        )
    }
)
