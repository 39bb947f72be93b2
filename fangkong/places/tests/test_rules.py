from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fangkong.places import rules
from fangkong.places.rules import Count, Gazetteer, Name, Span

SICHUAN, GANZI, GANZI_COUNTY, KANGDING, DAOFU, ABA = 1, 2, 3, 4, 5, 6


def path(*keys):
    return "".join(rules.step(key) for key in keys)


@pytest.fixture(scope="module")
def gazetteer():
    paths = {
        SICHUAN: path(SICHUAN),
        GANZI: path(SICHUAN, GANZI),
        ABA: path(SICHUAN, ABA),
        GANZI_COUNTY: path(SICHUAN, GANZI, GANZI_COUNTY),
        KANGDING: path(SICHUAN, GANZI, KANGDING),
        DAOFU: path(SICHUAN, GANZI, DAOFU),
    }
    names = {
        SICHUAN: ["四川省", "四川", "Sichuan"],
        GANZI: [
            "甘孜藏族自治州",
            "甘孜州",
            "甘孜",
            "Ganzi",
            "Garzê",
            "Garzê Prefecture",
        ],
        ABA: ["阿坝藏族羌族自治州", "阿坝州", "阿坝", "Aba"],
        GANZI_COUNTY: ["甘孜县", "甘孜", "Ganzi", "Garzê"],
        KANGDING: ["康定市", "康定县", "康定", "Kangding", "Dartsedo"],
        DAOFU: ["道孚县", "道孚", "Daofu", "Dawu"],
    }
    return Gazetteer(Name(text, key, paths[key]) for key, texts in names.items() for text in texts)


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("四川省甘孜州道孚县鲜水镇", DAOFU),
        ("四川省甘孜藏族自治州道孚县", DAOFU),
        ("四川 甘孜 道孚", DAOFU),
        ("道孚", DAOFU),
        ("道孚县人民医院", DAOFU),
        ("Dawu", DAOFU),
        ("dawu county", DAOFU),
        ("Daofu County, Ganzi Tibetan Autonomous Prefecture, Sichuan", DAOFU),
        ("ＤＡＷＵ", DAOFU),
        ("康定县", KANGDING),
        ("甘孜县", GANZI_COUNTY),
        ("甘孜州甘孜县", GANZI_COUNTY),
        ("甘孜甘孜", GANZI_COUNTY),
        ("甘孜州", GANZI),
        ("Garze Prefecture, Sichuan Province", GANZI),
        ("Garze, Sichuan", None),
        ("四川省成都市", SICHUAN),
        ("四川省阿坝州汶川县", ABA),
    ],
)
def test_an_address_names_the_smallest_area_that_is_known(gazetteer, text, key):
    assert gazetteer.match(text).key == key


def test_a_name_of_two_areas_is_none_of_them_and_says_which(gazetteer):
    found = gazetteer.match("甘孜")

    assert found.key is None
    assert found.candidates == (GANZI, GANZI_COUNTY)


@pytest.mark.parametrize("text", ["", "   ", "青海省果洛州", "Dawukou", "康定路12号", "孚道"])
def test_what_only_looks_like_a_name_matches_nothing(gazetteer, text):
    found = gazetteer.match(text)

    assert found.key is None
    assert found.candidates == ()


def test_what_follows_the_area_is_given_back(gazetteer):
    assert gazetteer.match("四川省甘孜州道孚县，鲜水镇团结街").rest == "鲜水镇团结街"


def test_a_county_of_another_prefecture_is_not_read(gazetteer):
    assert gazetteer.match("阿坝州道孚县").key == ABA


@given(st.text(max_size=40))
def test_no_text_upsets_the_matching(gazetteer, text):
    found = gazetteer.match(text)

    assert found.key is None or not found.candidates


@given(
    st.sampled_from(["四川省甘孜州道孚县", "道孚县", "四川道孚"]),
    st.text("村组号一二三四五0123456789"),
)
def test_whatever_follows_a_county_the_county_is_found(gazetteer, front, rest):
    assert gazetteer.match(front + rest).key == DAOFU


@pytest.mark.parametrize(
    ("code", "level", "fits"),
    [
        ("000000", "country", True),
        ("510000", "province", True),
        ("513300", "prefecture", True),
        ("513326", "county", True),
        ("513326100", "township", True),
        ("513326100000", "township", True),
        ("513326100201", "village", True),
        ("513326-G01", "grid", True),
        ("513300", "county", False),
        ("513326", "prefecture", False),
        ("51332", "county", False),
        ("５１３３２６", "county", False),
        ("513326100000", "village", False),
        ("510000", "planet", False),
    ],
)
def test_a_code_has_the_form_of_its_level(code, level, fits):
    assert rules.code_fits(code, level) is fits


@pytest.mark.parametrize(
    ("code", "other", "lies"),
    [
        ("513326", "513326", True),
        ("513326", "513300", True),
        ("513326", "510000", True),
        ("513326", "000000", True),
        ("513326", "513200", False),
        ("513300", "513326", False),
        ("513326", "500000", False),
    ],
)
def test_a_code_lies_in_the_codes_it_continues(code, other, lies):
    assert rules.lies_in(code, other) is lies


IN_DAOFU = {"country": 1, "province": 51, "prefecture": 5133, "county": 513326}
IN_KANGDING = {**IN_DAOFU, "county": 513301}
IN_ABA = {"country": 1, "province": 51, "prefecture": 5132, "county": 513221}
IN_BEIJING = {"country": 1, "province": 11, "county": 110101}
IN_CHAOYANG = {"country": 1, "province": 11, "county": 110105}
IN_XIANTAO = {"country": 1, "province": 51, "county": 519004}  # run by its province


@pytest.mark.parametrize(
    ("one", "other", "far"),
    [
        (IN_DAOFU, IN_DAOFU, "county"),
        ({**IN_DAOFU, "township": 9}, IN_DAOFU, "county"),
        (IN_KANGDING, IN_DAOFU, "prefecture"),
        (IN_ABA, IN_DAOFU, "province"),
        (IN_XIANTAO, IN_DAOFU, "province"),
        (IN_BEIJING, IN_DAOFU, "beyond"),
        ({"country": 2}, IN_DAOFU, "beyond"),
        ({**IN_BEIJING, "country": 2}, IN_DAOFU, "beyond"),
        (IN_BEIJING, IN_BEIJING, "county"),
        (IN_CHAOYANG, IN_BEIJING, "province prefecture"),  # neither names a prefecture
        (
            {k: IN_DAOFU[k] for k in ("country", "province", "prefecture")},
            IN_DAOFU,
            "county prefecture",
        ),
        ({k: IN_DAOFU[k] for k in ("country", "province")}, IN_DAOFU, "county prefecture province"),
        ({"country": 1}, IN_DAOFU, "county prefecture province beyond"),
        ({}, IN_DAOFU, "county prefecture province beyond"),
        (
            {"prefecture": 5133, "county": 513326},
            IN_DAOFU,
            "county",
        ),  # a directory without provinces
        ({"prefecture": 5132, "county": 513221}, IN_DAOFU, "province beyond"),
    ],
)
def test_how_far_apart_two_places_lie_as_far_as_it_is_known(one, other, far):
    assert rules.distances(one, other) == set(far.split())
    assert rules.distances(other, one) == set(far.split())


COUNTY = Span(1, "513321", date(1981, 1, 1), date(2014, 12, 31))
CITY = Span(2, "513301", date(2015, 1, 1))
LINK = [(1, 2)]


def test_an_old_code_leads_to_its_successor():
    assert rules.current("513321", date(2020, 2, 5), [COUNTY, CITY], LINK) == [CITY]


def test_a_new_code_leads_back_to_what_it_was_before():
    assert rules.current("513301", date(2010, 1, 1), [COUNTY, CITY], LINK) == [COUNTY]


def test_a_code_in_force_stays_itself():
    assert rules.current("513321", date(2014, 12, 31), [COUNTY, CITY], LINK) == [COUNTY]
    assert rules.current("513301", date(2015, 1, 1), [COUNTY, CITY], LINK) == [CITY]


def test_a_code_never_given_is_nothing():
    assert rules.current("513399", date(2020, 2, 5), [COUNTY, CITY], LINK) == []


def test_an_ended_code_without_successor_is_nothing():
    assert rules.current("513321", date(2020, 2, 5), [COUNTY, CITY], []) == []


def test_a_split_area_is_all_its_parts():
    other = Span(3, "513302", date(2015, 1, 1))

    assert rules.current("513321", date(2020, 2, 5), [COUNTY, CITY, other], [(1, 2), (1, 3)]) == [
        CITY,
        other,
    ]


@given(
    st.lists(st.integers(1, 99_999_990), min_size=1, max_size=6),
    st.integers(1, 99_999_990),
)
def test_paths_below_an_area_sort_between_its_bounds(keys, other):
    lowest, beyond = rules.below(path(*keys))

    assert lowest < path(*keys, other) < beyond
    assert not lowest < path(*keys) < beyond
    assert not lowest < path(*keys[:-1], keys[-1] + 1, other) < beyond


ORG_BODY = st.text("0123456789ABCDEFGHJKLMNPQRTUWXY", min_size=17, max_size=17)


@pytest.mark.parametrize("code", ["914403001922038216", "91330100799655058B"])
def test_codes_printed_by_well_known_companies_are_right(code):
    assert rules.org_code_is_right(code)
    assert not rules.org_code_is_right(code[:-1] + ("0" if code[-1] != "0" else "1"))


@given(ORG_BODY, st.integers(0, 16), st.sampled_from("0123456789ABCDEFGHJKLMNPQRTUWXY"))
def test_one_wrong_character_is_always_noticed(body, place, wrong):
    code = body + rules.org_check_digit(body)
    changed = code[:place] + wrong + code[place + 1 :]

    assert rules.org_code_is_right(code)
    assert rules.org_code_is_right(changed) is (changed == code)


@pytest.mark.parametrize("code", ["", "9151330045283X", "91513300I2345678XX", "９" * 18])
def test_what_is_no_organisation_code_is_refused(code):
    assert not rules.org_code_is_right(code)


@pytest.mark.parametrize(
    ("text", "phone"),
    [
        ("0836-2812345", "0836-2812345"),
        ("0836 281 2345", "0836-2812345"),
        ("(028) 86123456", "028-86123456"),
        ("+86 138 0000 0000", "13800000000"),
        ("12320", "12320"),
        ("120", "120"),
        ("2812345", ""),
        ("0836-28123", ""),
        ("call me", ""),
    ],
)
def test_an_office_phone_has_one_spelling(text, phone):
    assert rules.office_phone(text) == phone


FIGURES = [
    Count(2010, 55_396, "census"),
    Count(2017, 60_600, "estimate"),
    Count(2020, 53_400, "estimate"),
]


@pytest.mark.parametrize(
    ("on", "year"),
    [(date(2020, 2, 5), 2017), (date(2021, 1, 1), 2020), (date(2011, 6, 1), 2010)],
)
def test_a_day_reckons_with_the_newest_figure_of_an_earlier_year(on, year):
    count = rules.known_count(FIGURES, on)

    assert count is not None
    assert count.year == year


def test_a_day_before_all_figures_takes_the_oldest_and_no_figures_give_none():
    assert rules.known_count(FIGURES, date(2005, 1, 1)) == FIGURES[0]
    assert rules.known_count([], date(2020, 2, 5)) is None


def test_a_census_comes_before_an_estimate_of_the_same_year():
    both = [Count(2020, 2, "census"), Count(2020, 1, "estimate")]

    assert rules.known_count(both, date(2021, 1, 1)) == both[0]


def test_density_needs_both_figures():
    assert rules.density(55_396, 6_921) == 8.0
    assert rules.density(None, 6_921) is None
    assert rules.density(55_396, None) is None
