"""What others may use of the daily reports: permissions, states, tasks."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from fangkong.core import permissions
from fangkong.core.audit.types import name_places, name_verbs
from fangkong.core.roles import Role
from fangkong.tasks import types as tasks

VIEW = permissions.declare(
    "supplies.daily.view",
    _("See the daily stock reports of counties"),
    roles=[Role.HEADQUARTERS, Role.COUNTY_CDC, Role.INSPECTOR, Role.AUDITOR],
)
FILE = permissions.declare(
    "supplies.daily.file",
    _("File and correct the daily stock report of a county"),
    roles=[Role.HEADQUARTERS, Role.COUNTY_CDC],
)


class DayState(models.TextChoices):
    """How the report of a county for a day stands (日报状态)."""

    FILED = "filed", pgettext_lazy("daily report", "filed")
    NIL = "nil", pgettext_lazy("daily report", "nil report")
    LATE = "late", pgettext_lazy("daily report", "filed late")
    MISSING = "missing", pgettext_lazy("daily report", "missing")
    WAITS = "waits", pgettext_lazy("daily report", "not filed")
    RUNNING = "running", pgettext_lazy("daily report", "day not over")


MISSING_TASK = tasks.declare_kind(
    "supplies.daily.missing",
    _("The stock report of %(county)s for %(day)s is missing. File it, also where nothing moved."),
    "supplies:daily:county",
)
CHANGED_TASK = tasks.declare_kind(
    "supplies.daily.changed",
    _("The ledger changed after %(county)s reported its stock of %(day)s. Correct the report."),
    "supplies:daily:report",
)

name_verbs(
    {
        "supplies.daily.file": _("Daily stock report filed"),
        "supplies.daily.correct": _("Daily stock report corrected"),
    }
)
name_places({"supplies.daily.day": _("Daily stock reports of all counties")})
