"""The list page: filter, sort, keyset pages and export, declared in one place."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any, Generic, TypeVar, cast
from urllib.parse import urlencode
from uuid import UUID

from django.contrib.auth.base_user import AbstractBaseUser
from django.db.models import F, Model, QuerySet
from django.forms import BooleanField, BoundField
from django.http import HttpRequest, HttpResponseBase, QueryDict
from django.shortcuts import redirect, render
from django.utils.functional import Promise
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from fangkong.core import clock
from fangkong.core.audit import sights
from fangkong.core.audit.types import How
from fangkong.core.disclosure import pseudonyms
from fangkong.core.printing import sheets as printing
from fangkong.core.refusals import Refused

from . import export, keyset, queries, rules
from .forms import FilterForm, answered, dress
from .types import View

M = TypeVar("M", bound=Model)

EXPORT_LIMIT = 200_000
NOTHING = _("Nothing here yet.")


class NoPseudonyms(Refused):
    """This file would show names and numbers although pseudonyms were asked for."""

    status = 422


@dataclass(frozen=True)
class Column(Generic[M]):
    """One column: ``value`` gives what is exported and, without a ``piece``, what is shown.

    ``order`` is a non-null ORM path; ``piece`` a small template given ``row`` and ``value``;
    ``draw`` the same in Python, for long lists: it gives markup of a row and the page's moment.
    An ``optional`` column is shown, and exported, only where the user chose it. One that ``names``
    somebody, or a record by its number, stands in no file with pseudonyms. A ``number`` stands at
    the end of its cell, digit below digit.
    """

    key: str
    label: str | Promise
    value: Callable[[M], Any]
    order: str = ""
    url: Callable[[M], str] | None = None
    piece: str = ""
    draw: Callable[[M, datetime], SafeString] | None = None
    exported: bool = True
    optional: bool = False
    names: bool = False
    number: bool = False


@dataclass(frozen=True)
class Listing(Generic[M]):
    """What a list shows. ``order`` is a column's key, with "-" for descending.

    ``person``: the ORM path to the public id of the person of a row; such a list can also be had
    as a file with pseudonyms.
    """

    name: str
    title: str | Promise
    columns: list[Column[M]]
    order: str
    filters: type[FilterForm] | None = None
    empty: str | Promise = NOTHING
    page_size: int = 50
    person: str = ""
    # What the rows of a page, or of a part of an export, are told together: who asks, and when.
    learn: Callable[[Sequence[M], Any, datetime], None] | None = None

    def column(self, key: str) -> Column[M] | None:
        """The sortable column of a key, or None."""
        return next((c for c in self.columns if c.key == key and c.order), None)

    def shown(self, chosen: Collection[str]) -> list[Column[M]]:
        """The columns that a user chose, in our order; the first always stands, it leads on."""
        wanted = [c for c in self.columns if c.key in chosen]
        if not wanted:
            return [c for c in self.columns if not c.optional]
        first = self.columns[0]
        return wanted if wanted[0] is first else [first, *wanted]


@dataclass(frozen=True)
class Head:
    """A column's head: its link sorts by it, or turns the order round."""

    label: str | Promise
    url: str
    sorted: str  # "ascending", "descending" or ""
    number: bool = False


@dataclass(frozen=True)
class Chip:
    """A filter that is set: its name, its value in words, and the list without it.

    ``url`` is empty where the list narrows by itself.
    """

    label: str | Promise
    words: str
    url: str


@dataclass(frozen=True)
class Tools:
    """What stands over the table: the user's views of this list, and which columns it shows."""

    path: str
    query: str  # what a view saved now would keep
    others: list[tuple[str, str]]  # the same without the columns
    choices: list[tuple[str, str | Promise, bool]]  # key, label, shown
    views: Sequence[View]
    current: View | None
    may_save: bool


def listing(
    request: HttpRequest,
    what: Listing[M],
    rows: QuerySet[M],
    *,
    template: str = "core/pages/list.html",
    context: Mapping[str, object] | None = None,
    filters: FilterForm | None = None,
) -> HttpResponseBase:
    """Answer a list page, its htmx piece, or its export.

    ``rows`` must already be narrowed to what the user may see.
    """
    views = queries.views_of(request.user, request.path)
    first = next((view for view in views if view.is_default), None)
    if first is not None and not request.GET:
        return redirect(first.url)
    if filters is None and what.filters is not None:
        filters = what.filters(request.GET)
    if filters is not None:
        filters.is_valid()
        dress(filters)
        # A value that is not there any more must not open the whole list, least of all to a file.
        rows = rows.none() if filters.wrong() else filters.narrow(rows)
    column, descending = _order(what, request.GET)
    columns = what.shown(request.GET.getlist("col"))
    if request.GET.get("export") in ("csv", "xlsx", "pdf"):
        return _export(request, what, columns, rows, column, descending)
    cursor = request.GET.get("after", "")
    ask = {"path": column.order, "descending": descending, "size": what.page_size}
    try:
        page = keyset.page(rows, cursor=cursor, **cast(Any, ask))
    except keyset.BadCursor:
        page = keyset.Page([], "", "")
    if cursor and not page.rows:  # a cursor not made here, or all rows beyond it are gone
        cursor, page = "", keyset.page(rows, **cast(Any, ask))
    if what.learn:
        what.learn(page.rows, request.user, cast(Any, request).now)
    # An address without any query would open with the view chosen for that.
    clear_url = f"{request.path}?view=none" if first else request.path
    chips = _chips(filters, request.GET, clear_url) if filters is not None else []
    shown = {
        "listing": what,
        "title": what.title,
        "filters": filters,
        "chips": chips,
        "filtered": sum(bool(chip.url) for chip in chips),
        "wrong": [filters[name].label for name in filters.wrong()] if filters is not None else [],
        "heads": [_head(c, column, descending, request.GET) for c in columns],
        "columns": columns,
        "chosen_columns": request.GET.getlist("col"),
        "tools": _tools(what, columns, views, request),
        "rows": page.rows,
        "next_url": _url(request.GET, after=page.next) if page.next else "",
        "previous_url": _url(request.GET, after=page.previous) if page.previous else "",
        "first_url": _url(request.GET, after="") if cursor else "",
        "csv_url": _url(request.GET, after="", export="csv"),
        "clear_url": clear_url,
        "xlsx_url": _url(request.GET, after="", export="xlsx"),
        "pdf_url": _url(request.GET, after="", export="pdf"),
        **(context or {}),
    }
    # htmx 4 names the target with its element: "div#fk-list".
    if request.headers.get("HX-Target", "").rpartition("#")[2] == "fk-list":
        return render(request, "core/pages/_list.html", {**shown, "is_piece": True})
    return render(request, template, shown)


def _chips(filters: FilterForm, asked: QueryDict, clear_url: str) -> list[Chip]:
    chosen = filters.chosen()
    chips = []
    for bound in filters:
        if bound.name in chosen:
            without = _url(asked, **{bound.html_name: "", "after": "", "view": ""})
            url = clear_url if without == "?" else without
        elif bound.name in filters.standing and not bound.errors:
            url = ""
        else:
            continue
        chips.append(Chip(bound.label, _chip_words(bound), url))
    return chips


def _chip_words(bound: BoundField) -> str:
    if bound.is_hidden or isinstance(bound.field, BooleanField):
        return ""  # the name says it all
    if not bound.value():  # it stands without having been chosen
        return next(str(words) for key, words in cast(Any, bound.field).choices if not key)
    return answered(bound).strip()


def _tools(
    what: Listing[M], columns: Sequence[Column[M]], views: Sequence[View], request: HttpRequest
) -> Tools:
    kept = rules.kept((name, text) for name, texts in request.GET.lists() for text in texts)
    asked = request.GET.get("view", "")
    return Tools(
        path=request.path,
        query=urlencode(kept),
        others=[(name, value) for name, value in kept if name != "col"],
        choices=[(c.key, c.label, c in columns) for c in what.columns[1:]],
        views=views,
        current=next((view for view in views if str(view.public_id) == asked), None),
        may_save=request.user.is_authenticated,
    )


def _order(what: Listing[M], asked: QueryDict) -> tuple[Column[M], bool]:
    for text in (asked.get("sort", ""), what.order):
        column = what.column(text.lstrip("-"))
        if column is not None:
            return column, text.startswith("-")
    raise ValueError(f"{what.name}: no sortable column {what.order}")


def _head(column: Column[M], current: Column[M], descending: bool, asked: QueryDict) -> Head:
    if not column.order:
        return Head(column.label, "", "", column.number)
    if column.key != current.key:
        return Head(column.label, _url(asked, sort=column.key, after=""), "", column.number)
    turned = column.key if descending else f"-{column.key}"
    return Head(
        column.label,
        _url(asked, sort=turned, after=""),
        "descending" if descending else "ascending",
        column.number,
    )


def _url(asked: QueryDict, **changed: str) -> str:
    # A form sends its empty fields too; a link is shorter without them.
    kept = [(name, v) for name, values in asked.lists() for v in values if v]
    query = [(name, v) for name, v in kept if name not in changed]
    return f"?{urlencode(query + [(name, v) for name, v in changed.items() if v])}"


def _export(
    request: HttpRequest,
    what: Listing[M],
    columns: Sequence[Column[M]],
    rows: QuerySet[M],
    column: Column[M],
    descending: bool,
) -> HttpResponseBase:
    kind = request.GET["export"]
    columns = [c for c in columns if c.exported]
    to = _recipient(request.GET, kind, what.person)
    if to:
        columns = [c for c in columns if not c.names]
        rows = cast("QuerySet[M]", rows.annotate(fk_person=F(what.person)))
    sign = "-" if descending else ""
    ordered = rows.order_by(f"{sign}{column.order}", f"{sign}pk")[:EXPORT_LIMIT]
    if kind == "pdf":  # one more than may be printed, so that too many are refused
        ordered = ordered[: printing.MOST_ROWS + 1]

    def cells() -> Iterator[list[Any]]:
        for part in batched(ordered.iterator(chunk_size=1000), 1000):
            if what.learn:
                what.learn(part, request.user, cast(Any, request).now)
            for row in part:
                values = [c.value(row) for c in columns]
                yield _unnamed(cast(Any, row).fk_person, to, values) if to else values

    user = cast(AbstractBaseUser, request.user)
    sights.listed(request, ordered, how=How.PRINTED if kind == "pdf" else How.EXPORTED)
    mark = export.note(
        what.name, user, by=user, at=cast(Any, request).now, kind=kind, rows=ordered.count(), to=to
    )
    head = [*([str(_("Pseudonym"))] if to else []), *(str(c.label) for c in columns)]
    if kind == "pdf":
        texts = ([export.plain(cell) for cell in row] for row in cells())
        return printing.table(request, head, texts, title=what.title, name=f"fangkong-{what.name}")
    write = export.csv_response if kind == "csv" else export.xlsx_response
    return write(f"fangkong-{what.name}", head, cells(), mark)


def _recipient(asked: QueryDict, kind: str, person: str) -> str:
    """For whom a file with pseudonyms is; "" where none was asked for."""
    if "pseudonyms_for" not in asked:
        return ""
    if kind == "pdf" or not person:
        raise NoPseudonyms(
            _("Nothing was taken: only CSV and Excel files of lists of persons have pseudonyms.")
        )
    return pseudonyms.recipient(asked.get("pseudonyms_for", ""))


def _unnamed(person: UUID | None, to: str, values: list[Any]) -> list[Any]:
    """A row with its pseudonym in front; moments only by day, for a minute tells one person."""
    days = [clock.day_of(one) if isinstance(one, datetime) else one for one in values]
    return ["" if person is None else pseudonyms.pseudonym(person, to), *days]


def batched(rows: Iterator[M], size: int) -> Iterator[list[M]]:
    """The rows in lists of a size; Python 3.12 has it in itertools."""
    while part := list(islice(rows, size)):
        yield part
