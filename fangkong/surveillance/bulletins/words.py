"""Bulletins in words: names of figures, faults, and the text that is published."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date

from django.utils.formats import date_format
from django.utils.functional import Promise
from django.utils.translation import (
    get_language,
    gettext_lazy,
    ngettext,
    override,
    pgettext,
    pgettext_lazy,
)
from django.utils.translation import gettext as _

from fangkong.core.sentences import listed
from fangkong.packs import queries as packs
from fangkong.packs.types import NoPackInForce, UnknownCode
from fangkong.places import queries as places
from fangkong.surveillance.monitoring import queries as monitoring
from fangkong.surveillance.monitoring import words as cases
from fangkong.surveillance.monitoring.types import Origin

from . import rules
from .rules import Fault
from .types import Figures, Split

SINGLE: Mapping[str, str | Promise] = {
    "total": pgettext_lazy("figure of a bulletin", "Cases in all"),
    "new": pgettext_lazy("figure of a bulletin", "New"),
    "removed": pgettext_lazy("figure of a bulletin", "No longer counted"),
    "died": pgettext_lazy("figure of a bulletin", "Died"),
    "cured": pgettext_lazy("figure of a bulletin", "Cured"),
    "observed": pgettext_lazy("figure of a bulletin", "Under observation"),
    "youngest": pgettext_lazy("figure of a bulletin", "Youngest"),
    "oldest": pgettext_lazy("figure of a bulletin", "Oldest"),
}
_SEX = {
    "1": pgettext_lazy("sex", "male"),
    "2": pgettext_lazy("sex", "female"),
}
NOT_STATED = pgettext_lazy("a figure", "not stated")

_FAULTS: Mapping[str, str | Promise] = {
    "split": gettext_lazy("%(split)s sums to %(sum)s, the total is %(total)s."),
    "new_by_county": gettext_lazy("The new cases of the counties sum to %(sum)s, not %(total)s."),
    "new_above_total": gettext_lazy("There are more new cases (%(new)s) than cases (%(total)s)."),
    "ended_above_total": gettext_lazy(
        "Died (%(died)s) and cured (%(cured)s) are more than the cases in all (%(total)s)."
    ),
    "county_new_above": gettext_lazy(
        "%(county)s has more new cases (%(new)s) than cases in all (%(total)s)."
    ),
    "does_not_follow": gettext_lazy(
        "The bulletin of the day before told of %(before)s; with %(new)s new and %(removed)s no"
        " longer counted that does not make %(total)s. Correct one of them, or say why in the"
        " remark, in both languages."
    ),
    "gap": gettext_lazy(
        "The last bulletin told of %(day)s. The cases of the days in between are new in none: say"
        " in the remark, in both languages, how many there were."
    ),
    "ages_reversed": gettext_lazy(
        "The youngest (%(youngest)s) is older than the oldest (%(oldest)s)."
    ),
    "removed_above": gettext_lazy(
        "No longer counted (%(removed)s) are more than the last bulletin told of (%(before)s)."
    ),
    "bad_age": gettext_lazy("Write full years from 0 to 130."),
    "unknown_figure": gettext_lazy("There is no such figure in this bulletin."),
    "missing": gettext_lazy("This figure is missing. Write 0 where there is none."),
    "out_of_range": gettext_lazy("Write a whole number from 0 to 10,000,000."),
}


def fault(one: Fault) -> str:
    """Why a bulletin cannot be issued, and what to do."""
    told = dict(one.params)
    if "split" in told:
        told["split"] = str(Split(str(told["split"])).label)
    if "county" in told:
        told["county"] = county(str(told["county"]))
    return str(_FAULTS[one.code]) % told


def number_fault(code: str) -> str:
    """What is wrong with one figure as it was typed."""
    return str(_FAULTS[code])


def condition(code: str, day: date) -> str:
    """A disease by its code, as the rules of a day call it; its code where there are none."""
    try:
        return cases.condition(monitoring.pack_on(day).id, code, day)
    except NoPackInForce:
        return code


def county(code: str) -> str:
    """A county by its code, in the language of the page."""
    found = next((one for one in places.areas().values() if one.code == code), None)
    return code if found is None else found.display_short


def named(split: str, code: str, pack: str) -> str:
    """A code of a split in words."""
    if code == rules.UNKNOWN:
        return str(NOT_STATED)
    if split in (Split.COUNTY, "new"):
        return county(code)
    if split == Split.SEX:
        return str(_SEX.get(code, NOT_STATED))
    if split == Split.AGE:
        return code.replace("-", "–")
    if split == Split.SOURCE:
        return str(Origin(code).label) if code in Origin.values else code
    if split == "apart":
        return cases.named(pack, "case_classes", code)
    return cases.named(pack, "severity", code)


def figure(key: str, pack: str) -> str:
    """A key of ``rules.flat`` in words."""
    group, sign, code = key.partition(":")
    if not sign:
        return str(SINGLE[key])
    if group == "new":
        return _("New, %(place)s") % {"place": county(code)}
    if group == "apart":
        return _("Apart: %(what)s") % {"what": named(group, code, pack)}
    return f"{Split(group).label}: {named(group, code, pack)}"


def clause(pack_id: str, code: str) -> str:
    """A clause in the language of the page; empty where the pack is gone."""
    try:
        found = next((one for one in packs.pack(pack_id).clauses if one.code == code), None)
    except UnknownCode:
        found = None
    return "" if found is None else found.text.in_language(get_language() or "")


def definition(pack_id: str, code: str) -> str:
    """What the figures count, in the language of the page."""
    return cases.named(pack_id, "count_definitions", code)


# --- The text that is published -------------------------------------------------------------------


def both_texts(
    told: Figures,
    *,
    place: Mapping[str, str],
    pack: str,
    condition: str,
    day: date,
    classes: Sequence[str],
    remarks: Mapping[str, str],
) -> dict[str, str]:
    """The text of a bulletin in Chinese and English: ``{"zh": …, "en": …}``."""
    texts = {}
    for short, language in (("zh", "zh-hans"), ("en", "en")):
        with override(language):
            told_of = cases.condition(pack, condition, day)
            parts = list(_sentences(told, place[short], pack, told_of, day, classes))
            if remarks[short]:
                parts.append(remarks[short])
            texts[short] = ("" if short == "zh" else " ").join(parts)
    return texts


def _sentences(
    told: Figures, place: str, pack: str, condition: str, day: date, classes: Sequence[str]
) -> Iterable[str]:
    what = {
        "day": date_format(day, "DATE_FORMAT"),
        "place": place,
        "condition": condition,
        "classes": listed(cases.named(pack, "case_classes", one) for one in classes),
    }
    if told.new:
        counted = _line("new", told.new_by_county, pack)
        text = ngettext(
            "%(condition)s (%(classes)s): %(place)s had %(n)d new case on %(day)s (%(counties)s).",
            "%(condition)s (%(classes)s): %(place)s had %(n)d new cases on %(day)s (%(counties)s).",
            told.new,
        )
        yield text % {**what, "n": told.new, "counties": counted}
    else:
        yield _("%(condition)s (%(classes)s): %(place)s had no new case on %(day)s.") % what
    if told.removed:
        yield ngettext(
            "%(n)d case counted before is not one any more.",
            "%(n)d cases counted before are not any more.",
            told.removed,
        ) % {"n": told.removed}
    if not told.total:
        yield _("Until 24:00 of that day there was none in all.")
    else:
        counted = _line(Split.COUNTY, told.splits.get(Split.COUNTY, {}), pack)
        text = ngettext(
            "Until 24:00 of that day there was %(n)d case in all: %(counties)s.",
            "Until 24:00 of that day there were %(n)d cases in all: %(counties)s.",
            told.total,
        )
        yield text % {"n": told.total, "counties": counted}
        if told.total >= rules.DESCRIBED_FROM:  # fewer would be described as persons
            yield from _about(told, pack)
    yield from _ended(told)
    if told.apart and (apart := _line("apart", told.apart, pack)):
        yield _("Counted apart: %(apart)s.") % {"apart": apart}
    if told.observed is not None:
        yield ngettext(
            "%(n)d person is still under medical observation.",
            "%(n)d persons are still under medical observation.",
            told.observed,
        ) % {"n": told.observed}


def _about(told: Figures, pack: str) -> Iterable[str]:
    if sexes := _line(Split.SEX, told.splits.get(Split.SEX, {}), pack):
        yield _("By sex: %(sexes)s.") % {"sexes": sexes}
    if told.youngest is not None and told.oldest is not None:
        ages = {"youngest": told.youngest, "oldest": told.oldest}
        yield _("Aged %(youngest)d to %(oldest)d years.") % ages
    if sources := _line(Split.SOURCE, told.splits.get(Split.SOURCE, {}), pack):
        yield _("By source: %(sources)s.") % {"sources": sources}
    severity = told.splits.get(Split.SEVERITY, {})
    stated = any(n for code, n in severity.items() if code)
    if stated and (severe := _line(Split.SEVERITY, severity, pack)):
        yield _("By severity: %(severe)s.") % {"severe": severe}


def _ended(told: Figures) -> Iterable[str]:
    if told.cured is None:
        if told.died:
            yield ngettext("%(n)d died.", "%(n)d died.", told.died) % {"n": told.died}
        return
    numbers = {"cured": told.cured, "died": told.died, "treated": told.in_treatment}
    yield _("Cured %(cured)d, died %(died)d, in treatment %(treated)d.") % numbers


def _line(split: str, sums: Mapping[str, int], pack: str) -> str:
    """The parts of a split that are not 0: Daofu 7, Kangding 2."""
    return listed(
        pgettext("a part and its number", "%(name)s %(n)d")
        % {"name": named(split, code, pack), "n": n}
        for code, n in sums.items()
        if n
    )
