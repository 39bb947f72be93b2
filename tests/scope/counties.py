"""Two counties full of records, each with names and numbers that occur nowhere else.

Daofu holds what is asked for. Kangding holds the same kinds of records, so that lists of its staff
are not empty. All persons are invented.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Any

from django.core.files.uploadedfile import SimpleUploadedFile

from fangkong.accounts.models import User
from fangkong.accounts.tests.factories import AT, appointment, staff, user
from fangkong.core.audit import actions as audit
from fangkong.core.audit import queries as audit_queries
from fangkong.core.files import actions as files
from fangkong.core.files.models import StoredFile
from fangkong.core.imports import actions as kit
from fangkong.core.queue import actions as queue
from fangkong.core.roles import Role
from fangkong.core.tokens import actions as tokens
from fangkong.people import actions as persons
from fangkong.people.duplicates.tests import factories as twice
from fangkong.people.models import Person
from fangkong.people.requests import actions as requests
from fangkong.people.rules import check_digit
from fangkong.people.types import Registration
from fangkong.places import actions as places
from fangkong.places.models import Area, Facility
from fangkong.places.tests.factories import facility, world
from fangkong.places.types import AreaFacts
from fangkong.supplies.allocation import actions as allocation
from fangkong.supplies.allocation.models import Plan
from fangkong.supplies.allocation.offices import Offered, PlanFacts, Receiver
from fangkong.supplies.daily import actions as daily
from fangkong.supplies.demand import actions as demand
from fangkong.supplies.demand.types import Span, Wanted
from fangkong.supplies.sources import actions as sources
from fangkong.supplies.sources import queries as supplies
from fangkong.supplies.sources import reports
from fangkong.supplies.sources.types import Channel, Checked, LineFacts, SupplyFacts, Verdict
from fangkong.supplies.stock import actions as stock
from fangkong.supplies.stock import closing, counting, releasing, scanning, shipping
from fangkong.supplies.stock.models import Place, Transfer
from fangkong.supplies.stock.types import Arriving, ItemFacts, Leaving, LotFacts, Papers, Way
from fangkong.surveillance.arrivals import actions as arrivals
from fangkong.surveillance.arrivals.types import ArrivalFacts, CheckpointFacts
from fangkong.surveillance.bulletins import actions as bulletins
from fangkong.surveillance.exchange import actions as exchange
from fangkong.surveillance.exchange.models import Message
from fangkong.surveillance.exchange.rules import Sent
from fangkong.surveillance.monitoring import actions as monitoring
from fangkong.surveillance.monitoring import imports
from fangkong.surveillance.monitoring.models import Case
from fangkong.surveillance.monitoring.tests import factories as cards
from fangkong.surveillance.screening import actions as screening
from fangkong.surveillance.screening.models import Exposure
from fangkong.surveillance.screening.types import ExposureFacts
from fangkong.surveillance.sweeps import actions as sweeps
from fangkong.surveillance.sweeps.models import Household
from fangkong.surveillance.sweeps.types import IllFacts
from fangkong.surveillance.testing import actions as testing
from fangkong.surveillance.testing import pools
from fangkong.surveillance.testing.models import Pool, Specimen
from fangkong.surveillance.testing.types import PoolFacts, RequestFacts
from fangkong.surveillance.warning.tests import factories as warning
from fangkong.tasks.models import Task
from fangkong.tasks.tests.factories import assigned
from fangkong.tasks.types import PROOF

DAY = AT.date()

# Roles that act for a hospital, ward, laboratory or store, not for an area.
OF_FACILITIES = frozenset(
    {Role.HOSPITAL, Role.WARD_STAFF, Role.LABORATORY, Role.STORE_KEEPER, Role.FIELD_WORKER}
)


PDF = b"%PDF-1.4\n%%EOF\n"
OF_COUNTIES_TOO = frozenset({Role.HEADQUARTERS, Role.INSPECTOR})


@dataclass(frozen=True)
class Actor:
    """Somebody who asks; ``within`` says whether Daofu lies within the office."""

    label: str
    user: User | None
    role: Role | None = None
    within: bool = False


@dataclass
class County:
    """One county with a record of each kind; ``secrets`` must not leave it."""

    area: Area
    hospital: Facility
    clinician: User
    cdc: User
    records: dict[str, Any] = field(default_factory=dict)
    numbers: dict[str, str] = field(default_factory=dict)

    def secrets(self, *left_out: str) -> Iterator[tuple[str, str]]:
        """What tells of its records: kind and text, without the kinds that are no secret."""
        for kind, record in self.records.items():
            if kind not in left_out and kind not in HOUSE_WIDE:
                yield kind, str(record.public_id)
        yield from self.numbers.items()


# Records that belong to no county; whoever may see them anywhere sees them all.
HOUSE_WIDE = frozenset(
    {
        "finding",
        "run",
        "job",
        "search",
        "order",
        "risk area",
        "cell",
        "item",
        "item code",
        "plan",
        "stock place",  # where goods can be sent to is told to whoever sends them
        "area",
        "facility",
        "contact",
        "staff",
        "appointment",
    }
)

_PLACES = {
    "513326": ("道孚县人民医院", "泽仁拉姆措", "团结街不存在的七号", "尕让登增批", 1),
    "513301": ("康定市人民医院", "旺堆次仁吉", "折多街不存在的八号", "洛绒达瓦彭", 2),
}


class Counties:
    """Daofu and Kangding in Ganzi, and whoever asks."""

    def __init__(self) -> None:
        self.areas = world()
        self.order = bulletins.order(
            condition="covid-19",
            first_day=date(2020, 2, 1),
            due_hour=9,
            basis="指挥部通知第3号",
            by=staff(Role.HEADQUARTERS, area=self.areas["513300"]),
            at=AT,
        )
        self.daofu = self._county("513326")
        self.kangding = self._county("513301")
        plan = planned(self.kangding, self.daofu)
        for county in (self.daofu, self.kangding):
            county.records["plan"] = plan

    def _county(self, code: str) -> County:
        area = self.areas[code]
        name, patient, address, row_name, n = _PLACES[code]
        town = f"{area.name_zh}城关"
        hospital = facility(area, name)
        clinician = staff(Role.HOSPITAL, facility=hospital, username=f"clinician-{code}")
        cdc = staff(Role.COUNTY_CDC, area=area, username=f"cdc-{code}")
        county = County(area, hospital, clinician, cdc)
        first = f"{code}{date(1961, 3, n):%Y%m%d}{n:03d}"
        number = first + check_digit(first)
        phone = f"1397777000{n}"
        case = monitoring.report(
            person=cards.person(
                n,
                name=patient,
                birth_date=date(1961, 3, n),
                sex="1" if n % 2 else "2",
                id_number=number,
                phone=phone,
                address=address,
            ),
            case=cards.facts(),
            facility=hospital,
            area=area,
            by=clinician,
            at=AT,
        )
        batch = imports.upload(
            content=imports.FileContent(
                cards.table(
                    cards.line(n + 2, name=row_name, address=town, diagnosed_at="nonsense"),
                    cards.line(n + 4, name=row_name, address=town),
                ).encode()
            ),
            file_name="cards.csv",
            facility=hospital,
            by=clinician,
            at=AT,
        )
        if batch.state == "waiting":
            kit.check(run=batch, by=clinician, at=AT)
        signal = warning.raised(area)
        investigation = warning.investigated(area, cdc)
        county.records = {
            "case": case,
            "person": case.person,
            "import": batch,
            "signal": signal,
            "investigation": investigation,
            "product": warning.written(area, cdc, title_zh=f"{area.name_zh}减少聚集"),
            "task": assigned(area, due_at=AT + timedelta(hours=2)),
            "run": warning.detected(DAY),
            "job": queue.enqueue("surveillance.monitoring.check", batch.pk, by=clinician, at=AT),
            "area": area,
            "facility": hospital,
            "staff": clinician,
            "appointment": clinician.appointments.get(),
        }
        county.records["contact"] = places.add_contact(
            facility=hospital, role_title="院感科", phone="0836-7123456", by=cdc, at=AT
        )
        county.records["request"] = requests.receive(
            person=case.person, kind="copy", asker="self", proof="card", by=cdc, at=AT
        )
        audit.report_findings(
            day=AT.date(), found=[("many", clinician.pk, {"persons": 60})], by=None, at=AT
        )
        county.records["finding"] = audit_queries.findings().get(by=clinician)
        county.records["token"] = tokens.make(
            user=clinician,
            label="laboratory system",
            permissions=["places.view"],
            may_write=False,
            expires_at=AT + timedelta(days=30),
            by=clinician,
            at=AT,
        )
        exposure = exposed(case, cdc, n)
        county.records["exposure"] = exposure
        county.records["observation"] = exposure.observation
        county.records |= arrived(area, cdc, n)
        county.records |= swept(area, cdc, n)
        county.records |= stocked(hospital, clinician, n)
        county.records |= supplied(county.records, clinician, n)
        yesterday = DAY - timedelta(days=1)
        report = daily.file(county=area, day=yesterday, read=None, by=cdc, at=AT)
        county.records["daily report"] = report
        county.records["specimen"] = specimen(case.person, hospital, clinician)
        county.records["message"] = message_of(hospital)
        county.records["sent"] = county.records["message"].results.get()
        county.records["pool"] = pool_of(case.person, hospital, clinician)
        county.records["order"] = self.order
        county.records["bulletin"] = bulletins.prepare(
            area=area, condition="covid-19", day=AT.date() - timedelta(days=1), by=cdc, at=AT
        )
        county.records["file"] = proof(county.records["task"], cdc)
        county.records |= entered_twice(case.person, area, cdc)
        county.numbers = {
            "name": patient,
            "number": number,
            "phone": phone,
            "address": address,
            "imported name": row_name,
        }
        return county

    def actors(self) -> Iterator[Actor]:
        """Every role over Daofu and beside it; those who oversee, over the whole prefecture too."""
        for role in Role:
            places: list[tuple[Area | Facility, bool]]
            if role == Role.FIELD_WORKER:
                posts = [one.records["checkpoint"] for one in (self.daofu, self.kangding)]
                places = [(posts[0].facility, True), (posts[1].facility, False)]
            elif role in OF_FACILITIES:
                places = [(self.daofu.hospital, True), (self.kangding.hospital, False)]
            elif role == Role.COUNTY_CDC:
                places = [(self.daofu.area, True), (self.kangding.area, False)]
            else:
                places = [(self.areas["513300"], True), (self.areas["513200"], False)]
            if role in OF_COUNTIES_TOO:
                places.append((self.kangding.area, False))
            for where, within in places:
                yield Actor(f"{role} of {where}", self._staff(role, where), role, within)

    def _staff(self, role: Role, where: Area | Facility) -> User:
        return with_password(
            staff(role, **{"area" if isinstance(where, Area) else "facility": where})
        )

    def dismissed(self) -> User:
        """Somebody of Daofu whose office ended."""
        member = with_password(user("dismissed"))
        appointment(member, Role.COUNTY_CDC, area=self.daofu.area, valid_to=date(2020, 2, 4))
        return member


def specimen(person: Person, hospital: Facility, by: User) -> Specimen:
    """A tube on its way to the hospital's own laboratory."""
    asked = RequestFacts(
        condition="covid-19", group="fever-clinic", specimen_type="oropharyngeal-swab"
    )
    made = testing.request(
        facts=asked,
        person=person,
        facility=hospital,
        laboratory=hospital,
        collected_at=AT,
        by=by,
        at=AT,
    )
    return testing.ship(specimen=made, by=by, at=AT)


def message_of(laboratory: Facility) -> Message:
    """A message with a result of a tube that nobody knows."""
    sent = Sent(number="VTM-0042", sender_number="", method="rt-pcr", outcome="negative")
    return exchange.take(
        channel="fhir",
        message_id="m-1",
        digest="0" * 64,
        results=[sent],
        laboratory=laboratory,
        by=None,
        at=AT,
    )


def pool_of(person: Person, hospital: Facility, by: User) -> Pool:
    """A tube of one person, on its way to the hospital's own laboratory; when pools are allowed."""
    then = AT + timedelta(days=731)
    facts = PoolFacts(
        condition="covid-19",
        rule="five-in-one",
        group="mass-screening",
        specimen_type="nasopharyngeal-swab",
    )
    made = pools.open_pool(facts=facts, facility=hospital, laboratory=hospital, by=by, at=then)
    pools.add_to_pool(pool=made, person=person, by=by, at=then)
    made = pools.close_pool(pool=made, by=by, at=then)
    return pools.ship_pool(pool=made, by=by, at=then)


def entered_twice(patient: Person, area: Area, by: User) -> dict[str, Any]:
    """A pair that waits to be judged, and two records that were joined."""
    one, other = (persons.register(name=name, area=area, by=by, at=AT) for name in "云月")
    joined = twice.merge(twice.pair(one, other, AT), one, by, AT)
    pair = twice.pair(patient, one, AT)
    return {"pair": pair, "merge": joined, "search": pair.run}


def exposed(case: Case, by: User, n: int) -> Exposure:
    """Somebody of the county who lived with the case, and is watched."""
    return screening.expose(
        case=case,
        facts=ExposureFacts(
            kind="lived-or-worked",
            first_date=date(2020, 2, 1),
            last_date=date(2020, 2, 4),
        ),
        stated=Registration(
            name="洛桑多吉平措" if n == 1 else "次仁顿珠旺姆",
            birth_date=date(1988, 4, n),
        ),
        by=by,
        at=AT,
    )


CODES = ("09506000134352", "09506000134376")


def stocked(hospital: Facility, by: User, n: int) -> dict[str, Any]:
    """A store with a lot of an item."""
    code = ("surgical-mask", "coverall")[n - 1]
    facts = ItemFacts(code=code, name_zh="医用外科口罩", kind="protection", unit="piece")
    item = stock.add_item(facts=facts, by=None, at=AT)
    place = stock.open_place(facility=hospital, by=by, at=AT)
    line = Arriving(item=item, quantity=100, lot=LotFacts(number=f"LOT-{n}"))
    entry = stock.receive(place=place, lines=[line], papers=Papers(), by=by, at=AT)
    lot = entry.moves.get().lot
    span = Span(first_day=AT.date(), last_day=AT.date() + timedelta(days=6), reason="一周用量")
    wanted = [Wanted(item=item, quantity=70)]
    need = demand.ask(place=place, lines=wanted, span=span, by=by, at=AT)
    count = counting.open_count(place=place, by=by, at=AT)
    other = stock.open_place(
        facility=facility(hospital.area, f"{hospital.name_zh}分院", kind="health_centre"),
        by=by,
        at=AT,
    )
    stock.receive(place=other, lines=[line], papers=Papers(), by=by, at=AT)

    def shipment(source: Place, target: Place) -> Transfer:
        lines = [Leaving(item=item, quantity=1)]
        said = {"source": source, "target": target, "lines": lines, "way": Way()}
        made = shipping.prepare(**said, by=by, at=AT)
        return shipping.dispatch(shipment=made, by=by, at=AT)

    call = {"source": place, "item": item, "quantity": 1, "to": "乡卫生院", "called_by": "指挥部"}
    taught = scanning.teach(gtin=CODES[n - 1], item=item, by=by, at=AT)
    package = replace(line, quantity=1, code=taught, serials=[f"SN-{n}"])
    came = stock.receive(place=place, lines=[package], papers=Papers(), by=by, at=AT)
    return {
        "item code": taught,
        "serial": came.serials.get(),
        "release": releasing.release(**call, by=by, at=AT),
        "closed month": closing.close_month(place=place, month=date(2020, 1, 1), by=by, at=AT),
        "item": item,
        "stock place": place,
        "entry": entry,
        "lot": lot,
        "need": need,
        "count": count,
        "transfer": shipment(place, other),
        "coming transfer": shipment(other, place),
    }


def planned(giver: County, taker: County) -> Plan:
    """A plan that shares out the goods of one county's store; it belongs to the whole house."""
    item, place = giver.records["item"], taker.records["stock place"]
    span = Span(first_day=AT.date(), last_day=AT.date() + timedelta(days=6), reason="一周用量")
    wanted = [Wanted(item=item, quantity=35)]
    demand.ask(place=place, lines=wanted, span=span, by=taker.clinician, at=AT)
    facts = PlanFacts(
        mode="by_need",
        first_day=AT.date(),
        days=7,
        items=[Offered(item=item)],
        places=[Receiver(place=place)],
    )
    store = giver.records["stock place"]
    return allocation.prepare(store=store, facts=facts, by=None, at=AT)


def supplied(records: dict[str, Any], by: User, n: int) -> dict[str, Any]:
    """Something that is offered to the store, a gift that came, and the report of it."""
    facts = SupplyFacts(
        channel=Channel.DONATION,
        place=records["stock place"],
        party="甲商会" if n == 1 else "乙商会",
    )
    lines = [LineFacts(item=records["item"], quantity=10)]
    given = sources.offer(facts=facts, lines=lines, by=by, at=AT)
    sources.accept(supply=given, by=None, at=AT)
    (line,) = supplies.lines_of(given)
    checked = [Checked(line=line, quantity=4, verdict=Verdict.FITS)]
    sources.receive(supply=given, checked=checked, papers=Papers(), by=by, at=AT)
    then = AT + timedelta(minutes=n)
    draft = reports.told(supplies.last_report(), then).digest
    told = sources.publish(read=draft, by=None, at=then)
    offered = sources.offer(facts=facts, lines=lines, by=by, at=AT)
    return {"supply": offered, "promised supply": given, "report on gifts": told}


def swept(area: Area, by: User, n: int) -> dict[str, Any]:
    """A sweep over a cell with a door, behind which somebody is ill."""
    cell = places.put_area(
        facts=AreaFacts(
            code=f"{area.code}-S1",
            level="grid",
            name_zh="第一网格",
            parent_id=area.pk,
            valid_from=DAY,
        ),
        by=None,
        at=AT,
    )
    made = sweeps.begin(title="入户排查", cells=[cell], first_date=DAY, last_date=DAY, by=by, at=AT)
    sweeps.add_households(cell=cell, doors=f"演示巷{n}号", by=by, at=AT)
    home = Household.objects.get(cell=cell)
    ill = IllFacts(name="仁青卓玛拉" if n == 1 else "多吉平措扎", symptoms=("fever",))
    found = sweeps.find_ill(sweep=made, household=home, facts=ill, by=by, at=AT)
    return {"sweep": made, "household": home, "finding of a sweep": found, "cell": cell}


def arrived(area: Area, by: User, n: int) -> dict[str, Any]:
    """A checkpoint, somebody who came through it, and an area that was announced."""
    place = facility(area, f"{area.name_zh}东检查点", kind="checkpoint")
    post = arrivals.set_up(facility=place, facts=CheckpointFacts(road="G318"), by=by, at=AT)
    said = {
        "full-name": "白玛多吉旺" if n == 1 else "格桑顿珠拉",
        "staying-at": f"{area.name_zh}城关团结巷{n}号",
        "came-from": "湖北省武汉市",
        "left-on": "2020-02-01",
        "symptoms": "no",
    }
    made = arrivals.register(facts=ArrivalFacts(answers=said), checkpoint=post, by=by, at=AT)
    risk = arrivals.announce(
        area="长沙" if n == 1 else "南昌", tier="ganzi-4-key-area", valid_from=DAY,
        source="公告", by=by, at=AT,
    )  # fmt: skip
    return {"checkpoint": post, "arrival": made, "risk area": risk}


def proof(task: Task, by: User) -> StoredFile:
    """A file that somebody gave to a task."""
    content = SimpleUploadedFile("proof.pdf", PDF)
    file = files.upload(
        use=PROOF,
        content=files.look_at(use=PROOF, content=content, name="proof.pdf"),
        by=by,
        at=AT,
    )
    files.attach(files=[file], use=PROOF, to=task, by=by, at=AT)
    return file


def with_password(member: User) -> User:
    """The same member with a password that nobody knows; making a real one is slow on purpose."""
    member.password = "argon2$unknown"
    member.save(update_fields=["password"])
    return member
