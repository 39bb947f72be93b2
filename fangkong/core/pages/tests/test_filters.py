"""The filter bar of a list: chips of what is set, and the fold that a phone makes of the rest."""

from __future__ import annotations

import re
from html import unescape
from typing import ClassVar
from urllib.parse import parse_qs, urlsplit

import pytest
from django import forms
from django.contrib.auth.models import AnonymousUser
from django.test import RequestFactory
from django.utils.translation import override

from fangkong.accounts.tests import factories
from fangkong.core import pages
from fangkong.core.pages import queries
from fangkong.core.pages.models import SavedView
from fangkong.core.queue.models import Job
from fangkong.core.record import stamps

AT = factories.AT
pytestmark = pytest.mark.django_db


class Filter(pages.FilterForm):
    standing: ClassVar[tuple[str, ...]] = ("whose",)

    q = pages.SearchField(label="Name")
    whose = forms.ChoiceField(
        label="Whose", required=False, choices=[("", "Mine"), ("all", "Everybody’s")]
    )
    kind = forms.ChoiceField(
        label="Kind", required=False, choices=[("", "all"), ("a", "　First"), ("b", "Second")]
    )
    since = forms.DateField(label="Since", required=False)
    late = forms.BooleanField(label="Late only", required=False)
    batch = forms.UUIDField(label="From one file", required=False, widget=forms.HiddenInput())

    def narrow(self, rows):
        return rows.filter(name="b") if self.chosen().get("kind") == "b" else rows


JOBS: pages.Listing[Job] = pages.Listing(
    name="jobs",
    title="Jobs",
    columns=[pages.Column("name", "Name", lambda job: job.name, order="name")],
    order="-name",
    filters=Filter,
    empty="No jobs yet.",
)


def asked(query="", *, piece=False, user=None, cookie=""):
    request = RequestFactory().get(f"/jobs/{query}")
    if piece:
        request.META["HTTP_HX_TARGET"] = "div#fk-list"
    if cookie:
        request.COOKIES["fk_filters"] = cookie
    request.user, request.now = user or AnonymousUser(), AT
    with override("en"):
        return pages.listing(request, JOBS, Job.objects.all()).content.decode()


def chips(text):
    """The chips: words and the query that the chip leads to; None where it leads nowhere."""
    found = re.findall(
        r'<li>(<a|<span) class="fk-chip"(?: href="([^"]*)")?>(.*?)</(?:a|span)></li>', text
    )
    words = [re.sub(r'<span class="visually-hidden">.*?</span>', "", one[2]) for one in found]
    return [
        (unescape(said).strip(), unescape(href) if tag == "<a" else None)
        for said, (tag, href, _inner) in zip(words, found, strict=True)
    ]


def test_what_is_set_stands_in_words_each_leading_to_the_list_without_it():
    found = chips(asked("?q=zha&kind=a&since=2020-02-01&late=&sort=name&after=x", piece=True))

    assert [words for words, _url in found] == [
        "Name: zha", "Whose: Mine", "Kind: First", "Since: 2020-02-01",
    ]  # fmt: skip
    query = parse_qs(urlsplit(dict(found)["Kind: First"]).query)
    assert query == {"q": ["zha"], "since": ["2020-02-01"], "sort": ["name"]}


def test_what_narrows_by_itself_is_said_and_counts_as_no_filter():
    text = asked()

    assert chips(text) == [("Whose: Mine", None)]
    assert "fk-chips-clear" not in text and "·" not in summary(text)
    assert "No jobs yet." in text
    assert chips(asked("?whose=all")) == [("Whose: Everybody’s", "/jobs/")]


def test_a_box_and_a_hidden_filter_say_their_name_only():
    batch = "01a22676-8a22-76d2-bf25-4bf908b61aac"
    found = chips(asked(f"?late=on&batch={batch}"))

    assert [words for words, _url in found] == ["Whose: Mine", "Late only", "From one file"]
    assert batch not in dict(found)["From one file"]
    assert batch in dict(found)["Late only"]


def test_a_wrong_value_is_no_chip():
    assert chips(asked("?since=yesterday&kind=z")) == [("Whose: Mine", None)]


@pytest.mark.parametrize("piece", [False, True])
def test_a_value_that_is_not_there_any_more_opens_no_whole_list_and_no_file_of_it(piece):
    Job.objects.create(name="b", subject_id=1, asked_at=AT)
    assert "fk-empty" not in asked("?kind=b", piece=piece)

    text = asked("?kind=gone", piece=piece)

    assert "Nothing is shown: a value of “Kind” is not, or no longer, there." in text
    assert "No jobs yet." not in text and '<a href="/jobs/">Clear the filters</a>' in text


def test_a_file_of_a_value_that_is_not_there_any_more_is_empty():
    Job.objects.create(name="b", subject_id=1, asked_at=AT)
    keeper = factories.user()

    def lines(query):
        request = RequestFactory().get(f"/jobs/?export=csv&{query}")
        request.user, request.now = keeper, AT
        return b"".join(pages.listing(request, JOBS, Job.objects.all())).decode().splitlines()

    assert any(line.startswith("b") for line in lines("kind=b"))
    assert not any(line.startswith("b") for line in lines("kind=gone"))


def test_a_chip_holds_no_markup_from_outside():
    assert "<script>" not in asked("?q=%3Cscript%3E")


def test_the_last_chip_of_a_list_that_opens_with_a_view_leads_past_that_view():
    keeper = factories.user()
    SavedView.objects.create(
        owner=keeper, path="/jobs/", name="Mine", query="kind=a", is_default=True,
        **stamps(keeper, AT),
    )  # fmt: skip
    queries.forget(keeper)

    assert (
        dict(chips(asked("?kind=b", user=keeper, piece=True)))["Kind: Second"] == "/jobs/?view=none"
    )


def summary(text):
    return re.search(r"<summary>.*?</summary>", text, re.DOTALL)[0]


def test_the_fold_comes_after_the_search_and_before_everything_else_and_counts_what_is_set():
    text = asked("?q=zha&kind=a")

    places = [
        text.index(part) for part in ('name="q"', "fk-filter-fold", 'name="whose"', 'name="kind"')
    ]
    assert places == sorted(places)
    assert "· 2" in summary(text)


def test_a_piece_tells_the_new_number_outside_the_list():
    assert re.search(
        r'id="fk-filter-count" hx-swap-oob="true"[^>]*>· 1<', asked("?kind=a", piece=True)
    )
    assert "hx-swap-oob" not in asked("?kind=a")


def test_the_fold_is_open_where_it_was_left_open_or_holds_an_error():
    assert " open>" in fold(asked(cookie="jobs"))
    assert " open>" in fold(asked("?since=yesterday"))
    assert " open>" not in fold(asked(cookie="cases"))
    assert " open>" not in fold(asked("?since=2020-02-01"))


def fold(text):
    return re.search(r'<details class="fk-filter-fold"[^>]*>', text)[0]
