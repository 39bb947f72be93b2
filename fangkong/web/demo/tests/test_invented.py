"""Invented persons pass every check and keep to what was published of all."""

from datetime import date, datetime, timedelta

import pytest

from fangkong.people import rules as people
from fangkong.web.demo import background, history, invented, rules

PERSONS = invented.confirmed()


def age(card):
    return people.age_on(card.diagnosed_at.date(), birth_date=card.birth_date).years


def test_there_is_one_person_for_every_case_of_the_true_curve():
    for day, new in rules.new_by_county(history.read()).items():
        cards = invented.of_day(day)
        assert {c: sum(card.county.code == c for card in cards) for c in new} == new
        assert len(cards) == sum(new.values())


def test_documents_and_phones_are_valid_fit_the_person_and_belong_to_one():
    for card in PERSONS:
        told = people.read_resident_id(card.id_number)
        assert (told.birth_date, told.sex) == (card.birth_date, card.sex)
        assert people.is_phone(card.phone)
    assert len({card.id_number for card in PERSONS}) == len(PERSONS)
    assert len({card.phone for card in PERSONS}) == len(PERSONS)


def test_documents_and_phones_can_be_told_to_be_invented():
    assert {card.phone[:6] for card in PERSONS} == {"154000"}
    assert all(card.id_number[14:16] in ("99", "98") for card in PERSONS)


@pytest.mark.parametrize("group", history.read().groups, ids=lambda group: group.day.isoformat())
def test_sex_age_and_severity_are_as_published(group):
    cards = [card for card in PERSONS if card.diagnosed_at.date() <= group.day]
    ages = [age(card) for card in cards]

    assert sum(card.sex == invented.MALE for card in cards) == group.male
    assert sum(card.sex == invented.FEMALE for card in cards) == group.female
    assert (min(ages), max(ages)) == (group.youngest, group.oldest)
    assert sum(card.severity == "severe" for card in cards) == group.severe
    assert sum(card.severity == "critical" for card in cards) == group.critical


def test_the_first_five_are_imported_from_wuhan_and_nobody_after_them():
    assert [card.origin for card in PERSONS[:5]] == ["import"] * 5
    assert {card.origin_place for card in PERSONS[:5]} == {"武汉"}
    assert all(card.origin != "import" for card in PERSONS[5:])


def test_birth_onset_and_diagnosis_follow_each_other():
    for card in PERSONS:
        assert card.onset_date is not None  # every confirmed case of the curve fell ill
        assert card.birth_date < card.onset_date < card.diagnosed_at.date()


def test_the_same_persons_are_invented_every_time():
    invented.confirmed.cache_clear()

    assert invented.confirmed() == PERSONS


@pytest.mark.parametrize("hour", [0, 9, 23])
def test_the_cards_of_the_day_never_lie_in_the_future_nor_on_another_day(hour):
    now = datetime(2020, 2, 5, hour, 17, tzinfo=invented.ZONE)
    for card in invented.for_import("513326", date(2020, 2, 5), now):
        assert card.diagnosed_at <= now and card.diagnosed_at.date() == now.date()


def test_the_cards_of_the_day_hold_its_true_number_and_two_that_count_in_no_bulletin():
    now = datetime(2020, 2, 5, 10, tzinfo=invented.ZONE)
    classes = [card.case_class for card in invented.for_import("513326", now.date(), now)]

    assert classes == ["confirmed", "confirmed", "suspected", "asymptomatic"]


def test_before_february_daofu_has_no_file_and_the_county_with_the_cases_has():
    told = history.read()

    assert rules.counties_of_files(told, date(2020, 1, 27)) == ["513337"]
    assert rules.counties_of_files(told, date(2020, 1, 31)) == ["513301"]
    assert rules.counties_of_files(told, date(2020, 2, 7)) == ["513326"]


def test_the_past_has_three_years_and_ends_with_the_last_day():
    last, first = date(2020, 2, 4), background.first_day(date(2020, 1, 25))
    bundles = background.bundles(last, {"513326": 60_000, "513301": 135_000}, first)
    days = [case.diagnosed_at.date() for bundle in bundles for case in bundle.cases]

    assert min(days) < last - timedelta(days=3 * 364 + 14)
    assert max(days) <= last
    assert {bundle.reported_at.date() for bundle in bundles} <= set(
        rules.days_between(min(days), last)
    )
    assert background.bundles(last, {"513301": 135_000, "513326": 60_000}, first) == bundles


def test_the_past_of_a_day_is_the_same_whatever_later_day_is_loaded():
    first, people_of = background.first_day(date(2020, 1, 25)), {"513326": 60_000}
    short = background.bundles(date(2020, 2, 4), people_of, first)
    long = background.bundles(date(2020, 3, 17), people_of, first)

    assert long[: len(short)] == short
