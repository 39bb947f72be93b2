"""What stands on the page of a pack, as a list that leads to each table."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from django.utils.formats import date_format
from django.utils.functional import Promise
from django.utils.translation import gettext as _

from fangkong.packs.types import Pack

from .screening import Table

Title = str | Promise


@dataclass(frozen=True)
class Part:
    """A section of the page: its id there, its title, and the tables in it that have a title."""

    anchor: str
    title: Title
    parts: tuple[Part, ...] = ()


def parts(
    pack: Pack,
    day: date,
    choices: Iterable[tuple[str, Title, Sequence[object]]],
    screening: Sequence[Table],
    supplies: Sequence[Table],
) -> list[Part]:
    """In the order of the page; what the page leaves out is left out."""
    plan, on = pack.testing, {"day": date_format(day, "SHORT_DATE_FORMAT")}
    testing = (
        Part("testing-groups", _("Who is tested, and how soon the result is promised")),
        *([Part("testing-pools", _("Pools: several persons in one tube"))] if plan.pools else []),
        Part("testing-steps", _("Specimens, methods, and what a positive result makes of a case")),
    )
    found = [
        Part("conditions", _("Conditions on %(day)s") % on),
        *(Part(anchor, title) for anchor, title, lines in choices if lines),
        Part("clocks", _("Report clocks")),
        Part("warning", _("Early warning"), tuple(_warning(pack))),
        *([Part("card-checks", _("Quality of report cards"))] if pack.card_checks else []),
        *([Part("testing", _("Testing"), testing)] if plan.rows else []),
        *_tables("screening", _("Screening on %(day)s") % on, screening),
        *_tables("supplies", _("Supplies on %(day)s") % on, supplies),
    ]
    return [*found, Part("sources", _("Sources"))]


def _warning(pack: Pack) -> Iterable[Part]:
    yield Part("warning-terms", _("How soon a signal is answered and looked into"))
    if pack.warning.places:
        yield Part("warning-places", _("Clusters in one school, village or hospital"))


def _tables(anchor: str, title: Title, tables: Sequence[Table]) -> list[Part]:
    inner = tuple(Part(one.anchor, one.title) for one in tables)
    return [Part(anchor, title, inner)] if inner else []
