"""The kinds of files that are known here at all; each use takes some of them."""

from __future__ import annotations

from dataclasses import dataclass

MEGABYTE = 1024 * 1024


@dataclass(frozen=True)
class Kind:
    """A kind of file: its media type, and the endings that may stand for it, the usual first."""

    name: str
    media_type: str
    endings: tuple[str, ...]
    photo: bool = False


JPEG = Kind("jpeg", "image/jpeg", ("jpg", "jpeg", "jpe", "jfif"), photo=True)
PNG = Kind("png", "image/png", ("png",), photo=True)
WEBP = Kind("webp", "image/webp", ("webp",), photo=True)
PDF = Kind("pdf", "application/pdf", ("pdf",))
_OFFICE = "application/vnd.openxmlformats-officedocument."
DOCX = Kind("docx", f"{_OFFICE}wordprocessingml.document", ("docx",))
XLSX = Kind("xlsx", f"{_OFFICE}spreadsheetml.sheet", ("xlsx",))

PHOTOS = (JPEG, PNG, WEBP)
DOCUMENTS = (PDF, DOCX, XLSX)
KINDS = {kind.name: kind for kind in (*PHOTOS, *DOCUMENTS)}
