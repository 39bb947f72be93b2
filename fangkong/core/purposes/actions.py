"""Note how a purpose was assessed."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from fangkong.core.audit import actions as audit
from fangkong.core.free_text import refuse_numbers
from fangkong.core.refusals import Refused
from fangkong.core.spelling import shown

from . import types
from .models import Assessment

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser

SHORTEST = 10


class UnknownPurpose(Refused):
    """No room declares this purpose."""

    status = 422
    field = "purpose"


class TooShort(Refused):
    """An assessment of a word is none."""

    status = 422


@transaction.atomic
def assess(
    *,
    purpose: str,
    need: str,
    risk: str,
    measures: str,
    fit: bool,
    by: AbstractBaseUser,
    at: datetime,
) -> Assessment:
    """Note necessity, risk and measures of a purpose (PIPL 56), and whether they fit."""
    if purpose not in {one.name for one in types.declared()}:
        raise UnknownPurpose(_("No part of the system has this purpose. Choose one of the list."))
    need, risk, measures = shown(need), shown(risk), shown(measures)
    if min(len(text) for text in (need, risk, measures)) < SHORTEST:
        raise TooShort(_("Write need, risk and measures in at least ten letters each."))
    refuse_numbers(need=need, risk=risk, measures=measures)
    made = Assessment.objects.create(
        purpose=purpose,
        need=need,
        risk=risk,
        measures=measures,
        fit=fit,
        at=at,
        by_id=by.pk,
    )
    audit.record("core.purposes.assess", made, by=by, at=at, detail={"purpose": purpose})
    return made
