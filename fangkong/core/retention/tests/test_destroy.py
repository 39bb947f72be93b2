"""What is over its term is emptied, nothing else, once."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.cache import cache
from django.core.management import CommandError, call_command
from django.utils.translation import override

from fangkong.core import clock
from fangkong.core.audit.models import AuditLine
from fangkong.core.backup import hooks
from fangkong.core.imports.jobs import forget
from fangkong.core.queue.models import Job
from fangkong.core.retention import actions, jobs, nights, queries
from fangkong.people.models import IdentityDocument, Person, Phone
from fangkong.people.tests.factories import AT, NUMBER, PHONE, person
from fangkong.places.tests.factories import world
from fangkong.surveillance.models import Case
from fangkong.surveillance.monitoring import queries as monitoring
from fangkong.surveillance.monitoring.models import KEPT_DAYS
from fangkong.surveillance.monitoring.tests.factories import World
from fangkong.surveillance.monitoring.tests.factories import case as report
from fangkong.tasks.models import Task

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]

LATER = AT + timedelta(days=61)


@pytest.fixture
def areas(db):
    cache.clear()
    return world()


@pytest.fixture
def contact(areas):
    return person(areas["513326"], address_detail="鲜水镇团结街12号", workplace="道孚县中学")


@pytest.fixture(autouse=True)
def _no_run_noted(settings, tmp_path):
    settings.FANGKONG_DATA = tmp_path


def line(at):
    """Somebody worked at that moment."""
    AuditLine.objects.create(at=at, action="tests.work", subject_type="x", subject_id=1)


def line_count():
    return AuditLine.objects.filter(action="core.retention.destroy").count()


def test_a_contact_is_emptied_sixty_days_after_the_last_change(contact):
    assert actions.destroy_due(at=AT + timedelta(days=60)) == {}

    done = actions.destroy_due(at=LATER)

    assert done == {"people.Person": 1, "people.IdentityDocument": 1, "people.Phone": 1}
    row = Person.objects.get(pk=contact.pk)
    assert row.name.startswith("~") and contact.name not in row.name
    assert (row.address_detail, row.workplace, row.name_pinyin) == ("", "", "")
    assert (row.birth_date, row.area_id, row.county_id, row.sex) == (None, None, None, "0")
    assert (IdentityDocument.objects.get().number, Phone.objects.get().number) == ("", "")
    assert not IdentityDocument.with_numbers([NUMBER]) and not Phone.with_number(PHONE)


def test_done_again_it_does_nothing(contact):
    actions.destroy_due(at=LATER)
    lines = line_count()

    assert actions.destroy_due(at=LATER) == {}
    assert line_count() == lines == 3


def test_the_trail_says_how_many_and_not_who(contact):
    actions.destroy_due(at=LATER)

    line = AuditLine.objects.get(action="core.retention.destroy", subject_type="people.person")
    assert line.detail == {"model": "people.Person", "rows": 1, "to": contact.pk}


def test_a_patient_is_kept_as_long_as_the_case(settings, db):
    settings.FANGKONG_AREA = "513300"
    cache.clear()
    case = report(World(), remark="自述去过县城")
    assert "people.Person" not in actions.destroy_due(at=LATER)
    counts = monitoring_counts()
    over = case.created_at + timedelta(days=KEPT_DAYS + 61)

    done = actions.destroy_due(at=over)

    assert done["people.Person"] == 1 and done["surveillance.Case"] == 1
    assert Case.objects.get().remark == "" and Case.objects.get().person_id == case.person_id
    assert monitoring_counts() == counts  # what was counted stays counted


def monitoring_counts():
    from fangkong.surveillance.models import DailyCount

    return sorted(DailyCount.objects.values_list("county_id", "condition", "day", "n"))


def test_two_contacts_with_a_document_of_one_kind_can_both_be_emptied(contact, areas):
    person(areas["513326"], name="王五", documents=[], phones=[])
    from fangkong.people.tests.factories import resident_id

    person(areas["513326"], name="赵六", documents=[resident_id()], phones=[])

    assert actions.destroy_due(at=LATER)["people.Person"] == 3


def test_after_a_restore_what_was_destroyed_is_destroyed_again(contact):
    # Somebody worked until the backup was made, nine days ago.
    line(LATER - timedelta(days=15))
    line(LATER - timedelta(days=9))
    hooks.restored["core.retention"](LATER)

    assert Person.objects.get().name.startswith("~")
    assert nights.noted() == LATER


@pytest.mark.parametrize("noted", [None, LATER - timedelta(days=1)], ids=["new", "worked before"])
def test_a_restore_far_behind_the_clock_destroys_nothing_until_a_person_says_it_is_right(
    contact, noted, monkeypatch
):
    if noted:  # of the empty database that the wrong clock has seen here
        nights.note(noted)
    youngest = AuditLine.objects.latest("at").at

    with pytest.raises(hooks.LeftToAPerson, match="--destroy --clock-is-right"):
        hooks.restored["core.retention"](LATER)
    # Neither do the nights, although the wrong clock has written lines since.
    for day in range(12):
        line(LATER + timedelta(days=day))
    with pytest.raises(nights.ClockInDoubt):
        jobs.destroy(0, LATER + timedelta(days=12), lambda *_: None)
    assert Person.objects.get().name == contact.name
    assert nights.noted() == youngest

    monkeypatch.setattr(clock, "now", lambda: LATER + timedelta(days=12))
    call_command("retention", "--destroy", "--clock-is-right")

    assert Person.objects.get().name.startswith("~")
    jobs.destroy(0, LATER + timedelta(days=13), lambda *_: None)


def test_the_command_says_what_is_due_and_changes_nothing(contact, monkeypatch, capsys):
    monkeypatch.setattr(clock, "now", lambda: LATER)
    with override("en"):
        call_command("retention")

    said = capsys.readouterr().out
    assert "people.Person" in said and "       1 due   60 days after the last change" in said
    assert Person.objects.get().name == contact.name

    with pytest.raises(CommandError, match="clock-is-right"):
        call_command("retention", "--destroy")
    assert Person.objects.get().name == contact.name

    call_command("retention", "--destroy", "--clock-is-right")

    assert "3 rows emptied" in capsys.readouterr().out


# --- A clock that is not believed ----------------------------------------------------------------


def night(at):
    """What the nightly job comes to."""
    jobs.nightly(at)
    return Job.objects.latest("pk")


def test_a_clock_set_years_ahead_destroys_nothing_and_the_job_waits_for_a_person(
    contact, settings, monkeypatch
):
    jobs.destroy(0, AT, lambda *_: None)
    ahead = AT + timedelta(days=5 * 365)
    monkeypatch.setattr(clock, "now", lambda: ahead)

    job = night(ahead)
    assert job.name == jobs.DESTROY
    with pytest.raises(nights.ClockInDoubt, match="clock-is-right"):
        jobs.destroy(0, ahead, lambda *_: None)
    # Neither does it by the next night, nor does the file of an import go.
    with pytest.raises(nights.ClockInDoubt):
        jobs.destroy(0, ahead + timedelta(days=1), lambda *_: None)
    with pytest.raises(nights.ClockInDoubt):
        forget(ahead)

    assert Person.objects.get().name == contact.name
    assert jobs._clock_in_doubt().tone == "bad"


def test_a_house_that_was_closed_for_ten_days_goes_on_by_itself_and_not_after_eleven(contact):
    for closed, is_done in ((11, False), (10, True)):
        nights.note(LATER - timedelta(days=closed))
        if is_done:
            jobs.destroy(0, LATER, lambda *_: None)
        else:
            with pytest.raises(nights.ClockInDoubt):
                jobs.destroy(0, LATER, lambda *_: None)
        assert Person.objects.get().name.startswith("~") is is_done
    assert nights.last(AT) == LATER


def test_who_says_that_the_clock_is_right_is_believed_and_the_nights_go_on(
    contact, monkeypatch, capsys
):
    nights.note(AT)
    monkeypatch.setattr(clock, "now", lambda: LATER)
    call_command("retention", "--destroy", "--clock-is-right")

    assert Person.objects.get().name.startswith("~")
    jobs.destroy(0, LATER + timedelta(days=1), lambda *_: None)
    assert jobs._clock_in_doubt().tone == "ok"


def test_a_clock_that_is_put_right_again_goes_on_from_there(contact):
    nights.note(LATER)

    jobs.destroy(0, AT, lambda *_: None)

    assert nights.last(LATER) == AT


def test_without_a_noted_run_the_youngest_line_of_the_trail_is_asked(contact):
    assert nights.last(LATER) == AuditLine.objects.latest("pk").at
    nights.place().write_text("damaged")
    with pytest.raises(nights.ClockInDoubt):
        jobs.destroy(0, LATER, lambda *_: None)
    nights.require_plausible(AT + timedelta(days=1))


@pytest.mark.parametrize(("jumped", "is_believed"), [(11, False), (9, True)])
def test_lines_that_the_clock_wrote_after_its_jump_do_not_speak_for_it(
    contact, jumped, is_believed
):
    right = AuditLine.objects.latest("at").at
    for hours in (1, 20, 90):
        line(right + timedelta(days=jumped, hours=hours))
    at = right + timedelta(days=jumped, hours=91)

    assert (nights.last(at) == right) is not is_believed
    if is_believed:
        nights.require_plausible(at)
    else:
        with pytest.raises(nights.ClockInDoubt):
            nights.require_plausible(at)
        # What was believed is noted: the lines of later days change nothing either.
        assert nights.noted() == right


def test_a_trail_that_has_gone_on_for_ten_days_is_believed_whatever_gap_lies_before(contact):
    for days in (0, 5, 11):
        line(LATER + timedelta(days=days))

    with pytest.raises(nights.ClockInDoubt):  # two days after the gap
        nights.require_plausible(LATER + timedelta(days=2))
    nights.forget()
    nights.require_plausible(LATER + timedelta(days=11, hours=1))


def test_a_house_without_older_lines_is_believed():
    for_setup = AT + timedelta(days=400)
    nights.require_plausible(for_setup)
    line(for_setup)
    nights.require_plausible(for_setup + timedelta(days=3))


@pytest.mark.parametrize("text", ["2020-02-05T02:40:00", "damaged", "\udcff"])
def test_a_noted_run_that_cannot_be_read_is_told_and_the_trail_is_asked(
    contact, monkeypatch, caplog, text
):
    nights.place().write_bytes(text.encode("utf-8", "surrogateescape"))
    soon = AT + timedelta(days=1)
    monkeypatch.setattr(clock, "now", lambda: soon)
    with override("en"):
        told = jobs._clock_in_doubt()
    assert told.tone == "warn" and "retention.txt" in told.said

    jobs.destroy(0, soon, lambda *_: None)

    assert "cannot be read" in caplog.text
    assert nights.noted() == soon and jobs._clock_in_doubt().tone == "ok"
    nights.place().write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(nights.ClockInDoubt):
        jobs.destroy(0, LATER, lambda *_: None)


def test_the_report_knows_every_class():
    labels = {row.label for row in queries.standing(AT)}

    assert {"people.Person", "tasks.Task", "surveillance.Case", "core.StoredFile"} <= labels
    assert Task._meta.label in labels


def test_large_numbers_are_done_in_batches(areas, monkeypatch):
    monkeypatch.setattr(queries, "BATCH", 2)
    for name in "甲乙丙丁戊":
        person(areas["513326"], name=f"王{name}", documents=[], phones=[])

    assert actions.destroy_due(at=LATER) == {"people.Person": 5}
    assert monitoring.patients_kept([1, 2], AT) == set()
