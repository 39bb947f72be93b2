"""What others may use of testing: permissions, the states of a tube, and plain facts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from fangkong.core import permissions
from fangkong.core.audit.types import name_places, name_verbs
from fangkong.core.notices import types as notices
from fangkong.core.purposes import types as purposes
from fangkong.core.roles import Role
from fangkong.tasks import types as tasks

VIEW = permissions.declare(
    "surveillance.testing.view",
    _("See specimens and their results"),
    roles=[
        Role.HEADQUARTERS,
        Role.COUNTY_CDC,
        Role.HOSPITAL,
        Role.LABORATORY,
        Role.INSPECTOR,
        Role.AUDITOR,
    ],
    personal=True,
)
# Whoever only tests sees what is on its way to the bench or lies there, nothing of the rest.
FOLLOW = permissions.declare(
    "surveillance.testing.follow",
    _("Follow specimens from the request to the result"),
    roles=[
        Role.HEADQUARTERS,
        Role.COUNTY_CDC,
        Role.HOSPITAL,
        Role.INSPECTOR,
        Role.AUDITOR,
    ],
    personal=True,
)
REQUEST = permissions.declare(
    "surveillance.testing.request",
    _("Request tests, take and send specimens"),
    roles=[Role.HEADQUARTERS, Role.COUNTY_CDC, Role.HOSPITAL],
    personal=True,
)
TEST = permissions.declare(
    "surveillance.testing.test",
    _("Receive specimens and enter results"),
    roles=[Role.LABORATORY],
    personal=True,
)
# Whoever takes tubes or gets them, at either end of their way.
HANDLE = permissions.declare(
    "surveillance.testing.handle",
    _("Scan tubes"),
    roles=[Role.HEADQUARTERS, Role.COUNTY_CDC, Role.HOSPITAL, Role.LABORATORY],
    personal=True,
)

# Whoever answers for the persons of a county may let one go without a single test.
RELEASE = permissions.declare(
    "surveillance.testing.release",
    _("End the hold of a member of a pool"),
    roles=[Role.HEADQUARTERS, Role.COUNTY_CDC],
    personal=True,
)

RECOLLECT_TASK = tasks.declare_kind(
    "surveillance.testing.recollect",
    _("Pool not negative, take its members' specimens anew: %(condition)s, pool %(number)s"),
    "surveillance:testing:pool",
)
POSITIVE_TASK = tasks.declare_kind(
    "surveillance.testing.positive",
    _("Positive test, case to be judged: %(condition)s, specimen %(number)s"),
    "surveillance:testing:detail",
)
RETRACTED_TASK = tasks.declare_kind(
    "surveillance.testing.retracted",
    _("A positive result was corrected, look at the case: %(condition)s, specimen %(number)s"),
    "surveillance:testing:detail",
)

SPECIMEN_ENDED = notices.declare(
    "surveillance.testing.specimen_ended",
    _("A specimen was refused or lost: take a new one"),
    "surveillance:testing:detail",
)
POOL_ENDED = notices.declare(
    "surveillance.testing.pool_ended",
    _("A pool was refused or lost: take new specimens"),
    "surveillance:testing:pool",
)

name_verbs(
    {
        "surveillance.testing.request": _("Test requested"),
        "surveillance.testing.collect": _("Specimen collected"),
        "surveillance.testing.ship": _("Specimen shipped"),
        "surveillance.testing.receive": _("Specimen received"),
        "surveillance.testing.refuse": _("Specimen refused"),
        "surveillance.testing.lose": _("Specimen lost"),
        "surveillance.testing.cancel": _("Request of a test cancelled"),
        "surveillance.testing.enter_result": _("Result entered"),
        "surveillance.testing.correct_result": _("Result corrected"),
        "surveillance.testing.withdraw_result": _("Result taken back"),
        "surveillance.testing.open_pool": _("Pool opened"),
        "surveillance.testing.add_to_pool": _("Put into a pool"),
        "surveillance.testing.take_out_of_pool": _("Taken out of a pool"),
        "surveillance.testing.close_pool": _("Pool closed"),
        "surveillance.testing.ship_pool": _("Pool shipped"),
        "surveillance.testing.receive_pool": _("Pool received"),
        "surveillance.testing.refuse_pool": _("Pool refused"),
        "surveillance.testing.lose_pool": _("Pool lost"),
        "surveillance.testing.cancel_pool": _("Pool cancelled"),
        "surveillance.testing.enter_pool_result": _("Result of a pool entered"),
        "surveillance.testing.correct_pool_result": _("Result of a pool corrected"),
        "surveillance.testing.hold": _("Held until tested singly"),
        "surveillance.testing.release": _("Hold ended"),
    }
)
name_places(
    {
        "surveillance.testing.index": _("List of specimens"),
        "surveillance.testing.detail": _("Specimen"),
        "surveillance.testing.request": _("Request a test"),
        "surveillance.testing.scan": _("Scan tubes"),
        "surveillance.testing.result": _("Enter a result"),
        "surveillance.testing.pools": _("List of pools"),
        "surveillance.testing.pool": _("Pool"),
        "surveillance.testing.fill": _("Fill a pool"),
    }
)


class State(models.TextChoices):
    """Where a tube (标本, 混采管) stands."""

    REQUESTED = "requested", pgettext_lazy("state of a specimen", "requested")
    COLLECTED = "collected", pgettext_lazy("state of a specimen", "collected")
    SHIPPED = "shipped", pgettext_lazy("state of a specimen", "shipped")
    RECEIVED = "received", pgettext_lazy("state of a specimen", "received")
    TESTED = "tested", pgettext_lazy("state of a specimen", "tested, to be repeated")
    REPORTED = "reported", pgettext_lazy("state of a specimen", "reported")
    REFUSED = "refused", pgettext_lazy("state of a specimen", "refused by the laboratory")
    LOST = "lost", pgettext_lazy("state of a specimen", "lost")
    CANCELLED = "cancelled", pgettext_lazy("state of a specimen", "cancelled")
    # Of a member of a pool alone: until the person was tested singly.
    HELD = "held", pgettext_lazy("state of a specimen", "held: pool not negative")
    RELEASED = "released", pgettext_lazy("state of a specimen", "hold ended")


class PoolState(models.TextChoices):
    """Where a pool stands: open for persons, then as any tube."""

    REQUESTED = State.REQUESTED.value, pgettext_lazy("state of a pool", "open")
    COLLECTED = State.COLLECTED.value, pgettext_lazy("state of a pool", "closed")
    SHIPPED = State.SHIPPED.value, State.SHIPPED.label
    RECEIVED = State.RECEIVED.value, State.RECEIVED.label
    TESTED = State.TESTED.value, State.TESTED.label
    REPORTED = State.REPORTED.value, State.REPORTED.label
    REFUSED = State.REFUSED.value, State.REFUSED.label
    LOST = State.LOST.value, State.LOST.label
    CANCELLED = State.CANCELLED.value, State.CANCELLED.label


class Done(models.TextChoices):
    """The step that brought a tube there: what was done, where ``State`` says how it stands."""

    REQUESTED = State.REQUESTED.value, pgettext_lazy("step of a specimen", "requested")
    COLLECTED = State.COLLECTED.value, pgettext_lazy("step of a specimen", "collected")
    SHIPPED = State.SHIPPED.value, pgettext_lazy("step of a specimen", "shipped")
    RECEIVED = State.RECEIVED.value, pgettext_lazy("step of a specimen", "received")
    TESTED = State.TESTED.value, pgettext_lazy("step of a specimen", "tested")
    REPORTED = State.REPORTED.value, pgettext_lazy("step of a specimen", "reported")
    REFUSED = State.REFUSED.value, pgettext_lazy("step of a specimen", "refused by the laboratory")
    LOST = State.LOST.value, pgettext_lazy("step of a specimen", "lost")
    CANCELLED = State.CANCELLED.value, pgettext_lazy("step of a specimen", "cancelled")
    HELD = State.HELD.value, pgettext_lazy("step of a specimen", "held: pool not negative")
    RELEASED = State.RELEASED.value, pgettext_lazy("step of a specimen", "hold ended")


class PoolDone(models.TextChoices):
    """The step that brought a pool there."""

    REQUESTED = State.REQUESTED.value, pgettext_lazy("step of a pool", "opened")
    COLLECTED = State.COLLECTED.value, pgettext_lazy("step of a pool", "closed")
    SHIPPED = Done.SHIPPED.value, Done.SHIPPED.label
    RECEIVED = Done.RECEIVED.value, Done.RECEIVED.label
    TESTED = Done.TESTED.value, Done.TESTED.label
    REPORTED = Done.REPORTED.value, Done.REPORTED.label
    REFUSED = Done.REFUSED.value, Done.REFUSED.label
    LOST = Done.LOST.value, Done.LOST.label
    CANCELLED = Done.CANCELLED.value, Done.CANCELLED.label


class ResultOutcome(models.TextChoices):
    """What a test says (检测结果)."""

    NEGATIVE = "negative", pgettext_lazy("result of a test", "negative")
    POSITIVE = "positive", pgettext_lazy("result of a test", "positive")
    GREY = "grey", pgettext_lazy("result of a test", "grey zone")
    INVALID = "invalid", pgettext_lazy("result of a test", "invalid")


class Channel(models.TextChoices):
    """The way that a result came."""

    FORM = "form", _("form")
    API = "api", _("API")
    FILE = "file", _("file")
    FHIR = "fhir", "FHIR"
    HL7 = "hl7", "HL7"


@dataclass(frozen=True, kw_only=True)
class RequestFacts:
    """What is to be tested and why, by the codes of the pack in force.

    ``onset_date`` is None where the person has no symptoms; ``site`` names a surface.
    """

    condition: str
    group: str
    specimen_type: str
    onset_date: date | None = None
    site: str = ""


@dataclass(frozen=True, kw_only=True)
class PoolFacts:
    """What a pool is for, by the codes of the pack in force; ``rule`` says how many it holds."""

    condition: str
    rule: str
    group: str
    specimen_type: str


@dataclass(frozen=True, kw_only=True)
class ResultFacts:
    """What a laboratory found. ``ct``: hundredths of a cycle by target."""

    method: str
    outcome: str
    ct: Mapping[str, int] = field(default_factory=dict)
    tested_at: datetime | None = None
    channel: str = Channel.FORM.value
    sender_number: str = ""


purposes.declare(
    "surveillance.testing",
    _("Test persons and surfaces for notifiable diseases"),
    _("Infectious Diseases Law; PIPL 13 (3), (4)"),
    {"surveillance.Specimen": _("Specimens")},
)


# The class of contact as which somebody is watched at a moment for a disease; "" for nobody.
Watching = Callable[[int, str, datetime], str]
_watching: list[Watching] = []


def ask_who_is_watched(watching: Watching) -> None:
    """Where testing asks whether somebody is a contact: of the part above that watches them."""
    if watching not in _watching:
        _watching.append(watching)


def watched_as(person_id: int, condition: str, at: datetime) -> str:
    """The class of contact as which a person is watched for a disease; "" where they are not."""
    return next((found for ask in _watching if (found := ask(person_id, condition, at))), "")
