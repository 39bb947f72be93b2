"""Texts as people type them: without signs that show nothing; names in small letters, without
accents, in pinyin (拼音) or its initials.

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

# Signs that nobody sees, such as U+200B and the Hangul fillers. Those that turn the direction of
# writing are not among them: a name with one is refused (people.rules.is_plain_text).
_UNSEEN = (
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u200b\u200e\u200f\u2060-\u2065\u206a-\u206f\u3164\ufeff"
    "\uffa0\ufff0-\ufffb\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e00ff"
    "\U000e01f0-\U000e0fff"
)
_JOINERS = "\u180e\u200c\u200d"  # between two letters they say how these are written
_SELECTORS = "\u180b-\u180d\u180f\ufe00-\ufe0f\U000e0100-\U000e01ef"  # behind a letter: which form
_EMPTY = "\u2800"  # a sign of Braille without dots, as wide as a blank
_ANY = re.compile(f"[{_UNSEEN}{_JOINERS}{_SELECTORS}{_EMPTY}]")
_SELECTOR = re.compile(f"[{_SELECTORS}]")
# Scripts whose letters are joined: Arabic to Mongolian without Hangul, and those of their kind.
_JOINED = re.compile("[\u0600-\u10ff\u1200-\u1cff\ua800-\uab2f\uabc0-\uabff\U00010a00-\U00011fff]")


def shown(text: str) -> str:
    """A text without blanks at its ends and without signs that show nothing.

    Joiners stay between letters of scripts that are joined, selectors behind their letter.
    """
    if not _ANY.search(text):
        return text.strip()
    seen = re.sub(f"[{_UNSEEN}]", "", text.replace(_EMPTY, " "))
    kept = ""
    for n, sign in enumerate(seen):
        before = kept[-1:]
        if sign in _JOINERS:
            after = seen[n:].lstrip(_JOINERS)[:1]
            if not (_is_joined(before) and _is_joined(after)):
                continue
        elif _SELECTOR.match(sign) and not (before and unicodedata.category(before)[0] in "LN"):
            continue
        kept += sign
    return kept.strip()


def _is_joined(sign: str) -> bool:
    return bool(_JOINED.match(sign)) and sign not in _JOINERS and not _SELECTOR.match(sign)


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
