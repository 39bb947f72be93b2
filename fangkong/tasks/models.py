"""Tasks (督办): who must do what by when, with proof."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from fangkong.core.privacy import About, Personal, Retention
from fangkong.core.record import Record, address
from fangkong.core.roles import Role
from fangkong.core.walls.types import Wall

from . import rules, types


class Task(Record):
    """One thing that one office must do by a moment. The title is made from kind and params.

    The owner is an office: a role in an area (or at a facility). ``owner`` is the member of staff
    who accepted it. ``escalates_at`` is when it climbs next; None when it will not.
    """

    class State(models.TextChoices):
        OPEN = "open", pgettext_lazy("state of a task", "open")
        ACCEPTED = "accepted", pgettext_lazy("state of a task", "accepted")
        DONE = "done", pgettext_lazy("state of a task", "done")
        CANCELLED = "cancelled", pgettext_lazy("state of a task", "cancelled")

    class Priority(models.IntegerChoices):
        LOW = 1, pgettext_lazy("priority", "low")
        NORMAL = 2, pgettext_lazy("priority", "normal")
        URGENT = 3, pgettext_lazy("priority", "urgent")

    # Free text may name a person although the forms ask not to.
    pii: ClassVar[dict[str, Personal]] = {
        "params": Personal("health", "erase", _("what the title names")),
        "note": Personal("health", "erase"),
        # A finished task always has a proof, and a cancelled one a reason: a stand-in stays.
        "proof": Personal("health", "pseudonymise"),
        "cancel_reason": Personal("health", "pseudonymise"),
    }
    retention: ClassVar[Retention] = Retention(_("PIPL 19"), days=731, since="changed_at")
    about: ClassVar[About] = About(record=("source_type", "source_id"))
    wall: ClassVar[Wall] = Wall(
        county="county_id",
        area="area_id",
        facility="facility_id",
        counties_too="escalated_to_id",
        by="created_by_id",
    )

    kind = models.CharField(_("kind"), max_length=60)
    params = models.JSONField(default=dict)
    note = models.TextField(_("what to do"), blank=True, max_length=2000)
    priority = models.PositiveSmallIntegerField(
        _("priority"), choices=Priority.choices, default=Priority.NORMAL
    )
    area = models.ForeignKey(
        "places.Area", verbose_name=_("area"), on_delete=models.PROTECT, related_name="+"
    )
    # The county of the area, so that scopes need no join; none for the prefecture itself.
    county = models.ForeignKey(
        "places.Area", null=True, on_delete=models.PROTECT, related_name="+", editable=False
    )
    facility = models.ForeignKey(
        "places.Facility",
        verbose_name=_("facility"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
    )
    owner_role = models.CharField(_("office"), max_length=20, choices=Role.choices)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("accepted by"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
    )
    due_at = models.DateTimeField(_("due"))
    state = models.CharField(_("state"), max_length=10, choices=State.choices, default=State.OPEN)
    # The record that the task serves, of any room above.
    source_type = models.CharField(max_length=60, blank=True)
    source_id = models.UUIDField(null=True)
    proof = models.TextField(_("proof"), blank=True, max_length=2000)
    done_at = models.DateTimeField(_("done at"), null=True)
    done_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )
    cancel_reason = models.CharField(_("reason"), max_length=400, blank=True)
    escalation_level = models.PositiveSmallIntegerField(default=0)
    escalated_at = models.DateTimeField(null=True)
    escalated_to = models.ForeignKey(
        "places.Area", null=True, on_delete=models.PROTECT, related_name="+"
    )
    escalates_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("task")
        verbose_name_plural = _("tasks")
        constraints = [
            models.CheckConstraint(
                condition=models.Q(state="done", done_at__isnull=False) & ~models.Q(proof="")
                | ~models.Q(state="done") & models.Q(done_at__isnull=True),
                name="task_done_has_proof",
            ),
            models.CheckConstraint(
                condition=~models.Q(state="cancelled") | ~models.Q(cancel_reason=""),
                name="task_cancelled_has_reason",
            ),
            models.CheckConstraint(
                condition=models.Q(escalation_level=0, escalated_at__isnull=True)
                | models.Q(escalation_level__gt=0, escalated_at__isnull=False),
                name="task_escalated_when",
            ),
        ]
        indexes = [
            models.Index(fields=["state", "due_at"], name="task_by_due"),
            models.Index(fields=["due_at"], name="task_due"),
            models.Index(fields=["created_by"], name="task_by_author"),
            models.Index(fields=["county", "owner_role", "state"], name="task_of_office"),
            models.Index(fields=["source_type", "source_id"], name="task_by_source"),
            models.Index(
                fields=["escalates_at"],
                name="task_climbs_next",
                condition=models.Q(escalates_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.public_id}"

    def get_absolute_url(self) -> str:
        return address("tasks:detail", self.public_id)

    @property
    def title(self) -> str:
        """What is to be done, in the language of the page."""
        return types.kind(self.kind).words(self.params)

    @property
    def source_url(self) -> str:
        """The page of the record that the task serves, or empty."""
        name = types.kind(self.kind).url_name
        if not name or self.source_id is None:
            return ""
        try:
            return reverse(name, args=[self.source_id])
        except NoReverseMatch:  # the room that declared the kind is gone
            return ""

    @property
    def unfinished(self) -> bool:
        return self.state in rules.UNFINISHED

    @property
    def office(self) -> str:
        """The owner in the language of the page: the facility or area, and the role."""
        place = self.facility or self.area
        return f"{place.display_name} · {self.get_owner_role_display()}"

    def due_state(self, at: datetime) -> rules.Due:
        """How the task stands against its clock at a moment."""
        return rules.due_state(self.created_at, self.due_at, at, self.done_at)
