"""A command is carried out once per key, however often and however quickly it is sent."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils.translation import override

from fangkong.accounts.tests import factories
from fangkong.core.commands.actions import KeyMissing, KeyReused, given_before, once
from fangkong.core.commands.models import Command
from fangkong.core.messages import Statement, at_end
from fangkong.core.queue.models import Job, Tick
from fangkong.core.refusals import Refused
from fangkong.core.tests.together import at_once

AT = factories.AT
pytestmark = pytest.mark.django_db


class TooMany(Refused):
    """The number asked for is not there."""


@dataclass(frozen=True)
class Facts:
    name: str
    tags: tuple[str, ...] = ()


@transaction.atomic
def ask(*, name="detect", number=1, by, at, **_rest):
    job = Job.objects.create(name=name, subject_id=number, by=by, asked_at=at)
    if number > 100:
        raise TooMany("100 left, more asked")
    return job


@transaction.atomic
def ask_by_place(name, number, *, by, at):
    return Job.objects.create(name=name, subject_id=number, by=by, asked_at=at)


def tell(*, by, at):
    Job.objects.create(name="told", subject_id=1, asked_at=at)
    return {"told": [1, 2]}


@pytest.fixture
def key():
    return str(uuid4())


def test_a_repeated_command_gives_the_same_record_and_is_done_once(key):
    first = once(key, ask, number=3, by=None, at=AT)
    second = once(key, ask, number=3, by=None, at=AT)

    assert second == first
    assert Job.objects.count() == 1


def test_what_was_given_is_known_by_its_sender_key_and_action_alone(key):
    user, other = factories.user(), factories.user()
    assert given_before(key, ask, by=user) is None
    with suppress(TooMany):
        once(key, ask, number=101, by=user, at=AT)
    assert given_before(key, ask, by=user) is None  # refused: nothing was done
    done = once(key, ask, number=3, by=user, at=AT)

    assert given_before(key, ask, by=user) == done
    nobody_else = [(key, ask, other), (key, ask, None), (key, tell, user), (f"{key}x", ask, user)]
    for its_key, action, by in [*nobody_else, ("", ask, user), ("\x00", ask, user)]:
        assert given_before(its_key, action, by=by) is None
    told = once(f"{key}y", tell, by=user, at=AT)
    assert given_before(f"{key}y", tell, by=user) == told


def test_two_keys_are_two_commands(key):
    assert once(key, ask, by=None, at=AT) != once(str(uuid4()), ask, by=None, at=AT)
    assert Job.objects.count() == 2


def test_the_moment_is_no_part_of_the_content_because_a_repeat_comes_later(key):
    first = once(key, ask, by=None, at=AT)
    second = once(key, ask, by=None, at=AT + timedelta(minutes=5))

    assert second == first
    assert second.asked_at == AT


@pytest.mark.parametrize(
    ("earlier", "now"),
    [
        ({"number": 3}, {"number": 4}),
        ({"number": 3}, {"number": "3"}),
        ({"facts": Facts("gown")}, {"facts": Facts("mask")}),
        ({"facts": Facts("gown", ("a",))}, {"facts": Facts("gown", ("b",))}),
        ({"shares": {"513322": 5}}, {"shares": {"513322": 6}}),
        ({"names": ["a", "b"]}, {"names": ["b", "a"]}),
        ({"note": ""}, {"note": None}),
        ({}, {"note": ""}),
    ],
)
def test_the_same_key_with_other_content_is_refused_and_changes_nothing(key, earlier, now):
    once(key, ask, by=None, at=AT, **earlier)

    with pytest.raises(KeyReused):
        once(key, ask, by=None, at=AT, **now)

    assert Job.objects.count() == 1


def test_content_given_by_place_counts_as_well(key):
    first = once(key, ask_by_place, "detect", 3, by=None, at=AT)

    assert once(key, ask_by_place, "detect", 3, by=None, at=AT) == first
    with pytest.raises(KeyReused):
        once(key, ask_by_place, "detect", 4, by=None, at=AT)


def test_the_order_of_a_mapping_or_a_set_makes_no_difference(key):
    first = once(key, ask, by=None, at=AT, shares={"a": 1, "b": 2}, kinds={"x", "y"})
    second = once(key, ask, by=None, at=AT, shares={"b": 2, "a": 1}, kinds={"y", "x"})

    assert second == first


def test_the_same_key_for_another_action_is_refused(key):
    once(key, ask, by=None, at=AT)

    with pytest.raises(KeyReused):
        once(key, tell, by=None, at=AT)


def test_a_key_belongs_to_the_user_who_sent_it(key):
    one, other = factories.user(), factories.user()

    first = once(key, ask, by=one, at=AT)
    second = once(key, ask, by=other, at=AT)

    assert first != second
    assert once(key, ask, by=one, at=AT) == first


def test_a_refusal_changes_nothing_and_leaves_the_key_free(key):
    with pytest.raises(TooMany):
        once(key, ask, number=101, by=None, at=AT)

    assert not Job.objects.exists()
    assert not Command.objects.exists()
    assert once(key, ask, number=100, by=None, at=AT).subject_id == 100


def test_a_mistake_of_the_program_leaves_the_key_free_too(key):
    def break_down(*, by, at):
        Job.objects.create(name="x", subject_id=1, asked_at=at)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        once(key, break_down, by=None, at=AT)

    assert not Job.objects.exists()
    assert not Command.objects.exists()


def test_a_clash_inside_the_action_is_not_taken_for_a_repeat(key):
    def clash(*, by, at):
        taken = Job.objects.create(name="x", subject_id=1, asked_at=at)
        return Job.objects.create(public_id=taken.public_id, name="x", subject_id=1, asked_at=at)

    with pytest.raises(Exception, match=r"(?i)unique"):
        once(key, clash, by=None, at=AT)

    assert not Job.objects.exists()


def test_plain_data_is_given_back_as_well_as_records(key):
    assert once(key, tell, by=None, at=AT) == {"told": [1, 2]}
    assert once(key, tell, by=None, at=AT) == {"told": [1, 2]}
    assert Job.objects.count() == 1


@pytest.mark.parametrize("bad", ["", "x" * 65])
def test_without_a_usable_key_nothing_is_done(bad):
    with pytest.raises(KeyMissing) as refusal:
        once(bad, ask, by=None, at=AT)

    assert refusal.value.status == 400
    assert not Job.objects.exists()


def test_the_longest_key_is_usable():
    assert once("x" * 64, ask, by=None, at=AT).pk


def test_the_fingerprint_shows_nothing_of_what_was_sent(key):
    once(key, ask, by=None, at=AT, name="扎西多吉")

    kept = Command.objects.get()
    assert "扎西多吉" not in f"{kept.fingerprint} {kept.key} {kept.action} {kept.result}"
    assert len(kept.fingerprint) == 64


def test_a_refusal_speaks_the_language_of_the_page(key):
    once(key, ask, number=3, by=None, at=AT)
    with pytest.raises(KeyReused) as refusal:
        once(key, ask, number=4, by=None, at=AT)

    with override("en"):
        assert "Reload the page" in str(refusal.value)
    with override("zh-hans"):
        assert "重新" in str(refusal.value)


@pytest.mark.both_databases
@pytest.mark.django_db(transaction=True)
def test_eight_senders_of_one_key_at_the_same_moment_do_it_once(key):
    results = at_once(lambda _n: once(key, ask, number=3, by=None, at=AT), callers=8)

    assert Job.objects.count() == 1
    assert Command.objects.count() == 1
    assert results == [Job.objects.get()] * 8


@pytest.mark.both_databases
@pytest.mark.django_db(transaction=True)
def test_the_action_itself_runs_once_even_if_what_it_does_cannot_be_rolled_back(key):
    runs = []

    def write_outside(*, by, at):
        runs.append(at)
        return Job.objects.create(name="x", subject_id=1, asked_at=at)

    results = at_once(lambda _n: once(key, write_outside, by=None, at=AT), callers=8)

    assert results == [Job.objects.get()] * 8
    assert runs == [AT]


@pytest.mark.both_databases
def test_what_waits_for_the_end_of_a_command_goes_with_it(key):
    def note(number):
        return Statement(
            "INSERT INTO core_tick (schedule, minute) VALUES (%s, %s)",
            [f"n{number}", connection.ops.adapt_datetimefield_value(AT)],
        )

    def act(*, by, at, fails=False):
        at_end(note(1))
        with suppress(TooMany), transaction.atomic():
            at_end(note(2))  # below a savepoint: written and undone with it
            raise TooMany("x")
        with transaction.atomic():
            at_end(note(3))
        before = set(Tick.objects.values_list("schedule", flat=True))
        if fails:
            raise TooMany("x")
        return sorted(before)

    with pytest.raises(TooMany):
        once(key, act, fails=True, by=None, at=AT)
    assert not Tick.objects.exists()

    assert once(key, act, by=None, at=AT) == ["n3"]  # the first waits until the end
    assert set(Tick.objects.values_list("schedule", flat=True)) == {"n1", "n3"}


@pytest.mark.both_databases
@pytest.mark.django_db(transaction=True)
def test_of_two_contents_under_one_key_at_the_same_moment_one_is_refused(key):
    results = at_once(lambda n: once(key, ask, number=n, by=None, at=AT))

    assert Job.objects.count() == 1
    assert sorted(type(result).__name__ for result in results) == ["Job", "KeyReused"]


@pytest.mark.both_databases
@pytest.mark.django_db(transaction=True)
def test_when_the_first_sender_is_refused_the_second_still_gets_its_answer(key):
    def only_the_second(*, by, at):
        if by == one:
            raise TooMany("not you")
        return Job.objects.create(name="x", subject_id=1, asked_at=at)

    one, other = factories.user(), factories.user()
    results = at_once(lambda n: once(key, only_the_second, by=(one, other)[n], at=AT))

    assert isinstance(results[0], TooMany)
    assert results[1] == Job.objects.get()


@pytest.mark.both_databases
@pytest.mark.parametrize("somebody", [True, False])
def test_the_database_itself_keeps_a_key_from_standing_twice(key, somebody):
    by = factories.user() if somebody else None
    command = {"by": by, "key": key, "action": "x", "fingerprint": "", "at": AT}
    Command.objects.create(**command)

    with pytest.raises(IntegrityError), transaction.atomic():
        Command.objects.create(**command)

    Command.objects.create(**command | {"key": f"{key}x"})
    Command.objects.create(**command | {"by": factories.user()})
