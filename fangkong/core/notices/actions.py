"""Tell staff that something waits for them, on the desk and outward by an outbox.

``notify`` takes people, a kind and a record, and no text: what leaves the house is the kind's own
words and a link, so personal data cannot get into it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, time, timedelta
from typing import TYPE_CHECKING

from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import transaction
from django.db.models import F, QuerySet
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext_lazy as _

from fangkong.core import clock, outbound
from fangkong.core.audit import actions as audit
from fangkong.core.queue import actions as queue
from fangkong.core.record import Record, stamps
from fangkong.core.refusals import Refused
from fangkong.core.spelling import shown

from . import queries, rules, sending, types
from .models import Channel, Following, Message, Notice, Quiet, Way, url_of

if TYPE_CHECKING:
    from fangkong.accounts.models import User

SEND = "core.notices.send"
BATCH = 200
CLEARED_AT_ONCE = 1000


class NotOneLine(Refused):
    """A line break could forge a second header or message."""

    status = 422


class BadHours(Refused):
    """Half of the quiet hours, or hours that end as they begin."""

    status = 422


class NameMissing(Refused):
    """A way out without a name could not be told from the others."""

    status = 422


class AddressMissing(Refused):
    """The way needs an address."""

    status = 422


class UnknownKind(Refused):
    """Only kinds that the house knows can be chosen."""

    status = 422


class ChannelStopped(Refused):
    """The way out is closed."""


class NotParked(Refused):
    """Only a message that was given up is sent again by hand."""


# --- Telling -------------------------------------------------------------------------------------


def notify(
    *, users: Iterable[User], kind: types.Kind, subject: Record, at: datetime, urgent: bool = False
) -> list[Notice]:
    """Tell people of a record, within the transaction of what happened.

    The same thing for the same reader within ten minutes is counted on the first notice and sent
    no second time. Closed accounts hear nothing. Whoever calls has chosen people of the right area.
    """
    readers = {user.pk: user for user in users if user.is_active}
    if not readers:
        return []
    same = Notice.objects.filter(
        subject_public_id=subject.public_id,
        kind=kind.code,
        user_id__in=readers,
        told_at__gt=at - rules.SAME,
    )
    told = dict(same.values_list("user_id", "pk"))
    if told:
        Notice.objects.filter(pk__in=told.values()).update(times=F("times") + 1)
    made = Notice.objects.bulk_create(
        [
            Notice(
                user=user,
                kind=kind.code,
                urgent=urgent or kind.urgent,
                subject_type=subject._meta.label_lower,
                subject_public_id=subject.public_id,
                told_at=at,
            )
            for pk, user in readers.items()
            if pk not in told
        ]
    )
    if made:
        _post(made, at)
    return made


def _post(made: Sequence[Notice], at: datetime) -> None:
    """Write the messages of new notices into the outbox: one for each reader, one for a group."""
    by_user = {notice.user_id: notice for notice in made}
    followings = list(queries.followings_of(by_user))
    if not followings:
        return
    quiet = {row.user_id: row for row in Quiet.objects.filter(user_id__in=by_user)}
    groups = _groups_told(made[0], at)
    rows = []
    for following in followings:
        notice = by_user[following.user_id]
        if not following.wants(notice.kind, urgent=notice.urgent):
            continue
        if not following.channel.personal:
            if following.channel_id in groups:
                continue
            groups.add(following.channel_id)
        # A group waits for the quiet hours of none of its members: the others are awake.
        own = quiet.get(notice.user_id) if following.channel.personal else None
        due = goes_at(own, notice, at)
        rows.append(Message(notice=notice, channel=following.channel, due_at=due))
    for row in rows:
        row.due_at = at + rules.TAKEN if row.due_at == at else row.due_at
    for row in Message.objects.bulk_create(rows):
        if row.due_at == at + rules.TAKEN:
            queue.enqueue(SEND, row.pk, by=None, at=at)


def _groups_told(notice: Notice, at: datetime) -> set[int]:
    """Channels that heard the same within minutes; a group hears it once for all its members."""
    same = Message.objects.filter(
        notice__subject_public_id=notice.subject_public_id,
        notice__kind=notice.kind,
        notice__told_at__gt=at - rules.SAME,
    )
    return set(same.values_list("channel_id", flat=True))


def goes_at(quiet: Quiet | None, notice: Notice, at: datetime) -> datetime:
    """When a message may leave: now, or after the quiet hours of the one reader it goes to."""
    if quiet is None or (notice.urgent and quiet.urgent_breaks):
        return at
    return rules.goes_at(at, clock.zone(), quiet.first, quiet.last)


# --- Sending -------------------------------------------------------------------------------------


def send(*, message_id: int, at: datetime) -> Message.State:
    """Try one message now. A receiver's slowness or fault is noted and stops nobody else."""
    message = Message.objects.select_related("notice__user", "channel").get(pk=message_id)
    if message.state != Message.State.WAITING:
        return Message.State(message.state)
    if _rests(message.channel_id, at):  # it was queued before another found nobody there
        message.due_at = at + rules.REST
        message.save(update_fields=["due_at"])
        return Message.State.WAITING
    said = _said(message)
    if said is None:
        message.state, message.due_at = Message.State.DROPPED, None
        message.save(update_fields=["state", "due_at"])
        return Message.State.DROPPED
    along = _along(message, at)
    if along:
        said = _several(message, said)
    message.problem = sending.send(message.channel, said, at)
    if along and not message.problem:
        # Told in the same breath: after a night, or when much is assigned at once.
        Message.objects.filter(pk__in=along, state=Message.State.WAITING).update(
            state=Message.State.SENT, tried_at=at, due_at=None
        )
    message.tries += 1
    message.tried_at = at
    pause = rules.wait_after(message.tries) if message.problem else None
    if not message.problem:
        message.state = Message.State.SENT
    elif pause is None:
        message.state = Message.State.PARKED
    message.due_at = at + pause if pause else None
    message.save(update_fields=["tries", "tried_at", "problem", "state", "due_at"])
    return Message.State(message.state)


def _said(message: Message) -> sending.Said | None:
    """What goes out, or None where nobody waits for it: closed, given up, or read."""
    notice, channel = message.notice, message.channel
    if channel.stopped_at is not None:
        return None
    to = own = ""
    if channel.personal:  # a group is told of an office's work, whoever of it looks first
        following = Following.objects.filter(user_id=notice.user_id, channel=channel).first()
        if following is None or not notice.user.is_active or notice.read_at is not None:
            return None
        quiet = Quiet.objects.filter(user_id=notice.user_id).first()
        to, own = str(following.address), quiet.language if quiet is not None else ""
    with translation.override(own or settings.LANGUAGE_CODE):
        text = str(types.kind(notice.kind).words)
        path = url_of(notice.kind, notice.subject_public_id)
    outer = sending.outer_address()
    return sending.Said(text, outer + path if outer and path else "", to, str(message.public_id))


def _along(message: Message, at: datetime) -> list[int]:
    """What else waits for the same reader on the same way now and was not tried yet."""
    if not message.channel.personal:
        return []
    same = Message.objects.filter(
        channel_id=message.channel_id,
        notice__user_id=message.notice.user_id,
        notice__read_at=None,
        state=Message.State.WAITING,
        tries=0,
        due_at__lte=at + rules.TAKEN,
    )
    return list(same.exclude(pk=message.pk).values_list("pk", flat=True)[:BATCH])


def _several(message: Message, said: sending.Said) -> sending.Said:
    """The same message for several notices: it says so, and leads to their list."""
    own = queries.quiet_of(message.notice.user).language
    with translation.override(own or settings.LANGUAGE_CODE):
        text = str(_("Several new notices wait for you"))
    outer = sending.outer_address()
    url = outer + reverse("core:notices:index") if outer else ""
    return replace(said, text=text, url=url)


def send_due(at: datetime) -> int:
    """Put what is due into the queue, one job each; the number. Also what a lost job left over.

    Some of each way out, so that one which fails does not stand before all others; of one that did
    not answer lately a single message, and none while it rests.
    """
    due = Message.objects.filter(state=Message.State.WAITING, due_at__lte=at)
    queued = 0
    for channel_id in due.order_by("channel_id").values_list("channel_id", flat=True).distinct():
        if _rests(channel_id, at):
            continue
        most = 1 if _was_silent(channel_id) else BATCH
        for row in due.filter(channel_id=channel_id).order_by("due_at", "pk")[:most]:
            with transaction.atomic():
                Message.objects.filter(pk=row.pk).update(due_at=at + rules.TAKEN)
                queue.enqueue(SEND, row.pk, by=None, at=at)
            queued += 1
    return queued


def _last_try(channel_id: int) -> tuple[datetime, str] | None:
    """When a way out was tried last, and what was wrong."""
    tried = Message.objects.filter(channel_id=channel_id, tried_at__isnull=False)
    last = tried.order_by("-tried_at", "-pk").first()
    return None if last is None or last.tried_at is None else (last.tried_at, last.problem)


def _was_silent(channel_id: int) -> bool:
    """Whether the last try of a way out took all the time there is and brought no answer."""
    last = _last_try(channel_id)
    return last is not None and last[1] in rules.SILENT


def _rests(channel_id: int, at: datetime) -> bool:
    """Whether a way out is left alone because nobody answered there a moment ago."""
    last = _last_try(channel_id)
    return last is not None and last[1] in rules.SILENT and at < last[0] + rules.REST


def forget(*, at: datetime) -> int:
    """Clear messages that were sent, or not needed, longer ago than the outbox is kept; how many.

    Their notices stay with their readers. One line of the trail for each way out.
    """
    until = at - timedelta(days=settings.FANGKONG_OUTBOX_DAYS)
    over = Message.objects.filter(
        state__in=[Message.State.SENT, Message.State.DROPPED], notice__told_at__lt=until
    )
    gone = 0
    for channel in Channel.objects.order_by("pk"):
        while count := _cleared(channel, over.filter(channel=channel), at):
            gone += count
    return gone


@transaction.atomic
def _cleared(channel: Channel, rows: QuerySet[Message], at: datetime) -> int:
    """Some of them, with their line."""
    keys = list(rows.order_by("pk").values_list("pk", flat=True)[:CLEARED_AT_ONCE])
    if keys:
        detail = {"messages": len(keys)}
        audit.record("core.notices.forget", channel, by=None, at=at, detail=detail)
        Message.objects.filter(pk__in=keys).delete()
    return len(keys)


@transaction.atomic
def shorten_waits(at: datetime, far: timedelta) -> None:
    """The clock was set back: what waited by the clock before waits as long by the clock that is.

    What has been taken since then is due again within a moment, and is left.
    """
    waiting = Message.objects.filter(state=Message.State.WAITING, due_at__gt=at + rules.TAKEN)
    waiting.update(due_at=F("due_at") - far)


@transaction.atomic
def repeat(*, message: Message, by: User, at: datetime) -> Message:
    """Send a message anew that was given up."""
    message = Message.objects.select_for_update(of=("self",)).get(pk=message.pk)
    if message.state != Message.State.PARKED:
        raise NotParked(_("Only a message that was given up can be sent again."))
    message.state, message.tries, message.due_at = Message.State.WAITING, 0, at + rules.TAKEN
    message.save(update_fields=["state", "tries", "due_at"])
    queue.enqueue(SEND, message.pk, by=by, at=at)
    audit.record("core.notices.repeat", message, by=by, at=at)
    return message


# --- Readers -------------------------------------------------------------------------------------


@transaction.atomic
def read(*, notice: Notice, by: User, at: datetime) -> Notice:
    """Note that one's own notice was looked at; a second time changes nothing."""
    notice = Notice.objects.select_for_update().get(pk=notice.pk, user_id=by.pk)
    if notice.read_at is None:
        notice.read_at = at
        notice.save(update_fields=["read_at"])
        audit.record("core.notices.read", notice, by=by, at=at)
    return notice


@transaction.atomic
def read_all(*, by: User, at: datetime) -> int:
    """Note that all one's own notices were looked at; the number."""
    found = queries.unread(by).filter(told_at__lte=at).order_by().update(read_at=at)
    if found:
        audit.record("core.notices.read", by, by=by, at=at, detail={"notices": found})
    return found


@transaction.atomic
def choose(
    *,
    first: time | None,
    last: time | None,
    urgent_breaks: bool,
    language: str,
    by: User,
    at: datetime,
) -> Quiet:
    """Set one's quiet hours and the language of messages; BadHours where they are none."""
    if (first is None) != (last is None) or (first is not None and first == last):
        raise BadHours(_("Quiet hours have a beginning and another end, or neither."))
    get_user_model().objects.select_for_update().get(pk=by.pk)
    quiet = queries.quiet_of(by)
    quiet.first, quiet.last = first, last
    quiet.urgent_breaks = urgent_breaks
    quiet.language = language if language in dict(settings.LANGUAGES) else ""
    quiet.save()
    audit.record("core.notices.choose", quiet, by=by, at=at)
    return quiet


@transaction.atomic
def follow(
    *,
    channel: Channel,
    address: str,
    kinds: Sequence[str],
    only_urgent: bool,
    by: User,
    at: datetime,
) -> Following:
    """Have notices of some kinds by a channel too; changes the choice made before."""
    address = shown(address)
    _refuse_lines(address)
    get_user_model().objects.select_for_update().get(pk=by.pk)
    if not Channel.objects.filter(pk=channel.pk, stopped_at__isnull=True).exists():
        raise ChannelStopped(_("This way out is closed. Choose another."))
    if not set(kinds) <= set(types.kinds()):
        raise UnknownKind(_("Choose kinds of the list."))
    if channel.personal and not address:
        raise AddressMissing(_("Write your address for this way."))
    row = Following.objects.filter(user_id=by.pk, channel=channel).first()
    row = row or Following(user=by, channel=channel)
    row.address = address if channel.personal else ""
    row.kinds, row.only_urgent = sorted(set(kinds)), only_urgent
    row.save()
    audit.record("core.notices.follow", row, by=by, at=at, detail={"channel": channel.pk})
    return row


@transaction.atomic
def unfollow(*, channel: Channel, by: User, at: datetime) -> Channel:
    """Give up a way; the own address there is destroyed."""
    Following.objects.filter(user_id=by.pk, channel=channel).delete()
    audit.record("core.notices.unfollow", channel, by=by, at=at)
    return channel


@transaction.atomic
def give_up_all(*, user: User, by: User | None, at: datetime) -> None:
    """An account is closed: its choices go, and the own addresses with them."""
    for one in Following.objects.filter(user_id=user.pk).select_related("channel"):
        audit.record("core.notices.unfollow", one.channel, by=by, at=at, detail={"user": user.pk})
        one.delete()


# --- Ways out ------------------------------------------------------------------------------------


@transaction.atomic
def add_channel(*, label: str, way: str, url: str, secret: str, by: User, at: datetime) -> Channel:
    """Set up a way out. Address and secret are sealed, and no page shows them again."""
    label, url, secret = shown(label), url.strip(), secret.strip()
    _refuse_lines(label, url, secret)
    if not label:
        raise NameMissing(_("Give this way a name that says where it leads."))
    if way != Way.MAIL:
        if not url:
            raise AddressMissing(_("Write the address that the other side gave you."))
        outbound.check_written(url)
    channel = Channel.objects.create(
        label=label,
        way=Way(way),
        url="" if way == Way.MAIL else url,
        secret="" if way == Way.MAIL else secret,
        **stamps(by, at),
    )
    audit.record("core.notices.add_channel", channel, by=by, at=at, detail={"way": way})
    return channel


@transaction.atomic
def stop_channel(*, channel: Channel, by: User, at: datetime) -> Channel:
    """Send nothing by a way out any more; what waits is dropped, what was given up as well."""
    channel = Channel.objects.select_for_update().get(pk=channel.pk)
    if channel.stopped_at is not None:
        raise ChannelStopped(_("This way out was closed before."))
    channel.stopped_at = at
    channel.touch(by, at)
    channel.save(update_fields=["stopped_at", "changed_at", "changed_by"])
    Following.objects.filter(channel=channel).delete()
    open_ = Message.objects.filter(channel=channel).exclude(state=Message.State.SENT)
    open_.update(state=Message.State.DROPPED, due_at=None)
    audit.record("core.notices.stop_channel", channel, by=by, at=at)
    return channel


@transaction.atomic
def test_channel(*, channel: Channel, by: User, at: datetime) -> Channel:
    """Send a test by a way out, through the outbox as everything."""
    channel = Channel.objects.select_for_update().get(pk=channel.pk)
    if channel.stopped_at is not None:
        raise ChannelStopped(_("This way out is closed. Choose another."))
    if channel.personal and not Following.objects.filter(user_id=by.pk, channel=channel).exists():
        raise AddressMissing(_("Choose this way for your own notices first, with your address."))
    notice = Notice.objects.create(
        user=by,
        kind=types.TEST.code,
        urgent=True,
        subject_type=channel._meta.label_lower,
        subject_public_id=channel.public_id,
        told_at=at,
    )
    row = Message.objects.create(notice=notice, channel=channel, due_at=at + rules.TAKEN)
    queue.enqueue(SEND, row.pk, by=by, at=at)
    audit.record("core.notices.test_channel", channel, by=by, at=at)
    return channel


def _refuse_lines(*texts: str) -> None:
    if not all(rules.is_one_line(text) for text in texts):
        raise NotOneLine(_("Write it in one line, without line breaks or control signs."))
