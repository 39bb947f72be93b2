"""How the figures of a bulletin are counted and what must hold before they are told. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from types import MappingProxyType

from .facts import (
    AGE,
    CARDS,
    COUNTY,
    MISSING,
    NIL,
    OVERDUE,
    SEVERITY,
    SEX,
    SOURCE,
    Counted,
    Figures,
)

BANDS = (0, 10, 20, 30, 40, 50, 60, 70, 80)  # first years of the bands of ages
UNKNOWN = ""  # a split's code for what nobody stated
OLDEST = 130  # years; nobody is older
DESCRIBED_FROM = 3  # cases: fewer are not described by sex, age, source and severity in a text
MOST = 10_000_000  # no prefecture has more people
SEXES = ("1", "2")  # of GB/T 2261.1; the others are not stated


def band(age: int | None) -> str:
    """The code of the band of an age: "0-9", …, "80+"; "" where it is not known."""
    if age is None:
        return UNKNOWN
    first = max(start for start in BANDS if start <= max(age, 0))
    return f"{first}+" if first == BANDS[-1] else f"{first}-{first + 9}"


def count(
    now: Sequence[Counted],
    before: Collection[int],
    *,
    day: date,
    counties: Iterable[str],
    sources: Iterable[str] = (),
    severities: Iterable[str] = (),
    apart: Mapping[str, int] = MappingProxyType({}),
    observed: int | None = None,
) -> Figures:
    """The figures of who counts now; ``before``: the cases that counted a day earlier; ``apart``:
    by class, those that count apart.

    Every county, source and severity named, every band of ages, and what is not stated, has its
    figure, also 0. A death is one until the day of the bulletin.
    """
    codes = list(counties)
    fresh = [one for one in now if one.case not in before]
    ages = [one.age for one in now if one.age is not None]
    keys = {one.case for one in now}
    splits = {
        COUNTY: _sums((one.county for one in now), codes),
        SEX: _sums((one.sex if one.sex in SEXES else UNKNOWN for one in now), [*SEXES, UNKNOWN]),
        AGE: _sums((band(one.age) for one in now), [*map(band, BANDS), UNKNOWN]),
        SOURCE: _sums((one.source for one in now), [*sources, UNKNOWN]),
        SEVERITY: _sums((one.severity for one in now), [*severities, UNKNOWN]),
    }
    return Figures(
        total=len(now),
        new=len(fresh),
        removed=len(set(before) - keys),
        died=sum(1 for one in now if one.died_on is not None and one.died_on <= day),
        observed=observed,
        youngest=min(ages, default=None),
        oldest=max(ages, default=None),
        new_by_county=_sums((one.county for one in fresh), codes),
        apart=dict(apart),
        splits=splits,
    )


def _sums(found: Iterable[str], codes: Iterable[str]) -> dict[str, int]:
    sums = Counter(found)
    return dict.fromkeys(codes, 0) | dict(sorted(sums.items()))


# --- Before it is told ----------------------------------------------------------------------------


@dataclass(frozen=True)
class Fault:
    """Why a bulletin cannot be issued; ``code`` leads to the words, ``params`` fill them."""

    code: str
    params: dict[str, int | str] = field(default_factory=dict)


def faults(told: Figures, previous: Figures | None, *, remark: str, gap: str = "") -> list[Fault]:
    """All that does not fit together; ``previous``: what was issued last, for an earlier day.

    A total that does not follow from it needs a remark, nothing more: a correction of the past has
    its reasons. So do days without a bulletin in between (``gap``: the day that was told last), for
    the cases of those days are new in none.
    """
    found = [
        Fault("split", {"split": split, "sum": sum(sums.values()), "total": told.total})
        for split, sums in told.splits.items()
        if sum(sums.values()) != told.total
    ]
    if (fresh := sum(told.new_by_county.values())) != told.new:
        found.append(Fault("new_by_county", {"sum": fresh, "total": told.new}))
    if told.new > told.total:
        found.append(Fault("new_above_total", {"new": told.new, "total": told.total}))
    if told.died + (told.cured or 0) > told.total:
        ended = {"died": told.died, "cured": told.cured or 0, "total": told.total}
        found.append(Fault("ended_above_total", dict(ended)))
    found += [
        Fault("county_new_above", {"county": county, "new": n, "total": whole})
        for county, n in told.new_by_county.items()
        if n > (whole := told.splits.get(COUNTY, {}).get(county, 0))
    ]
    if told.youngest is not None and told.oldest is not None and told.youngest > told.oldest:
        found.append(Fault("ages_reversed", {"youngest": told.youngest, "oldest": told.oldest}))
    if previous is not None and told.removed > previous.total:
        found.append(Fault("removed_above", {"removed": told.removed, "before": previous.total}))
    if gap and not remark:
        found.append(Fault("gap", {"day": gap}))
    elif previous is not None and not remark:
        follows = previous.total + told.new - told.removed
        if follows != told.total:
            before = {"before": previous.total, "new": told.new, "removed": told.removed}
            found.append(Fault("does_not_follow", {**before, "total": told.total}))
    return found


@dataclass(frozen=True)
class Change:
    """One figure stated otherwise; ``key`` as in ``flat``."""

    key: str
    before: int | None
    after: int | None


def flat(figures: Figures) -> dict[str, int | None]:
    """Every figure by a key of its own: "total", "new:513326", "county:513326", "sex:male"."""
    single = ("total", "new", "removed", "died", "cured", "observed", "youngest", "oldest")
    found: dict[str, int | None] = {name: getattr(figures, name) for name in single}
    found |= {f"new:{code}": n for code, n in figures.new_by_county.items()}
    found |= {f"apart:{code}": n for code, n in figures.apart.items()}
    for split, sums in figures.splits.items():
        found |= {f"{split}:{code}": n for code, n in sums.items()}
    return found


def restated(figures: Figures, told: dict[str, int | None]) -> Figures:
    """The figures with others in place of those that ``told`` names (keys of ``flat``)."""
    new, apart = dict(figures.new_by_county), dict(figures.apart)
    splits = {split: dict(sums) for split, sums in figures.splits.items()}
    single = {}
    for key, n in told.items():
        group, _sign, code = key.partition(":")
        if not _sign:
            single[key] = n
        elif group in ("new", "apart"):
            (new if group == "new" else apart)[code] = n or 0
        else:
            splits[group][code] = n or 0
    groups = {"new_by_county": new, "apart": apart, "splits": splits}
    return Figures.of({**figures.as_json(), **single, **groups})


def changes(before: Figures, after: Figures) -> list[Change]:
    """What was stated otherwise, in the order of the page."""
    old, new = flat(before), flat(after)
    return [Change(key, old.get(key), n) for key, n in new.items() if old.get(key) != n]


MAY_BE_UNSAID = ("cured", "observed", "youngest", "oldest")


def number_faults(told: dict[str, int | None], known: Collection[str]) -> list[tuple[str, str]]:
    """What cannot be a figure: (key, code of the fault) each."""
    found = []
    for key, n in told.items():
        if key not in known:
            found.append((key, "unknown_figure"))
        elif n is None:
            if key not in MAY_BE_UNSAID:
                found.append((key, "missing"))
        elif not 0 <= n <= (OLDEST if key in ("youngest", "oldest") else MOST):
            found.append((key, "bad_age" if key in ("youngest", "oldest") else "out_of_range"))
    return found


# --- Daily reporting ------------------------------------------------------------------------------


def standing(cards: int, nil: bool, *, overdue: bool) -> str:
    """What a facility has said of a day: cards go before a nil report, whenever they came."""
    if cards:
        return CARDS
    if nil:
        return NIL
    return OVERDUE if overdue else MISSING


def share(part: int, whole: int) -> float | None:
    """A share from 0 to 1; None of nothing."""
    return part / whole if whole else None
