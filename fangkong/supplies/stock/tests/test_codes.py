"""What a scanned text says. Examples are GS1's: the DataMatrix guideline and the Syntax Engine."""

from __future__ import annotations

import time
from datetime import date

import pytest
import zxingcpp
from biip.checksums import gs1_standard_check_digit
from hypothesis import given
from hypothesis import strategies as st

from fangkong.supplies.stock import codes
from fangkong.supplies.stock.codes import GS, Goods, Label, NotUnderstood

from .symbols import picture

TODAY = date(2020, 2, 5)
GUIDELINE = f"01034531200000111712050810ABCD1234{GS}4109501101020917"
SAID = Goods(
    "03453120000011",
    lot="ABCD1234",
    expires_on=date(2012, 5, 8),
    others=(("410", "9501101020917"),),
)


def one(text, today=TODAY):
    """The one way to read a text."""
    (goods,) = codes.read(text, today)
    return goods


@pytest.mark.parametrize(
    "text",
    [
        GUIDELINE,
        f"]d2{GUIDELINE}",
        f"]C1{GUIDELINE}",
        f"]Q3{GUIDELINE}\r\n",
        f"{GS}{GUIDELINE}{GS}",
        GUIDELINE.replace(GS, "<GS>"),
        GUIDELINE.replace(GS, "\u241d"),
        GUIDELINE.replace(GS, "^]"),
        "(01)03453120000011(17)120508(10)ABCD1234(410)9501101020917",
        "( 01 ) 03453120000011 (17)120508(10)ABCD1234(410)9501101020917".replace("( 01 )", "(01)"),
        "（01）０3453120000011（17）120508（10）ABCD1234（410）9501101020917",
        "https://id.gs1.org/01/03453120000011/10/ABCD1234?17=120508&410=9501101020917",
    ],
)
def test_one_package_is_read_alike_whatever_sent_it(text):
    assert one(text) == SAID


def test_the_example_of_the_syntax_engine_is_read():
    goods = one(f"011231231231233310ABC123{GS}99TESTING")
    assert goods == Goods("12312312312333", lot="ABC123", others=(("99", "TESTING"),))


def test_all_that_goods_have_is_read_and_counts_are_tolerated():
    text = f"01095060001343521120010117211231{'10'}A-1{GS}21S/9{GS}3012"
    goods = one(text)
    assert (goods.made_on, goods.expires_on) == (date(2020, 1, 1), date(2021, 12, 31))
    assert (goods.lot, goods.serial, goods.count, goods.others) == (
        "A-1",
        "S/9",
        None,
        (("30", "12"),),
    )
    pallet = one("020950600013435237120")
    assert (pallet.gtin, pallet.count) == ("09506000134352", 120)


@pytest.mark.parametrize(
    ("text", "gtin"),
    [
        ("9506000134352", "09506000134352"),
        ("]E09506000134352", "09506000134352"),
        ("]E496385074", "00000096385074"),
        ("036000291452", "00036000291452"),
        ("]I119506000134359", "19506000134359"),
    ],
)
def test_plain_numbers_of_packages_are_gtins(text, gtin):
    assert one(text) == Goods(gtin)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "empty"),
        (" \r\n", "empty"),
        ("0" * 500, "too_long"),
        ("hello", "not_gs1"),
        ("9506000134353", "check_digit"),
        ("0109506000134353", "check_digit"),
        ("(01)09506000134353", "check_digit"),
        ("]E01234567890123", "check_digit"),
        ("010950600013435217201301", "not_gs1"),
        ("010950600013435217200230", "bad_date"),
        (f"010950600013435210A{GS}10B", "twice"),
        ("00106141411234567897", "no_gtin"),
        ("(01)0950600013435", "not_gs1"),
        ("(17)201231", "no_gtin"),
        ("https://example.com/a", "not_gs1"),
        (f"https://example.com/supplies/stock/lots/{'-' * 36}/", "not_gs1"),
        (f"/supplies/stock/places/{'0' * 36}", "not_gs1"),
        ("https://id.gs1.org/01/09506000134353", "check_digit"),
    ],
)
def test_what_is_no_code_of_goods_says_why(text, why):
    with pytest.raises(NotUnderstood) as refused:
        codes.read(text, TODAY)
    assert refused.value.code == why


def test_day_nought_is_the_last_of_the_month_and_of_making_the_first():
    goods = one("01095060001343521120020017200200")
    assert (goods.made_on, goods.expires_on) == (date(2020, 2, 1), date(2020, 2, 29))
    assert codes.day_of("210200", TODAY) == date(2021, 2, 28)


def test_two_digits_of_a_year_mean_the_nearest_century():
    """GS1 General Specifications 7.12, from 2020: 71 and later lie behind, 70 ahead."""
    assert [codes.from_two_digits(n, TODAY) for n in (0, 20, 70, 71, 99)] == [
        2000, 2020, 2070, 1971, 1999,
    ]  # fmt: skip
    assert codes.from_two_digits(1, date(2099, 1, 1)) == 2101
    assert codes.from_two_digits(49, date(2099, 1, 1)) == 2149
    assert codes.from_two_digits(50, date(2099, 1, 1)) == 2050


def test_where_the_scanner_drops_separators_each_way_is_told_the_plainest_first():
    whole, parted = codes.read("010950600013435210A21B", TODAY)
    assert (whole.lot, whole.serial) == ("A21B", "")
    assert (parted.lot, parted.serial) == ("A", "B")
    assert one(f"010950600013435210A{GS}21B").serial == "B"
    dated = codes.read("010950600013435210AB17211231", TODAY)
    assert (dated[0].lot, dated[0].expires_on) == ("AB17211231", None)
    assert ("AB", date(2021, 12, 31)) in [(way.lot, way.expires_on) for way in dated[1:]]
    # Together too long for a lot number: only the ways that part them are left.
    long = codes.read("0109506000134352" + "10" + "A" * 18 + "21" + "B" * 10, TODAY)
    assert ("A" * 18, "B" * 10) in {(way.lot, way.serial) for way in long}
    assert all(len(way.lot) <= 20 for way in long)


def test_labels_of_the_house_are_known():
    key = "01900000-0000-7000-8000-00000000000a"
    for kind in ("lot", "place"):
        read = codes.read(f"]Q1https://fk.example.org/supplies/stock/{kind}s/{key.upper()}/", TODAY)
        assert isinstance(read, Label) and (read.kind, str(read.public_id)) == (kind, key)


@pytest.mark.parametrize(
    ("kind", "identifier"),
    [("DataMatrix", "]d"), ("Code128", "]C1"), ("QRCode", "]Q3")],
)
def test_real_symbols_are_read_as_a_scanner_sends_them(kind, identifier):
    printed = "(01)09506000134352(17)211200(10)AB-123(21)X9"
    drawn = picture(printed, kind)
    (seen,) = zxingcpp.read_barcodes(drawn, text_mode=zxingcpp.TextMode.Plain)
    assert seen.symbology_identifier.startswith(identifier)
    goods = one(f"{seen.symbology_identifier}{seen.text}")
    assert goods == one(printed)
    assert (goods.lot, goods.serial, goods.expires_on) == ("AB-123", "X9", date(2021, 12, 31))


LOTS = st.text("ABCXYZ0123456789-/.", min_size=1, max_size=20)


@given(st.integers(0, 10**13 - 1), LOTS, LOTS, st.dates(date(1991, 1, 1), date(2069, 12, 31)))
def test_what_is_written_with_separators_is_read_back(number, lot, serial, day):
    payload = f"{number:013d}"
    gtin = f"{payload}{gs1_standard_check_digit(payload)}"
    text = f"01{gtin}17{day:%y%m%d}10{lot}{GS}21{serial}"
    assert one(text) == Goods(gtin, lot=lot, serial=serial, expires_on=day)


@given(st.text("0123456789", max_size=24).map(lambda lot: f"010950600013435210{lot}"))
def test_the_true_way_is_among_those_without_separators(text):
    try:
        ways = codes.read(text, TODAY)
    except NotUnderstood:
        return
    assert len(ways) == len(set(ways)) <= 13
    assert all(way.gtin == "09506000134352" for way in ways)


def test_no_text_keeps_the_reader_long():
    began = time.process_time()
    for part in ("10", "21", "30", "37", "1", "0121", "101721"):
        try:
            codes.read(("0109506000134352" + part * 60)[:96], TODAY)
        except NotUnderstood:
            continue
    assert time.process_time() - began < 1
