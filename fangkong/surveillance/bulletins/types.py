"""What others may use of bulletins: permissions, states, tasks; figures as plain values."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from fangkong.core import permissions
from fangkong.core.audit.types import name_places, name_verbs
from fangkong.core.roles import Role
from fangkong.tasks import types as tasks

from .facts import AGE, CARDS, COUNTY, MISSING, OVERDUE, SEVERITY, SEX, SOURCE, Counted, Figures
from .facts import NIL as NO_CASE

__all__ = ["Counted", "Figures"]

VIEW = permissions.declare(
    "surveillance.bulletins.view",
    _("See bulletins and who has reported"),
    roles=[
        Role.HEADQUARTERS,
        Role.COUNTY_CDC,
        Role.HOSPITAL,
        Role.INSPECTOR,
        Role.EDITOR,
        Role.AUDITOR,
    ],
)
PREPARE = permissions.declare(
    "surveillance.bulletins.prepare",
    _("Prepare bulletins and issue what somebody else prepared"),
    roles=[Role.HEADQUARTERS, Role.COUNTY_CDC],
)
NIL = permissions.declare(
    "surveillance.bulletins.nil",
    _("Report that there was no case on a day"),
    roles=[Role.HEADQUARTERS, Role.COUNTY_CDC, Role.HOSPITAL],
)
ORDER = permissions.declare(
    "surveillance.bulletins.order",
    _("Order daily reporting of a disease, and end it"),
    roles=[Role.HEADQUARTERS],
    whole=True,
)

MISSING_TASK = tasks.declare_kind(
    "surveillance.bulletins.missing",
    _("No report for %(day)s from %(count)s facilities: %(condition)s"),
)

name_verbs(
    {
        "surveillance.bulletins.prepare": _("Bulletin prepared"),
        "surveillance.bulletins.change": _("Figures of a bulletin changed"),
        "surveillance.bulletins.recount": _("Bulletin counted anew"),
        "surveillance.bulletins.issue": _("Bulletin issued"),
        "surveillance.bulletins.drop": _("Draft of a bulletin dropped"),
        "surveillance.bulletins.report_nil": _("Nil report"),
        "surveillance.bulletins.order": _("Daily reporting ordered"),
        "surveillance.bulletins.end": _("Daily reporting ended"),
    }
)
name_places({"surveillance.bulletins.detail": _("Bulletin")})


class BulletinState(models.TextChoices):
    """How far a bulletin is."""

    DRAFT = "draft", pgettext_lazy("state of a bulletin", "draft")
    ISSUED = "issued", pgettext_lazy("state of a bulletin", "issued")
    DROPPED = "dropped", pgettext_lazy("state of a bulletin", "dropped")


class Split(models.TextChoices):
    """By what the cases are split; each split must sum to the total."""

    COUNTY = COUNTY, pgettext_lazy("split of a bulletin", "County")
    SEX = SEX, pgettext_lazy("split of a bulletin", "Sex")
    AGE = AGE, pgettext_lazy("split of a bulletin", "Age")
    SOURCE = SOURCE, pgettext_lazy("split of a bulletin", "Source")
    SEVERITY = SEVERITY, pgettext_lazy("split of a bulletin", "Severity")


class Standing(models.TextChoices):
    """What a facility has said of a day."""

    CARDS = CARDS, pgettext_lazy("daily report", "cases reported")
    NIL = NO_CASE, pgettext_lazy("daily report", "no case")
    MISSING = MISSING, pgettext_lazy("daily report", "nothing yet")
    OVERDUE = OVERDUE, pgettext_lazy("daily report", "missing")
