"""Live pieces, figures and tags of the kit."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from django.template import Context, Template
from django.test import RequestFactory
from django.utils.translation import override

from fangkong.accounts.tests.factories import AT
from fangkong.core import pages, slots
from fangkong.core.templatetags import kit


def asked(etag: str = ""):
    headers = {"If-None-Match": etag} if etag else {}
    return RequestFactory().get("/desk/_work/", headers=headers)


@pytest.mark.parametrize("etag", ['"v7"', 'W/"v7"', '"v6", "v7"', "*"])
def test_a_browser_that_shows_this_version_gets_304_without_a_body(etag):
    answer = pages.nothing_new(asked(etag), "v7")

    assert answer is not None
    assert (answer.status_code, answer.content) == (304, b"")


@pytest.mark.parametrize("etag", ["", '"v6"', "v7"])
def test_any_other_browser_gets_the_piece(etag):
    assert pages.nothing_new(asked(etag), "v7") is None


def clock(due, done=None):
    with override("en"):
        shown = kit.clock_badge(
            None if due is None else AT + due, AT, None if done is None else AT + done
        )
    return shown["state"], str(shown.get("text", ""))


HOUR = timedelta(hours=1)


@pytest.mark.parametrize(
    ("due", "done", "state", "text"),
    [
        (None, None, "", ""),
        (3 * HOUR, None, "ok", "3 h left"),
        (timedelta(minutes=59), None, "soon", "59 min left"),
        (timedelta(0), None, "soon", "0 min left"),
        (timedelta(minutes=-1), None, "late", "1 min overdue"),
        (-47 * HOUR, None, "late", "47 h overdue"),
        (-48 * HOUR, None, "late", "2 days overdue"),
        (2 * HOUR, 2 * HOUR, "done", "done in time"),
        (2 * HOUR, 5 * HOUR, "late", "done 3 h late"),
        (-2 * HOUR, -3 * HOUR, "done", "done in time"),
    ],
)
def test_a_deadline_says_what_is_left_and_a_kept_one_never_becomes_late(due, done, state, text):
    assert clock(due, done) == (state, text)


def test_a_chart_carries_the_same_figures_in_its_table_and_its_json():
    chart = pages.Chart(
        "Cases", "/x.json", ["02-04", "02-05"], [pages.Series("Daofu", [3, None])], as_of=AT
    )

    assert chart.rows == [("02-04", [3]), ("02-05", [None])]
    told = json.loads(pages.chart_json(chart).content)
    assert told["series"][0]["values"] == [3, None]
    assert told["as_of"] == AT.isoformat()
    text = Template("{% load kit %}{% chart c %}").render(Context({"c": chart}))
    assert text.count('<th scope="row">') == 2
    assert "–" in text


def test_a_map_says_its_figures_in_words_for_those_who_do_not_see_it():
    area_map = pages.AreaMap(
        "Cases",
        "/m.json",
        [pages.AreaValue("513326", "道孚县", 47, "47 cases", "/places/x/")],
        [pages.Band(1, None, "1+")],
        "513300",
    )

    assert json.loads(pages.map_json(area_map).content)["areas"][0]["code"] == "513326"
    text = Template("{% load kit %}{% area_map m %}").render(Context({"m": area_map}))
    assert "道孚县" in text
    assert "47 cases" in text


def test_a_slot_shows_what_rooms_above_put_there_and_an_empty_one_nothing(monkeypatch):
    monkeypatch.setattr(slots, "_fillers", type(slots._fillers)(list))

    def greet(request, subject):
        return f"<b>{subject}</b>"

    slots.register("core.test", greet)
    slots.register("core.test", greet)
    slots.register("core.test", lambda request, subject: "")

    assert slots.fill("core.test", asked(), "扎西") == "<b>扎西</b>"
    assert slots.fill("core.nothing", asked(), "扎西") == ""


def test_a_masked_value_is_escaped_and_marked():
    shown = kit.masked("<b>*西</b>")

    assert "&lt;b&gt;" in shown
    assert "fk-masked" in shown
