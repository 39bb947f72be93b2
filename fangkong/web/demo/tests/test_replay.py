"""The outbreak of 2020 told again: entered card by card, judged every evening."""

from dataclasses import replace as but
from datetime import date, datetime, timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.urls import reverse
from django.utils import translation

from fangkong.core import clock
from fangkong.places import queries as places
from fangkong.surveillance.models import Case, Signal
from fangkong.surveillance.monitoring import actions as monitoring
from fangkong.surveillance.warning.replay import first_days, replay
from fangkong.web.demo import actions, gates, history, invented, outbreak, rules

DAOFU, COVID = "513326", "covid-19"
FIRST, LAST = date(2020, 1, 23), date(2020, 2, 5)


@pytest.fixture
def lived(db, settings, monkeypatch):
    """Every card of Ganzi until the evening of 2020-02-05 through the doors, a run every day.

    The register has counted since 2016: one case of influenza is from then.
    """
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # quick
    call_command("places", stdout=StringIO())
    home = {area.code: area for area in places.counties_of_home(FIRST)}
    gates.stand(home, actions.OPENED)
    stage = actions._stage(actions._add_staff())
    card = invented.confirmed()[0]
    then = datetime(2016, 1, 4, 10, tzinfo=invented.ZONE)
    monitoring.report(
        person=but(
            outbreak.person_of(card), birth_date=date(1980, 5, 17), id_kind="", id_number=""
        ),
        case=but(
            outbreak.case_of(card),
            condition="influenza",
            diagnosed_at=then,
            onset_date=date(2016, 1, 3),
            severity="",
        ),
        facility=stage.hospitals[card.county.code],
        area=stage.counties[card.county.code],
        synthetic=True,
        by=None,
        at=then + timedelta(hours=1),
    )
    for day in rules.days_between(FIRST, LAST):
        outbreak.live_through(stage, day, LAST)
    monkeypatch.setattr(clock, "now", lambda: datetime(2020, 2, 6, 9, tzinfo=invented.ZONE))
    return stage


def test_daofu_is_flagged_no_later_than_5_february_2020(client, lived):
    county = lived.counties[DAOFU].pk
    # What was entered is the published series: 7 cases of Daofu among the 12 of 5 February.
    known = Case.objects.filter(condition=COVID, case_class="confirmed")
    assert known.count() == sum(rules.totals_on(history.read(), LAST).values()) == 12
    assert known.filter(county=county).count() == 7

    # The signal that people saw, with its clock: on the day of the first case.
    first = Signal.objects.filter(area=county, condition=COVID).earliest("pk")
    assert clock.day_of(first.listed_at) == date(2020, 2, 2) <= LAST
    assert first.alarms.earliest("day").day == date(2020, 2, 2)

    # A replay of the same days finds what each method would have seen without the others.
    daofu = first_days(list(replay(first=FIRST, last=LAST)))[county, COVID]
    assert daofu == {
        "fixed_count": date(2020, 2, 2),
        "adaptive": date(2020, 2, 3),
        "c1": date(2020, 2, 3),
        "c2": date(2020, 2, 3),
        "c3": date(2020, 2, 3),
    }

    # It is not wiser than the evening was: what was discarded since counts on the days before.
    for case in known.filter(county=county, diagnosed_at__day=2):
        monitoring.revise(
            case=case,
            facts=but(monitoring_facts(case), case_class="discarded", severity=""),
            reason="两次核酸检测阴性",
            by=lived.reporter(DAOFU),
            at=clock.now(),
        )
    assert known.filter(county=county).count() == 6
    again = first_days(list(replay(first=FIRST, last=LAST, conditions=[COVID])))
    assert again[county, COVID]["fixed_count"] == date(2020, 2, 2)

    said = StringIO()
    call_command("replay", "--from=2020-01-23", "--to=2020-02-05", stdout=said)
    (line,) = [row for row in said.getvalue().splitlines() if DAOFU in row]
    assert "covid-19  2020-02-02  (fixed_count 2020-02-02, adaptive 2020-02-03" in line
    assert "14 days judged" in said.getvalue()
    _on_pages_and_for_machines(client, lived)


def _on_pages_and_for_machines(client, lived):
    """Day by day: the county sees its own, the headquarters all, and others nothing."""
    page, api = reverse("surveillance:warning:replay"), "/api/v1/surveillance/warning/replay/"
    asked = {"condition": COVID, "first": "2020-02-01", "last": "2020-02-05"}
    with translation.override("en"):
        client.force_login(lived.staff["daofu"])
        assert "重新评判" in client.get(page).content.decode()
        shown = client.get(page, asked, headers={"Accept-Language": "en"}).content.decode()
    assert shown.count("first time") == 1 and "7 cases in 7 days" in shown
    assert "Daofu" in shown and "Seda" not in shown

    (first, *_rest) = client.get(api, asked).json()["flagged"]
    assert first == {
        "day": "2020-02-02",
        "county": DAOFU,
        "observed": 1,
        "methods": ["fixed_count"],
    }
    client.force_login(lived.staff["hq"])
    assert {row["county"] for row in client.get(api, asked).json()["flagged"]} > {DAOFU, "513333"}
    for wrong in (
        {"last": "2020-01-31"}, {"last": "2020-02-07"}, {"first": "2020-01-01"},
        {"first": "1900-02-01", "last": "1900-02-05"}, {"condition": "grippe"},
    ):  # fmt: skip
        for where in (page, api):
            assert client.get(where, {**asked, **wrong}).status_code == 422, wrong
    client.force_login(lived.staff["editor"])
    assert (client.get(page).status_code, client.get(api, asked).status_code) == (403, 403)


def monitoring_facts(case):
    """A case's card as it stands, to be revised."""
    names = ("condition", "case_class", "diagnosed_at", "severity", "onset_date", "relation")
    told = {name: getattr(case, name) for name in (*names, "origin", "origin_place", "doctor")}
    return monitoring.CaseFacts(**told)


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        (["--from=2020-02-06", "--to=2020-02-05"], "lies before the first"),
        (["--from=2020-02-06", "--to=2031-02-05"], "still to come"),
        (["--from=2010-02-06", "--to=2020-02-05"], "at most 366 days"),
        (["--from=2020-02-05", "--to=2020-02-05", "--condition=grippe"], "check the code"),
        (["--from=1900-02-05", "--to=1900-02-05"], "choose later days"),
    ],
)
def test_days_that_cannot_be_judged_are_refused(asked, told, db):
    with pytest.raises(CommandError, match=told):
        call_command("replay", *asked)
