"""Carrying out an action with what a form holds: once, or the form says why not."""

from __future__ import annotations

import re

import pytest
from django import forms
from django.test import RequestFactory

from fangkong.accounts.tests import factories
from fangkong.core import pages
from fangkong.core.refusals import Refused

AT = factories.AT
pytestmark = pytest.mark.django_db


class Amount(pages.Form):
    amount = forms.IntegerField(label="Amount", help_text="Boxes.")


class NotEnough(Refused):
    field = "amount"


def send(data, method="post"):
    request = getattr(RequestFactory(), method)("/", data)
    request.user, request.now = factories.user(), AT
    return request


done: list[dict[str, object]] = []


@pytest.fixture(autouse=True)
def nothing_done():
    done.clear()


def issue(*, amount, by, at, **more):
    if amount > 40:
        raise NotEnough("40 left")
    done.append({"amount": amount, **more})
    return {"issued": amount}


def test_a_right_form_is_carried_out_with_what_the_page_adds():
    request = send({"amount": "3", "_key": "k"})

    found = pages.carry_out(request, Amount(request.POST), issue, item="mask")

    assert found.result == {"issued": 3}
    assert done == [{"amount": 3, "item": "mask"}]


def test_the_same_form_sent_twice_is_carried_out_once():
    request = send({"amount": "3", "_key": "k"})

    results = [pages.carry_out(request, Amount(request.POST), issue).result for _ in range(2)]

    assert results == [{"issued": 3}, {"issued": 3}]
    assert len(done) == 1


def test_nothing_happens_before_the_form_is_sent_or_while_it_is_wrong():
    looked, wrong = send({}, "get"), send({"amount": "many", "_key": "k"})

    assert pages.carry_out(looked, Amount(), issue) is None
    assert pages.carry_out(wrong, Amount(wrong.POST), issue) is None
    assert done == []


def test_a_refusal_stands_at_the_field_that_it_names():
    request = send({"amount": "41", "_key": "k"})
    form = Amount(request.POST)

    assert pages.carry_out(request, form, issue) is None
    assert form.errors == {"amount": ["40 left"]}


def test_a_form_without_its_key_is_refused_in_words():
    request = send({"amount": "3"})
    form = Amount(request.POST)

    assert pages.carry_out(request, form, issue) is None
    assert form.non_field_errors()


def test_two_forms_on_one_page_share_no_id():
    asked = [Amount({f"{name}-amount": "x"}, prefix=name) for name in ("in", "out")]
    told = []
    for form in asked:
        form.is_valid()
        pages.forms.dress(form)
        told += re.findall(r'aria-describedby="([^"]+)"', str(form["amount"]))

    assert told == [
        "id_in-amount_help id_in-amount_error",
        "id_out-amount_help id_out-amount_error",
    ]
