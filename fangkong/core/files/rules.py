"""What a file is by its content, and what it may be called. No Django, no database."""

from __future__ import annotations

import hashlib
import io
import re
import unicodedata
import zipfile
from typing import BinaryIO

from .kinds import DOCX, JPEG, PDF, PNG, WEBP, XLSX, Kind

LONGEST_NAME = 120  # characters
MOST_UNPACKED = 200 * 1024 * 1024  # bytes of an office file, or whoever opens it waits for ever
MOST_PARTS = 2000  # entries of an office file
# What Excel writes of the printer and of a sheet's properties; it runs nowhere.
_HARMLESS = re.compile(r"(xl|word)/(printersettings|customproperty)/[a-z0-9]+\.bin$")
END_OF_PDF = 2048  # bytes; readers look for its end mark in the last 1,024, senders add some


def sniff(content: bytes) -> Kind | None:
    """The kind that the content shows, or None: what is not known is not taken."""
    if content.startswith(b"\xff\xd8\xff"):
        return JPEG
    if content.startswith(b"\x89PNG\r\n\x1a\n"):
        return PNG
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return WEBP
    if content.startswith(b"%PDF-") and b"%%EOF" in content[-END_OF_PDF:]:
        return PDF
    if content.startswith(b"PK\x03\x04"):
        return _office(content)
    return None


def _office(content: bytes) -> Kind | None:
    """DOCX or XLSX by its parts; one that carries programs (macros) is neither."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as packed:
            names = {entry.filename.lower() for entry in packed.infolist()[: MOST_PARTS + 1]}
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        return None
    if len(names) > MOST_PARTS or "[content_types].xml" not in names:
        return None
    if any(
        name.endswith((".bin", ".exe", ".dll", ".js", ".vbs")) and not _HARMLESS.match(name)
        for name in names
    ):
        return None
    if "word/document.xml" in names:
        return DOCX
    return XLSX if "xl/workbook.xml" in names else None


def unpacked(content: bytes) -> int:
    """How many bytes an archive says it unpacks to; 0 for what is none."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as packed:
            return sum(entry.file_size for entry in packed.infolist())
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        return 0


def ending(name: str) -> str:
    """What stands after the last dot, in small letters; "" where there is none."""
    return name.rpartition(".")[2].lower() if "." in name else ""


def clean_name(name: str, kind: Kind) -> str:
    """A name to show and to download under, with the usual ending of its kind.

    Folders, control and direction characters (which can turn "fdp.exe" round) and signs that file
    systems refuse are left out. It is never used as a place in our own storage.
    """
    text = unicodedata.normalize("NFC", name).replace("\\", "/").rpartition("/")[2]
    text = "".join(
        " " if unicodedata.category(sign) in ("Zs", "Zl", "Zp") else sign
        for sign in text
        if unicodedata.category(sign) not in ("Cc", "Cf", "Cs", "Co", "Cn")
    )
    text = re.sub(r'[<>:"|?*%\x00-\x1f]+', "_", text)
    stem = text.rpartition(".")[0] if ending(text) in kind.endings else text
    stem = re.sub(r"\s+", " ", stem).strip(" .")[:LONGEST_NAME].strip(" .")
    if re.fullmatch(r"(?i)con|prn|aux|nul|com[0-9]|lpt[0-9]", stem):
        stem = f"{stem}_"
    return f"{stem or 'file'}.{kind.endings[0]}"


def digest(content: BinaryIO) -> str:
    """What a content is known again by, read from its beginning to its end."""
    found = hashlib.sha256()
    while piece := content.read(1024 * 1024):
        found.update(piece)
    return found.hexdigest()
