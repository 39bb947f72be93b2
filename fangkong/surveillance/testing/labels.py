"""Labels of tubes: the number as Code 128 and as text, with what a tube in hand has to say.

No name of a person stands on a label: whoever finds a tube reads what it is and where it belongs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import TYPE_CHECKING

from django.template.loader import render_to_string
from django.utils.safestring import SafeString

from fangkong.core.audit import actions as audit
from fangkong.core.printing import sheets

from . import describe
from .models import Pool, Tube

if TYPE_CHECKING:
    from fangkong.accounts.models import User

QUIET = 10  # modules of white on both sides, which a reader needs
SIZES = ("sheet", "roll")  # 24 on A4 (70 × 37 mm), or one a page (50 × 30 mm) for a label printer
MOST_LABELS = 240


@dataclass(frozen=True)
class Label:
    """What stands on one label."""

    number: str
    bars: SafeString
    kind: str
    of: str
    group: str
    to: str
    handling: str


def bars(number: str) -> SafeString:
    """Code 128 (ISO/IEC 15417) of a number, as SVG that is stretched to any size."""
    from barcode.codex import Code128  # loads Pillow, which no page needs

    modules = Code128(number).build()[0]
    drawn, x = [], QUIET
    for sign, run in groupby(modules):
        width = len(list(run))
        if sign == "1":
            drawn.append(f"M{x} 0h{width}v40h-{width}z")
        x += width
    return SafeString(
        '<svg xmlns="http://www.w3.org/2000/svg" preserveAspectRatio="none" '
        f'viewBox="0 0 {x + QUIET} 40"><path d="{"".join(drawn)}" fill="#000"/></svg>'
    )


def label(tube: Tube) -> Label:
    pooled = isinstance(tube, Pool)
    return Label(
        number=tube.number,
        bars=bars(tube.number),
        kind=describe.specimen_type(tube),
        of=describe.rule(tube) if isinstance(tube, Pool) else "",
        group=describe.group(tube) if pooled else "",
        to=tube.laboratory.display_name,
        handling=describe.biosafety(tube),
    )


def printed(tubes: Sequence[Tube], size: str, copies: int, by: User, at: datetime) -> bytes:
    """The labels as PDF, each as often as asked, one after the other; the trail says so."""
    made = sheets.pdf(_page([one for tube in tubes for one in [label(tube)] * copies], size, at))
    for one in tubes:
        audit.record("core.printing.print", one, by=by, at=at, detail={"labels": copies})
    return made


def drawing(tube: Tube) -> str:
    """One label as SVG, for a label printer that takes pictures."""
    return render_to_string("surveillance/testing/label.svg", {"label": label(tube)})


def _page(made: Sequence[Label], size: str, at: datetime) -> str:
    page = {"labels": made, "size": size, "at": at}
    return render_to_string("surveillance/testing/labels.html", page)
