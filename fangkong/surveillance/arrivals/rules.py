"""What is right about arrivals: where somebody says they come from, answers, what is asked."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from fangkong.packs.types import Question

DAY = timedelta(days=1)
LONGEST_STAY_AGO = 366  # days since leaving; more is a mistyped year
FEVER = 373  # tenths of a degree Celsius, as in screening
TEMPERATURES = range(340, 431)
ABROAD = "abroad"
_ABROAD = ("境外", "国外", "海外", "abroad", "overseas")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")  # no weeks, which fromisoformat reads too
_NO_PLACE = ("无", "没有", "否", "none", "no", "-")
_REGIONS = {
    "内蒙古自治区": "内蒙古",
    "广西壮族自治区": "广西",
    "西藏自治区": "西藏",
    "宁夏回族自治区": "宁夏",
    "新疆维吾尔自治区": "新疆",
    "香港特别行政区": "香港",
    "澳门特别行政区": "澳门",
}
_PEOPLES = re.compile(r"^(.{2,}?)(?:[^族]{1,4}族)+自治(?:州|县|旗)$")
YES, NO = "yes", "no"

# --- Where somebody comes from --------------------------------------------------------------------


@dataclass(frozen=True)
class Origin:
    """An area by the beginning of its codes (42, 4201, 420106; or ``abroad``), and its name."""

    code: str
    name: str


def plain_code(code: str) -> str:
    """The beginning that all codes of an area share: 420000 → 42, 420100 → 4201."""
    return re.sub(r"^(\d{2}(?:\d{2})*?)(?:00)+$", r"\1", code)


class Origins:
    """The names of provinces, prefectures and counties, to find out which one a text means."""

    def __init__(self, rows: Iterable[tuple[str, str]]) -> None:
        """``rows``: six-digit codes and full names."""
        self._names: dict[str, str] = {}
        self._by_name: dict[str, list[str]] = {}
        for full, name in rows:
            code = plain_code(full)
            if code in self._names:
                continue
            self._names[code] = name
            for called in _called(name):
                self._by_name.setdefault(called, []).append(code)
        self._longest = max((len(called) for called in self._by_name), default=0)

    def named(self, code: str) -> str:
        """Province, prefecture and county of a code as one name; the code itself if unknown."""
        parts = [self._names.get(code[:size], "") for size in (2, 4, 6) if len(code) >= size]
        whole = [part for n, part in enumerate(parts) if part and part not in parts[:n]]
        return "".join(whole) or code

    def provinces(self) -> list[str]:
        """The names of the provinces, by code."""
        return [name for code, name in sorted(self._names.items()) if len(code) == 2]

    def match(self, text: str) -> tuple[Origin, ...]:
        """Which areas a text may mean; one where it is clear, none where it names none.

        Names from the largest on (湖北省武汉市武昌区), any of them left out as long as one
        is meant. What follows the last name is not looked at. Of areas one inside the other that
        are called alike the larger is meant.
        """
        plain = "".join(text.split())
        if plain.lower().startswith(_ABROAD):
            return (Origin(ABROAD, plain),)
        if plain.isascii() and plain.isdigit():
            code = plain_code(plain)
            return (Origin(code, self.named(code)),) if code in self._names else ()
        _read, codes = self._walk(plain, "")
        outer = [
            code for code in codes if not any(code != one and code.startswith(one) for one in codes)
        ]
        return tuple(Origin(code, self.named(code)) for code in sorted(set(outer)))

    def _walk(self, text: str, under: str) -> tuple[int, list[str]]:
        """How many signs of a text names take up that lie under a code, and what they mean."""
        best: tuple[int, list[str]] = (0, [])
        for size in range(min(self._longest, len(text)), 1, -1):
            for code in self._by_name.get(text[:size], ()):
                if not code.startswith(under) or code == under:
                    continue
                more, inner = self._walk(text[size:], code)
                read = size + more
                if read > best[0]:
                    best = (read, inner or [code])
                elif read == best[0]:
                    best = (read, [*best[1], *(inner or [code])])
        return best


def _called(name: str) -> set[str]:
    """A full name and how people shorten it: 武汉市 → 武汉, 恩施土家族苗族自治州 → 恩施."""
    found = {name}
    if name in _REGIONS:
        found.add(_REGIONS[name])
    elif match := _PEOPLES.match(name):
        found |= {match[1], match[1] + name[-1]}
    elif len(name) > 2 and name[-1] in "省市县区旗":
        found.add(name[:-1])
    elif name.endswith("地区"):
        found.add(name[:-2])
    return {one for one in found if len(one) > 1}


def places_in(text: str) -> list[str]:
    """The single places of an answer that may name several, or say that there was none."""
    parts = [part for part in re.split(r"[;；,，、\s]+", text) if part]
    return [] if len(parts) == 1 and parts[0].lower() in _NO_PLACE else parts


def too_vague(code: str, areas: Iterable[str]) -> list[str]:
    """The areas with a rule of their own that lie within a stated origin: which one was it?"""
    return sorted({one for one in areas if one != code and one.startswith(code)})


# --- Answers --------------------------------------------------------------------------------------


def valid_until(question: Question, answered: date) -> date | None:
    """The last day on which an answer stands; None: until it is corrected."""
    if question.valid_days is None:
        return None
    return answered + (question.valid_days - 1) * DAY


def stands(until: date | None, day: date) -> bool:
    """Does an answer still stand on a day?"""
    return until is None or day <= until


def to_ask(
    questions: Sequence[Question], known: Collection[str], again: Collection[str] = ()
) -> list[Question]:
    """The questions that are still to be put, in the order of the pack.

    ``known``: what is answered and stands; ``again``: what is asked all the same, on purpose.
    """
    return [one for one in questions if one.code not in known or one.code in again]


def answer_fault(question: Question, text: str) -> str:
    """Why a text is no answer to a question; "" where it is one, or where there is none."""
    if not text:
        return ""
    if question.answer == "day" and day_of(text) is None:
        return "no_day"
    if question.answer == "yes-no" and text not in (YES, NO):
        return "no_yes_or_no"
    if question.answer == "number" and not (text.isascii() and text.isdigit() and len(text) < 4):
        return "no_number"
    return ""


def day_of(text: str) -> date | None:
    """A day as written by forms and machines: 2020-02-05."""
    try:
        return date.fromisoformat(text) if _DAY.fullmatch(text) else None
    except ValueError:
        return None


def day_faults(
    *, left: date | None, arrived: date, today: date, tested: date | None
) -> Iterator[tuple[str, str]]:
    """What cannot be right about the days of an arrival: question and code."""
    if arrived > today:
        yield "arrived_at", "arrives_later"
    if left is not None and left > arrived:
        yield "left-on", "left_later"
    elif left is not None and (arrived - left).days > LONGEST_STAY_AGO:
        yield "left-on", "left_long_ago"
    if tested is not None and tested > today:
        yield "negative-test", "tested_later"


def stays_with(
    stays: Iterable[Mapping[str, str]], more: Iterable[Mapping[str, str]]
) -> list[dict[str, str]]:
    """Stays told in several forms, each area once with its last day; in order, whoever came first.

    So that the same forms give the same stays, in whatever order they come in.
    """
    last: dict[str, dict[str, str]] = {}
    for one in (*stays, *more):
        kept = last.get(one["area"])
        if kept is None or (kept["last"], kept["name"]) < (one["last"], one["name"]):
            last[one["area"]] = dict(one)
    return sorted(last.values(), key=lambda one: (one["last"], one["area"]))


def is_ill(has_symptoms: bool | None, temperature: int | None) -> bool:
    """Does somebody have symptoms, or fever?"""
    return bool(has_symptoms) or (temperature is not None and temperature >= FEVER)


def hours_fault(opens: int | None, closes: int | None) -> bool:
    """Hours come in pairs, from 0 to 24, and open before they close."""
    if opens is None and closes is None:
        return False
    if opens is None or closes is None:
        return True
    return not 0 <= opens < closes <= 24
