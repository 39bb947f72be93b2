"""What a mask may show, whatever the name or number: never the whole, never more than it may."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from fangkong.people import rules
from fangkong.people.queries import masked
from fangkong.people.tests.factories import person
from fangkong.people.types import Document, PhoneNumber

HAN = st.text(st.characters(min_codepoint=0x4E00, max_codepoint=0x9FA5), min_size=1, max_size=6)
LATIN = st.text(st.sampled_from("abcdefghijklmnopqrstuvwxyzÀéñ' -"), min_size=2, max_size=30)
TIBETAN = st.lists(st.sampled_from(["བཀྲ", "ཤིས", "བདེ", "སྐྱིད", "རྡོ", "རྗེ"]), min_size=2, max_size=5)
DOTTED = st.lists(HAN, min_size=2, max_size=4).map("·".join)
PLAIN = st.text("0123456789ABCDEFGHJKLMNPQRSTUVWXYZ", min_size=1, max_size=30)


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("王", "王某"),
        ("王芳", "王某"),
        ("欧阳娜娜", "欧某"),
        ("多吉", "多某"),
        ("扎西德吉", "扎某某"),
        ("洛绒扎西", "洛某某"),
        ("阿旺洛桑次仁", "阿某某"),
        ("买买提·艾力", "买某某"),
        ("阿卜杜拉•买买提", "阿某某"),
        ("བཀྲ་ཤིས་བདེ་སྐྱིད།", "བཀྲ•••"),
        ("John Smith", "J•••"),
        ("Éva Nagy", "É•••"),
    ],
)
def test_names_of_every_people_keep_their_beginning_alone(name, shown):
    assert rules.masked_name(name) == shown


@given(HAN | DOTTED)
def test_a_chinese_mask_shows_one_character_of_the_name(name):
    assume(rules.plain_name(name))
    shown = rules.masked_name(name)

    assert shown[0] == rules.plain_name(name)[0]
    assert shown[1:] in ("某", "某某")


@given(LATIN)
def test_a_latin_mask_shows_one_letter(name):
    kept = rules.plain_name(name)
    assume(len(kept) > 1)
    shown = rules.masked_name(name)

    assert shown.endswith(rules.HIDDEN) and len(shown.removesuffix(rules.HIDDEN)) <= 2
    assert kept not in shown


@given(TIBETAN)
def test_a_tibetan_mask_shows_one_syllable(syllables):
    assert rules.masked_name("་".join(syllables)) == syllables[0] + rules.HIDDEN


@given(PLAIN)
def test_a_mask_of_a_number_never_shows_more_than_three_and_four(number):
    shown = rules.masked_number(number)

    assert len(shown) == len(number)
    visible = [n for n, sign in enumerate(shown) if sign != "*"]
    assert all(n < 3 or n >= len(number) - 4 for n in visible)
    assert len(visible) <= 7 and shown.count("*") >= min(4, len(number))


@given(PLAIN)
def test_the_day_of_birth_in_a_citizens_number_is_never_shown(end):
    number = ("5133261985123100" + end)[:18]
    assume(len(number) == 18)

    assert set(rules.masked_number(number)[3:14]) == {"*"}


@pytest.mark.parametrize(
    ("number", "shown"),
    [
        ("13800001111", "138****1111"),
        ("0836-2833123", "083*****3123"),
        ("010-12345678", "010*****5678"),
        ("E12345678", "E******78"),
        ("H12345678", "H******78"),
        ("12345678", "1*****78"),
        ("123456", "******"),
    ],
)
def test_phones_and_foreign_documents(number, shown):
    assert rules.masked_number(number) == shown


@pytest.mark.django_db
def test_what_pages_are_given_holds_no_full_value():
    one = person(
        name="阿旺洛桑",
        documents=[Document("passport", "E12345678")],
        phones=[PhoneNumber("0836-2833123")],
        address_detail="团结社区1号",
        workplace="道孚县中学",
        guardian_name="扎西德吉",
    )
    shown = repr(masked(one))

    for whole in ("阿旺洛桑", "E12345678", "0836-2833123", "团结社区", "道孚县中学", "扎西德吉"):
        assert whole not in shown
