"""The list page: filters, sorting, pages and files, over a table of jobs."""

from __future__ import annotations

import csv
import io
from datetime import timedelta
from typing import ClassVar
from urllib.parse import parse_qs, urlsplit

import pytest
from django import forms
from django.contrib.auth.models import AnonymousUser
from django.http import HttpResponse
from django.test import RequestFactory
from django.utils.translation import override

from fangkong.accounts.tests import factories
from fangkong.core import pages
from fangkong.core.audit.models import AuditLine
from fangkong.core.pages import keyset
from fangkong.core.queue.models import Job

AT = factories.AT
pytestmark = pytest.mark.django_db


class ByName(pages.FilterForm):
    name = forms.CharField(required=False, max_length=5)
    number = forms.IntegerField(required=False)

    def narrow(self, rows):
        chosen = self.chosen()
        if "name" in chosen:
            rows = rows.filter(name=chosen["name"])
        if "number" in chosen:
            rows = rows.filter(subject_id=chosen["number"])
        return rows


JOBS: pages.Listing[Job] = pages.Listing(
    name="jobs",
    title="Jobs",
    columns=[
        pages.Column("name", "Name", lambda job: job.name, order="name"),
        pages.Column("number", "Number", lambda job: job.subject_id, order="subject_id"),
        pages.Column("state", "State", lambda job: job.get_state_display()),
        pages.Column("inner", "Inner", lambda job: "not for files", exported=False),
    ],
    order="-number",
    filters=ByName,
    empty="No jobs yet.",
    page_size=2,
)


class Asked:
    """A list page as the browser asks for its table."""

    factory: ClassVar[RequestFactory] = RequestFactory()

    def __init__(self, query: str = "", *, user=None, rows=None):
        request = self.factory.get(f"/jobs/{query}", headers={"HX-Target": "div#fk-list"})
        request.user = user or AnonymousUser()
        request.now = AT
        with override("en"):
            self.response = pages.listing(
                request, JOBS, Job.objects.all() if rows is None else rows
            )

    @property
    def text(self) -> str:
        assert isinstance(self.response, HttpResponse)
        return self.response.content.decode()

    @property
    def numbers(self) -> list[int]:
        import re

        return [int(n) for n in re.findall(r'data-label="Number">\s*(\d+)', self.text)]

    def link(self, rel: str) -> str:
        import re
        from html import unescape

        found = re.search(rf'rel="{rel}" href="([^"]*)"', self.text)
        return unescape(found[1]) if found else ""


@pytest.fixture
def jobs():
    return [
        Job.objects.create(name="abba"[n % 4], subject_id=n, asked_at=AT + timedelta(hours=n))
        for n in range(1, 6)
    ]


def test_a_list_starts_with_the_order_it_declares(jobs):
    assert Asked().numbers == [5, 4]


def test_following_next_shows_all_and_following_previous_leads_back(jobs):
    first = Asked()
    second = Asked(first.link("next"))
    third = Asked(second.link("next"))

    assert (second.numbers, third.numbers) == ([3, 2], [1])
    assert third.link("next") == ""
    assert Asked(third.link("prev")).numbers == [3, 2]


def test_a_click_on_a_head_sorts_and_a_second_click_turns_round(jobs):
    assert Asked("?sort=number").numbers == [1, 2]
    assert 'aria-sort="ascending"' in Asked("?sort=number").text
    assert "sort=-number" in Asked("?sort=number").text
    assert Asked("?sort=-number").numbers == [5, 4]


@pytest.mark.parametrize("sort", ["nothing", "state", "--number", "password", "-", "name__x"])
def test_an_unknown_order_is_no_crash(jobs, sort):
    assert len(Asked(f"?sort={sort}").numbers) == 2


def test_links_keep_filters_and_order(jobs):
    page = Asked("?name=b&sort=number")

    query = parse_qs(urlsplit(page.link("next")).query)
    assert (query["name"], query["sort"]) == (["b"], ["number"])
    assert page.numbers == [1, 2]
    assert Asked(page.link("next")).numbers == [5]
    for part in ("?name=b&amp;sort=number&amp;export=csv", "?name=b&amp;sort=-number"):
        assert part in page.text


def test_a_new_order_starts_from_the_first_page(jobs):
    second = Asked(Asked().link("next"))

    assert "?sort=name" in second.text
    assert "after=" not in second.text.split("?sort=name")[1].split('"')[0]


def test_a_filter_narrows_and_says_so_when_nothing_is_left(jobs):
    assert Asked("?number=3").numbers == [3]
    assert "Nothing fits these filters." in Asked("?number=99").text
    assert "No jobs yet." in Asked(rows=Job.objects.none()).text


def test_a_wrong_filter_lists_nothing_whatever_the_others_say(jobs):
    assert Asked("?number=three").numbers == []
    assert Asked("?number=three&name=b").numbers == []
    assert Asked("?name=b").numbers == [5, 2]


@pytest.mark.parametrize("cursor", ["x", "%00", "W10", "é", "WzAsIFsidCIsICJ4Il0sIDFd"])
def test_a_bad_cursor_shows_the_first_page(jobs, cursor):
    assert Asked(f"?after={cursor}").numbers == [5, 4]


def test_when_all_rows_beyond_a_cursor_are_gone_the_first_page_is_shown(jobs):
    link = Asked().link("next")
    Job.objects.filter(subject_id__lt=4).delete()

    assert Asked(link).numbers == [5, 4]


@pytest.mark.parametrize("count", [1, 2, 5])
def test_a_page_needs_one_statement_whatever_it_shows(jobs, count, django_assert_num_queries):
    with django_assert_num_queries(1):
        assert Asked(rows=Job.objects.filter(subject_id__lte=count)).numbers


def test_htmx_gets_the_table_alone(jobs):
    assert "<html" not in Asked().text
    assert Asked().text.lstrip().startswith("<div")


def test_text_from_outside_is_never_markup():
    Job.objects.create(name="<script>alert(1)</script>", subject_id=1, asked_at=AT)

    page = Asked("?name=%3Cb%3E&sort=%22%3E%3Cscript%3E")
    assert "<script>" not in page.text + Asked().text


def test_an_export_holds_every_page_in_the_order_shown_without_inner_columns(jobs):
    keeper = factories.user()
    page = Asked("?export=csv&sort=number", user=keeper)

    body = b"".join(page.response.streaming_content).decode("utf-8-sig")
    rows = list(csv.reader(io.StringIO(body)))
    assert rows[0] == ["Name", "Number", "State"]
    assert [row[1] for row in rows[1:-1]] == ["1", "2", "3", "4", "5"]
    assert keeper.username in rows[-1][0]


def test_an_export_holds_only_what_the_filters_leave(jobs):
    page = Asked("?export=csv&name=b", user=factories.user())

    assert b"".join(page.response.streaming_content).decode().count("\n") == 5


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_an_export_leaves_a_line_in_the_trail(jobs, kind):
    keeper = factories.user()
    Asked(f"?export={kind}&name=b", user=keeper)

    line = AuditLine.objects.get()
    assert (line.action, line.by_id) == ("core.pages.export", keeper.pk)
    assert line.detail == {"list": "jobs", "kind": kind, "rows": 3}


def test_looking_at_a_list_or_asking_for_an_unknown_file_leaves_none(jobs):
    Asked()
    assert Asked("?export=xml").numbers == [5, 4]

    assert not AuditLine.objects.exists()


def test_a_cursor_of_the_list_is_a_cursor_of_the_kit(jobs):
    after = parse_qs(urlsplit(Asked().link("next")).query)["after"][0]
    found = keyset.page(Job.objects.all(), path="subject_id", descending=True, size=2, cursor=after)

    assert [row.subject_id for row in found.rows] == [3, 2]
