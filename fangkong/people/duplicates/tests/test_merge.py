"""Two records become one, and one becomes two again as they were."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from django.utils.translation import override
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fangkong.accounts.models import EmergencyAccess
from fangkong.accounts.tests.factories import staff
from fangkong.core import clock
from fangkong.core.audit import queries as trail
from fangkong.core.dossier import queries as dossier
from fangkong.core.free_text import NumberInText
from fangkong.core.record import stamps
from fangkong.core.retention import actions as retention
from fangkong.core.roles import Role
from fangkong.core.tests.together import at_once
from fangkong.people import actions as people
from fangkong.people import queries as persons
from fangkong.people.duplicates import actions, jobs
from fangkong.people.duplicates.models import Merge, Pair
from fangkong.people.intake import DocumentDisagrees
from fangkong.people.models import NamePart, Person, Phone
from fangkong.people.requests.models import DataRequest
from fangkong.people.tests.factories import person as entered
from fangkong.people.tests.factories import resident_id
from fangkong.people.types import Document
from fangkong.surveillance.models import Case, DailyCount, Specimen
from fangkong.surveillance.monitoring.tests import factories as cards
from fangkong.surveillance.testing.tests.factories import AT, World, requested

from . import factories as two
from .factories import everything_held, merge, undo

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]
LATER, LAST = AT + timedelta(hours=1), AT + timedelta(hours=2)
CARD = resident_id(born=date(1985, 12, 31), order=7)


@pytest.fixture(autouse=True)
def house(settings, monkeypatch, tmp_path):
    monkeypatch.setattr(clock, "now", lambda: AT)
    settings.FANGKONG_AREA = "513300"
    settings.FANGKONG_DATA = tmp_path
    with override("en"):
        yield


@pytest.fixture
def world(db):
    return World()


@pytest.fixture
def kept(world):
    """扎西德吉 with card, phone and a case."""
    case = cards.case(world)
    return Person.objects.get(pk=case.person_id)


@pytest.fixture
def gone(world):
    """The same, entered by a checkpoint without a number: another phone, a workplace, a test."""
    found = entered(
        world.town,
        name="扎西得吉一",
        documents=[Document("none")],
        phones=[two.phone(1), two.phone(7)],
        workplace="鲜水镇小学",
        address_detail="团结社区3号",
    )
    requested(world, person=found)
    return found


@pytest.fixture
def pair(kept, gone):
    people.add_phone(person=kept, number="13800000001", by=None, at=AT)
    return two.pair(kept, Person.objects.get(pk=gone.pk), AT)


def now(person):
    return Person.objects.get(pk=person.pk)


def test_what_is_joined_is_one_person_and_what_is_undone_is_two_as_before(world, kept, gone, pair):
    by, before = world.daofu_cdc, everything_held()

    joined = merge(pair, kept, by, LATER, "workplace", "address_detail")

    one, other = now(kept), now(gone)
    assert (one.name, one.workplace, one.full_address) == (
        kept.name, "鲜水镇小学", "团结社区3号",
    )  # fmt: skip
    assert (other.merged_into, other.workplace) == (one, "鲜水镇小学")
    assert Specimen.objects.get().person == one and Case.objects.get().person == one
    # The number that both had stays where it was, and so does the note that there is no card.
    assert sorted(p.full_number for p in one.phones.all()) == [
        "13800000001", "13800000007", "13888880001",
    ]  # fmt: skip
    assert [p.full_number for p in other.phones.all()] == ["13800000001"]
    assert [d.kind for d in other.documents.all()] == ["none"]
    assert not NamePart.objects.filter(person_id=gone.pk).exists()
    assert list(persons.search(by, LATER, "13800000007")) == [one]
    assert not persons.one_open_to(by, LATER).filter(pk=gone.pk).exists()
    assert joined.moved == {
        "people.Phone.person": joined.moved["people.Phone.person"],
        "surveillance.Specimen.person": [Specimen.objects.get().pk],
    }

    undo(joined, by, LAST)

    assert everything_held() == before
    lines = [line.action for line in trail.history_of(now(kept))]
    assert {"people.duplicates.merge", "people.duplicates.undo"} <= set(lines)
    lines = [line.action for line in trail.history_of(now(gone))]
    assert {"people.duplicates.give_way", "people.duplicates.come_back"} <= set(lines)


def test_what_came_since_stays_with_the_record_that_was_kept(world, kept, gone, pair):
    by = world.daofu_cdc
    before = everything_held(but={"people.Phone"})
    joined = merge(pair, kept, by, LATER, "workplace")
    people.add_phone(person=now(kept), number="13900000009", by=by, at=LATER)
    second = cards.case(world, 1, condition="influenza", severity="", at=LATER)

    undo(joined, by, LAST)

    after = everything_held(but={"people.Phone"})
    assert after["people.Person"] == before["people.Person"]
    assert after["surveillance.Specimen"] == before["surveillance.Specimen"]
    assert now(kept).phones.filter(created_at=LATER).count() == 1
    assert Case.objects.get(pk=second.pk).person_id == kept.pk


def test_a_field_corrected_since_is_asked_for_and_then_stays_or_goes(world, kept, gone, pair):
    by = world.daofu_cdc
    joined = merge(pair, kept, by, LATER, "workplace", "address_detail")
    corrected = {"workplace": "鲜水镇中学"}
    people.correct(person=now(kept), changes=corrected, by=by, at=LATER + timedelta(minutes=1))

    with pytest.raises(actions.CorrectedSince) as said:
        undo(joined, by, LAST)
    assert said.value.fields == ["workplace"]
    with pytest.raises(actions.CorrectedSince):  # another field is no answer
        undo(joined, by, LAST, corrected={"name": "keep"})
    undo(joined, by, LAST, corrected={"workplace": "keep"})

    one = now(kept)
    assert (one.workplace, one.full_address) == ("鲜水镇中学", "团结社区1号")
    assert (one.changed_at, one.changed_by) == (LAST, by)  # it is not what it was
    assert (now(gone).workplace, now(gone).changed_at) == ("鲜水镇小学", AT)

    again = merge(pair, kept, by, LAST, "workplace")
    people.correct(person=now(kept), changes={"workplace": "县医院"}, by=by, at=LAST)
    undo(again, by, LAST, corrected={"workplace": "put_back"})
    assert now(kept).workplace == "鲜水镇中学"


def test_a_chain_is_undone_from_its_end(world, kept, gone, pair):
    by = world.daofu_cdc
    third = entered(world.town, name="扎西", documents=[], phones=[two.phone(9)])
    last = two.pair(kept, third, AT)
    before = everything_held()
    first = merge(pair, kept, by, LATER, "workplace")  # gone → kept
    second = merge(last, third, by, LATER + timedelta(minutes=1), "workplace", "name")

    assert now(gone).merged_into_id == third.pk  # straight to the end: no way in two steps
    assert Case.objects.get().person == Specimen.objects.get().person == now(third)
    with pytest.raises(actions.LaterMerge) as said:
        undo(first, by, LAST)
    assert said.value.merge == second

    undo(second, by, LAST)
    assert now(gone).merged_into_id == kept.pk
    assert Specimen.objects.get().person_id == Case.objects.get().person_id == kept.pk
    undo(first, by, LAST)
    assert everything_held() == before


def test_what_cannot_be_joined_is_refused_and_nothing_is_written(world, kept, gone, pair):
    by, told = world.daofu_cdc, {"by": world.daofu_cdc, "at": LATER}
    before = everything_held()
    state = two.seen(pair)
    wrong = [
        ({"keep": world.person.public_id}, actions.NotOfThePair),
        ({"take": ["public_id"]}, actions.UnknownField),
        ({"reason": "是"}, actions.ReasonMissing),
        ({"reason": "电话 13800001111 核实"}, NumberInText),
        ({"state": "0"}, actions.PairChanged),
        ({"take": ["sex", "birth_date"]}, None),
    ]
    for said, refusal in wrong:
        facts = {"keep": kept.public_id, "take": [], "state": state, "reason": two.WHY, **said}
        if refusal is not None:
            with pytest.raises(refusal):
                actions.merge(pair=pair, **facts, **told)
    assert everything_held() == before

    joined = merge(pair, kept, by, LATER)
    for judge in (lambda: merge(pair, gone, by, LAST), lambda: two.apart(pair, by, LAST)):
        with pytest.raises(actions.AlreadyJoined):
            judge()
    undo(joined, by, LAST)
    with pytest.raises(actions.AlreadyUndone):
        undo(joined, by, LAST)
    assert everything_held() == before


def test_a_record_corrected_while_the_page_was_open_is_looked_at_again(world, kept, gone, pair):
    state = two.seen(pair)
    people.correct(person=gone, changes={"name": "扎西德吉一"}, by=None, at=LATER)

    with pytest.raises(actions.PairChanged):
        merge(pair, kept, world.daofu_cdc, LATER, state=state)

    assert now(gone).merged_into is None


def test_one_illness_reported_of_both_is_not_joined_silently(world, kept, gone, pair):
    """Another disease, or the same one long before, stands in no way; nor does a discarded case."""
    case = Case.objects.get()
    number = cards.case(world, 2)
    Case.objects.filter(pk=number.pk).update(person=gone)

    with pytest.raises(actions.CannotJoin) as said:
        merge(pair, kept, world.daofu_cdc, LATER)
    assert case.number in str(said.value) and number.number in str(said.value)
    assert said.value.obstacles[0].url == number.get_absolute_url()
    counts = list(DailyCount.objects.values_list("n"))

    Case.objects.filter(pk=number.pk).update(condition="influenza")
    joined = merge(pair, kept, world.daofu_cdc, LATER)
    assert Case.objects.filter(person=kept).count() == 2
    assert list(DailyCount.objects.values_list("n")) == counts  # a case is counted where it was
    undo(joined, world.daofu_cdc, LAST)
    Case.objects.filter(pk=number.pk).update(condition="covid-19", case_class="discarded")
    undo(merge(pair, kept, world.daofu_cdc, LATER), world.daofu_cdc, LAST)
    earlier = case.diagnosed_at - timedelta(days=91)
    Case.objects.filter(pk=number.pk).update(case_class="confirmed", diagnosed_at=earlier)
    merge(pair, kept, world.daofu_cdc, LATER)


def test_the_same_test_waiting_for_both_is_cancelled_once_first(world, kept, gone, pair):
    requested(world, person=now(kept))

    with pytest.raises(actions.CannotJoin, match="asked for of both"):
        merge(pair, kept, world.daofu_cdc, LATER)

    assert Specimen.objects.filter(person=gone).count() == 1


def test_two_identity_numbers_are_two_persons(world, kept, gone, pair):
    people.add_document(person=now(gone), kind=CARD.kind, number=CARD.number, by=None, at=AT)

    with pytest.raises(actions.CannotJoin, match="identity number of their own"):
        merge(pair, kept, world.daofu_cdc, LATER)


def test_what_is_taken_must_fit_the_identity_number(world, kept, gone, pair):
    people.correct(person=gone, changes={"birth_date": date(1971, 1, 1)}, by=None, at=AT)

    with pytest.raises(DocumentDisagrees):
        merge(pair, kept, world.daofu_cdc, LATER, "birth_date")

    joined = merge(pair, gone, world.daofu_cdc, LATER, "birth_date", "sex")  # the older date fits
    assert now(gone).birth_date == date(1970, 1, 1)
    undo(joined, world.daofu_cdc, LAST)
    assert now(gone).birth_date == date(1971, 1, 1)


def test_who_was_erased_or_destroyed_is_joined_to_nobody(world, kept, gone, pair):
    Person.objects.filter(pk=gone.pk).update(restricted_at=AT)
    with pytest.raises(actions.CannotJoin, match="asked to be erased"):
        merge(pair, kept, world.daofu_cdc, LATER)
    Person.objects.filter(pk=gone.pk).update(restricted_at=None, name="~0123")
    with pytest.raises(actions.CannotJoin, match="destroyed"):
        merge(pair, kept, world.daofu_cdc, LATER)
    Person.objects.filter(pk=gone.pk).update(name="扎西", synthetic=True)
    with pytest.raises(actions.CannotJoin, match="invented"):
        merge(pair, kept, world.daofu_cdc, LATER)


def test_a_request_of_the_person_sees_both_and_goes_along(world, kept, gone, pair):
    asked = DataRequest.objects.create(
        person=gone, county=world.daofu, kind="copy", asker="self", proof="card",
        due_on=AT.date(), created_at=AT, changed_at=AT,
    )  # fmt: skip
    joined = merge(pair, kept, world.daofu_cdc, LATER, "workplace")

    held = {model._meta.label: rows for model, rows in dossier.rows_about(now(kept))}
    assert {row.pk for row in held["people.Person"]} == {kept.pk, gone.pk}
    assert len(held["people.Phone"]) == 4 and held["people.Merge"] == [joined]
    assert DataRequest.objects.get().person_id == kept.pk
    shown = str(dossier.dossier(now(kept), LATER))
    assert shown.count("鲜水镇小学") == 2 and "kept_before" not in shown

    undo(joined, world.daofu_cdc, LAST)
    assert DataRequest.objects.get(pk=asked.pk).person_id == gone.pk


def test_whom_an_emergency_opened_stays_open_when_the_record_is_joined(world, kept, gone, pair):
    doctor = staff(Role.WARD_STAFF, facility=world.other_hospital)
    found = EmergencyAccess.objects.create(
        user=doctor, person_key=gone.public_id, found_by="document", reason="昏迷，查病史",
        valid_from=AT, valid_to=LAST + timedelta(minutes=1), **stamps(doctor, AT),
    )  # fmt: skip
    doctor.emergency_until = found.valid_to
    doctor.save()

    def sees(at):
        again = type(doctor).objects.get(pk=doctor.pk)  # what it keeps of a request is fresh
        return set(persons.one_open_to(again, at).values_list("pk", flat=True)) & {
            kept.pk,
            gone.pk,
        }

    before = everything_held()
    assert sees(AT) == {gone.pk}
    joined = merge(pair, kept, world.daofu_cdc, LATER, "workplace")
    assert sees(LATER) == {kept.pk}

    undo(joined, world.daofu_cdc, LAST)

    assert everything_held() == before
    assert sees(LAST) == {gone.pk}
    assert sees(found.valid_to) == set()


def test_a_signpost_is_kept_as_long_as_where_it_leads_and_then_goes_with_it(
    world, kept, gone, pair
):
    joined = merge(pair, kept, world.daofu_cdc, LATER)
    long_after = AT + timedelta(days=400)

    assert list(jobs.signposts([kept.pk, gone.pk], long_after)) == [gone.pk]
    retention.destroy_due(at=long_after)
    assert now(gone).name == gone.name and Merge.objects.get().kept_before
    retention.destroy_due(at=AT + timedelta(days=3700))
    retention.destroy_due(at=AT + timedelta(days=3701))

    merged = Merge.objects.get()
    assert now(gone).name.startswith("~") and now(kept).name.startswith("~")
    assert (merged.kept_before, merged.kept_after, merged.gone_before) == ("",) * 3
    with pytest.raises(actions.ValuesGone):
        undo(joined, world.daofu_cdc, AT + timedelta(days=3702))


def test_a_pair_judged_two_persons_is_not_judged_again(world, kept, gone, pair):
    two.apart(pair, world.daofu_cdc, LATER)

    judged = Pair.objects.get()
    assert (judged.judged_at, judged.judged_by) == (LATER, world.daofu_cdc)
    assert judged.numbers_digest
    with pytest.raises(actions.AlreadyJudged):
        merge(pair, kept, world.daofu_cdc, LAST)
    lines = [line.action for one in (kept, gone) for line in trail.history_of(now(one))]
    assert lines.count("people.duplicates.keep_apart") == 2


def test_two_persons_judged_wrongly_wait_again_and_can_be_joined(world, kept, gone, pair):
    with pytest.raises(actions.NotJudged):
        actions.reconsider(pair=pair, reason="是同一个人", by=world.daofu_cdc, at=LATER)
    two.apart(pair, world.daofu_cdc, LATER)
    with pytest.raises(actions.ReasonMissing):
        actions.reconsider(pair=pair, reason="是", by=world.daofu_cdc, at=LAST)

    actions.reconsider(pair=pair, reason="本人来电说明", by=world.daofu_cdc, at=LAST)

    waits = Pair.objects.get()
    assert (waits.judged_at, waits.judged_by, waits.numbers_digest) == (None, None, "")
    for one in (kept, gone):
        lines = trail.history_of(now(one))
        assert lines[0].action == "people.duplicates.reconsider"
        assert lines[0].reason == "本人来电说明"
    merge(pair, kept, world.daofu_cdc, LAST)
    with pytest.raises(actions.AlreadyJoined):
        actions.reconsider(pair=pair, reason="是同一个人", by=world.daofu_cdc, at=LAST)


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_whatever_was_joined_undoing_all_of_it_from_the_end_gives_what_was(world, data):
    """Random merges over five records; in between phones, cases and tests come and are kept."""
    from django.db import transaction

    with transaction.atomic():
        people_ = [
            entered(
                world.town,
                name=f"央金{'一二三四五'[n]}",
                documents=[Document("none")] if n % 2 else [],
                phones=[two.phone(data.draw(st.integers(1, 3)))],
                workplace=data.draw(st.sampled_from(["", "小学", "中学"])),
                birth_date=data.draw(st.sampled_from([None, date(1980, 2, 3)])),
                sex=data.draw(st.sampled_from(["0", "2"])),
            )
            for n in range(5)
        ]
        # The tests of two hospitals: what waits for both of two is refused, and then not joined.
        for one in people_:
            if data.draw(st.booleans()):
                place = data.draw(st.sampled_from([world.hospital, world.other_hospital]))
                requested(world, person=one, facility=place)
        pairs = {
            (a, b): two.pair(people_[a], people_[b], AT) for a in range(5) for b in range(a + 1, 5)
        }
        before = everything_held()
        done: list[Merge] = []
        came: list[int] = []
        for step in range(data.draw(st.integers(1, 6))):
            standing = [n for n in range(5) if now(people_[n]).merged_into_id is None]
            if len(standing) < 2:
                break
            a, b = sorted(data.draw(st.permutations(standing))[:2])
            keep = people_[data.draw(st.sampled_from([a, b]))]
            take = data.draw(st.sets(st.sampled_from(["name", "workplace", "birth_date", "sex"])))
            at = LATER + timedelta(minutes=step)
            try:
                done.append(merge(pairs[a, b], keep, world.daofu_cdc, at, *take))
            except actions.CannotJoin:
                continue
            if data.draw(st.booleans()):
                number = f"1390000{step:04d}"
                added = people.add_phone(person=now(keep), number=number, by=None, at=at)
                came.append(added.pk)
        for merged in reversed(done):
            undo(merged, world.daofu_cdc, LAST)

        after = everything_held()
        phones = after["people.Phone"]
        after["people.Phone"] = [row for row in phones if row["id"] not in came]
        assert after == before
        assert len([row for row in phones if row["id"] in came]) == len(came)
        transaction.set_rollback(True)


@pytest.mark.django_db(transaction=True)
def test_of_two_who_join_at_once_in_opposite_ways_one_is_heard(world, kept, gone, pair):
    """Whichever: one record leads to the other, never each to the other; the other one is told."""
    state = two.seen(pair)
    facts = {"take": [], "state": state, "reason": two.WHY, "by": world.daofu_cdc, "at": LATER}

    said = at_once(lambda n: actions.merge(pair=pair, keep=(kept, gone)[n].public_id, **facts))

    assert sorted(type(one).__name__ for one in said) == ["AlreadyJoined", "Merge"]
    assert Person.objects.filter(merged_into__isnull=False).count() == 1
    joined = Merge.objects.get()
    both = at_once(lambda n: undo(joined, world.daofu_cdc, LAST))
    assert sorted(type(one).__name__ for one in both) == ["AlreadyUndone", "Merge"]
    assert not Person.objects.filter(merged_into__isnull=False).exists()


@pytest.mark.django_db(transaction=True)
def test_what_is_entered_of_the_record_that_goes_at_the_same_moment_is_not_lost(
    world, kept, gone, pair
):
    """The request waits for the joining or comes before it; no row hangs on a record between."""
    facts = {"take": [], "state": two.seen(pair), "reason": two.WHY}

    def call(n):
        if n:
            return people.add_phone(person=gone, number="13900000008", by=None, at=LATER)
        return actions.merge(pair=pair, keep=kept.public_id, by=world.daofu_cdc, at=LATER, **facts)

    said = at_once(call)

    merged, added = said
    assert isinstance(merged, Merge)
    if isinstance(added, people.JoinedMeanwhile):
        assert not Phone.objects.filter(created_at=LATER).exists()
    else:
        assert Phone.objects.get(created_at=LATER).person_id == kept.pk


def test_what_reached_the_record_that_went_in_between_comes_after_it_by_night(
    world, kept, gone, pair
):
    """A test asked for by a page that had found the person just before: an undo brings it back."""
    before = everything_held(but={"surveillance.Specimen", "surveillance.CustodyStep"})
    joined = merge(pair, kept, world.daofu_cdc, LATER)
    # It began before the joining, and says so.
    late = requested(world, person=gone, facility=world.other_hospital, at=AT)
    assert late.person_id == gone.pk

    assert actions.bring_along(by=None, at=LAST) == 1

    late.refresh_from_db()
    assert late.person_id == kept.pk
    assert late.pk in Merge.objects.get().moved["surveillance.Specimen.person"]
    assert actions.bring_along(by=None, at=LAST) == 0
    undo(joined, world.daofu_cdc, LAST)
    late.refresh_from_db()
    assert late.person_id == gone.pk
    after = everything_held(but={"surveillance.Specimen", "surveillance.CustodyStep"})
    assert after["people.Person"] == before["people.Person"]
