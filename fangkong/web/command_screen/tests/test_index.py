"""The command screen: figures of the user's own areas, the gravest condition first."""

from __future__ import annotations

from itertools import pairwise

import pytest

from fangkong.web.command_screen import queries

pytestmark = pytest.mark.django_db


def test_an_empty_prefecture_is_drawn_without_a_case(look, headquarters):
    answer = look(headquarters, "/command/")

    assert answer.status_code == 200
    assert answer.context["situation"].totals.total == 0
    assert "No open signal." in answer.content.decode()


def test_the_map_names_every_county_with_its_number(look, headquarters):
    areas = look(headquarters, "/command/map.json").json()["areas"]

    assert {area["code"]: area["value"] for area in areas} == {
        "513301": 0,
        "513326": 0,
        "513328": 0,
    }


def test_the_curve_has_one_entry_for_each_of_28_days(look, headquarters):
    curve = look(headquarters, "/command/curve.json").json()

    assert len(curve["x"]) == queries.DAYS
    assert curve["x"][-1] == "2020-02-05"


def test_an_auditor_has_no_command_screen(look, auditor):
    assert look(auditor, "/command/").status_code == 403
    assert look(auditor, "/command/map.json").status_code == 403


@pytest.mark.parametrize("most", [0, 1, 3, 50, 73, 1000, 250_000])
def test_the_classes_of_the_map_follow_each_other_without_a_gap(most):
    bands = queries._bands(most)

    assert bands[0].start == bands[0].end == 0
    for lower, upper in pairwise(bands):
        assert lower.end is not None
        assert upper.start == lower.end + 1
    assert bands[-1].end is None
    assert bands[-1].start <= max(most, 21)
