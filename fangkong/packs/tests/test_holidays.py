"""Which days are worked: holidays, make-up days, weekends; and calendars that are refused."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fangkong.packs import holidays, queries
from fangkong.packs.types import PackError

DAOFU = "513326"
CALENDAR = """
[calendar]
id = "xx-2020"
jurisdiction = "XX"
year = 2020

[[sources]]
code = "notice"
title_zh = "通知"
title_en = "Notice"

[[holidays]]
code = "feast"
name_zh = "节"
name_en = "Feast"
first = 2020-05-01
last = 2020-05-03
workdays = [2020-05-09]
source = "notice"
"""


@pytest.mark.parametrize(
    ("day", "worked"),
    [
        ("2020-01-19", True),  # a Sunday, made up for
        ("2020-01-23", True),
        ("2020-01-24", False),
        ("2020-01-31", False),  # added on 26 January
        ("2020-02-01", False),  # was to be made up for, then a holiday after all
        ("2020-02-02", False),
        ("2020-02-03", True),
        ("2026-02-28", True),
        ("2026-10-08", True),
    ],
)
def test_the_days_that_the_state_council_named(day, worked):
    assert queries.is_workday(DAOFU, date.fromisoformat(day)) is worked


@pytest.mark.parametrize(("year", "off"), [(2020, 117), (2025, 117), (2026, 118)])
def test_a_year_has_its_number_of_days_off(year, off):
    calendar = queries.holidays(DAOFU, year)
    assert calendar
    days = [date(year, 1, 1) + timedelta(n) for n in range(365 + (year % 4 == 0))]

    free = [day for day in days if not queries.is_workday(DAOFU, day)]

    weekends = {day for day in days if day.weekday() >= 5}
    holidays_ = {day for day in days if queries.holiday_on(DAOFU, day)}
    worked = {day for h in calendar.holidays for day in h.workdays} - holidays_
    assert set(free) == (weekends | holidays_) - worked
    assert abs(len(free) - off) <= 3


@given(st.dates(date(2019, 1, 1), date(2027, 12, 31)))
def test_no_holiday_is_worked_and_a_plain_weekday_always(day):
    holiday = queries.holiday_on(DAOFU, day)
    if holiday:
        assert not queries.is_workday(DAOFU, day)
    elif day.weekday() < 5:
        assert queries.is_workday(DAOFU, day)


@given(st.dates(date(1990, 1, 1), date(2018, 12, 31)))
def test_a_year_without_a_calendar_has_its_weekends_and_says_so(day):
    assert queries.holidays(DAOFU, day.year) is None
    assert queries.is_workday(DAOFU, day) is (day.weekday() < 5)


@pytest.mark.parametrize(
    ("day", "following"),
    [
        ("2020-01-17", "2020-01-19"),  # a Friday; the Sunday makes up for the festival
        ("2020-01-23", "2020-02-03"),  # the festival as it was prolonged on 26 January
        ("2020-01-31", "2020-02-03"),  # 1 February was to be made up for, then was a holiday
        ("2020-02-03", "2020-02-04"),
        ("2019-12-31", "2020-01-02"),  # from a year without a calendar into one that has it
        ("2026-02-27", "2026-02-28"),  # a Saturday, made up for
    ],
)
def test_the_next_working_day_knows_the_long_festival_and_the_days_made_up(day, following):
    found = queries.next_working_day(DAOFU, date.fromisoformat(day))

    assert found == date.fromisoformat(following)


@pytest.mark.parametrize(
    ("first", "last", "days"),
    [
        ("2020-01-23", "2020-02-02", 0),
        ("2020-01-23", "2020-02-03", 1),
        ("2020-01-17", "2020-01-20", 2),
        ("2020-02-03", "2020-02-03", 0),
        ("2020-02-03", "2020-01-23", -1),
    ],
)
def test_working_days_are_counted_without_the_first_and_with_the_last(first, last, days):
    first, last = date.fromisoformat(first), date.fromisoformat(last)

    assert queries.working_days_between(DAOFU, first, last) == days


@given(st.dates(date(2019, 12, 1), date(2020, 12, 31)), st.integers(0, 60), st.integers(0, 60))
def test_a_term_can_be_cut_anywhere_and_its_working_days_add_up(first, one, two):
    middle, last = first + timedelta(one), first + timedelta(one + two)
    between = queries.working_days_between

    assert between(DAOFU, first, last) == between(DAOFU, first, middle) + between(
        DAOFU, middle, last
    )
    following = queries.next_working_day(DAOFU, first)
    assert queries.is_workday(DAOFU, following) and between(DAOFU, first, following) == 1


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("last = 2020-05-03", "last = 2020-04-03", '"last": 2020-04-03 is before'),
        ("2020-05-09", "2020-05-08", "is no Saturday or Sunday"),
        ("2020-05-09", "2020-05-02", "lies in the holiday itself"),
        ("first = 2020-05-01", "first = 2019-05-01", "is not in 2020"),
        ('source = "notice"', 'source = "rumour"', "there is no source 'rumour'"),
        ('jurisdiction = "XX"', 'jurisdiction = "Xanadu"', "is no jurisdiction"),
        ("workdays", "workday", '"workday": unknown'),
        ("[2020-05-09]", '["2020-05-09"]', "without quotation marks"),
    ],
)
def test_a_calendar_that_is_not_understood_is_refused_with_its_place(tmp_path, old, new, said):
    (tmp_path / "holidays").mkdir()
    (tmp_path / "holidays" / "xx.toml").write_text(CALENDAR.replace(old, new), "utf-8")

    with pytest.raises(PackError) as refused:
        holidays.load_calendars([tmp_path])

    assert said in str(refused.value)
    assert "holidays/xx.toml" in str(refused.value)


def test_two_calendars_of_one_year_are_refused(tmp_path):
    (tmp_path / "holidays").mkdir()
    for name in ("a", "b"):
        (tmp_path / "holidays" / f"{name}.toml").write_text(CALENDAR, "utf-8")
    with pytest.raises(PackError, match="keep one"):
        holidays.load_calendars([tmp_path])


def test_the_region_says_what_a_new_installation_starts_from():
    china = queries.region("cn")
    assert (china.time_zone, china.language) == ("Asia/Shanghai", "zh-hans")
    assert [code for code, _ in china.levels][:3] == ["province", "prefecture", "county"]
