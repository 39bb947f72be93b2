"""What others may use of sweeps: permissions, what a door comes to, plain facts."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from fangkong.core import permissions
from fangkong.core.audit.types import name_places, name_verbs
from fangkong.core.purposes import types as purposes
from fangkong.core.roles import Role
from fangkong.tasks import types as tasks

VIEW = permissions.declare(
    "surveillance.sweeps.view",
    _("See sweeps, doors and coverage"),
    roles=[
        Role.HEADQUARTERS,
        Role.COUNTY_CDC,
        Role.HOSPITAL,
        Role.FIELD_WORKER,
        Role.INSPECTOR,
        Role.AUDITOR,
    ],
    personal=True,
)
VISIT = permissions.declare(
    "surveillance.sweeps.visit",
    _("Go from door to door: register households and who is ill"),
    roles=[Role.HEADQUARTERS, Role.COUNTY_CDC, Role.HOSPITAL, Role.FIELD_WORKER],
    personal=True,
)
MANAGE = permissions.declare(
    "surveillance.sweeps.manage",
    _("Begin and end sweeps, and say which cells they cover"),
    roles=[Role.HEADQUARTERS, Role.COUNTY_CDC],
    personal=True,
)

SYMPTOMS_TASK = tasks.declare_kind(
    "surveillance.sweeps.symptoms",
    _("A sweep found somebody with symptoms in %(cell)s. Have a specimen taken."),
    "surveillance:sweeps:finding",
)

name_verbs(
    {
        "surveillance.sweeps.begin": _("Sweep begun"),
        "surveillance.sweeps.end": _("Sweep ended"),
        "surveillance.sweeps.add_household": _("Household added"),
        "surveillance.sweeps.remove_household": _("Household is there no more"),
        "surveillance.sweeps.visit": _("Door visited"),
        "surveillance.sweeps.correct": _("Visit of a door corrected"),
        "surveillance.sweeps.find_ill": _("Somebody with symptoms found"),
    }
)
name_places(
    {
        "surveillance.sweeps.doors": _("Doors of a cell"),
        "surveillance.sweeps.door": pgettext_lazy("of a household", "Door"),
        "surveillance.sweeps.finding": _("Finding of a sweep"),
    }
)


class Outcome(models.TextChoices):
    """What a visit of a door comes to (入户情况)."""

    REGISTERED = "registered", pgettext_lazy("outcome at a door", "registered")
    ABSENT = "absent", pgettext_lazy("outcome at a door", "nobody at home")
    REFUSED = "refused", pgettext_lazy("outcome at a door", "refused")
    EMPTY = "empty", pgettext_lazy("outcome at a door", "nobody lives there")


# A door is done when it is known who lives there.
DONE = frozenset({Outcome.REGISTERED.value, Outcome.EMPTY.value})


@dataclass(frozen=True, kw_only=True)
class DoorFacts:
    """What was found at a door; ``residents``: how many live there, for a registered one."""

    outcome: str
    residents: int | None = None
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class IllFacts:
    """Somebody of a household with symptoms (codes of screening's ``Symptom``)."""

    name: str
    symptoms: tuple[str, ...]
    phone: str = ""
    temperature: int | None = None


purposes.declare(
    "surveillance.sweeps",
    _("Go from door to door and find who is ill"),
    _("Infectious Diseases Law; PIPL 13 (3), (4)"),
    {
        "surveillance.Household": _("Households"),
        "surveillance.DoorVisit": _("Visits of doors"),
        "surveillance.Finding": pgettext_lazy("of a sweep", "Persons with symptoms"),
    },
)
