"""The kit page: board, calendar, and a form in steps that ends once."""

from __future__ import annotations

import re
from datetime import date
from io import BytesIO

import pytest
from django.utils import translation
from pypdf import PdfReader

from fangkong.core import pages

pytestmark = pytest.mark.django_db
STEPS = "/kit/steps/"


def test_a_month_starts_on_monday_and_covers_all_its_days():
    month = pages.Month("x", date(2020, 2, 5), [], date(2020, 2, 5))

    assert {week[0].date.weekday() for week in month.weeks} == {0}
    assert sum(day.within for week in month.weeks for day in week) == 29
    assert (month.previous, month.next) == ("2020-01", "2020-03")


@pytest.mark.parametrize(
    ("language", "names"),
    [
        ("en", ("Spring Festival", "Spring Festival, prolonged", "Working day")),
        ("zh-hans", ("春节", "春节假期延长", "上班")),
    ],
)
def test_a_month_names_its_holidays_and_the_weekends_that_are_worked(language, names):
    feast, prolonged, worked = names
    with translation.override(language):
        january = pages.marks_of("513300", date(2020, 1, 5))
        august = pages.marks_of("513300", date(2020, 8, 5))

    assert [january[date(2020, 1, day)].title for day in (24, 30)] == [feast, feast]
    assert january[date(2020, 1, 19)] == pages.Mark(worked, off=False)  # a Sunday
    assert january[date(2020, 2, 1)] == pages.Mark(prolonged, off=True)  # its make-up day fell away
    assert date(2020, 1, 23) not in january and date(2020, 1, 18) not in january
    assert august == {}


def test_the_calendar_of_the_kit_marks_them(look, daofu):
    text = look(daofu, "/kit/?month=2020-02").content.decode()

    assert (
        text.count('data-mark="off"') == 2 + 5
    )  # 1 and 2 February; 27 to 31 January stand beside them
    assert "Spring Festival, prolonged" in text
    assert 'data-mark="worked"' not in text


def test_a_board_names_its_moves_and_moves_by_a_press(look, daofu, client):
    text = look(daofu, "/kit/").content.decode()

    assert text.count('name="to" value="done"') == 3
    assert client.post("/kit/", {"to": "done"}).status_code == 302


def test_a_step_is_not_reached_before_those_in_front_of_it(look, daofu):
    for step in ("kind", "summary", "nonsense"):
        answer = look(daofu, f"{STEPS}?step={step}")
        assert answer["Location"] == f"{STEPS}?step=place"


def test_the_steps_keep_what_was_typed_and_end_with_one_action(look, daofu, client):
    look(daofu, STEPS)
    assert client.post(f"{STEPS}?step=place", {"name": ""}).status_code == 422
    assert client.post(f"{STEPS}?step=place", {"name": "八美镇"})["Location"].endswith("step=kind")
    assert "八美镇" in look(None, f"{STEPS}?step=place").content.decode()
    sent = client.post(f"{STEPS}?step=kind", {"kind": "post"})
    assert sent["Location"] == f"{STEPS}?step=summary"
    summary = look(None, sent["Location"]).content.decode()
    assert re.search(r"<dd>八美镇</dd>", summary)
    assert "<dd>Checkpoint</dd>" in summary

    assert client.post(f"{STEPS}?step=summary")["Location"] == "/kit/"
    assert look(None, f"{STEPS}?step=summary")["Location"] == f"{STEPS}?step=place"


def test_rich_text_is_shown_as_it_would_be_kept(look, daofu, client):
    look(daofu, "/kit/")
    sent = "<h2>消毒</h2><p onclick=x()>每日<b>两次</b></p><script>alert(1)</script>"

    page = client.post("/kit/", {"words": sent}).content.decode()

    assert "<h2>消毒</h2><p>每日<b>两次</b></p></blockquote>" in page
    assert client.post("/kit/", {"words": "<script>x</script>"}).status_code == 422


@pytest.mark.parametrize("level", ["success", "info", "warning", "error"])
def test_a_toast_is_said_once_in_its_level(look, daofu, client, level):
    look(daofu, "/kit/")
    assert client.post("/kit/", {"toast": level}).status_code == 302
    said = f'class="fk-toast" data-level="{level}"'

    assert said in look(None, "/kit/").content.decode()
    assert said not in look(None, "/kit/").content.decode()


def test_the_board_is_printed(look, daofu):
    answer = look(daofu, "/kit/?print")

    assert answer["Content-Type"] == "application/pdf"
    text = PdfReader(BytesIO(answer.content)).pages[0].extract_text()
    assert "Bring 200 masks to Bamei" in text
