"""Two recipients cannot put their files together; one recipient can put two files together."""

from __future__ import annotations

import re
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fangkong.core.disclosure.pseudonyms import NoRecipient, pseudonym

ONE, OTHER = uuid4(), uuid4()


def test_a_record_has_another_pseudonym_for_each_recipient_and_one_for_each():
    assert pseudonym(ONE, "省疾控中心") == pseudonym(ONE, " 省疾控中心 ")
    assert pseudonym(ONE, "省疾控中心") != pseudonym(ONE, "西南大学")
    assert pseudonym(ONE, "省疾控中心") != pseudonym(OTHER, "省疾控中心")
    assert ONE.hex not in pseudonym(ONE, "省疾控中心")


@given(st.uuids(), st.uuids(), st.sampled_from(["省疾控中心", "vaccine study"]))
def test_a_pseudonym_is_letters_and_digits_after_a_letter_and_tells_records_apart(one, other, to):
    sign = pseudonym(one, to)

    assert re.fullmatch(r"P[A-Z2-7]{29}", sign)
    assert (sign == pseudonym(other, to)) is (one == other)


@pytest.mark.parametrize("name", ["", " ", "x", "a\0b", "x" * 61, "=cmd|x"])
def test_a_file_for_nobody_is_refused(name):
    with pytest.raises(NoRecipient):
        pseudonym(ONE, name)
