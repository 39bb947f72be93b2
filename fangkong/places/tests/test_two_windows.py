"""Two windows on one facility: the second is told what the first has changed."""

import re
from datetime import timedelta

import pytest
from django.urls import reverse

from fangkong.core.commands import states
from fangkong.core.commands.actions import answered_on
from fangkong.core.roles import Role
from fangkong.core.tests.together import at_once
from fangkong.places import actions
from fangkong.places.tests.factories import AT, facility, member
from fangkong.places.types import FacilityFacts


@pytest.fixture(autouse=True)
def english(settings):
    settings.LANGUAGE_CODE = "en"


@pytest.fixture
def window(client, areas):
    """A signed-in browser, and a facility that it edits."""
    one = facility(areas["513326"], capacity_beds=20)
    client.force_login(member(Role.COUNTY_CDC, areas["513326"]))
    address = reverse("places:change_facility", args=[one.public_id])

    class Window:
        record = one
        keys = 0

        def open(self):
            """What the form holds when it is opened."""
            return fields(client.get(address).content.decode())

        def send(self, form, **typed):
            Window.keys += 1
            return client.post(address, {**form, **typed, "_key": f"k{Window.keys}"})

    return Window()


def fields(page):
    """What a browser would send of a page's form as it stands."""
    body = page[page.index('<form class="card') :]
    found = dict(re.findall(r'<input[^>]*name="([^"]+)"[^>]*value="([^"]*)"', body))
    found |= {
        name: chosen[1]
        for name, inner in re.findall(r'<select name="([^"]+)".*?>(.*?)</select>', body, re.S)
        if (chosen := re.search(r'value="([^"]*)"\s+selected', inner))
    }
    return {**found, "source_zh": found.get("source_zh", "")}


def test_the_second_window_is_refused_and_keeps_what_was_typed(window):
    first, second = window.open(), window.open()

    assert window.send(first, capacity_beds="30").status_code == 302
    late = window.send(second, capacity_beds="40")

    page = late.content.decode()
    window.record.refresh_from_db()
    assert late.status_code == 412
    assert window.record.capacity_beds == 30
    assert fields(page)["capacity_beds"] == "40"
    (row,) = late.context["form"].editing.newer
    assert (row.label, row.theirs, row.yours, row.fate) == ("Beds", "30", "40", "kept")
    assert "What changed meanwhile" in page


def test_what_was_shown_meanwhile_can_be_sent_again(window):
    first, second = window.open(), window.open()
    window.send(first, capacity_beds="30")

    again = fields(window.send(second, capacity_beds="40").content.decode())

    assert window.send(again).status_code == 302
    window.record.refresh_from_db()
    assert window.record.capacity_beds == 40


def test_a_field_that_was_not_touched_takes_what_the_other_window_wrote(window):
    first, second = window.open(), window.open()
    window.send(first, capacity_beds="30", name_zh="道孚县医院")

    late = window.send(second, name_en="County Hospital")
    told = {row.label: row.fate for row in late.context["form"].editing.newer}
    assert told == {"Beds": "taken", "Chinese name": "taken"}
    assert window.send(fields(late.content.decode())).status_code == 302

    window.record.refresh_from_db()
    one = window.record
    assert (one.capacity_beds, one.name_zh, one.name_en) == (30, "道孚县医院", "County Hospital")


def test_a_form_with_an_error_stays_on_the_state_it_was_opened_on(window):
    first, second = window.open(), window.open()
    window.send(first, capacity_beds="30")

    wrong = window.send(second, name_zh="", capacity_beds="40")
    assert wrong.status_code == 422
    assert window.send(fields(wrong.content.decode()), name_zh="甲").status_code == 412


@pytest.mark.parametrize("seen", ["", "0", "not a state", "*"])
def test_a_form_that_names_no_state_of_the_record_changes_nothing(window, seen):
    assert window.send(window.open(), capacity_beds="40", _seen=seen).status_code == 412
    window.record.refresh_from_db()
    assert window.record.capacity_beds == 20


def test_a_form_sent_twice_is_done_once_and_is_not_stale(window):
    form = window.open()
    assert window.send(form, capacity_beds="30").status_code == 302
    window.keys = type(window).keys = 0
    assert window.send(form, capacity_beds="30").status_code == 302


def test_what_the_page_carries_tells_no_value(window):
    seen = window.open()["_seen"]
    assert window.record.name_zh not in seen
    assert re.fullmatch(r"[0-9a-f]+( [a-z_]+=[0-9a-f]{16})+", seen)


@pytest.mark.both_databases
@pytest.mark.django_db(transaction=True)
def test_of_two_writes_on_one_state_at_the_same_moment_exactly_one_is_done(areas):
    one = facility(areas["513326"])
    seen = states.on(one, [states.version(one)])

    def write(n):
        facts = FacilityFacts(
            name_zh=one.name_zh, kind=one.kind, area_id=one.area_id, capacity_beds=n + 1
        )
        at = AT + timedelta(minutes=n + 1)
        return answered_on(
            seen, f"k{n}", actions.change_facility, facility=one, facts=facts, by=None, at=at
        )

    results = at_once(write, callers=4)

    done = [one for one in results if isinstance(one, tuple)]
    assert len(done) == 1
    assert [type(r).__name__ for r in results if r not in done] == ["Stale"] * 3
    one.refresh_from_db()
    assert one.capacity_beds == done[0][0].capacity_beds
