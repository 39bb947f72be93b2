"""When two records of a person are joined: cases that cannot both stand with one person."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from django.utils.translation import gettext_lazy as _

from fangkong.core import clock
from fangkong.core.refusals import filled
from fangkong.packs.types import NoPackInForce
from fangkong.people.duplicates.types import Obstacle

from . import queries, rules
from .models import Case


def stands(kept: int, gone: int, at: datetime) -> Iterator[Obstacle]:
    """Each illness that was reported of both records: it would count twice, and of one person."""
    found = queries.cases_by_person([kept, gone])
    for case in found.get(gone, []):
        for other in found.get(kept, []):
            if _same_illness(other, case):
                text = _(
                    "Both have a case that is about the same illness: %(one)s and %(other)s. Revise"
                    " the one that was reported once too often as discarded, then join."
                )
                yield Obstacle(
                    filled(text, one=other.number, other=case.number), case.get_absolute_url()
                )


def _same_illness(one: Case, other: Case) -> bool:
    """Whether two cases are one by the rules of the newer one's day; a discarded case is none."""
    newer = max(one, other, key=lambda case: case.diagnosed_at)
    if abs(one.diagnosed_at - other.diagnosed_at) > rules.SAME_ILLNESS:
        return False
    try:
        pack = queries.pack_on(clock.day_of(newer.diagnosed_at))
    except NoPackInForce:
        return one.condition == other.condition
    counted = queries.reportable_classes(pack)
    if one.case_class not in counted or other.case_class not in counted:
        return False
    whole = {rules.whole_condition(pack, case.condition) for case in (one, other)}
    return len(whole) == 1
