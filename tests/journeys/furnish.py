"""Give the demonstration a record of each kind, so that every page has something to show.

Run in a process of its own against the server's database; prints the records' addresses as JSON.
Some texts are as long as they may be, in both languages. All persons are invented.
"""

from __future__ import annotations

import json
import os
from datetime import datetime, timedelta
from typing import Any

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "fangkong.config.settings")
    import django

    django.setup()

from django.db import transaction

from fangkong.accounts.emergency import actions as emergency
from fangkong.accounts.emergency.types import finders
from fangkong.accounts.models import User
from fangkong.core import clock
from fangkong.core.audit import actions as audit
from fangkong.core.audit import queries as audit_queries
from fangkong.core.imports import actions as kit
from fangkong.core.imports.actions import FileContent
from fangkong.core.imports.models import ImportRun
from fangkong.core.imports.types import Place
from fangkong.core.notices import actions as notices
from fangkong.core.notices.models import Way
from fangkong.core.queue.models import Job
from fangkong.core.roles import Role
from fangkong.core.tokens import actions as tokens
from fangkong.core.webhooks import actions as webhooks
from fangkong.people import actions as persons
from fangkong.people.duplicates.tests import factories as twice
from fangkong.people.models import Person
from fangkong.people.requests import actions as requests
from fangkong.people.types import PhoneNumber
from fangkong.places import actions as places
from fangkong.places.models import Area, Facility
from fangkong.supplies.daily.models import DailyReport
from fangkong.supplies.models import (
    Count,
    Disclosure,
    ItemCode,
    MonthClosing,
    Move,
    Need,
    Plan,
    Release,
    Serial,
    Share,
    Supply,
    Transfer,
)
from fangkong.supplies.stock import shipping
from fangkong.supplies.stock import types as supplies
from fangkong.surveillance.arrivals import queries as arrivals
from fangkong.surveillance.arrivals.models import Arrival, Checkpoint, RiskArea
from fangkong.surveillance.bulletins import actions as bulletins
from fangkong.surveillance.bulletins.models import Bulletin, DailyReporting
from fangkong.surveillance.exchange import actions as exchange
from fangkong.surveillance.exchange.rules import Sent
from fangkong.surveillance.monitoring import imports
from fangkong.surveillance.monitoring.models import Case
from fangkong.surveillance.monitoring.tests import factories as cards
from fangkong.surveillance.screening.imports import CONTACTS
from fangkong.surveillance.screening.models import Exposure, Visit
from fangkong.surveillance.sweeps.models import Finding, Household, Sweep
from fangkong.surveillance.testing import pools
from fangkong.surveillance.testing.models import Specimen
from fangkong.surveillance.testing.types import PoolFacts, ResultFacts
from fangkong.surveillance.warning.models import DetectionRun, Investigation, Signal
from fangkong.surveillance.warning.tests import factories as signals
from fangkong.tasks import actions as tasks
from fangkong.tasks.models import Task

CARD = cards.person(5)  # whose card the finished import held
LONG_ZH = "对鲜水镇团结社区全部独居老人和慢性病患者逐户走访、测量体温、登记用药需求并当天上报"
LONG_EN = (
    "Visit every elderly person who lives alone and everybody with a chronic disease, take their "
    "temperature, write down which medicines they need"
)


def furnish(at: datetime) -> dict[str, str]:
    """A record of each kind that somebody of Daofu or the headquarters may open: kind → id."""
    hq, daofu, ward, hospital, admin = (
        User.objects.get(username=name) for name in ("hq", "daofu", "ward", "hospital", "admin")
    )
    house = Facility.objects.get(name_zh="道孚县人民医院")
    for text in (LONG_ZH, LONG_EN):
        _task(text, Area.objects.get(code="513326"), at, hq)
    case = Case.objects.filter(county__code="513326").order_by("pk")[0]
    person = case.person
    places.add_contact(facility=house, role_title="医院感染管理科值班电话", phone="0836-7120120",
                       by=hq, at=at)  # fmt: skip
    audit.report_findings(
        day=clock.day_of(at), found=[("many", daofu.pk, {"persons": 60})], by=None, at=at
    )
    channel = notices.add_channel(
        label="值班室企业微信群", way=Way.WECOM, url="https://192.0.2.1/robot", secret="",
        by=admin, at=at,
    )  # fmt: skip
    files = {f"import {state}": _id(run) for state, run in _imports(daofu, at).items()}
    looked = Visit.objects.filter(observation__ending="").earliest("pk")
    return {
        "case": _id(case),
        "person": _id(person),
        "task": _id(Task.objects.earliest("pk")),
        "long task": _id(Task.objects.latest("pk")),
        "signal": _id(Signal.objects.filter(area__code="513326").latest("pk")),
        "investigation": _id(Investigation.objects.filter(area__code="513326").latest("pk")),
        "product": _id(
            signals.written(
                Area.objects.get(code="513326"), daofu, at=at, expires_at=at + timedelta(days=9)
            )
        ),
        "run": _id(DetectionRun.objects.latest("pk")),
        "job": _id(Job.objects.latest("pk")),
        "area": _id(Area.objects.get(code="513326")),
        "facility": _id(house),
        "staff": _id(hospital),
        "appointment": _id(hospital.appointments.get()),
        "contact": _id(house.contacts.latest("pk")),
        "exposure": _id(Exposure.objects.exclude(observation=None).earliest("pk")),
        "contacts file": _id(_contacts(case, daofu, at)),
        "observation": _id(looked.observation),
        "visit": _id(looked),
        **_arrivals(at),
        **_sweep(),
        **_stock(daofu, at),
        **_sources(),
        "specimen": _id(Specimen.objects.filter(state="received", pool=None).earliest("pk")),
        **_pools(person, at),
        "bulletin": _id(_bulletin(Area.objects.get(code="513326"), daofu, at)),
        "issued bulletin": _id(Bulletin.objects.filter(state="issued").latest("pk")),
        "order": _id(DailyReporting.objects.latest("pk")),
        **_message(at),
        "finding": _id(audit_queries.findings().latest("pk")),
        "token": _id(_token(daofu, at)),
        "use": _id(_emergency(ward, at)),
        "channel": _id(channel),
        "webhook": _id(
            webhooks.subscribe(
                label="四川省传染病监测平台接口（甘孜州专用通道）",
                url="https://192.0.2.1/fangkong/receive/v1/513300/incoming-events-of-the-day",
                events_=["tasks.task_assigned"],
                by=admin,
                at=at,
            )
        ),
        **files,
        **_entered_twice(person, daofu, at),
        "request": _id(
            requests.receive(
                person=person, kind="copy", asker="self", proof="card", by=daofu, at=at
            )
        ),
        "person of a card": _id(Person.objects.filter(name=CARD.name).latest("pk")),
        "number of a card": CARD.id_number,
        "phone of a card": CARD.phone,
    }


def _sweep() -> dict[str, str]:
    """A sweep with a cell, a door, and somebody who was found ill."""
    home = Household.objects.filter(removed_at=None).earliest("pk")
    return {
        "sweep": _id(Sweep.objects.latest("pk")),
        "household": _id(home),
        "cell": _id(home.cell),
        "finding of a sweep": _id(Finding.objects.latest("pk")),
    }


def _stock(by: User, at: datetime) -> dict[str, str]:
    """A lot that the hospital of Daofu holds, with its item, place, sheet, and goods it sends."""
    move = Move.objects.filter(target__facility__area__code="513326").earliest("pk")
    coming = Transfer.objects.filter(state="sent", target=move.target).latest("pk")
    sent = shipping.prepare(
        source=move.target,
        target=coming.source,
        lines=[supplies.Leaving(item=move.item, quantity=10)],
        way=supplies.Way(carrier="州邮政（演示）"),
        synthetic=True,
        by=by,
        at=at,
    )
    shipping.dispatch(shipment=sent, by=by, at=at)
    return {
        "serial": _id(Serial.objects.filter(entry__place=move.target).latest("pk")),
        "item": _id(move.item),
        "lot": _id(move.lot),
        "entry": _id(move.entry),
        "stock place": _id(move.target),
        "plan": _id(Plan.objects.latest("pk")),
        "line": str(Share.objects.filter(plan=Plan.objects.latest("pk")).latest("pk").pk),
        "need": _id(Need.objects.filter(place__facility__area__code="513326").latest("pk")),
        "transfer": _id(sent),
        "coming transfer": _id(coming),
        "daily report": _id(DailyReport.objects.filter(county__code="513326").latest("pk")),
        "count": _id(Count.objects.filter(place__facility__area__code="513326").latest("pk")),
        "item code": _id(ItemCode.objects.latest("pk")),
        "release": _id(Release.objects.filter(place__facility__area__code="513326").latest("pk")),
        "closed month": _id(MonthClosing.objects.filter(place=move.target).latest("pk")),
    }


def _sources() -> dict[str, str]:
    """A promise to the hospital of Daofu, a gift that came there, and a report to the public."""
    mine = Supply.objects.filter(place__county__code="513326")
    return {
        "supply": _id(mine.filter(state="promised").earliest("pk")),
        "promised supply": _id(mine.filter(channel="donation").earliest("pk")),
        "report on gifts": _id(Disclosure.objects.earliest("pk")),
    }


def _arrivals(at: datetime) -> dict[str, str]:
    """An arrival, a checkpoint, an announcement, and words of look-ups at the checkpoint."""
    gate = User.objects.get(username="gate")
    arrival = Arrival.objects.filter(county__code="513326").exclude(observation=None).latest("pk")
    return {
        "arrival": _id(arrival),
        "checkpoint": _id(Checkpoint.objects.filter(county__code="513326").latest("pk")),
        "risk area": _id(RiskArea.objects.latest("pk")),
        "word of somebody": arrivals.handle_for(arrival.person, arrival.public_id, gate),
        "word of nobody": arrivals.handle_for(None, arrival.public_id, gate),
    }


def _id(record: Any) -> str:
    return str(record.public_id)


def _entered_twice(person: Person, by: User, at: datetime) -> dict[str, str]:
    """A pair, such as a search finds it as well, and two records that were joined."""
    phones = [PhoneNumber(phone.full_number) for phone in person.phones.all()]
    said: dict[str, Any] = {"birth_date": person.birth_date, "area": person.area, "phones": phones}
    again = persons.register(
        name=person.name, workplace="县客运站", synthetic=True, by=by, at=at, **said
    )
    pair = twice.pair(person, again, at)
    apart = twice.pair(*_two(person, at, "央金措"), at)
    twice.apart(apart, by, at)
    one, other = (
        persons.register(name=name, area=person.area, synthetic=True, by=by, at=at)
        for name in ("尼玛拉姆一", "尼玛拉姆二")
    )
    joined = twice.merge(twice.pair(one, other, at), one, by, at)
    return {
        "pair": _id(pair),
        "pair apart": _id(apart),
        "merge": _id(joined),
        "search": _id(pair.run),
        "number": _id(again.phones.earliest("pk")),
        "person of a number": _id(again),
    }


def _two(person: Person, at: datetime, name: str) -> list[Person]:
    """Two who are called nearly the same."""
    return [
        persons.register(name=name + n, area=person.area, synthetic=True, by=None, at=at)
        for n in "一二"
    ]


def _pools(person: Person, at: datetime) -> dict[str, str]:
    """A pool that is being filled and one with a result, two years on: allowed by then."""
    then = at + timedelta(days=731)
    hospital, lab = (User.objects.get(username=name) for name in ("hospital", "lab"))
    house, bench = (one.appointments.get().facility for one in (hospital, lab))
    made = []
    for _n in range(2):
        pool = pools.open_pool(
            facts=PoolFacts(
                condition="covid-19", rule="ten-in-one", group="mass-screening",
                specimen_type="oropharyngeal-swab",
            ),
            facility=house, laboratory=bench, synthetic=True, by=hospital, at=then,
        )  # fmt: skip
        pools.add_to_pool(pool=pool, person=person, by=hospital, at=then)
        made.append(pool)
    full = pools.close_pool(pool=made[1], by=hospital, at=then)
    full = pools.receive_pool(pool=full, by=lab, at=then)
    found = ResultFacts(method="rt-pcr", outcome="negative", tested_at=then)
    pools.enter_pool_result(pool=full, facts=found, by=lab, at=then)
    return {"open pool": _id(made[0]), "pool": _id(full)}


def _message(at: datetime) -> dict[str, str]:
    """A message of the laboratory with a result of a tube that nobody knows."""
    lab = User.objects.get(username="lab")
    sent = Sent(
        number="VTM-0042", sender_number="LIS-7", method="rt-pcr", outcome="positive",
        ct={"ORF1ab": 2150, "N": 2201}, tested_at=at,
    )  # fmt: skip
    made = exchange.take(
        channel="fhir", message_id="LIS-2020-02-05-0001", digest="0" * 64, results=[sent],
        laboratory=lab.appointments.get().facility, by=lab, at=at,
    )  # fmt: skip
    return {"message": _id(made), "sent": _id(made.results.get())}


def _contacts(case: Case, by: User, at: datetime) -> ImportRun:
    """A file of contacts with faults."""
    day = clock.day_of(at).isoformat()
    lines = [
        "姓名,联系电话,接触方式,与病例关系,首次接触日期,末次接触日期",
        f"格桑梅朵,13988887778,共同居住,家人,{day},{day}",
        f"尼玛次仁,13988887779,握手,仇人,{day},{day}",
        f"只有姓名,,共同居住,,{day},昨天",
        "",
    ]
    return kit.upload(
        kind=CONTACTS.name, content=FileContent("\n".join(lines).encode()),
        file_name="密切接触者名单.csv", place=Place(case.county_id, None, None, "道孚县"),
        options={"case": case.number}, synthetic=True, by=by, at=at,
    )  # fmt: skip


def _task(text: str, area: Area, at: datetime, by: User) -> None:
    due = at + timedelta(hours=6)
    tasks.give(text=text, area=area, role=Role.COUNTY_CDC, due_at=due, by=by, at=at, note=text)


def _bulletin(area: Area, by: User, at: datetime) -> Bulletin:
    """A draft of the county whose figures do not sum."""
    day = clock.day_of(at) - timedelta(days=1)
    draft = bulletins.prepare(area=area, condition="covid-19", day=day, by=by, at=at)
    return bulletins.change(
        bulletin=draft,
        figures={"total": draft.figures.total + 1, "cured": 0},
        remark_zh=LONG_ZH,
        remark_en=LONG_EN,
        reason="医院电话",
        by=by,
        at=at,
    )


def _token(user: User, at: datetime) -> Any:
    return tokens.make(
        user=user, label="县医院检验系统", permissions=["places.view"], may_write=False,
        expires_at=at + timedelta(days=30), by=user, at=at,
    )  # fmt: skip


def _emergency(ward: User, at: datetime) -> Any:
    """A nurse opens a patient whose number she has."""
    return emergency.open_(
        kind=finders()[0].name, number=cards.id_number(8), by=ward, at=at,
        reason="患者昏迷入院，需要立即核对既往病史和联系家属。",
    )  # fmt: skip


def _imports(by: User, at: datetime) -> dict[str, ImportRun]:
    """A file in each state: to be matched, checked with faults, imported."""
    facility = Facility.objects.get(name_zh="道孚县疾病预防控制中心")

    def sent(text: str, name: str) -> ImportRun:
        return imports.upload(
            content=imports.FileContent(text.encode()), file_name=name, facility=facility,
            by=by, at=at, synthetic=True,
        )  # fmt: skip

    def line(n: int, **changes: str) -> dict[str, str]:
        return cards.line(n, **{"diagnosed_at": "2020-02-04 09:00", **changes})

    faulty = line(2, diagnosed_at="上周三", address="不在甘孜州的某个地方", phone="123")
    ready = sent(cards.table(line(1), faulty, line(4, condition="")), "待核对报告卡.csv")
    done = sent(cards.table(line(5), line(8)), "cards-of-the-day-" + "long-" * 20 + "name.csv")
    kit.enter(run=kit.confirm(run=done, by=by, at=at), at=at)
    unknown = cards.table(line(6)).replace("疾病名称", "什么病")
    return {"ready": ready, "done": done, "matching": sent(unknown, "旧系统导出.csv")}


if __name__ == "__main__":
    with transaction.atomic():
        made = furnish(clock.now())
    print(json.dumps(made))
