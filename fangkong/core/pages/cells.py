"""The cells of a list as markup, drawn here and not by one template each.

A list of 50 rows has hundreds of cells. Including a template for every one of them was most of the
time of a page; what is drawn here is escaped by the same rules.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from django.template.base import Template
from django.template.context import Context
from django.template.loader import get_template
from django.utils.formats import date_format, localize
from django.utils.html import conditional_escape, escape
from django.utils.safestring import SafeString, mark_safe

from fangkong.core import clock

if TYPE_CHECKING:
    from .listing import Column


def value_html(value: object) -> str:
    """A plain value as it stands in a cell: local time, ISO days, numbers of the language."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        text = date_format(value.astimezone(clock.zone()), "SHORT_DATETIME_FORMAT")
        return f'<time datetime="{value.isoformat()}">{text}</time>'
    if isinstance(value, date):
        text = date_format(value, "SHORT_DATE_FORMAT")
        return f'<time datetime="{value.isoformat()}">{text}</time>'
    return str(
        conditional_escape(str(localize(value)) if not isinstance(value, SafeString) else value)
    )


def body(columns: Sequence[Column[Any]], rows: Iterable[Any], context: Context) -> SafeString:
    """The rows of a table's body. Pieces are drawn with ``row`` and ``value`` in the context."""
    draw = [_drawing(column, context) for column in columns]
    lines = []
    for row in rows:
        lines.append("<tr>")
        lines += [cell(row) for cell in draw]
        lines.append("</tr>\n")
    return mark_safe("".join(lines))  # noqa: S308  # every cell escapes what it shows


def _drawing(column: Column[Any], context: Context) -> Callable[[Any], str]:
    """How one column draws its cells; what is the same in every row is made once."""
    value, url = column.value, column.url
    label = f'data-label="{escape(column.label)}">'
    full, empty = f"<td {label}", f'<td class="fk-none" {label}'
    if column.piece:
        piece = get_template(column.piece).template  # type: ignore[attr-defined]  # Django's own
        assert isinstance(piece, Template)

        def of_piece(row: Any) -> str:
            with context.push(row=row, value=value(row)):
                return f'{full}<span class="fk-cell">{piece.render(context)}</span></td>'

        return of_piece
    if url is not None:

        def of_link(row: Any) -> str:
            return f'{full}<a href="{escape(url(row))}">{value_html(value(row))}</a></td>'

        return of_link

    def of_value(row: Any) -> str:
        found = value(row)
        return f"{full if found or found == 0 else empty}{value_html(found)}</td>"

    return of_value
