"""Roles, norms and reserves of supplies in a pack: read exactly, refused with their place."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from fangkong.packs import loader, queries
from fangkong.packs.types import PackError

from .test_broken import WHOLE, write

SUPPLIES = """
[[supply_items]]
code = "mask"
name_zh = "口罩"
name_en = "Mask"
kind = "protection"
unit = "piece"
clause = "one"

[[supply_roles]]
code = "nurse"
name_zh = "护士"
name_en = "Nurse"
exposure = 2
clause = "one"

[[supply_roles]]
code = "patient"
name_zh = "患者"
name_en = "Patient"
exposure = 1
clause = "one"
[[supply_roles.staff]]
who = "nurse"
hours = 3.5

[[supply_norms]]
code = "mask-nurse"
name_zh = "护士的口罩"
name_en = "Masks of nurses"
item = "mask"
who = "nurse"
conventional = 0.033
crisis = 0.011
clause = "one"

[[supply_reserves]]
code = "winter"
name_zh = "冬季"
name_en = "Winter"
facilities = ["hospital"]
days = 30
months = [1, 12]
clause = "one"
"""


def test_amounts_are_read_exactly_and_a_milder_strategy_goes_on(tmp_path):
    (pack,) = loader.load([write(tmp_path, WHOLE + SUPPLIES)])
    (norm,) = pack.supplies.norms
    assert (norm.conventional, norm.contingency) == (Decimal("0.033"), Decimal("0.033"))
    assert norm.crisis == Decimal("0.011")
    assert pack.supplies.roles[1].staff == (("nurse", Decimal("3.5")),)
    (reserve,) = pack.supplies.reserves
    assert reserve.counts_in(date(2020, 12, 1)) and not reserve.counts_in(date(2020, 6, 1))


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('item = "mask"', 'item = "cap"', "unknown 'cap'; use one of mask"),
        ('who = "nurse"\nconv', 'who = "clown"\nconv', "unknown 'clown'; use one of nurse"),
        ('who = "nurse"\nhours', 'who = "patient"\nhours', "unknown 'patient'; use one of nurse"),
        ("hours = 3.5", "hours = 0", "0 is not a number from 0.1 to 240"),
        ("exposure = 2", "exposure = 4", "4 is not a whole number of at least 1 and at most 3"),
        ("conventional = 0.033", "conventional = -1", "-1 is not a number from 0"),
        ("conventional = 0.033", "conventional = true", "True is not a number from 0"),
        ("crisis = 0.011", "crisis = 0.1", "want never uses more than plenty"),
        ("crisis = 0.011", "panic = 1", 'key "panic": unknown'),
        ("months = [1, 12]", "months = [12, 1]", "does not rise"),
        ("days = 30", "days = 0", "0 is not a whole number of at least 1"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(tmp_path, old, new, said):
    assert old in SUPPLIES
    with pytest.raises(PackError) as refused:
        loader.load([write(tmp_path, WHOLE + SUPPLIES.replace(old, new))])
    assert said in str(refused.value)


def test_one_norm_for_an_item_and_role(tmp_path):
    norm = SUPPLIES[SUPPLIES.index("[[supply_norms]]") : SUPPLIES.index("[[supply_reserves]]")]
    twice = SUPPLIES + norm.replace("mask-nurse", "mask-again")
    with pytest.raises(PackError, match="uses of 'mask' already"):
        loader.load([write(tmp_path, WHOLE + twice)])


@pytest.mark.parametrize("area", ["513300", "KE-30"])
def test_the_shipped_norms_are_those_of_esft(area):
    plan = queries.in_force(area, date(2020, 2, 7)).supplies
    told = {(one.item, one.who): one for one in plan.norms}
    assert told["exam-gloves", "ward-staff"].conventional == 24
    assert told["surgical-mask", "ward-staff"].conventional == 4
    assert told["goggles", "lab-technician"].conventional == Decimal("0.067")
    assert told["hand-rub", "ward-staff"].conventional == 33
    hours = {one.code: dict(one.staff) for one in plan.roles}
    assert hours["severe-patient"]["ward-staff"] == Decimal("9.98")  # 8.64 + 1.34
    assert all(one.conventional >= one.contingency >= one.crisis for one in plan.norms)
