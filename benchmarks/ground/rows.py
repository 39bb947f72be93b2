"""The invented rows of a large database, and the staff who look at them."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

from benchmarks.ground.databases import Bare, Size, load

FIRST, DAYS = datetime(2020, 2, 1, tzinfo=UTC), 1_060  # almost three years
COUNTY, CONDITION = "513326", "influenza"
CONDITIONS = (("covid-19", 2), (CONDITION, 24), ("measles", 24))

# Names as they are: some surnames and words stand in many of them.
SURNAMES = "王李张刘陈杨赵黄周吴徐孙马朱胡郭何林高罗"
GIVEN = "伟芳娜敏静丽强磊军洋勇艳杰娟涛明超秀霞平刚桂西吉旦登曲真措姆巴初德华建国文斌红梅"
WORDS = (
    *("扎西", "德吉", "卓玛", "次仁", "多吉", "央金", "白玛", "曲珍", "丹增", "格桑", "泽仁"),
    *("仁青", "洛桑", "益西", "拉姆", "尼玛", "达瓦", "旺堆", "降措", "邓珠", "阿旺", "索朗"),
)


def fill(size: Size) -> None:
    """Areas, three members of staff, persons with document and phone, cases, counts, the trail."""
    from django.core.management import call_command
    from django.db import transaction

    from fangkong.core.audit.models import AuditLine, Sight
    from fangkong.people import name_parts
    from fangkong.people.models import IdentityDocument, NamePart, Person, Phone
    from fangkong.surveillance.monitoring.models import Case, CountChange, DailyCount

    call_command("places", verbosity=0)
    users = make_staff()
    tables = (
        Person,
        NamePart,
        IdentityDocument,
        Phone,
        Case,
        CountChange,
        DailyCount,
        AuditLine,
        Sight,
    )
    with transaction.atomic(), Bare(*tables):
        counties = county_keys()
        make_persons(size.persons, counties)
        name_parts.rebuild()
        make_cases(size.cases, counties)
        make_counts()
        make_trail(size, users)


def make_staff() -> list[int]:
    """The headquarters, a county's CDC, a hospital."""
    from fangkong.accounts.models import Appointment, User
    from fangkong.core.record import stamps
    from fangkong.places.models import Area, Facility

    day = date(2019, 1, 1)
    found = []
    for name, role, code in (
        ("headquarters", "headquarters", "513300"),
        ("county", "county_cdc", COUNTY),
        ("auditor", "auditor", "513300"),
    ):
        user = User.objects.create(username=name, name=name, created_at=FIRST)
        area = Area.objects.filter(code=code).latest("valid_from")
        Appointment.objects.create(
            user=user, role=role, area=area, valid_from=day, **stamps(None, FIRST)
        )
        found.append(user.pk)
    Facility.objects.create(
        area=Area.objects.filter(code=COUNTY).latest("valid_from"),
        name_zh="州人民医院",
        kind="hospital",
        created_at=FIRST,
        changed_at=FIRST,
    )
    return found


def county_keys() -> list[tuple[int, str]]:
    from fangkong.places import queries as places

    return [(one.pk, one.code) for one in places.counties_of_home(date(2022, 12, 31))]


def names(count: int) -> Iterator[str]:
    """Invented names, the same each time; two of three are Tibetan."""
    dice = random.Random(2020)
    for n in range(count):
        if n % 3:
            yield dice.choice(WORDS) + dice.choice(WORDS)
        else:
            yield dice.choice(SURNAMES) + "".join(dice.choices(GIVEN, k=1 + n % 2))


def phone_of(n: int) -> str:
    return f"138{n:08d}"


def document_of(n: int) -> str:
    """A well-formed number of an identity card."""
    from fangkong.people.rules import check_digit

    born = date(1930, 1, 1) + timedelta(days=n % 30_000)
    number = f"513326{born:%Y%m%d}{n // 30_000:03d}"
    return number + check_digit(number)


def moment(at: datetime) -> str:
    from django.db import connection

    return f"{at:%Y-%m-%d %H:%M:%S}" + ("+00" if connection.vendor == "postgresql" else "")


def key(kind: int, n: int) -> str:
    return (
        f"{kind:08x}-0000-7000-8000-{n:012x}"
        if _postgresql()
        else f"{kind:08x}00007000{0x8000:04x}{n:012x}"
    )


def _postgresql() -> bool:
    from django.db import connection

    return connection.vendor == "postgresql"


def make_persons(count: int, counties: list[tuple[int, str]]) -> None:
    """Each in a county, with a document and a phone whose numbers are found by their index."""
    from fangkong.core.sealing.fields import index_of
    from fangkong.people.models import IdentityDocument, Person, Phone
    from fangkong.people.rules import spelled

    stamp = moment(FIRST)
    known: dict[str, tuple[str, str]] = {}

    def persons() -> Iterator[tuple[Any, ...]]:
        for n, name in enumerate(names(count), 1):
            if name not in known:
                known[name] = spelled(name)
            born = date(1930, 1, 1) + timedelta(days=n % 30_000)
            county = counties[n * 7919 % len(counties)][0]
            made = (n, key(1, n), stamp, stamp, name, *known[name], str(1 + n % 2))
            yield (*made, born.isoformat(), "", "", "", "", "", True, county, county)

    columns = ["id", "public_id", "created_at", "changed_at", "name", "name_pinyin"]
    columns += ["name_initials", "sex", "birth_date", "occupation", "workplace", "guardian_name"]
    columns += ["ethnicity", "address_detail", "synthetic", "area_id", "county_id"]
    load(Person, columns, persons())
    shared = ["id", "public_id", "created_at", "changed_at", "person_id", "kind", "number"]
    # Sealed numbers are never opened by a search: the ciphertext is left out, its index is real.
    load(
        IdentityDocument,
        [*shared, "issued_by", "number_index"],
        (
            (n, key(2, n), stamp, stamp, n, "resident_id", "", "", index)
            for n, index in _indexed(index_of, IdentityDocument, document_of, count)
        ),
    )
    load(
        Phone,
        [*shared, "note", "number_index"],
        (
            (n, key(3, n), stamp, stamp, n, "own", "", "", index)
            for n, index in _indexed(index_of, Phone, phone_of, count)
        ),
    )


def _indexed(index_of: Any, model: Any, number_of: Any, count: int) -> Iterator[tuple[int, str]]:
    for n in range(1, count + 1):
        yield n, index_of(model, "number_index", [number_of(n)])[0]


def make_cases(count: int, counties: list[tuple[int, str]]) -> None:
    """In the order of their reports, as in life; the newest hundredth is not reviewed yet."""
    from fangkong.places.models import Facility
    from fangkong.surveillance.monitoring.models import Case

    facility = Facility.objects.get(name_zh="州人民医院").pk
    dice = random.Random(2021)
    step = timedelta(days=DAYS) / count

    def cases() -> Iterator[tuple[Any, ...]]:
        for n in range(1, count + 1):
            reported = FIRST + n * step
            county, code = dice.choice(counties)
            condition, hours = dice.choice(CONDITIONS)
            diagnosed = reported - timedelta(hours=hours * (1.5 if n % 10 == 0 else 0.5))
            onset = (diagnosed - timedelta(days=dice.randrange(1, 9))).date().isoformat()
            new = n > count - count // 100
            at = moment(reported)
            made = (n, key(4, n), at, at, f"{code}-{reported.year}-{n:06d}", n, county, county)
            judged = (facility, condition, "cn-2020-01", dice.choice(["confirmed", "suspected"]))
            clocks = (
                *(onset, moment(diagnosed), at),
                moment(diagnosed + timedelta(hours=hours)),
                "waiting" if new else "accepted",
                moment(reported + timedelta(hours=hours)),
                None if new else moment(reported + timedelta(hours=1)),
            )
            yield (*made, *judged, *clocks, f"{n:064d}", True, *[""] * 7, "unknown")

    columns = ["id", "public_id", "created_at", "changed_at", "number", "person_id", "area_id"]
    columns += ["county_id", "facility_id", "condition", "definition", "case_class", "onset_date"]
    columns += ["diagnosed_at", "reported_at", "report_due_at", "review_state", "review_due_at"]
    columns += ["reviewed_at", "card_print", "synthetic", "severity", "course", "relation"]
    columns += ["doctor", "origin_place", "remark", "review_reason", "origin"]
    load(Case, columns, cases())


def make_counts() -> None:
    """The ledger of changes and its sums, as reporting the cases would have left them."""
    from django.db import connection

    from fangkong.surveillance.monitoring.models import Case, CountChange, DailyCount

    case, change, count = (m._meta.db_table for m in (Case, CountChange, DailyCount))
    zone = "({0} AT TIME ZONE 'Asia/Shanghai')::date" if _postgresql() else "date({0}, '+8 hours')"
    days = {
        "onset": "onset_date",
        "diagnosed": zone.format("diagnosed_at"),
        "reported": zone.format("reported_at"),
    }
    cell = "county_id, condition, basis, day, case_class, definition"
    with connection.cursor() as cursor:
        for basis, day in days.items():
            cursor.execute(
                f"INSERT INTO {change} ({cell}, delta, at, case_id) SELECT county_id, condition, "
                f"'{basis}', {day}, case_class, definition, 1, reported_at, id FROM {case}"
            )
        cursor.execute(
            f"INSERT INTO {count} ({cell}, n) SELECT {cell}, sum(delta) FROM {change} "
            f"GROUP BY {cell}"
        )


def make_trail(size: Size, users: list[int]) -> None:
    """Lines of the trail and views of persons, a second apart."""
    from fangkong.core.audit.models import AuditLine, Sight

    def lines() -> Iterator[tuple[Any, ...]]:
        for n in range(1, size.lines + 1):
            case = 1 + n * 7919 % size.cases
            at = moment(FIRST + timedelta(seconds=60 * n))
            told = (at, users[n % 2], "surveillance.monitoring.review", "surveillance.case", case)
            yield *told, key(4, case), "", "{}", "", "", "done"

    def sights() -> Iterator[tuple[Any, ...]]:
        for n in range(1, size.lines + 1):
            at = moment(FIRST + timedelta(seconds=60 * n))
            person = 1 + n * 7919 % 5_003
            told = (at, users[n % 2], "opened", "people.person", person, "people.detail")
            yield *told, "", "", ""

    # The database numbers them: loading the areas has left lines already.
    columns = ["at", "by_id", "action", "subject_type", "subject_id", "subject_public_id"]
    load(AuditLine, [*columns, "reason", "detail", "request_id", "ip", "result"], lines())
    columns = ["at", "by_id", "how", "subject_type", "subject_id", "place", "reason"]
    load(Sight, [*columns, "request_id", "ip"], sights())
