"""Names are found as people type them."""

from __future__ import annotations

import pytest

from fangkong.core.spelling import search_text, shown, spelled


@pytest.mark.parametrize(
    ("typed", "plain"),
    [
        ("Garzê", "garze"),
        ("ＤＡＯＦＵ ", "daofu"),
        ("Xi'an", "xian"),
        ("道孚", "道孚"),
        ("བོད", "བོད"),
        ("", ""),
    ],
)
def test_accents_capitals_and_apostrophes_fall_away(typed, plain):
    assert spelled(typed) == plain


@pytest.mark.parametrize(
    ("typed", "seen"),
    [
        ("\u200b", ""),
        ("\u200d\u2060 \ufeff", ""),
        ("\u00ad\u115f\u1160\u3164\uffa0", ""),
        ("\ufe0f", ""),
        ("\u2800", ""),
        ("扎\u200d西\u200b ", "扎西"),
        ("Ma\u00adry", "Mary"),
        ("葛\U000e0100城", "葛\U000e0100城"),  # this form of the sign, and no other
        ("گل\u200cناز", "گل\u200cناز"),  # two words written as one
        ("\u200cگل\u200c", "گل"),
        ("ཀྲ\u200cཤ", "ཀྲ\u200cཤ"),
        ("क\u200c\u200d\u200bष", "क\u200cष"),
        ("❤\ufe0f", "❤"),
    ],
)
def test_signs_that_show_nothing_fall_away_and_joiners_stay_between_what_they_join(typed, seen):
    assert shown(typed) == seen


def test_a_facility_is_found_by_name_pinyin_and_initials():
    text = search_text(["道孚县人民医院", "Daofu Hospital"], ["dao", "fu", "xian"])

    assert text == "道孚县人民医院 daofu hospital daofuxian dfx"
