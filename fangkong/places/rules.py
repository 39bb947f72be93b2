"""What is right about codes, names and numbers of places. Pure functions, no Django."""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import get_args

from fangkong.core.spelling import spelled
from fangkong.packs.types import Distance

# Levels whose codes are GB/T 2260: a division lies in another when its code continues the other's.
CODED_LEVELS = ("country", "province", "prefecture", "county")

COUNTRY_CODE = "000000"
# The first two digits of every province, municipality and region. Source: GB/T 2260.
_PROVINCES = re.compile(r"1[1-5]|2[1-3]|3[1-7]|4[1-6]|5[0-4]|6[1-5]|71|8[12]")
_KEY_WIDTH = 8

# --- Codes ---------------------------------------------------------------------------------------


def code_fits(code: str, level: str) -> bool:
    """Whether a code has the form of its level.

    Six digits of GB/T 2260 down to the county (zeros at the end for what lies above it), nine or
    twelve digits of the statistical code for townships, twelve for villages; a grid cell carries
    a code of the deployment's own. Source: GB/T 2260, GB/T 10114.
    """
    if level == "grid":
        return re.fullmatch(r"[0-9A-Za-z][0-9A-Za-z-]{5,23}", code) is not None
    if not code.isascii() or not code.isdigit():
        return False
    match level:
        case "country":
            return code == COUNTRY_CODE
        case "province":
            return len(code) == 6 and code.endswith("0000") and not code.startswith("0")
        case "prefecture":
            return len(code) == 6 and code.endswith("00") and code[2:4] != "00"
        case "county":
            return len(code) == 6 and code[4:] != "00" and code[2:4] != "00"
        case "township":
            return len(code) == 9 or (len(code) == 12 and code.endswith("000"))
        case "village":
            return len(code) == 12 and not code.endswith("000")
    return False


def has_province(code: str) -> bool:
    """Whether a code of GB/T 2260 lies in a province that there is (999999 does not)."""
    return _PROVINCES.fullmatch(code[:2]) is not None


def level_of(code: str) -> str:
    """The level that a code says by its form; "" where it does not (a code of our own)."""
    order = ("country", "province", "prefecture", "county", "township", "village")
    return next((level for level in order if code_fits(code, level)), "")


def parent_code(code: str, level: str) -> str:
    """The code of what lies above, by GB/T 2260 (513326 → 513300); "" where it does not say so.

    Counties of a municipality (直辖市) and those run by a province stand below the province in
    life, not in their code: their parent has to be named.
    """
    if not code_fits(code, level):
        return ""
    match level:
        case "province":
            return COUNTRY_CODE
        case "prefecture":
            return code[:2] + "0000"
        case "county":
            return code[:4] + "00"
        case "township":
            return code[:6]
        case "village":
            return code[:9]
    return ""


def lies_in(code: str, other: str) -> bool:
    """Whether the division ``code`` is ``other`` or lies in it, by GB/T 2260 (513326 in 513300)."""
    if other == COUNTRY_CODE:
        return True
    stem = other
    while len(stem) > 2 and stem.endswith("00"):
        stem = stem[:-2]
    return code.startswith(stem)


@dataclass(frozen=True)
class Span:
    """One row of the dated code list: ``key`` is the row, both days count."""

    key: int
    code: str
    valid_from: date
    valid_to: date | None = None

    def holds_on(self, day: date) -> bool:
        return self.valid_from <= day and (self.valid_to is None or day <= self.valid_to)


def current(
    code: str, on: date, spans: Iterable[Span], successions: Iterable[tuple[int, int]]
) -> list[Span]:
    """The areas that a code means on a day, by code; none where the code was never given.

    The row in force under the code itself answers alone. Otherwise the successors of its ended
    rows (before, after), or the predecessors of rows that start later, whichever are in force:
    one after a new code, several after a split.
    """
    by_key = {span.key: span for span in spans}
    named = [span for span in by_key.values() if span.code == code]
    in_force = [span for span in named if span.holds_on(on)]
    if in_force:
        return in_force
    links: dict[int, set[int]] = defaultdict(set)
    for before, after in successions:
        links[before].add(after)
        links[after].add(before)
    seen = {span.key for span in named}
    edge, found = list(seen), []
    while edge:
        key = edge.pop()
        if key in by_key and by_key[key].holds_on(on):
            found.append(by_key[key])
            continue
        edge += links[key] - seen
        seen |= links[key]
    return sorted(found, key=lambda span: span.code)


# --- Paths ---------------------------------------------------------------------------------------


def step(key: int) -> str:
    """One step of a path: the row's key, padded so that text sorts as numbers do."""
    return f"{key:0{_KEY_WIDTH}d}/"


def below(path: str) -> tuple[str, str]:
    """The bounds between which every path below ``path`` sorts, both excluded.

    Two bounds instead of LIKE: they use the index on every database and in every collation.
    """
    *above, last, _ = path.split("/")
    return path, "".join(f"{key}/" for key in above) + step(int(last) + 1)


# --- Distances ------------------------------------------------------------------------------------

ANYWHERE: frozenset[Distance] = frozenset(get_args(Distance))
# Level: how far apart two places lie that differ in it, and may still lie that have it in common.
_LEVELS: dict[str, tuple[Distance, frozenset[Distance]]] = {
    "country": ("beyond", ANYWHERE),
    "province": ("beyond", ANYWHERE - {"beyond"}),
    "prefecture": ("province", frozenset({"county", "prefecture"})),
    "county": ("prefecture", frozenset({"county"})),
}


def distances(one: Mapping[str, int], other: Mapping[str, int]) -> frozenset[Distance]:
    """How far apart two places may lie, each given by what it lies in: level to key.

    A place known to its prefecture only may lie in any of its counties. A county that lies in no
    prefecture (直辖市, 省直辖县) is in another one than a county that does.
    """
    order = [*_LEVELS]
    known = min(
        max((order.index(x) for x in at if x in _LEVELS), default=-1) for at in (one, other)
    )
    possible, open_ = ANYWHERE, set[Distance]()
    for level in order[: known + 1]:
        apart, near = _LEVELS[level]
        ours, theirs = one.get(level), other.get(level)
        missing = (ours is None) + (theirs is None)
        if missing == 2 or (missing and level != "prefecture"):
            open_.add(apart)
        elif ours != theirs:
            return frozenset({apart, *open_})
        else:
            possible = near
            open_.clear()
    return possible


# --- Organisation codes --------------------------------------------------------------------------

_ORG_DIGITS = "0123456789ABCDEFGHJKLMNPQRTUWXY"  # no I, O, S, V, Z
_ORG_WEIGHTS = [pow(3, place, 31) for place in range(17)]


def org_check_digit(body: str) -> str:
    """The 18th character of a unified social credit code (统一社会信用代码).

    ``body``: the first 17 characters. Source: GB 32100-2015, 4.6: weights 3^(i-1) mod 31.
    """
    total = sum(
        weight * _ORG_DIGITS.index(digit) for weight, digit in zip(_ORG_WEIGHTS, body, strict=True)
    )
    return _ORG_DIGITS[-total % 31]


def org_code_is_right(code: str) -> bool:
    """Whether a unified social credit code has 18 allowed characters and the right last one."""
    if len(code) != 18 or any(digit not in _ORG_DIGITS for digit in code):
        return False
    return org_check_digit(code[:17]) == code[17]


# --- Phones of offices ---------------------------------------------------------------------------


def office_phone(text: str) -> str:
    """A phone in one spelling, 0836-2812345 or 13800000000; "" when it is neither.

    Landlines carry an area code of three or four digits and seven or eight digits; mobiles have
    eleven digits. Short service numbers such as 120 and 12320 are kept.
    """
    digits = re.sub(r"[\s()\-]", "", unicodedata.normalize("NFKC", text)).removeprefix("+86")
    if re.fullmatch(r"1[3-9]\d{9}", digits) or re.fullmatch(r"1[12]\d|12\d{3}", digits):
        return digits
    if landline := re.fullmatch(r"(010|02\d|0[3-9]\d{2})(\d{7,8})", digits):
        return f"{landline[1]}-{landline[2]}"
    return ""


# --- Names ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Name:
    """A name under which an area is written. ``path`` is that of the area, see ``step``."""

    text: str
    key: int
    path: str


@dataclass(frozen=True)
class Found:
    """What an address says: the area's key, what of the text is left, or who else it could be."""

    key: int | None
    rest: str = ""
    candidates: tuple[int, ...] = ()


# Words that follow a place name in Latin letters and say only what it is.
_KINDS = frozenset(
    {
        "autonomous",
        "china",
        "city",
        "county",
        "district",
        "municipality",
        "pref",
        "prefecture",
        "prov",
        "province",
        "qu",
        "sheng",
        "shi",
        "tibetan",
        "town",
        "township",
        "village",
        "xian",
        "xiang",
        "yi",
        "zang",
        "zangzu",
        "zhen",
        "zhou",
        "zizhizhou",
    }
)
# After a short name these make a street: 康定路 is in Shanghai.
_STREETS = ("路", "街", "大道", "大街", "巷")
_GAPS = re.compile(r"^[\s,，、;；:：/·\-]+")
_PART = re.compile(r"[,，;；]")
_WORD = re.compile(r"^[a-z]+")


class Gazetteer:
    """The names of areas, ready to find the area that a written address begins with."""

    def __init__(self, names: Iterable[Name]) -> None:
        self._names: dict[str, set[tuple[int, str]]] = defaultdict(set)
        for name in names:
            if text := spelled(name.text):
                self._names[text].add((name.key, name.path))
        # Few names begin with the same sign, longest first: no other lengths are tried.
        lengths: dict[str, set[int]] = defaultdict(set)
        for text in self._names:
            lengths[text[0]].add(len(text))
        self._lengths = {first: sorted(n, reverse=True) for first, n in lengths.items()}

    def match(self, text: str) -> Found:
        """The area that an address names: 四川省甘孜州道孚县…, 道孚, Dawu, "Daofu, Ganzi, Sichuan".

        The reading that uses most of the text wins, then the longer name; two areas with equal
        claim (甘孜 is a prefecture and a county) give none, with both as candidates.
        """
        best: dict[int, tuple[int, int, str]] = {}
        for reading in _orders(spelled(text)):
            for key, length, rest in self._readings(reading, ""):
                claim = (len(reading) - len(rest), length, rest)
                best[key] = max(best.get(key, (0, 0, "")), claim)
        if not best:
            return Found(None, text.strip())
        most = max(claim[:2] for claim in best.values())
        keys = sorted(key for key, claim in best.items() if claim[:2] == most)
        if len(keys) > 1:
            return Found(None, text.strip(), tuple(keys))
        return Found(keys[0], _after_gap(best[keys[0]][2]))

    def _readings(self, text: str, within: str) -> list[tuple[int, int, str]]:
        """Every way to read areas off the front of the text, each lying in the one before.

        Gives the last area of each way, the length of its name, and the text that follows.
        """
        found = []
        text = _after_gap(text)
        for length in self._lengths.get(text[:1], ()):
            name = text[:length]
            if len(name) < length or name not in self._names or not _ends_here(text, length):
                continue
            rest = _without_kinds(text[length:]) if name[-1].isascii() else text[length:]
            for key, path in self._names[name]:
                if path.startswith(within) and path != within:
                    found.append((key, length, rest))
                    found += self._readings(rest, path)
        return found


def _orders(text: str) -> list[str]:
    """The text as written, and in Latin letters also from its last part: Daofu, Ganzi, Sichuan."""
    parts = [part.strip() for part in _PART.split(text) if part.strip()]
    if len(parts) > 1 and parts[0][0].isascii() and parts[-1][0].isascii():
        return [text, ", ".join(reversed(parts))]
    return [text]


def _after_gap(text: str) -> str:
    return _GAPS.sub("", text)


def _ends_here(text: str, length: int) -> bool:
    """Whether a name of this length is a whole word and not the beginning of a street's."""
    after = text[length:]
    if text[length - 1].isascii():
        return not (after[:1].isascii() and after[:1].isalpha())
    return not after.startswith(_STREETS)


def _without_kinds(text: str) -> str:
    """The text without the words that say what kind of area was just named."""
    while (word := _WORD.match(shorter := _after_gap(text))) and word[0] in _KINDS:
        text = shorter[word.end() :]
    return text


# --- Figures -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Count:
    """A population figure: people in a year, counted or estimated."""

    year: int
    count: int
    kind: str


def known_count(counts: Iterable[Count], on: date) -> Count | None:
    """The figure to reckon with on a day: the newest of an earlier year, a census before a guess.

    Figures of a year come out after it; where all are newer, the oldest one stands in.
    """
    ordered = sorted(counts, key=lambda c: (c.year, c.kind == "census"))
    earlier = [count for count in ordered if count.year < on.year]
    if earlier:
        return earlier[-1]
    return ordered[0] if ordered else None


def density(people: int | None, area_km2: int | None) -> float | None:
    """People per square kilometre, to one decimal; None where a figure is missing."""
    if people is None or not area_km2:
        return None
    return round(people / area_km2, 1)


_DENSITY_STEPS = (0, 5, 10, 20, 50, 100, 200, 500, 1000)


def bands(densities: Sequence[float]) -> list[tuple[float, float | None]]:
    """The classes of a map of densities, without empty ones at either end; bounds included.

    The last class is open. No figures give no classes.
    """
    if not densities:
        return []
    low = max(step for step in _DENSITY_STEPS if step <= min(densities))
    high = max(step for step in _DENSITY_STEPS if step <= max(densities))
    starts = [step for step in _DENSITY_STEPS if low <= step <= high]
    ends = [round(start - 0.1, 1) for start in starts[1:]]
    return list(zip(starts, [*ends, None], strict=True))
