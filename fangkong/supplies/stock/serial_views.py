"""Pages of packages with a serial number: the list, and where one is and was."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.http import HttpResponseBase
from django.shortcuts import get_object_or_404, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext, pgettext_lazy

from fangkong.accounts.types import StaffRequest
from fangkong.core import pages
from fangkong.core.pages import export
from fangkong.core.permissions import allowed

from . import queries, serial_forms, words
from .models import Serial
from .types import VIEW

if TYPE_CHECKING:
    from fangkong.accounts.models import User


SHOWN = 100  # packages of a lot on the page of a sheet


def _learn(rows: Sequence[Serial], user: User, at: datetime) -> None:
    """Where each was seen last, in the words of who asks."""
    named = queries.names_of_places(user, at)
    for one in rows:
        where = named.get(queries.last_seen_at(one), words.elsewhere())
        vars(one)["where"] = where if one.taken_back_at is None else ""


SERIALS = pages.Listing[Serial](
    name="stock_serials",
    title=gettext_lazy("Packages with a serial number"),
    columns=[
        pages.Column(
            "serial",
            gettext_lazy("Serial number"),
            lambda one: one.serial,
            order="serial",
            url=lambda one: one.get_absolute_url(),
        ),
        pages.Column("item", gettext_lazy("Item"), lambda one: one.lot.item.display_name),
        pages.Column("gtin", gettext_lazy("GTIN"), lambda one: one.code.gtin),
        pages.Column(
            "lot",
            gettext_lazy("Lot"),
            lambda one: words.lot(one.lot),
            url=lambda one: one.lot.get_absolute_url(),
        ),
        pages.Column("where", gettext_lazy("Seen last at"), lambda one: vars(one).get("where", "")),
        pages.Column(
            "came",
            pgettext_lazy("a package", "Came in"),
            lambda one: one.created_at,
            order="created_at",
        ),
        pages.Column(
            "state",
            gettext_lazy("State"),
            lambda one: pgettext("a receipt", "taken back") if one.taken_back_at else "",
        ),
    ],
    order="-came",
    filters=serial_forms.SerialFilter,
    empty=gettext_lazy("No package with a serial number was scanned in."),
    learn=_learn,
)


@allowed(VIEW)
def serials(request: StaffRequest) -> HttpResponseBase:
    """Packages that were scanned in with a serial, and where each was seen last."""
    return pages.listing(request, SERIALS, queries.serials_open_to(request.user, request.now))


@allowed(VIEW)
def serial(request: StaffRequest, public_id: UUID) -> HttpResponseBase:
    """One package: where it was seen last, whether it must still be there, and every move."""
    user, at = request.user, request.now
    found = get_object_or_404(queries.serials_open_to(user, at), public_id=public_id)
    named = queries.names_of_places(user, at)
    where = queries.whereabouts(found)
    seen = queries.seen_of(found)
    mine = queries.entries_among(user, at, [one.entry.pk for one in seen])
    rows = [
        {
            "entry": one.entry,
            "url": one.entry.get_absolute_url() if one.entry.pk in mine else "",
            "from": named.get(one.source.pk, words.elsewhere()),
            "to": named.get(one.target.pk, words.elsewhere()),
            "back": one.back,
        }
        for one in seen
    ]
    if export.wanted(request):
        return _file(request, found, rows)
    page = {
        "serial": found,
        "where": named.get(where.place.pk, words.elsewhere()),
        "held": where.place.held,
        "sure": where.sure,
        "rows": rows,
        "holders": []
        if where.sure
        else [
            (row.place.display_name, words.amount(row.quantity, row.item))
            for row in queries.balances_open_to(user, at).filter(lot=found.lot)
        ],
    }
    return render(request, "supplies/stock/serial.html", page)


def grouped(
    packages: Iterable[tuple[Serial, str]], user: User, at: datetime
) -> list[dict[str, Any]]:
    """Packages as a page lists them, by lot and what became of them; a link leads to each that the
    user may see."""
    rows = list(packages)
    seen = queries.serials_among(user, at, [one.pk for one, _became in rows]) if rows else ()
    found: dict[tuple[int, str], list[Serial]] = {}
    for one, became in rows:
        found.setdefault((one.lot_id, became), []).append(one)
    return [
        {
            "lot": each[0].lot,
            "became": became,
            "count": len(each),
            "shown": [
                (one.serial, one.get_absolute_url() if one.pk in seen else "")
                for one in each[:SHOWN]
            ],
            "more": len(each) > SHOWN,
        }
        for (_lot, became), each in found.items()
    ]


def _file(request: StaffRequest, found: Serial, rows: list[dict[str, Any]]) -> HttpResponseBase:
    head = [
        _("Serial number"), _("Sheet"), _("Moved"), _("Booked"),
        pgettext("entry of the ledger", "Kind"), pgettext("of goods", "From"),
        pgettext("of goods", "To"), _("State"),
    ]  # fmt: skip
    told: list[list[object]] = [
        [
            found.serial,
            row["entry"].number,
            row["entry"].moved_at,
            row["entry"].created_at,
            row["entry"].get_kind_display(),
            row["from"],
            row["to"],
            pgettext("a receipt", "taken back") if row["back"] else "",
        ]
        for row in rows
    ]
    return export.table(request, "serial", found, head, told)
