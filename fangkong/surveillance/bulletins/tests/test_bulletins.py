"""A bulletin is counted as of 24:00, checked by a second person, and then stays as it is."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest
from django.db import transaction

from fangkong.accounts.tests.factories import staff
from fangkong.core.audit import queries as audit
from fangkong.core.free_text import NumberInText
from fangkong.core.permissions import NotYours
from fangkong.core.roles import Role
from fangkong.core.tests.together import at_once
from fangkong.surveillance.bulletins import actions, jobs, queries
from fangkong.surveillance.bulletins.models import Bulletin
from fangkong.surveillance.bulletins.types import BulletinState
from fangkong.surveillance.monitoring import actions as monitoring
from fangkong.surveillance.monitoring import queries as cases_held
from fangkong.surveillance.monitoring.tests.factories import AT, case, facts, person
from fangkong.surveillance.monitoring.types import Basis

pytestmark = pytest.mark.both_databases

DAY = date(2020, 2, 4)
EVENING = datetime(2020, 2, 4, 21, tzinfo=AT.tzinfo)
FOUND = {"diagnosed_at": EVENING - timedelta(hours=3)}
MORNING = AT  # 2020-02-05, ten o'clock


@pytest.fixture
def second(world):
    """Another one of the headquarters."""
    return staff(Role.HEADQUARTERS, area=world.home)


def draft(world, by=None, **changes):
    asked = {"area": world.home, "condition": "covid-19", "day": DAY, **changes}
    return actions.prepare(by=by or world.headquarters, at=MORNING, **asked)


def issued(world, second, **changes):
    return actions.issue(bulletin=draft(world, **changes), by=second, at=MORNING)


def state(found, world, reason="医院电话", at=MORNING, by=None, zh="", **figures):
    told = {key.replace("__", ":"): n for key, n in figures.items()}
    return actions.change(
        bulletin=found,
        figures=told,
        remark_zh=zh,
        remark_en="",
        reason=reason,
        by=by or world.headquarters,
        at=at,
    )


def test_figures_are_those_known_at_24_00(world):
    one = case(world, 1, at=EVENING, **FOUND)
    case(world, 2, at=EVENING, **FOUND, case_class="suspected")
    case(world, 3, at=EVENING - timedelta(days=2), diagnosed_at=EVENING - timedelta(days=3))
    # After midnight: a revision, and a new card.
    monitoring.revise(
        case=one,
        facts=facts(**FOUND, case_class="discarded"),
        reason="排除",
        by=world.clinician,
        at=MORNING,
    )
    case(world, 4, at=MORNING)

    told = draft(world).figures

    assert (told.total, told.new, told.removed) == (2, 1, 0)
    assert told.splits["county"]["513326"] == 2 and told.new_by_county["513326"] == 1
    assert told.splits["sex"] == {"1": 2, "2": 0, "": 0}
    assert told.splits["source"] == {"local": 0, "import": 0, "": 2}
    assert told.apart["suspected"] == 1 and told.apart["asymptomatic"] == 0
    assert (told.youngest, told.oldest) == (50, 50)
    as_of = queries.end_of(DAY)
    counts = cases_held.daily_counts(
        world.headquarters, MORNING, condition="covid-19", first=date(2020, 1, 1), last=DAY,
        basis=Basis.REPORTED, as_of=as_of, classes=["confirmed"],
    )  # fmt: skip
    assert sum(one.n for one in counts) == told.total


def test_the_day_after_tells_of_what_was_taken_back(world, second):
    one = case(world, 1, at=EVENING, **FOUND)
    issued(world, second)
    monitoring.revise(
        case=one, facts=facts(**FOUND, case_class="discarded"), reason="排除",
        by=world.clinician, at=MORNING,
    )  # fmt: skip
    later = MORNING + timedelta(days=1)

    told = actions.prepare(
        area=world.home, condition="covid-19", day=DAY + timedelta(days=1),
        by=world.headquarters, at=later,
    )  # fmt: skip

    assert (told.figures.total, told.figures.new, told.figures.removed) == (0, 0, 1)
    assert actions.issue(bulletin=told, by=second, at=later).number == 2


def test_an_issued_bulletin_says_all_and_never_changes(world, second):
    case(world, 1, at=EVENING, **FOUND)
    found = issued(world, second)

    assert (found.state, found.number, found.issued_by) == (BulletinState.ISSUED, 1, second)
    assert found.as_of == datetime(2020, 2, 5, tzinfo=AT.tzinfo) and found.issued_at == MORNING
    assert found.definition == "cn-2020-01-bulletin-covid-19" and found.pack == "cn-2020-01"
    assert "新增新型冠状病毒感染的肺炎确诊病例1例（道孚1例）" in found.text_zh
    assert "截至当日24时，累计报告1例：道孚1例。" in found.text_zh
    assert "1 new case on 4 February 2020 (Daofu 1)" in found.text_en
    for act in (
        lambda: state(found, world, total=5),
        lambda: actions.recount(bulletin=found, by=world.headquarters, at=MORNING),
        lambda: actions.issue(bulletin=found, by=second, at=MORNING),
        lambda: actions.drop(bulletin=found, reason="误", by=world.headquarters, at=MORNING),
    ):
        with pytest.raises(actions.NoDraft):
            act()
    with pytest.raises(actions.Issued):
        draft(world)
    verbs = [line.action for line in audit.history_of(found)]
    assert verbs == ["surveillance.bulletins.issue", "surveillance.bulletins.prepare"]


def test_whoever_stated_the_figures_does_not_issue_them(world, second):
    found = draft(world)
    with pytest.raises(actions.OwnDraft):
        actions.issue(bulletin=found, by=world.headquarters, at=MORNING)

    state(found, world, reason="", zh="另有1例待排", by=second)

    for by in (second, world.headquarters):  # a word of the second makes the figures not theirs
        with pytest.raises(actions.OwnDraft):
            actions.issue(bulletin=found, by=by, at=MORNING)
    third = staff(Role.HEADQUARTERS, area=world.home)
    assert actions.issue(bulletin=found, by=third, at=MORNING).number == 1


def test_counting_anew_takes_back_what_was_stated_and_who_stated_it(world, second):
    found = state(draft(world), world, total=7)

    found = actions.recount(bulletin=found, by=second, at=MORNING)

    assert found.figures.total == 0 and found.changes[-1]["recount"]
    with pytest.raises(actions.OwnDraft):
        actions.issue(bulletin=found, by=second, at=MORNING)
    assert actions.issue(bulletin=found, by=world.headquarters, at=MORNING).number == 1


def test_days_without_a_bulletin_are_explained_or_nothing_is_issued(world, second):
    issued(world, second, day=DAY - timedelta(days=2))
    case(world, 1, at=EVENING - timedelta(days=1), diagnosed_at=EVENING - timedelta(days=2))
    found = draft(world)
    assert (found.figures.total, found.figures.new) == (1, 0)  # new on the day that nobody told

    with pytest.raises(actions.DoesNotSum, match="2020-02-02"):
        actions.issue(bulletin=found, by=second, at=MORNING)
    with pytest.raises(actions.DoesNotSum):  # one language only
        actions.issue(
            bulletin=state(found, world, reason="", zh="3日新增1例"), by=second, at=MORNING
        )
    told = actions.change(
        bulletin=found, figures={}, remark_zh="3日新增1例。", remark_en="One case on 3 February.",
        reason="", by=world.headquarters, at=MORNING,
    )  # fmt: skip
    done = actions.issue(bulletin=told, by=second, at=MORNING)
    assert done.text_zh.endswith("3日新增1例。") and done.text_en.endswith("3 February.")


def test_one_or_two_cases_are_not_described_as_persons(world, second):
    case(world, 1, at=EVENING, **FOUND)
    text = issued(world, second).text_en

    assert "1 case in all" in text and "By sex" not in text and "Aged" not in text


def test_a_case_of_whom_nobody_knows_sex_and_age_can_be_stated(world, second):
    found = state(
        draft(world), world, total=1, new=1, new__513326=1, county__513326=1,
        **{"sex:": 1, "age:": 1, "source:": 1, "severity:": 1},
    )  # fmt: skip

    assert queries.faults_of(found) == []


def test_what_does_not_sum_is_not_issued_and_all_of_it_is_told(world, second):
    case(world, 1, at=EVENING, **FOUND)
    found = state(draft(world), world, total=2, died=3)

    with pytest.raises(actions.DoesNotSum) as refused:
        actions.issue(bulletin=found, by=second, at=MORNING)

    assert len(refused.value.faults) == 6  # five splits, and more deaths than cases
    found.refresh_from_db()
    assert found.state == BulletinState.DRAFT and found.number is None
    right = state(
        found, world, died=0, county__513326=2, sex__2=1, **{"age:40-49": 0, "age:50-59": 2},
        source__local=1, source__import=1, **{"source:": 0}, severity__mild=2, new=2,
        new__513326=2,
    )  # fmt: skip
    assert actions.issue(bulletin=right, by=second, at=MORNING).figures.total == 2
    entry = right.changes[-1]
    assert entry["reason"] == "医院电话" and ["county:513326", 1, 2] in entry["figures"]
    assert queries.counted(right).total == 1  # what the house counted stays beside it


def test_a_figure_is_stated_otherwise_for_a_reason_and_a_remark_names_nobody(world):
    found = draft(world)
    with pytest.raises(actions.ReasonMissing):
        state(found, world, reason=" ", total=1)
    with pytest.raises(actions.NothingChanged):
        state(found, world, total=0)
    with pytest.raises(NumberInText):
        state(found, world, zh="患者电话13888880001")
    with pytest.raises(actions.WrongFigures) as wrong:
        state(found, world, total=-1, **{"county:999999": 1})
    assert [key for key, _text in wrong.value.faults] == ["total", "county:999999"]
    assert state(found, world, reason="", zh="另有1例疑似待排").remark_zh == "另有1例疑似待排"


def test_a_correction_is_a_further_bulletin_and_both_lead_to_each_other(world, second):
    first = issued(world, second)
    with pytest.raises(actions.ReasonMissing):
        actions.correct(bulletin=first, reason="", by=second, at=MORNING)
    case(world, 1, at=EVENING, **FOUND)

    begun = actions.correct(bulletin=first, reason="漏计1例", by=second, at=MORNING)
    again = actions.correct(bulletin=first, reason="漏计1例", by=second, at=MORNING)
    assert again == begun
    done = actions.issue(bulletin=begun, by=world.headquarters, at=MORNING)

    assert (done.number, done.corrects, done.figures.total) == (2, first, 1)
    first.refresh_from_db()
    assert first.figures.total == 0 and queries.correction_of(first) == done
    assert queries.current(world.home.pk, "covid-19", DAY) == done
    with pytest.raises(actions.CorrectedAlready):
        actions.correct(bulletin=first, reason="再改", by=second, at=MORNING)


def test_numbers_run_on_by_place_and_disease(world, second):
    issued(world, second)
    issued(world, second, day=DAY - timedelta(days=3))
    third = issued(world, second, condition="influenza")
    county = issued(world, second, area=world.daofu)

    assert [third.number, county.number] == [1, 1]
    numbers = Bulletin.objects.filter(area=world.home, condition="covid-19")
    assert sorted(numbers.values_list("number", flat=True)) == [1, 2]


def test_a_county_tells_of_itself_and_of_nobody_else(world):
    case(world, 1, at=EVENING, **FOUND)
    own = draft(world, by=world.daofu_cdc, area=world.daofu)
    assert own.figures.total == 1 and list(own.figures.splits["county"]) == ["513326"]
    for place, by in (
        (world.home, world.daofu_cdc),
        (world.kangding, world.daofu_cdc),
        (world.daofu, world.clinician),
        (world.daofu, world.auditor),
    ):
        with pytest.raises(NotYours):
            draft(world, by=by, area=place)
    for user in (world.kangding_cdc, world.clinician, world.auditor, world.laboratory):
        assert not queries.open_to(user, MORNING).exists()
        assert not queries.open_to_prepare(user, MORNING).exists()
    assert queries.open_to(world.headquarters, MORNING).get() == own

    other = staff(Role.COUNTY_CDC, area=world.daofu)
    actions.issue(bulletin=own, by=other, at=MORNING)
    for user in (world.kangding_cdc, world.clinician, world.auditor):
        assert queries.open_to(user, MORNING).get() == own
    assert not queries.open_to(world.laboratory, MORNING).exists()
    with pytest.raises(NotYours):
        actions.correct(bulletin=own, reason="不是本县", by=world.kangding_cdc, at=MORNING)


def test_a_day_that_is_not_over_or_has_no_rules_is_not_told_of(world):
    for day in (MORNING.date(), MORNING.date() + timedelta(days=1), date(1990, 1, 1)):
        with pytest.raises(actions.NotOver):
            draft(world, day=day)
    with pytest.raises(actions.NotCounted):
        draft(world, condition="dragon-pox")
    assert not Bulletin.objects.exists()


def test_a_dropped_draft_leaves_the_day_free(world):
    found = draft(world)
    assert draft(world) == found
    actions.drop(bulletin=found, reason="重拟", by=world.headquarters, at=MORNING)

    jobs.prepare(queries.end_of(DAY) + timedelta(minutes=10))
    assert not queries.drafts_of(DAY)  # what somebody dropped does not come back by itself

    again = draft(world)

    assert again != found and Bulletin.objects.filter(state=BulletinState.DROPPED).get() == found
    found.refresh_from_db()
    assert found.changes[-1]["reason"] == "重拟"


def test_at_ten_past_midnight_the_draft_lies_ready_and_one_person_may_issue_it(world, second):
    midnight = queries.end_of(DAY) + timedelta(minutes=10)
    jobs.prepare(midnight)
    assert not Bulletin.objects.exists()  # nobody expects one
    issued(world, second, day=DAY - timedelta(days=1))

    jobs.prepare(midnight)
    jobs.prepare(midnight)

    found = Bulletin.objects.get(state=BulletinState.DRAFT)
    assert (found.day, found.stated_by, found.area) == (DAY, None, world.home)
    assert actions.issue(bulletin=found, by=second, at=MORNING).number == 2
    jobs.prepare(midnight)
    assert not Bulletin.objects.filter(state=BulletinState.DRAFT).exists()


@pytest.mark.django_db(transaction=True)
def test_two_who_issue_at_once_give_one_number_each(world):
    others = [staff(Role.HEADQUARTERS, area=world.home) for _ in range(2)]
    days = [DAY, DAY - timedelta(days=1)]
    drafts = [draft(world, day=day) for day in days]

    def issue(n):
        with transaction.atomic():
            return actions.issue(bulletin=drafts[n], by=others[n], at=MORNING)

    assert not [one for one in at_once(issue) if isinstance(one, Exception)]

    numbers = Bulletin.objects.filter(state=BulletinState.ISSUED).values_list("number", flat=True)
    assert sorted(numbers) == [1, 2]


def test_severity_and_origin_are_those_of_the_card_of_that_moment(world):
    one = case(world, 1, at=EVENING, **FOUND, severity="mild", origin="import")
    later = facts(**FOUND, severity="critical", origin="local", died_on=date(2020, 2, 5))
    monitoring.revise(case=one, facts=later, reason="病情变化", by=world.clinician, at=MORNING)

    told = draft(world).figures

    assert (told.splits["severity"]["mild"], told.splits["source"]["import"]) == (1, 1)
    assert told.died == 0 and person(1).sex == "1"
