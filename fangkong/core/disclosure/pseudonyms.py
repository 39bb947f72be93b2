"""What stands for a record in a file that goes to somebody else (PI-9).

Each recipient and purpose gets other pseudonyms, so that two files for two of them cannot be put
together; the same one gets the same, so that files of two days can. They are keyed digests: who
holds the ring of keys can tell again whom one means, nobody else can.
"""

from __future__ import annotations

import base64
import re
from uuid import UUID

from django.utils.translation import gettext_lazy as _

from fangkong.core.refusals import Refused
from fangkong.core.sealing import keys

_NAME = re.compile(r"[\w\- .()（）]{2,60}")


class NoRecipient(Refused):
    """A file for somebody else names for whom it is."""

    status = 422
    field = "recipient"


def recipient(text: str) -> str:
    """For whom and for what, in one spelling; NoRecipient where nothing is said."""
    name = " ".join(text.split()).casefold()
    if not _NAME.fullmatch(name):
        raise NoRecipient(_("Say in 2 to 60 letters for whom and for what the file is."))
    return name


def pseudonym(public_id: UUID, to: str) -> str:
    """What stands for a record in the files of one recipient.

    A letter, then letters and digits: no spreadsheet takes it for a formula or a number, so that it
    is the same in every kind of file.
    """
    digest = keys.blind(public_id.hex, b"pseudonym\0" + recipient(to).encode())
    return f"P{base64.b32encode(base64.urlsafe_b64decode(digest)).decode().rstrip('=')}"
