"""The trail's pages: who saw whom, the weekly review, one record's story; and the detector."""

from __future__ import annotations

import re
from datetime import date, timedelta

import pytest
from django.apps import apps
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils.translation import override

from fangkong.accounts.tests.factories import AT
from fangkong.core.audit import actions as audit
from fangkong.core.audit import queries, tables
from fangkong.core.audit.models import AuditLine, Finding, Review, RowChange, Sight
from fangkong.core.watch import trail
from fangkong.people.models import Person
from fangkong.people.tests import factories as people
from fangkong.web.trail import describe, jobs, rules

pytestmark = pytest.mark.django_db
NIGHT = AT.replace(hour=2) + timedelta(days=1)


@pytest.fixture
def patient(areas):
    return people.person(areas["513326"])


def key_on(page) -> str:
    return re.search(r'name="_key" value="([^"]+)"', page.content.decode())[1]


def test_who_saw_a_person_between_two_days_is_answered_by_the_record_id(
    look, auditor, daofu, patient, areas
):
    other = people.person(areas["513326"], name="卓玛", documents=(), phones=())
    audit.seen(patient, by=daofu, at=AT, how="opened", place="people.detail")
    audit.seen(patient, by=daofu, at=AT - timedelta(days=9), how="opened")
    audit.seen(other, by=daofu, at=AT, how="opened")

    page = look(
        auditor, f"/trail/sights/?person={patient.public_id}&first=2020-02-01&last=2020-02-05"
    )

    assert [sight.subject_id for sight in page.context["rows"]] == [patient.pk]
    assert "daofu-cdc" in page.content.decode()
    assert patient.name not in page.content.decode()


def test_the_weekly_review_says_who_saw_the_most_persons_beside_the_week_before(
    look, auditor, daofu, headquarters, patient, areas
):
    other = people.person(areas["513326"], name="卓玛", documents=(), phones=())
    before = AT - timedelta(days=7)
    for one, how in ((patient, "opened"), (patient, "revealed"), (other, "found")):
        audit.seen(one, by=daofu, at=AT, how=how, reason="contact tracing")
    audit.seen(patient, by=headquarters, at=AT, how="opened")
    audit.seen(patient, by=headquarters, at=before, how="opened")

    page = look(auditor, "/trail/review/?week=2020-02-03")

    told = [(one.username, one.persons, one.revealed) for one, _url in page.context["viewers"]]
    assert told == [(daofu.username, 2, 1), (headquarters.username, 1, 0)]
    assert {(n, earlier) for _label, n, earlier in page.context["sights"]} >= {(2, 1), (1, 0)}
    for _one, url in page.context["viewers"]:
        assert url.replace("&", "&amp;") in page.content.decode()
        assert look(auditor, url).context["rows"]
    assert patient.name not in page.content.decode()
    assert look(auditor, "/trail/review/?week=2019-12-30").context["viewers"] == []


def test_the_weekly_review_reads_each_table_of_the_trail_once_for_both_weeks(look, auditor):
    for days, role in ((0, "postgres"), (7, "postgres"), (7, "psql"), (1, "")):
        RowChange.objects.create(
            at=AT - timedelta(days=days), table_name="people_person", row_id=1, verb="delete",
            role=role,
        )  # fmt: skip

    with CaptureQueriesContext(connection) as caught:
        page = look(auditor, "/trail/review/?week=2020-02-03")

    assert page.context["strangers"] == (1, 2)
    told = [query["sql"] for query in caught if "COUNT(" in query["sql"]]
    for table in (RowChange, AuditLine):
        assert sum(f'FROM "{table._meta.db_table}"' in sql for sql in told) == 1


def test_the_report_for_the_person_concerned_is_a_file(look, auditor, daofu, patient):
    audit.seen(patient, by=daofu, at=AT, how="revealed", reason="contact tracing")

    file = look(auditor, f"/trail/sights/?person={patient.public_id}&export=csv")

    text = b"".join(file.streaming_content).decode()
    assert "contact tracing" in text and "daofu-cdc" in text


def test_a_county_officer_does_not_read_the_trail(look, daofu, patient):
    for name in ("trail_sights", "trail_review", "audit"):
        assert look(daofu, reverse(name)).status_code == 403
    assert look(daofu, f"/trail/record/people.person/{patient.pk}/").status_code == 403


def test_the_headquarters_reads_but_signs_nothing(look, client, headquarters):
    page = look(headquarters, "/trail/review/")

    assert page.status_code == 200 and "An auditor does this" in page.content.decode()
    assert client.post("/trail/review/sign-off/", {"note": "all good"}).status_code == 403


def test_an_auditor_signs_a_week_off_once_and_with_a_note(look, client, auditor):
    page = look(auditor, "/trail/review/")
    form = {"week": "2020-01-27", "_key": key_on(page)}

    assert client.post("/trail/review/sign-off/", {**form, "note": " "}).status_code == 422
    assert not Review.objects.exists()
    said = {**form, "note": "looked through, nothing odd"}
    assert client.post("/trail/review/sign-off/", said).status_code == 302

    review = Review.objects.get()
    assert (review.week, review.by_id) == (date(2020, 1, 27), auditor.pk)
    assert AuditLine.objects.filter(action="core.audit.sign_off").count() == 1
    again = client.post("/trail/review/sign-off/", {**said, "_key": "another"})
    assert again.status_code == 422 and Review.objects.count() == 1


def test_a_week_that_is_not_over_is_not_signed_off(look, client, auditor):
    page = look(auditor, "/trail/review/?week=2020-02-03")
    said = {"week": "2020-02-03", "_key": key_on(page), "note": "looked through"}

    assert client.post("/trail/review/sign-off/", said).status_code == 422
    assert not Review.objects.exists()


def test_a_signed_off_week_stays_as_it_was(look, client, auditor):
    page = look(auditor, "/trail/review/")
    client.post(
        "/trail/review/sign-off/",
        {"week": "2020-01-27", "_key": key_on(page), "note": "nothing odd"},
    )
    for change in (lambda: Review.objects.update(note="x"), Review.objects.all().delete):
        with pytest.raises(Exception, match="only ever added to"), transaction.atomic():
            change()


def test_a_week_left_lying_is_told_on_the_page_and_by_the_doctor(look, auditor, patient, daofu):
    audit.record("people.correct", patient, by=daofu, at=AT - timedelta(weeks=3))

    def overdue():
        return [day.isoformat() for day in queries.overdue_weeks(AT.date())]

    assert overdue() == ["2020-01-20", "2020-01-13"]
    text = look(auditor, "/trail/review/").content.decode()
    assert "?week=2020-01-20" in text and "?week=2020-01-13" in text
    assert trail._reviews().tone == "warn"
    with pytest.raises(audit.NoteMissing):
        audit.sign_off(week=date(2020, 1, 13), note="\u200b" * 9, by=auditor, at=AT)
    for day in (date(2020, 1, 13), date(2020, 1, 20)):
        audit.sign_off(week=day, note="looked through", by=auditor, at=AT)
    assert overdue() == []  # the week before this one has until Sunday
    assert trail._reviews().tone == "ok"


def test_nobody_signs_off_what_stands_out_of_themselves(auditor):
    audit.report_findings(day=date(2020, 2, 4), found=[("many", auditor.pk, {"persons": 61})],
                          by=None, at=AT)  # fmt: skip

    with pytest.raises(audit.OwnFinding):
        audit.settle(finding=Finding.objects.get(), note="that was me", by=auditor, at=AT)


def test_a_records_story_shows_what_changed_but_no_personal_value(look, auditor, patient):
    Person.objects.filter(pk=patient.pk).update(name="卓玛", synthetic=True)

    text = look(auditor, f"/trail/record/people.person/{patient.pk}/").content.decode()

    assert "changed, not shown" in text and "卓玛" not in text and patient.name not in text
    assert look(auditor, "/trail/record/no.table/1/").status_code == 404
    assert look(auditor, f"/trail/record/people.person/{2**64}/").status_code == 404


def test_a_change_from_outside_is_shown_with_its_role(look, auditor, patient):
    RowChange.objects.create(
        at=AT, table_name="people_person", row_id=patient.pk, verb="delete", role="postgres"
    )

    text = look(auditor, f"/trail/record/people.person/{patient.pk}/").content.decode()

    assert "from outside, as postgres" in text


# --- The detector ---------------------------------------------------------------------------------


def view(person: int, minute: int = 0, viewer: int = 1) -> rules.View:
    return rules.View(viewer, person, AT + timedelta(minutes=minute))


def unusual(views, persons=(), surname="扎", counties=frozenset({7})):
    return rules.unusual(views, dict(persons), {1: surname}, {1: counties})


def test_sixty_persons_within_an_hour_stand_out_and_fifty_nine_do_not():
    assert unusual([view(n) for n in range(60)]) == [("many", 1, {"persons": 60})]
    assert unusual([view(n) for n in range(59)]) == []
    assert unusual([view(n, minute=n) for n in range(61)][:59]) == []
    assert unusual([view(1) for _ in range(99)]) == []


@pytest.mark.parametrize(
    ("known", "found"),
    [
        (rules.Known("扎", 7, False), True),
        (rules.Known("扎", 8, False), False),  # another county
        (rules.Known("王", 7, False), False),  # another name
        (rules.Known("扎", 7, True), False),  # a case: it is work
        (rules.Known("", 7, False), False),
    ],
)
def test_a_namesake_of_the_own_county_without_work_stands_out(known, found):
    assert bool(unusual([view(3)], {3: known})) is found


def test_five_persons_without_work_stand_out_and_four_do_not():
    idle = {n: rules.Known("王", 9, False) for n in range(5)}

    assert [kind for kind, *_ in unusual([view(n) for n in range(5)], idle)] == ["no_work"]
    assert unusual([view(n) for n in range(4)], idle) == []


def test_the_night_finds_a_planted_neighbour_lookup_once(daofu, patient):
    daofu.name = f"{patient.name[0]}西"
    daofu.save()
    audit.seen(patient, by=daofu, at=AT, how="opened")

    jobs.detect(NIGHT)
    jobs.detect(NIGHT)

    finding = Finding.objects.get()
    assert (finding.kind, finding.by_id, finding.day) == ("namesake", daofu.pk, date(2020, 2, 5))
    assert finding.facts == {"persons": 1, "keys": [patient.pk]}


def test_the_auditor_sees_the_finding_and_signs_it_off(look, client, auditor, daofu):
    audit.report_findings(
        day=date(2020, 2, 4), found=[("many", daofu.pk, {"persons": 70})], by=None, at=AT
    )
    finding = Finding.objects.get()
    address = reverse("trail_settle", args=[finding.public_id])
    assert address in look(auditor, "/trail/review/").content.decode()

    page = look(auditor, address)
    answer = client.post(address, {"note": "asked her: night shift", "_key": key_on(page)})

    assert answer.status_code == 302
    finding.refresh_from_db()
    assert (finding.settled_by_id, finding.note) == (auditor.pk, "asked her: night shift")
    again = client.post(address, {"note": "asked her again", "_key": "another"})
    assert again.status_code == 422


def test_opening_a_person_leaves_one_view_and_looking_at_the_list_none(look, headquarters, patient):
    look(headquarters, "/people/")
    assert not Sight.objects.exists()

    look(headquarters, patient.get_absolute_url())

    assert Sight.objects.get().place == "people.detail"


# --- Whom an auditor asks about -------------------------------------------------------------------


@pytest.mark.parametrize("text", [people.NAME, "zhaxi", "zxdj", people.NUMBER, people.PHONE])
def test_the_auditor_finds_a_person_masked_and_the_search_is_noted(client, auditor, patient, text):
    client.force_login(auditor)

    page = client.post(reverse("trail_find"), {"text": text})

    shown = page.content.decode().replace(f'value="{text}"', "")
    assert str(patient.public_id) in shown
    assert patient.name not in shown and people.PHONE not in shown
    sight = Sight.objects.get()
    assert (sight.how, sight.by_id, sight.subject_id) == ("found", auditor.pk, patient.pk)
    assert sight.place == "trail_find"


def test_a_search_for_nobody_finds_nobody_and_an_empty_one_is_refused(client, auditor, patient):
    client.force_login(auditor)

    assert (
        str(patient.public_id)
        not in client.post(reverse("trail_find"), {"text": "不存在"}).content.decode()
    )
    assert client.post(reverse("trail_find"), {"text": " "}).status_code == 422
    assert not Sight.objects.exists()


def test_a_county_officer_finds_nobody_for_the_trail(client, daofu, patient):
    client.force_login(daofu)

    assert client.post(reverse("trail_find"), {"text": people.NAME}).status_code == 403


def test_the_records_own_page_shows_its_changes_to_readers_of_the_trail_alone(
    look, headquarters, daofu, patient
):
    Person.objects.filter(pk=patient.pk).update(name="卓玛", synthetic=True)
    page = patient.get_absolute_url()

    assert "?trail#fk-changes" in look(headquarters, page).content.decode()
    shown = look(headquarters, f"{page}?trail").content.decode()
    assert "changed, not shown" in shown and "卓玛" not in shown
    for address in (page, f"{page}?trail"):
        other = look(daofu, address).content.decode()
        assert "changed, not shown" not in other and "#fk-changes" not in other


def tables_in_the_trail():
    """Our own tables, and those of packages whose changes are noted."""
    watched = {table.name for table in tables.watched()}
    for model in apps.get_models(include_auto_created=True):
        if model.__module__.startswith("fangkong.") or model._meta.db_table in watched:
            yield model._meta.label_lower


def test_every_kind_of_record_has_a_name_for_people_in_chinese():
    with override("zh-hans"):
        names = {label: str(describe.kind(label)) for label in tables_in_the_trail()}

    assert len(names) > 50
    assert {
        label: name for label, name in names.items() if not re.fullmatch("[\u4e00-\u9fff]+", name)
    } == {}
    with override("en"):
        assert str(describe.kind("people.namepart")) == "Part of a name"
