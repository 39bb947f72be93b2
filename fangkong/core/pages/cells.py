"""The cells of a list as markup, drawn here and not by one template each.

A list of 50 rows has hundreds of cells. Including a template for every one of them was most of the
time of a page; what is drawn here is escaped by the same rules.
"""

from __future__ import annotations

import html
from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from django.template.base import Template
from django.template.context import Context
from django.template.loader import get_template
from django.utils.formats import date_format, get_format, localize
from django.utils.html import conditional_escape, escape
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from fangkong.core import clock

if TYPE_CHECKING:
    from .listing import Column


def badge(tone: str, said: object) -> SafeString:
    """A word with the colour of a tone: good, info, warn, bad or neutral."""
    return SafeString(f'<span class="fk-badge" data-tone="{tone}">{escape(said)}</span>')


def value_html(value: object) -> str:
    """A plain value as it stands in a cell: local time, ISO days, numbers of the language."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        return _moment(value, short_moment(value))
    if isinstance(value, date):
        plain = get_format("SHORT_DATE_FORMAT") == "Y-m-d"
        text = value.isoformat() if plain else date_format(value, "SHORT_DATE_FORMAT")
        return f'<time datetime="{value.isoformat()}">{text}</time>'
    return str(
        conditional_escape(str(localize(value)) if not isinstance(value, SafeString) else value)
    )


def _writer() -> Callable[[object], str]:
    """``value_html`` for many values of one page: what the language says is asked once."""
    plain_day = get_format("SHORT_DATE_FORMAT") == "Y-m-d"
    plain_moment = get_format("SHORT_DATETIME_FORMAT") == "Y-m-d H:i"
    zone = clock.zone()

    def write(value: object) -> str:
        if type(value) is str:
            return html.escape(value)
        if type(value) is datetime and plain_moment:
            return _moment(value, value.astimezone(zone).isoformat(" ", "minutes")[:16])
        if type(value) is date and plain_day:
            day = value.isoformat()
            return f'<time datetime="{day}">{day}</time>'
        return value_html(value)

    return write


def _moment(value: datetime, text: str) -> str:
    """A moment that a narrow column may break before its hour, nowhere else."""
    day, _space, hour = text.rpartition(" ")
    return f'<time datetime="{value.isoformat()}"><span>{day}</span> {hour}</time>'


def short_moment(value: datetime) -> str:
    """A moment in the house's zone. The house writes it one way in all languages, which Python
    does ten times as fast as Django's formats."""
    local = value.astimezone(clock.zone())
    if get_format("SHORT_DATETIME_FORMAT") == "Y-m-d H:i":
        return local.isoformat(" ", "minutes")[:16]
    return date_format(local, "SHORT_DATETIME_FORMAT")


def clock_facts(
    due_at: datetime | None, now: datetime, done_at: datetime | None = None
) -> tuple[str, str]:
    """How a deadline stands: the state and its words; both empty where there is none."""
    if due_at is None:
        return "", ""
    left = (due_at - (done_at or now)).total_seconds()
    if done_at is not None:
        if left >= 0:
            return "done", _("done in time")
        return "late", _("done %(time)s late") % {"time": span(-left)}
    if left < 0:
        return "late", _("%(time)s overdue") % {"time": span(-left)}
    return ("soon" if left < 3600 else "ok"), _("%(time)s left") % {"time": span(left)}


def clock_html(
    due_at: datetime | None, now: datetime, done_at: datetime | None = None
) -> SafeString:
    """As the template tag ``clock_badge``, for long lists."""
    state, text = clock_facts(due_at, now, done_at)
    if due_at is None:
        return SafeString("")
    title, said = html.escape(short_moment(due_at)), html.escape(text)
    return SafeString(f'<span class="fk-clock" data-state="{state}" title="{title}">{said}</span>')


def span(seconds: float) -> str:
    """A length of time in one or two words: minutes, hours, days."""
    minutes = int(seconds // 60)
    if minutes < 60:
        return ngettext("%(n)d min", "%(n)d min", minutes) % {"n": minutes}
    hours = minutes // 60
    if hours < 48:
        return ngettext("%(n)d h", "%(n)d h", hours) % {"n": hours}
    return ngettext("%(n)d day", "%(n)d days", hours // 24) % {"n": hours // 24}


def _escaped(drawn: SafeString) -> str:
    return drawn if type(drawn) is SafeString else conditional_escape(drawn)


def body(columns: Sequence[Column[Any]], rows: Iterable[Any], context: Context) -> SafeString:
    """The rows of a table's body. Pieces are drawn with ``row`` and ``value`` in the context."""
    write = _writer()
    draw = [_drawing(column, context, write) for column in columns]
    lines = []
    for row in rows:
        lines.append("<tr>")
        lines += [cell(row) for cell in draw]
        lines.append("</tr>\n")
    return mark_safe("".join(lines))  # noqa: S308  # every cell escapes what it shows


def _drawing(
    column: Column[Any], context: Context, write: Callable[[object], str]
) -> Callable[[Any], str]:
    """How one column draws its cells; what is the same in every row is made once."""
    value, url = column.value, column.url
    label = f'data-label="{escape(column.label)}">'
    full, empty = f"<td {label}", f'<td class="fk-none" {label}'
    if column.number:
        full, empty = f'<td class="fk-num" {label}', f'<td class="fk-none fk-num" {label}'
    if column.draw is not None:
        drawn, now = column.draw, context["request"].now

        def of_drawing(row: Any) -> str:
            cell = _escaped(drawn(row, now))
            return f'{full if cell else empty}<span class="fk-cell">{cell}</span></td>'

        return of_drawing
    if column.piece:
        piece = get_template(column.piece).template  # type: ignore[attr-defined]  # Django's own
        assert isinstance(piece, Template)

        def of_piece(row: Any) -> str:
            with context.push(row=row, value=value(row)):
                return f'{full}<span class="fk-cell">{piece.render(context)}</span></td>'

        return of_piece

    def of_value(row: Any) -> str:
        found = value(row)
        return f"{full if found or found == 0 else empty}{write(found)}</td>"

    if url is not None:

        def of_link(row: Any) -> str:
            if not (address := url(row)):
                return of_value(row)
            return f'{full}<a href="{html.escape(address)}">{write(value(row))}</a></td>'

        return of_link

    return of_value
