"""One's own notices and choices; the channels, for whoever sets them up or follows them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from django.db.models import OuterRef, QuerySet, Subquery

from . import types
from .models import Channel, Following, Message, Notice, Quiet
from .types import MANAGE

if TYPE_CHECKING:
    from fangkong.accounts.models import User


def of_user(user: User) -> QuerySet[Notice]:
    """The user's own notices; nobody reads another's."""
    return Notice.objects.filter(user_id=user.pk)


def unread(user: User) -> QuerySet[Notice]:
    """Those not read yet, the newest first."""
    return of_user(user).filter(read_at__isnull=True).order_by("-told_at", "-pk")


def unread_count(user: User) -> int:
    """How many are not read yet."""
    return unread(user).count()


def with_names(notices: Sequence[Notice], user: User, at: datetime) -> None:
    """Let each notice say which task, signal … it is about; a statement for each kind of record.

    Whatever its reader may no longer see stays without a name.
    """
    asked: dict[str, set[UUID]] = defaultdict(set)
    for one in notices:
        asked[types.kind(one.kind).url_name].add(one.subject_public_id)
    found: dict[tuple[str, UUID], str] = {}
    for page, ids in asked.items():
        if names := types.names(page):
            found |= {(page, key): name for key, name in names(user, at, ids).items()}
    for one in notices:
        one.about = found.get((types.kind(one.kind).url_name, one.subject_public_id), "")


def channels(user: User, at: datetime) -> QuerySet[Channel]:
    """The ways out with what became of their last message, for whoever sets them up."""
    latest = Message.objects.filter(channel=OuterRef("pk")).order_by("-pk")
    rows = Channel.objects.annotate(
        last_state=Subquery(latest.values("state")[:1]),
        last_problem=Subquery(latest.values("problem")[:1]),
        last_tried_at=Subquery(latest.values("tried_at")[:1]),
    )
    return rows if user.scope(MANAGE, at) else rows.none()


def parked(user: User, at: datetime) -> QuerySet[Message]:
    """Messages that were given up, for whoever may send them again."""
    rows = Message.objects.filter(state=Message.State.PARKED).select_related("channel", "notice")
    return rows.order_by("-pk") if user.scope(MANAGE, at) else rows.none()


def open_channels() -> QuerySet[Channel]:
    """The ways out that staff may choose."""
    return Channel.objects.filter(stopped_at__isnull=True).order_by("pk")


def followings(user: User) -> QuerySet[Following]:
    """The user's own choices."""
    return Following.objects.filter(user_id=user.pk).select_related("channel")


def followings_of(user_ids: Collection[int]) -> QuerySet[Following]:
    """The choices of several readers whose channels are open, for the outbox."""
    return (
        Following.objects.filter(user_id__in=user_ids, channel__stopped_at__isnull=True)
        .select_related("channel")
        .order_by("pk")
    )


def quiet_of(user: User) -> Quiet:
    """The user's quiet hours; a fresh row, not kept yet, where nothing was chosen."""
    return Quiet.objects.filter(user_id=user.pk).first() or Quiet(user_id=user.pk)


def nothing_followed(user: User, channel: Channel) -> Following:
    """A fresh row, not kept yet, for a way that was not chosen."""
    return Following(user=user, channel=channel)
