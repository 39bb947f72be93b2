"""Names as people type them: small letters, no accents, pinyin (拼音) or its initials.

A table that is searched by name keeps one column with ``search_text`` of its names; a page searches
it with ``pages.SearchField`` and ``pages.named_like``.
"""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Sequence
from functools import cache
from itertools import pairwise


def spelled(text: str) -> str:
    """A text in the spelling that names are compared in.

    Full-width letters become plain, capitals small, accents fall away (Garzê, garze), and
    apostrophes; Chinese and Tibetan stay as they are.
    """
    plain = unicodedata.normalize("NFKC", text).casefold()
    letters = []
    for letter in plain:
        first, *marks = list(unicodedata.normalize("NFD", letter))
        letters.append(first if marks and first.isascii() else letter)
    return re.sub(r"['’‘`]", "", "".join(letters)).strip()


def syllables_of(text: str) -> list[str]:
    """The pinyin of a Chinese text, one entry per character; what is not Chinese stays whole."""
    load()
    from pypinyin import lazy_pinyin

    return lazy_pinyin(text)


def holds_word(text: str) -> bool:
    """Whether two characters in it begin a word, whose characters may be read otherwise than alone.

    Where they do not, each character's own reading is right, which is much faster to find.
    """
    second = load()
    return any(b in second.get(a, "") for a, b in pairwise(text))


@cache
def load() -> dict[str, str]:
    """Load the words of pypinyin, when the first name is spelled; gives their first two characters.

    As a dict: the first, and all that come second. A start takes 0.3 s less without the words.
    They name 1,250 readings 150,000 times: each kept once, they take half of their 60 MB.
    """
    os.environ.setdefault("PYPINYIN_NO_DICT_COPY", "1")  # which pypinyin reads once
    from pypinyin.constants import PHRASES_DICT

    kept: dict[tuple[str, ...], list[str]] = {}
    second: dict[str, str] = {}
    for word, readings in PHRASES_DICT.items():
        readings[:] = [kept.setdefault(tuple(one), one) for one in readings]
        first, then = word[0], word[1:2]
        if then not in (known := second.get(first, "")):
            second[first] = known + then
    return second


def search_text(names: Sequence[str], syllables: Sequence[str]) -> str:
    """One text in which a search finds a record: names, pinyin, and the pinyin's initials.

    ``syllables``: the pinyin of the Chinese name, one entry per character.
    """
    initials = "".join(syllable[:1] for syllable in syllables)
    parts = [
        *(spelled(name) for name in names if name),
        spelled("".join(syllables)),
        initials,
    ]
    return " ".join(dict.fromkeys(part for part in parts if part))[:600]
