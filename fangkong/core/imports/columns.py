"""Which column of a file is which field. No Django.

A heading is known by the names that a kind of import gives its fields, however it is written; what
is not known so is matched by hand on a page. Under a group a heading is "group › heading".
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache

Names = Mapping[str, Sequence[str]]  # field -> the headings it is known by

_UNDER = "›"


@lru_cache(maxsize=4096)
def bare(heading: str) -> str:
    """A heading without stars, blanks and brackets: "发病日期*(年月日)" → 发病日期."""
    text = unicodedata.normalize("NFKC", heading[:200])
    without_brackets = re.sub(r"\(.*?\)|\[.*?\]", "", text)
    return re.sub(r"[\s*:_#.\-/›]+", "", without_brackets or text).casefold()


def known_names(names: Names) -> dict[str, str]:
    """Every bare heading with its field; a field's own name is one, unless another is called so."""
    own = {bare(field): field for field in names}
    return own | {bare(one): field for field, headings in names.items() for one in headings}


def grouped(group: str, heading: str) -> str:
    """A heading that stands under another one."""
    return f"{group} {_UNDER} {heading}" if group else heading


def matched(headings: Sequence[str], known: Mapping[str, str]) -> list[str]:
    """The field of each column, "" for those that are not read."""
    return [_whole(heading, known) or _guess(heading, known) for heading in headings]


def guessed(headings: Iterable[str], known: Mapping[str, str]) -> bool:
    """Whether a heading is known only without its group: 患者 › 姓名, but also 联系人 › 姓名."""
    return any(_guess(heading, known) and not _whole(heading, known) for heading in headings)


def _whole(heading: str, known: Mapping[str, str]) -> str:
    return known.get(bare(heading), "")


def _guess(heading: str, known: Mapping[str, str]) -> str:
    _group, under, own = heading.rpartition(_UNDER)
    return known.get(bare(own), "") if under else ""


def twice(fields: Iterable[str]) -> list[str]:
    """Fields that two columns claim."""
    found = [name for name in fields if name]
    return sorted({name for name in found if found.count(name) > 1})


def missing(fields: Iterable[str], required: Iterable[str]) -> list[str]:
    """Required fields that no column has."""
    present = set(fields)
    return [name for name in required if name not in present]


def print_of(headings: Sequence[str]) -> str:
    """A digest of a set of headings in any order, by which a matching by hand is remembered."""
    text = "\x1f".join(sorted(bare(heading) for heading in headings))
    return hashlib.sha256(text.encode()).hexdigest()
