"""The second wall: with the query's own scope taken away, PostgreSQL keeps the rows apart."""

from __future__ import annotations

import pytest
from django.db import connection, transaction
from django.db.models import Q

from fangkong.config import serve
from fangkong.config.problems import CannotGoOn
from fangkong.core.imports.models import ImportChunk, ImportRun
from fangkong.core.permissions import NOWHERE, Scope
from fangkong.core.walls import policies
from fangkong.core.walls.reach import NOTHING, everything, of_request, reaching, told
from fangkong.people.models import IdentityDocument, Person, Phone
from fangkong.surveillance.models import Alarm, Case, ReportCard, Signal
from fangkong.tasks.models import Task
from tests.scope.counties import Counties

postgresql_only = pytest.mark.skipif(
    connection.vendor != "postgresql", reason="SQLite has no such wall"
)


# Tables without a wall, and why.
WITHOUT_A_PLACE = {
    "core.Following": "a member of staff's own number, for that member's own notices",
    "accounts.EmergencyAccess": "belongs to the member of staff who asked, and to the auditor",
    "core.StoredFile": "belongs to a record of any room, whose part says who sees it",
}


def test_what_is_told_holds_numbers_only():
    scope = Scope(county_ids=frozenset({3, 1}), facility_ids=frozenset({7}))

    assert told((scope, 5)) == "|1,3||7|5|"
    assert told((Scope(everywhere=True), None)) == "all|||||"
    assert told((NOWHERE, None)) == "|||||"


def test_every_table_with_persons_of_the_public_has_a_wall():
    from django.apps import apps

    walled = policies.walls()
    public = {"identity", "contact", "whereabouts", "health"}
    without = [
        model._meta.label
        for model in apps.get_models()
        if any(one.kind in public for one in vars(model).get("pii", {}).values())
        and model not in walled
        and model._meta.label not in WITHOUT_A_PLACE
    ]

    assert without == []


@pytest.fixture
def counties(db) -> Counties:
    return Counties()


def seen_by(user, at, *models) -> dict[str, set[int]]:
    """The ids that a user's requests get when the query forgets the scope."""

    class Asked:
        now = at

    Asked.user = user
    with reaching(of_request(Asked)):
        return {model.__name__: set(model.objects.values_list("pk", flat=True)) for model in models}


ALL = (
    Person,
    IdentityDocument,
    Phone,
    Case,
    ReportCard,
    Signal,
    Alarm,
    Task,
    ImportRun,
    ImportChunk,
)


def of_county(county) -> dict[str, set[int]]:
    """The ids of all rows of one county, and of what its CDC asked of others."""
    case, person = county.records["case"], county.records["person"]
    exposed, arrival = county.records["exposure"], county.records["arrival"]
    signals = Signal.objects.filter(area=county.area)
    tasks = Task.objects.filter(Q(county=county.area) | Q(created_by=county.cdc))
    return {
        # Some live nowhere yet, and are seen with what is known of them here.
        "Person": {
            *Person.objects.filter(county=county.area).values_list("pk", flat=True),
            *(exposed.person_id, arrival.person_id),
        },
        "IdentityDocument": set(person.documents.values_list("pk", flat=True)),
        "Phone": set(person.phones.values_list("pk", flat=True)),
        "Case": {case.pk},
        "ReportCard": set(case.cards.values_list("pk", flat=True)),
        "Signal": set(signals.values_list("pk", flat=True)),
        "Alarm": set(Alarm.objects.filter(signal__in=signals).values_list("pk", flat=True)),
        "Task": set(tasks.values_list("pk", flat=True)),
        "ImportRun": {county.records["import"].pk},
        "ImportChunk": set(county.records["import"].chunks.values_list("pk", flat=True)),
    }


@postgresql_only
@pytest.mark.both_databases
def test_a_county_gets_its_own_rows_where_the_query_forgets_to_ask(counties):
    from fangkong.accounts.tests.factories import AT

    for county in (counties.daofu, counties.kangding):
        own = of_county(county)
        assert all(own.values())
        assert seen_by(county.cdc, AT, *ALL) == own


@postgresql_only
@pytest.mark.both_databases
def test_a_hospital_gets_the_cases_that_it_reported_with_their_persons(counties):
    from fangkong.accounts.tests.factories import AT

    own = of_county(counties.daofu) | {"Signal": set(), "Alarm": set(), "Task": set()}
    own["Person"] = {counties.daofu.records["person"].pk}
    at_it = Task.objects.filter(facility=counties.daofu.hospital)
    own["Task"] = set(at_it.values_list("pk", flat=True))

    assert seen_by(counties.daofu.clinician, AT, *ALL) == own


@postgresql_only
@pytest.mark.both_databases
def test_the_prefecture_gets_everything_and_nobody_nothing(counties):
    from django.contrib.auth.models import AnonymousUser

    from fangkong.accounts.tests.factories import AT
    from fangkong.core.roles import Role

    headquarters = next(
        actor for actor in counties.actors() if actor.role == Role.HEADQUARTERS and actor.within
    )

    both = {
        kind: ids | of_county(counties.kangding)[kind]
        for kind, ids in of_county(counties.daofu).items()
    }
    assert seen_by(headquarters.user, AT, *ALL) == both
    nothing = {model.__name__: set() for model in ALL}
    assert seen_by(AnonymousUser(), AT, *ALL) == nothing
    assert seen_by(counties.dismissed(), AT, *ALL) == nothing


@postgresql_only
@pytest.mark.both_databases
def test_a_connection_that_says_nothing_gets_nothing(counties):
    with connection.connection.cursor() as plain:  # below Django: as a forgotten door would ask
        plain.execute("RESET fangkong.reach")
        assert plain.execute("SELECT count(*) FROM people_person").fetchone() == (0,)
        plain.execute("SELECT set_config('fangkong.reach', '', true)")
        assert plain.execute("SELECT count(*) FROM people_person").fetchone() == (0,)


@postgresql_only
@pytest.mark.django_db(transaction=True)
@pytest.mark.both_databases
def test_nothing_of_the_reach_is_left_on_the_connection():
    counties = Counties()
    with everything():
        known = sum(len(of_county(one)["Person"]) for one in (counties.daofu, counties.kangding))
        assert Person.objects.count() == known >= 2
        assert len(list(Person.objects.iterator(chunk_size=1))) == known
    with connection.connection.cursor() as plain:
        assert plain.execute("SELECT count(*) FROM people_person").fetchone() == (0,)
    with reaching(lambda: NOTHING):
        assert Person.objects.count() == 0
        assert list(Person.objects.iterator(chunk_size=1)) == []
        with transaction.atomic():
            assert list(Case.objects.iterator(chunk_size=1)) == []
            with everything():
                assert Case.objects.count() == 2
            assert Case.objects.count() == 0
    assert counties.daofu.records["case"].pk


@postgresql_only
@pytest.mark.django_db(transaction=True)
@pytest.mark.both_databases
def test_many_statements_at_once_reach_what_one_does_and_leave_nothing():
    Counties()
    pairs = [("elsewhere", pk) for pk in Person.objects.values_list("pk", flat=True)]

    def changed() -> int:
        with connection.cursor() as cursor:
            cursor.executemany("UPDATE people_person SET workplace = %s WHERE id = %s", pairs)
            return cursor.rowcount

    with reaching(lambda: NOTHING):
        assert changed() == 0
    assert changed() == len(pairs) >= 2
    with connection.connection.cursor() as plain:
        assert plain.execute("SHOW fangkong.reach").fetchone() == ("",)


@postgresql_only
@pytest.mark.both_databases
def test_a_row_moved_by_hand_is_out_of_reach_for_other_counties(counties):
    from fangkong.accounts.tests.factories import AT

    class Asked:
        user, now = counties.kangding.cdc, AT

    with reaching(of_request(Asked)):
        changed = Case.objects.filter(pk=counties.daofu.records["case"].pk).update(remark="x")

    assert changed == 0


@postgresql_only
@pytest.mark.both_databases
def test_every_wall_is_up_after_migrating(db):
    assert policies.missing("default") == []


@postgresql_only
@pytest.mark.both_databases
def test_a_database_whose_walls_are_down_is_not_served(db):
    """A migration takes them down and puts them up at its end; one that was killed had no end."""
    serve.require_database()
    policies.remove("default")

    with pytest.raises(CannotGoOn, match=r"walls around \d+ tables are down.*fangkong migrate"):
        serve.require_database()
