"""What persons asked about their own data, and what they were answered."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from fangkong.core.privacy import Personal, Retention
from fangkong.core.record import Record
from fangkong.core.walls.types import Wall

from .types import Asker, Kind, Proof, State


class DataRequest(Record):
    """One request of one person. Received by one member of staff, decided by another.

    ``county`` is where it was received: it stays when the person's own county is erased.
    ``kept_until`` and ``clause`` say what law keeps of what was to be erased; the restriction that
    follows is lifted as it came: asked for by one, with a reason, and done by another.
    """

    # Words about a person although the forms ask not to.
    pii: ClassVar[dict[str, Personal]] = {
        "words": Personal("identity", "erase"),
        "answer": Personal("identity", "erase"),
        "lift_reason": Personal("identity", "erase"),
    }
    retention: ClassVar[Retention] = Retention(
        _("PIPL 54, 56: proof of how requests were answered"), days=1096, since="changed_at"
    )
    # The person may live elsewhere by now, or nowhere when the county was erased.
    wall: ClassVar[Wall] = Wall(county="county_id", opens=("person",))

    person = models.ForeignKey("people.Person", on_delete=models.PROTECT, related_name="+")
    county = models.ForeignKey(
        "places.Area", null=True, on_delete=models.PROTECT, related_name="+", editable=False
    )
    kind = models.CharField(_("kind"), max_length=10, choices=Kind.choices)
    asker = models.CharField(_("who asks"), max_length=10, choices=Asker.choices)
    proof = models.CharField(
        _("how the identity was checked"), max_length=10, choices=Proof.choices
    )
    words = models.CharField(_("what was asked"), max_length=400, blank=True)
    state = models.CharField(
        _("state"), max_length=10, choices=State.choices, default=State.WAITING
    )
    due_on = models.DateField(_("answer due"))
    decided_at = models.DateTimeField(_("decided"), null=True)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )
    answer = models.CharField(_("answer"), max_length=400, blank=True)
    kept_until = models.DateField(_("kept by law until"), null=True)
    clause = models.CharField(_("clause"), max_length=60, blank=True)
    handed_over = models.PositiveSmallIntegerField(_("copies handed over"), default=0)
    lift_reason = models.CharField(_("which new duty"), max_length=400, blank=True)
    lift_asked_at = models.DateTimeField(_("lifting asked for"), null=True)
    lift_asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )
    lifted_at = models.DateTimeField(_("restriction lifted"), null=True)
    lifted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )

    class Meta:
        verbose_name = _("request about personal data")
        verbose_name_plural = _("requests about personal data")
        constraints = [
            models.CheckConstraint(
                condition=models.Q(state__in=["waiting", "withdrawn"], decided_at__isnull=True)
                | ~models.Q(state__in=["waiting", "withdrawn"])
                & models.Q(decided_at__isnull=False),
                name="data_request_decided_when",
            ),
            models.CheckConstraint(
                condition=models.Q(decided_by__isnull=True)
                | ~models.Q(decided_by=models.F("created_by")),
                name="data_request_by_two",
            ),
            models.CheckConstraint(
                condition=models.Q(lifted_at__isnull=True, lifted_by__isnull=True)
                | models.Q(
                    lifted_at__isnull=False, lifted_by__isnull=False, lift_asked_by__isnull=False
                )
                & ~models.Q(lifted_by=models.F("lift_asked_by")),
                name="data_request_lifted_by_two",
            ),
        ]
        indexes = [
            models.Index(fields=["state", "due_on"], name="data_request_by_due"),
            models.Index(fields=["county", "created_at", "id"], name="data_request_by_county"),
            models.Index(fields=["created_at", "id"], name="data_request_by_entry"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} request {self.public_id}"

    def get_absolute_url(self) -> str:
        return reverse("people:requests:detail", args=[self.public_id])

    @property
    def is_open(self) -> bool:
        """Whether it waits for a decision."""
        return self.state == State.WAITING

    @property
    def restricts(self) -> bool:
        """Whether what a law keeps of the person is not worked with because of this request."""
        kept = self.kind == Kind.ERASE and self.state == State.PARTLY and self.lifted_at is None
        return kept and self.person.restricted_at is not None

    @property
    def lift_waits(self) -> bool:
        """Whether somebody has asked to lift the restriction, and nobody decided."""
        return self.lift_asked_at is not None and self.restricts

    @property
    def gives_copies(self) -> bool:
        """Whether a copy may be handed over now."""
        return self.kind == Kind.COPY and self.state == State.GRANTED
