"""Forms: errors stand beside their field, in a summary, and are told to screen readers."""

from __future__ import annotations

import re

import pytest
from django import forms
from django.contrib.auth.models import AnonymousUser
from django.test import RequestFactory
from django.utils.translation import override

from fangkong.accounts.tests.factories import AT
from fangkong.core import pages
from fangkong.core.refusals import WrongFields


class Asking(pages.Form):
    name = forms.CharField(label="Name", max_length=5, help_text="As in the passport.")
    day = forms.DateField(label="Day", widget=forms.DateInput())
    moment = forms.DateTimeField(label="Moment", required=False, widget=forms.DateTimeInput())
    kind = forms.ChoiceField(label="Kind", required=False, choices=[("a", "A"), ("b", "B")])
    sure = forms.BooleanField(label="Sure", required=False)


def drawn(data=None, method="get", status=None):
    request = getattr(RequestFactory(), method)("/", data or {})
    request.user, request.now, request.csp_nonce = AnonymousUser(), AT, "n"
    form = Asking(data)
    if data is not None:
        form.is_valid()
    with override("en"):
        answer = pages.form(request, form, title="Ask", submit="Send", status=status)
    return answer, answer.content.decode()


@pytest.mark.parametrize("typed", ["", " ", "\u200b", "\u3164\ufeff"])
def test_signs_that_show_nothing_fill_no_field(typed):
    with override("en"):
        form = Asking({"name": typed, "day": "2020-02-05"})
        assert form.errors == {"name": ["Please fill this in."]}
        assert Asking({"name": "a" + typed, "day": "2020-02-05"}).is_valid()


def test_an_empty_form_is_a_page_without_errors():
    answer, text = drawn()

    assert answer.status_code == 200
    assert "aria-invalid" not in text
    assert 'role="alert"' not in text


def test_a_wrong_form_is_answered_as_unprocessable_with_a_summary_that_leads_to_the_fields():
    answer, text = drawn({"name": "too long", "day": "2020-02-30"}, "post")

    assert answer.status_code == 422
    summary = text[text.index('role="alert"') :]
    assert 'href="#id_name"' in summary
    assert 'href="#id_day"' in summary
    assert "#id_kind" not in text


def test_fields_left_empty_are_named_together_and_each_says_what_to_do():
    _answer, text = drawn({"name": "", "day": "", "moment": "yesterday"}, "post")

    summary, below = text[text.index('role="alert"') :].split("</ul>", 1)
    empty, wrong = re.findall(r"<li>(.*?)</li>", summary, re.DOTALL)
    assert ">Name</a>, <a" in empty
    assert ">Day</a>" in empty
    assert ">Moment</a>: Enter a valid" in wrong
    assert below.count("Please fill this in.") == 2  # once beside each field, not above as well
    assert "Please" not in summary.split("</p>")[1]


def test_an_error_stands_beside_its_field_and_is_told_to_screen_readers():
    _answer, text = drawn({"name": "too long", "day": "2020-02-05"}, "post")

    name = re.search(r'<input[^>]*name="name"[^>]*>', text)[0]
    day = re.search(r'<input[^>]*name="day"[^>]*>', text)[0]
    assert 'aria-invalid="true"' in name
    assert "is-invalid" in name
    assert 'aria-describedby="id_name_help id_name_error"' in name
    assert 'id="id_name_error"' in text
    assert 'id="id_name_help"' in text
    assert "aria-invalid" not in day


def test_what_was_typed_is_still_there():
    _answer, text = drawn({"name": "too long", "day": "2020-02-30"}, "post")

    assert 'value="too long"' in text
    assert 'value="2020-02-30"' in text


def test_every_visible_field_has_its_label():
    _answer, text = drawn()

    for name in ("name", "day", "moment", "kind"):
        assert f'for="id_{name}"' in text
    assert re.search(r'<label class="form-check">\s*<input[^>]*name="sure"', text)


def test_widgets_have_the_look_and_the_pickers_of_the_browser():
    _answer, text = drawn()

    assert re.search(r'<input type="date" name="day"[^>]*class="form-control"', text)
    assert re.search(r'<input type="datetime-local" name="moment"', text)
    assert re.search(r'<select name="kind" class="form-select"', text)


def test_a_refusal_is_shown_above_the_fields():
    request = RequestFactory().post("/", {"name": "a", "day": "2020-02-05"})
    request.user, request.now, request.csp_nonce = AnonymousUser(), AT, "n"
    form = Asking(request.POST)
    assert form.is_valid()
    form.add_error(None, "40 left, 41 asked")

    answer = pages.form(request, form, title="Ask", submit="Send")

    assert answer.status_code == 422
    assert "40 left, 41 asked" in answer.content.decode()


def test_every_drawing_of_a_form_has_a_new_key_and_its_csrf_token():
    keys = [re.search(r'name="_key" value="([^"]+)"', drawn()[1])[1] for _ in range(2)]

    assert keys[0] != keys[1]
    assert "csrfmiddlewaretoken" in drawn()[1]


@pytest.mark.parametrize(
    ("post", "headers", "key"),
    [
        ({"_key": "a"}, {}, "a"),
        ({}, {"Idempotency-Key": "b"}, "b"),
        ({"_key": "a"}, {"Idempotency-Key": "b"}, "a"),
        ({}, {}, ""),
    ],
)
def test_the_key_comes_from_the_form_or_from_the_header(post, headers, key):
    assert pages.key_of(RequestFactory().post("/", post, headers=headers)) == key


class Choosing(pages.Form):
    signs = forms.MultipleChoiceField(
        label="Signs",
        choices=[("fever", "Fever"), ("cough", "Cough")],
        widget=forms.CheckboxSelectMultiple,
        help_text="All that were seen.",
    )
    course = forms.ChoiceField(
        label="Course", choices=[("mild", "Mild"), ("grave", "Grave")], widget=forms.RadioSelect
    )


def chosen(data=None):
    request = RequestFactory().get("/")
    request.user, request.now, request.csp_nonce = AnonymousUser(), AT, "n"
    with override("en"):
        return pages.form(request, Choosing(data), title="Ask", submit="Send").content.decode()


def test_choices_are_a_list_under_one_legend_each_with_its_own_label():
    text = chosen({"signs": ["cough"], "course": "mild"})

    assert text.count("<fieldset") == text.count("</legend>") == 2
    assert re.search(r"<legend[^>]*required[^>]*>Signs</legend>", text)
    for number, (value, label) in enumerate([("fever", "Fever"), ("cough", "Cough")]):
        box = re.search(rf'<input type="checkbox"[^>]*value="{value}"[^>]*>', text)[0]
        assert f'id="id_signs_{number}"' in box
        assert ("checked" in box) == (value == "cough")
        assert re.search(rf'<label[^>]*for="id_signs_{number}">.*?{label}</span></label>', text)
    assert "aria-invalid" not in text


def test_a_missing_choice_is_marked_and_the_summary_leads_to_the_first_of_the_list():
    text = chosen({"course": "grave"})

    boxes = re.findall(r'<input type="checkbox"[^>]*>', text)
    assert len(boxes) == 2
    for box in boxes:
        assert 'aria-invalid="true"' in box
        assert 'aria-describedby="id_signs_help id_signs_error"' in box
    assert '<a href="#id_signs_0">Signs</a>' in text
    assert 'id="id_signs_error"' in text
    assert 'href="#"' not in text
    assert "id_course_error" not in text


def test_several_faults_stand_each_at_its_field_and_the_others_at_the_top():
    form = Asking({"name": "Li", "day": "2020-02-05"})
    assert form.is_valid()

    form.refuse(WrongFields([("day", "Too late."), ("name", "Too short."), ("phone", "Wrong.")]))

    assert {name: list(found) for name, found in form.errors.items()} == {
        "day": ["Too late."],
        "name": ["Too short."],
        "__all__": ["Wrong."],
    }
    assert str(WrongFields([("a", "One."), ("b", "Two.")])) == "One. Two."
