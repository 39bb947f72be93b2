"""The words for what was done. Each part names its verbs in ``types.py``."""

from __future__ import annotations

from collections.abc import Mapping

from django.db import models
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from fangkong.core import permissions
from fangkong.core.roles import Role

SEE_TRAIL = permissions.declare(
    "core.audit.view",
    _("Read the audit trail"),
    roles=[Role.AUDITOR, Role.HEADQUARTERS],
    whole=True,
)
SIGN_OFF = permissions.declare(
    "core.audit.sign_off", _("Sign off the audit trail"), roles=[Role.AUDITOR], whole=True
)


class How(models.TextChoices):
    """In which way somebody saw a person's record."""

    OPENED = "opened", _("opened")
    REVEALED = "revealed", _("full data shown")
    EXPORTED = "exported", _("in a file")
    PRINTED = "printed", _("printed")
    FOUND = "found", _("found by searching")
    API = "api", _("by another program")


class Result(models.TextChoices):
    """What became of it."""

    DONE = "done", _("done")
    REFUSED = "refused", _("refused")


_words: dict[str, str | Promise] = {}


def name_verbs(verbs: Mapping[str, str | Promise]) -> None:
    """Give dotted verbs their words: ``name_verbs({"tasks.finish": _("Task finished")})``."""
    _words.update(verbs)


def words(verb: str) -> str | Promise:
    """The words of a verb, or the verb itself."""
    return _words.get(verb, verb)


_places: dict[str, str | Promise] = {}


def name_places(places: Mapping[str, str | Promise]) -> None:
    """Give pages on which persons are seen their words, by the name of their address."""
    _places.update(places)


def place_words(name: str) -> str | Promise:
    """A page or list in words, or its name."""
    return _places.get(name, name)


name_verbs(
    {
        "core.pages.export": _("List exported"),
        "core.audit.settle": _("Finding signed off"),
        "core.audit.sign_off": _("Week of the trail signed off"),
        "core.audit.find": _("Unusual views found"),
        "core.audit.refuse": _("Attempt refused"),
        "core.queue.repeat": _("Job repeated"),
        "core.queue.forget": _("Finished jobs cleared"),
    }
)
