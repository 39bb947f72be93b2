"""Take what laboratories send, enter what fits a tube, and keep the rest for a person to match."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import translation
from django.utils.translation import gettext as _

from fangkong.core.audit import actions as audit
from fangkong.core.bulk import give_way
from fangkong.core.free_text import NumberInText, refuse_numbers, stated_reason
from fangkong.core.record import stamps
from fangkong.core.refusals import Refused
from fangkong.core.roles import Role
from fangkong.core.spelling import shown
from fangkong.surveillance.testing import actions as testing
from fangkong.surveillance.testing.models import Pool
from fangkong.surveillance.testing.rules import SKEW, plain_number
from fangkong.tasks import actions as tasks

from . import queries
from .entering import DoesNotFit, Done, enter, foresee
from .models import Message, SentResult
from .rules import PORTION, Sent
from .types import WAITING_TASK, Fate

if TYPE_CHECKING:
    from fangkong.accounts.models import User
    from fangkong.places.models import Facility

MATCHED_WITHIN = timedelta(hours=12)


class MessageReused(Refused):
    """Another message came under this number before."""

    def __init__(self) -> None:
        super().__init__(
            _("Another message came under this number before. Send a new number for a new message.")
        )


class NoTube(Refused):
    """No tube of this number was sent to the laboratory."""

    status = 422
    field = "number"


class Settled(Refused):
    """Somebody has matched or set aside this result."""


class WrongContent(Refused):
    """A result says what the rules do not know; ``place`` is its number in the message."""

    status = 422

    def __init__(self, text: str, place: int) -> None:
        super().__init__(text)
        self.place = place


def take(
    *,
    channel: str,
    message_id: str,
    digest: str,
    results: Sequence[Sent],
    laboratory: Facility,
    by: User | None,
    at: datetime,
) -> Message:
    """Take a message, once: the same one again changes nothing and is answered as the first.

    Each result is entered for its tube, or as a correction of what the laboratory sent under the
    same number; what fits no tube waits for a person. WrongContent, with nothing taken, where a
    result says what the rules do not know: its sender mends it. Some results are one transaction,
    so that nobody waits for five hundred; a message that was broken off goes on where it was when
    its sender, who got no answer, sends it again.
    """
    known = queries.known_message(laboratory, channel, message_id)
    if known is None:
        _refuse_content(results, laboratory, at)
        _first(channel, message_id, digest, laboratory, by, at)
        known = queries.known_message(laboratory, channel, message_id)
        assert known is not None  # this one's, or of somebody who was quicker
    if known.digest != digest:
        raise MessageReused
    while _enter_some(known, results, by, at):
        give_way()
    return known


def _refuse_content(results: Sequence[Sent], laboratory: Facility, at: datetime) -> None:
    """WrongContent for the first result that could not be entered for any tube."""
    for n, sent in enumerate(results, start=1):
        try:
            _refuse_at_sight(sent, n, at)
            if not sent.withdraws:
                foresee(sent, laboratory, at=at)
        except DoesNotFit:
            continue
        except (testing.NotAcceptable, testing.WrongField, NumberInText) as problem:
            raise WrongContent(str(problem), n) from None


def _refuse_at_sight(sent: Sent, n: int, at: datetime) -> None:
    refuse_numbers(number=sent.number, sender_number=sent.sender_number)
    if sent.tested_at is not None and sent.tested_at > at + SKEW:
        raise WrongContent(_("The test lies in the future. Look at the clock."), n)


def _first(
    channel: str, message_id: str, digest: str, laboratory: Facility, by: User | None, at: datetime
) -> None:
    """Note a message that came, unless somebody was quicker."""
    try:
        with transaction.atomic():
            message = Message.objects.create(
                **stamps(by, at),
                channel=channel,
                message_id=message_id,
                digest=digest,
                laboratory=laboratory,
                area_id=laboratory.area_id,
                county_id=laboratory.area.county_id,
            )
            audit.record(
                "surveillance.exchange.begin", message, by=by, at=at, detail={"channel": channel}
            )
    except IntegrityError:
        return


@transaction.atomic
def _enter_some(message: Message, results: Sequence[Sent], by: User | None, at: datetime) -> bool:
    """Enter the next results of a message; whether any are left."""
    whole = Message.objects.select_related("laboratory", "laboratory__area")
    message = whole.select_for_update(of=("self",)).get(pk=message.pk)
    done = message.results.count()
    for n, sent in enumerate(results[done : done + PORTION], start=done + 1):
        try:
            become = enter(sent, message.laboratory, message.channel, by=by, at=at)
        except DoesNotFit as problem:
            become = Done(Fate.WAITING.value, why=problem.why)
        except Refused:  # the rules or the tube changed since the whole was looked at
            become = Done(Fate.WAITING.value, why="content")
        _keep(message, n, sent, become, by, at)
    if done < len(results) <= done + PORTION:
        _told_whole(message, by, at)
    return done + PORTION < len(results)


def _told_whole(message: Message, by: User | None, at: datetime) -> None:
    """All results are entered or wait: a task for those that wait, and a line for the message."""
    counted = Counter(message.results.values_list("fate", flat=True))
    if counted[Fate.WAITING]:
        tasks.assign(
            kind=WAITING_TASK.code,
            params={"number": message.message_id},
            area=message.laboratory.area,
            facility=message.laboratory,
            role=Role.LABORATORY,
            due_at=at + MATCHED_WITHIN,
            source=message,
            by=by,
            at=at,
        )
    detail: dict[str, Any] = {"channel": message.channel, **counted}
    audit.record("surveillance.exchange.take", message, by=by, at=at, detail=detail)


def _keep(
    message: Message, n: int, sent: Sent, done: Done, by: User | None, at: datetime
) -> SentResult:
    pooled = done.tube is not None and isinstance(done.tube, Pool)
    return SentResult.objects.create(
        **stamps(by, at),
        message=message,
        sequence=n,
        number=plain_number(sent.number)[:40],
        sender_number=shown(sent.sender_number),
        method=sent.method,
        outcome=sent.outcome,
        ct=dict(sent.ct),
        tested_at=sent.tested_at,
        corrects=sent.corrects,
        withdraws=sent.withdraws,
        fate=done.fate,
        why=done.why,
        specimen_id=None if done.tube is None or pooled else done.tube.pk,
        pool_id=done.tube.pk if done.tube is not None and pooled else None,
        laboratory_id=message.laboratory_id,
        area_id=message.area_id,
        county_id=message.county_id,
    )


# --- By hand --------------------------------------------------------------------------------------


@transaction.atomic
def match(*, result: SentResult, number: str, by: User, at: datetime) -> SentResult:
    """Say which tube a result is of; it is entered as if it had come with that number."""
    result = _waiting(result)
    tube = queries.tube_of(result.laboratory, number)
    if tube is None:
        raise NoTube(_("No tube of this number was sent to this laboratory. Look at the label."))
    sent = Sent(
        number=tube.number,
        sender_number=result.sender_number,
        method=result.method,
        outcome=result.outcome,
        ct=result.ct,
        tested_at=result.tested_at,
        corrects=result.corrects,
        withdraws=result.withdraws,
    )
    channel = result.message.channel
    done = enter(sent, result.laboratory, channel, by=by, at=at, tube=tube)
    pooled = isinstance(done.tube, Pool)
    result.specimen_id = None if pooled else tube.pk
    result.pool_id = tube.pk if pooled else None
    result.fate, result.why = Fate.MATCHED, ""
    result.touch(by, at)
    result.save()
    detail = {"number": tube.number, "instead_of": result.number, "as": done.fate}
    audit.record("surveillance.exchange.match", result, by=by, at=at, detail=detail)
    _settle(result.message, by, at)
    return result


@transaction.atomic
def set_aside(*, result: SentResult, reason: str, by: User, at: datetime) -> SentResult:
    """A result that is of no tube of ours: kept, and asked for no more."""
    why = stated_reason(reason, _("Say why this result is of no tube here."))
    result = _waiting(result)
    result.fate, result.reason = Fate.ASIDE, why
    result.touch(by, at)
    result.save()
    audit.record("surveillance.exchange.set_aside", result, by=by, at=at, reason=why)
    _settle(result.message, by, at)
    return result


def _waiting(result: SentResult) -> SentResult:
    whole = SentResult.objects.select_related("message", "laboratory", "laboratory__area")
    result = whole.select_for_update(of=("self",)).get(pk=result.pk)
    if result.fate != Fate.WAITING:
        raise Settled(_("This result has been matched or set aside meanwhile."))
    return result


def _settle(message: Message, by: User, at: datetime) -> None:
    if message.results.filter(fate=Fate.WAITING).exists():
        return
    with translation.override(settings.LANGUAGE_CODE):
        proof = _("All results of the message are matched or set aside.")
    tasks.finish_for(source=message, kind=WAITING_TASK.code, proof=proof, by=by, at=at)
