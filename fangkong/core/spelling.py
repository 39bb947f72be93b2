"""Names as people type them: small letters, no accents, pinyin (拼音) or its initials.

A table that is searched by name keeps one column with ``search_text`` of its names; a page searches
it with ``pages.SearchField`` and ``pages.named_like``.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence


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
