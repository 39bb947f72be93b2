"""Daily counts: kept up, as of any time, and rebuilt the same."""

from __future__ import annotations

from datetime import date, timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fangkong.accounts.models import Appointment
from fangkong.core.refusals import Refused
from fangkong.surveillance.monitoring import actions, queries
from fangkong.surveillance.monitoring.models import Case, DailyCount
from fangkong.surveillance.monitoring.types import Basis

from .factories import AT, case, facts

DAY = AT.date()
STEPS = st.lists(
    st.tuples(
        st.integers(1, 4),  # the person
        st.sampled_from(["suspected", "confirmed", "asymptomatic", "discarded"]),
        st.sampled_from([None, 1, 2, 3]),  # days from diagnosis back to onset
        st.sampled_from(["covid-19", "measles"]),
    ),
    min_size=1,
    max_size=12,
)


@pytest.mark.both_databases
@pytest.mark.django_db
@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(STEPS)
def test_kept_counts_equal_counts_made_anew_after_any_reports_and_revisions(world, steps):
    Case.objects.count()
    for n, (who, case_class, back, condition) in enumerate(steps):
        now = AT + timedelta(minutes=n)
        onset = None if back is None else DAY - timedelta(days=back)
        allowed = "confirmed" if case_class == "asymptomatic" and condition == "measles" else ""
        said = {"condition": condition, "case_class": allowed or case_class}
        said |= {"onset_date": onset, "severity": ""}
        earlier = Case.objects.filter(card_print__isnull=False).order_by("pk")
        known = [one for one in earlier if one.person.name.endswith("一二三四五"[who])]
        try:
            if known:
                actions.revise(
                    case=known[0], facts=facts(**said), reason="订正", by=world.clinician, at=now
                )
            else:
                case(world, who, at=now, **said)
        except Refused:
            continue
        found = queries.check_counts()
        assert found.right, found


def counts(world, **asked):
    said = {"condition": "covid-19", "first": date(2020, 1, 25), "last": DAY, **asked}
    found = queries.daily_counts(world.headquarters, AT, **said)
    return [(count.day, count.case_class, count.n) for count in found]


def test_counts_as_of_a_time_are_what_was_known_then(world):
    one = case(world, case_class="suspected")
    later = AT + timedelta(hours=2)
    actions.revise(case=one, facts=facts(), reason="核酸阳性", by=world.clinician, at=later)

    assert counts(world) == [(DAY, "confirmed", 1)]
    assert counts(world, as_of=later) == [(DAY, "confirmed", 1)]
    assert counts(world, as_of=later - timedelta(minutes=1)) == [(DAY, "suspected", 1)]
    assert counts(world, as_of=AT - timedelta(minutes=1)) == []


def test_counts_differ_by_basis_and_stay_within_their_days(world):
    case(world)
    assert counts(world, basis=Basis.ONSET) == [(date(2020, 2, 1), "confirmed", 1)]
    assert counts(world, basis=Basis.ONSET, first=date(2020, 2, 2)) == []
    assert counts(world, classes=["suspected"]) == []


def test_a_county_sees_its_own_counts_and_no_others(world):
    case(world)
    asked = {"condition": "covid-19", "first": DAY, "last": DAY}
    assert len(queries.daily_counts(world.daofu_cdc, AT, **asked)) == 1
    assert queries.daily_counts(world.kangding_cdc, AT, **asked) == []
    asked["county_ids"] = [world.daofu.pk]
    assert queries.daily_counts(world.kangding_cdc, AT, **asked) == []


def test_a_hospital_sees_the_sums_of_its_county_and_a_laboratory_none(world):
    case(world)
    asked = {"condition": "covid-19", "first": DAY, "last": DAY}
    assert len(queries.daily_counts(world.clinician, AT, **asked)) == 1
    assert queries.daily_counts(world.laboratory, AT, **asked) == []


def test_series_hold_every_county_and_watched_disease_with_their_zeros(world):
    case(world)
    case(world, 2, case_class="discarded", severity="")
    block = queries.series(last=DAY, days=7)

    assert block.counts.shape == (len(block.labels), 7)
    row = block.counts[block.labels.index((world.daofu.pk, "covid-19"))]
    assert row.tolist() == [0, 0, 0, 0, 0, 0, 1]  # the discarded case is none
    assert block.counts.sum() == 1
    assert (world.kangding.pk, "plague") in block.labels  # warns at a single case
    assert (world.kangding.pk, "measles") not in block.labels  # never occurred


def test_days_before_the_first_case_of_a_register_are_unknown(world):
    assert queries.series(last=DAY, days=7).unknown_days == 7  # an empty register knows nothing
    case(world)
    block = queries.series(last=DAY, days=7)
    assert (block.since, block.unknown_days) == (DAY, 6)
    assert queries.series(last=DAY + timedelta(days=30), days=7).unknown_days == 0
    assert queries.series(last=DAY - timedelta(days=1), days=7).unknown_days == 7


def test_totals_are_of_the_users_counties(world):
    case(world)
    case(world, 2, case_class="suspected")
    whole = queries.totals(world.headquarters, AT)
    assert (whole.total, whole.today, whole.waiting, whole.overdue) == (2, 2, 2, 0)
    assert queries.totals(world.headquarters, AT, condition="covid-19").total == 1
    tomorrow = queries.totals(world.daofu_cdc, AT + timedelta(days=1))
    assert (tomorrow.total, tomorrow.today, tomorrow.overdue) == (2, 0, 2)
    assert queries.totals(world.kangding_cdc, AT).total == 0


def test_a_wrong_count_is_found_and_built_anew(world):
    case(world)
    DailyCount.objects.filter(basis="onset").update(n=5)

    for asked in (["--check"], []):
        with pytest.raises(CommandError, match="rebuild"):
            call_command("counts", *asked, stdout=StringIO())
    out = StringIO()
    call_command("counts", "--rebuild", stdout=out)

    assert "5, should be 1" in out.getvalue()
    call_command("counts", "--check", stdout=StringIO())
    assert queries.check_counts().right


# --- Keys that are checked beside the row ---------------------------------------------------------


@pytest.mark.both_databases
@pytest.mark.parametrize("table", ["surveillance_case", "accounts_user"])
def test_the_database_lets_nobody_delete_what_a_count_or_a_stamp_points_to(world, table):
    """Their own keys have no constraint; the case's card and the line of the trail have."""
    one = case(world, 1)
    key = one.pk if table == "surveillance_case" else one.created_by_id
    Appointment.objects.filter(user_id=one.created_by_id).delete()

    def delete_behind_django() -> None:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"DELETE FROM {table} WHERE id = %s", [key])
            connection.check_constraints()

    with pytest.raises(IntegrityError):
        delete_behind_django()
