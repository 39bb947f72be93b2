"""What a pack says of supplies, as tables for people."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from functools import partial

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext, pgettext, pgettext_lazy

from fangkong.core.sentences import listed
from fangkong.packs.types import Pack, SupplyItem, SupplyReserve, SupplyRole
from fangkong.places.types import FacilityKind
from fangkong.supplies.stock.types import ItemClass, PaperKind, Unit
from fangkong.web.templatetags.packs import said

from .screening import Table, Words, made


def tables(pack: Pack, day: date) -> list[Table]:
    """The catalogue, what may stand in, who uses how much, reserves, terms; none that is empty."""
    plan = pack.supplies
    items = {row.code: said(row.name) for row in plan.items}
    units = {row.code: str(Unit(row.unit).label) for row in plan.items}
    roles = {row.code: said(row.name) for row in plan.roles}
    table = partial(made, day)
    found = [
        table(
            "supply-items",
            gettext_lazy("Catalogue of emergency supplies"),
            gettext_lazy("Item"),
            (
                pgettext_lazy("of an item", "Class"),
                gettext_lazy("Counted in"),
                gettext_lazy("Packs"),
                gettext_lazy("Standard"),
                gettext_lazy("Keeps for"),
            ),
            ((row, listed(row.also), _item(row, day)) for row in plan.items),
            coded=True,
        ),
        table(
            "supply-substitutes",
            gettext_lazy("What may stand in for what, in this direction only"),
            gettext_lazy("Rule"),
            (
                gettext_lazy("Stands in"),
                gettext_lazy("Instead of"),
                gettext_lazy("But not for"),
            ),
            (
                (
                    row,
                    "",
                    (
                        (items[row.item],),
                        (items[row.instead_of],),
                        tuple(_WORK[one]() for one in row.not_for),
                    ),
                )
                for row in plan.substitutes
            ),
        ),
        table(
            "supply-roles",
            gettext_lazy("Who uses supplies"),
            gettext_lazy("Role"),
            (
                gettext_lazy("Level of exposure"),
                gettext_lazy("Works a day"),
                gettext_lazy("Takes of others in 24 hours"),
            ),
            ((row, "", _role(row, roles)) for row in plan.roles),
            coded=True,
        ),
        table(
            "supply-norms",
            gettext_lazy("How much one head uses a day"),
            gettext_lazy("Item"),
            (
                gettext_lazy("Role"),
                pgettext_lazy("norms", "with enough of it"),
                pgettext_lazy("norms", "sparing"),
                pgettext_lazy("norms", "in want"),
            ),
            (
                (
                    row,
                    f"{items[row.item]} · {units[row.item]}",
                    (
                        (roles[row.who],),
                        *(
                            (_plain(one),)
                            for one in (row.conventional, row.contingency, row.crisis)
                        ),
                    ),
                )
                for row in plan.norms
            ),
        ),
        table(
            "supply-reserves",
            gettext_lazy("For how many days supplies are kept"),
            gettext_lazy("Rule"),
            (gettext_lazy("Days"), gettext_lazy("In the months"), gettext_lazy("Facilities")),
            ((row, "", _reserve(row)) for row in plan.reserves),
        ),
        table(
            "supply-terms",
            gettext_lazy("Terms of reports and papers"),
            gettext_lazy("What"),
            (gettext_lazy("Within"),),
            [
                *((row, "", ((_days(row.days),),)) for row in plan.disclosures),
                *((row, "", ((_hours(row.hours),),)) for row in plan.dailies),
                *(
                    (row, str(PaperKind(row.paper).label), ((_days(row.days),),))
                    for row in plan.papers
                ),
            ],
        ),
    ]
    return [one for one in found if one.parts]


_WORK = {
    "splash": lambda: pgettext("work with supplies", "work with splashes"),
    "aerosol": lambda: pgettext("work with supplies", "work that makes aerosols"),
    "sterile": lambda: pgettext("work with supplies", "sterile work"),
}


def _item(row: SupplyItem, day: date) -> tuple[Words, ...]:
    standard = [row.standard_on(day)] if row.standard_on(day) else []
    abroad = (
        [_("nearest elsewhere: %(standards)s") % {"standards": listed(row.abroad)}]
        if row.abroad
        else []
    )
    return (
        [str(ItemClass(row.kind).label)],
        [str(Unit(row.unit).label)],
        [f"{name} = {holds:,}" for name, holds in row.packs],
        [*standard, *abroad],
        [] if row.shelf_days is None else [_days(row.shelf_days)],
    )


def _role(row: SupplyRole, roles: dict[str, str]) -> tuple[Words, ...]:
    """Only whoever works has hours; persons who are cared for take hours of others."""
    taken = [
        _("%(role)s: %(n)s hours") % {"role": roles[who], "n": _plain(hours)}
        for who, hours in row.staff
    ]
    works = [] if row.staff else [_hours(row.shift_hours)]
    return [str(row.exposure)], works, taken


def _reserve(row: SupplyReserve) -> tuple[Words, ...]:
    known = dict(FacilityKind.choices)
    return (
        [_days(row.days)],
        [_("all")] if len(row.months) == 12 else [listed(row.months)],
        [str(known.get(one, one)) for one in row.facilities],
    )


def _days(n: int) -> str:
    return ngettext("%(n)s day", "%(n)s days", n) % {"n": n}


def _hours(n: int | Decimal) -> str:
    return ngettext("%(n)s hour", "%(n)s hours", int(n)) % {"n": _plain(n)}


def _plain(n: int | Decimal) -> str:
    return format(Decimal(n).normalize(), "f")
