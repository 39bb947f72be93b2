"""Reasons and faults in words. The rules give codes and facts; here they become sentences.

The texts are marked for the translations of the house and looked up by whoever asks: by Django on a
page, by the catalogue of this room alone in the command ``fangkong allocate``.
"""

from __future__ import annotations

import gettext
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # marks the texts for `make messages`; at run time Django would want settings
    from django.utils.translation import gettext_noop as _
else:
    _ = str

Facts = Mapping[str, str | int | float]
Translate = Callable[[str], str]

REASONS = {
    "met": _("Gets all that it needs for %(days)s days: %(quantity)s of %(wanted)s."),
    "met_asked": _("Gets all that it asked for: %(quantity)s."),
    "met_packs": _(
        "Gets %(quantity)s of the %(wanted)s asked for: in whole packs of %(pack)s more would be "
        "above the request."
    ),
    "enough": _("Gets nothing: what it has and what is coming last for %(days)s days."),
    "nothing_asked": _("Gets nothing: it asked for none."),
    "no_consumption": _(
        "Gets nothing: it has no consumption to share by. Enter one, or share by request."
    ),
    "pack": _("Gets nothing: a pack holds %(pack)s, more than the %(wanted)s asked for."),
    "share": _(
        "Gets %(quantity)s of %(wanted)s, cover %(cover)s days: %(there)s were to be shared out "
        "for a need of %(asked)s, and exposure class %(class)s at risk %(risk)s was brought to "
        "%(level)s days everywhere it could be."
    ),
    "share_none": _(
        "Gets none of %(wanted)s, cover %(cover)s days: %(there)s were to be shared out for a need "
        "of %(asked)s, and others of its class had less."
    ),
    "share_group": _(
        "Gets %(quantity)s of %(wanted)s, cover %(cover)s days with what stands in: goods and "
        "their substitutes are short, and exposure class %(class)s at risk %(risk)s was brought "
        "to %(level)s days everywhere it could be."
    ),
    "higher": _(
        "Gets none of %(wanted)s, cover %(cover)s days: all went to exposure class %(higher)s, "
        "which comes before class %(class)s, or to floors."
    ),
    "no_stock": _("Gets none of %(wanted)s: the store has none to give, %(kept)s stay as reserve."),
    "no_pack": _(
        "Gets none of %(wanted)s: what the store may give is less than a pack of %(pack)s."
    ),
    "earmark": _(
        "Gets %(quantity)s of %(wanted)s: the rest is earmarked for others, and what may come here "
        "is shared out."
    ),
    "earmark_none": _("Gets none of %(wanted)s: all lots are earmarked for others."),
    "expiry": _(
        "Gets %(quantity)s of %(wanted)s: what lasts beyond day %(day)s is short, and what expires "
        "by then would not be used in time."
    ),
    "vehicle": _("Gets %(quantity)s of %(wanted)s: vehicle %(vehicle)s is full until day %(day)s."),
    "vehicle_never": _("Gets none of %(wanted)s: a pack does not fit on vehicle %(vehicle)s."),
    "vehicle_full": _(
        "Gets %(quantity)s of %(wanted)s: for the rest no trip of vehicle %(vehicle)s has room in "
        "time."
    ),
    "rounding": _(
        "Gets %(quantity)s of %(wanted)s: the rest is less than a pack, or no pack is left."
    ),
    "by_request_down": _(
        "Gets %(quantity)s of %(wanted)s: %(there)s for requests of %(asked)s make %(percent)s %% "
        "of each request, rounded down to whole packs."
    ),
    "by_request_up": _(
        "Gets %(quantity)s of %(wanted)s: %(there)s for requests of %(asked)s make %(percent)s %% "
        "of each request; what rounding left over came here."
    ),
    "by_consumption_down": _(
        "Gets %(quantity)s: %(there)s make %(months)s months of everybody's consumption, here of "
        "%(rate)s a month, rounded down to whole packs."
    ),
    "by_consumption_up": _(
        "Gets %(quantity)s: %(there)s make %(months)s months of everybody's consumption, here of "
        "%(rate)s a month; what rounding left over came here."
    ),
    "substitute": _("%(quantity)s stand in for %(item)s, which is short."),
    "all_sent": _("All that may leave the store is sent: %(sent)s."),
    "left_over": _("%(sent)s are sent and %(left)s are left: everybody has what they need."),
    "left_bound": _(
        "%(sent)s are sent and %(left)s are left: those who still lack some may not have them, "
        "cannot use them in time or are not reached; their lines say which."
    ),
    "kept": _("%(kept)s stay in the store as its reserve."),
    "kept_less": _("Only %(kept)s of the %(asked)s to be kept back are there for everybody."),
    "past": _("%(past)s are past their last day."),
}

FAULTS = {
    "file_missing": _(
        "there is no such file. Write the path of the problem, or - for standard input"
    ),
    "file_unreadable": _("cannot be read: %(why)s"),
    "too_big": _(
        "is larger than %(most)s MB. Split the problem by item; items without substitutes "
        "are shared out one by one anyway"
    ),
    "not_utf8": _("is not UTF-8 text. Save it as UTF-8"),
    "not_json": _("is not JSON: %(why)s (line %(line)s, column %(column)s)"),
    "too_deep": _("is nested too deeply to be a problem"),
    "twice": _("is there twice. Keep one"),
    "not_number": _("is not a number that JSON knows. Write a whole number"),
    "whole": _("is no whole number. Count in pieces of the smallest unit"),
    "least": _("must be at least %(least)s"),
    "most": _("must be at most %(most)s"),
    "missing": _("is missing. Add it"),
    "unknown_key": _(
        "is no word of a problem. Remove it or mend its spelling (fangkong allocate --schema "
        "problem)"
    ),
    "choice": _("must be one of %(choices)s"),
    "text": _("must be a text in quotation marks"),
    "empty": _("must not be empty"),
    "long": _("is longer than %(most)s"),
    "list": _("must be a list in square brackets"),
    "object": _("must be an object in braces"),
    "day": _('must be a day written as "YYYY-MM-DD"'),
    "other": _("does not fit: %(why)s"),
    "same_id": _("is the id of another one too. Give each its own"),
    "unknown_item": _("names no item of this problem. Add the item or mend the name"),
    "unknown_place": _("names no place and no group of this problem. Add it or mend the name"),
    "unknown_vehicle": _("names no vehicle of this problem. Add the vehicle or mend the name"),
    "unknown_owner": _(
        "is the owner of no place of this problem. Mend the name, or leave the lot out"
    ),
    "stock_or_lots": _("has both stock and lots. Keep one of them"),
    "no_stock": _("has neither stock nor lots. Write how much there is; 0 is an answer"),
    "first_day": _(
        "is needed where lots expire or something is coming. Write the day of the first departure"
    ),
    "itself": _("stands in for itself. Name another item"),
    "no_need": _(
        "has a request, but sharing by need wants its daily need or monthly consumption. Add "
        "one, or use by_request"
    ),
    "no_lines": _(
        "ask for nothing in this mode: the smallest line is a request (by_request), a "
        "monthly consumption (by_consumption) or a need (by_need)"
    ),
    "too_many": _(
        "come to %(found)s lines of place, item and day; at most %(most)s are shared out at "
        "once. Split the problem by item"
    ),
    "more": _("… and %(more)s faults more"),
}


def say_in(language: str) -> Callable[[str, Facts], str]:
    """Sentences in English ("en") or Chinese ("zh"), without Django's settings."""
    translate = catalogue(language)
    texts = {code: translate(text) for code, text in REASONS.items()}
    return lambda code, facts: texts[code] % facts


def catalogue(language: str) -> Translate:
    """Looks texts up in the catalogue of this room; English is what the sources speak."""
    path = Path(__file__).parents[1] / "locale" / "zh_Hans" / "LC_MESSAGES" / "django.mo"
    if language == "en" or not path.is_file():  # `make` has not compiled the catalogues yet
        return str
    with path.open("rb") as file:
        return gettext.GNUTranslations(file).gettext
