"""Cells drawn in Python: local time, days, numbers, and nothing from outside as markup."""

from __future__ import annotations

from datetime import UTC, date, datetime
from types import SimpleNamespace

import pytest
from django.template import Context
from django.utils.translation import override

from fangkong.core.pages import Column, cells


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, ""),
        ("", ""),
        (0, "0"),
        ("扎西 & <b>", "扎西 &amp; &lt;b&gt;"),
        (
            datetime(2020, 2, 5, 2, tzinfo=UTC),
            '<time datetime="2020-02-05T02:00:00+00:00"><span>2020-02-05</span> 10:00</time>',
        ),
        (date(2020, 2, 5), '<time datetime="2020-02-05">2020-02-05</time>'),
    ],
)
def test_a_value_is_drawn_by_its_kind(value, shown):
    assert cells.value_html(value) == shown


def test_figures_of_china_stand_in_groups_of_three(settings):
    settings.USE_THOUSAND_SEPARATOR = True
    with override("zh-hans"):
        assert cells.value_html(1234567) == "1,234,567"


def drawn(column, value):
    return cells.body([column], [SimpleNamespace(value=value)], Context({}))


def test_an_empty_cell_is_marked_so_that_phones_can_leave_it_out():
    column = Column("n", "Number", lambda row: row.value)

    assert 'class="fk-none"' in drawn(column, None)
    assert 'class="fk-none"' in drawn(column, "")
    assert "fk-none" not in drawn(column, 0)


def test_neither_label_nor_address_nor_value_becomes_markup():
    bad = '"><script>'
    column = Column("n", bad, lambda row: row.value, url=lambda row: f"/?{row.value}")

    assert "<script>" not in drawn(column, bad)
