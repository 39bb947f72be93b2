"""Codes of testing in the words of the page's language."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from django.utils.functional import Promise
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from fangkong.packs import queries as packs
from fangkong.packs.types import UnknownCode

from .rules import HIGHEST_CT

FAULTS: Mapping[str, str | Promise] = {
    "unknown_condition": _("This is not a disease of the rules in force on that day."),
    "unknown_group": _("The rules in force on that day name no such group. Choose another one."),
    "group_of_person": _("This group is one of persons. Choose one of surfaces."),
    "group_of_surface": _("This group is one of surfaces. Choose one of persons."),
    "unknown_type": _("The rules in force on that day name no such specimen. Choose another one."),
    "type_of_person": _("This specimen is taken from a person. Name the person or choose another."),
    "type_of_surface": _("This specimen is taken from a surface, not from a person."),
    "site_missing": _("Say which surface is tested, such as “door handle of ward 3”."),
    "site_of_person": _("A surface is not asked where a person is tested. Leave it empty."),
    "onset_of_surface": _("A surface has no onset. Leave it empty."),
    "onset_to_come": _("The onset cannot lie after the request."),
    "unknown_method": _("The rules in force on that day name no such method. Choose another one."),
    "method_of_another": _("This method is for another disease. Choose another one."),
    "ct_of_invalid": _("An invalid result has no Ct values. Leave them empty."),
    "ct_not_asked": _("This method has no Ct values. Leave them empty."),
    "unknown_target": _("This method has no such target. Name the targets as the rules do."),
    "ct_out_of_range": _("A Ct value lies above 0 and is at most %(most)d."),
    "no_pools": _("The rules in force on that day allow no pools. Take single specimens."),
    "unknown_pool": _("The rules in force on that day know no such pool. Choose another one."),
    "group_not_pooled": _(
        "This group is not tested in pools: they are for screening alone. Take a single specimen."
    ),
    "type_not_pooled": _("This specimen is not taken into pools. Choose another one."),
    "surface_not_pooled": _("A surface does not go into a pool of persons. Test it singly."),
    "tested_singly": _(
        "This person is tested singly: they are held, or were ill or positive of late. Take a"
        " single specimen."
    ),
    "ill_not_pooled": _(
        "Whoever is ill, or a case, is not tested in a pool. Take a single specimen."
    ),
    "pool_of_another_disease": _("This pool is tested for another disease."),
    "pool_of_another_type": _("Another kind of specimen goes into this pool."),
    "pool_of_another_county": _("This test was asked for in another county."),
    "case_of_another": _("This case belongs to another person or another disease."),
}


def fault(code: str) -> str:
    """What is wrong, and what to do."""
    return str(FAULTS[code]) % {"most": HIGHEST_CT // 100}


def named(pack_id: str, table: str, code: str) -> str:
    """A code of the pack's testing tables (``specimens``, ``methods``, ``groups``) in words."""
    return _named(pack_id, table, code, get_language() or "")


@lru_cache(maxsize=2000)
def _named(pack_id: str, table: str, code: str, language: str) -> str:
    try:
        pack = packs.pack(pack_id)
    except UnknownCode:
        return code
    for row in getattr(pack.testing, table):
        if row.code == code:
            return str(row.name.in_language(language))
    return code


def promise(name: str, hours: int) -> str:
    """A group with its promise: Arrivals, result in 24 h."""
    return str(_("%(group)s, result in %(hours)d h")) % {"group": name, "hours": hours}
