"""What others may use of quality: the dimensions in words."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from fangkong.core.audit.types import name_places

from . import facts
from .facts import Audit, CardFacts, Finding, Tally

__all__ = ["RATED", "Audit", "CardFacts", "Dimension", "Finding", "Tally"]


class Dimension(models.TextChoices):
    """What of a report card is judged."""

    TIMELINESS = facts.TIMELINESS, _("Reported in time")
    VERIFICATION = facts.VERIFICATION, _("Reviewed in time")
    COMPLETENESS = facts.COMPLETENESS, pgettext_lazy("of a report card", "Complete")
    ACCURACY = facts.ACCURACY, pgettext_lazy("of a report card", "Consistent")
    IDENTITY = facts.IDENTITY, _("Identity number")
    ALERT = facts.ALERT, _("To be looked at at once")


RATED = tuple(one for one in Dimension if one != Dimension.ALERT)

name_places({"surveillance.quality.index": _("Quality of report cards")})
