"""What is right about tubes, their way and their results. Pure functions.

A specimen (标本) and a pool (混采管) go the same way: one table of steps serves both.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Literal, TypeVar

from fangkong.packs.types import (
    AssayMethod,
    Pack,
    PoolRule,
    ResultJudgement,
    Row,
    SpecimenType,
    TestedGroup,
    TestedSingly,
)

SPECIMEN, POOL = "S", "P"  # what the house's own numbers begin with
NUMBER_LENGTH = 40
SKEW = timedelta(minutes=10)  # a sender's clock may be this much ahead of ours
HIGHEST_CT = 60_00  # hundredths of a cycle; no machine runs longer
POSITIVITY_DAYS = 14

R = TypeVar("R", bound=Row)

# --- Numbers --------------------------------------------------------------------------------------

_SIGNS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_OURS = re.compile(rf"[{SPECIMEN}{POOL}][0-9]{{14}}[0-9A-Z]", re.ASCII)
# As long as one of ours with a sign too few or too many: meant as ours, and mistyped.
_MEANT_AS_OURS = re.compile(rf"[{SPECIMEN}{POOL}][0-9]{{12,}}[0-9A-Z]{{0,2}}", re.ASCII)
_ANY = re.compile(rf"[0-9A-Z][0-9A-Z./_-]{{3,{NUMBER_LENGTH - 1}}}", re.ASCII)


def check_character(body: str) -> str:
    """The check character of digits and capital letters by ISO 7064, MOD 37,36.

    It tells every single mistyped sign and nearly every pair of neighbours that changed places.
    """
    half = len(_SIGNS)
    for sign in body:
        half = ((half + _SIGNS.index(sign)) % 36 or 36) * 2 % 37
    return _SIGNS[(37 - half) % 36]


def number(kind: str, area_code: str, year: int, n: int) -> str:
    """The n-th number of an area and year with its check character: S513326200000012 + 1 sign."""
    body = f"{kind}{area_code:0>6.6}{year % 100:02d}{n:06d}"
    return body + check_character(body)


def misread(number: str) -> bool:
    """Whether its check character looks like a digit; such a number is not given out."""
    return number[-1] in "IO"


def plain_number(text: str) -> str:
    """A scanned or typed number as it is kept: capitals, without blanks; ours without hyphens."""
    plain = re.sub(r"\s", "", unicodedata.normalize("NFKC", text)).upper()
    bare = plain.replace("-", "")
    return bare if _MEANT_AS_OURS.fullmatch(bare) else plain


def beginning(text: str) -> str:
    """How a number begins that somebody types; "" where no number begins so, as any word."""
    plain = plain_number(text)
    if re.match(rf"[{SPECIMEN}{POOL}][0-9]", plain, re.ASCII):
        plain = plain.replace("-", "")
    known = _ANY.fullmatch(plain) and re.search(r"[0-9]", plain)
    return plain if known else ""


def number_fault(plain: str) -> Literal["", "mistyped", "unreadable"]:
    """What is wrong with a number before anything is looked up.

    One of the house tells by its check character; a tube that brought its own only by its signs.
    """
    if _MEANT_AS_OURS.fullmatch(plain):
        right = _OURS.fullmatch(plain) and check_character(plain[:-1]) == plain[-1]
        return "" if right else "mistyped"
    return "" if _ANY.fullmatch(plain) else "unreadable"


def is_ours(plain: str) -> bool:
    """Whether the house gave this number, by its look."""
    return _OURS.fullmatch(plain) is not None


# --- The way of a tube ----------------------------------------------------------------------------

# From each state, the states that may follow. "" is before the first step.
STEPS: Mapping[str, frozenset[str]] = {
    "": frozenset({"requested"}),
    # A tube whose collection nobody noted comes to the laboratory all the same.
    "requested": frozenset({"collected", "received", "cancelled"}),
    # A hospital with a laboratory of its own hands over without shipping.
    "collected": frozenset({"shipped", "received", "lost", "cancelled"}),
    "shipped": frozenset({"received", "refused", "lost"}),
    "received": frozenset({"tested", "refused", "lost"}),
    "tested": frozenset({"tested", "reported", "refused", "lost"}),
    "reported": frozenset(),
    "refused": frozenset(),
    "lost": frozenset(),
    "cancelled": frozenset(),
    # Of a member of a pool: no step of a tube leads there or on (``HOLDS``).
    "held": frozenset(),
    "released": frozenset(),
}
# How the result of a pool, and of the single test after it, moves its members.
HOLDS: Mapping[str, frozenset[str]] = {
    "tested": frozenset({"reported", "held"}),
    "reported": frozenset({"held"}),
    "held": frozenset({"reported", "released"}),
    "released": frozenset({"held"}),
}
STATES = frozenset(STEPS) - {""}
ENDED = frozenset(state for state in STATES if not STEPS[state])
BACKLOG = frozenset({"received", "tested"})
ON_THE_WAY = frozenset({"collected", "shipped"})
# What a laboratory sees of the tubes that are addressed to it: on their way, or with it; and for
# as long as its positivity is counted those that it has done with.
OF_THE_LABORATORY = BACKLOG | ON_THE_WAY
DONE_WITH = frozenset({"reported", "refused", "lost", "held", "released"})
NEEDS_REASON = frozenset({"refused", "lost", "cancelled"})


def may_be_moved(state: str, step: str) -> bool:
    """Whether the result of its pool, or the single test, may move a member so."""
    return step in HOLDS.get(state, frozenset())


def may_follow(state: str, step: str) -> bool:
    """Whether a step may be taken by a tube in this state."""
    return step in STEPS[state]


def moment_fault(
    done_at: datetime, now: datetime, before: datetime | None
) -> Literal["", "future", "before"]:
    """Whether the moment of a step can be right: not to come, and not before the step before.

    People tell moments by the minute, so within one minute the order is theirs.
    """
    if done_at > now + SKEW:
        return "future"
    if before is not None and _minute(done_at) < _minute(before):
        return "before"
    return ""


def same_minute(one: datetime, other: datetime) -> bool:
    """Whether two moments are one to people, who tell them by the minute."""
    return _minute(one) == _minute(other)


def _minute(moment: datetime) -> datetime:
    return moment.replace(second=0, microsecond=0)


def due(group: TestedGroup, collected_at: datetime) -> datetime:
    """When the result is promised: the hours of the group, from the collection."""
    return collected_at + timedelta(hours=group.hours)


# --- The board of a laboratory --------------------------------------------------------------------

# Hours since the collection at which a class of age begins.
AGES = (0, 6, 12, 24, 48)


@dataclass(frozen=True)
class Waiting:
    """A tube that waits for its result: where it stands, and how many persons are in it."""

    state: str
    collected_at: datetime
    due_at: datetime
    persons: int = 1


@dataclass(frozen=True)
class Board:
    """What waits at a laboratory, and how much it found. Tubes and persons are counted apart.

    A tube of a surface counts as one. ``ages``: tubes by hours since the collection, on the way and
    at the bench, one entry for each of ``AGES``. ``days``: (day, tested, positive), of persons and
    surfaces. ``pools``: tubes of many that were reported, and how many of those were not negative.
    """

    on_the_way: int
    at_the_bench: int
    overdue: int
    ages: tuple[tuple[int, int], ...]
    days: tuple[tuple[date, int, int], ...]
    persons_on_the_way: int
    persons_at_the_bench: int
    pools: tuple[int, int]

    @property
    def tested(self) -> int:
        return sum(tested for _day, tested, _positive in self.days)

    @property
    def positive(self) -> int:
        return sum(positive for _day, _tested, positive in self.days)

    @property
    def percent(self) -> float | None:
        """The share of positive results in percent; None where nothing was tested."""
        return percent(self.positive, self.tested)


def percent(positive: int, tested: int) -> float | None:
    return None if not tested else round(100 * positive / tested, 2)


def board(
    waiting: Sequence[Waiting],
    days: Sequence[tuple[date, int, int]],
    at: datetime,
    pools: tuple[int, int] = (0, 0),
) -> Board:
    """Put together what waits and what was found."""
    ages = [[0, 0] for _age in AGES]
    persons = [0, 0]
    for one in waiting:
        hours = (at - one.collected_at).total_seconds() / 3600
        place = max(bisect_right(AGES, hours) - 1, 0)
        ages[place][one.state in BACKLOG] += 1
        persons[one.state in BACKLOG] += one.persons
    return Board(
        on_the_way=sum(way for way, _bench in ages),
        at_the_bench=sum(bench for _way, bench in ages),
        overdue=sum(one.due_at < at for one in waiting),
        ages=tuple((way, bench) for way, bench in ages),
        days=tuple(days),
        persons_on_the_way=persons[0],
        persons_at_the_bench=persons[1],
        pools=pools,
    )


# --- The pack -------------------------------------------------------------------------------------


def row(rows: tuple[R, ...], code: str, on: date) -> R | None:
    """The line of a pack that a code names on a day."""
    return next((one for one in rows if one.code == code and one.covers(on)), None)


def group(pack: Pack, code: str, on: date) -> TestedGroup | None:
    return row(pack.testing.groups, code, on)


def specimen_type(pack: Pack, code: str, on: date) -> SpecimenType | None:
    return row(pack.testing.specimens, code, on)


def specimen_type_of(pack: Pack | None, code: str) -> SpecimenType | None:
    """The line of a specimen's own pack, whatever the day."""
    rows = () if pack is None else pack.testing.specimens
    return next((one for one in rows if one.code == code), None)


def method(pack: Pack, code: str, on: date) -> AssayMethod | None:
    return row(pack.testing.methods, code, on)


def request_faults(
    pack: Pack,
    on: date,
    *,
    condition: str,
    group: str,
    specimen_type: str,
    onset_date: date | None,
    site: str,
    of_person: bool,
) -> Iterator[tuple[str, str]]:
    """What is wrong with a request: field and code of the fault."""
    known = next((one for one in pack.conditions if one.code == condition), None)
    if known is None or known.period_on(on) is None:
        yield "condition", "unknown_condition"
    asked = row(pack.testing.groups, group, on)
    if asked is None:
        yield "group", "unknown_group"
    elif asked.of_person != of_person:
        yield "group", "group_of_person" if asked.of_person else "group_of_surface"
    taken = row(pack.testing.specimens, specimen_type, on)
    if taken is None:
        yield "specimen_type", "unknown_type"
    elif taken.of_person != of_person:
        yield "specimen_type", "type_of_person" if taken.of_person else "type_of_surface"
    if not of_person and not site:
        yield "site", "site_missing"
    if of_person and site:
        yield "site", "site_of_person"
    if onset_date is not None and not of_person:
        yield "onset_date", "onset_of_surface"
    elif onset_date is not None and onset_date > on:
        yield "onset_date", "onset_to_come"


# --- Pools ----------------------------------------------------------------------------------------

MEMBER = "pool-member"  # the group of whoever is tested singly after a pool


def pool_rule(pack: Pack, code: str, on: date) -> PoolRule | None:
    return row(pack.testing.pools, code, on)


def pool_faults(
    pack: Pack, on: date, *, condition: str, rule: str, group: str, specimen_type: str
) -> Iterator[tuple[str, str]]:
    """What is wrong with a pool that is to be opened: field and code of the fault."""
    known = next((one for one in pack.conditions if one.code == condition), None)
    if known is None or known.period_on(on) is None:
        yield "condition", "unknown_condition"
    asked = pool_rule(pack, rule, on)
    if asked is None:
        yield "rule", "no_pools" if not pools(pack, on) else "unknown_pool"
        return
    if group not in asked.groups or row(pack.testing.groups, group, on) is None:
        yield "group", "group_not_pooled"
    if (
        specimen_type not in asked.specimens
        or row(pack.testing.specimens, specimen_type, on) is None
    ):
        yield "specimen_type", "type_not_pooled"


def singly(pack: Pack, contact_class: str, condition: str, on: date) -> TestedSingly | None:
    """The line by which contacts of a class have a tube of their own; None where there is none."""
    return next(
        (
            one
            for one in pack.testing.singly
            if one.covers(on)
            and one.contact_class == contact_class
            and (not one.conditions or condition in one.conditions)
        ),
        None,
    )


def pools(pack: Pack, on: date) -> list[PoolRule]:
    """The kinds of pools that the rules of a day allow."""
    return [one for one in pack.testing.pools if one.covers(on)]


def may_pool(rule: PoolRule, positive: int, tested: int) -> bool:
    """Whether so few are positive that persons may share a tube; yes where nobody was tested."""
    if rule.per_million is None or not tested:
        return True
    return positive * 1_000_000 < rule.per_million * tested


def member_faults(
    rule: PoolRule,
    *,
    condition: tuple[str, str],
    specimen_type: tuple[str, str],
    county: tuple[int | None, int | None],
    group: str,
    of_person: bool,
    onset: bool,
) -> Iterator[tuple[str, str]]:
    """Why a requested specimen cannot go into a pool. Pairs are of the specimen and of the pool.

    Whoever is ill is a patient to be diagnosed, and is tested singly.
    """
    if not of_person:
        yield "number", "surface_not_pooled"
        return
    if condition[0] != condition[1]:
        yield "number", "pool_of_another_disease"
    if specimen_type[0] != specimen_type[1]:
        yield "number", "pool_of_another_type"
    if county[0] != county[1]:
        yield "number", "pool_of_another_county"
    if group not in rule.groups:
        yield "number", "group_not_pooled"
    if onset:
        yield "number", "ill_not_pooled"


DISCARDED = "discarded"  # the class of a case that proved to be none
SUSPECTED = "suspected"


def judgement(pack: Pack, condition: str, method: str, on: date) -> ResultJudgement | None:
    """What the pack makes of a positive result; None where it says nothing of it."""
    for one in pack.testing.judgements:
        if one.condition == condition and method in one.methods and one.covers(on):
            return one
    return None


def becomes(judged: ResultJudgement, case_class: str, *, has_symptoms: bool) -> str:
    """The class that a positive result gives a case; "" where the case stands there already.

    Whoever had no symptoms and has some now is raised; nobody is lowered.
    """
    wanted = judged.becomes if has_symptoms else judged.without_symptoms or judged.becomes
    return "" if case_class in (wanted, judged.becomes) else wanted


def result_faults(
    pack: Pack, on: date, *, condition: str, method: str, outcome: str, ct: Mapping[str, int]
) -> Iterator[tuple[str, str]]:
    """What is wrong with a result: field and code of the fault."""
    used = row(pack.testing.methods, method, on)
    if used is None:
        yield "method", "unknown_method"
        return
    if not used.tests_for(condition):
        yield "method", "method_of_another"
    if outcome == "invalid" and ct:
        yield "ct", "ct_of_invalid"
    elif ct and not (used.has_ct and used.targets_for(condition)):
        yield "ct", "ct_not_asked"
    elif not set(ct) <= set(used.targets_for(condition)):
        yield "ct", "unknown_target"
    elif any(not 0 < value <= HIGHEST_CT for value in ct.values()):
        yield "ct", "ct_out_of_range"
