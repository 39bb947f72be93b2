"""What a pack says of screening, as tables for people."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext, pgettext

from fangkong.core.sentences import listed
from fangkong.packs import queries as packs
from fangkong.packs.types import (
    ConditionRow,
    ContactRule,
    ContactWindow,
    OriginTier,
    Pack,
    Phase,
    Question,
    Row,
)
from fangkong.web.templatetags.packs import said

Words = Sequence[str]


@dataclass(frozen=True)
class Line:
    """A line of a table: its row, what stands under its name, and the other cells by column."""

    row: Row
    note: str
    cells: tuple[tuple[str | Promise, Words], ...]


@dataclass(frozen=True)
class Table:
    """A table with a title. ``columns`` stand between name, or code if ``coded``, and source.

    ``lines`` hold on the day, ``others`` on other days.
    """

    anchor: str
    title: str | Promise
    name: str | Promise
    columns: tuple[str | Promise, ...]
    lines: list[Line]
    others: list[Line]
    coded: bool = False

    @property
    def parts(self) -> list[tuple[bool, list[Line]]]:
        """The two lists, each with whether it is that of the day, as far as there is one."""
        return [part for part in ((True, self.lines), (False, self.others)) if part[1]]


def made(
    day: date,
    anchor: str,
    title: str | Promise,
    name: str | Promise,
    columns: tuple[str | Promise, ...],
    lines: Iterable[tuple[Row, str, tuple[Words, ...]]],
    coded: bool = False,
) -> Table:
    """A table of rows, each with its note and the words of its cells, parted by the day."""
    told = [Line(row, note, tuple(zip(columns, c, strict=True))) for row, note, c in lines]
    here = [line for line in told if line.row.covers(day)]
    others = [line for line in told if not line.row.covers(day)]
    return Table(anchor, title, name, columns, here, others, coded)


def tables(pack: Pack, day: date) -> list[Table]:
    """All that the pack says, in the order in which the work goes; empty tables are left out."""
    plan = pack.screening
    names = {row.code: said(row.name) for row in (*plan.kinds, *plan.classes)}

    def about(row: ConditionRow) -> str:
        return said(packs.name(pack, row.condition, day))

    table = partial(made, day)
    found = [
        table(
            "contact-windows",
            gettext_lazy("On which days of a case an exposure counts"),
            gettext_lazy("Rule"),
            (gettext_lazy("From onset or specimen"),),
            ((row, about(row), (_days(row),)) for row in plan.windows),
        ),
        table(
            "contact-rules",
            gettext_lazy("Which exposure makes which contact"),
            gettext_lazy("Rule"),
            (gettext_lazy("Contact"), gettext_lazy("Exposure")),
            ((row, about(row), (_makes(row, names), _kinds(row, names))) for row in plan.rules),
        ),
        table(
            "watch-terms",
            gettext_lazy("How long and where they are watched"),
            gettext_lazy("Term"),
            (gettext_lazy("Contact"), gettext_lazy("From the day after the last exposure")),
            (
                (
                    row,
                    about(row),
                    ((names[row.contact_class],), _phases(row.phases) or [_("told only")]),
                )
                for row in plan.terms
                if row.contact_class in names
            ),
        ),
        table(
            "origin-tiers",
            gettext_lazy("Arrivals by origin, the strictest first"),
            gettext_lazy("Arrivals"),
            (
                gettext_lazy("From where"),
                gettext_lazy("At the entry"),
                gettext_lazy("How they are watched"),
            ),
            ((row, _where(row), (_origin(row), _entry(row), _stays(row))) for row in plan.tiers),
        ),
        table(
            "exposure-kinds",
            gettext_lazy("Kinds of exposure and classes of contacts"),
            gettext_lazy("What is entered"),
            (),
            ((row, "", ()) for row in (*plan.kinds, *plan.classes)),
            coded=True,
        ),
        table(
            "screening-questions",
            gettext_lazy("What contacts and arrivals are asked"),
            gettext_lazy("Question"),
            (gettext_lazy("Asked"), gettext_lazy("Not asked where known")),
            ((row, "", (_asked(row), _known(row))) for row in plan.questions),
            coded=True,
        ),
        table(
            "incubations",
            gettext_lazy("Longest incubation"),
            gettext_lazy("Condition"),
            (gettext_lazy("Days"),),
            ((row, "", ((str(row.days),),)) for row in plan.incubations),
        ),
    ]
    return [one for one in found if one.parts]


def _days(row: ContactWindow) -> Words:
    if not row.judged:
        return [_("nobody is judged a contact")]
    first = (
        ngettext("from %(n)s day before it", "from %(n)s days before it", row.days_before)
        % {"n": row.days_before}
        if row.days_before
        else _("from that day")
    )
    until = _("until the case is isolated")
    if row.days_after is not None:
        until = _("to %(n)s days after it, or until the case is isolated") % {"n": row.days_after}
    return [first, until]


def _makes(row: ContactRule, names: dict[str, str]) -> Words:
    to = [_("with a close contact")] if row.to == "contact" else []
    if row.days_before is not None:
        to.append(
            ngettext("from %(n)s day before it", "from %(n)s days before it", row.days_before)
            % {"n": row.days_before}
        )
    return [names[row.contact_class], *to]


def _kinds(row: ContactRule, names: dict[str, str]) -> Words:
    return [names[kind] for kind in row.kinds if kind in names]


def _phases(phases: Iterable[Phase]) -> list[str]:
    return [" · ".join(_phase(phase)) for phase in phases]


def _phase(phase: Phase) -> list[str]:
    words = [ngettext("%(n)s day", "%(n)s days", phase.days) % {"n": phase.days}]
    words.append(PLACES[phase.place]())
    if phase.visits:
        words.append(
            ngettext("seen %(n)s time a day", "seen %(n)s times a day", phase.visits)
            % {"n": phase.visits}
        )
    if phase.tests:
        words.append(
            ngettext("tested on day %(days)s", "tested on days %(days)s", len(phase.tests))
            % {"days": listed(phase.tests)}
        )
    return words


PLACES = {
    "central": lambda: pgettext("watched", "in a facility"),
    "home": lambda: pgettext("watched", "at home"),
    "monitoring": lambda: pgettext("watched", "health monitoring at home"),
    "self": lambda: pgettext("watched", "self-monitoring"),
}
_KNOWN = {
    "person": lambda: pgettext("known", "the person"),
    "phone": lambda: pgettext("known", "the phone"),
    "address": lambda: pgettext("known", "the address"),
    "school": lambda: pgettext("known", "school or workplace"),
    "stay": lambda: pgettext("known", "the last stay"),
    "vaccination": lambda: pgettext("known", "vaccinations"),
    "exposure": lambda: pgettext("known", "the exposure"),
}
_ASKED = {
    "contact": lambda: pgettext("asked", "contacts"),
    "arrival": lambda: pgettext("asked", "arrivals"),
}
_SIGNS = {
    "red-code": lambda: pgettext("sign", "red health code"),
    "red-code-related": lambda: pgettext("sign", "related to a red health code"),
}


def _where(row: OriginTier) -> str:
    if not row.where:
        return ""
    return _("the rule of areas %(codes)s") % {"codes": _codes(row.where)}


def _codes(codes: Iterable[str]) -> str:
    return listed(f"{code}…" for code in codes)


def _origin(row: OriginTier) -> Words:
    areas = tuple(area for area in row.areas if area != "abroad")
    words = [_("abroad")] if "abroad" in row.areas else []
    words += [_("areas %(codes)s") % {"codes": _codes(areas)}] if areas else []
    words += [_SIGNS[sign]() if sign in _SIGNS else sign for sign in row.signs]
    words += [_("whoever arrives")] if row.everybody else []
    words += [_("areas that are announced")] if row.by_announcement else []
    if row.areas or row.by_announcement:
        words.append(
            ngettext("within %(n)s day", "within %(n)s days", row.within_days)
            % {"n": row.within_days}
        )
    return words


def _entry(row: OriginTier) -> Words:
    words = [_("asked not to come yet")] if row.not_yet else []
    if row.certificate_hours:
        words.append(_("negative test of the last %(n)s hours") % {"n": row.certificate_hours})
    if row.entry_tests:
        hours = listed(row.entry_tests)
        words.append(_("tested within %(hours)s hours of entry") % {"hours": hours})
    words += [_("fetched in a vehicle of their own")] if row.fetched else []
    return words


def _stays(row: OriginTier) -> Words:
    if not row.phases:
        return []
    since = {
        "leaving": pgettext("counted", "from leaving"),
        "arriving": pgettext("counted", "from arriving"),
    }[row.counted_from]
    return [*_phases(row.phases), since]


def _asked(row: Question) -> Words:
    return [listed(_ASKED[whom]() for whom in row.asked)]


def _known(row: Question) -> Words:
    known = [_KNOWN[row.known]()] if row.known else []
    if row.valid_days is not None:
        known.append(
            ngettext("an answer stands %(n)s day", "an answer stands %(n)s days", row.valid_days)
            % {"n": row.valid_days}
        )
    return known
