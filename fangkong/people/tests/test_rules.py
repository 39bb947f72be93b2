from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pypinyin import lazy_pinyin

from fangkong.people import rules
from fangkong.people.rules import Age, Facts, Fault

VALID = ["513301199001010013", "513326198512310029", "11010519491231002X"]

born = st.dates(min_value=date(1900, 1, 1), max_value=date(2030, 12, 31))


@st.composite
def numbers(draw: st.DrawFn) -> str:
    region = draw(st.sampled_from(["513301", "513321", "110105", "810000", "659001"]))
    first = f"{region}{draw(born):%Y%m%d}{draw(st.integers(0, 999)):03d}"
    return first + rules.check_digit(first)


@pytest.mark.parametrize("number", VALID)
def test_known_numbers_are_valid(number):
    assert rules.resident_id_fault(number) is None


def test_a_number_tells_region_birth_date_and_sex():
    told = rules.read_resident_id("513326198512310029")

    assert told == rules.FromNumber("513326", date(1985, 12, 31), "2")


def test_an_odd_sequence_is_a_man():
    assert rules.read_resident_id("513301199001010013").sex == "1"


def test_a_number_of_an_abolished_region_stays_valid():
    first = "51332119700505001"
    assert rules.resident_id_fault(first + rules.check_digit(first)) is None


def test_a_wrong_number_tells_nothing():
    with pytest.raises(ValueError, match="not a valid"):
        rules.read_resident_id("513326198512310028")


@given(numbers())
def test_every_built_number_is_valid_and_tells_its_parts(number):
    assert rules.resident_id_fault(number) is None
    assert f"{rules.read_resident_id(number).birth_date:%Y%m%d}" == number[6:14]


@given(numbers(), st.integers(0, 17), st.sampled_from("0123456789X"))
def test_one_wrong_character_is_always_noticed(number, place, wrong):
    mistyped = number[:place] + wrong + number[place + 1 :]

    assert (rules.resident_id_fault(mistyped) is None) == (mistyped == number)


@given(numbers(), st.integers(0, 16))
def test_two_swapped_neighbours_are_always_noticed(number, place):
    swapped = number[:place] + number[place + 1] + number[place] + number[place + 2 :]

    assert (rules.resident_id_fault(swapped) is None) == (swapped == number)


@pytest.mark.parametrize(
    ("number", "fault"),
    [
        ("51332619851231002", Fault.LENGTH),
        ("5133261985123100299", Fault.LENGTH),
        ("51332619851231OO29", Fault.CHARACTERS),
        ("X13326198512310029", Fault.CHARACTERS),
        ("993326198512310029", Fault.REGION),
        ("513326198513310029", Fault.BIRTH_DATE),
        ("513326198502300029", Fault.BIRTH_DATE),
        ("513326178512310029", Fault.BIRTH_DATE),
        ("513326198512310028", Fault.CHECK_DIGIT),
    ],
)
def test_a_fault_has_its_name(number, fault):
    assert rules.resident_id_fault(number) == fault


@pytest.mark.parametrize(
    "written",
    ["１１０１０５１９４９１２３１００２ｘ", " 110105 19491231 002x ", "110105-19491231-002X"],
)
def test_a_number_is_read_in_any_width_and_spacing(written):
    assert rules.plain_number(written) == "11010519491231002X"


@pytest.mark.parametrize(
    ("kind", "number"),
    [
        ("passport", "E12345678"),
        ("hk_macao_permit", "H12345678"),
        ("hk_macao_permit", "M1234567801"),
        ("taiwan_permit", "12345678"),
        ("foreign_permanent_residence", "USA110012345678"),
        ("military", "军字第1234567号"),
        ("household_book", "513326123456"),
    ],
)
def test_other_documents_have_their_own_forms(kind, number):
    assert rules.document_fault(kind, number) is None


@pytest.mark.parametrize(
    ("kind", "number"),
    [
        ("passport", "E1"),
        ("passport", "ABCDEFGH"),
        ("hk_macao_permit", "X12345678"),
        ("hk_macao_permit", "H1234567"),
        ("taiwan_permit", "1234567"),
        ("foreign_permanent_residence", "US110012345678"),
        ("foreign_permanent_residence", "911100199001010013"),
        ("military", "军官证"),
        ("household_book", "12"),
    ],
)
def test_a_number_in_no_such_form_is_refused(kind, number):
    assert rules.document_fault(kind, number) is not None


def test_the_newer_residence_card_for_foreigners_is_checked_like_a_citizens():
    first = "91110019900101001"
    assert (
        rules.document_fault("foreign_permanent_residence", first + rules.check_digit(first))
        is None
    )


@pytest.mark.parametrize(
    ("written", "plain"),
    [
        ("138 0000 1111", "13800001111"),
        ("+86 138-0000-1111", "13800001111"),
        ("１３８００００１１１１", "13800001111"),
        ("(0836) 2833123", "0836-2833123"),
        ("08362833123", "0836-2833123"),
        ("010-12345678", "010-12345678"),
    ],
)
def test_phones_are_read_as_written(written, plain):
    assert rules.plain_phone(written) == plain
    assert rules.is_phone(plain)


@pytest.mark.parametrize(
    "number", ["12800001111", "1380000111", "138000011112", "2833123", "0836-283312", "", "110"]
)
def test_what_is_no_phone_is_refused(number):
    assert not rules.is_phone(rules.plain_phone(number))


@pytest.mark.parametrize(
    "text", ["513326198512310029", "x=51332619851231002x", "13800001111", "13800001112 call"]
)
def test_numbers_of_persons_are_noticed(text):
    assert rules.looks_personal(text)


@pytest.mark.parametrize(
    "text", ["513326", "2020-02-05", "case 20200205123", "5133261985123100291"]
)
def test_other_numbers_are_let_through(text):
    assert not rules.looks_personal(text)


@pytest.mark.parametrize(
    ("name", "pinyin", "initials"),
    [
        ("扎西德吉", "zhaxideji", "zxdj"),
        ("单小明", "shanxiaoming", "sxm"),
        ("曾国强", "zengguoqiang", "zgq"),
        ("尉迟恭", "yuchigong", "ycg"),
        ("John Smith", "johnsmith", "js"),
        ("José Müller-Ruiz", "josemullerruiz", "jmr"),
        ("买买提·依明", "maimaitiyiming", "mmtym"),
        ("", "", ""),
    ],
)
def test_names_are_spelled_as_they_are_typed(name, pinyin, initials):
    assert (rules.pinyin(name), rules.initials(name)) == (pinyin, initials)


# Those that are read otherwise in some words than alone, surnames, and a few for the names between.
_CHARACTERS = "重庆长行银朝阳都单于会计乐音西藏参差大夫什么那曲扎格龙德吉卓玛王李张"


@given(st.text(alphabet=_CHARACTERS, min_size=1, max_size=6))
def test_names_without_a_word_in_them_are_spelled_sign_by_sign_to_the_same_end(name):
    surname = next((one for one in rules._SURNAMES if name.startswith(one)), "")
    reading = rules._SURNAMES.get(surname, "").replace(" ", "")

    assert rules.pinyin(name) == reading + "".join(lazy_pinyin(name.removeprefix(surname)))


def test_a_word_within_a_name_keeps_its_own_reading():
    assert rules.pinyin("王重庆") == "wangchongqing"
    assert rules.pinyin("王重") == "wangzhong"


@given(st.text(alphabet="0123456789Xx -－１２扎西 ·•Aé\u3000+86", max_size=20))
def test_a_short_way_to_a_plain_form_leads_to_the_same_form(text):
    """What is plain already stays as it is: both ways round give the same."""
    for plain in (rules.plain_name, rules.plain_number, rules.plain_phone):
        assert plain(plain(text)) == plain(text)
    assert rules.plain_number(text) == rules.plain_number(f" {text} ")
    assert rules.plain_phone(text) == rules.plain_phone(f"({text})")
    assert rules.plain_name(text) == rules.plain_name(f" {text} ")


_UNSEEN = (
    "\u200b\u200c\u200d\u2060\ufeff\u00ad\u115f\u1160\u3164\uffa0\u2800\u180b\u180e\ufe0f\u034f"
)


@given(st.text(alphabet=_UNSEEN + " ·•", max_size=12))
def test_signs_that_show_nothing_are_no_name(text):
    assert rules.plain_name(text) == ""


@given(
    st.text(alphabet=_UNSEEN + "扎西 ·•Aé\u0301ཀ་ْلكﻵक्षᠠᄀ가ᅡ", max_size=12) | st.text(max_size=12)
)
def test_a_name_is_plain_after_one_pass(text):
    plain = rules.plain_name(text)

    assert rules.plain_name(plain) == plain
    assert rules.plain_name(f"\u200b{text}\ufeff") == plain


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        (" 扎西　德吉 ", "扎西德吉"),
        ("扎\u200b西\u200d德吉\ufeff", "扎西德吉"),
        ("\u200cگل\u200cناز", "گل\u200cناز"),
        ("买买提 • 依明", "买买提·依明"),
        ("John   Smith", "John Smith"),
        ("ＬＩ ＭＩＮＧ", "LI MING"),
    ],
)
def test_a_name_is_kept_in_one_form(written, kept):
    assert rules.plain_name(written) == kept
    assert rules.same_name(written, kept)


@pytest.mark.parametrize(
    ("name", "mask"),
    [
        ("王小明", "王某"),
        ("李明", "李某"),
        ("欧阳修文", "欧某"),
        ("扎西德吉", "扎某某"),
        ("降央卓玛措", "降某某"),
        ("买买提·依明", "买某某"),
        ("John Smith", "J•••"),
        ("བཀྲ་ཤིས", "བཀྲ•••"),
        ("", ""),
    ],
)
def test_a_masked_name_shows_its_beginning_only(name, mask):
    assert rules.masked_name(name) == mask


@given(st.text(min_size=2, max_size=30))
def test_a_mask_never_holds_the_whole_name(name):
    kept = rules.plain_name(name)
    if len(kept) > 1:
        assert kept not in rules.masked_name(name)


def test_numbers_keep_three_and_four_characters():
    assert rules.masked_number("513326198512310029") == "513***********0029"
    assert rules.masked_number("13800001111") == "138****1111"


@given(st.text("0123456789ABC", min_size=1, max_size=20))
def test_a_masked_number_has_its_length_and_hides_at_least_a_third(number):
    mask = rules.masked_number(number)

    assert len(mask) == len(number)
    assert mask.count("*") * 3 >= len(number)


@pytest.mark.parametrize(
    ("birth_date", "day", "age"),
    [
        (date(1990, 2, 5), date(2020, 2, 4), Age(29)),
        (date(1990, 2, 5), date(2020, 2, 5), Age(30)),
        (date(2018, 2, 5), date(2020, 2, 4), Age(1, 23)),
        (date(2018, 2, 5), date(2020, 2, 5), Age(2)),
        (date(2020, 2, 5), date(2020, 2, 5), Age(0, 0)),
        (date(2000, 2, 29), date(2019, 2, 28), Age(18)),
        (date(2020, 2, 6), date(2020, 2, 5), None),
    ],
)
def test_age_from_a_birth_date(birth_date, day, age):
    assert rules.age_on(day, birth_date=birth_date) == age


@pytest.mark.parametrize(
    ("stated", "day", "age"),
    [
        ({"years": 30}, date(2020, 2, 5), Age(30)),
        ({"years": 30}, date(2021, 2, 4), Age(30)),
        ({"years": 30}, date(2021, 2, 5), Age(31)),
        ({"years": 30}, date(2019, 12, 1), Age(30)),
        ({"months": 7}, date(2020, 4, 5), Age(0, 9)),
        ({"years": 1, "months": 20}, date(2020, 6, 5), Age(2)),
        ({"months": 7}, date(2019, 1, 5), None),
        ({}, date(2020, 2, 5), None),
    ],
)
def test_age_from_an_age_stated_on_another_day(stated, day, age):
    assert rules.age_on(day, **stated, stated_on=date(2020, 2, 5)) == age


@given(born, st.integers(0, 40_000))
def test_nobody_grows_younger(birth_date, days):
    day = birth_date + timedelta(days=days)
    age, next_age = (rules.age_on(d, birth_date=birth_date) for d in (day, day + timedelta(1)))

    assert age is not None and next_age is not None
    assert (age.years, age.months or 0) <= (next_age.years, next_age.months or 99)


def test_the_number_contradicts_sex_and_birth_date_by_name():
    told = rules.read_resident_id("513326198512310029")

    assert rules.disagreement(told, sex="2", birth_date=date(1985, 12, 31)) == ""
    assert rules.disagreement(told, sex="1", birth_date=None) == "sex"
    assert rules.disagreement(told, sex="0", birth_date=date(1985, 12, 30)) == "birth_date"
    assert rules.disagreement(told, sex="9", birth_date=None) == ""


ONE = Facts("扎西德吉", "2", date(1985, 12, 31), 7)
CARD = frozenset({("resident_id", "513326198512310029")})
OTHER_CARD = frozenset({("resident_id", "513301199001010013")})


def test_the_same_document_is_the_same_person():
    one, other = Facts("扎西", documents=CARD), Facts("德吉", documents=CARD)
    assert rules.likeness(one, other) == rules.SAME


def test_name_birth_date_and_sex_are_likely_the_same_person():
    assert rules.likeness(ONE, Facts("扎西 德吉", "2", date(1985, 12, 31))) == rules.LIKELY


@pytest.mark.parametrize(
    "other",
    [
        Facts("扎西德勒", "2", date(1985, 12, 31), 7),
        Facts("扎西德吉", "1", date(1985, 12, 31), 7),
        Facts("扎西德吉", "0", date(1985, 12, 31), 7),
        Facts("扎西德吉", "2", date(1985, 12, 30), 7),
        Facts("扎西德吉", "2", None, 7),
        Facts("扎西德吉", "2", date(1985, 12, 31), 8),
    ],
)
def test_whoever_differs_in_one_of_them_is_another(other):
    assert rules.likeness(ONE, other) == 0


def test_two_cards_are_two_persons_however_alike():
    one = Facts(ONE.name, ONE.sex, ONE.birth_date, 7, CARD)
    other = Facts(ONE.name, ONE.sex, ONE.birth_date, 7, OTHER_CARD)
    assert rules.likeness(one, other) == 0
