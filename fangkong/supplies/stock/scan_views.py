"""Pages of scanning: what is this, a sheet in or out package by package, codes, labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, cast
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from fangkong.accounts.types import StaffRequest
from fangkong.core import pages
from fangkong.core.audit import queries as audit
from fangkong.core.pages import cells
from fangkong.core.permissions import allowed
from fangkong.core.printing.sheets import NotPrinted

from . import drafts, labels, queries, scan_forms, scanning, scans, sight, words
from .codes import Goods, NotUnderstood
from .models import ItemCode, Lot, Place, ScanDraft
from .types import KEEP, VIEW

ATTEMPTS = 9  # each fails only where another window went on with the sheet meanwhile
BESIDE = ("target", "other")  # what stands beside the lines of a sheet, and its place

CODES = pages.Listing[ItemCode](
    name="stock_codes",
    title=gettext_lazy("Codes of packages"),
    columns=[
        pages.Column(
            "gtin",
            gettext_lazy("GTIN"),
            lambda one: one.gtin,
            order="gtin",
            url=lambda one: one.get_absolute_url(),
        ),
        pages.Column(
            "item",
            gettext_lazy("Item"),
            lambda one: one.item.display_name,
            order="item__name_zh",
            url=lambda one: one.item.get_absolute_url(),
        ),
        pages.Column("unit", gettext_lazy("What one package is"), lambda one: _package(one)),
        pages.Column(
            "taught", gettext_lazy("Taught"), lambda one: one.created_at, order="created_at"
        ),
    ],
    order="item",
    filters=scan_forms.CodeFilter,
    empty=gettext_lazy("No code was taught yet. It is asked for when a package is first scanned."),
)


def _package(one: ItemCode) -> str:
    """What one package is: 箱(2000只) = 2,000 pcs."""
    amount = words.amount(one.holds, one.item)
    return f"{one.pack} = {amount}" if one.pack else amount


# --- What is this? --------------------------------------------------------------------------------


@allowed(VIEW)
def scan(request: StaffRequest) -> HttpResponse:
    """One code: the page of the lot, place or item that it is of."""
    user, at = request.user, request.now
    form = scan_forms.LookForm(request.POST or None, request.FILES or None)
    page: dict[str, Any] = {"form": form}
    if request.method == "POST" and form.is_valid():
        try:
            found = scans.understood(_text(request), user, at)
        except NotUnderstood as problem:
            form.add_error("code", words.misread(problem.code))
        else:
            if there := _leads_to(request, found):
                return redirect(there)
            page |= {"goods": found.ways, "code": found.code}
    return _camera(request, "supplies/stock/scan.html", {**page, **_tabs(request, "look")}, form)


def _leads_to(request: StaffRequest, found: scans.Scan) -> str:
    """Where a code leads at once; "" where somebody has to choose, or nothing is known of it."""
    if found.lot is not None:
        return found.lot.get_absolute_url()
    if found.place is not None:
        return found.place.get_absolute_url()
    if found.code is None or len(found.ways) > 1:
        return ""
    (goods,) = found.ways
    if goods.serial:
        package = queries.serial_like(request.user, request.now, found.code, goods.serial)
        if package is not None:
            return package.get_absolute_url()
    lots = queries.lots_open_to(request.user, request.now).filter(
        item=found.code.item, number=goods.lot
    )
    if goods.expires_on is not None:
        lots = lots.filter(expires_on=goods.expires_on)
    known = list(lots[:2]) if goods.lot else []
    return known[0].get_absolute_url() if len(known) == 1 else found.code.item.get_absolute_url()


# --- A sheet that is scanned ----------------------------------------------------------------------


@dataclass
class Asked:
    """What a scan needs from whoever scans before it stands on the sheet."""

    text: str = ""
    fault: str = ""
    ways: Sequence[Goods] = ()
    teach: scan_forms.TeachForm | None = None
    gtin: str = ""
    said: str = ""
    kept: str = ""  # the token of the sheet that the page shows
    kept_elsewhere: bool = False  # another window went on with it
    status: int = 422


@allowed(KEEP)
def scan_in(request: StaffRequest) -> HttpResponse:
    """Goods come in, package by package."""
    return _sheet(request, leaves=False)


@allowed(KEEP)
def scan_out(request: StaffRequest) -> HttpResponse:
    """Goods leave, exactly the lots that are scanned."""
    return _sheet(request, leaves=True)


def _sheet(request: StaffRequest, *, leaves: bool) -> HttpResponse:
    """One press on a sheet. What another window overtakes meets the sheet as it then stands."""
    for _attempt in range(ATTEMPTS):
        with suppress(drafts.GoneOn):
            return _on_sheet(request, leaves)
    return _on_sheet(request, leaves)


def _on_sheet(request: StaffRequest, leaves: bool) -> HttpResponse:
    user, at = request.user, request.now
    way = "out" if leaves else "in"
    posted = request.method == "POST"
    kept = drafts.kept(user, way, at)
    token = request.POST.get("kept", "")
    asked = Asked(kept=drafts.token_of(kept))
    gone_on = posted and token != asked.kept
    carried = _carried(request, kept, gone_on=gone_on)
    lines = scans.carried(carried, user, at)
    places = list(queries.places_to_choose(user, at))
    wished, stands = request.GET.get("place", ""), str(carried.get("place", ""))
    place = _place((stands or wished) if posted else (wished or stands), places)
    act = _pressed(request, lines)
    changes = posted and (act in ("book", "count", "clear") or act.startswith("drop-"))
    if changes and (done := pages.done_before(request, drafts.book)):
        # Its answer was lost. The goods have left, so its form would be refused now.
        number = done.result.number
        messages.info(
            request, _("This sheet is booked already, as %(number)s.") % {"number": number}
        )
        return redirect(done.result)
    if posted and act == "book" and not gone_on:
        return _book(request, lines, places, place, leaves)
    if gone_on and changes:
        _tell_gone_on(asked, kept)
    elif posted:
        lines, place = _step(request, act, lines, places, place, asked, leaves)
        if gone_on and token:
            asked.said = f"{_gone_on(kept)} {asked.said}"
    lines = _again(lines, place, request, leaves)
    if posted and not asked.kept_elsewhere:
        asked.kept = _keep(request, way, asked.kept, lines, place, carried)
    elif kept is not None and lines:
        asked.said = _("This sheet was kept at %(moment)s. Nothing of it is booked yet.") % {
            "moment": cells.short_moment(kept.kept_at)
        }
    initial = {name: carried.get(name, "") for name in BESIDE}
    initial["place"] = "" if place is None else str(place.public_id)
    form = _form(request, lines, places, leaves, initial=initial)
    return _draw(request, form, asked, leaves)


def _book(
    request: StaffRequest,
    lines: Sequence[scans.Line],
    places: Sequence[Place],
    place: Place | None,
    leaves: bool,
) -> HttpResponse:
    """Book the sheet, or draw it again with what speaks against it."""
    way, token = "out" if leaves else "in", request.POST.get("kept", "")
    lines = _again(lines, place, request, leaves)
    form = _form(request, lines, places, leaves, bound=True)
    asks = form.asked_out if leaves else form.asked_in
    given = {"way": way, "token": token}
    if done := pages.carry_out(request, form, drafts.book, lambda: {"told": asks()}, **given):
        messages.success(request, _("Booked as %(number)s.") % {"number": done.result.number})
        return redirect(done.result)
    kept = _keep(request, way, token, lines, place, request.POST)
    return _draw(request, form, Asked(kept=kept), leaves)


def _carried(request: StaffRequest, kept: ScanDraft | None, *, gone_on: bool) -> Mapping[str, Any]:
    """The sheet as its page carries it, or as it is kept where another window went on with it."""
    if request.method == "POST" and not gone_on:
        return request.POST
    return {} if kept is None else cast(Mapping[str, Any], kept.fields)


def _tell_gone_on(asked: Asked, kept: ScanDraft | None) -> None:
    asked.status, asked.kept_elsewhere = 409, True
    if kept is None:
        asked.fault = f"{_gone_on(kept)} {_('Nothing was changed now.')}"
    else:
        asked.fault = _(
            "This sheet went on in another window. Here it is as it stands; nothing was changed by"
            " this one."
        )


def _gone_on(kept: ScanDraft | None) -> str:
    """What became of the sheet that a window shows."""
    if kept is None:
        return _("The sheet that stood here was booked or begun anew, perhaps in another window.")
    return _("This sheet went on in another window.")


def _pressed(request: StaffRequest, lines: Sequence[scans.Line]) -> str:
    """Which button was meant: Enter presses the first one, in whatever field it is hit."""
    act = request.POST.get("act", "add")
    if act != "add" or request.POST.get("code", "").strip() or "photo" in request.FILES:
        return act
    if request.POST.get("teach-item"):
        return "teach"
    return "count" if lines else "add"


def _keep(
    request: StaffRequest,
    way: str,
    seen: str,
    lines: Sequence[scans.Line],
    place: Place | None,
    carried: Mapping[str, Any],
) -> str:
    """A reload or a dead battery loses no line: the sheet is kept for its user until booked.

    ``carried``: the page, or the kept sheet that another window went on with; what stands beside
    the lines is of the same one as they are.
    """
    beside = {name: scans.plain(carried.get(name, ""))[:100] for name in BESIDE}
    beside["place"] = "" if place is None else str(place.public_id)
    said: dict[str, Any] = {"lines": lines, "beside": beside, "by": request.user}
    return drafts.keep(way=way, seen=seen, **said, at=request.now)


def _step(
    request: StaffRequest,
    act: str,
    lines: list[scans.Line],
    places: Sequence[Place],
    place: Place | None,
    asked: Asked,
    leaves: bool,
) -> tuple[list[scans.Line], Place | None]:
    """One press: a package more, a line less, a code that is taught, a way that is chosen."""
    if act == "count":  # a number was changed, and Enter hit: the fields hold it
        return lines, place
    if act == "clear":
        return [], place
    if act.startswith("drop-"):
        return [line for n, line in enumerate(lines) if act != f"drop-{n}"], place
    try:
        asked.text = request.POST.get("text", "") if act != "add" else _text(request)
        found = scans.understood(asked.text, request.user, request.now)
    except NotUnderstood as problem:
        asked.fault = words.misread(problem.code)
        return lines, place
    if found.place is not None:
        return _at(found.place, lines, places, place, asked)
    if found.lot is None:
        found = _one_way(request, act, found, asked)
        if asked.fault or asked.ways or asked.teach:
            return lines, place
    new = _line(found)
    try:
        return _added(lines, new, place, request, asked, leaves), place
    except (scans.NotHere, scans.Unfit) as problem:
        asked.fault = str(problem)
    except scans.ScannedTwice as problem:
        asked.fault = _("The package with serial %(serial)s stands on this sheet already.") % {
            "serial": problem
        }
    return lines, place


def _at(
    found: Place,
    lines: list[scans.Line],
    places: Sequence[Place],
    place: Place | None,
    asked: Asked,
) -> tuple[list[scans.Line], Place | None]:
    """The label of a shelf was scanned: the sheet is of this place."""
    if all(one.pk != found.pk for one in places):
        asked.fault = _("You do not keep this place.")
        return lines, place
    asked.said = _("At %(place)s.") % {"place": found.display_name}
    return lines, found


def _one_way(request: StaffRequest, act: str, found: scans.Scan, asked: Asked) -> scans.Scan:
    """The scan with one way to understand it and a code that is taught, or what is asked first."""
    if found.code is None:
        found = _taught(request, act, found, asked)
        if found.code is None:
            return found
    for n, way in enumerate(found.ways):
        if act == f"way-{n}":
            return replace(found, ways=(way,))
    if len(found.ways) > 1:
        asked.ways = found.ways
    return found


def _taught(request: StaffRequest, act: str, found: scans.Scan, asked: Asked) -> scans.Scan:
    """The code is taught on this page, or the page asks what it is of."""
    asked.gtin = found.ways[0].gtin
    sent = request.POST if act == "teach" else None
    asked.teach = scan_forms.TeachForm(sent, items=queries.items(), prefix="teach")
    facts = {"gtin": asked.gtin}

    def told() -> dict[str, object]:
        assert asked.teach is not None
        return {**facts, **asked.teach.cleaned_data}

    if sent is not None and pages.carry_out(request, asked.teach, scanning.teach, told):
        asked.teach = None
        return scans.understood(asked.text, request.user, request.now)
    return found


def _line(found: scans.Scan) -> scans.Line:
    if found.lot is not None:
        return scans.line_of_lot(found.lot)
    assert found.code is not None
    return scans.line_of(found.ways[0], found.code)


def _added(
    lines: list[scans.Line],
    new: scans.Line,
    place: Place | None,
    request: StaffRequest,
    asked: Asked,
    leaves: bool,
) -> list[scans.Line]:
    if leaves:
        if place is None:
            asked.fault = _("Choose first out of which place the goods leave.")
            return lines
        new = scans.leaving(new, place, request.now)
    elif new.of_a_gift:
        asked.fault = words.of_a_gift()
        return lines
    elif new.code is not None and queries.serials_in(new.code, new.serials):
        asked.fault = _("Serial %(serial)s of this code came in already. It is received once.") % {
            "serial": new.serials[0]
        }
        return lines
    if len(lines) == scans.MOST_LINES and not any(line.is_of(new) for line in lines):
        asked.fault = _("At most %(most)d lines on one sheet. Book it, and begin another.") % {
            "most": scans.MOST_LINES
        }
        return lines
    lines = scans.added(lines, new)
    line = next(one for one in lines if one.is_of(new))
    asked.said = _("%(item)s, lot %(lot)s: %(count)s × %(unit)s") % {
        "item": line.item.display_name,
        "lot": line.number or _("without number"),
        "count": line.count,
        "unit": line.unit,
    }
    asked.text = ""
    return lines


def _again(
    lines: Sequence[scans.Line], place: Place | None, request: StaffRequest, leaves: bool
) -> list[scans.Line]:
    """The lines with what their place holds now; what has gone meanwhile booking refuses."""
    if not leaves:
        return [scans.coming(line, request.now) for line in lines]
    found = []
    for line in lines:
        try:
            found.append(line if place is None else scans.leaving(line, place, request.now))
        except (scans.NotHere, scans.Unfit) as problem:
            found.append(replace(line, note=str(problem)))
    return found


def _place(key: str, places: Sequence[Place]) -> Place | None:
    if not key and len(places) == 1:
        return places[0]
    return next((one for one in places if str(one.public_id) == key), None)


def _form(
    request: StaffRequest,
    lines: Sequence[scans.Line],
    places: Sequence[Place],
    leaves: bool,
    *,
    bound: bool = False,
    initial: dict[str, Any] | None = None,
) -> scan_forms.SheetForm:
    targets = queries.targets_in_house(request.user, request.now) if leaves else None
    return scan_forms.SheetForm(
        request.POST if bound else None,
        lines=lines,
        places=places,
        targets=targets,
        initial=initial or {},
    )


def _draw(
    request: StaffRequest, form: scan_forms.SheetForm, asked: Asked, leaves: bool
) -> HttpResponse:
    way = "out" if leaves else "in"
    page = {
        "form": form,
        "rows": list(form.rows()),
        "asked": asked,
        "places": [form[name] for name in ("place", "target") if name in form.fields],
        **_tabs(request, way),
    }
    if asked.teach is not None:
        pages.forms.dress(asked.teach)
    if asked.fault:
        form.fields["code"].widget.attrs["aria-describedby"] = "scan-fault"
    status = (
        asked.status if asked.fault or (asked.teach is not None and asked.teach.errors) else None
    )
    return _camera(request, "supplies/stock/scan_sheet.html", page, form, status)


def _tabs(request: StaffRequest, way: str) -> dict[str, Any]:
    keeps = bool(request.user.scope(KEEP, request.now))
    return {
        "way": way,
        "may_keep": keeps,
        "title": {
            "look": _("What is this?"),
            "in": _("Scan goods in"),
            "out": _("Scan goods out"),
        }[way],
    }


def _camera(
    request: HttpRequest,
    template: str,
    page: dict[str, Any],
    form: pages.Form,
    status: int | None = None,
) -> HttpResponse:
    pages.forms.dress(form)
    drawn = render(request, template, page, status=status or pages.status_of(form))
    return pages.with_camera(drawn)


def _text(request: StaffRequest) -> str:
    """What was scanned: the field, or else the first code on the photo.

    NotUnderstood("no_code") where no code is seen on it.
    """
    text = str(request.POST.get("code", ""))
    photo = request.FILES.get("photo")
    if text.strip() or photo is None:
        return text
    if photo.size is None or photo.size > sight.LARGEST:
        raise NotUnderstood("photo_too_big")
    photo.seek(0)  # it may be looked at again
    found = sight.texts(photo.read())
    if not found:
        raise NotUnderstood("no_code")
    return found[0]


# --- Codes ----------------------------------------------------------------------------------------


@allowed(VIEW)
def item_codes(request: StaffRequest) -> HttpResponseBase:
    """The GTINs that were taught."""
    return pages.listing(request, CODES, queries.codes())


@allowed(VIEW)
def code(request: StaffRequest, public_id: UUID) -> HttpResponse:
    """One GTIN: what it means, who taught it."""
    found = get_object_or_404(queries.codes(), public_id=public_id)
    page = {
        "code": found,
        "package": _package(found),
        "may_keep": bool(request.user.scope(KEEP, request.now)),
        "history": audit.history_of(found),
    }
    return render(request, "supplies/stock/code.html", page)


@allowed(KEEP)
def correct_code(request: StaffRequest, public_id: UUID) -> HttpResponse:
    """It was taught wrongly."""
    found = get_object_or_404(queries.codes(), public_id=public_id)
    form = scan_forms.CorrectForm(request.POST or None, items=queries.items(), code=found)
    form = pages.editing(form, found)
    if pages.carry_out(request, form, scanning.correct_code, code=found):
        messages.success(request, _("The code is corrected."))
        return redirect(found)
    return pages.form(
        request,
        form,
        title=_("Correct a code"),
        submit=_("Save"),
        template="supplies/stock/found.html",
        context={"back_url": found.get_absolute_url()},
    )


# --- Labels ---------------------------------------------------------------------------------------


@allowed(KEEP)
def lot_labels(request: StaffRequest, public_id: UUID) -> HttpResponse:
    """Labels of one lot."""
    rows = queries.lots_open_to(request.user, request.now)
    return _labels(request, [get_object_or_404(rows, public_id=public_id)])


@allowed(KEEP)
def place_labels(request: StaffRequest, public_id: UUID) -> HttpResponse:
    """Labels of one place, or with ``?lots`` of every lot that lies there."""
    place = queries.place_open_to(request.user, request.now, public_id, KEEP)
    if place is None:
        raise Http404
    if "lots" not in request.GET:
        return _labels(request, [place])
    rows = queries.balances_open_to(request.user, request.now).filter(place=place)
    return _labels(request, [row.lot for row in rows[: labels.MOST_LABELS]], place)


def _labels(
    request: StaffRequest, records: Sequence[Lot | Place], back: Place | None = None
) -> HttpResponse:
    form = scan_forms.LabelsForm(request.GET)
    if not form.is_valid() or not records:
        raise Http404
    said = form.cleaned_data
    copies = min(said["copies"] or 1, labels.MOST_LABELS // len(records) or 1)
    root = request.build_absolute_uri("/").rstrip("/")
    size = said["size"] or labels.SIZES[0]
    try:
        made = labels.printed(records, root, size, copies, request.user, request.now)
    except NotPrinted as problem:
        messages.warning(request, str(problem))
        return redirect(back or records[0])
    answer = HttpResponse(made, content_type="application/pdf")
    answer["Content-Disposition"] = 'attachment; filename="labels.pdf"'
    answer["Cache-Control"] = "private, no-store"
    return answer
