"""The demonstration loaded, and its files imported as a newcomer does."""

import re
from collections import Counter
from datetime import date, datetime, timedelta
from io import StringIO
from unittest.mock import patch

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command

from fangkong.accounts.models import User
from fangkong.core import clock
from fangkong.core.audit import queries as audit
from fangkong.core.imports import actions as kit
from fangkong.core.imports import queries as runs
from fangkong.people.models import Person
from fangkong.places import queries as places
from fangkong.surveillance.bulletins import queries as bulletins
from fangkong.surveillance.models import (
    Case,
    Investigation,
    Pool,
    SentResult,
    Signal,
    Specimen,
    WarningProduct,
)
from fangkong.surveillance.monitoring import imports
from fangkong.surveillance.monitoring import queries as monitoring
from fangkong.surveillance.warning import actions as warning
from fangkong.tasks.models import Task
from fangkong.web.demo import actions, files, invented, rules

DAOFU = "513326"
NAMES = {"hq", "daofu", "kangding", "hospital", "ward", "lab", "store", "inspector", "hr", "editor"}
NAMES |= {"auditor", "admin", "gate"}
OWNERS = {"county_cdc", "hospital", "ward_staff", "laboratory", "store_keeper", "inspector"}
OWNERS |= {"hr_finance", "editor", "field_worker"}


@pytest.fixture
def demo(db, settings, tmp_path):
    settings.FANGKONG_DATA, settings.FANGKONG_DEMO = tmp_path, True
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # quick

    def load(day, **options):
        at = datetime(day.year, day.month, day.day, 10, 20, tzinfo=invented.ZONE)
        settings.FANGKONG_TODAY = day
        call_command("places", stdout=StringIO())
        actions.load(day=day, at=at, say=lambda line: None, **options)
        return at

    return load


def totals(at):
    hq = User.objects.get(username="hq")
    return monitoring.totals(hq, at, condition="covid-19")


def brought_in(file, at):
    """The file uploaded and imported by the county CDC of Daofu."""
    daofu = User.objects.get(username="daofu")
    hospital = places.facilities_open_to(daofu, at).get(name_zh="道孚县人民医院")
    batch = imports.upload(
        content=imports.FileContent(file.data),
        file_name=file.name,
        facility=hospital,
        synthetic=True,
        by=daofu,
        at=at,
    )
    if batch.ok:
        batch = kit.confirm(run=batch, by=daofu, at=at)
        batch = kit.enter(run=batch, at=at)
    return batch


def test_on_27_january_two_cases_stand_answered_and_the_third_is_left_as_a_file(demo, tmp_path):
    at = demo(date(2020, 1, 27), past_years=False)

    assert totals(at).total == 2
    assert Case.objects.filter(synthetic=False).count() == 0
    assert [s.outcome for s in Signal.objects.all()] == ["sporadic"]
    assert (tmp_path / "demo" / "daocheng-2020-01-27.csv").is_file()
    assert monitoring.check_counts().right


def test_on_5_february_the_event_of_daofu_is_investigated_and_the_public_was_told(demo):
    demo(date(2020, 2, 5), past_years=False)

    event = Investigation.objects.get()
    assert (event.area.code, event.phase, event.cases_found) == (DAOFU, "reported", 5)
    tip = WarningProduct.objects.get()
    assert (tip.state, tip.synthetic, tip.approved_by.username) == ("issued", True, "hq")


def test_every_role_has_an_account_and_something_on_its_desk(demo):
    demo(date(2020, 1, 27), past_years=False)

    names = set(User.objects.filter(synthetic=True).values_list("username", flat=True))
    assert names == NAMES
    climbed = Task.objects.filter(escalation_level=1).values_list("kind", flat=True)
    assert sorted(climbed) == ["supplies.stock.papers_missing", "tasks.manual"]
    owners = set(Task.objects.exclude(state="done").values_list("owner_role", flat=True))
    assert owners == OWNERS


def test_the_cards_of_5_february_raise_a_new_signal_for_daofu(demo):
    at = demo(date(2020, 2, 5), past_years=False)
    assert totals(at).total == 10
    daofu = Signal.objects.filter(area__code=DAOFU).order_by("pk")
    assert [s.outcome for s in daofu] == ["watch", "watch", "suspected_event"]

    batch = brought_in(files.of_day(at.date(), at)[0], at)

    assert (batch.imported, batch.errors) == (4, 0)
    assert totals(at).total == 12
    run = warning.request_run(day=at.date(), trigger="data", by=None, at=at)
    warning.detect(run=run, by=None, at=at)
    newest = daofu.last()
    assert (newest.state, newest.day, newest.observed) == ("new", at.date(), 9)


def test_each_file_of_the_day_reads_the_same_and_the_faulty_row_says_all_its_faults(demo):
    at = demo(date(2020, 2, 5), past_years=False)
    plain, gb18030, xlsx, faulty = files.of_day(at.date(), at)

    batch = brought_in(faulty, at)
    (row,) = runs.rows_of(batch, ["error"])
    assert {reason["code"] for reason in row.reasons} == {"bad_number", "onset_after_diagnosis"}
    assert Case.objects.filter(area__code=DAOFU).count() == 9
    for again in (plain, gb18030, xlsx):
        batch = brought_in(again, at)
        assert (batch.ok, batch.known, batch.errors) == (0, 4, 0)
        assert batch.encoding in ("utf-8-sig", "gb18030", "xlsx")


def test_past_cases_are_entered_reviewed_and_counted(demo):
    at = demo(date(2020, 1, 26))

    others = Case.objects.exclude(condition="covid-19")
    assert others.count() >= 20
    assert not others.exclude(review_state="accepted").exists()
    assert not others.filter(synthetic=False).exists()
    assert monitoring.check_counts().right
    assert totals(at).total == 2


def test_the_past_has_the_three_years_that_the_moving_percentile_asks_for(demo):
    at = demo(date(2020, 1, 26))

    oldest = Case.objects.earliest("reported_at").reported_at
    assert oldest < at - timedelta(days=3 * 364)
    before_the_staff = date(2019, 12, 30)
    assert all(week >= before_the_staff for week in audit.overdue_weeks(at.date()))


def test_the_command_refuses_a_day_without_figures_and_loads_nothing(db):
    with pytest.raises(CommandError, match="2020-03-19 is not in the demonstration"):
        call_command("demo", day=date(2020, 3, 19))

    assert not User.objects.exists()


def test_the_command_refuses_a_database_that_holds_staff(demo):
    demo(date(2020, 1, 25), past_years=False)

    with pytest.raises(CommandError, match="already holds staff"):
        call_command("demo", day=date(2020, 1, 25))


def test_the_page_lists_the_files_and_gives_them_to_staff_only(demo, client, settings):
    settings.ALLOWED_HOSTS = ["*"]
    demo(date(2020, 2, 5), past_years=False)
    assert client.get("/demo/").status_code == 302

    client.force_login(User.objects.get(username="daofu"))
    page = client.get("/demo/", headers={"accept-language": "en"})

    assert page.status_code == 200
    assert "daofu-2020-02-05.csv" in page.content.decode()
    assert "The series by county and day is derived" in page.content.decode()
    file = client.get("/demo/daofu-2020-02-05.csv")
    assert file.content.startswith(b"\xef\xbb\xbf")
    assert client.get("/demo/other.csv").status_code == 404


def test_the_made_up_messages_of_the_laboratory_are_taken_and_one_result_waits(
    demo, client, settings
):
    settings.ALLOWED_HOSTS = ["*"]
    at = demo(date(2020, 2, 5), past_years=False)
    with patch.object(clock, "now", lambda: at):
        client.force_login(User.objects.get(username="lab"))
        send = "/surveillance/exchange/send/"
        page = client.get(send, headers={"accept-language": "en"}).content.decode()
        names = re.findall(r'href="/demo/messages/([^"]+)"', page)
        assert names == ["synthetic-oru-r01.hl7", "synthetic-fhir-bundle.json"]
        where = re.search(r'<option value="([0-9a-f-]{36})"', page) or re.search(
            r'name="laboratory"[^>]*value="([0-9a-f-]{36})"', page
        )
        for name in names:
            file = client.get(f"/demo/messages/{name}")
            assert file["Content-Disposition"] == f'attachment; filename="{name}"'
            said = {"file": SimpleUploadedFile(name, file.content), "laboratory": where[1]}
            assert client.post(send, said).status_code == 302
        assert client.get("/demo/messages/other.hl7").status_code == 404
        client.force_login(User.objects.get(username="daofu"))
        assert client.get("/demo/messages/synthetic-oru-r01.hl7").status_code == 403

    fates = Counter(SentResult.objects.values_list("fate", flat=True))
    assert fates == {"entered": 3, "waiting": 1}
    assert set(SentResult.objects.filter(fate="waiting").values_list("number", flat=True)) == {
        "SYNTHETIC-0042"
    }


def test_two_years_on_a_town_is_screened_and_a_positive_pool_holds_its_ten(demo, settings):
    demo(date(2020, 1, 25), past_years=False)
    at = datetime(2022, 2, 5, 10, 20, tzinfo=invented.ZONE)
    actions.screen(at=at, say=lambda line: None)

    negative, positive, filling = Pool.objects.order_by("pk")
    assert (negative.outcome, positive.outcome, filling.state) == (
        "negative",
        "positive",
        "requested",
    )
    members = {
        pool.pk: Counter(Specimen.objects.filter(pool=pool).values_list("state", flat=True))
        for pool in (negative, positive, filling)
    }
    assert members[positive.pk] == {"held": 10} and members[negative.pk] == {"reported": 10}
    assert sum(members[filling.pk].values()) == 4
    assert Specimen.objects.filter(repeats__pool=positive, state="requested").count() == 10
    assert Task.objects.filter(kind="surveillance.testing.recollect").count() == 1
    assert not Person.objects.filter(synthetic=False).exists()
    with pytest.raises(rules.NotInTheDemonstration, match="already"):
        actions.screen(at=at)


def test_a_screening_goes_on_in_a_demonstration_alone(db):
    with pytest.raises(CommandError, match="no demonstration here"):
        call_command("demo", screening=True)


def test_where_there_is_no_demonstration_there_is_no_such_page(demo, client, settings):
    demo(date(2020, 1, 25), past_years=False)
    client.force_login(User.objects.get(username="daofu"))
    settings.FANGKONG_DEMO = False

    assert client.get("/demo/").status_code == 404


def test_the_bulletin_of_5_february_tells_the_published_figures(demo):
    """12 = Daofu 7, Kangding 2, Seda 2, Daocheng 1 = 9 men, 3 women; 24 to 66 years (K5)."""
    demo(date(2020, 2, 6), past_years=False)

    (draft,) = bulletins.drafts_of(date(2020, 2, 5))
    told = draft.figures

    counties = {code: n for code, n in told.splits["county"].items() if n}
    assert (told.total, told.new) == (12, 2)
    assert counties == {"513326": 7, "513301": 2, "513333": 2, "513337": 1}
    assert told.splits["sex"] == {"1": 9, "2": 3, "": 0}
    assert (told.youngest, told.oldest) == (24, 66)
    assert (told.splits["severity"]["severe"], told.splits["severity"]["critical"]) == (1, 1)
    assert bulletins.faults_of(draft) == []
    assert "道孚7例" in bulletins.texts_of(draft)["zh"]
