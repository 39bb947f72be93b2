"""Labels of shelves and lots: a QR code that leads to the page, and what a hand in the store reads.

The field for scanning understands the same code (``codes``). No name of a person stands on one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import segno
from django.template.loader import render_to_string
from django.utils.safestring import SafeString

from fangkong.core.audit import actions as audit
from fangkong.core.printing import sheets

from . import words
from .models import Lot, Place

if TYPE_CHECKING:
    from fangkong.accounts.models import User

SIZES = ("sheet", "roll")  # 24 on A4 (70 × 37 mm), or one a page (50 × 30 mm) for a label printer
MOST_LABELS = 240


@dataclass(frozen=True)
class Label:
    """What stands on one label."""

    code: SafeString
    head: str
    lines: tuple[str, ...]


def qr(text: str) -> SafeString:
    """A QR code (ISO/IEC 18004, error correction M) as SVG that is stretched to any size."""
    made = segno.make(text, error="m", micro=False)
    drawn = made.svg_inline(border=2, omitsize=True, svgclass=None, lineclass=None)
    return SafeString(drawn)


def of_lot(lot: Lot, root: str) -> Label:
    """The label of a lot: item, number, last good day. ``root``: address of the house."""
    days = [] if lot.expires_on is None else [f"{lot.expires_on:%Y-%m-%d}"]
    lines = [words.lot(lot), *days, *([lot.earmark] if lot.earmark else [])]
    return Label(qr(root + lot.get_absolute_url()), lot.item.display_name, tuple(lines))


def of_place(place: Place, root: str) -> Label:
    """The label of a shelf, store or ward."""
    assert place.facility is not None
    lines = (place.name or str(place.get_kind_display()), place.mark)
    return Label(qr(root + place.get_absolute_url()), place.facility.display_name, lines)


def printed(
    records: Sequence[Lot | Place], root: str, size: str, copies: int, by: User, at: datetime
) -> bytes:
    """The labels as PDF, each as often as asked, one after the other; the trail says so."""
    made = [
        of_lot(one, root) if isinstance(one, Lot) else of_place(one, root)
        for one in records
        for _n in range(copies)
    ]
    page = {"labels": made, "size": size}
    pdf = sheets.pdf(render_to_string("supplies/stock/labels.html", page))
    for one in records:
        audit.record("core.printing.print", one, by=by, at=at, detail={"labels": copies})
    return pdf
