"""What follows from the packs: which is in force, which clock runs, what two packs differ in."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from fangkong.packs.types import (
    CaseClass,
    Clause,
    Condition,
    CountDefinition,
    Deadline,
    Difference,
    DifferenceKind,
    DiseaseClass,
    Duty,
    NoPackInForce,
    Pack,
    Period,
    PlaceRule,
    Purpose,
    ReportClock,
    Row,
    Severity,
    Side,
    Subtype,
    Text,
    UnknownCode,
    WarningRule,
)

EVERYWHERE = "*"


def jurisdictions(area_code: str) -> tuple[str, ...]:
    """The jurisdictions an area belongs to, nearest first: 513326 → CN-51, CN, *.

    A code that begins with two digits is Chinese (GB/T 2260 and the longer codes built on it), and
    its first two digits are the province. Any other code is read as ISO 3166 with parts joined by
    hyphens: KE-30 → KE-30, KE, *.
    """
    if area_code[:2].isascii() and area_code[:2].isdigit() and len(area_code) > 1:
        return (f"CN-{area_code[:2]}", "CN", EVERYWHERE)
    parts = area_code.split("-") if area_code not in ("", EVERYWHERE) else []
    nearest_first = ("-".join(parts[:end]) for end in range(len(parts), 0, -1))
    return (*nearest_first, EVERYWHERE)


def in_force(packs: Iterable[Pack], area_code: str, on: date) -> Pack:
    """The issued pack of the nearest jurisdiction on that day; NoPackInForce if there is none."""
    covering = {p.jurisdiction: p for p in packs if p.status == "issued" and p.covers(on)}
    for jurisdiction in jurisdictions(area_code):
        if jurisdiction in covering:
            return covering[jurisdiction]
    raise NoPackInForce(f"no rule pack covers area {area_code!r} on {on.isoformat()}")


def condition(pack: Pack, code: str) -> Condition:
    """The condition with this code, or the one that has a subtype with this code."""
    known = _indexes.get(id(pack))
    if known is None or known[0] is not pack:
        known = _indexes[id(pack)] = (pack, _index(pack))
    if code not in known[1]:
        raise UnknownCode(f"pack {pack.id} has no condition {code!r}")
    return known[1][code]


# Looked up several times for each row of an import. By identity: a pack is too large to be hashed.
_indexes: dict[int, tuple[Pack, dict[str, Condition]]] = {}


def _index(pack: Pack) -> dict[str, Condition]:
    """Codes of conditions and subtypes; the first that has a code keeps it."""
    found: dict[str, Condition] = {}
    for one in pack.conditions:
        for code in (one.code, *(form.code for form in one.subtypes)):
            found.setdefault(code, one)
    return found


def subtype(pack: Pack, code: str) -> Subtype | None:
    """The subtype with this code; None where the code is that of a whole condition."""
    return next((form for form in condition(pack, code).subtypes if form.code == code), None)


def name(pack: Pack, code: str, on: date) -> Text:
    """What a condition or subtype is called on that day."""
    form, whole = subtype(pack, code), condition(pack, code)
    if form is not None:
        return form.name
    period = whole.period_on(on)
    return period.name if period else whole.name


def named(pack: Pack, words: str) -> str | None:
    """The code of the condition or subtype that a card calls by this code, name or alias.

    Case, full or half width and surrounding blanks do not matter. A name that fits two codes finds
    nothing: the person who knows must choose.
    """
    wanted = _plain(words)
    found = {
        code
        for candidate in pack.conditions
        for code, spoken in _spoken(candidate)
        if wanted in map(_plain, spoken)
    }
    return found.pop() if len(found) == 1 else None


def _spoken(whole: Condition) -> list[tuple[str, tuple[str, ...]]]:
    """Each code of a condition and its subtypes with all the words used for it."""
    texts = [whole.name, *(period.name for period in whole.periods)]
    names = [word for text in texts for word in (text.zh, text.en)]
    forms = [(form.code, (form.code, form.name.zh, form.name.en)) for form in whole.subtypes]
    return [(whole.code, (whole.code, *names, *whole.aliases)), *forms]


def _plain(words: str) -> str:
    return unicodedata.normalize("NFKC", words).strip().casefold()


def listed(pack: Pack, on: date) -> tuple[Condition, ...]:
    """The conditions of classes A, B and C on that day, in the order of the pack."""
    return tuple(
        c for c in pack.conditions if (p := c.period_on(on)) and p.disease_class != "other"
    )


def period(pack: Pack, code: str, on: date) -> Period:
    """How the condition is classed on that day; UnknownCode where it is not managed then."""
    found = condition(pack, code).period_on(on)
    if found is None:
        raise UnknownCode(f"pack {pack.id} does not manage {code!r} on {on.isoformat()}")
    return found


def managed_as(pack: Pack, code: str, on: date) -> DiseaseClass:
    """The class whose measures apply: A for a class B disease managed as class A (乙类甲管)."""
    form = subtype(pack, code)
    whole = period(pack, code, on).managed_as
    return form.managed_as if form is not None and form.managed_as is not None else whole


def case_classes(pack: Pack, code: str, on: date) -> tuple[CaseClass, ...]:
    """The case classes a card of this condition may choose on that day."""
    whole = condition(pack, code).code
    return tuple(
        c
        for c in pack.case_classes
        if c.covers(on) and (not c.only or whole in c.only) and whole not in c.not_for
    )


def case_class(pack: Pack, code: str) -> CaseClass:
    """The case class with this code, or UnknownCode."""
    for candidate in pack.case_classes:
        if candidate.code == code:
            return candidate
    raise UnknownCode(f"pack {pack.id} has no case class {code!r}")


def severities(pack: Pack, code: str, on: date) -> tuple[Severity, ...]:
    """The clinical grades of this condition on that day, mild first; empty where it has none."""
    whole = condition(pack, code).code
    return tuple(s for s in pack.severity if s.covers(on) and (not s.only or whole in s.only))


def clock(pack: Pack, duty: Duty, code: str, case: str, on: date) -> ReportClock | None:
    """The clock of a duty for a case on that day; None where the pack sets none.

    The closest wins: a clock for the subtype, then for the condition, then for the class it is
    managed as; among these one that names the case class before one that does not.
    """
    if not case_class(pack, case).reportable:
        return None
    as_class, whole = managed_as(pack, code, on), condition(pack, code).code

    def closeness(row: ReportClock) -> tuple[int, int]:
        by_code = 2 if code in row.conditions else 1 if whole in row.conditions else 0
        return by_code, int(case in row.case_classes)

    def fits(row: ReportClock) -> bool:
        right_code = not row.conditions or code in row.conditions or whole in row.conditions
        right_class = not row.managed_as or as_class in row.managed_as
        right_case = not row.case_classes or case in row.case_classes
        return row.duty == duty and row.covers(on) and right_code and right_class and right_case

    return max(filter(fits, pack.report_clocks), key=closeness, default=None)


def deadline(pack: Pack, duty: Duty, code: str, case: str, starts_at: datetime) -> Deadline | None:
    """When a duty must be done. ``starts_at`` must carry its time zone.

    The rule of the local day counts: the pack's time zone decides which day that is.
    """
    if starts_at.tzinfo is None:
        raise ValueError("a report clock needs a moment with its time zone")
    day = starts_at.astimezone(ZoneInfo(pack.time_zone)).date()
    running = clock(pack, duty, code, case, day)
    if running is None:
        return None
    due_at = starts_at + timedelta(hours=running.hours)
    return Deadline(clock=running, starts_at=starts_at, due_at=due_at)


def report_deadline(
    pack: Pack, condition: str, case_class: str, diagnosed_at: datetime
) -> Deadline | None:
    """Until when a case must be reported; None where nothing need be reported (a discarded case).

    ``condition`` may be the code of a condition or of a subtype.
    """
    return deadline(pack, "report", condition, case_class, diagnosed_at)


def review_deadline(
    pack: Pack, condition: str, case_class: str, received_at: datetime
) -> Deadline | None:
    """Until when the county CDC must verify a card (审核) that it received at that moment."""
    return deadline(pack, "review", condition, case_class, received_at)


def review_clock(pack: Pack, condition: str, case_class: str, on: date) -> ReportClock | None:
    """The clock by which the county CDC verifies a card on a day; None where there is none."""
    return clock(pack, "review", condition, case_class, on)


def warning_rules(pack: Pack, code: str, on: date) -> tuple[WarningRule, ...]:
    """The rules that watch a condition or subtype on that day.

    A condition without a rule of its own is watched by the adaptive regression as the pack sets it,
    or by the moving percentile in a pack that has no such settings.
    """
    condition(pack, code)
    rules = tuple(r for r in pack.warning.rules if r.condition == code and r.covers(on))
    return rules or (_usual_rule(pack, code),)


def place_rules(pack: Pack, code: str, on: date) -> tuple[PlaceRule, ...]:
    """The rules of schools, villages and wards that count a condition or subtype on that day."""
    whole = condition(pack, code).code
    named = {code, whole}
    return tuple(
        rule
        for rule in pack.warning.places
        if rule.covers(on) and (not rule.conditions or named & set(rule.conditions))
    )


def _usual_rule(pack: Pack, code: str) -> WarningRule:
    adaptive, percentile = pack.warning.adaptive, pack.warning.moving_percentile
    if adaptive is not None:
        return WarningRule(
            condition=code,
            method="adaptive",
            minimum_count=adaptive.minimum_count,
            clause=adaptive.clause,
        )
    return WarningRule(
        condition=code,
        method="moving_percentile",
        percentile=percentile.percentile,
        minimum_count=percentile.minimum_count,
        clause=percentile.clause,
    )


def count_definition(pack: Pack, code: str, purpose: Purpose, on: date) -> CountDefinition:
    """What is counted for this condition on that day; one that names the condition goes first."""
    whole = condition(pack, code).code
    fitting = [
        d
        for d in pack.count_definitions
        if d.purpose == purpose and d.covers(on) and (not d.conditions or whole in d.conditions)
    ]
    if not fitting:
        raise UnknownCode(f"pack {pack.id} has no {purpose} count of {code!r} on {on.isoformat()}")
    return max(fitting, key=lambda d: bool(d.conditions))


def differences(
    a: Pack, b: Pack, *, on_a: date | None = None, on_b: date | None = None
) -> list[Difference]:
    """What changes from pack ``a`` to pack ``b``, each with the clause of both sides.

    ``a`` is read on its last day (on its first, if it has no last), ``b`` on its first; name the
    days to compare others, or one pack with itself on two days.
    """
    day_a, day_b = on_a or a.valid_to or a.valid_from, on_b or b.valid_from
    before = {c.code: p for c in a.conditions if (p := c.period_on(day_a))}
    after = {c.code: p for c in b.conditions if (p := c.period_on(day_b))}
    found: list[Difference] = []
    for code in (*before, *(c for c in after if c not in before)):
        found += _condition_changes(code, before.get(code), after.get(code))
    found += _report_clock_changes(a, day_a, b, day_b)
    found += _other_clock_changes(a, day_a, b, day_b)
    return found


def _condition_changes(code: str, old: Period | None, new: Period | None) -> list[Difference]:
    if old is None and new is not None:
        return [_difference("condition_added", code, new.name, None, _class_side(new))]
    if new is None and old is not None:
        return [_difference("condition_removed", code, old.name, _class_side(old), None)]
    changes: list[Difference] = []
    if old is None or new is None:
        return changes
    if (old.disease_class, old.managed_as) != (new.disease_class, new.managed_as):
        sides = _class_side(old), _class_side(new)
        changes.append(_difference("condition_reclassified", code, new.name, *sides))
    if old.name != new.name:
        sides = Side(text=old.name, clause=old.clause), Side(text=new.name, clause=new.clause)
        changes.append(_difference("condition_renamed", code, new.name, *sides))
    return changes


def _report_clock_changes(a: Pack, day_a: date, b: Pack, day_b: date) -> list[Difference]:
    """Report clocks as they work for each condition and subtype that both packs know."""
    changes = []
    for code, classes in _codes(a, day_a).items():
        if code not in _codes(b, day_b):
            continue
        for case in classes & _codes(b, day_b)[code]:
            old = clock(a, "report", code, case, day_a)
            new = clock(b, "report", code, case, day_b)
            if (old.hours if old else None) != (new.hours if new else None):
                changes.append((code, case, old, new))
    return [
        _clock_difference(code, _case_name(b, code, case, day_b), old, new)
        for code, case, old, new in sorted(changes, key=lambda change: change[:2])
    ]


def _other_clock_changes(a: Pack, day_a: date, b: Pack, day_b: date) -> list[Difference]:
    """Clocks of the duties after the report, compared by their code."""
    before = {c.code: c for c in a.report_clocks if c.duty != "report" and c.covers(day_a)}
    after = {c.code: c for c in b.report_clocks if c.duty != "report" and c.covers(day_b)}
    changes = []
    for code in sorted(before.keys() | after.keys()):
        old, new = before.get(code), after.get(code)
        shown = new or old
        if shown and (old.hours if old else None) != (new.hours if new else None):
            changes.append(_clock_difference(code, shown.name, old, new))
    return changes


def _codes(pack: Pack, on: date) -> dict[str, set[str]]:
    """Every condition and subtype of the day with the case classes it may have."""
    return {
        code: {c.code for c in case_classes(pack, code, on)}
        for whole in pack.conditions
        if whole.period_on(on)
        for code in (whole.code, *(form.code for form in whole.subtypes))
    }


def _case_name(pack: Pack, code: str, case: str, on: date) -> Text:
    what, step = name(pack, code, on), case_class(pack, case).name
    return Text(zh=f"{what.zh}·{step.zh}", en=f"{what.en}, {step.en.lower()}")


def _clock_difference(
    code: str, name: Text, old: ReportClock | None, new: ReportClock | None
) -> Difference:
    kind: DifferenceKind = "clock_changed"
    if old is None or new is None:
        kind = "clock_added" if old is None else "clock_removed"
    sides = (_clock_side(row) if row else None for row in (old, new))
    return _difference(kind, code, name, *sides)


def _clock_side(row: ReportClock) -> Side:
    words = Text(zh=f"{row.hours}小时（{row.name.zh}）", en=f"{row.hours} h ({row.name.en})")
    return Side(text=words, clause=row.clause)


def _class_side(row: Period) -> Side:
    words = _CLASS_WORDS[row.disease_class]
    if row.managed_as != row.disease_class:
        as_words = _CLASS_WORDS[row.managed_as]
        words = Text(
            zh=f"{words.zh}，按{as_words.zh}管理", en=f"{words.en}, managed as {as_words.en}"
        )
    return Side(text=words, clause=row.clause)


_CLASS_WORDS: dict[DiseaseClass, Text] = {
    "A": Text(zh="甲类", en="class A"),
    "B": Text(zh="乙类", en="class B"),
    "C": Text(zh="丙类", en="class C"),
    "other": Text(zh="其他", en="not in the list"),
}


def _difference(
    kind: DifferenceKind, code: str, name: Text, before: Side | None, after: Side | None
) -> Difference:
    return Difference(kind=kind, code=code, name=name, before=before, after=after)


def clauses_used(pack: Pack) -> dict[str, Clause]:
    """Every clause that a row of this pack rests on, by code."""
    rows: tuple[Row, ...] = (
        *pack.conditions,
        *pack.report_clocks,
        *pack.case_classes,
        *pack.severity,
        *pack.occupations,
        *pack.residence_relations,
        *pack.identity_documents,
        *pack.warning.clocks,
        *pack.warning.places,
        *pack.count_definitions,
        *pack.privacy_terms,
        *pack.testing.rows,
        *pack.screening.rows,
        *pack.card_checks,
    )
    clauses = [
        *(row.clause for row in rows),
        *(period.clause for condition in pack.conditions for period in condition.periods),
        *(form.clause for condition in pack.conditions for form in condition.subtypes),
        *(rule.clause for rule in pack.warning.rules),
        pack.warning.moving_percentile.clause,
        pack.warning.ears.clause,
        *([pack.warning.adaptive.clause] if pack.warning.adaptive else []),
        *([pack.warning.load.clause] if pack.warning.load else []),
    ]
    return {clause.code: clause for clause in clauses}
