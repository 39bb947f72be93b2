"""What is right about persons: numbers of documents and phones, names, ages, masks, likeness.

Pure functions: no Django, no database, no clock.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from functools import lru_cache
from operator import mul
from typing import NamedTuple

from fangkong.core.privacy import holds_number
from fangkong.core.spelling import holds_word, shown, syllables_of

# --- Numbers as people write them ---------------------------------------------------------------


_MOBILE = re.compile("1[3-9][0-9]{9}")
_LAND_LINE = re.compile("0(10|2[0-9]|[3-9][0-9]{2})-[0-9]{7,8}")
_RESIDENT_ID = re.compile("[0-9]{17}[0-9X]")
_HAN = re.compile("[㐀-鿿]+")


@lru_cache(maxsize=1024)
def plain_number(text: str) -> str:
    """A document number without spaces and hyphens, full-width forms made narrow, in capitals."""
    if text.isascii() and text.isalnum():  # most are written so
        return text.upper()
    narrow = unicodedata.normalize("NFKC", text)
    return re.sub(r"[\s\-‐-―]", "", narrow).upper()


@lru_cache(maxsize=1024)
def plain_phone(text: str) -> str:
    """A phone number without spaces, brackets and +86; a land line as 0836-1234567.

    What is no such number comes back cleaned but otherwise as it was.
    """
    if _MOBILE.fullmatch(text):
        return text
    digits = re.sub(r"[\s()\-‐-―]", "", unicodedata.normalize("NFKC", text))
    digits = re.sub(r"^(\+86|0086)", "", digits)
    return re.sub(r"^(0(?:10|2\d|[3-9]\d\d))(\d{7,8})$", r"\1-\2", digits)


# --- The citizen's number (GB 11643) ------------------------------------------------------------

_WEIGHTS = tuple(2 ** (17 - place) % 11 for place in range(17))
_CHECK_DIGITS = "10X98765432"
# Provinces of GB/T 2260, and 81 to 83 for residents from Hong Kong, Macao and Taiwan. The other
# four digits are those of the first registration: codes long abolished stay valid in numbers.
_PROVINCES = frozenset(
    (
        *(*range(11, 16), *range(21, 24), *range(31, 38), *range(41, 47)),
        *(*range(50, 55), *range(61, 66), 71, 81, 82, 83),
    )
)
EARLIEST_BIRTH = date(1850, 1, 1)


class Fault(StrEnum):
    """What is wrong with a number."""

    LENGTH = "length"
    CHARACTERS = "characters"
    REGION = "region"
    BIRTH_DATE = "birth_date"
    CHECK_DIGIT = "check_digit"
    FORMAT = "format"


@dataclass(frozen=True)
class FromNumber:
    """What a citizen's number tells: region of first registration, birth date, sex (1 or 2)."""

    region: str
    birth_date: date
    sex: str


@lru_cache(maxsize=1024)
def check_digit(first: str) -> str:
    """The last character of a citizen's number, from the seventeen digits before it."""
    total = sum(map(mul, map(int, first), _WEIGHTS))
    return _CHECK_DIGITS[total % 11]


@lru_cache(maxsize=1024)
def resident_id_fault(number: str) -> Fault | None:
    """What is wrong with a citizen's number (already plain), or None."""
    if len(number) != 18:
        return Fault.LENGTH
    if not _RESIDENT_ID.fullmatch(number):
        return Fault.CHARACTERS
    if int(number[:2]) not in _PROVINCES:
        return Fault.REGION
    return _shared_fault(number)


def _shared_fault(number: str) -> Fault | None:
    """The faults of every 18-digit number built like the citizen's: birth date, check digit."""
    if _birth_date(number) is None:
        return Fault.BIRTH_DATE
    return None if check_digit(number[:17]) == number[17] else Fault.CHECK_DIGIT


@lru_cache(maxsize=1024)
def read_resident_id(number: str) -> FromNumber:
    """What a valid number tells; ValueError for one with a fault."""
    born = None if resident_id_fault(number) else _birth_date(number)
    if born is None:
        raise ValueError("not a valid citizen's number")
    return FromNumber(number[:6], born, "1" if int(number[16]) % 2 else "2")


def _birth_date(number: str) -> date | None:
    try:
        born = date(int(number[6:10]), int(number[10:12]), int(number[12:14]))
    except ValueError:
        return None
    return born if born >= EARLIEST_BIRTH else None


# --- Other documents and phones -----------------------------------------------------------------

_FORMATS = {
    "passport": r"(?=.*\d)[A-Z0-9]{5,15}",
    "hk_macao_permit": r"[HM]\d{8}(\d{2})?",
    "taiwan_permit": r"\d{8}(\d{2})?",
    "military": r"(?=.*\d)[A-Z0-9㐀-鿿]{5,20}",
    "household_book": r"(?=.*\d)[A-Z0-9]{6,20}",
}


def document_fault(kind: str, number: str) -> Fault | None:
    """What is wrong with the number (already plain) of a document of this kind, or None."""
    if kind == "resident_id":
        return resident_id_fault(number)
    if kind == "foreign_permanent_residence":
        return _foreign_residence_fault(number)
    return None if re.fullmatch(_FORMATS[kind], number, re.ASCII) else Fault.FORMAT


def _foreign_residence_fault(number: str) -> Fault | None:
    """The older card has three letters and twelve digits, the newer 18 digits that start with 9."""
    if re.fullmatch(r"[A-Z]{3}[0-9]{12}", number):
        return None
    if re.fullmatch(r"9[0-9]{16}[0-9X]", number):
        return _shared_fault(number)
    return Fault.FORMAT


def is_phone(number: str) -> bool:
    """Whether a plain number is a Chinese mobile number or a land line with its area code."""
    return bool(_MOBILE.fullmatch(number) or _LAND_LINE.fullmatch(number))


def looks_personal(text: str) -> bool:
    """Whether a text is or holds what may be a citizen's or mobile number."""
    return holds_number(text)


# --- Names --------------------------------------------------------------------------------------

_TURNS = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")

_DOTS = "·•・‧∙․⋅"
# Read otherwise as a surname than in other words.
_SURNAMES = {
    "万俟": "mo qi",
    "尉迟": "yu chi",
    "澹台": "tan tai",
    "长孙": "zhang sun",
    "单": "shan",
    "曾": "zeng",
    "仇": "qiu",
    "解": "xie",
    "区": "ou",
    "查": "zha",
    "盖": "ge",
    "朴": "piao",
    "缪": "miao",
    "翟": "zhai",
    "乐": "yue",
    "黑": "he",
    "冼": "xian",
    "员": "yun",
    "秘": "bi",
    "种": "chong",
    "覃": "qin",
}
_TWO_CHARACTER_SURNAMES = re.compile(
    "欧阳|司马|上官|诸葛|东方|皇甫|尉迟|公孙|令狐|慕容|长孙|宇文|司徒|夏侯|端木|百里|独孤|南宫|万俟|闻人|赫连"
    "|澹台|公冶|宗政|濮阳|淳于|单于|申屠|轩辕|钟离|呼延|西门|东郭|司空"
)


@lru_cache(maxsize=1024)
def plain_name(text: str) -> str:
    """A name as it is kept: one kind of dot, single spaces, none between Chinese characters.

    Signs that show nothing are no name: empty where there is nothing else.
    """
    if _HAN.fullmatch(text):
        return text
    name = unicodedata.normalize("NFKC", shown(text))
    name = re.sub(f"\\s*[{_DOTS}]\\s*", "·", name)
    name = re.sub(r"\s+", " ", name).strip(" ·")
    return re.sub(r"(?<=[㐀-鿿]) (?=[㐀-鿿])", "", name)


@lru_cache(maxsize=1024)
def is_plain_text(text: str) -> bool:
    """Whether a text holds only what can be written, with blanks and line breaks.

    Control signs and half characters cannot be stored by every database; marks that turn the
    direction of writing round make one name look like another.
    """
    if text.isprintable():
        return True
    signs = set(text) - set("\t\r\n")
    return not any(unicodedata.category(sign) in ("Cc", "Cs") or sign in _TURNS for sign in signs)


@lru_cache(maxsize=1024)
def is_name(text: str) -> bool:
    """Whether a plain name may be one: it has a letter, and is no number of a person.

    不详 is a name; a phone number that slipped into the column of names is none.
    """
    return any(sign.isalpha() for sign in text) and not holds_number(text)


def same_name(one: str, other: str) -> bool:
    """Whether two names are the same but for spaces, dots and capitals."""
    return one == other or bare_name(one) == bare_name(other)


@lru_cache(maxsize=1024)
def bare_name(name: str) -> str:
    """What is left of a name that is compared: no spaces, no dots, no capitals."""
    return re.sub(r"[\s·]", "", plain_name(name)).casefold()


@lru_cache(maxsize=1024)
def spelled(name: str) -> tuple[str, str]:
    """The name as typed on a Latin keyboard, whole and by initials: 扎西德吉 → zhaxideji, zxdj."""
    syllables = _syllables(name)
    return "".join(syllables), "".join(syllable[0] for syllable in syllables)


def pinyin(name: str) -> str:
    """The name as typed on a Latin keyboard, without spaces: 扎西德吉 → zhaxideji."""
    return spelled(name)[0]


def initials(name: str) -> str:
    """First letters of the syllables or words: 扎西德吉 → zxdj, John Smith → js."""
    return spelled(name)[1]


def _syllables(name: str) -> list[str]:
    kept = plain_name(name)
    head: list[str] = []
    for surname, reading in _SURNAMES.items():
        if kept.startswith(surname):
            head, kept = reading.split(), kept[len(surname) :]
            break
    if _HAN.fullmatch(kept) and not holds_word(kept):
        return head + [_syllable(character) for character in kept]
    words = (_latin(word) for part in syllables_of(kept) for word in re.split(r"[\s·\-]", part))
    return head + [word for word in words if word]


@lru_cache(maxsize=8192)
def _syllable(character: str) -> str:
    """One Chinese character alone."""
    return _latin(syllables_of(character)[0])


def _latin(word: str) -> str:
    """Only a to z and digits: accents fall away."""
    bare = unicodedata.normalize("NFKD", word.casefold())
    return re.sub(r"[^a-z0-9]", "", bare)


# --- Masks --------------------------------------------------------------------------------------

HIDDEN = "•••"


def masked_name(name: str) -> str:
    """A name for the eyes of those who need not know it.

    A Chinese name keeps its surname's first character and 某; a name of four characters or more is
    one of syllables (Tibetan, Uyghur) and keeps the first with 某某, whatever its length, unless it
    begins with a surname of two characters; other scripts keep the first letter.
    """
    kept = plain_name(name)
    if not kept:
        return ""
    if not _is_han(kept[0]):
        return _first_letter(kept) + HIDDEN
    long = "·" in kept or sum(map(_is_han, kept)) >= 4
    if long and not _TWO_CHARACTER_SURNAMES.match(kept):
        return kept[0] + "某某"
    return kept[0] + "某"


def masked_number(number: str) -> str:
    """A document or phone number with its first three and last four characters.

    A number too short for that keeps no more than its ends, so that more is hidden than shown.
    """
    if len(number) >= 11:
        return number[:3] + "*" * (len(number) - 7) + number[-4:]
    if len(number) >= 7:
        return number[0] + "*" * (len(number) - 3) + number[-2:]
    return "*" * len(number)


def _is_han(letter: str) -> bool:
    return "㐀" <= letter <= "鿿" or "\U00020000" <= letter <= "\U0003ffff"


def _first_letter(name: str) -> str:
    """The first letter with its marks; of a Tibetan word the first syllable, up to its dot."""
    if "ༀ" <= name[0] <= "࿿":
        return re.split("[་ ]", name)[0]
    end = 1
    while end < len(name) and unicodedata.combining(name[end]):
        end += 1
    return name[:end]


# --- Ages ---------------------------------------------------------------------------------------

MONTHS_UNDER = 2  # years: younger children are counted in months


@dataclass(frozen=True)
class Age:
    """Full years; ``months`` from birth only for a child under two whose months are known."""

    years: int
    months: int | None = None


def age_on(
    day: date,
    *,
    birth_date: date | None = None,
    years: int | None = None,
    months: int | None = None,
    stated_on: date | None = None,
) -> Age | None:
    """The age on a day, from the birth date or from an age stated on another day.

    ``months`` are the months from birth of a child under two, given with or instead of ``years``.
    None where nothing is known or the day lies before birth. A stated age without months is at
    least that age: it grows with full years passed since.
    """
    if birth_date is not None:
        return None if day < birth_date else _age(full_months(birth_date, day))
    if stated_on is None or (years is None and months is None):
        return None
    since = full_months(stated_on, day) if day >= stated_on else -full_months(day, stated_on)
    if months is not None:
        total = months + since
        return None if total < 0 else _age(total)
    total = (years or 0) + int(since / 12)
    return None if total < 0 else Age(total)


def _age(months: int) -> Age:
    years = months // 12
    return Age(years, months if years < MONTHS_UNDER else None)


def full_months(start: date, end: date) -> int:
    """Whole months from a day to a later one, as ages are counted."""
    months = (end.year - start.year) * 12 + end.month - start.month
    return months - (end.day < start.day)


# --- Agreement and likeness ---------------------------------------------------------------------


def is_stated(sex: str) -> bool:
    """Whether a sex is known: male (1) or female (2)."""
    return sex in ("1", "2")


def disagreement(number: FromNumber, *, sex: str, birth_date: date | None) -> str:
    """The field ("sex" or "birth_date") that contradicts the citizen's number, or "".

    Sex unknown (0) or not stated (9) contradicts nothing.
    """
    if birth_date is not None and birth_date != number.birth_date:
        return "birth_date"
    if is_stated(sex) and sex != number.sex:
        return "sex"
    return ""


@dataclass(frozen=True)
class Facts:
    """What two entries are compared by. ``documents`` are (kind, number), numbers plain."""

    name: str
    sex: str = "0"
    birth_date: date | None = None
    county_id: int | None = None
    documents: frozenset[tuple[str, str]] = field(default_factory=frozenset)


SAME = 100
LIKELY = 80


def likeness(one: Facts, other: Facts) -> int:
    """How likely two entries are one person, 0 to 100; from LIKELY on they are taken for one.

    The same document is 100. Without one, the same name, birth date and sex are 80, unless the
    two have different documents of one kind or live in different counties: people who share a
    name and a birthday are not rare where many are registered as born on 1 January.
    """
    if one.documents & other.documents:
        return SAME
    if one.birth_date is None or one.birth_date != other.birth_date:
        return 0
    if one.sex != other.sex or not is_stated(one.sex):
        return 0
    if _kinds(one.documents) & _kinds(other.documents):
        return 0
    if one.county_id and other.county_id and one.county_id != other.county_id:
        return 0
    return LIKELY if same_name(one.name, other.name) else 0


def _kinds(documents: Iterable[tuple[str, str]]) -> frozenset[str]:
    return frozenset(kind for kind, _ in documents)


class Claim(NamedTuple):
    """That a document, told by a digest (``key``), belongs to somebody of these facts."""

    key: str
    name: str
    sex: str
    birth_date: date | None

    def contradicts(self, other: Claim) -> bool:
        """Whether the two cannot be one person, although the document is the same."""
        return not same_name(self.name, other.name) or _differ(self, other)

    def joined(self, other: Claim) -> Claim:
        """With what only the other one says."""
        sex = self.sex if is_stated(self.sex) else other.sex
        return self._replace(sex=sex, birth_date=self.birth_date or other.birth_date)


def contradict(one: Facts, other: Facts) -> bool:
    """Whether the holder of a document cannot be the person who states it."""
    if not same_name(one.name, other.name) or _differ(one, other):
        return True
    citizen, held = _citizens(one.documents), _citizens(other.documents)
    return bool(citizen and held and citizen != held)


def _differ(one: Facts | Claim, other: Facts | Claim) -> bool:
    if one.birth_date and other.birth_date and one.birth_date != other.birth_date:
        return True
    return is_stated(one.sex) and is_stated(other.sex) and one.sex != other.sex


def _citizens(documents: Iterable[tuple[str, str]]) -> frozenset[str]:
    return frozenset(number for kind, number in documents if kind == "resident_id")
