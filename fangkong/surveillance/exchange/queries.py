"""What laboratories sent, in the scope of a user."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from django.db.models import QuerySet

from fangkong.core import clock
from fangkong.surveillance.testing import queries as testing
from fangkong.surveillance.testing.models import Pool
from fangkong.surveillance.testing.types import TEST, Channel

from .models import Message, SentResult
from .types import Fate

if TYPE_CHECKING:
    from fangkong.accounts.models import User
    from fangkong.packs.types import AssayMethod
    from fangkong.places.models import Facility
    from fangkong.surveillance.testing.models import Finding, Specimen


def messages_open_to(user: User, at: datetime) -> QuerySet[Message]:
    """The messages of a user's laboratory."""
    own = user.scope(TEST, at).q(county="county_id", area="area_id", facility="laboratory_id")
    return Message.objects.filter(own).select_related("laboratory")


def results_open_to(user: User, at: datetime) -> QuerySet[SentResult]:
    """The results that a user's laboratory sent."""
    own = user.scope(TEST, at).q(county="county_id", area="area_id", facility="laboratory_id")
    return SentResult.objects.filter(own).select_related("laboratory", "message")


def waiting(user: User, at: datetime) -> QuerySet[SentResult]:
    """Those that nobody has matched with a tube yet."""
    return results_open_to(user, at).filter(fate=Fate.WAITING)


def results_of(message: Message) -> list[SentResult]:
    """The results of a message in their order."""
    rows = message.results.select_related("specimen", "pool", "laboratory")
    return list(rows.order_by("sequence"))


def laboratories_of(user: User, at: datetime) -> QuerySet[Facility]:
    """The laboratories in whose name a user sends results."""
    return testing.laboratories_of(user, at)


def laboratory_of(user: User, at: datetime, named: UUID | None) -> Facility | None:
    """The one that is named, else the only one."""
    rows = laboratories_of(user, at)
    if named is not None:
        return rows.filter(public_id=named).first()
    found = list(rows[:2])
    return found[0] if len(found) == 1 else None


def known_message(laboratory: Facility, channel: str, message_id: str) -> Message | None:
    """The message of this id that the laboratory sent before."""
    return Message.objects.filter(
        laboratory=laboratory, channel=channel, message_id=message_id
    ).first()


def corrected_by_message(tube: Specimen | Pool, newest: Finding) -> bool:
    """Whether the newest result of a tube came by a message that said that it corrects."""
    if newest.channel not in (Channel.FHIR, Channel.HL7):
        return False
    of = {"pool" if isinstance(tube, Pool) else "specimen": tube.pk}
    applied = SentResult.objects.filter(**of, fate__in=[Fate.ENTERED, Fate.CORRECTED, Fate.MATCHED])
    last = applied.order_by("-changed_at", "-pk").first()
    return last is not None and last.corrects


def withdrawn_before(laboratory: Facility, sender_number: str) -> bool:
    """Whether the laboratory took a result back that had not come: messages overtake each other."""
    if not sender_number:
        return False
    rows = SentResult.objects.filter(laboratory=laboratory, fate=Fate.WAITING, withdraws=True)
    return rows.filter(sender_number=sender_number, why="no_result").exists()


def tube_of(laboratory: Facility, number: str) -> Specimen | Pool | None:
    """The tube of this number that was sent, or is asked for, to this laboratory."""
    return testing.tube_for(laboratory, number)


def methods(at: datetime) -> tuple[AssayMethod, ...]:
    """The methods of the rules in force; NoPackInForce where there are none."""
    day = clock.day_of(at)
    return tuple(one for one in testing.pack_on(day).testing.methods if one.covers(day))
