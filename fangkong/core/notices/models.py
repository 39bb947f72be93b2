"""Notices of staff, the ways out that administrators set up, who follows them, and the outbox."""

from __future__ import annotations

from typing import ClassVar
from urllib.parse import urlsplit
from uuid import UUID

from django.conf import settings
from django.db import models
from django.urls import NoReverseMatch, reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from fangkong.core.privacy import About, Personal, Retention
from fangkong.core.record import Record, new_public_id
from fangkong.core.sealing.fields import SealedTextField

from . import types


class Notice(models.Model):
    """One thing that one member of staff should look at.

    It names a kind and a record; there is no field for words. ``times`` counts the same thing
    told again within minutes.
    """

    pii: ClassVar[dict[str, Personal]] = {}

    public_id = models.UUIDField(default=new_public_id, unique=True, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    kind = models.CharField(_("kind"), max_length=60)
    urgent = models.BooleanField(_("urgent"), default=False)
    subject_type = models.CharField(max_length=60)
    subject_public_id = models.UUIDField()
    times = models.PositiveSmallIntegerField(default=1)
    told_at = models.DateTimeField(_("told"))
    read_at = models.DateTimeField(_("read"), null=True)

    # What its record is called, as far as its reader may see it (queries.with_names).
    about: str = ""

    class Meta:
        verbose_name = _("notice")
        verbose_name_plural = _("notices")
        indexes = [
            models.Index(fields=["user", "-told_at", "-id"], name="notice_by_user"),
            models.Index(
                fields=["user"], condition=models.Q(read_at__isnull=True), name="notice_unread"
            ),
            models.Index(fields=["subject_public_id", "kind"], name="notice_by_subject"),
        ]

    def __str__(self) -> str:
        return f"{self.kind}:{self.public_id}"

    @property
    def words(self) -> str | Promise:
        """What it says, in the language of the page."""
        return types.kind(self.kind).words

    @property
    def subject_url(self) -> str:
        """The page of the record; "" where there is none any more."""
        return url_of(self.kind, self.subject_public_id)


def url_of(kind: str, subject: UUID) -> str:
    """The page to which a kind of notice leads."""
    name = types.kind(kind).url_name
    try:
        return reverse(name, args=[subject]) if name else ""
    except NoReverseMatch:
        return ""


class Way(models.TextChoices):
    """How a channel is spoken to."""

    MAIL = "mail", _("E-mail")
    DINGTALK = "dingtalk", _("DingTalk group robot")
    WECOM = "wecom", _("WeCom group robot")
    FEISHU = "feishu", _("Feishu group robot")
    GATEWAY = "gateway", _("SMS gateway (HTTP)")


# Reach one person at an address of their own; the others reach a group at the channel's address.
PERSONAL_WAYS = frozenset({Way.MAIL, Way.GATEWAY})


class Channel(Record):
    """One way out. Its address may hold a token, so address and secret lie sealed."""

    pii: ClassVar[dict[str, Personal]] = {}

    label = models.CharField(pgettext_lazy("thing", "name"), max_length=60)
    way = models.CharField(_("way"), max_length=10, choices=Way.choices)
    url = SealedTextField(_("address"), max_length=500, blank=True)
    secret = SealedTextField(_("secret"), max_length=200, blank=True)
    stopped_at = models.DateTimeField(null=True, editable=False)

    def __str__(self) -> str:
        return self.label

    @property
    def personal(self) -> bool:
        """Whether each follower has an address of their own there."""
        return self.way in PERSONAL_WAYS

    @property
    def host(self) -> str:
        """What of the address may be shown."""
        return urlsplit(str(self.url)).hostname or ""


class Following(models.Model):
    """A member of staff wants notices by a channel too."""

    pii: ClassVar[dict[str, Personal]] = {"address": Personal("contact", "erase")}
    retention: ClassVar[Retention] = Retention(
        _("as long as the choice; gone when it is given up or the account closed"),
        by_room="fangkong.core.notices",
    )
    about: ClassVar[About] = About(nobody=_("an address of staff, on their own page"))

    public_id = models.UUIDField(default=new_public_id, unique=True, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    channel = models.ForeignKey(Channel, on_delete=models.PROTECT, related_name="followings")
    address = SealedTextField(_("address"), max_length=254, blank=True)
    kinds = models.JSONField(_("kinds"), default=list)
    only_urgent = models.BooleanField(_("only what is urgent"), default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user", "channel"], name="following_once_a_channel")
        ]

    def __str__(self) -> str:
        return f"{self.user_id}:{self.channel_id}"

    def wants(self, kind: str, *, urgent: bool) -> bool:
        """Whether this notice goes by this channel."""
        return kind in self.kinds and (urgent or not self.only_urgent)


class Quiet(models.Model):
    """When somebody wants no messages, and in which language they come."""

    pii: ClassVar[dict[str, Personal]] = {}

    public_id = models.UUIDField(default=new_public_id, unique=True, editable=False)
    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    first = models.TimeField(_("quiet from"), null=True)
    last = models.TimeField(_("quiet until"), null=True)
    urgent_breaks = models.BooleanField(_("urgent notices come all the same"), default=True)
    language = models.CharField(_("language"), max_length=10, blank=True)

    def __str__(self) -> str:
        return f"{self.user_id}"


class Message(models.Model):
    """The outbox: one notice for one channel, written with what happened.

    A group is told once, however many of its members follow: then ``following`` is None.
    """

    class State(models.TextChoices):
        WAITING = "waiting", _("waiting")
        SENT = "sent", _("sent")
        PARKED = "parked", _("given up")
        DROPPED = "dropped", _("not needed any more")

    pii: ClassVar[dict[str, Personal]] = {}

    public_id = models.UUIDField(default=new_public_id, unique=True, editable=False)
    notice = models.ForeignKey(Notice, on_delete=models.PROTECT, related_name="messages")
    channel = models.ForeignKey(Channel, on_delete=models.PROTECT, related_name="messages")
    state = models.CharField(
        _("state"), max_length=10, choices=State.choices, default=State.WAITING
    )
    tries = models.PositiveSmallIntegerField(_("tries"), default=0)
    tried_at = models.DateTimeField(_("last try"), null=True)
    due_at = models.DateTimeField(_("next try"), null=True)
    problem = models.CharField(_("problem"), max_length=100, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["notice", "channel"], name="message_once_a_channel")
        ]
        indexes = [
            models.Index(
                fields=["due_at", "id"], condition=models.Q(state="waiting"), name="message_waiting"
            ),
            models.Index(
                fields=["channel", "-tried_at"],
                condition=models.Q(tried_at__isnull=False),
                name="message_tried",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.notice_id}:{self.channel_id}"
