"""What a table says about the personal data it holds (``pii``), and numbers of persons in texts."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from django.utils.functional import Promise

Kind = Literal["identity", "contact", "whereabouts", "health", "staff"]
Destroy = Literal["erase", "pseudonymise", "keep"]


@dataclass(frozen=True)
class Personal:
    """One personal field: what it tells of a person, and what happens to it when its term is over.

    ``erase`` empties the field, ``pseudonymise`` replaces it by a random value, ``keep`` leaves it
    (only for staff acting in office, whose name belongs to the record). ``called`` says what the
    field is where its own name does not, for those who read the register of processing.
    """

    kind: Kind
    destroy: Destroy
    called: str | Promise = ""


PSEUDONYM = "~"  # how a value begins that stands for one destroyed


def left(text: str) -> str:
    """A text of free words, or nothing where it was destroyed."""
    return "" if text.startswith(PSEUDONYM) else text


@dataclass(frozen=True)
class Retention:
    """How long a table's personal fields are kept; every table with such fields declares it.

    ``days`` after ``since``, a date or moment of the row; or as long as the record that ``along``
    leads to; or until the room itself destroys them (``by_room`` names the code). ``ground`` is the
    clause or the reason. A room above can hold rows longer (``core.retention.queries.hold``).
    """

    ground: str | Promise
    days: int = 0
    since: str = ""
    along: str = ""
    by_room: str = ""


@dataclass(frozen=True)
class About:
    """Whom the rows of a table are about, for the file of all that is held of a person.

    A key that leads to the register of persons is found by itself (``core.dossier``); a table
    without one says so: ``key`` names a field with a person's public id; ``record`` the two fields
    that name a record of any room, by its kind and its public id; or ``nobody`` says why no row is
    about a person of the public who could be found by it.

    ``repeats`` is said by a search index: the key to the record that it repeats. It stands in no
    copy, and is not emptied alone: the database writes it anew when the record changes.
    """

    key: str = ""
    record: tuple[str, str] | None = None
    nobody: str | Promise = ""
    repeats: str = ""


# Wider than the exact rules on purpose: a number mistyped by one digit is personal as well. Beside
# letters or further digits it is something else: a record's id, a cursor, a moment.
_NUMBER = re.compile(
    r"(?<![0-9A-Za-z])"
    r"(?:[0-9]{6}[ \-]?[0-9]{8}[ \-]?[0-9]{3}[0-9Xx]"  # citizen's number (GB 11643)
    r"|(?:\+?86[ \-]?)?1[3-9][0-9][ \-]?[0-9]{4}[ \-]?[0-9]{4})"  # mobile phone
    r"(?![0-9A-Za-z])"
)


def holds_number(text: str) -> bool:
    """Whether a text is or holds what may be a citizen's or a mobile phone number."""
    return len(text) > 10 and _NUMBER.search(unicodedata.normalize("NFKC", text)) is not None


MARK = "# Fangkong "  # how the watermark in an exported CSV begins


def is_mark(cells: Sequence[str]) -> bool:
    """Whether a row of a file that comes back is our watermark, to be passed over."""
    return bool(cells) and cells[0].lstrip("\ufeff' ").startswith(MARK)
