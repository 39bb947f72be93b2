"""What others may use of the exchange with laboratories: verbs, states, and what was sent."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from fangkong.core.audit.types import name_places, name_verbs
from fangkong.tasks import types as tasks

WAITING_TASK = tasks.declare_kind(
    "surveillance.exchange.waiting",
    _("Results of a laboratory wait to be matched with their tubes: message %(number)s"),
    "surveillance:exchange:message",
)

name_verbs(
    {
        "surveillance.exchange.begin": _("Message of a laboratory came"),
        "surveillance.exchange.take": _("Message of a laboratory taken"),
        "surveillance.exchange.match": _("Result matched with a tube"),
        "surveillance.exchange.set_aside": _("Result set aside"),
    }
)
name_places(
    {
        "surveillance.exchange.index": _("Results that wait for a tube"),
        "surveillance.exchange.message": _("Message of a laboratory"),
        "surveillance.exchange.detail": _("Result without a tube"),
    }
)


class Fate(models.TextChoices):
    """What became of a result that a laboratory sent."""

    ENTERED = "entered", pgettext_lazy("fate of a sent result", "entered")
    CORRECTED = "corrected", pgettext_lazy("fate of a sent result", "entered as a correction")
    WITHDRAWN = "withdrawn", pgettext_lazy("fate of a sent result", "result taken back")
    KNOWN = "known", pgettext_lazy("fate of a sent result", "known already")
    WAITING = "waiting", pgettext_lazy("fate of a sent result", "waits to be matched")
    MATCHED = "matched", pgettext_lazy("fate of a sent result", "matched by a person")
    ASIDE = "aside", pgettext_lazy("fate of a sent result", "set aside")
