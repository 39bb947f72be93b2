"""Pages by key: every row once, forward and back, whatever happens to the table meanwhile."""

from __future__ import annotations

import base64
import json
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from fangkong.accounts.tests import factories
from fangkong.core.pages import keyset
from fangkong.core.queue.models import Job

AT = factories.AT
pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]
PATHS = ["asked_at", "name", "subject_id", "public_id", "pk"]


def make(hours: list[int]) -> list[Job]:
    """Jobs asked for at these hours after AT; equal hours are ties."""
    return [
        Job.objects.create(
            name=f"job{hour % 3}", subject_id=hour, asked_at=AT + timedelta(hours=hour)
        )
        for hour in hours
    ]


def walk(path: str, descending: bool, size: int) -> tuple[list[int], list[int]]:
    """The ids seen forward from the first page to the last, and backward from there."""
    ask = {"path": path, "descending": descending, "size": size}
    page = keyset.page(Job.objects.all(), **ask)
    forward, back = [row.pk for row in page.rows], []
    last = page
    while last.next:
        last = keyset.page(Job.objects.all(), cursor=last.next, **ask)
        forward += [row.pk for row in last.rows]
    back = [row.pk for row in last.rows]
    while last.previous:
        last = keyset.page(Job.objects.all(), cursor=last.previous, **ask)
        back = [row.pk for row in last.rows] + back
    return forward, back


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("size", [1, 2, 3, 7, 50])
def test_forward_and_back_show_every_row_exactly_once_in_order(path, descending, size):
    make([3, 1, 1, 2, 1, 3, 2])
    sign = "-" if descending else ""
    wanted = list(Job.objects.order_by(f"{sign}{path}", f"{sign}pk").values_list("pk", flat=True))

    forward, back = walk(path, descending, size)

    assert forward == wanted
    assert back == wanted


@given(hours=st.lists(st.integers(0, 4), max_size=12), size=st.integers(1, 5), down=st.booleans())
@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_any_ties_and_any_page_size_show_every_row_once(hours, size, down):
    Job.objects.all().delete()
    rows = make(hours)

    forward, back = walk("asked_at", down, size)

    assert sorted(forward) == sorted(row.pk for row in rows)
    assert back == forward


def test_an_empty_table_is_one_empty_page():
    assert keyset.page(Job.objects.all(), path="pk", descending=False, size=5) == keyset.Page(
        [], "", ""
    )


def test_exactly_one_full_page_has_no_neighbours():
    make([1, 2, 3])
    page = keyset.page(Job.objects.all(), path="subject_id", descending=False, size=3)

    assert (page.next, page.previous) == ("", "")


def test_a_row_added_before_the_page_neither_repeats_nor_hides_others():
    make([10, 20, 30, 40])
    ask = {"path": "subject_id", "descending": False, "size": 2}
    first = keyset.page(Job.objects.all(), **ask)

    make([5])
    second = keyset.page(Job.objects.all(), cursor=first.next, **ask)

    assert [row.subject_id for row in second.rows] == [30, 40]


def test_a_row_removed_from_the_page_before_hides_no_other():
    make([10, 20, 30, 40])
    ask = {"path": "subject_id", "descending": False, "size": 2}
    first = keyset.page(Job.objects.all(), **ask)

    Job.objects.filter(subject_id__in=[10, 20]).delete()
    second = keyset.page(Job.objects.all(), cursor=first.next, **ask)

    assert [row.subject_id for row in second.rows] == [30, 40]


def test_a_row_added_ahead_is_shown_when_its_turn_comes():
    make([10, 20, 40])
    ask = {"path": "subject_id", "descending": False, "size": 2}
    first = keyset.page(Job.objects.all(), **ask)

    make([30])
    second = keyset.page(Job.objects.all(), cursor=first.next, **ask)

    assert [row.subject_id for row in second.rows] == [30, 40]


@pytest.mark.parametrize("size", [2, 20])
def test_any_page_needs_one_statement(size, django_assert_num_queries):
    make(list(range(50)))
    ask = {"path": "asked_at", "descending": True, "size": size}
    cursor = ""
    for _ in range(3):
        with django_assert_num_queries(1) as sent:
            cursor = keyset.page(Job.objects.all(), cursor=cursor, **ask).next
        assert "COUNT(" not in sent[0]["sql"]
        assert "OFFSET" not in sent[0]["sql"]


def cursor_of(content: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(content).encode()).decode().rstrip("=")


def answer(path: str, cursor: str) -> str:
    try:
        keyset.page(Job.objects.all(), path=path, descending=False, size=2, cursor=cursor)
    except keyset.BadCursor:
        return "bad"
    return "page"


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    "content",
    [
        None,
        7,
        "text",
        [],
        [0, ["i", "1"]],
        [0, ["i", "1"], 1, 1],
        [0, "i1", 1],
        [0, [["i"], "1"], 1],
        [0, {"i": "1"}, 1],
        [0, ["x", "1"], 1],
        [0, ["i", "one"], 1],
        [0, ["i", "1"], "one"],
        [0, ["i", "1"], None],
        [0, ["i", "9" * 30], 1],
        [0, ["i", "9" * 5000], 1],
        [0, ["i", "1"], 10**30],
        [0, ["i", "-1"], -(10**30)],
        [0, ["i", "1"], float("inf")],
        [0, ["n", "NaN"], 1],
        [0, ["n", "sNaN"], 1],
        [0, ["n", "Infinity"], 1],
        [0, ["n", "1E+999999"], 1],
        [0, ["f", "nan"], 1],
        [0, ["f", "inf"], 1],
        [0, ["f", "1e400"], 1],
        [0, ["t", "2020-02-05"], 1],
        [0, ["t", "2020-02-05T10:00"], 1],
        [0, ["t", "0001-01-01T00:00:00+14:00"], 1],
        [0, ["t", "9999-12-31T23:59:59-14:00"], 1],
        [0, ["t", "yesterday"], 1],
        [0, ["d", "2020-02-30"], 1],
        [0, ["d", "0001-01-01"], 1],
        [0, ["u", "not-a-uuid"], 1],
        [0, ["s", "a\x00b"], 1],
        [0, ["s", "' OR 1=1 --"], 1],
        [0, ["s", "\ud800"], 1],
    ],
)
@pytest.mark.filterwarnings("ignore:.*naive datetime")  # a day where a moment belongs
def test_a_cursor_made_up_by_hand_is_bad_or_a_page_but_never_a_crash(path, content):
    make([1, 2, 3])

    assert answer(path, cursor_of(content)) in ("bad", "page")


@pytest.mark.parametrize(
    "cursor", ["!", "é", "=", "a", "AAAA", "[" * 9, "%00", "\x00", "W" * 90000]
)
def test_a_cursor_that_is_no_cursor_is_bad(cursor):
    assert answer("asked_at", cursor) == "bad"


def test_a_cursor_of_a_thousand_brackets_is_bad():
    deep = base64.urlsafe_b64encode(b"[" * 40_000).decode()

    assert answer("asked_at", deep) == "bad"


@given(
    cursor=st.one_of(
        st.text(max_size=40),
        st.binary(max_size=40).map(lambda raw: base64.urlsafe_b64encode(raw).decode()),
    )
)
@example(cursor="bnVsbA")
@settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_invented_cursors_never_crash(cursor):
    if cursor:
        assert answer("asked_at", cursor) in ("bad", "page")


def test_a_cursor_of_a_list_sorted_otherwise_is_no_crash():
    make([1, 2, 3])
    for made_for in PATHS:
        page = keyset.page(Job.objects.all(), path=made_for, descending=False, size=2)
        for used_on in PATHS:
            assert answer(used_on, page.next) in ("bad", "page")
