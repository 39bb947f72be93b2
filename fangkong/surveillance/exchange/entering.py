"""From a sent result to its tube: what the form would do, or why it waits for a person."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import transaction
from django.utils import translation
from django.utils.translation import gettext as _

from fangkong.core import clock
from fangkong.core.refusals import Refused
from fangkong.surveillance.testing import actions as testing
from fangkong.surveillance.testing import pools
from fangkong.surveillance.testing import queries as tubes
from fangkong.surveillance.testing.models import Finding, Pool, Specimen
from fangkong.surveillance.testing.rules import result_faults, same_minute
from fangkong.surveillance.testing.types import ResultFacts, ResultOutcome, State

from . import queries, rules
from .rules import Sent
from .types import Fate

if TYPE_CHECKING:
    from fangkong.accounts.models import User
    from fangkong.places.models import Facility

_BEFORE = (State.REQUESTED, State.COLLECTED, State.SHIPPED)  # of the receipt


class DoesNotFit(Refused):
    """The result cannot be entered for this tube as it stands; ``why`` says the reason's code."""

    def __init__(self, text: str, why: str) -> None:
        super().__init__(text)
        self.why = why


@dataclass(frozen=True)
class Done:
    """What became of a result, and for which tube."""

    fate: str
    tube: Specimen | Pool | None = None
    why: str = ""


@transaction.atomic
def enter(
    sent: Sent,
    laboratory: Facility,
    channel: str,
    *,
    by: User | None,
    at: datetime,
    tube: Specimen | Pool | None = None,
) -> Done:
    """Enter one result for its tube, or for the ``tube`` that a person named.

    A tube that nobody had received is received thereby. DoesNotFit where no tube has the number,
    the result is another person's, or the tube is past it.
    """
    named = tube is not None
    if tube is None:
        tube = queries.tube_of(laboratory, sent.number)
    if tube is None:
        raise DoesNotFit(_("No tube of this number was sent to this laboratory."), "unknown_tube")
    of_pool = isinstance(tube, Pool)
    if sent.withdraws:
        return _withdrawn(sent, tube, channel, named=named, by=by, at=at)
    if not named and queries.withdrawn_before(laboratory, sent.sender_number):
        text = _("The laboratory has taken this result back before it came.")
        raise DoesNotFit(text, "withdrawn_before")
    if not isinstance(tube, Pool) and not _fits(sent.name, tube):
        raise DoesNotFit(
            _("The message names another person than the one this tube was taken from."),
            "other_name",
        )
    if tube.state == State.REPORTED:
        return _again(sent, tube, channel, by, at)
    said: dict[str, Any] = {"pool" if of_pool else "specimen": tube, "by": by, "at": at}
    facts = _facts(sent, channel)
    try:
        if tube.state in _BEFORE:
            receive = pools.receive_pool if of_pool else testing.receive
            receive(**said, done_at=sent.tested_at)
        result = pools.enter_pool_result if of_pool else testing.enter_result
        result(**said, facts=facts)
    except testing.WrongMoment as problem:
        raise DoesNotFit(str(problem), "moment") from None
    except (testing.WrongStep, testing.InPool, pools.PoolEmpty) as problem:
        raise DoesNotFit(str(problem), "state") from None
    except testing.SentBefore as problem:
        raise DoesNotFit(str(problem), "sender_number") from None
    return Done(Fate.ENTERED.value, tube)


def foresee(sent: Sent, laboratory: Facility, *, at: datetime) -> Done:
    """What ``enter`` would do, as far as can be said without doing it; the same refusals."""
    tube = queries.tube_of(laboratory, sent.number)
    if tube is None:
        raise DoesNotFit(_("No tube of this number was sent to this laboratory."), "unknown_tube")
    day = clock.day_of(sent.tested_at or at)
    found = list(
        result_faults(
            tubes.pack_on(day),
            day,
            condition=tube.condition,
            method=sent.method,
            outcome=sent.outcome,
            ct=sent.ct,
        )
    )
    if found:
        raise testing.NotAcceptable(found)
    if tube.state == State.REPORTED:
        return _told_again(sent, tube)[0]
    if tube.state not in (*_BEFORE, State.RECEIVED, State.TESTED):
        raise DoesNotFit(_("The tube is past it."), "state")
    return Done(Fate.ENTERED.value, tube)


def _told_again(sent: Sent, tube: Specimen | Pool) -> tuple[Done, Finding]:
    """What a result says of a tube that is reported: the same, or a correction of the newest."""
    rows: Sequence[Finding] = (
        tubes.pool_results_of(tube) if isinstance(tube, Pool) else tubes.results_of(tube)
    )
    before = next(iter(rows), None)
    if before is None:
        raise DoesNotFit(_("This specimen lies in a pool, which has the result."), "state")
    if rules.is_same(sent, method=before.method, outcome=before.outcome, ct=before.ct):
        return Done(Fate.KNOWN.value, tube), before
    if _came_late(sent, before, tube):
        raise DoesNotFit(_("This tube has a newer result than this one."), "older")
    if sent.outcome == ResultOutcome.INVALID:
        text = _("A reported result cannot become invalid. Request a new specimen.")
        raise DoesNotFit(text, "invalid")
    same = bool(sent.sender_number) and sent.sender_number == before.sender_number
    if not sent.corrects and not same:
        text = _("This tube has a result, and the message does not say that it corrects it.")
        raise DoesNotFit(text, "reported")
    return Done(Fate.CORRECTED.value, tube), before


def _came_late(sent: Sent, before: Finding, tube: Specimen | Pool) -> bool:
    """Whether what comes now was found before what the tube has: messages overtake each other.

    A correction comes after what corrects nothing; else the moment of the test tells, and of one
    moment what corrects nothing was first.
    """
    corrected = queries.corrected_by_message(tube, before)
    if sent.corrects and not corrected:
        return False
    if sent.tested_at is not None and not same_minute(sent.tested_at, before.tested_at):
        return sent.tested_at < before.tested_at
    return corrected and not sent.corrects


def _again(sent: Sent, tube: Specimen | Pool, channel: str, by: User | None, at: datetime) -> Done:
    """A result of a tube that is reported: the same, or its correction."""
    done, before = _told_again(sent, tube)
    if done.fate == Fate.KNOWN:
        return done
    with translation.override(settings.LANGUAGE_CODE):
        reason = _("Corrected by a message of the laboratory.")
    try:
        said: dict[str, Any] = {
            "replaces": before.sequence,
            "facts": _facts(sent, channel),
            "reason": reason,
            "by": by,
            "at": at,
        }
        if isinstance(tube, Pool):
            pools.correct_pool_result(pool=tube, **said)
        else:
            testing.correct_result(specimen=tube, **said)
    except testing.WrongMoment as problem:
        raise DoesNotFit(str(problem), "moment") from None
    except testing.SentBefore as problem:
        raise DoesNotFit(str(problem), "sender_number") from None
    return done


def _withdrawn(
    sent: Sent,
    tube: Specimen | Pool,
    channel: str,
    *,
    named: bool,
    by: User | None,
    at: datetime,
) -> Done:
    """Take back what the laboratory sent for a tube: the newest result, and only if it is that one.

    A person who ``named`` the tube has looked at it. A pool's result let many go or held them, so
    the laboratory says on its page what takes its place.
    """
    if isinstance(tube, Pool):
        text = _("The result of a pool is corrected on its page: it concerns all its members.")
        raise DoesNotFit(text, "withdrawn_pool")
    rows = tubes.results_of(tube)
    before = next(iter(rows), None)
    if before is None:
        raise DoesNotFit(_("This tube has no result that could be taken back."), "no_result")
    said = bool(sent.sender_number) and sent.sender_number == before.sender_number
    if before.reported_at is None and (said or named):
        return Done(Fate.KNOWN.value, tube)
    if not said and not named:
        text = _("The newest result of this tube is another one than the message takes back.")
        raise DoesNotFit(text, "other_result")
    taken_back = any(one.reported_at is None for one in rows[1:])  # perhaps by this one, sent again
    if not named and (_is_older(sent, before) or (taken_back and sent.tested_at is None)):
        raise DoesNotFit(_("This tube has a newer result than this one."), "older")
    with translation.override(settings.LANGUAGE_CODE):
        reason = _("Taken back by a message of the laboratory.")
    try:
        testing.withdraw_result(
            specimen=tube, replaces=before.sequence, reason=reason, channel=channel, by=by, at=at
        )
    except (testing.WrongStep, testing.InPool) as problem:
        raise DoesNotFit(str(problem), "state") from None
    return Done(Fate.WITHDRAWN.value, tube)


def _is_older(sent: Sent, before: Finding) -> bool:
    if sent.tested_at is None or same_minute(sent.tested_at, before.tested_at):
        return False
    return sent.tested_at < before.tested_at


def _fits(name: str, specimen: Specimen) -> bool:
    person = specimen.person
    return not name or person is None or rules.same_name(name, person.name)


def _facts(sent: Sent, channel: str) -> ResultFacts:
    return ResultFacts(
        method=sent.method,
        outcome=sent.outcome,
        ct=sent.ct,
        tested_at=sent.tested_at,
        channel=channel,
        sender_number=sent.sender_number,
    )
