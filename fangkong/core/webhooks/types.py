"""What others may use of webhooks: the events there are, and who sets receivers up."""

from __future__ import annotations

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from fangkong.core import permissions
from fangkong.core.audit.types import name_verbs
from fangkong.core.roles import Role

MANAGE = permissions.declare(
    "core.webhooks.manage",
    _("Tell other systems of events (webhooks)"),
    roles=[Role.ADMINISTRATOR],
)

# What a trial delivery says; nobody asks for it.
TRIAL = "core.webhooks.trial"

_events: dict[str, str | Promise] = {}


def declare_event(name: str, label: str | Promise) -> str:
    """Make an event known that receivers may ask for: room.part.what_happened."""
    _events[name] = label
    return name


def events() -> dict[str, str | Promise]:
    """Every event with its words, by name."""
    return dict(sorted(_events.items()))


name_verbs(
    {
        "core.webhooks.subscribe": _("Webhook set up"),
        "core.webhooks.stop": _("Webhook removed"),
        "core.webhooks.pause": _("Webhook paused"),
        "core.webhooks.resume": _("Webhook resumed"),
        "core.webhooks.renew_secret": _("Secret of a webhook renewed"),
        "core.webhooks.try_out": _("Trial delivery sent"),
        "core.webhooks.repeat": _("Delivery repeated"),
        "core.webhooks.repeat_all": _("Everything given up is repeated"),
        "core.webhooks.forget": _("Old deliveries cleared"),
    }
)
