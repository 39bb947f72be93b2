"""Receivers of events (webhooks), and what was to be delivered to each."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from fangkong.core.privacy import Personal
from fangkong.core.record import Record, new_public_id

from . import rules


class Receiver(Record):
    """Another system that is told of events at its address."""

    pii: ClassVar[dict[str, Personal]] = {}
    edition: ClassVar[str] = "receivers"

    label = models.CharField(pgettext_lazy("thing", "name"), max_length=60)
    url = models.CharField(_("address"), max_length=500)
    events = models.JSONField(_("events"), default=list)
    # While it is paused events are kept for it; once it is stopped it hears nothing any more.
    paused_at = models.DateTimeField(null=True, editable=False)
    stopped_at = models.DateTimeField(null=True, editable=False)
    # How often the secret was renewed, and when last: the former one signs along for a while.
    renewed = models.PositiveIntegerField(default=0, editable=False)
    renewed_at = models.DateTimeField(null=True, editable=False)

    def __str__(self) -> str:
        return self.label

    @property
    def state(self) -> str:
        """In one word: open, paused or stopped."""
        return "stopped" if self.stopped_at else "paused" if self.paused_at else "open"

    @property
    def secret(self) -> str:
        """What its deliveries are signed with."""
        return rules.secret(settings.SECRET_KEY, str(self.public_id), self.renewed)

    def secrets(self, at: datetime) -> list[str]:
        """The secret, and for a while after it was renewed the former one too."""
        rounds = [self.renewed]
        if self.renewed_at is not None and at < self.renewed_at + rules.OLD_HOLDS:
            rounds.append(self.renewed - 1)
        return [rules.secret(settings.SECRET_KEY, str(self.public_id), one) for one in rounds]


class Delivery(models.Model):
    """One event for one receiver: the outbox row, written with what happened.

    It names the record and nothing of its content; the receiver asks the API with its own token.
    """

    class State(models.TextChoices):
        WAITING = "waiting", _("waiting")
        DELIVERED = "delivered", _("delivered")
        PARKED = "parked", _("given up")

    pii: ClassVar[dict[str, Personal]] = {}

    public_id = models.UUIDField(default=new_public_id, unique=True, editable=False)
    event_id = models.UUIDField()  # the same for every receiver of the event
    receiver = models.ForeignKey(Receiver, on_delete=models.PROTECT, related_name="deliveries")
    event = models.CharField(_("event"), max_length=100)
    subject_type = models.CharField(max_length=60)
    subject_public_id = models.UUIDField(null=True)
    occurred_at = models.DateTimeField(_("happened"))
    state = models.CharField(
        _("state"), max_length=10, choices=State.choices, default=State.WAITING
    )
    tries = models.PositiveSmallIntegerField(_("tries"), default=0)
    tried_at = models.DateTimeField(_("last try"), null=True)
    due_at = models.DateTimeField(_("next try"), null=True)
    status = models.PositiveSmallIntegerField(_("answer"), null=True)  # HTTP, or none came
    problem = models.CharField(_("problem"), max_length=100, blank=True)
    # Every try with what came of it: when, HTTP status or null, problem, and how many milliseconds
    # it took. The oldest go first.
    answers = models.JSONField(default=list)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["event_id", "receiver"], name="delivery_once_an_event")
        ]
        indexes = [
            models.Index(
                fields=["due_at", "id"],
                condition=models.Q(state="waiting"),
                name="delivery_waiting",
            ),
            models.Index(
                fields=["receiver", "-tried_at"],
                condition=models.Q(tried_at__isnull=False),
                name="delivery_tried",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.event}:{self.public_id}"
