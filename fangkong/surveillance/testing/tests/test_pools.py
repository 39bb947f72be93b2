"""Pools: who may share a tube, what becomes of its members, and that it diagnoses nobody."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import translation

from fangkong.core import clock
from fangkong.core.audit.models import AuditLine
from fangkong.core.commands.actions import once
from fangkong.core.notices.models import Notice
from fangkong.people.tests.factories import person, resident_id
from fangkong.surveillance.monitoring.models import Case
from fangkong.surveillance.monitoring.tests import factories as cards
from fangkong.surveillance.testing import actions, holds, judging, pools, queries, rules
from fangkong.surveillance.testing.models import Pool, Result, Specimen
from fangkong.tasks.models import Task

from .factories import AT, HOUR, MINUTE, facts, found, surface
from .pooling import LATER, asked_singly, at_the_bench, filled, kind, opened, persons, told

pytestmark = pytest.mark.both_databases


@pytest.fixture(autouse=True)
def later(monkeypatch, today):
    """It is 2022-02-05: pools are allowed since a year and a half."""
    monkeypatch.setattr(clock, "now", lambda: LATER)
    with translation.override("en"):
        yield


@pytest.fixture
def world(world):
    world.person = person(world.daofu, documents=[resident_id("513326", order=99)])
    return world


def way(tube) -> list[str]:
    steps = queries.pool_steps_of if isinstance(tube, Pool) else queries.steps_of
    return [step.state for step in steps(tube)]


def states(pool: Pool) -> list[str]:
    return [one.state for one in queries.members_of(pool)]


def single_result(world, repeat: Specimen, outcome: str, at=LATER + HOUR) -> Result:
    repeat = actions.collect(specimen=repeat, by=world.clinician, at=at)
    repeat = actions.ship(specimen=repeat, by=world.clinician, at=at)
    repeat = actions.receive(specimen=repeat, by=world.technician, at=at)
    return actions.enter_result(specimen=repeat, facts=found(outcome), by=world.technician, at=at)


def repeats(pool: Pool) -> list[Specimen]:
    return list(Specimen.objects.filter(repeats__pool=pool).order_by("pk"))


def recollect(pool: Pool) -> list[str]:
    rows = Task.objects.filter(kind="surveillance.testing.recollect", source_id=pool.public_id)
    return [task.state for task in rows.order_by("pk")]


# --- Filling --------------------------------------------------------------------------------------


def test_a_tube_of_five_goes_its_way_and_clears_its_members(world):
    pool, inside = at_the_bench(world, count=5)

    result = told(world, pool, "negative", LATER + HOUR, ct={})

    pool.refresh_from_db()
    assert pool.number[:-1] == "P51332622000001"
    assert way(pool) == ["requested", "collected", "shipped", "received", "tested", "reported"]
    assert (pool.state, pool.outcome, result.sequence) == ("reported", "negative", 1)
    for one in inside:
        one.refresh_from_db()
        assert (one.state, one.outcome, one.reported_at) == ("reported", "negative", LATER + HOUR)
        assert way(one) == ["requested", "collected", "shipped", "received", "tested", "reported"]
    assert pool.due_at == inside[0].due_at == LATER + 24 * HOUR
    lines = AuditLine.objects.filter(subject_type="surveillance.pool").order_by("pk")
    assert [line.action.rpartition(".")[2] for line in lines] == [
        "open_pool",
        "close_pool",
        "ship_pool",
        "receive_pool",
        "enter_pool_result",
    ]
    assert (Result.objects.count(), Case.objects.count(), Task.objects.count()) == (0, 0, 0)


def test_one_more_than_the_rules_allow_does_not_go_in(world):
    pool, inside = filled(world, count=5)

    with pytest.raises(pools.PoolFull, match="5 persons"):
        pools.add_to_pool(pool=pool, person=world.person, by=world.clinician, at=LATER)

    assert len(queries.members_of(pool)) == len(inside) == 5


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ({"group": "fever-clinic"}, "group"),
        ({"group": "patient"}, "group"),
        ({"specimen_type": "sputum"}, "specimen_type"),
        ({"rule": "fifty-in-one"}, "rule"),
        ({"rule": "twenty-in-one", "group": "arrival"}, "group"),
        ({"condition": "no-such"}, "condition"),
    ],
)
def test_pools_are_for_screening_alone_and_of_the_sizes_of_the_rules(world, said, field):
    with pytest.raises(pools.NotAcceptable) as refused:
        opened(world, **said)

    assert [name for name, _text in refused.value.faults] == [field]
    assert not Pool.objects.exists()
    assert opened(world).size == 5


def test_before_the_rules_allowed_it_nobody_was_pooled(world):
    with pytest.raises(pools.NotAcceptable, match="allow no pools"):
        opened(world, AT)


def test_twenty_in_one_came_later_than_ten(world):
    before = LATER - timedelta(days=60)
    with pytest.raises(pools.NotAcceptable):
        opened(world, before, rule="twenty-in-one")

    assert opened(world, before, rule="ten-in-one").size == 10
    assert opened(world, rule="twenty-in-one").size == 20


def test_where_too_many_are_positive_everybody_is_tested_singly(world):
    asked = asked_singly(world)
    single_result(world, asked, "positive", LATER - timedelta(0))
    assert queries.positivity(world.bench, "covid-19", ("mass-screening",), LATER) == (1, 1)

    with pytest.raises(pools.TooManyPositive, match=r"0\.1 %"):
        opened(world)

    # Two weeks later it is not counted any more, and another laboratory has its own figure.
    assert opened(world, LATER + timedelta(days=14)).state == "requested"
    other = pools.open_pool(
        facts=kind(), facility=world.hospital, laboratory=world.other_bench,
        by=world.clinician, at=LATER,
    )  # fmt: skip
    assert other.state == "requested"


@pytest.mark.parametrize(
    ("positive", "tested", "may"),
    [(0, 0, True), (0, 10, True), (1, 1001, True), (1, 1000, False), (1, 999, False)],
)
def test_the_bound_itself_is_too_many(positive, tested, may):
    rule = rules.pools(queries.pack_on(LATER.date()), LATER.date())[0]

    assert rules.may_pool(rule, positive, tested) is may


def test_a_requested_test_is_scanned_into_the_tube(world):
    asked = asked_singly(world)
    pool = opened(world)

    inside = pools.add_to_pool(pool=pool, specimen=asked, by=world.clinician, at=LATER)

    assert (inside.pk, inside.pool_id, inside.state) == (asked.pk, pool.pk, "collected")
    assert inside.due_at == LATER + 24 * HOUR
    with pytest.raises(pools.InPoolAlready):
        pools.add_to_pool(pool=pool, specimen=asked, by=world.clinician, at=LATER)
    with pytest.raises(pools.InPoolAlready):
        pools.add_to_pool(pool=pool, person=world.person, by=world.clinician, at=LATER)


def test_a_person_who_waits_for_the_same_test_is_put_in_with_that_one(world):
    asked = asked_singly(world)

    inside = pools.add_to_pool(
        pool=opened(world), person=world.person, by=world.clinician, at=LATER
    )

    assert inside.pk == asked.pk
    assert Specimen.objects.count() == 1


@pytest.mark.parametrize(
    ("said", "told_why"),
    [
        ({"facts": facts(group="fever-clinic")}, "for screening alone"),
        ({"facts": facts(group="mass-screening", onset_date=LATER.date())}, "is ill"),
        ({"facts": facts(group="mass-screening", condition="measles")}, "another disease"),
        (
            {"facts": facts(group="mass-screening", specimen_type="nasopharyngeal-swab")},
            "Another kind",
        ),
    ],
)
def test_a_test_that_is_no_screening_stays_single(world, said, told_why):
    asked, pool = asked_singly(world, **said), opened(world)

    with pytest.raises(pools.NotAcceptable, match=told_why):
        pools.add_to_pool(pool=pool, specimen=asked, by=world.clinician, at=LATER)

    asked.refresh_from_db()
    assert (asked.state, asked.pool_id) == ("requested", None)


def test_surfaces_and_tubes_that_are_full_do_not_go_into_a_pool(world):
    pool, surface_asked = opened(world), surface(world, at=LATER)
    full = asked_singly(world, collected_at=LATER)

    for one, refusal in ((surface_asked, pools.NotAcceptable), (full, pools.WrongStep)):
        with pytest.raises(refusal):
            pools.add_to_pool(pool=pool, specimen=one, by=world.clinician, at=LATER)

    assert queries.members_of(pool) == []


def test_a_closed_tube_takes_nobody_and_lets_nobody_out(world):
    pool, inside = filled(world, count=2)
    pool = pools.close_pool(pool=pool, by=world.clinician, at=LATER)

    with pytest.raises(pools.PoolClosed):
        pools.add_to_pool(pool=pool, person=world.person, by=world.clinician, at=LATER)
    with pytest.raises(pools.PoolClosed):
        pools.take_out_of_pool(
            pool=pool, specimen=inside[0], reason="录错人", by=world.clinician, at=LATER
        )
    assert states(pool) == ["collected", "collected"]


def test_a_tube_that_nobody_closed_is_closed_by_its_receipt(world):
    pool, _inside = filled(world, count=2)

    pool = pools.receive_pool(pool=pool, by=world.technician, at=LATER + HOUR)

    assert (pool.state, pool.collected_at) == ("received", LATER + HOUR)
    assert states(pool) == ["received", "received"]
    with pytest.raises(pools.PoolClosed):
        pools.add_to_pool(pool=pool, person=world.person, by=world.clinician, at=LATER + HOUR)


def test_an_empty_tube_is_not_sent(world):
    with pytest.raises(pools.PoolEmpty):
        pools.close_pool(pool=opened(world), by=world.clinician, at=LATER)


def test_whoever_was_scanned_by_mistake_waits_again_or_is_forgotten(world):
    asked, pool = asked_singly(world), opened(world)
    one = pools.add_to_pool(pool=pool, specimen=asked, by=world.clinician, at=LATER + MINUTE)
    other = pools.add_to_pool(
        pool=pool, person=persons(world, 1)[0], by=world.clinician, at=LATER + MINUTE
    )
    said = {"reason": "扫错人", "by": world.clinician, "at": LATER + HOUR}

    back = pools.take_out_of_pool(pool=pool, specimen=one, **said)
    gone = pools.take_out_of_pool(pool=pool, specimen=other, **said)

    assert (back.state, back.pool_id, back.collected_at) == ("requested", None, None)
    assert (gone.state, gone.pool_id) == ("cancelled", None)
    assert queries.members_of(pool) == []


def test_a_member_has_no_way_and_no_result_of_its_own(world):
    pool, inside = at_the_bench(world, count=2)
    one = {"specimen": inside[0], "at": LATER + HOUR}

    for action, more in (
        (actions.enter_result, {"facts": found("positive"), "by": world.technician}),
        (actions.lose, {"reason": "打碎", "by": world.technician}),
        (actions.refuse, {"reason": "渗漏", "by": world.technician}),
        (actions.cancel, {"reason": "不用", "by": world.clinician}),
        (actions.ship, {"by": world.clinician}),
    ):
        with pytest.raises(actions.InPool):
            action(**one, **more)
    told(world, pool, "negative")
    with pytest.raises(actions.InPool):
        actions.correct_result(
            specimen=inside[0], replaces=1, facts=found("positive"), reason="复核",
            by=world.technician, at=LATER + HOUR,
        )  # fmt: skip
    assert not Result.objects.exists()


def test_a_lost_or_refused_tube_ends_the_way_of_all_its_members(world):
    pool, _inside = at_the_bench(world, count=2)

    pools.refuse_pool(pool=pool, reason="渗漏", by=world.technician, at=LATER)

    pool.refresh_from_db()
    assert (pool.state, states(pool)) == ("refused", ["refused", "refused"])
    (notice,) = Notice.objects.all()
    assert (notice.user, notice.subject_public_id) == (world.clinician, pool.public_id)
    with pytest.raises(pools.WrongStep):
        told(world, pool, "negative")


# --- Results --------------------------------------------------------------------------------------


@pytest.mark.parametrize("outcome", ["positive", "grey"])
def test_a_pool_that_is_not_negative_holds_all_and_asks_for_each_anew(world, outcome):
    pool, inside = at_the_bench(world, count=3)

    told(world, pool, outcome, LATER + HOUR, ct={"N": 3510})

    assert states(pool) == ["held"] * 3
    assert [one.outcome for one in queries.members_of(pool)] == [""] * 3
    anew = repeats(pool)
    assert [one.person_id for one in anew] == [one.person_id for one in inside]
    assert {(one.state, one.test_group, one.pool_id) for one in anew} == {
        ("requested", "pool-member", None)
    }
    (task,) = Task.objects.all()
    assert (task.owner_role, task.area, task.due_at) == (
        "county_cdc",
        world.daofu,
        LATER + 13 * HOUR,
    )
    assert pool.number in str(task.title)


@pytest.mark.parametrize("outcome", ["negative", "positive", "grey", "invalid"])
def test_a_pool_never_diagnoses_anybody(world, outcome, monkeypatch):
    """Not even whoever is reported as a case of the disease already."""
    ill = cards.case(world, 3)
    before = (ill.case_class, ill.changed_at)

    def never(**said):
        raise AssertionError("a pool reached the judgement of cases")

    monkeypatch.setattr(judging, "judge", never)
    monkeypatch.setattr(actions, "judge", never)
    pool = opened(world)
    for one in (ill.person, world.person):
        pools.add_to_pool(pool=pool, person=one, by=world.clinician, at=LATER)
    pool = pools.close_pool(pool=pool, by=world.clinician, at=LATER)
    pool = pools.receive_pool(pool=pool, by=world.technician, at=LATER)

    told(world, pool, outcome)
    if outcome != "invalid":
        turned = "positive" if outcome == "negative" else "negative"
        pools.correct_pool_result(
            pool=pool, replaces=1, facts=found(turned), reason="复核", by=world.technician,
            at=LATER + HOUR,
        )  # fmt: skip

    ill.refresh_from_db()
    assert (ill.case_class, ill.changed_at) == before
    assert Case.objects.count() == 1
    assert not Result.objects.exists()
    assert "positive" not in Specimen.objects.values_list("outcome", flat=True)


def test_the_single_test_lets_go_or_makes_the_case(world):
    pool, _inside = at_the_bench(world, count=2)
    told(world, pool, "positive", LATER)
    one, other = repeats(pool)

    single_result(world, one, "negative")
    assert states(pool) == ["released", "held"]
    assert recollect(pool) == ["open"]
    single_result(world, other, "positive")

    assert states(pool) == ["released", "released"]
    assert recollect(pool) == ["done"]
    # The single positive went to the county as a case to be judged, as any single positive does.
    asked = Task.objects.get(kind="surveillance.testing.positive")
    assert other.number in str(asked.title)


def test_the_grey_zone_and_a_lost_tube_keep_the_hold_and_ask_again(world):
    pool, _inside = at_the_bench(world, count=1)
    told(world, pool, "grey")
    single_result(world, repeats(pool)[0], "grey")
    assert states(pool) == ["held"]

    second = repeats(pool)[1]
    second = actions.collect(specimen=second, by=world.clinician, at=LATER + 2 * HOUR)
    actions.lose(specimen=second, reason="打碎", by=world.clinician, at=LATER + 2 * HOUR)

    assert states(pool) == ["held"]
    assert [one.state for one in repeats(pool)] == ["reported", "lost", "requested"]
    assert recollect(pool) == ["done", "done", "open"]


def test_whoever_was_let_go_by_a_result_that_is_taken_back_is_held_again(world):
    pool, _inside = at_the_bench(world, count=1)
    told(world, pool, "grey")
    result = single_result(world, repeats(pool)[0], "negative")
    assert states(pool) == ["released"]
    at = LATER + 2 * HOUR

    said = {"specimen": result.specimen, "reason": "贴错标签", "by": world.technician, "at": at}
    for _n in range(2):  # the same command again changes nothing
        once("w", actions.withdraw_result, **{**said, "replaces": 1})

    assert states(pool) == ["held"]
    assert [one.state for one in repeats(pool)] == ["tested", "requested"]
    assert recollect(pool) == ["done", "open"]
    tube = repeats(pool)[0]
    right = actions.enter_result(
        specimen=tube, facts=found("negative"), by=world.technician, at=at + HOUR
    )
    assert (states(pool), right.reason) == (["released"], "此前的结果已撤回。")
    for replaces in (1, 4):
        with pytest.raises(actions.NewerResult):
            actions.withdraw_result(**said, replaces=replaces)


def test_the_specimen_of_whoever_is_held_is_not_cancelled(world):
    pool, _inside = at_the_bench(world, count=1)
    told(world, pool, "positive")

    with pytest.raises(actions.StillHeld):
        actions.cancel(specimen=repeats(pool)[0], reason="不用", by=world.clinician, at=LATER)

    assert [one.state for one in repeats(pool)] == ["requested"]


def test_the_county_ends_a_hold_with_a_reason_once(world):
    pool, inside = at_the_bench(world, count=2)
    told(world, pool, "positive")
    said = {"specimen": inside[0], "by": world.daofu_cdc, "at": LATER + HOUR}
    with pytest.raises(actions.ReasonMissing):
        holds.release(reason=" ", **said)

    holds.release(reason="已在外地单检阴性", **said)

    assert states(pool) == ["released", "held"]
    assert [one.state for one in repeats(pool)] == ["cancelled", "requested"]
    assert recollect(pool) == ["open"]
    with pytest.raises(holds.NotHeld):
        holds.release(reason="已在外地单检阴性", **said)


def test_a_pool_corrected_to_negative_lets_go_whoever_was_not_taken_anew(world):
    pool, _inside = at_the_bench(world, count=3)
    told(world, pool, "positive")
    waiting, taken, tested = repeats(pool)
    actions.collect(specimen=taken, by=world.clinician, at=LATER)
    single_result(world, tested, "negative", LATER)

    pools.correct_pool_result(
        pool=pool, replaces=1, facts=found(), reason="样本编号录错", by=world.technician,
        at=LATER + HOUR,
    )  # fmt: skip

    waiting.refresh_from_db()
    assert states(pool) == ["reported", "held", "released"]
    assert [one.outcome for one in queries.members_of(pool)] == ["negative", "", ""]
    assert waiting.state == "cancelled"
    assert recollect(pool) == ["done"]
    actions.ship(specimen=taken, by=world.clinician, at=LATER + HOUR)
    actions.receive(specimen=taken, by=world.technician, at=LATER + HOUR)
    actions.enter_result(specimen=taken, facts=found(), by=world.technician, at=LATER + HOUR)
    assert states(pool) == ["reported", "released", "released"]


def test_a_pool_corrected_from_negative_holds_its_members_at_once(world):
    pool, _inside = at_the_bench(world, count=2)
    told(world, pool, "negative")

    pools.correct_pool_result(
        pool=pool, replaces=1, facts=found("grey"), reason="复核灰区", by=world.technician,
        at=LATER + HOUR,
    )  # fmt: skip

    assert states(pool) == ["held", "held"]
    assert len(repeats(pool)) == 2
    assert recollect(pool) == ["open"]
    with pytest.raises(pools.steps.NewerResult):
        pools.correct_pool_result(
            pool=pool, replaces=1, facts=found(), reason="再改", by=world.technician,
            at=LATER + HOUR,
        )  # fmt: skip
    # From the grey zone to positive nothing changes for them.
    pools.correct_pool_result(
        pool=pool, replaces=2, facts=found("positive"), reason="复检阳性", by=world.technician,
        at=LATER + HOUR,
    )  # fmt: skip
    assert len(repeats(pool)) == 2


def test_an_invalid_pool_is_tested_again(world):
    pool, _inside = at_the_bench(world, count=2)

    told(world, pool, "invalid")
    assert states(pool) == ["tested", "tested"]
    told(world, pool, "negative", LATER + HOUR)

    assert states(pool) == ["reported", "reported"]


def test_the_same_result_sent_again_holds_nobody_twice(world):
    pool, _inside = at_the_bench(world, count=2)
    said = {"pool": pool, "facts": found("positive", sender_number="LIS-9")}
    said |= {"by": world.technician, "at": LATER}

    first = once("key-1", pools.enter_pool_result, **said)
    again = once("key-1", pools.enter_pool_result, **said)

    assert first == again
    assert len(repeats(pool)) == 2
    single = asked_singly(world)
    single = actions.receive(specimen=single, by=world.technician, at=LATER)
    with pytest.raises(actions.SentBefore):
        actions.enter_result(
            specimen=single, facts=found(sender_number="LIS-9"), by=world.technician, at=LATER
        )


def test_the_board_counts_tubes_and_persons_apart(world):
    at_the_bench(world, count=4)
    asked_singly(world, collected_at=LATER)
    filled(world, count=0)  # an open tube waits for nobody

    shown = queries.board(world.technician, LATER + HOUR, world.bench)

    assert (shown.on_the_way, shown.persons_on_the_way) == (1, 1)
    assert (shown.at_the_bench, shown.persons_at_the_bench) == (1, 4)
    pool = Pool.objects.get(state="received")
    told(world, pool, "positive", LATER + HOUR)
    shown = queries.board(world.technician, LATER + HOUR, world.bench)
    assert (shown.tested, shown.pools) == (0, (1, 1))  # whoever is held is not tested yet


# --- Who sees and does what -----------------------------------------------------------------------


def test_pools_are_seen_where_they_were_filled_and_where_they_are_tested(world):
    pool, inside = filled(world, count=1)

    def sees(user) -> int:
        return queries.pools_open_to(user, LATER).count()

    for who in (world.clinician, world.daofu_cdc, world.headquarters, world.auditor):
        assert sees(who) == 1
    for who in (world.kangding_cdc, world.other_clinician, world.stranger, world.technician):
        assert sees(who) == 0
    assert queries.pools_to_receive(world.technician, LATER).count() == 1
    assert queries.pools_to_receive(world.other_technician, LATER).count() == 0
    pools.close_pool(pool=pool, by=world.clinician, at=LATER)
    assert sees(world.technician) == 1
    assert queries.pools_to_send(world.technician, LATER).count() == 0
    assert queries.pools_to_test(world.clinician, LATER).count() == 0
    told(world, pools.receive_pool(pool=pool, by=world.technician, at=LATER), "positive")
    assert queries.to_release(world.daofu_cdc, LATER).get() == inside[0]
    for who in (world.clinician, world.technician, world.kangding_cdc, world.stranger):
        assert queries.to_release(who, LATER).count() == 0


# --- One person, several pools --------------------------------------------------------------------


def pooled(world, inside, at) -> Pool:
    """A tube of these persons, at the bench."""
    pool = opened(world, at)
    for one in inside:
        pools.add_to_pool(pool=pool, person=one, by=world.clinician, at=at)
    pool = pools.close_pool(pool=pool, by=world.clinician, at=at)
    pool = pools.ship_pool(pool=pool, by=world.clinician, at=at)
    return pools.receive_pool(pool=pool, by=world.technician, at=at)


def held_twice(world) -> tuple[Pool, Pool, Specimen]:
    """Two pools that hold one and the same person, and the swab that both wait for."""
    (both,) = persons(world, 1)
    first, second = pooled(world, [both], LATER), pooled(world, [both], LATER + HOUR)
    told(world, first, "positive", LATER + 2 * HOUR)
    told(world, second, "grey", LATER + 3 * HOUR)
    (repeat,) = Specimen.objects.filter(repeats__isnull=False)
    for pool in (first, second):
        (member,) = queries.members_of(pool)
        assert queries.repeats_of([member]) == {member.pk: repeat}
    return first, second, repeat


def test_one_swab_ends_the_hold_by_every_pool(world):
    first, second, repeat = held_twice(world)

    single_result(world, repeat, "negative", LATER + 4 * HOUR)

    assert (states(first), states(second)) == (["released"], ["released"])
    assert (recollect(first), recollect(second)) == (["done"], ["done"])


def test_a_lost_or_grey_swab_is_followed_by_one_for_every_pool(world):
    first, second, repeat = held_twice(world)
    single_result(world, repeat, "grey", LATER + 4 * HOUR)
    (again,) = Specimen.objects.filter(repeats__isnull=False, state="requested")
    again = actions.collect(specimen=again, by=world.clinician, at=LATER + 5 * HOUR)
    actions.lose(specimen=again, reason="打碎了", by=world.clinician, at=LATER + 5 * HOUR)
    (last,) = Specimen.objects.filter(repeats__isnull=False, state="requested")
    with pytest.raises(actions.StillHeld):
        actions.cancel(specimen=last, reason="不用了", by=world.clinician, at=LATER + 5 * HOUR)

    single_result(world, last, "positive", LATER + 6 * HOUR)

    assert (states(first), states(second)) == (["released"], ["released"])


def test_what_one_pool_needs_no_more_goes_on_for_the_other(world):
    first, second, repeat = held_twice(world)

    pools.correct_pool_result(
        pool=first, replaces=1, facts=found("negative"), reason="看错了孔",
        by=world.technician, at=LATER + 4 * HOUR,
    )  # fmt: skip

    repeat.refresh_from_db()
    assert (states(first), states(second), repeat.state) == (["reported"], ["held"], "requested")
    assert (recollect(first), recollect(second)) == (["done"], ["open"])
    (member,) = queries.members_of(second)
    holds.release(specimen=member, reason="已离开本州", by=world.daofu_cdc, at=LATER + 5 * HOUR)
    repeat.refresh_from_db()
    assert (states(second), repeat.state) == (["released"], "cancelled")


def test_a_swab_that_was_asked_for_before_the_hold_is_not_cancelled_with_it(world):
    (ill,) = persons(world, 1)
    pool = pooled(world, [ill], LATER)
    fever = facts(group="fever-clinic", onset_date=LATER.date())
    asked = asked_singly(world, LATER + MINUTE, person=ill, facts=fever)
    told(world, pool, "positive", LATER + HOUR)
    assert repeats(pool) == [asked]

    pools.correct_pool_result(
        pool=pool, replaces=1, facts=found("negative"), reason="看错了孔",
        by=world.technician, at=LATER + 2 * HOUR,
    )  # fmt: skip

    asked.refresh_from_db()
    assert (states(pool), asked.state, asked.repeats_id) == (["reported"], "requested", None)


def test_whoever_is_held_ill_or_positive_shares_no_tube(world):
    held, positive, healthy = persons(world, 3)
    told(world, pooled(world, [held], LATER), "positive", LATER + HOUR)
    single_result(world, asked_singly(world, person=positive), "positive", LATER + HOUR)
    ill = cards.case(world)
    Case.objects.filter(pk=ill.pk).update(diagnosed_at=LATER)
    elsewhere = pools.open_pool(
        facts=kind(), facility=world.hospital, laboratory=world.other_bench,
        by=world.clinician, at=LATER + 2 * HOUR,
    )  # fmt: skip
    (repeat,) = Specimen.objects.filter(repeats__isnull=False)

    for said in ({"person": held}, {"person": positive}, {"person": ill.person},
                 {"specimen": repeat}):  # fmt: skip
        with pytest.raises(pools.NotAcceptable, match="tested singly") as refused:
            pools.add_to_pool(pool=elsewhere, by=world.clinician, at=LATER + 2 * HOUR, **said)
        assert [field for field, _text in refused.value.faults] == ["number"]

    pools.add_to_pool(pool=elsewhere, person=healthy, by=world.clinician, at=LATER + 2 * HOUR)
    Case.objects.filter(pk=ill.pk).update(case_class="suspected")
    assert not queries.tested_singly(ill.person_id, "covid-19", LATER + 2 * HOUR)
    Case.objects.filter(pk=ill.pk).update(case_class="discarded")
    pools.add_to_pool(pool=elsewhere, person=ill.person, by=world.clinician, at=LATER + 2 * HOUR)
    assert len(queries.members_of(elsewhere)) == 2
