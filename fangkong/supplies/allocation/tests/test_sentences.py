"""Sentences of plans as people read them."""

from __future__ import annotations

import pytest
from django.utils import translation

from fangkong.supplies.allocation import sentences, words


@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_numbers_of_a_sentence_are_grouped_and_names_are_not(language):
    facts = {"quantity": 10000, "wanted": 1234567, "item": "mask2000", "day": "2020-02-08"}
    with translation.override(language):
        said = sentences.of("expiry", facts, {})
        assert "10,000" in said and "1,234,567" in said and "2020-02-08" in said
        named = sentences.of("substitute", facts, {"mask2000": "口罩 2000"})
        assert "10,000" in named and "口罩 2000" in named


def test_the_command_writes_numbers_as_json_does():
    assert "10000" in words.say_in("en")("met_asked", {"quantity": 10000})
