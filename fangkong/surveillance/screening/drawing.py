"""A chain of transmission as a table, as a tree and as a timeline (SVG).

Drawn here and not in the browser, so that the page, the file that is taken away and the print are
one drawing, and a page without scripts shows it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from html import escape
from typing import TYPE_CHECKING

from django.utils.translation import gettext as _

from fangkong.core import clock

from . import rules

if TYPE_CHECKING:
    from fangkong.surveillance.monitoring.models import Case

    from .queries import Joined

LINE, STEP, LABEL, TOP, DAY_WIDTH = 26, 150, 170, 40, 14
MOST_DAYS = 400  # a longer chain is drawn with its days closer together
WIDEST = 4200


@dataclass(frozen=True)
class Story:
    """One case of a chain: of a case elsewhere no more than that it is there."""

    key: int
    case: Case | None
    generation: int
    source: str
    named: bool
    first: date | None
    last: date | None
    onset: date | None
    diagnosed: date | None
    contacts: int
    parent: int | None

    @property
    def number(self) -> str:
        return _("a further case elsewhere") if self.case is None else self.case.number

    @property
    def url(self) -> str:
        return "" if self.case is None else self.case.get_absolute_url()


def stories(joined: Joined, chain: rules.Chain[int]) -> list[Story]:
    """The cases of a chain, each below its source, as a tree is read."""
    depth = {key: n for n, row in enumerate(chain.generations) for key in row}
    names = {key: case.number for key, case in joined.cases.items()}
    order: list[int] = []

    def below(key: int) -> None:
        waiting = [key]
        while waiting:
            here = waiting.pop()
            order.append(here)
            waiting.extend(reversed(chain.children(here)))

    for key in chain.generations[0] if chain.generations else ():
        below(key)
    found = []
    for key in order:
        case, link = joined.cases.get(key), chain.sources.get(key)
        known = link is not None and (case is not None or link.source in joined.cases)
        found.append(
            Story(
                key=key,
                case=case,
                generation=depth[key] + 1,
                source=""
                if link is None
                else names.get(link.source, _("a further case elsewhere")),
                named=link is not None and link.named,
                first=link.first if link is not None and known else None,
                last=link.last if link is not None and known else None,
                onset=None if case is None else case.onset_date,
                diagnosed=None if case is None else clock.day_of(case.diagnosed_at),
                contacts=joined.contacts.get(key, 0),
                parent=None if link is None else link.source,
            )
        )
    return found


def tree(rows: Sequence[Story], title: str) -> str:
    """The generations from left to right, each case on a line of its own."""
    place = {row.key: n for n, row in enumerate(rows)}
    deepest = max((row.generation for row in rows), default=1)
    width, height = deepest * STEP + LABEL, TOP + len(rows) * LINE
    parts = []
    for n in range(deepest):
        head = _("Generation %(n)d") % {"n": n + 1}
        parts.append(_text(n * STEP + 10, 20, head, faint=True))
    for n, row in enumerate(rows):
        x, y = (row.generation - 1) * STEP + 16, TOP + n * LINE
        if row.parent is not None and row.parent in place:
            above, up = x - STEP, TOP + place[row.parent] * LINE
            dash = "" if row.named else ' stroke-dasharray="4 3"'
            parts.append(
                f'<path d="M{above} {up} V{y} H{x}" fill="none" stroke="currentColor"'
                f' stroke-opacity="0.5"{dash}/>'
            )
    for n, row in enumerate(rows):
        x, y = (row.generation - 1) * STEP + 16, TOP + n * LINE
        fill = "none" if row.case is None else _colour(row)
        parts.append(
            f'<circle cx="{x}" cy="{y}" r="6" fill="{fill}" stroke="currentColor"/>'
            + _link(row, _text(x + 12, y + 4, row.number))
        )
    return _svg(width, height, title, parts)


def timeline(rows: Sequence[Story], title: str) -> str:
    """Days across, one line a case: the days of exposure, the onset, the diagnosis."""
    days = [day for row in rows for day in (row.first, row.last, row.onset, row.diagnosed) if day]
    if not days:
        return ""
    first, last = min(days), max(days)
    span = (last - first).days + 1
    wide = DAY_WIDTH if span <= MOST_DAYS else max(1, WIDEST // span)
    width, height = LABEL + span * wide + 20, TOP + len(rows) * LINE

    def x(day: date) -> int:
        return LABEL + (day - first).days * wide

    every = max(1, 84 // wide)
    parts = []
    for n in range(0, span, every):
        day = first + n * rules.DAY
        parts.append(_text(x(day), 20, day.strftime("%m-%d"), faint=True))
        parts.append(
            f'<line x1="{x(day)}" x2="{x(day)}" y1="26" y2="{height}" stroke="currentColor"'
            ' stroke-opacity="0.15"/>'
        )
    for n, row in enumerate(rows):
        y = TOP + n * LINE
        parts.append(_link(row, _text(4, y + 4, row.number)))
        if row.first is not None and row.last is not None:
            length = max(wide, x(row.last) - x(row.first) + wide)
            parts.append(
                f'<rect x="{x(row.first)}" y="{y - 6}" width="{length}" height="12"'
                f' fill="#1d5fae" fill-opacity="0.35"><title>{escape(_exposed(row))}</title></rect>'
            )
        middle = wide // 2
        if row.onset is not None and row.diagnosed is not None:
            ends = sorted((x(row.onset), x(row.diagnosed)))
            parts.append(
                f'<line x1="{ends[0] + middle}" x2="{ends[1] + middle}" y1="{y}" y2="{y}"'
                ' stroke="#b42318" stroke-width="2"/>'
            )
        if row.onset is not None:
            told = escape(_("onset %(day)s") % {"day": row.onset})
            parts.append(
                f'<circle cx="{x(row.onset) + middle}" cy="{y}" r="5" fill="#b42318">'
                f"<title>{told}</title></circle>"
            )
        if row.diagnosed is not None:
            told = escape(_("diagnosed %(day)s") % {"day": row.diagnosed})
            parts.append(
                f'<rect x="{x(row.diagnosed) + middle - 4}" y="{y - 4}" width="8" height="8"'
                f' fill="#fff" stroke="#b42318" stroke-width="2"><title>{told}</title></rect>'
            )
    return _svg(width, height, title, parts)


def both(rows: Sequence[Story], title: str, mark: str) -> str:
    """Tree and timeline in one file, with its watermark."""
    one, other = tree(rows, title), timeline(rows, title)
    sizes = [_size(one), _size(other)] if other else [_size(one)]
    width = max(w for w, _h in sizes)
    height = sum(h for _w, h in sizes) + 40
    placed = one.replace("<svg ", '<svg y="0" ', 1)
    if other:
        placed += other.replace("<svg ", f'<svg y="{sizes[0][1] + 10}" ', 1)
    parts = [placed, _text(4, height - 10, mark, faint=True)]
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + _svg(width, height, title, parts)


def _size(svg: str) -> tuple[int, int]:
    found = {
        name: int(svg.partition(f'{name}="')[2].partition('"')[0]) for name in ("width", "height")
    }
    return found["width"], found["height"]


def _exposed(row: Story) -> str:
    told = {"first": row.first, "last": row.last, "source": row.source}
    return _("with %(source)s, %(first)s to %(last)s") % told


def _colour(row: Story) -> str:
    return "#b42318" if row.onset is not None else "#a15c00"


def _text(x: int, y: int, said: str, *, faint: bool = False) -> str:
    shade = ' fill-opacity="0.65"' if faint else ""
    return f'<text x="{x}" y="{y}" font-size="12" fill="currentColor"{shade}>{escape(said)}</text>'


def _link(row: Story, drawn: str) -> str:
    return f'<a href="{escape(row.url)}">{drawn}</a>' if row.url else drawn


def _svg(width: int, height: int, title: str, parts: Sequence[str]) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}"'
        f' viewBox="0 0 {width} {height}" font-family="sans-serif" role="group">'
        f"<title>{escape(title)}</title>{''.join(parts)}</svg>"
    )
