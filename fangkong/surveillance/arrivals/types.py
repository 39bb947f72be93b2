"""What others may use of arrivals: permissions, how an arrival stands, plain facts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from fangkong.core import permissions
from fangkong.core.audit.types import name_places, name_verbs
from fangkong.core.purposes import types as purposes
from fangkong.core.roles import Role
from fangkong.tasks import types as tasks

VIEW = permissions.declare(
    "surveillance.arrivals.view",
    _("See arrivals and what they are asked to do"),
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
REGISTER = permissions.declare(
    "surveillance.arrivals.register",
    _("Register arrivals at checkpoints and units"),
    roles=[Role.HEADQUARTERS, Role.COUNTY_CDC, Role.HOSPITAL, Role.FIELD_WORKER],
    personal=True,
)
RECEIVE = permissions.declare(
    "surveillance.arrivals.receive",
    _("Take over arrivals, judge them anew, withdraw them"),
    roles=[Role.HEADQUARTERS, Role.COUNTY_CDC],
    personal=True,
)
REVEAL = permissions.declare(
    "surveillance.arrivals.reveal",
    _("See the answers of an arrival in full, with a reason"),
    roles=[Role.HEADQUARTERS, Role.COUNTY_CDC, Role.HOSPITAL],
    personal=True,
    reading=True,
)
MANAGE = permissions.declare(
    "surveillance.arrivals.manage",
    _("Set up and close checkpoints"),
    roles=[Role.HEADQUARTERS, Role.COUNTY_CDC],
)
ANNOUNCE = permissions.declare(
    "surveillance.arrivals.announce",
    _("Say which areas were announced for which tier"),
    roles=[Role.HEADQUARTERS],
    whole=True,
)

SYMPTOMS_TASK = tasks.declare_kind(
    "surveillance.arrivals.symptoms",
    _("An arrival at %(checkpoint)s has symptoms. Have a specimen taken."),
    "surveillance:arrivals:detail",
)
AWAY_TASK = tasks.declare_kind(
    "surveillance.arrivals.away",
    _("A person under observation here was met at %(checkpoint)s. Find out why."),
    "surveillance:screening:detail",
)
MISSING_TASK = tasks.declare_kind(
    "surveillance.arrivals.missing",
    _("An arrival registered at %(checkpoint)s did not come to %(county)s."),
    "surveillance:arrivals:detail",
)
FOUND_TASK = tasks.declare_kind(
    "surveillance.arrivals.found",
    _("An arrival who was said not to have come was met at %(checkpoint)s. Take the person over."),
    "surveillance:arrivals:detail",
)
WAITING_TASK = tasks.declare_kind(
    "surveillance.arrivals.waiting",
    _("Arrivals up to %(day)s that nobody has taken over: %(count)s"),
)

name_verbs(
    {
        "surveillance.arrivals.register": _("Arrival registered"),
        "surveillance.arrivals.add": _("Arrival met again"),
        "surveillance.arrivals.receive": _("Arrival taken over"),
        "surveillance.arrivals.miss": _("Arrival did not come"),
        "surveillance.arrivals.judge_again": _("Tier of an arrival judged anew"),
        "surveillance.arrivals.withdraw": _("Arrival withdrawn"),
        "surveillance.arrivals.reveal": _("Answers of an arrival seen in full"),
        "surveillance.arrivals.set_up": _("Checkpoint set up"),
        "surveillance.arrivals.change_checkpoint": _("Checkpoint changed"),
        "surveillance.arrivals.close": _("Checkpoint closed"),
        "surveillance.arrivals.announce": _("Area announced for a tier"),
        "surveillance.arrivals.end_announcement": _("Announcement of an area ended"),
    }
)
name_places(
    {
        "surveillance.arrivals.index": _("List of arrivals"),
        "surveillance.arrivals.detail": pgettext_lazy("person who arrived", "Arrival"),
        "surveillance.arrivals.reveal": _("Answers of an arrival in full"),
        "surveillance.arrivals.find": _("Look an arrival up"),
        "surveillance.arrivals.ask": _("Register an arrival"),
    }
)


class Duty(models.TextChoices):
    """What is done at a checkpoint (检查点职责)."""

    REGISTER = "register", pgettext_lazy("duty of a checkpoint", "registers arrivals")
    TEMPERATURE = "temperature", pgettext_lazy("duty of a checkpoint", "takes temperatures")
    CERTIFICATE = "certificate", pgettext_lazy("duty of a checkpoint", "looks at test results")
    SWAB = "swab", pgettext_lazy("duty of a checkpoint", "takes swabs")
    DISINFECT = "disinfect", pgettext_lazy("duty of a checkpoint", "disinfects vehicles")
    HOLD = "hold", pgettext_lazy("duty of a checkpoint", "keeps the feverish apart")


class State(models.TextChoices):
    """How an arrival stands with the county it goes to."""

    WAITING = "waiting", pgettext_lazy("state of an arrival", "to be taken over")
    RECEIVED = "received", pgettext_lazy("state of an arrival", "taken over")
    MISSING = "missing", pgettext_lazy("state of an arrival", "did not come")


class HealthCode(models.TextChoices):
    """Colour of the health code, as shown."""

    GREEN = "green", pgettext_lazy("health code", "green")
    YELLOW = "yellow", pgettext_lazy("health code", "yellow")
    RED = "red", pgettext_lazy("health code", "red")
    RELATED = "related", pgettext_lazy("health code", "related to a red one")


# Codes of the questions of a pack that this part acts on; the others are kept as they are answered.
NAME, NUMBER, PHONE = "full-name", "identity-number", "mobile"
ADDRESS, WORKPLACE = "staying-at", "school-or-work"
ORIGIN, LEFT, SYMPTOMS, HEALTH_CODE = "came-from", "left-on", "symptoms", "health-code"
PASSED, TEST = "passed-through", "negative-test"


@dataclass(frozen=True, kw_only=True)
class ArrivalFacts:
    """What was said and seen at a checkpoint.

    ``answers``: question → text as typed. ``shown``: the questions that stood on the form, and
    ``visit`` names the one form, so that a form is counted once. ``temperature`` in tenths of a
    degree Celsius. ``arrived_at``: now if None. ``id_kind``: of the number in the answers.
    """

    answers: Mapping[str, str] = field(default_factory=dict)
    shown: tuple[str, ...] = ()
    visit: UUID | None = None
    id_kind: str = "resident_id"
    temperature: int | None = None
    arrived_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class CheckpointFacts:
    """Where a checkpoint stands, on which road, and what is done there.

    ``facility`` is a place of the kind checkpoint; ``opens``/``closes``: hours, None twice is day
    and night.
    """

    road: str = ""
    duties: tuple[str, ...] = ()
    opens: int | None = None
    closes: int | None = None


purposes.declare(
    "surveillance.arrivals",
    _("Register arrivals and tell them what to do"),
    _("Infectious Diseases Law; PIPL 13 (3), (4)"),
    {
        "surveillance.Arrival": pgettext_lazy("persons who arrived", "Arrivals"),
        "surveillance.Answer": pgettext_lazy("of arrivals", "Answers"),
    },
)
