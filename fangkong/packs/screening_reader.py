"""The tables of a pack that screening needs; days without one rule, or with two, are refused."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import date, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, TypeVar, get_args

from fangkong.packs import types as t
from fangkong.packs.table import Raw, Table

if TYPE_CHECKING:
    from fangkong.packs.reader import Reader

_AREA = re.compile(r"abroad|\d{2,12}|[A-Z]{2}(-[A-Z0-9]+)*")
_DAY = timedelta(days=1)

Row = TypeVar("Row", bound=t.Row)
OfOne = TypeVar("OfOne", bound=t.ConditionRow)
Lines = list[tuple[Table, Row]]


def screening(reader: Reader, first: date, last: date | None) -> t.ScreeningPlan:
    """What the pack says of screening on its days.

    Lines that ended before or begin after are left out, as are kinds and classes no rule names.
    """
    kinds = _lines(reader, "exposure_kinds", lambda row, named: t.ExposureKind(**named))
    classes = _lines(reader, "contact_classes", lambda row, named: t.ContactClass(**named))
    windows = _lines(reader, "contact_windows", lambda row, named: _window(reader, row, named))
    rules = _lines(
        reader,
        "contact_rules",
        lambda row, named: _rule(reader, row, named, _codes(kinds), _codes(classes)),
    )
    terms = _lines(
        reader,
        "watch_terms",
        lambda row, named: t.WatchTerm(
            **named,
            condition=_condition(reader, row),
            contact_class=row.choice("contact_class", _codes(classes)),
            phases=_phases(row),
        ),
    )
    incubations = _lines(
        reader,
        "incubations",
        lambda row, named: t.Incubation(
            **named, condition=_condition(reader, row), days=row.number("days", 1, 3650)
        ),
    )
    tiers = _lines(reader, "origin_tiers", lambda row, named: _tier(reader, row, named))
    questions = _lines(reader, "screening_questions", _question)
    for condition in sorted(reader.whole_codes):
        _check(condition, _of(windows, condition), _of(rules, condition), _of(terms, condition))
        _follow(_of(incubations, condition), gaps=True)
    return _on_its_days(
        t.ScreeningPlan(
            kinds=_rows(kinds),
            classes=_rows(classes),
            windows=_rows(windows),
            rules=_rows(rules),
            terms=_rows(terms),
            incubations=_rows(incubations),
            tiers=_rows(tiers),
            questions=_rows(questions),
        ),
        first,
        last,
    )


def _lines(reader: Reader, section: str, build: Callable[[Table, Raw], Row]) -> Lines[Row]:
    """The lines of a section, each with its table, so that a complaint can name it."""
    found = []
    for row in reader.rows(section):
        found.append((row, build(row, reader.named(row))))
        row.end()
    return found


def _condition(reader: Reader, row: Table) -> str:
    code = row.words("condition")
    if code not in reader.whole_codes:
        row.refuse("condition", f"{code!r} is not in conditions; add it or correct this")
    return code


def _window(reader: Reader, row: Table, named: Raw) -> t.ContactWindow:
    judged = row.flag("judged", default=True)
    return t.ContactWindow(
        **named,
        condition=_condition(reader, row),
        judged=judged,
        days_before=row.number("days_before", 0, 60) if judged else 0,
        days_after=row.number("days_after", 0, 365) if row.has("days_after") and judged else None,
    )


def _rule(
    reader: Reader, row: Table, named: Raw, kinds: Sequence[str], classes: Sequence[str]
) -> t.ContactRule:
    rule = t.ContactRule(
        **named,
        condition=_condition(reader, row),
        contact_class=row.choice("contact_class", classes),
        kinds=reader.known(row, "kinds", set(kinds), "exposure_kinds"),
        to=row.choice("to", get_args(t.ExposedTo), "case"),
        days_before=row.number("days_before", 0, 60) if row.has("days_before") else None,
    )
    if not rule.kinds:
        row.refuse("kinds", "missing; say which kinds of exposure make this class")
    return rule


def _phases(row: Table) -> tuple[t.Phase, ...]:
    phases = []
    for inner in row.tables("phases"):
        days = inner.number("days", 1, 365)
        phase = t.Phase(
            place=inner.choice("place", get_args(t.WatchPlace)),
            days=days,
            visits=inner.number("visits", 0, 24),
            tests=tuple(inner.numbers("tests", 1, days)),
        )
        inner.end()
        phases.append(phase)
    return tuple(phases)


def _tier(reader: Reader, row: Table, named: Raw) -> t.OriginTier:
    tier = t.OriginTier(
        **named,
        condition=_condition(reader, row),
        counted_from=row.choice("counted_from", ("leaving", "arriving")),
        within_days=row.number("within_days", 1, 365),
        where=_areas(row, "where"),
        areas=_areas(row, "areas"),
        signs=row.many("signs"),
        everybody=row.flag("everybody"),
        not_yet=row.flag("not_yet"),
        fetched=row.flag("fetched"),
        certificate_hours=row.number("certificate_hours", 1, 720)
        if row.has("certificate_hours")
        else None,
        entry_tests=tuple(row.numbers("entry_tests", 1, 720)),
        phases=_phases(row),
    )
    if tier.everybody and (tier.areas or tier.signs):
        row.refuse(
            "everybody", "a tier for everybody has no areas and no signs; remove one of them"
        )
    return tier


def _areas(row: Table, key: str) -> tuple[str, ...]:
    areas = row.many(key)
    for area in areas:
        if not _AREA.fullmatch(area):
            row.refuse(key, f'{area!r} is not the beginning of an area code, nor "abroad"')
    return areas


def _question(row: Table, named: Raw) -> t.Question:
    whom: tuple[t.Asked, ...] = get_args(t.Asked)
    said = row.many("asked")
    for value in said:
        if value not in whom:
            row.refuse("asked", f"unknown {value!r}; use some of {', '.join(whom)}")
    if not said:
        row.refuse("asked", f"missing; say who is asked: some of {', '.join(whom)}")
    return t.Question(
        **named,
        asked=tuple(value for value in whom if value in said),
        answer=row.choice("answer", get_args(t.Answer)),
        known=row.choice("known", get_args(t.Known)) if row.has("known") else None,
        valid_days=row.number("valid_days", 1, 3650) if row.has("valid_days") else None,
    )


def _check(
    condition: str,
    windows: Lines[t.ContactWindow],
    rules: Lines[t.ContactRule],
    terms: Lines[t.WatchTerm],
) -> None:
    """On every day of a condition one window; each exposure one class; each class one term."""
    _follow(windows)
    for to in get_args(t.ExposedTo):
        for kind in {kind for _, rule in rules for kind in rule.kinds}:
            _follow([(r, x) for r, x in rules if kind in x.kinds and x.to == to], gaps=True)
    for code in {term.contact_class for _, term in terms}:
        _follow([(row, term) for row, term in terms if term.contact_class == code], gaps=True)
    for day in _turns((*windows, *rules, *terms)):
        window = next((row for _, row in windows if row.covers(day)), None)
        judging = [(table, row) for table, row in rules if row.covers(day)]
        watching = {row.contact_class for _, row in terms if row.covers(day)}
        for table, rule in judging:
            if window is None or not window.judged:
                _refuse_day(table, day, f"no contact of {condition!r} is judged")
            if rule.contact_class not in watching:
                _refuse_day(table, day, f"{rule.contact_class!r} has no [[watch_terms]] row")
        if window and window.judged and not any(row.to == "case" for _, row in judging):
            table = next(table for table, row in windows if row is window)
            _refuse_day(table, day, "no [[contact_rules]] says who is a contact")


def _refuse_day(table: Table, day: date, problem: str) -> None:
    table.refuse("valid_from", f"on {day} {problem}; add it, or correct the days")


def _turns(lines: Iterable[tuple[Table, t.Row]]) -> list[date]:
    """The days on which something begins or has just ended; between them nothing changes."""
    days = {_begins(row) for _, row in lines}
    days |= {row.valid_to + _DAY for _, row in lines if row.valid_to}
    return sorted(days)


def _follow(lines: Sequence[tuple[Table, t.Row]], *, gaps: bool = False) -> None:
    """These lines never share a day; without ``gaps`` they follow each other day by day."""
    for (_, before), (table, after) in pairwise(sorted(lines, key=lambda line: _begins(line[1]))):
        begins, ends = _begins(after), before.valid_to
        if ends is None or ends >= begins:
            table.refuse(
                "valid_from",
                f"{begins} is still covered by {before.code!r} (to {ends or 'without an end'});"
                " set its valid_to to the day before",
            )
        if not gaps and ends + _DAY < begins:
            table.refuse(
                "valid_from",
                f"{before.code!r} ends on {ends} and this begins on {begins};"
                " they must follow each other day by day",
            )


def _begins(row: t.Row) -> date:
    return row.valid_from or date(1900, 1, 1)


def _on_its_days(plan: t.ScreeningPlan, first: date, last: date | None) -> t.ScreeningPlan:
    def its(rows: tuple[Row, ...]) -> tuple[Row, ...]:
        return tuple(
            row
            for row in rows
            if (row.valid_to is None or row.valid_to >= first)
            and (last is None or _begins(row) <= last)
        )

    rules = its(plan.rules)
    kinds = {kind for rule in rules for kind in rule.kinds}
    classes = {rule.contact_class for rule in rules}
    return replace(
        plan,
        kinds=tuple(row for row in its(plan.kinds) if row.code in kinds),
        classes=tuple(row for row in its(plan.classes) if row.code in classes),
        windows=its(plan.windows),
        rules=rules,
        terms=its(plan.terms),
        incubations=its(plan.incubations),
        tiers=its(plan.tiers),
        questions=its(plan.questions),
    )


def _of(lines: Lines[OfOne], condition: str) -> Lines[OfOne]:
    return [(table, row) for table, row in lines if row.condition == condition]


def _codes(lines: Lines[Row]) -> tuple[str, ...]:
    return tuple(row.code for _, row in lines)


def _rows(lines: Lines[Row]) -> tuple[Row, ...]:
    return tuple(row for _, row in lines)
