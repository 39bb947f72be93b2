"""The figures of the demonstration add up as they were published."""

from datetime import date, timedelta

import pytest

from fangkong.web.demo import history, rules

TOLD = history.read()


def test_the_counties_sum_to_the_total_of_the_prefecture_on_every_day():
    for row in TOLD.days:
        assert sum(rules.totals_on(TOLD, row.day).values()) == row.confirmed, row.day


@pytest.mark.parametrize("split", TOLD.splits, ids=lambda split: split.day.isoformat())
def test_the_derived_counties_meet_every_official_split(split):
    assert rules.totals_on(TOLD, split.day) == split.counties


def test_daofu_has_its_first_cases_on_2_february_and_seven_on_the_5th():
    daofu = [rules.totals_on(TOLD, date(2020, 2, day)).get("513326", 0) for day in range(1, 7)]

    assert daofu == [0, 1, 3, 5, 7, 12]


def test_every_day_from_the_first_to_the_last_has_one_figure_and_none_goes_back():
    days = [row.day for row in TOLD.days]

    assert days == list(rules.days_between(date(2020, 1, 25), date(2020, 3, 18)))
    for before, after in zip(TOLD.days, TOLD.days[1:], strict=False):
        assert before.confirmed <= after.confirmed and before.cured <= after.cured


def test_in_the_end_all_78_were_cured_and_none_had_died():
    assert (TOLD.days[-1].confirmed, TOLD.days[-1].cured, TOLD.days[-1].dead) == (78, 78, 0)


def test_figures_after_6_february_are_moved_back_by_one_day():
    for row in TOLD.days:
        late = timedelta(days=1 if row.day >= date(2020, 2, 6) else 0)
        assert row.listed_under == row.day + late
        assert row.as_of.isoformat() == f"{row.day + timedelta(days=1)}T00:00:00+08:00"


def test_every_figure_names_sources_that_are_listed():
    named = {code for row in TOLD.days for code in row.sources}
    named |= {code for split in TOLD.splits for code in split.sources}

    assert named == set(TOLD.sources)
    assert all(row.sources for row in TOLD.days)


@pytest.mark.parametrize("day", [date(2020, 1, 25), date(2020, 3, 18)])
def test_the_first_and_the_last_day_can_be_chosen(day):
    rules.require_day(TOLD, day)


@pytest.mark.parametrize("day", [date(2020, 1, 24), date(2020, 3, 19), date(2021, 2, 5)])
def test_a_day_without_figures_is_refused_in_one_line(day):
    with pytest.raises(rules.NotInTheDemonstration, match="choose a day from 2020-01-25") as told:
        rules.require_day(TOLD, day)
    assert "\n" not in str(told.value)
