"""What is found in a card, in words."""

from __future__ import annotations

from functools import lru_cache

from django.utils.functional import Promise
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from fangkong.packs import queries as packs
from fangkong.packs.types import Clause, UnknownCode

from . import rules
from .types import Finding

TOO_MANY = _(
    "More than %(most)s cards were reported in these days. Choose fewer days, a county or a "
    "facility."
)

OWN: dict[Finding, str | Promise] = {
    rules.LATE_REPORT: _("Reported after its time"),
    rules.LATE_REVIEW: _("Reviewed after its time"),
    rules.NO_REVIEW: _("Not reviewed, its time is over"),
    rules.RETURNED: _("Returned and not corrected yet"),
}


def named(definition: str, finding: Finding) -> str:
    """A finding in the language of the page, as the pack that judged the card calls it."""
    own = OWN.get(finding)
    if own is not None:
        return str(own)
    return _named(definition, finding.code, get_language() or "en")


def clause(definition: str, finding: Finding) -> Clause | None:
    """The clause that a finding rests on; None for the clocks, whose clause the case tells."""
    try:
        checks = packs.pack(definition).card_checks
    except UnknownCode:
        return None
    return next((one.clause for one in checks if one.code == finding.code), None)


@lru_cache(maxsize=512)
def _named(definition: str, code: str, language: str) -> str:
    try:
        checks = packs.pack(definition).card_checks
    except UnknownCode:
        return code
    return next((one.name.in_language(language) for one in checks if one.code == code), code)
