"""What others may use of monitoring: permissions, choices, and the blocks that figures come in."""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import datetime
from typing import TYPE_CHECKING

from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from fangkong.core import permissions
from fangkong.core.audit.types import name_places, name_verbs
from fangkong.core.purposes import types as purposes
from fangkong.core.roles import Role
from fangkong.core.webhooks.types import declare_event
from fangkong.tasks import types as tasks

from .facts import (
    CaseFacts,
    CountKey,
    CountsReport,
    DayCount,
    PersonFacts,
    PlacedCase,
    Reason,
    SeriesBlock,
    Totals,
)

if TYPE_CHECKING:
    from fangkong.accounts.models import User

    from .models import Case

__all__ = [
    "IMPORT",
    "REPORT",
    "REVIEW",
    "VIEW",
    "Basis",
    "CardKind",
    "CaseFacts",
    "CountKey",
    "CountsReport",
    "Course",
    "DayCount",
    "Origin",
    "PersonFacts",
    "PlacedCase",
    "Reason",
    "ReviewState",
    "SeriesBlock",
    "Totals",
    "case_told",
    "counts_changed",
    "on_case_told",
    "on_counts_changed",
]

VIEW = permissions.declare(
    "surveillance.monitoring.view",
    _("See case reports and counts"),
    # A laboratory does not: it will see its own specimens, not the register of cases.
    roles=[
        Role.HEADQUARTERS,
        Role.COUNTY_CDC,
        Role.HOSPITAL,
        Role.INSPECTOR,
        Role.AUDITOR,
    ],
    personal=True,
    reading=True,
)
REPORT = permissions.declare(
    "surveillance.monitoring.report",
    _("Report cases and revise reports"),
    roles=[Role.HOSPITAL, Role.COUNTY_CDC, Role.HEADQUARTERS],
    personal=True,
)
REVIEW = permissions.declare(
    "surveillance.monitoring.review",
    _("Review case reports"),
    roles=[Role.COUNTY_CDC],
    personal=True,
)
IMPORT = permissions.declare(
    "surveillance.monitoring.import",
    _("Import files of report cards"),
    roles=[Role.HOSPITAL, Role.COUNTY_CDC, Role.HEADQUARTERS],
    personal=True,
)

RETURNED_TASK = tasks.declare_kind(
    "surveillance.monitoring.returned",
    _("The card of case %(number)s was returned: correct it and send it again"),
    "surveillance:monitoring:detail",
)

LATE_REVIEW_TASK = tasks.declare_kind(
    "surveillance.monitoring.late_review",
    _("The review of case %(number)s is overdue: %(condition)s"),
    "surveillance:monitoring:detail",
)
LATE_REVIEWS_TASK = tasks.declare_kind(
    "surveillance.monitoring.late_reviews",
    _("Report cards whose review is overdue: %(count)s, the first since %(since)s"),
    "surveillance:monitoring:overdue",
)

CASE_REPORTED = declare_event("surveillance.monitoring.case_reported", _("Case reported"))

name_verbs(
    {
        "surveillance.monitoring.report": _("Case reported"),
        "surveillance.monitoring.revise": _("Report revised"),
        "surveillance.monitoring.accept": _("Report accepted"),
        "surveillance.monitoring.return": _("Report returned"),
        "surveillance.monitoring.upload": _("File of report cards uploaded"),
        "surveillance.monitoring.confirm_import": _("Import confirmed"),
        "surveillance.monitoring.cancel_import": _("Import cancelled"),
        "surveillance.monitoring.import": _("Report cards imported"),
        "surveillance.monitoring.rebuild": _("Counts built anew"),
    }
)


class Course(models.TextChoices):
    ACUTE = "acute", _("acute")
    CHRONIC = "chronic", _("chronic")


class Origin(models.TextChoices):
    """Where the infection was acquired (输入病例, 本地病例)."""

    UNKNOWN = "unknown", _("not known yet")
    LOCAL = "local", _("acquired locally")
    IMPORT = "import", pgettext_lazy("origin of an infection", "imported")


class ReviewState(models.TextChoices):
    WAITING = "waiting", _("waiting for review")
    ACCEPTED = "accepted", _("accepted")
    RETURNED = "returned", _("returned")


class CardKind(models.TextChoices):
    INITIAL = "initial", _("initial report")
    REVISED = "revised", _("revised report")


name_places(
    {
        "surveillance.monitoring.detail": _("Case"),
        "surveillance.monitoring.index": _("List of cases"),
        "surveillance.monitoring.find": _("Search for cases"),
        "surveillance.monitoring.revise": _("Revise a card"),
    }
)


class Basis(models.TextChoices):
    """Which day of a case a figure counts by."""

    ONSET = "onset", _("day of onset")
    DIAGNOSED = "diagnosed", _("day of diagnosis")
    REPORTED = "reported", _("day of report")


CountsListener = Callable[[Collection[int], Collection[str], datetime, "User | None"], None]
_listeners: list[CountsListener] = []


def on_counts_changed(listener: CountsListener) -> None:
    """Have ``listener(county_ids, conditions, at, by)`` called whenever counts have changed.

    It runs inside the transaction of the report: keep it short and only queue work there.
    """
    if listener not in _listeners:
        _listeners.append(listener)


def counts_changed(
    county_ids: Collection[int],
    conditions: Collection[str],
    at: datetime,
    by: User | None,
) -> None:
    """Tell every listener; called by the actions of this part."""
    for listener in _listeners:
        listener(county_ids, conditions, at, by)


CaseListener = Callable[["Case", datetime, bool], None]
_case_listeners: list[CaseListener] = []


def on_case_told(listener: CaseListener) -> None:
    """Have ``listener(case, at, revised)`` called for each card that comes by itself.

    It runs inside the transaction of the card: keep it short. Cards of files do not call it.
    """
    if listener not in _case_listeners:
        _case_listeners.append(listener)


def case_told(case: Case, at: datetime, *, revised: bool) -> None:
    """Tell every listener; called by the actions of this part."""
    for listener in _case_listeners:
        listener(case, at, revised)


purposes.declare(
    "surveillance.monitoring",
    _("Report and follow notifiable diseases"),
    _("Infectious Diseases Law; PIPL 13 (3), (4)"),
    {"surveillance.Case": _("Cases"), "surveillance.ReportCard": _("Report cards")},
)
