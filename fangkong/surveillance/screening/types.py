"""What others may use of screening: permissions, how contacts and visits are told, plain facts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from fangkong.core import permissions
from fangkong.core.audit.types import name_places, name_verbs
from fangkong.core.purposes import types as purposes
from fangkong.core.roles import Role
from fangkong.tasks import types as tasks

# Who watches sees whom; of the exposure itself a unit that visits learns only the class.
VIEW = permissions.declare(
    "surveillance.screening.view",
    _("See persons under observation and their visits"),
    roles=[
        Role.HEADQUARTERS,
        Role.COUNTY_CDC,
        Role.HOSPITAL,
        Role.INSPECTOR,
        Role.AUDITOR,
    ],
    personal=True,
)
FOLLOW = permissions.declare(
    "surveillance.screening.follow",
    _("See contacts and chains of transmission"),
    roles=[Role.HEADQUARTERS, Role.COUNTY_CDC, Role.INSPECTOR, Role.AUDITOR],
    personal=True,
)
TRACE = permissions.declare(
    "surveillance.screening.trace",
    _("Enter contacts and judge them, release and hand over who is watched"),
    roles=[Role.HEADQUARTERS, Role.COUNTY_CDC],
    personal=True,
)
VISIT = permissions.declare(
    "surveillance.screening.visit",
    _("Visit persons under observation"),
    roles=[Role.HEADQUARTERS, Role.COUNTY_CDC, Role.HOSPITAL],
    personal=True,
)

SYMPTOMS_TASK = tasks.declare_kind(
    "surveillance.screening.symptoms",
    _("A person under observation has symptoms: %(condition)s. Have a specimen taken."),
    "surveillance:screening:detail",
)
NOT_FOUND_TASK = tasks.declare_kind(
    "surveillance.screening.not_found",
    _("A person under observation was not found: %(condition)s"),
    "surveillance:screening:detail",
)
ONSET_TASK = tasks.declare_kind(
    "surveillance.screening.onset",
    _("The onset of case %(number)s makes %(count)s contacts otherwise: judge them anew"),
    "surveillance:screening:contacts",
)
CARD_TASK = tasks.declare_kind(
    "surveillance.screening.card",
    _("The revised card of case %(number)s: %(count)s persons are to be released or watched again"),
    "surveillance:screening:contacts",
)
MISSED_TASK = tasks.declare_kind(
    "surveillance.screening.missed",
    _("Visits missed on %(day)s: %(count)s persons under observation"),
)
LEFT_TASK = tasks.declare_kind(
    "surveillance.screening.left",
    _("Visits of %(day)s were missed and not made up on the day after: %(count)s persons"),
)

name_verbs(
    {
        "surveillance.screening.expose": _("Contact entered"),
        "surveillance.screening.judge": _("Class of a contact judged otherwise"),
        "surveillance.screening.judge_anew": _("Contact judged anew by the present card"),
        "surveillance.screening.withdraw": _("Contact withdrawn"),
        "surveillance.screening.name_source": _("Source of an infection named"),
        "surveillance.screening.open": _("Observation begun"),
        "surveillance.screening.change_term": _("Term of an observation changed"),
        "surveillance.screening.visit": _("Visit entered"),
        "surveillance.screening.correct_visit": _("Visit corrected"),
        "surveillance.screening.release": _("Observation released"),
        "surveillance.screening.end": _("Observation ended"),
        "surveillance.screening.hand_over": _("Observation handed over"),
        "surveillance.screening.assign": _("Observation given to a unit"),
        "surveillance.screening.convert": _("Person under observation became a case"),
    }
)
name_places(
    {
        "surveillance.screening.index": _("List of observations"),
        "surveillance.screening.detail": _("Observation"),
        "surveillance.screening.follow_up": _("Follow-up"),
        "surveillance.screening.today": _("Visits of the day"),
        "surveillance.screening.visit": _("Enter a visit"),
        "surveillance.screening.contacts": _("Contacts of a case"),
        "surveillance.screening.contact": pgettext_lazy("a person exposed", "Contact"),
        "surveillance.screening.chain": _("Chain of transmission"),
    }
)


class Setting(models.TextChoices):
    """Where somebody was exposed (暴露场所)."""

    HOME = "home", pgettext_lazy("setting of an exposure", "home")
    WORK = "work", pgettext_lazy("setting of an exposure", "work")
    SCHOOL = "school", pgettext_lazy("setting of an exposure", "school")
    CARE = "care", pgettext_lazy("setting of an exposure", "hospital or care")
    VEHICLE = "vehicle", pgettext_lazy("setting of an exposure", "vehicle")
    MEAL = "meal", pgettext_lazy("setting of an exposure", "meal or gathering")
    WORSHIP = "worship", pgettext_lazy("setting of an exposure", "temple or worship")
    MARKET = "market", pgettext_lazy("setting of an exposure", "shop or market")
    OTHER = "other", pgettext_lazy("setting of an exposure", "elsewhere")


class Relation(models.TextChoices):
    """What somebody is to the person of the case (与病例关系)."""

    FAMILY = "family", pgettext_lazy("relation to a case", "family")
    FRIEND = "friend", pgettext_lazy("relation to a case", "friend")
    COLLEAGUE = "colleague", pgettext_lazy("relation to a case", "colleague")
    SCHOOL = "school", pgettext_lazy("relation to a case", "same school")
    CARE = "care", pgettext_lazy("relation to a case", "care or treatment")
    NEIGHBOUR = "neighbour", pgettext_lazy("relation to a case", "neighbour")
    NONE = "none", pgettext_lazy("relation to a case", "none")
    OTHER = "other", pgettext_lazy("relation to a case", "another one")


class Ending(models.TextChoices):
    """How an observation ended (解除、转归)."""

    TERM = "term", pgettext_lazy("end of an observation", "released, term over")
    CASE = "case", pgettext_lazy("end of an observation", "became a case")
    MOVED = "moved", pgettext_lazy("end of an observation", "handed over")
    DEATH = "death", pgettext_lazy("end of an observation", "died")
    ERROR = "error", pgettext_lazy("end of an observation", "opened in error")
    RULED_OUT = "ruled_out", pgettext_lazy("end of an observation", "the case was ruled out")


class Met(models.TextChoices):
    """What a visit came to (随访结果)."""

    WELL = "well", pgettext_lazy("outcome of a visit", "no symptoms")
    ILL = "ill", pgettext_lazy("outcome of a visit", "with symptoms")
    NOT_FOUND = "not_found", pgettext_lazy("outcome of a visit", "not found")


class Part(models.TextChoices):
    """Half of a day: where the rules ask for two visits, one lies in each."""

    MORNING = "morning", pgettext_lazy("half of a day", "morning")
    AFTERNOON = "afternoon", pgettext_lazy("half of a day", "afternoon")


class Symptom(models.TextChoices):
    """What a visit asks after (症状)."""

    FEVER = "fever", pgettext_lazy("symptom", "fever")
    COUGH = "cough", pgettext_lazy("symptom", "cough")
    TIRED = "tired", pgettext_lazy("symptom", "tiredness")
    THROAT = "throat", pgettext_lazy("symptom", "sore throat")
    BREATH = "breath", pgettext_lazy("symptom", "short of breath")
    DIARRHOEA = "diarrhoea", pgettext_lazy("symptom", "diarrhoea")
    RASH = "rash", pgettext_lazy("symptom", "rash")
    OTHER = "other", pgettext_lazy("symptom", "another one")


@dataclass(frozen=True, kw_only=True)
class ExposureFacts:
    """How somebody was with a case: kind (a code of the pack), setting, days, and who they are to
    the person of the case (``Relation``, or nothing)."""

    kind: str
    first_date: date
    last_date: date
    setting: str = Setting.OTHER.value
    place: str = ""
    relation: str = ""


@dataclass(frozen=True, kw_only=True)
class VisitFacts:
    """What a visit found. ``temperature`` in tenths of a degree Celsius; ``done_at``: now if None.

    ``met`` says not found; else symptoms and temperature decide between well and ill.
    """

    found: bool = True
    temperature: int | None = None
    symptoms: tuple[str, ...] = ()
    note: str = ""
    done_at: datetime | None = None


purposes.declare(
    "surveillance.screening",
    _("Trace contacts and watch them"),
    _("Infectious Diseases Law; PIPL 13 (3), (4)"),
    {
        "surveillance.Observation": _("Persons under observation"),
        "surveillance.Exposure": pgettext_lazy("of a case", "Contacts"),
        "surveillance.Visit": _("Visits"),
    },
)
