"""Each room destroys what it declares: a row past its term leaves nothing of the person anywhere.

For every table with personal data a row is made with canaries in it, and the nightly jobs run after
the end of the term. Then the whole database (search columns, chunks of imports, jobs, notices, the
trail, kept commands) and all stored files are searched: for the canaries, and for what the columns
held in their place, ciphertexts and blind indexes too. The day before, everything is still there.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.apps import apps
from django.core.cache import cache
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.db.models import Model

from fangkong.accounts import actions as accounts
from fangkong.accounts.emergency import actions as emergency
from fangkong.accounts.sign_in import actions as sign_in
from fangkong.accounts.sign_in.types import Origin
from fangkong.core.files import actions as files
from fangkong.core.files import jobs as file_jobs
from fangkong.core.files.tests import samples
from fangkong.core.imports import jobs as import_jobs
from fangkong.core.notices import actions as notices
from fangkong.core.privacy import Retention
from fangkong.core.retention import actions, nights, queries
from fangkong.core.retention import jobs as retention_jobs
from fangkong.people.duplicates.models import Pair
from fangkong.people.duplicates.tests import factories as twice
from fangkong.people.models import NamePart, Person, Phone
from fangkong.people.requests import actions as requests
from fangkong.people.tests import factories as people
from fangkong.people.types import Registration
from fangkong.places.tests.factories import facility
from fangkong.surveillance.arrivals import actions as arrivals
from fangkong.surveillance.arrivals.models import Arrival
from fangkong.surveillance.arrivals.types import ArrivalFacts
from fangkong.surveillance.monitoring.tests import factories as cards
from fangkong.surveillance.monitoring.tests.factories import AT, World
from fangkong.surveillance.screening import actions as screening
from fangkong.surveillance.screening.models import Exposure
from fangkong.surveillance.screening.types import ExposureFacts, VisitFacts
from fangkong.surveillance.sweeps import actions as sweeps
from fangkong.surveillance.sweeps.models import Household, Sweep
from fangkong.surveillance.sweeps.types import DoorFacts, IllFacts
from fangkong.surveillance.testing import actions as testing
from fangkong.surveillance.testing.types import RequestFacts
from fangkong.surveillance.warning import actions as warning
from fangkong.surveillance.warning.tests import factories as signals
from fangkong.tasks import actions as tasks
from fangkong.tasks.tests.factories import assigned
from fangkong.tasks.types import PROOF

from .kept import as_text, places_of

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]

NAME, WORDS, PHONE = "金丝雀卓玛", "金丝雀巷七号", "13877770007"
CANARIES = frozenset({NAME, "金丝雀", "jinsique", WORDS, PHONE})
DAY = timedelta(days=1)


@dataclass
class Made:
    """A row with canaries in it, and when nothing of it may be left."""

    row: Model
    over_at: datetime


Maker = Callable[[World], Made]
makers: dict[str, Maker] = {}


def maker(label: str) -> Callable[[Maker], Maker]:
    def register(make: Maker) -> Maker:
        makers[label] = make
        return make

    return register


def term(row: Model) -> timedelta:
    return timedelta(days=type(row).retention.days)


def someone(world: World, **facts: Any) -> Person:
    number = people.resident_id("513326", order=7)
    said = {"name": NAME, "documents": [number], "phones": [people.PhoneNumber(PHONE, note=WORDS)]}
    said |= {"address_detail": WORDS, "workplace": WORDS, "guardian_name": NAME, "ethnicity": WORDS}
    return people.person(world.daofu, **said, **facts)


@maker("people.Person")
def a_contact(world: World) -> Made:
    row = someone(world)
    return Made(row, AT + term(row))


@maker("people.NamePart")
def a_part_of_a_name(world: World) -> Made:
    person = someone(world)
    row = NamePart.objects.get(person=person, part__startswith="jinsique")
    return Made(row, AT + term(person))


@maker("people.IdentityDocument")
def a_document(world: World) -> Made:
    row = someone(world)
    return Made(row.documents.get(), AT + term(row))


@maker("people.Phone")
def a_phone(world: World) -> Made:
    row = someone(world)
    return Made(row.phones.get(), AT + term(row))


@maker("surveillance.Case")
def a_case(world: World) -> Made:
    patient = {"name": NAME, "phone": PHONE, "address": WORDS, "id_number": cards.id_number(7)}
    row = cards.actions.report(
        person=cards.person(7, **patient),
        case=cards.facts(remark=WORDS, origin_place=WORDS),
        facility=world.hospital,
        area=world.town,
        by=world.clinician,
        at=AT,
    )
    return Made(row, AT + term(row))


@maker("surveillance.Specimen")
def a_surface_that_is_tested(world: World) -> Made:
    bench = facility(world.kangding, "甘孜州疾控中心检验所", kind="laboratory")
    said = {"condition": "covid-19", "group": "surfaces", "specimen_type": "environment"}
    row = testing.request(
        facts=RequestFacts(**said, site=WORDS),
        person=None,
        facility=world.hospital,
        laboratory=bench,
        by=world.clinician,
        at=AT,
    )
    return Made(row, AT + term(row))


def exposed(world: World) -> Exposure:
    """Somebody of Daofu who was with a case."""
    by, case = world.daofu_cdc, cards.case(world, 7)
    return screening.expose(
        case=case,
        facts=ExposureFacts(
            kind="lived-or-worked",
            first_date=AT.date() - DAY,
            last_date=AT.date() - DAY,
            place=WORDS,
        ),
        stated=Registration(name="次仁", area=world.daofu),
        by=by,
        at=AT,
    )


@maker("surveillance.Exposure")
def a_contact_that_was_withdrawn(world: World) -> Made:
    row = screening.withdraw(exposure=exposed(world), reason=WORDS, by=world.daofu_cdc, at=AT)
    return Made(row, AT + term(row))


@maker("surveillance.Observation")
def an_observation_that_was_ended(world: World) -> Made:
    watch = exposed(world).observation
    assert watch is not None
    row = screening.end(observation=watch, ending="error", reason=WORDS, by=world.daofu_cdc, at=AT)
    return Made(row, AT + term(row))


@maker("surveillance.Visit")
def a_visit(world: World) -> Made:
    watch = exposed(world).observation
    assert watch is not None
    facts = VisitFacts(temperature=366, note=WORDS)
    row = screening.visit(observation=watch, facts=facts, by=world.daofu_cdc, at=AT)
    return Made(row, AT + term(row))


def arrived(world: World) -> Arrival:
    """Somebody who came to Daofu from Hubei."""
    said = {
        "full-name": "次仁", "staying-at": f"道孚县{WORDS}", "came-from": "湖北省武汉市",
        "left-on": "2020-02-01", "symptoms": "yes", "care-needs": WORDS,
    }  # fmt: skip
    facts = ArrivalFacts(answers=said, temperature=378)
    return arrivals.register(facts=facts, county=world.daofu, by=world.daofu_cdc, at=AT)


@maker("surveillance.Arrival")
def an_arrival(world: World) -> Made:
    row = arrivals.withdraw(arrival=arrived(world), reason=WORDS, by=world.daofu_cdc, at=AT)
    return Made(row, AT + term(row))


@maker("surveillance.Answer")
def an_answer_of_an_arrival(world: World) -> Made:
    row = arrived(world).answers.get(question="care-needs")
    return Made(row, AT + term(row))


def swept(world: World) -> tuple[Sweep, Household]:
    """A sweep over a cell of Daofu with one door."""
    days = {"first_date": AT.date(), "last_date": AT.date()}
    sweep = sweeps.begin(title="排查", cells=[world.town], **days, by=world.daofu_cdc, at=AT)
    sweeps.add_households(cell=world.town, doors=WORDS, by=world.daofu_cdc, at=AT)
    return sweep, Household.objects.get()


@maker("surveillance.Household")
def a_door(world: World) -> Made:
    _sweep, row = swept(world)
    return Made(row, AT + term(row))


@maker("surveillance.DoorVisit")
def a_visit_of_a_door(world: World) -> Made:
    sweep, home = swept(world)
    facts = DoorFacts(outcome="registered", residents=7, note=WORDS)
    row = sweeps.visit(sweep=sweep, household=home, facts=facts, by=world.daofu_cdc, at=AT)
    return Made(row, AT + term(row))


@maker("surveillance.Finding")
def somebody_ill_behind_a_door(world: World) -> Made:
    sweep, home = swept(world)
    facts = IllFacts(name="次仁", symptoms=("fever",), temperature=387)
    row = sweeps.find_ill(sweep=sweep, household=home, facts=facts, by=world.daofu_cdc, at=AT)
    return Made(row, AT + term(row))


@maker("surveillance.Signal")
def a_signal(world: World) -> Made:
    row = warning.verify(signal=signals.raised(world.daofu), by=world.daofu_cdc, at=AT)
    row = warning.answer(
        signal=row, outcome="false_alarm", note=WORDS, by=world.daofu_cdc, at=AT + DAY
    )
    return Made(row, AT + DAY + term(row))


@maker("surveillance.Investigation")
def an_investigation(world: World) -> Made:
    signal = signals.raised(world.daofu)
    found = signals.answered(signal, world.daofu_cdc, at=AT).investigation
    said = signals.found_on_site(source=WORDS, measures=WORDS)
    found = warning.report_findings(
        investigation=found, findings=said, by=world.daofu_cdc, at=AT + DAY
    )
    row = warning.conclude(
        investigation=found,
        conclusion="outbreak",
        reason=WORDS,
        by=world.daofu_cdc,
        at=AT + 2 * DAY,
    )
    return Made(row, AT + 2 * DAY + term(row))


@maker("tasks.Task")
def a_task(world: World) -> Made:
    said = {"params": {"text": WORDS}, "note": WORDS}
    cancelled = assigned(world.daofu, by=world.daofu_cdc, **said)
    tasks.cancel(task=cancelled, reason=WORDS, by=world.daofu_cdc, at=AT)
    row = tasks.finish(
        task=assigned(world.daofu, **said), proof=WORDS, by=world.daofu_cdc, at=AT, files=()
    )
    return Made(row, AT + term(row))


@maker("core.StoredFile")
def a_photo(world: World) -> Made:
    name, content = f"{NAME}.pdf", samples.PDF + NAME.encode()
    file = files.upload(
        use=PROOF,
        content=files.look_at(use=PROOF, content=SimpleUploadedFile(name, content), name=name),
        by=world.daofu_cdc,
        at=AT,
    )
    task = assigned(world.daofu)
    tasks.finish(
        task=task, proof="photographed on the spot", by=world.daofu_cdc, at=AT, files=[file]
    )
    file.refresh_from_db()
    assert file.path.is_file()
    return Made(file, AT + term(task))


@maker("core.ImportChunk")
def rows_of_a_file(world: World) -> Made:
    wrong = cards.line(7, name=NAME, phone=PHONE, address=WORDS, diagnosed_at="nonsense")
    run = cards.uploaded(world, wrong)
    return Made(run.chunks.get(), AT + timedelta(days=7))


@maker("core.Following")
def an_address_for_notices(world: World) -> Made:
    channel = notices.add_channel(
        label="mail", way="mail", url="", secret="", by=world.headquarters, at=AT
    )
    row = notices.follow(
        channel=channel,
        address="jinsique@example.org",
        kinds=["tasks.assigned"],
        only_urgent=False,
        by=world.daofu_cdc,
        at=AT,
    )
    accounts.set_active(user=world.daofu_cdc, active=False, by=world.headquarters, at=AT)
    return Made(row, AT)


@maker("accounts.User")
def a_phone_of_staff(world: World) -> Made:
    row = world.daofu_cdc
    row.phone = PHONE
    row.save()
    accounts.set_active(user=row, active=False, by=world.headquarters, at=AT)
    return Made(row, AT + term(row))


@maker("accounts.SignIn")
def a_sign_in(world: World) -> Made:
    origin = Origin("jinsique-address-key", "192.0.2.0/24", "jinsique browser")
    return Made(row := sign_in.begin(username="x", origin=origin, at=AT), AT + term(row))


@maker("accounts.EmergencyAccess")
def an_emergency(world: World) -> Made:
    someone(world)
    row = emergency.open_(
        kind="document",
        number=people.resident_id("513326", order=7).number,
        reason=f"{WORDS} unconscious",
        by=world.clinician,
        at=AT,
    )
    emergency.sign_off(
        access=row, justified=False, finding=WORDS + WORDS, by=world.auditor, at=AT + DAY
    )
    return Made(row, AT + timedelta(hours=2) + term(row))


@maker("people.DataRequest")
def a_request(world: World) -> Made:
    person = people.person(world.daofu)
    said = {"kind": "copy", "asker": "self", "proof": "card", "words": WORDS}
    row = requests.receive(person=person, by=world.daofu_cdc, at=AT, **said)
    row = requests.refuse(request=row, answer=WORDS, by=world.headquarters, at=AT + DAY)
    return Made(row, AT + DAY + term(row))


def entered_twice(world: World) -> tuple[Pair, Person]:
    one, other = someone(world), people.person(world.daofu, name=f"{NAME}一", documents=())
    return twice.pair(one, other, AT), one


@maker("people.Pair")
def a_pair_of_two_persons(world: World) -> Made:
    pair, one = entered_twice(world)
    return Made(twice.apart(pair, world.daofu_cdc, AT), AT + term(one))


@maker("people.Merge")
def two_records_joined(world: World) -> Made:
    pair, one = entered_twice(world)
    return Made(twice.merge(pair, one, world.daofu_cdc, AT, "name"), AT + term(one))


@pytest.fixture
def world(settings, tmp_path, monkeypatch) -> World:
    settings.FANGKONG_AREA = "513300"
    settings.MEDIA_ROOT, settings.FANGKONG_DATA = tmp_path / "media", tmp_path
    cache.clear()
    return World()


def night(at: datetime) -> None:
    """The jobs of a night that destroy something, after the night before it."""
    nights.note(at - DAY)
    retention_jobs.destroy(0, at, lambda *_: None)
    import_jobs.forget(at)
    file_jobs.orphans(at)
    file_jobs.sweep(at)


def stored(row: Model) -> set[str]:
    """What the personal columns of a row hold in the database, as it lies there."""
    columns = [row._meta.get_field(name).column for name in queries.personal(type(row))]
    table = row._meta.db_table
    with connection.cursor() as cursor:
        said = ", ".join(f'"{column}"' for column in columns)
        cursor.execute(f'SELECT {said} FROM "{table}" WHERE id = %s', [row.pk])
        found = cursor.fetchone() or ()
    texts = {as_text(value) for value in found if value is not None}
    return {text for text in texts if len(text) > 5}


def with_terms() -> list[str]:
    return sorted(
        model._meta.label
        for model in apps.get_models()
        if isinstance(vars(model).get("retention"), Retention)
    )


def test_every_table_with_a_term_is_proven_here():
    """A table of a room built later that is not named here fails; so does one that is gone."""
    assert sorted(makers) == with_terms()


@pytest.mark.parametrize("label", sorted(makers))
def test_nothing_of_the_person_is_left_anywhere_after_the_term(world, label):
    made = makers[label](world)
    searched = CANARIES | stored(made.row)
    if label != "core.Following":  # its choice ends at once, with the account
        assert stored(made.row)
        night(made.over_at - DAY)
        assert places_of(searched), "a day too early, or the canaries were never there"

    night(made.over_at + DAY)

    # Whoever was named in an emergency or a task is still in the register, for a term of its own.
    night(made.over_at + timedelta(days=4000))
    assert places_of(searched) == set()


def test_the_search_is_not_blind(world):
    """The same search where one room forgets its duty: a phone whose person is emptied alone."""
    person = someone(world)
    shadow = stored(person.phones.get())

    actions.destroy(model=Person, ids=[person.pk], by=None, at=AT)

    left = {place for place, _canary in places_of(CANARIES | shadow)}
    assert left == {"people_phone.number", "people_phone.number_index", "people_phone.note"}
    assert Phone.objects.get().number == PHONE


def test_a_row_that_cannot_be_emptied_does_not_keep_the_others(world, monkeypatch, caplog):
    """One bad row in a batch: the others go, it stays due and is named in the log by its key."""
    bad = someone(world)
    good = people.person(world.daofu, name="好人", documents=(), phones=())
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    destroy = actions.destroy

    def fails(*, model, ids, **more):
        if bad.pk in ids and model is Person:
            raise actions.DatabaseError("refused")
        destroy(model=model, ids=ids, **more)

    monkeypatch.setattr(actions, "destroy", fails)
    done = actions.destroy_due(at=AT + timedelta(days=61))

    assert done["people.Person"] == 1
    assert Person.objects.get(pk=good.pk).name.startswith("~")
    assert Person.objects.get(pk=bad.pk).name == NAME
    assert [record.row for record in caplog.records if record.message == "not destroyed"] == [
        bad.pk
    ]
