"""Names are found as people type them."""

from __future__ import annotations

import pytest

from fangkong.core.spelling import search_text, spelled


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


def test_a_facility_is_found_by_name_pinyin_and_initials():
    text = search_text(["道孚县人民医院", "Daofu Hospital"], ["dao", "fu", "xian"])

    assert text == "道孚县人民医院 daofu hospital daofuxian dfx"
