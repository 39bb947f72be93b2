"""Requests of persons about their own data (个人信息权利请求): kinds, states, who may decide."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from fangkong.core import permissions
from fangkong.core.audit.types import name_places, name_verbs
from fangkong.core.roles import Role

RECEIVE = permissions.declare(
    "people.requests.receive",
    _("Receive requests of persons about their data, and hand copies out"),
    roles=[Role.HEADQUARTERS, Role.COUNTY_CDC],
    personal=True,
)
DECIDE = permissions.declare(
    "people.requests.decide",
    _("Decide requests of persons about their data"),
    roles=[Role.HEADQUARTERS, Role.COUNTY_CDC],
    personal=True,
)

name_verbs(
    {
        "people.requests.receive": _("Request about personal data received"),
        "people.requests.grant": _("Request about personal data granted"),
        "people.requests.refuse": _("Request about personal data refused"),
        "people.requests.withdraw": _("Request about personal data withdrawn"),
        "people.requests.hand_over": _("Copy of personal data handed over"),
        "people.requests.erase": _("Personal data erased on request"),
        "people.requests.ask_lift": _("Lifting of a restriction asked for"),
        "people.requests.keep_restricted": _("Restriction of a person's data kept"),
        "people.requests.lift": _("Restriction of a person's data lifted"),
    }
)
name_places(
    {
        "people.requests.new": _("Request of a person"),
        "people.requests.detail": _("Request of a person"),
        "people.requests.decide": _("Request of a person"),
        "people.requests.lift": _("Lift the restriction"),
        "people.requests.give": _("Copy for the person"),
    }
)


class Kind(models.TextChoices):
    """What a person may ask (PIPL 45, 46, 47)."""

    COPY = "copy", _("Copy of the data, with who saw them")
    CORRECT = "correct", _("Correction")
    ERASE = "erase", _("Erasure")


class Asker(models.TextChoices):
    """Who asks."""

    SELF = "self", _("The person")
    GUARDIAN = "guardian", _("Parent or guardian of a child under 14")
    AGENT = "agent", _("Somebody with a written authority")
    RELATIVE = "relative", _("Close relative of a person who died")


class Proof(models.TextChoices):
    """How it was made sure that it is they."""

    CARD = "card", _("Identity document seen in the original")
    AUTHORITY = "authority", _("Identity documents and written authority seen")
    KINSHIP = "kinship", _("Identity document and proof of kinship seen")


class State(models.TextChoices):
    WAITING = "waiting", pgettext_lazy("state of a request", "waiting")
    GRANTED = "granted", pgettext_lazy("state of a request", "granted")
    PARTLY = "partly", pgettext_lazy("state of a request", "granted in part")
    REFUSED = "refused", pgettext_lazy("state of a request", "refused")
    WITHDRAWN = "withdrawn", pgettext_lazy("state of a request", "withdrawn")
