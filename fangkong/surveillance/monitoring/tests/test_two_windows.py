"""Two windows on one case: a reviewer decides about what was seen, a doctor overwrites nothing."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from fangkong.core import clock
from fangkong.core.commands import states
from fangkong.core.commands.actions import answered_on
from fangkong.core.tests.together import at_once
from fangkong.surveillance.monitoring import actions
from fangkong.surveillance.monitoring.models import Case
from fangkong.surveillance.monitoring.types import ReviewState

from .factories import AT, case, facts

LATER = AT + timedelta(hours=1)


def revised(one: Case, world, **changes: object) -> Case:
    return actions.revise(
        case=one, facts=facts(**changes), reason="复核", by=world.clinician, at=LATER
    )


def form_of(client, one: Case) -> dict[str, str]:
    """What the form of a revision holds when it is opened."""
    form = client.get(f"{one.get_absolute_url()}revise/").context["form"]
    held = {name: form[name].value() or "" for name in form.fields}
    held["diagnosed_at"] = "2020-02-05T09:00"
    return {**held, "_seen": form.editing.carried, "reason": "复核"}


def test_the_second_revision_does_not_overwrite_the_first_unseen(world, client, monkeypatch):
    one = case(world)
    client.force_login(world.clinician)
    first, second = form_of(client, one), form_of(client, one)
    address = f"{one.get_absolute_url()}revise/"
    monkeypatch.setattr(clock, "now", lambda: LATER)

    done = client.post(address, {**first, "onset_date": "2020-02-02", "_key": "a"})
    late = client.post(address, {**second, "onset_date": "2020-02-03", "_key": "b"})

    assert (done.status_code, late.status_code) == (302, 412)
    one.refresh_from_db()
    assert (one.onset_date, one.cards.count()) == (date(2020, 2, 2), 2)
    (row,) = late.context["form"].editing.newer
    assert (row.theirs, row.yours) == ("2020-02-02", "2020-02-03")
    again = {**second, "onset_date": "2020-02-03", "_seen": late.context["form"].editing.carried}
    assert client.post(address, {**again, "_key": "c"}).status_code == 302


def test_a_reviewer_accepts_only_the_card_that_the_page_showed(world, client):
    one = case(world)
    client.force_login(world.daofu_cdc)
    assert 'name="card" value="1"' in client.get(one.get_absolute_url()).content.decode()
    revised(one, world, case_class="suspected", onset_date=date(2020, 1, 15))

    blind = client.post(f"{one.get_absolute_url()}accept/", {"_key": "a", "card": "1"})

    page = blind.content.decode()
    one.refresh_from_db()
    assert blind.status_code == 409
    assert one.review_state == ReviewState.WAITING
    assert 'name="card" value="2"' in page and "2020-01-15" in page
    seen = client.post(f"{one.get_absolute_url()}accept/", {"_key": "b", "card": "2"})
    one.refresh_from_db()
    assert (seen.status_code, one.review_state) == (302, ReviewState.ACCEPTED)


def test_a_reviewer_is_told_that_the_newer_card_was_reviewed_meanwhile(world, client):
    one = case(world)
    client.force_login(world.daofu_cdc)
    revised(one, world, case_class="suspected")
    accept = f"{one.get_absolute_url()}accept/"

    waits = client.post(accept, {"_key": "a", "card": "1"}, headers={"accept-language": "en"})
    client.post(accept, {"_key": "b", "card": "2"})
    over = client.post(accept, {"_key": "c", "card": "1"}, headers={"accept-language": "en"})

    assert "Look at it, then decide." in waits.content.decode()
    assert over.status_code == 409
    assert "has been reviewed already. Nothing is left to decide." in over.content.decode()
    assert "then decide" not in over.content.decode()


@pytest.mark.parametrize("card", ["", "0", "3", "x"])
def test_a_button_that_names_no_card_of_the_case_decides_nothing(world, client, card):
    one = case(world)
    client.force_login(world.daofu_cdc)

    answer = client.post(f"{one.get_absolute_url()}accept/", {"_key": "a", "card": card})

    one.refresh_from_db()
    assert answer.status_code in (409, 422)
    assert one.review_state == ReviewState.WAITING


def test_a_card_that_was_not_seen_is_not_returned_either_and_the_reason_stays(world, client):
    one = case(world)
    client.force_login(world.daofu_cdc)
    revised(one, world, case_class="suspected")

    sent = {"_key": "a", "card": "1", "reason": "地址不详"}
    blind = client.post(f"{one.get_absolute_url()}return/", sent)

    one.refresh_from_db()
    assert (blind.status_code, one.review_state) == (409, ReviewState.WAITING)
    assert "地址不详" in blind.content.decode()


@pytest.mark.both_databases
@pytest.mark.django_db(transaction=True)
def test_of_two_revisions_on_one_state_at_the_same_moment_one_is_done(world):
    one = case(world)
    seen = states.on(one, [states.version(one)])

    def send(n: int) -> object:
        said = facts(onset_date=date(2020, 2, 2 + n))
        at = LATER + timedelta(minutes=n)
        return answered_on(
            seen, f"k{n}", actions.revise, case=one, facts=said, reason="复核",
            by=world.clinician, at=at,
        )  # fmt: skip

    results = at_once(send)

    assert sorted(type(r).__name__ for r in results) == ["Stale", "tuple"]
    assert one.cards.count() == 2


def test_a_new_card_names_its_doctor_and_an_old_case_without_one_can_be_revised(world, client):
    with pytest.raises(actions.NotAcceptable):
        case(world, doctor="")
    one = case(world)
    with pytest.raises(actions.NotAcceptable):
        revised(one, world, doctor=" ")
    Case.objects.filter(pk=one.pk).update(doctor="")  # as an older version imported it
    one.refresh_from_db()
    client.force_login(world.clinician)
    form = client.get(f"{one.get_absolute_url()}revise/").context["form"]
    assert not form.fields["doctor"].required

    sent = {**form_of(client, one), "case_class": "suspected", "doctor": "", "_key": "a"}
    assert client.post(f"{one.get_absolute_url()}revise/", sent).status_code == 302


def test_a_late_card_shows_both_clocks_while_it_waits(world, client, settings):
    settings.LANGUAGE_CODE = "en"
    one = case(world, diagnosed_at=AT - timedelta(hours=23))
    client.force_login(world.daofu_cdc)

    page = client.get("/surveillance/monitoring/").content.decode()

    assert one.review_state == ReviewState.WAITING
    assert "Report clock" in page and "Review clock" in page
    assert 'data-state="late"' in page


def test_birth_date_and_age_are_marked_as_one_group(world, client, settings):
    settings.LANGUAGE_CODE = "en"
    client.force_login(world.clinician)
    page = client.get("/surveillance/monitoring/report/").content.decode()

    for name in ("birth_date", "age", "name"):
        assert f'<label class="form-label required" for="id_{name}"' in page, name
    assert '<label class="form-label" for="id_guardian"' in page
    empty = client.post("/surveillance/monitoring/report/", {"_key": "k"})
    assert "fill in one of them" in empty.content.decode()
