"""The pages of testing: what is shown to whom, and what they do."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from fangkong.surveillance.monitoring.tests.factories import case
from fangkong.surveillance.testing import actions, queries
from fangkong.surveillance.testing.models import Result, Specimen

from .factories import AT, HOUR, collected, facts, found, received, reported, requested, shipped
from .factories import surface as a_surface


def url(name, *args):
    return reverse(f"surveillance:testing:{name}", args=args)


def text(answer):
    return answer.content.decode()


@pytest.fixture
def browser(client, world):
    client.force_login(world.clinician)
    client.cookies["django_language"] = "en"
    return client


def send(browser, path, key="k", **said):
    return browser.post(path, {"_key": key, **said})


def asked(world, **changes):
    said = {
        "condition": "covid-19",
        "group": "fever-clinic",
        "specimen_type": "oropharyngeal-swab",
        "facility": str(world.hospital.public_id),
        "laboratory": str(world.bench.public_id),
    }
    return {**said, **changes}


def test_a_test_is_requested_from_the_page_of_a_case(browser, world):
    known = case(world)
    page = text(browser.get(known.get_absolute_url()))
    address = f"{url('request')}?case={known.public_id}"
    assert address in page

    answer = send(browser, address, **asked(world))

    made = Specimen.objects.get()
    assert answer.headers["Location"] == made.get_absolute_url()
    assert (made.case, made.person) == (known, known.person)
    assert made.number in text(browser.get(known.get_absolute_url()))


def test_a_test_is_requested_from_the_page_of_a_person(client, world):
    client.force_login(world.daofu_cdc)
    address = f"{url('request')}?person={world.person.public_id}"
    assert address in text(client.get(world.person.get_absolute_url()))

    send(client, address, **asked(world))

    assert Specimen.objects.get().person == world.person


@pytest.mark.parametrize("query", ["person=nonsense", "case=nonsense"])
def test_nobody_is_tested_who_is_not_there(browser, query):
    assert browser.get(f"{url('request')}?{query}").status_code == 404


def test_a_person_of_another_county_cannot_be_tested(client, world):
    client.force_login(world.kangding_cdc)

    answer = client.get(f"{url('request')}?person={world.person.public_id}")

    assert answer.status_code == 404


def test_a_surface_is_named(browser, world):
    said = asked(world, group="surfaces", specimen_type="environment")

    assert send(browser, url("request"), **said).status_code == 422
    send(browser, url("request"), key="k2", **said, site="door handle of ward 3")

    assert Specimen.objects.get().site == "door handle of ward 3"


def test_the_list_is_searched_by_number_and_narrowed_by_promise(browser, world):
    late, fresh = collected(world, at=AT - 7 * HOUR), a_surface(world)
    shown = text(browser.get(url("index")))
    assert late.number in shown and fresh.number in shown

    for query in (f"number={late.number.lower()}", "clock=overdue"):
        narrowed = text(browser.get(f"{url('index')}?{query}"))
        assert late.number in narrowed and fresh.number not in narrowed


def test_the_list_makes_the_same_five_statements_at_most_for_one_row_and_three(browser, world):
    def statements():
        with CaptureQueriesContext(connection) as made:
            browser.get(url("index"))
        return [one for one in made if "django_session" not in one["sql"]]

    requested(world)
    browser.get(url("index"))
    one = statements()
    for kind in ("sputum", "stool"):
        requested(world, facts=facts(specimen_type=kind))

    assert len(statements()) == len(one) <= 5


def test_a_step_that_is_refused_keeps_what_was_typed_at_its_field(browser, world):
    tube = requested(world)
    said = {"number": "S51332620000001", "done_at": ""}

    answer = send(browser, url("collect", tube.public_id), **said)

    assert answer.status_code == 422
    form = answer.context["collect_form"]
    assert form["number"].value() == said["number"]
    assert list(form.errors) == ["number"]


def scan(browser, step, number, key="k"):
    return send(browser, f"{url('scan')}?step={step}", key=key, step=step, number=number)


def test_tubes_are_scanned_one_after_the_other(browser, world):
    first, second = requested(world), a_surface(world)

    for n, tube in enumerate((first, second)):
        answer = scan(browser, "collected", tube.number.lower(), key=f"k{n}")
        assert answer.headers["Location"] == f"{url('scan')}?step=collected"

    assert set(Specimen.objects.values_list("state", flat=True)) == {"collected"}
    shown = text(browser.get(url("scan")))
    assert first.number in shown and second.number in shown


@pytest.mark.parametrize(
    ("number", "told"),
    [
        ("S513326200000010", "mistyped"),
        ("VTM-77", "No tube with this number"),
        ("", "Please fill this in"),
    ],
)
def test_a_number_that_fits_no_tube_is_told(browser, world, number, told):
    requested(world)

    answer = scan(browser, "collected", number)

    assert answer.status_code == 422
    assert told in text(answer)
    assert Specimen.objects.get().state == "requested"


def test_a_tube_scanned_in_the_wrong_order_is_told_how_it_stands(browser, world):
    tube = requested(world)

    answer = scan(browser, "shipped", tube.number)

    assert answer.status_code == 422
    assert "requested" in text(answer)


def test_the_tube_of_another_laboratory_is_not_received(client, world):
    tube = shipped(world)
    client.force_login(world.other_technician)
    assert scan(client, "received", tube.number).status_code == 422

    client.force_login(world.technician)
    scan(client, "received", tube.number, key="k2")

    tube.refresh_from_db()
    assert tube.state == "received"


def test_steps_are_taken_on_the_page_of_the_specimen(browser, world):
    tube = requested(world)
    send(browser, url("collect", tube.public_id), key="a", number="VTM-0042")
    send(browser, url("ship", tube.public_id), key="b", laboratory=world.other_bench.public_id)

    tube.refresh_from_db()
    assert (tube.number, tube.state, tube.laboratory) == ("VTM-0042", "shipped", world.other_bench)
    answer = send(browser, url("cancel", tube.public_id), key="c", **{"cancel-reason": "twice"})
    assert answer.status_code == 422
    assert "shipped" in text(answer)


@pytest.mark.parametrize(("verb", "who"), [("refuse", "technician"), ("lose", "clinician")])
def test_what_ends_the_way_says_why(client, world, verb, who):
    tube = shipped(world)
    client.force_login(getattr(world, who))

    refused = send(client, url(verb, tube.public_id), **{f"{verb}-reason": "x"})
    assert refused.status_code == 422
    ((address, _heading, _follows, form),) = [
        way for way in refused.context["ends"] if way[3].is_bound
    ]
    assert address.endswith(f"/{verb}/") and form["reason"].value() == "x" and form.errors
    send(client, url(verb, tube.public_id), key="k2", **{f"{verb}-reason": "leaking"})

    assert queries.steps_of(tube)[-1].reason == "leaking"


def test_a_result_is_entered_with_its_ct_values_and_corrected_with_a_reason(client, world):
    tube = received(world)
    client.force_login(world.technician)
    page = url("result", tube.public_id)
    seen = client.get(page).context["form"]
    assert [field.name for field in seen.ct_fields] == ["ct_ORF1ab", "ct_N"]

    said = {"method": "rt-pcr", "outcome": "positive", "ct_N": "21.5"}
    send(client, page, **said, _seen=_state(client, page))
    assert Result.objects.get().ct == {"N": 2150}

    page = url("correct", tube.public_id)
    said |= {"replaces": "1", "outcome": "negative", "ct_N": ""}
    assert send(client, page, key="a", **said, _seen=_state(client, page)).status_code == 422
    send(client, page, key="b", **said, reason="wrong well", _seen=_state(client, page))

    tube.refresh_from_db()
    assert (tube.outcome, Result.objects.count()) == ("negative", 2)


def test_a_result_is_taken_back_from_the_page_of_its_tube(client, world):
    result = reported(world)
    tube = result.specimen
    path = url("withdraw", tube.public_id)
    client.force_login(world.daofu_cdc)
    assert "Take the result back" not in client.get(tube.get_absolute_url()).content.decode()
    assert send(client, path).status_code == 403
    client.force_login(world.technician)
    shown = client.get(tube.get_absolute_url()).content.decode()
    assert 'name="withdraw-replaces" value="1"' in shown
    said = {"withdraw-replaces": "1"}
    assert send(client, path, key="a", **said).status_code == 422
    done = send(client, path, key="b", **said, **{"withdraw-reason": "tubes exchanged"})
    assert done.headers["Location"] == tube.get_absolute_url()
    tube.refresh_from_db()
    assert (tube.state, tube.outcome) == ("tested", "invalid")
    late = send(client, path, key="c", **said, **{"withdraw-reason": "tubes exchanged"})
    assert late.status_code == 422
    assert "Take the result back" not in late.content.decode()


def _state(client, page):
    """The state that an open form carries."""
    from fangkong.core.pages.editing import editing_of

    return editing_of(client.get(page).context["form"]).carried


@pytest.mark.parametrize("value", ["0", "61", "21.555", "abc"])
def test_a_ct_value_that_cannot_be_is_told(client, world, value):
    tube = received(world)
    client.force_login(world.technician)
    page = url("result", tube.public_id)

    said = {"method": "rt-pcr", "outcome": "positive", "ct_N": value}

    assert send(client, page, **said, _seen=_state(client, page)).status_code == 422
    assert not Result.objects.exists()


def test_the_board_counts_what_waits_by_age_and_what_was_positive(client, world):
    collected(world, at=AT - 7 * HOUR)
    received(world, at=AT - 30 * HOUR, facts=facts(specimen_type="sputum"))
    reported(world, "positive", facts=facts(specimen_type="stool"))
    reported(world, facts=facts(specimen_type="blood"))
    client.force_login(world.technician)

    page = client.get(url("board"))

    board = page.context["board"]
    assert (board.on_the_way, board.at_the_bench, board.overdue) == (1, 1, 2)
    assert board.ages == ((0, 0), (1, 0), (0, 0), (0, 1), (0, 0))
    assert (board.tested, board.positive, board.percent) == (4 - 2, 1, 50.0)
    assert client.get(url("board_chart")).json()["series"][0]["values"][-1] == 1


def test_what_is_late_on_a_board_leads_to_the_tubes_of_that_laboratory_alone(client, world):
    late = received(world, at=AT - 30 * HOUR)
    client.force_login(world.daofu_cdc)

    page = text(client.get(f"{url('board')}?laboratory={world.bench.public_id}"))

    link = f"{url('index')}?clock=overdue&laboratory={world.bench.public_id}"
    assert link.replace("&", "&amp;") in page and "您可以查看" in page
    assert late.number in text(client.get(link))
    other = f"{url('index')}?clock=overdue&laboratory={world.other_bench.public_id}"
    client.force_login(world.headquarters)
    assert late.number not in text(client.get(other))  # one without a tube is not offered
    received(world, laboratory=world.other_bench, facts=facts(specimen_type="sputum"))
    assert late.number not in text(client.get(other))
    assert "您可以查看" not in text(
        client.get(f"{url('board')}?laboratory={world.bench.public_id}")
    )


def test_results_older_than_fourteen_days_are_on_no_board(client, world):
    for days, kind in ((13, "sputum"), (14, "stool")):
        tube = received(world, at=AT - timedelta(days=days), facts=facts(specimen_type=kind))
        then = AT - timedelta(days=days)
        actions.enter_result(specimen=tube, facts=found(), by=world.technician, at=then)
    client.force_login(world.technician)

    assert client.get(url("board")).context["board"].tested == 1


def test_another_laboratory_has_its_own_board(client, world):
    received(world)
    client.force_login(world.other_technician)

    page = client.get(f"{url('board')}?laboratory={world.bench.public_id}")

    assert page.context["laboratory"] == world.other_bench
    assert page.context["board"].at_the_bench == 0


def test_a_laboratory_reads_of_no_case(client, world):
    known = case(world)
    tube = received(world, person=known.person, case=known)
    client.force_login(world.technician)

    assert known.number not in text(client.get(tube.get_absolute_url()))
    client.force_login(world.daofu_cdc)
    assert known.number in text(client.get(tube.get_absolute_url()))
