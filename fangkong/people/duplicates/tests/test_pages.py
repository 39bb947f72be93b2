"""The pages and the API: who sees which pair, what is chosen and refused, where the way goes."""

from __future__ import annotations

import json
from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import connection
from django.urls import reverse
from django.utils.translation import override

from fangkong.core import clock
from fangkong.core.audit.models import Sight
from fangkong.core.permissions import Scope
from fangkong.core.queue.models import Job
from fangkong.core.roles import Role
from fangkong.core.walls.reach import reaching
from fangkong.people import actions as people
from fangkong.people.duplicates import finding, queries
from fangkong.people.duplicates.forms import MergeForm
from fangkong.people.duplicates.models import Merge, Pair, Run
from fangkong.people.models import Person
from fangkong.people.tests.factories import AT, staff
from fangkong.people.tests.factories import person as entered
from fangkong.places.tests.factories import world as places

from . import factories as two

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]
HOUR = timedelta(hours=1)
HTML = {"HTTP_ACCEPT_LANGUAGE": "en"}


@pytest.fixture(autouse=True)
def house(settings, monkeypatch):
    monkeypatch.setattr(clock, "now", lambda: AT)
    settings.FANGKONG_AREA = "513300"
    with override("en"):
        yield


class House:
    """Two records in Daofu, one more in Kangding, and whoever judges them or may not."""

    def __init__(self):
        self.areas = areas = places()
        self.town = areas["513326100"]
        self.kept = entered(self.town, phones=[two.phone(1)])
        facts = {"documents": [], "phones": [two.phone(2)], "workplace": "鲜水镇小学"}
        self.gone = entered(self.town, name="扎西得吉", **facts)
        self.far = entered(areas["513301"], name="扎西德吉", documents=[], phones=[two.phone(1)])
        self.pair = two.pair(self.kept, self.gone, AT)
        self.across = two.pair(self.kept, self.far, AT, weight=9_500)
        self.daofu = staff(Role.COUNTY_CDC, areas["513326"])
        self.kangding = staff(Role.COUNTY_CDC, areas["513301"])
        self.prefecture = staff(Role.HEADQUARTERS, areas["513300"])
        self.hospital = staff(Role.WARD_STAFF, areas["513326"])


@pytest.fixture
def here(db):
    return House()


def page(name, record):
    return reverse(f"people:duplicates:{name}", args=[record.public_id])


def text(answer):
    return answer.content.decode()


def joining(pair, keep, **take):
    """What the page's form sends: every field from the kept record, but for ``take``."""
    fresh = Pair.objects.select_related("one", "other").get(pk=pair.pk)
    form = MergeForm(pair=fresh)
    said = {f"merge-from_{name}": str(keep.public_id) for name in form.differing}
    said |= {f"merge-from_{name}": str(one.public_id) for name, one in take.items()}
    told = {"merge-keep": str(keep.public_id), "merge-state": queries.state_of(fresh)}
    return {**said, **told, "merge-reason": two.WHY, "_key": str(uuid4())}


def test_a_county_judges_its_own_and_the_prefecture_those_across(client, here):
    client.force_login(here.daofu)
    listed = text(client.get(reverse("people:duplicates:index"), **HTML))
    assert str(here.pair.public_id) in listed and str(here.across.public_id) not in listed
    assert client.get(page("detail", here.pair)).status_code == 200
    assert client.get(page("detail", here.across)).status_code == 404
    person = text(client.get(here.kept.get_absolute_url(), **HTML))
    assert here.pair.get_absolute_url() in person and "once in another county" in person
    assert str(here.far.public_id) not in person

    client.force_login(here.kangding)
    assert client.get(page("detail", here.pair)).status_code == 404
    assert client.post(page("merge", here.pair), joining(here.pair, here.kept)).status_code == 404
    assert str(here.pair.public_id) not in text(client.get(reverse("people:duplicates:index")))
    assert "once in another county" in text(client.get(here.far.get_absolute_url(), **HTML))

    client.force_login(here.prefecture)
    listed = text(client.get(reverse("people:duplicates:index"), **HTML))
    assert str(here.pair.public_id) in listed and str(here.across.public_id) in listed
    across = reverse("people:duplicates:index") + "?county=across"
    assert str(here.pair.public_id) not in text(client.get(across))
    client.force_login(here.hospital)
    assert client.get(reverse("people:duplicates:index")).status_code == 403
    assert client.get(page("detail", here.pair)).status_code == 403


def test_the_wall_holds_pairs_and_merges_back_even_where_the_query_forgets(here):
    """PostgreSQL itself; SQLite has no rows' security."""
    joined = two.merge(here.pair, here.kept, here.daofu, AT)
    theirs = Scope(county_ids=frozenset({here.areas["513301"].pk}))
    with reaching(lambda: (theirs, here.kangding.pk)):
        seen = (list(Pair.objects.all()), list(Merge.objects.all()))

    if connection.vendor == "postgresql":
        assert seen == ([], [])
    else:
        assert seen == ([here.pair, here.across], [joined])


def test_both_records_stand_side_by_side_masked_with_what_differs(client, here):
    client.force_login(here.daofu)

    shown = text(client.get(page("detail", here.pair), **HTML))

    assert "扎某某" in shown and "扎西" not in shown and "鲜水镇小学" not in shown
    assert "13800000001" not in shown and "138****0001" in shown
    assert shown.count(">differs<") == 4  # name, sex, birth date, workplace
    assert "Persons: " not in shown and "Identity documents: 1" in shown
    seen = set(Sight.objects.filter(by=here.daofu).values_list("subject_id", flat=True))
    assert seen == {here.kept.pk, here.gone.pk}


def test_a_merge_takes_what_was_chosen_and_its_page_leads_back(client, here):
    client.force_login(here.daofu)
    sent = joining(here.pair, here.kept, workplace=here.gone)

    answer = client.post(page("merge", here.pair), sent)

    joined = Merge.objects.get()
    assert answer.status_code == 302 and answer.url == page("merged", joined)
    assert (joined.taken, joined.kept) == (["workplace"], here.kept)
    assert client.post(page("merge", here.pair), sent).url == answer.url  # sent twice, done once
    assert Merge.objects.count() == 1
    late = client.post(page("merge", here.pair), joining(here.pair, here.gone), **HTML)
    assert late.status_code == 422 and "has been joined to another record" in text(late)
    shown = text(client.get(page("merged", joined), **HTML))
    assert "Workplace or school" in shown and "Phones: 1" in shown
    here.gone.refresh_from_db()
    sign = text(client.get(here.gone.get_absolute_url(), **HTML))
    assert here.kept.get_absolute_url() in sign and page("merged", joined) in sign
    assert page("merged", joined) in text(client.get(here.kept.get_absolute_url()))
    assert "These two records are joined" in text(client.get(page("detail", here.pair), **HTML))

    client.force_login(here.kangding)
    assert client.get(page("merged", joined)).status_code == 404
    assert client.get(here.gone.get_absolute_url()).status_code == 404
    assert client.post(page("undo", joined), {"reason": "not one"}).status_code == 404

    client.force_login(here.daofu)
    short = client.post(page("undo", joined), {"reason": "no", "_key": str(uuid4())}, **HTML)
    assert short.status_code == 422 and "4 to 400" in text(short)
    said = {"reason": "two sisters", "_key": str(uuid4())}
    assert client.post(page("undo", joined), said).status_code == 302
    assert Person.objects.get(pk=here.gone.pk).merged_into is None
    assert "two sisters" in text(client.get(page("merged", joined)))
    assert client.get(here.gone.get_absolute_url()).status_code == 200


def test_the_undo_asks_for_what_was_corrected_since(client, here):
    joined = two.merge(here.pair, here.kept, here.daofu, AT, "workplace")
    people.correct(
        person=Person.objects.get(pk=here.kept.pk),
        changes={"workplace": "县医院"},
        by=here.daofu,
        at=AT + HOUR,
    )
    client.force_login(here.daofu)
    assert "corrected_workplace" in text(client.get(page("merged", joined)))
    said = {"reason": "two sisters", "_key": str(uuid4())}
    assert client.post(page("undo", joined), said).status_code == 422

    client.post(page("undo", joined), {**said, "corrected_workplace": "put_back"})

    assert Person.objects.get(pk=here.kept.pk).workplace == ""
    assert Merge.objects.get().undone_by == here.daofu


def test_a_page_that_was_open_while_a_record_changed_is_shown_anew_and_then_counts(client, here):
    client.force_login(here.daofu)
    sent = joining(here.pair, here.kept)
    people.correct(person=here.gone, changes={"sex": "2"}, by=None, at=AT + HOUR)

    stale = client.post(page("merge", here.pair), sent, **HTML)

    assert stale.status_code == 422 and "was changed since" in text(stale)
    assert not Merge.objects.exists()
    fresh = queries.state_of(Pair.objects.select_related("one", "other").get(pk=here.pair.pk))
    assert fresh in text(stale)
    again = client.post(page("merge", here.pair), {**sent, "merge-state": fresh, "_key": "k2"})
    assert again.status_code == 302 and Merge.objects.exists()


def test_two_persons_are_said_to_be_two_with_a_reason(client, here):
    client.force_login(here.daofu)
    said = {"apart-state": two.seen(here.pair), "apart-reason": "姐妹", "_key": "k"}
    assert client.post(page("keep_apart", here.pair), said).status_code == 422
    number = {**said, "apart-reason": "电话 13800001111", "_key": "k1"}
    assert client.post(page("keep_apart", here.pair), number).status_code == 422
    assert Pair.objects.get(pk=here.pair.pk).judged_at is None

    client.post(page("keep_apart", here.pair), {**said, "apart-reason": "两姐妹同住", "_key": "k2"})

    assert Pair.objects.get(pk=here.pair.pk).judged_by == here.daofu
    assert str(here.pair.public_id) not in text(client.get(reverse("people:duplicates:index")))
    assert "two persons" in text(client.get(page("detail", here.pair), **HTML))
    assert "两姐妹同住" in text(client.get(here.kept.get_absolute_url()))


def test_who_judged_wrongly_finds_the_pair_and_takes_it_back(client, here):
    two.apart(here.pair, here.daofu, AT)
    again, listed = page("reconsider", here.pair), reverse("people:duplicates:index")
    client.force_login(here.kangding)
    assert client.post(again, {"reason": "是同一个人", "_key": "k"}).status_code == 404
    assert str(here.pair.public_id) not in text(client.get(f"{listed}?judged=apart"))
    client.force_login(here.daofu)
    assert str(here.pair.public_id) in text(client.get(f"{listed}?judged=apart"))
    assert again in text(client.get(page("detail", here.pair)))
    assert client.post(again, {"reason": "", "_key": "k1"}).status_code == 422

    done = client.post(again, {"reason": "本人来电说明", "_key": "k2"})

    assert done.url == page("detail", here.pair)
    assert str(here.pair.public_id) in text(client.get(listed))
    late = client.post(again, {"reason": "本人来电说明", "_key": "k3"}, **HTML)
    assert late.status_code == 422 and "waits to be judged already" in text(late)


def test_the_prefecture_asks_for_a_search_and_sees_how_far_it_is(client, here, monkeypatch):
    runs, new = reverse("people:duplicates:runs"), reverse("people:duplicates:new_run")
    client.force_login(here.daofu)
    assert client.post(new, {"_key": "a"}).status_code == 403

    client.force_login(here.prefecture)
    answer = client.post(new, {"_key": "a"})
    run = Run.objects.get(started_at__isnull=True)
    assert answer.url == page("run", run) and page("run", run) in text(client.get(runs))
    Job.objects.filter(name=queries.JOB).update(state="running", done=3, total=12)
    Run.objects.filter(pk=run.pk).update(started_at=AT)
    assert 'value="25"' in text(client.get(page("progress", run)))
    Job.objects.filter(name=queries.JOB).update(state="failed")
    assert "The search failed" in text(client.get(page("run", run), **HTML))
    Run.objects.filter(pk=run.pk).update(ended_at=AT)
    monkeypatch.setattr(finding, "find_spec", lambda name: None)
    said = client.post(new, {"_key": "b"}, follow=True, **HTML)
    assert "fangkong[linkage]" in text(said)


def test_the_list_asks_as_often_for_one_pair_as_for_many(
    client, here, django_assert_max_num_queries
):
    """And the page of a pair asks the same, whatever the register holds."""
    client.force_login(here.prefecture)
    client.get(reverse("people:duplicates:index"))
    for n in range(5):
        other = entered(here.town, name=f"央金{'一二三四五'[n]}", documents=[], phones=[])
        two.pair(here.kept, other, AT)
    with django_assert_max_num_queries(14):
        assert text(client.get(reverse("people:duplicates:index"))).count("/duplicates/01") >= 7


# --- For machines ---------------------------------------------------------------------------------

API = "/api/v1/people/duplicates/"


def send(client, url, body, key=None):
    return client.post(
        url,
        json.dumps(body),
        content_type="application/json",
        headers={"Idempotency-Key": key or str(uuid4())},
    )


def test_a_machine_reads_judges_joins_and_undoes(client, here):
    client.force_login(here.prefecture)
    listed = client.get(API).json()["rows"]
    assert [row["id"] for row in listed] == [str(here.pair.public_id), str(here.across.public_id)]
    assert (listed[0]["county"], listed[1]["county"]) == ("513326", "")
    assert "扎西" not in json.dumps(listed, ensure_ascii=False)

    one = f"{API}{here.pair.public_id}/"
    known = client.get(one).json()
    assert "workplace" in known["differs"] and known["obstacles"] == []
    body = {"keep": str(here.kept.public_id), "take": ["workplace"], "reason": two.WHY}
    assert send(client, f"{one}merge/", {**body, "state": "old"}).status_code == 412
    wrong = {**body, "state": known["state"], "take": ["public_id"]}
    assert send(client, f"{one}merge/", wrong).status_code == 422
    done = send(client, f"{one}merge/", {**body, "state": known["state"]}, "once")
    assert done.status_code == 201 and done.json()["moved"] == {"people.Phone.person": 1}
    again = send(client, f"{one}merge/", {**body, "state": known["state"]}, "once")
    assert again.json()["id"] == done.json()["id"] and Merge.objects.count() == 1

    gone = client.get(f"/api/v1/people/{here.gone.public_id}/")
    assert (gone.status_code, gone.json()["joined_to"]) == (308, str(here.kept.public_id))
    assert gone["Location"] == f"../{here.kept.public_id}/"
    merge = f"{API}merges/{done.json()['id']}/"
    assert client.get(f"{API}merges/").json()["rows"][0]["undone_at"] is None
    stale = client.post(
        f"{merge}undo/", json.dumps({"reason": "two sisters"}), content_type="application/json",
        headers={"Idempotency-Key": "u0", "If-Match": '"0"'},
    )  # fmt: skip
    assert stale.status_code == 412
    undone = send(client, f"{merge}undo/", {"reason": "two sisters"})
    assert undone.json()["undone_at"] is not None
    assert send(client, f"{merge}undo/", {"reason": "two sisters"}).status_code == 409
    state = client.get(one).json()["state"]
    apart = send(client, f"{one}apart/", {"state": state, "reason": "two sisters"})
    assert apart.status_code == 200 and apart.json()["judged_at"] is not None
    listed = [client.get(f"{API}?apart={n}").json()["rows"] for n in ("true", "false")]
    assert [str(here.pair.public_id) in str(rows) for rows in listed] == [True, False]
    back = send(client, f"{one}reconsider/", {"reason": "one person after all"})
    assert back.status_code == 200 and back.json()["judged_at"] is None
    assert send(client, f"{one}reconsider/", {"reason": "one person after all"}).status_code == 409

    run = send(client, f"{API}runs/", {})
    assert (run.status_code, run.json()["stage"]) == (201, "waiting")
    assert client.get(f"{API}runs/{run.json()['id']}/").json()["trigger"] == "on_demand"
    client.force_login(here.daofu)
    assert client.get(f"{API}runs/").status_code == 403
    assert client.get(f"{API}{here.across.public_id}/").status_code == 404
    client.force_login(here.kangding)
    for url in (one, merge):
        assert client.get(url).status_code == 404
