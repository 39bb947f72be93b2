"""What the shipped packs say: the lists, the clocks, the clauses behind them."""

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from fangkong.packs import queries, rules
from fangkong.packs.types import NoPackInForce, UnknownCode

DAOFU = "513326"
BEIJING = ZoneInfo("Asia/Shanghai")


def classes(on):
    pack = queries.in_force(DAOFU, on)
    counted = Counter(c.period_on(on).disease_class for c in queries.listed(pack, on))
    return counted["A"], counted["B"], counted["C"]


def hours(on, condition, case="confirmed"):
    at = datetime(on.year, on.month, on.day, 9, tzinfo=BEIJING)
    deadline = queries.report_deadline(queries.in_force(DAOFU, on), condition, case, at)
    return (deadline.due_at - at) / timedelta(hours=1) if deadline else None


@pytest.mark.parametrize(
    ("on", "expected"),
    [
        (date(2020, 1, 20), (2, 27, 11)),
        (date(2023, 9, 19), (2, 27, 11)),
        (date(2023, 9, 20), (2, 28, 11)),  # mpox
        (date(2025, 8, 31), (2, 28, 11)),
        (date(2025, 9, 1), (2, 27, 11)),  # two avian influenzas become one
    ],
)
def test_the_list_has_as_many_diseases_of_each_class_as_on_that_day(on, expected):
    assert classes(on) == expected


def test_the_text_of_the_2013_law_lists_two_and_twenty_five_and_ten():
    pack = queries.pack("cn-2020-01")
    added_later = {"covid-19", "mpox", "influenza-h7n9", "hand-foot-mouth"}
    first = {c.code: c.periods[0].disease_class for c in pack.conditions}
    counted = Counter(cls for code, cls in first.items() if code not in added_later)
    assert (counted["A"], counted["B"], counted["C"]) == (2, 25, 10)


@pytest.mark.parametrize(
    ("on", "condition", "case", "expected"),
    [
        (date(2020, 2, 5), "covid-19", "confirmed", 2),
        (date(2020, 2, 5), "covid-19", "suspected", 2),
        (date(2020, 5, 1), "covid-19", "asymptomatic", 2),
        (date(2023, 1, 7), "covid-19", "confirmed", 2),
        (date(2023, 1, 8), "covid-19", "confirmed", 24),
        (date(2023, 2, 1), "covid-19", "confirmed", 24),
        (date(2023, 2, 1), "covid-19", "asymptomatic", 24),
        (date(2020, 2, 5), "anthrax-pulmonary", "suspected", 2),
        (date(2020, 2, 5), "anthrax-cutaneous", "suspected", 24),
        (date(2020, 2, 5), "anthrax", "suspected", 24),
        (date(2026, 1, 1), "anthrax-pulmonary", "confirmed", 2),
        (date(2026, 1, 1), "anthrax-cutaneous", "confirmed", 24),
        (date(2026, 1, 1), "sars", "confirmed", 2),
        (date(2026, 1, 1), "influenza", "suspected", 24),
        (date(2020, 2, 5), "plague", "carrier", 2),
        (date(2020, 2, 5), "unexplained-pneumonia", "suspected", 2),
        (date(2026, 1, 1), "emerging-disease", "suspected", 2),
        (date(2026, 1, 1), "plague", "discarded", None),
    ],
)
def test_the_report_clock_is_that_of_the_day(on, condition, case, expected):
    assert hours(on, condition, case) == expected


def test_the_local_day_decides_which_rule_counts():
    """17:00 in London on 7 January is already the 8th in Daofu."""
    pack = queries.pack("cn-2020-01")
    before = datetime(2023, 1, 7, 15, 59, tzinfo=UTC)
    after = datetime(2023, 1, 7, 16, 0, tzinfo=UTC)
    early = queries.report_deadline(pack, "covid-19", "confirmed", before)
    late = queries.report_deadline(pack, "covid-19", "confirmed", after)
    assert early.due_at == before + timedelta(hours=2)
    assert late.due_at == after + timedelta(hours=24)


def test_a_clock_without_a_time_zone_is_refused():
    pack = queries.pack("cn-2020-01")
    with pytest.raises(ValueError, match="time zone"):
        queries.report_deadline(pack, "covid-19", "confirmed", datetime(2020, 2, 5, 9))  # noqa: DTZ001  # naive on purpose


def test_the_county_cdc_verifies_a_class_a_card_in_two_hours_and_others_in_a_day():
    at = datetime(2026, 1, 1, 9, tzinfo=BEIJING)
    pack = queries.pack("cn-2025-09")
    plague = queries.review_deadline(pack, "plague", "confirmed", at)
    mumps = queries.review_deadline(pack, "mumps", "confirmed", at)
    assert (plague.due_at - at, plague.clause.article) == (timedelta(hours=2), "49")
    assert mumps.due_at - at == timedelta(hours=24)
    assert mumps.clause.from_memory


def test_a_deadline_names_its_clause_and_source_in_both_languages():
    at = datetime(2026, 1, 1, 9, tzinfo=BEIJING)
    clause = queries.report_deadline(queries.pack("cn-2025-09"), "sars", "confirmed", at).clause
    assert clause.article == "45"
    assert "2小时" in clause.text.in_language("zh-hans")
    assert "2 hours" in clause.text.in_language("en")
    assert "2025" in clause.source.title.in_language("zh")


def test_every_row_of_every_pack_rests_on_a_clause_with_a_source_and_a_text():
    for pack in queries.all_packs():
        used = rules.clauses_used(pack)
        assert set(used) == {clause.code for clause in pack.clauses}
        for clause in used.values():
            assert clause.source in pack.sources
            assert clause.text.zh
            assert clause.text.en


def test_the_2025_pack_rests_no_condition_on_the_old_law():
    pack = queries.pack("cn-2025-09")
    old = {c.code for c in pack.conditions if c.clause.source.code == "law-2013"}
    assert not old


def test_on_every_day_exactly_one_pack_is_in_force_or_the_error_says_so():
    day, last = date(2018, 1, 1), date(2030, 12, 31)
    while day <= last:
        for area in (DAOFU, "KE-30"):
            fitting = [
                p
                for p in queries.all_packs()
                if p.covers(day) and p.jurisdiction in queries.jurisdictions(area)
            ]
            if fitting:
                nearest = max(fitting, key=lambda p: len(p.jurisdiction.strip("*")))
                assert queries.in_force(area, day) == nearest
            else:
                with pytest.raises(NoPackInForce, match=day.isoformat()):
                    queries.in_force(area, day)
        day += timedelta(days=1)


def test_covid_changes_its_name_but_not_its_code():
    pack = queries.pack("cn-2020-01")
    assert rules.name(pack, "covid-19", date(2020, 1, 30)).zh == "新型冠状病毒感染的肺炎"
    assert rules.name(pack, "covid-19", date(2020, 2, 13)).zh == "新型冠状病毒肺炎"
    assert rules.name(pack, "covid-19", date(2023, 2, 1)).zh == "新型冠状病毒感染"


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ("新冠肺炎", "covid-19"),
        ("新型冠状病毒感染的肺炎", "covid-19"),
        ("甲型肝炎", "hepatitis-a"),
        (" cholera ", "cholera"),
        ("艾滋病(AIDS)", "aids"),
        ("艾滋病（AIDS）", "aids"),
        ("感冒", None),
    ],
)
def test_a_card_may_call_a_disease_by_its_names(words, code):
    assert queries.named(queries.pack("cn-2020-01"), words) == code


def test_no_two_diseases_share_a_name_or_an_alias():
    for pack in queries.all_packs():
        for condition in pack.conditions:
            for words in (condition.name.zh, condition.name.en, *condition.aliases):
                assert queries.named(pack, words) == condition.code, (pack.id, words)


def test_only_covid_cards_offer_a_positive_test_and_never_a_clinical_diagnosis():
    pack, day = queries.pack("cn-2020-01"), date(2020, 2, 5)
    covid = [c.code for c in queries.case_classes(pack, "covid-19", day)]
    measles = [c.code for c in queries.case_classes(pack, "measles", day)]
    assert covid == ["suspected", "confirmed", "asymptomatic", "discarded"]
    assert measles == ["suspected", "probable", "confirmed", "discarded"]


def test_the_moderate_grade_has_one_name_on_each_day():
    pack = queries.pack("cn-2020-01")
    for day, word in ((date(2023, 1, 4), "普通型"), (date(2023, 1, 5), "中型")):
        names = [s.name.zh for s in queries.severities(pack, "covid-19", day)]
        assert names == ["无症状", "轻型", word, "重型", "危重型"]
    assert queries.severities(pack, "measles", date(2020, 2, 5)) == ()


def test_one_covid_case_warns_while_it_is_managed_as_class_a_and_later_it_takes_a_percentile():
    pack = queries.pack("cn-2020-01")
    (first,) = queries.warning_rules(pack, "covid-19", date(2020, 2, 5))
    (later,) = queries.warning_rules(pack, "covid-19", date(2023, 2, 1))
    assert (first.method, first.fixed_count) == ("fixed_count", 1)
    assert (later.method, later.percentile, later.minimum_count) == ("moving_percentile", 80, 3)


def test_a_disease_without_a_rule_of_its_own_is_watched_as_the_pack_sets_it():
    pack = queries.pack("cn-2025-09")
    (rule,) = queries.warning_rules(pack, "echinococcosis", date(2026, 1, 1))
    assert (rule.method, rule.percentile, rule.minimum_count) == ("adaptive", None, 3)
    assert rule.clause.code == "adaptive-settings"
    with pytest.raises(UnknownCode, match="no condition 'common-cold'"):
        queries.warning_rules(pack, "common-cold", date(2026, 1, 1))


def test_dysentery_has_the_50th_percentile_and_measles_the_90th():
    pack, day = queries.pack("cn-2020-01"), date(2020, 2, 5)
    assert queries.warning_rules(pack, "dysentery", day)[0].percentile == 50
    assert queries.warning_rules(pack, "measles", day)[0].percentile == 90


def test_a_signal_is_verified_in_two_hours_answered_in_a_day_and_investigated_in_another():
    for pack_id in ("cn-2020-01", "cn-2025-09"):
        clocks = {c.code: c.hours for c in queries.pack(pack_id).warning.clocks}
        assert clocks == {"verify": 2, "answer": 24, "investigate": 24, "conclude": 336}


def test_a_school_warns_at_ten_of_measles_and_five_of_hepatitis_a():
    pack, day = queries.pack("cn-2020-01"), date(2020, 2, 5)

    def schools(code):
        found = queries.place_rules(pack, code, day)
        return {(rule.cases, rule.days) for rule in found if rule.place == "school"}

    assert schools("measles") == {(10, 7)}
    assert schools("hepatitis-a") == {(5, 7)}
    assert schools("typhoid") == {(5, 7)}  # a form of typhoid and paratyphoid
    assert schools("covid-19") == {(2, 14)}
    assert {rule.code for rule in queries.place_rules(pack, "hiv", day)} == {"ward-3"}
    with pytest.raises(UnknownCode):
        queries.place_rules(pack, "common-cold", day)
    assert pack.warning.load.signals_per_county_week == 0.3


def test_bulletins_count_confirmed_covid_cases_by_day_of_report():
    pack, day = queries.pack("cn-2020-01"), date(2020, 2, 5)
    covid = queries.count_definition(pack, "covid-19", "bulletin", day)
    measles = queries.count_definition(pack, "measles", "bulletin", day)
    assert (covid.case_classes, covid.date_basis) == (("confirmed",), "report")
    assert (measles.case_classes, measles.date_basis) == (("probable", "confirmed"), "onset")


def test_the_new_law_joins_two_avian_influenzas_and_both_sides_are_cited():
    changes = queries.differences(queries.pack("cn-2020-01"), queries.pack("cn-2025-09"))
    by_code = {(c.kind, c.code): c for c in changes}
    gone = by_code["condition_removed", "influenza-h7n9"]
    new = by_code["condition_added", "novel-influenza"]
    assert gone.before.clause.source.number == "国卫疾控发〔2013〕28号"
    assert gone.after is None
    assert new.after.clause.article == "3"
    assert ("condition_reclassified", "covid-19") not in by_code  # class B since January 2023


def test_one_pack_on_two_days_shows_covid_reclassified_with_its_slower_clock():
    pack = queries.pack("cn-2020-01")
    days = {"on_a": date(2020, 2, 5), "on_b": date(2023, 2, 1)}
    changes = [c for c in queries.differences(pack, pack, **days) if c.code == "covid-19"]
    said = {c.kind: (c.before.text.en, c.after.text.en) for c in changes}
    assert said["condition_reclassified"] == ("class B, managed as class A", "class B")
    assert said["clock_changed"][0].startswith("2 h")
    assert said["clock_changed"][1].startswith("24 h")
    assert queries.differences(pack, pack, on_a=days["on_a"], on_b=days["on_a"]) == []


@pytest.mark.parametrize(
    ("area", "expected"),
    [
        ("513326", ("CN-51", "CN", "*")),
        ("513326100201", ("CN-51", "CN", "*")),
        ("51", ("CN-51", "CN", "*")),
        ("CN-51", ("CN-51", "CN", "*")),
        ("CN", ("CN", "*")),
        ("KE-30", ("KE-30", "KE", "*")),
        ("*", ("*",)),
        ("", ("*",)),
    ],
)
def test_an_area_belongs_to_its_province_then_its_country_then_the_world(area, expected):
    assert queries.jurisdictions(area) == expected


@pytest.mark.parametrize(
    ("on", "sizes"),
    [
        (date(2020, 1, 30), []),  # nobody pooled yet
        (date(2020, 7, 21), [5]),
        (date(2021, 1, 1), [5, 10]),
        (date(2022, 2, 1), [5, 10, 20]),
    ],
)
def test_specimens_are_pooled_as_the_guides_of_the_day_allow(on, sizes):
    pools = [rule for rule in queries.pack("cn-2020-01").testing.pools if rule.covers(on)]
    assert [rule.size for rule in pools] == sizes
    assert all(rule.per_million == 1_000 for rule in pools), "below 0.1 %"
    assert not {"fever-clinic", "patient", "close-contact"} & {g for p in pools for g in p.groups}


def test_a_fever_clinic_has_its_results_in_six_hours_and_aims_at_four():
    groups = {group.code: group for group in queries.pack("cn-2020-01").testing.groups}
    assert (groups["fever-clinic"].hours, groups["fever-clinic"].target_hours) == (6, 4)
    assert (groups["patient"].hours, groups["on-request"].hours) == (12, 24)


@pytest.mark.parametrize("pack", queries.all_packs(), ids=lambda pack: pack.id)
def test_wherever_a_patient_lives_there_is_a_word_for_it(pack):
    said = [row.lives for row in pack.residence_relations]
    assert {distance for lives in said for distance in lives} == {
        "county",
        "prefecture",
        "province",
        "beyond",
    }
