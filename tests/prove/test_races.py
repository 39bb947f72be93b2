"""Eight at the same moment: one wins, the others are told, and no count goes wrong."""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from datetime import timedelta
from threading import Barrier, BrokenBarrierError
from uuid import uuid4

import pytest
from django.db.models import QuerySet, Sum

from fangkong.accounts import actions as accounts
from fangkong.accounts.models import User
from fangkong.accounts.tests.factories import staff, user
from fangkong.core.commands.actions import once
from fangkong.core.roles import Role
from fangkong.core.tests.together import at_once
from fangkong.surveillance.monitoring import actions as monitoring
from fangkong.surveillance.monitoring.models import Case, DailyCount
from fangkong.surveillance.monitoring.tests.factories import AT, World, facts, person
from fangkong.tasks import actions as tasks
from fangkong.tasks.models import Task

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.both_databases]
CALLERS = 8


@pytest.fixture
def world(settings, monkeypatch):
    settings.FANGKONG_AREA = "513300"
    settings.FANGKONG_SEPARATE_ADMINISTRATORS = True
    monkeypatch.setattr("fangkong.core.clock.now", lambda: AT)
    return World()


def test_of_eight_at_once_one_wins_and_nothing_is_lost(proof, world, monkeypatch):
    held(proof, world, monkeypatch, rounds=1)


@pytest.mark.long
def test_of_eight_at_once_one_wins_and_nothing_is_lost_in_many_rounds(proof, world, monkeypatch):
    held(proof, world, monkeypatch, rounds=125 if proof.full else 30)


def held(proof, world, monkeypatch, *, rounds: int) -> None:
    with monkeypatch.context() as patch:
        without_lock(patch)
        winners = done(finish_once(world, tasks.finish.__wrapped__))
    assert winners > 1, "an action without its lock had one winner: blind"
    proof.note("races, planted: an action without its lock", callers=CALLERS, winners=winners)

    seen: Counter[str] = Counter()
    for number in range(rounds):
        races = {
            "task finished": done(finish_once(world, tasks.finish)),
            "card reviewed": done(review_once(world, number)),
            "key used": len(report_with_one_key(world, number)),
            "roles that exclude each other": len(appoint_once(world)),
            "last administrators left": close_each_other(world),
        }
        assert set(races.values()) == {1}, races
        seen.update(races)
    numbers, counted = report_together(world, rounds)
    assert len(set(numbers)) == len(numbers) == CALLERS * rounds
    assert counted == Case.objects.count()
    proof.note("races", callers=CALLERS, rounds=rounds, numbers=len(numbers), **dict(seen))


def done(results: list[object]) -> int:
    return sum(not isinstance(one, Exception) for one in results)


def without_lock(patch) -> None:
    """Reads without locking, and everybody has read before anybody writes."""
    met = Barrier(CALLERS)
    plain = tasks._locked

    def read(task, after):
        found = plain(task, after)
        with suppress(BrokenBarrierError):
            met.wait(5)
        return found

    patch.setattr(QuerySet, "select_for_update", lambda self, *args, **kwargs: self)
    patch.setattr(tasks, "_locked", read)


def finish_once(world, finish) -> list[object]:
    task = tasks.give(
        text="清点防护服",
        area=world.daofu,
        role=Role.COUNTY_CDC,
        due_at=AT + timedelta(days=1),
        by=world.headquarters,
        at=AT,
    )
    by = world.daofu_cdc
    return at_once(
        lambda n: finish(task=Task(pk=task.pk), proof=f"清点完毕 {n}", by=by, at=AT), CALLERS
    )


def a_case(world, number: int, **more):
    return monitoring.report(
        person=person(number % 900 + 1, id_number="", **more),
        case=facts(),
        facility=world.hospital,
        area=world.town,
        new_illness=True,
        by=world.clinician,
        at=AT,
    )


def review_once(world, number: int) -> list[object]:
    case = a_case(world, number, name=f"白玛{uuid4().hex[:8]}")
    by = world.daofu_cdc
    return at_once(
        lambda _n: monitoring.review(case=case, card=1, accept=True, by=by, at=AT), CALLERS
    )


def report_with_one_key(world, number: int) -> set[int]:
    key, who = str(uuid4()), person(1, id_number="", name=f"德吉{uuid4().hex[:8]}")

    def report(_n):
        return once(
            key,
            monitoring.report,
            person=who,
            case=facts(),
            facility=world.hospital,
            area=world.town,
            new_illness=True,
            by=world.clinician,
            at=AT,
        )

    results = at_once(report, CALLERS)
    assert done(results) == CALLERS, results
    return {case.pk for case in results}


def appoint_once(world) -> set[str]:
    somebody = user()
    roles = [Role.ADMINISTRATOR, Role.AUDITOR]

    def appoint(number):
        return accounts.appoint(
            user=somebody,
            role=roles[number % 2],
            area=world.home,
            facility=None,
            valid_from=AT.date(),
            valid_to=None,
            by=None,
            at=AT,
        )

    at_once(appoint, CALLERS)
    held = set(somebody.appointments.values_list("role", flat=True))
    User.objects.filter(pk=somebody.pk).update(is_active=False)  # no administrator of the next race
    return held


def close_each_other(world) -> int:
    """Two administrators remove each other; how many are left."""
    pair = [staff(Role.ADMINISTRATOR, area=world.home) for _one in range(2)]
    at_once(
        lambda n: accounts.set_active(user=pair[n], active=False, by=pair[1 - n], at=AT), callers=2
    )
    left = User.objects.filter(pk__in=[one.pk for one in pair], is_active=True)
    count = left.count()
    left.update(is_active=False)
    return count


def report_together(world, rounds: int) -> tuple[list[str], int]:
    """Cards by eight hospitals' hands at once: their numbers, and what the daily counts say."""
    numbers = []
    for number in range(rounds):
        made = at_once(
            lambda n, of=number: a_case(world, of * CALLERS + n, name=f"次仁{uuid4().hex[:8]}"),
            CALLERS,
        )
        assert done(made) == CALLERS, made
        numbers += [case.number for case in made]
    counted = DailyCount.objects.filter(basis="reported").aggregate(n=Sum("n"))["n"]
    return numbers, counted
