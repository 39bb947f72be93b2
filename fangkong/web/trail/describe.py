"""The trail in words: kinds of records, and the story of one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from django.apps import apps
from django.http import Http404
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy

from fangkong.core.audit import describe, queries
from fangkong.core.audit.describe import Step
from fangkong.core.audit.models import AuditLine

# Tables that have no name for people of their own.
_KINDS: Mapping[str, Promise] = {
    "accounts.appointment": gettext_lazy("Role of a member of staff"),
    "accounts.emergencyaccess": gettext_lazy("Emergency access"),
    "accounts.user": gettext_lazy("Member of staff"),
    "core.channel": gettext_lazy("Way out for notices"),
    "core.finding": gettext_lazy("Unusual view"),
    "core.importrun": gettext_lazy("Import"),
    "core.job": gettext_lazy("Background job"),
    "core.review": gettext_lazy("Weekly review"),
    "core.savedview": gettext_lazy("Saved view"),
    "core.token": gettext_lazy("Token of a program"),
    "places.facilitycontact": gettext_lazy("Contact of a facility"),
    "surveillance.case": gettext_lazy("Case"),
    "surveillance.reportcard": gettext_lazy("Report card"),
}


@dataclass(frozen=True)
class Story:
    name: str | Promise
    key: int
    lines: list[AuditLine]
    steps: list[Step]


def kind(label: str) -> str | Promise:
    """What sort of record it is: people.person -> Person."""
    if label in _KINDS:
        return _KINDS[label]
    try:
        return apps.get_model(label)._meta.verbose_name or label
    except (LookupError, ValueError):
        return label


def story(label: str, key: int) -> Story:
    """All that is known of one record; 404 for a kind of record that there is not."""
    try:
        model = apps.get_model(label)
    except (LookupError, ValueError):
        raise Http404 from None
    if key >= 2**63:
        raise Http404
    row = model(pk=key)
    lines = queries.history_of(row, limit=100)
    return Story(kind(label), key, lines, describe.steps(row))
