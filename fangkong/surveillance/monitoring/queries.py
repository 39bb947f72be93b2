"""What is known of cases, imports and counts, always as far as the asking user may see."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from operator import attrgetter
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.conf import settings
from django.db.models import Count, F, Max, Min, Model, Q, QuerySet, Sum
from django.http import Http404

from fangkong.core import bulk, clock
from fangkong.core.retention.queries import Duty
from fangkong.packs import queries as packs
from fangkong.packs.types import Distance, Lateness, NoPackInForce, Pack, Text, UnknownCode
from fangkong.people import queries as people
from fangkong.places import queries as places
from fangkong.places.rules import ANYWHERE, distances
from fangkong.places.types import FacilityKind, Level

from . import rules
from .cards import Found
from .facts import IN_PREFECTURE, Dwelling
from .models import KEPT_DAYS, Case, CountChange, DailyCount, ReportCard
from .types import (
    IMPORT,
    REPORT,
    REVIEW,
    VIEW,
    Basis,
    CountKey,
    CountsReport,
    DayCount,
    PlacedCase,
    ReviewState,
    SeriesBlock,
    Totals,
)

if TYPE_CHECKING:
    from fangkong.accounts.models import User
    from fangkong.core.permissions import Permission, Scoped
    from fangkong.people.models import Person
    from fangkong.places.models import Area, Facility

_NUMBER = re.compile(r"\d{6}-\d{4}-\d{1,9}", re.ASCII)
_WrongCell = tuple[CountKey, int, int]

# --- Cases ---------------------------------------------------------------------------------------


def open_to(user: User, at: datetime) -> QuerySet[Case]:
    """The cases a user may see, with all that a list shows of them."""
    return _whole(Case.objects.filter(_within(user, VIEW, at)))


def listed(user: User, at: datetime) -> QuerySet[Case]:
    """The cases that ``open_to`` gives, with the columns that the list draws and no others."""
    rows = Case.objects.filter(_within(user, VIEW, at)).select_related("person", "county")
    return rows.only(*_LISTED)


_LISTED = (
    *("public_id", "number", "condition", "definition", "case_class", "onset_date", "synthetic"),
    *("diagnosed_at", "reported_at", "report_due_at", "review_state", "review_due_at"),
    "reviewed_at",
    *("person__name", "person__restricted_at", "person__public_id"),
    *("county__name_zh", "county__name_en", "county__short_zh", "county__short_en"),
)


def open_to_revise(user: User, at: datetime) -> QuerySet[Case]:
    """The cases whose report a user may revise."""
    return _whole(Case.objects.filter(_within(user, REPORT, at)))


def person_to_report(user: User, at: datetime, public_id: UUID) -> Person | None:
    """A person of the register that a user sees, to begin a card for."""
    if not user.scope(REPORT, at):
        return None
    rows = people.open_to(user, at).select_related("area").prefetch_related("documents", "phones")
    return rows.filter(public_id=public_id).first()


def cases_of_person(person: Model, user: User, at: datetime) -> QuerySet[Case]:
    """The cases of a person that a user sees, the newest first."""
    return open_to(user, at).filter(person=person.pk).order_by("-reported_at", "-pk")


def open_to_review(user: User, at: datetime) -> QuerySet[Case]:
    """The cases that a user reviews: those of the own county, whoever reported them."""
    scope = user.scope(REVIEW, at)
    return _whole(Case.objects.filter(scope.q(county="county_id", area="area_id")))


def latest(user: User, at: datetime, limit: int = 10) -> list[Case]:
    """The cases reported last, newest first."""
    return list(open_to(user, at).order_by("-reported_at", "-pk")[:limit])


def waiting_for_review(user: User, at: datetime) -> QuerySet[Case]:
    """The cards that this user has to review, those whose time ends first in front."""
    waiting = open_to_review(user, at).filter(review_state=ReviewState.WAITING)
    return waiting.order_by("review_due_at", "pk")


def found(user: User, at: datetime, text: str) -> QuerySet[Case]:
    """The cases of a number, or of the patients that a name, pinyin, document or phone may mean.

    The patient's name is looked for among the cases open to the user; documents and phones only
    where the user may see persons.
    """
    cases = open_to(user, at).order_by("-reported_at", "-pk")
    number = text.strip()
    if _NUMBER.fullmatch(number):
        return cases.filter(number=number)
    if re.search(r"\d", number):
        return cases.filter(person__in=people.search(user, at, number))
    named = cases.filter(person__in=people.named(number))
    return named.filter(person__restricted_at__isnull=True)  # such a name is searched for no more


def patient_by_card(number: str, at: datetime) -> UUID | None:
    """The patient of exactly this number of a case, whoever asks: only for emergency access.

    The card of a case bears its number.
    """
    plain = unicodedata.normalize("NFKC", number).strip()
    if not _NUMBER.fullmatch(plain):
        return None
    found = Case.objects.filter(number=plain, person__merged_into__isnull=True)
    return found.values_list("person__public_id", flat=True).first()


def overdue(user: User, at: datetime) -> QuerySet[Case]:
    """Cases whose review has run out of time, the longest overdue first."""
    return past_review(open_to(user, at), at).order_by("review_due_at", "pk")


def past_review(rows: QuerySet[Case], at: datetime) -> QuerySet[Case]:
    """Those whose review is still waiting after its time."""
    return rows.filter(review_state=ReviewState.WAITING, review_due_at__lt=at)


def reported_late(rows: QuerySet[Case]) -> QuerySet[Case]:
    """Those that were reported after their time."""
    return rows.filter(reported_at__gt=F("report_due_at"))


@dataclass(frozen=True)
class LateReview:
    """How many cards of one kind wait in a county after their time, and what the rules say then."""

    condition: str
    case_class: str
    count: int
    first: datetime
    last: datetime
    late: Lateness


def counties_past_review(at: datetime) -> list[Area]:
    """The counties in which a review is overdue, by code."""
    rows = past_review(Case.objects.all(), at).order_by().values_list("county_id", flat=True)
    every = places.areas()
    return sorted((every[key] for key in rows.distinct()), key=attrgetter("code"))


def late_reviews(county: Area, at: datetime) -> list[LateReview]:
    """The overdue reviews of a county by disease and class, as far as the rules of today remind."""
    day = clock.day_of(at)
    try:
        pack = pack_on(day)
    except NoPackInForce:
        return []
    rows = past_review(Case.objects.filter(county_id=county.pk), at).order_by()
    found = []
    for condition, case_class, count, first, last in (
        rows.values_list("condition", "case_class")
        .annotate(n=Count("pk"), first=Min("review_due_at"), last=Max("review_due_at"))
        .order_by("condition", "case_class")
    ):
        late = rules.late_review(pack, condition, case_class, day)
        if late is not None:
            found.append(LateReview(condition, case_class, count, first, last, late))
    return found


def cards_past_review(county: Area, kind: LateReview, at: datetime) -> QuerySet[Case]:
    """The cards of one kind that wait in a county after their time, the longest overdue first."""
    rows = Case.objects.filter(
        county_id=county.pk, condition=kind.condition, case_class=kind.case_class
    )
    return past_review(rows, at).select_related("county").order_by("review_due_at", "pk")


def cases_not_late(public_ids: Collection[UUID], at: datetime) -> list[Case]:
    """Those of these cases whose review is overdue no more."""
    rows = Case.objects.filter(public_id__in=public_ids)
    late = set(past_review(rows, at).values_list("pk", flat=True))
    return [case for case in rows.order_by("pk") if case.pk not in late]


def county_is_late(county_id: int, at: datetime) -> bool:
    """Whether any review of a county is overdue."""
    return past_review(Case.objects.filter(county_id=county_id), at).exists()


def by_print(prints: Collection[str]) -> dict[str, Case]:
    """The cases of cards that are known by their digest; two statements at most."""
    found = bulk.keys_where(Case, card_print=prints)
    return {case.card_print: case for case in Case.objects.filter(pk__in=found)}


def cases_by_person(person_ids: Iterable[int]) -> dict[int, list[Case]]:
    """The cases of persons by the keys of these, the oldest first; two statements at most."""
    keys = bulk.keys_where(Case, person_id=set(person_ids))
    found: defaultdict[int, list[Case]] = defaultdict(list)
    for case in Case.objects.filter(pk__in=keys).order_by("pk") if keys else ():
        found[case.person_id].append(case)
    return dict(found)


def with_keys(keys: Collection[int]) -> list[Case]:
    """The cases of these keys, whoever asks: the caller tells nobody who they are."""
    found = bulk.keys_where(Case, id=set(keys)) if keys else []
    return list(Case.objects.filter(pk__in=found).order_by("pk")) if found else []


def case_of_illness(person_id: int, condition: str, at: datetime) -> Case | None:
    """The case of a person that a test for a disease at a moment is about.

    A test for a disease may be about any form of it, one for a form also about a case of which
    the form is not told; one for hepatitis A is not about hepatitis B.
    """
    pack = pack_on(clock.day_of(at))
    codes = {*rules.with_subtypes(pack, condition), rules.whole_condition(pack, condition)}
    near = (at - rules.SAME_ILLNESS, at + rules.SAME_ILLNESS)
    found = Case.objects.filter(person_id=person_id, condition__in=codes, diagnosed_at__range=near)
    return rules.same_illness(pack, found.order_by("pk"), condition, at)


def cards_of(case: Case) -> list[ReportCard]:
    """Every card of a case with who sent it, the newest first."""
    return list(case.cards.select_related("by").order_by("-sequence"))


def cases_of(person: Model) -> QuerySet[Case]:
    """The cases of one person, newest first; the caller has already been let to the person."""
    return _whole(Case.objects.filter(person_id=person.pk)).order_by("-reported_at", "-pk")


def persons_with_cases(ids: Collection[int]) -> set[int]:
    """Those of these persons who have a case at all: looking at them is somebody's work."""
    return set(Case.objects.filter(person_id__in=ids).values_list("person_id", flat=True))


def _whole(rows: QuerySet[Case]) -> QuerySet[Case]:
    return rows.select_related("person", "county", "facility", "area")


def patients_of(facilities: frozenset[int], user: Scoped, at: datetime) -> QuerySet[Any, Any]:
    """Ids of the persons whose cases these facilities reported, where the user sees such cases."""
    own = facilities & user.scope(VIEW, at).facility_ids
    return Case.objects.filter(facility_id__in=own).values("person_id")


def _within(user: User, permission: Permission, at: datetime) -> Q:
    scope = user.scope(permission, at)
    return scope.q(county="county_id", area="area_id", facility="facility_id")


# --- Rules in force and places --------------------------------------------------------------------


def pack_on(day: date) -> Pack:
    """The rule pack of the home area on a day; NoPackInForce where there is none."""
    return packs.in_force(settings.FANGKONG_AREA, day)


def condition_codes() -> frozenset[str]:
    """The codes of all diseases and their forms that any pack of the home area ever had."""
    here = packs.jurisdictions(settings.FANGKONG_AREA)
    return frozenset(
        code
        for pack in packs.all_packs()
        if pack.jurisdiction in here
        for row in pack.conditions
        for code in (row.code, *(form.code for form in row.subtypes))
    )


def pack_of(definition: str, day: date) -> Pack | None:
    """The pack a case was judged by, or that of the day where it is no longer there."""
    try:
        return packs.pack(definition)
    except UnknownCode:
        pass
    try:
        return pack_on(day)
    except NoPackInForce:
        return None


def area_codes() -> Mapping[int, str]:
    """The code of each area by its key; a list of cases joins no areas for it."""
    return places.codes()


def facility_ids() -> Mapping[int, UUID]:
    """The public id of each facility by its key."""
    return places.facility_ids()


def area_of(pk: int) -> Area:
    """The area of a key."""
    return places.areas()[pk]


def names_of(condition: str, day: date) -> Text:
    """What a disease is called on a day, in both languages; its code where no rules name it."""
    try:
        return packs.name(pack_on(day), condition, day)
    except (NoPackInForce, UnknownCode):
        return Text(zh=condition, en=condition)


def facility(pk: int) -> Facility:
    """The facility of a file that was let in; its sender may have lost it since."""
    return places.facility(pk)


# Who reports by law is a medical institution, an office for disease control or a laboratory; at a
# checkpoint, a school or a store somebody else writes the card.
NO_REPORTERS = frozenset(
    {
        FacilityKind.CHECKPOINT,
        FacilityKind.EMERGENCY_STORE,
        FacilityKind.HEADQUARTERS,
        FacilityKind.SCHOOL,
    }
)


def facilities_to_report_for(user: User, at: datetime) -> QuerySet[Facility]:
    """The facilities for which a user may report cases, by name."""
    return _facilities(user, REPORT, at)


def facility_to_report_for(user: User, at: datetime, public_id: UUID) -> Facility:
    """One of ``facilities_to_report_for``; Http404 where it is none of them."""
    found = places.facility_open_to(user, at, public_id, REPORT)
    if found is None or found.kind in NO_REPORTERS:
        raise Http404
    return found


def area_in(address: str, at: datetime) -> Area | None:
    """The area of the home area that an address names."""
    return places.matcher(clock.day_of(at)).match(address).area


def near(address: str, at: datetime) -> tuple[str, ...]:
    """The names of areas that an address may mean which names none of them alone."""
    return _names(places.matcher(clock.day_of(at)).match(address))


def _names(match: places.Match) -> tuple[str, ...]:
    return tuple(area.display_name for area in match.candidates[:3])


def facilities_to_import_for(user: User, at: datetime) -> QuerySet[Facility]:
    """The facilities for which a user may import files, by name."""
    return _facilities(user, IMPORT, at)


def _facilities(user: User, permission: Permission, at: datetime) -> QuerySet[Facility]:
    within = places.facilities_of(user.scope(permission, at))
    return within.exclude(kind__in=NO_REPORTERS).order_by("name_zh", "pk")


def responsible(area: Area | None, facility: Facility, day: date) -> Area:
    """Where a case counts: the address where it lies in a home county, else the facility."""
    home = {county.pk for county in places.counties_of_home(day)}
    return area if area is not None and area.county_id in home else facility.area


def dwelling(area: Area | None, facility: Facility, day: date) -> Dwelling:
    """Where an area lies, seen from a facility; anywhere where the address names no area."""
    return _dwelling(area, facility, day, places.areas(), len(places.counties_of_home(day)))


def _dwelling(
    area: Area | None, facility: Facility, day: date, every: Mapping[int, Area], counties: int
) -> Dwelling:
    """The same of areas that are known, and with so many counties in the home area."""
    home: frozenset[Distance] = frozenset({"county"}) if counties == 1 else IN_PREFECTURE
    if area is None:
        return Dwelling(home=home)
    here, there = (places.lineage(one, day, every) for one in (facility.area, area))
    return Dwelling(
        distances=distances(here, there),
        home=home,
        county=area.county_id is not None,
        names={"zh": area.name_zh, "en": area.name_en},
    )


def dwelling_of(case: Case, day: date) -> Dwelling:
    """What a case itself tells of it: it counts by its address where that lies in the home area.

    A case that counts where its facility stands may be of a patient from elsewhere.
    """
    found = dwelling(case.area, case.facility, day)
    if "county" in found.distances:
        found = replace(found, distances=ANYWHERE - {"prefecture"})
    return replace(found, home=frozenset())  # the address was known when the card came


class Gazetteer:
    """Words of a file as places: names of areas and of the facilities one may report for."""

    def __init__(self, user: User, at: datetime) -> None:
        day = self.day = clock.day_of(at)
        self.matcher = places.matcher(day)
        self.home = {county.pk for county in places.counties_of_home(day)}
        self.facilities = {f.pk: f for f in facilities_to_import_for(user, at)}
        self._by_name = {
            name.casefold(): f.pk
            for f in self.facilities.values()
            for name in (f.name_zh, f.name_en, f.org_code)
            if name
        }

    def area(self, address: str, code: str) -> Found:
        """The area of a code or of an address. Areas outside the home area are not recorded."""
        match = self.matcher.match(address)
        area = match.area
        if code:
            coded = next((a for a in self.matcher.areas.values() if a.code == code), None)
            area = coded or area
        if area is None:
            return Found(None, _names(match))
        return Found(area.pk)

    def facility(self, name: str) -> Found:
        """A facility among those that the sender may report for."""
        key = self._by_name.get(name.strip().casefold())
        near = [f.name_zh for f in self.facilities.values() if name in f.name_zh][:3]
        return Found(key, tuple(near))

    def dwelling(self, area_id: int | None, facility_id: int) -> Dwelling:
        """Where an area lies, seen from a facility; anywhere where either is not known."""
        facility, area = self.facilities.get(facility_id), self.area_named(area_id)
        if facility is None:
            return Dwelling()
        return _dwelling(area, facility, self.day, self.matcher.areas, len(self.home))

    def responsible(self, area: Area | None, facility: Facility) -> Area:
        """``responsible`` without asking for the home counties again."""
        return area if area is not None and area.county_id in self.home else facility.area

    def area_named(self, area_id: int | None) -> Area | None:
        """The area of an id that ``area`` has given."""
        return None if area_id is None else self.matcher.areas[area_id]


# --- Counts --------------------------------------------------------------------------------------


def home_counties(day: date) -> list[Area]:
    """The counties of the home area, by code; which they are is no secret."""
    return places.counties_of_home(day)


def counted_counties(user: User, at: datetime) -> list[Area]:
    """The home counties whose counts a user may see, by code.

    A hospital sees the figures of the county it stands in: sums only, while its list of cases
    stays its own.
    """
    scope = user.scope(VIEW, at)
    counties = places.counties_of_home(clock.day_of(at))
    if scope.everywhere:
        return counties
    ids: set[int | None] = set(scope.county_ids)
    if scope.facility_ids:
        standing = places.facilities_of(scope).filter(pk__in=scope.facility_ids)
        ids |= set(standing.values_list("area__county_id", flat=True))
    return [county for county in counties if county.pk in ids]


def daily_counts(
    user: User,
    at: datetime,
    *,
    condition: str,
    county_ids: Collection[int] | None = None,
    first: date,
    last: date,
    basis: str = Basis.REPORTED,
    as_of: datetime | None = None,
    classes: Collection[str] | None = None,
) -> list[DayCount]:
    """Cases of one disease (with its subtypes) by county, day and class, both days included.

    Only counties of the user's scope; ``county_ids`` narrows further. ``as_of``: what was known at
    that moment, from the ledger of changes; without it, what is known now. Cells of 0 are left
    out. ``classes``: only these case classes.
    """
    open_ids = {county.pk for county in counted_counties(user, at)}
    ids = open_ids if county_ids is None else open_ids & set(county_ids)
    cells = Q(
        basis=basis,
        condition__in=rules.with_subtypes(pack_on(last), condition),
        day__range=(first, last),
        county_id__in=ids,
    )
    if classes is not None:
        cells &= Q(case_class__in=list(classes))
    rows = _known(cells, as_of).order_by("day", "county_id", "case_class")
    return [DayCount(*row) for row in rows if row[3]]


def _known(cells: Q, as_of: datetime | None) -> QuerySet[Any, tuple[Any, ...]]:
    """County, day, class and number of the cells: kept counts, or the sum of earlier changes."""
    keys = ("county_id", "day", "case_class")
    if as_of is None:
        return DailyCount.objects.filter(cells).values_list(*keys).annotate(total=Sum("n"))
    changes = CountChange.objects.filter(cells, at__lte=as_of)
    return changes.values_list(*keys).annotate(total=Sum("delta"))


def changes_until(
    conditions: Collection[str],
    classes: Collection[str],
    county_ids: Collection[int],
    moment: datetime,
) -> QuerySet[CountChange]:
    """The changes of the ledger before a moment: whose sum is 1 counted then. For who counts a
    whole place, whoever asks; nothing of persons is in it."""
    return CountChange.objects.filter(
        basis=Basis.REPORTED,
        condition__in=list(conditions),
        case_class__in=list(classes),
        county_id__in=list(county_ids),
        at__lt=moment,
    )


@dataclass(frozen=True)
class ToldThen:
    """What the newest card of a case said at a moment, beside sex and age of its person today."""

    case_id: int
    origin: str
    severity: str
    died_on: date | None
    diagnosed_at: datetime
    sex: str
    birth_date: date | None
    age_years: int | None
    age_months: int | None
    age_on: date | None


def told_until(case_ids: Collection[int], moment: datetime) -> list[ToldThen]:
    """What was told of cases before a moment; for sums alone, within ``everything``.

    A card of a file may have entered a little after its file was confirmed: where no card of a case
    is older than the moment, its first one tells.
    """
    found: dict[int, ToldThen] = {}
    keys = sorted(case_ids)
    for start in range(0, len(keys), CHUNK):
        cards = ReportCard.objects.filter(case_id__in=keys[start : start + CHUNK])
        cards = cards.filter(Q(sequence=1) | Q(reported_at__lt=moment))
        for row in cards.order_by("case_id", "sequence").values_list(*_TOLD):
            found[row[0]] = ToldThen(*row)
    return list(found.values())


_TOLD = (
    *("case_id", "origin", "severity", "died_on", "diagnosed_at"),
    *("case__person__sex", "case__person__birth_date"),
    *("case__person__age_years", "case__person__age_months", "case__person__age_on"),
)
CHUNK = 500  # keys in one statement


def reported_by_facility(
    conditions: Collection[str], day: date, facilities: Collection[int]
) -> dict[int, int]:
    """How many cases of diseases each facility reported on a day, whatever became of them."""
    rows = Case.objects.filter(
        condition__in=list(conditions),
        facility_id__in=list(facilities),
        reported_at__gte=clock.start_of(day),
        reported_at__lt=clock.start_of(day + timedelta(days=1)),
    )
    return dict(rows.order_by().values_list("facility_id").annotate(n=Count("pk")))


def definitions_used(
    user: User, at: datetime, *, condition: str, first: date, last: date, basis: str
) -> list[str]:
    """The packs whose definitions the cases counted in the user's counties were judged by."""
    cells = DailyCount.objects.filter(
        basis=basis,
        condition__in=rules.with_subtypes(pack_on(last), condition),
        day__range=(first, last),
        county_id__in=[county.pk for county in counted_counties(user, at)],
        n__gt=0,
    )
    return sorted(set(cells.values_list("definition", flat=True)))


def conditions_seen(user: User, at: datetime) -> list[str]:
    """The diseases of which any case was ever counted in the user's counties, by code."""
    ids = [county.pk for county in counted_counties(user, at)]
    rows = DailyCount.objects.filter(basis=Basis.REPORTED, county_id__in=ids)
    return sorted(rows.values_list("condition", flat=True).distinct().order_by())


def series(
    *, last: date, days: int, basis: str = Basis.REPORTED, as_of: datetime | None = None
) -> SeriesBlock:
    """The last ``days`` days until ``last`` for every home county and watched disease.

    For detection, so nobody's scope narrows it. Counted are the case classes of the pack's
    definition for warnings. A disease is watched when it ever occurred or when the pack warns at a
    single case; a condition holds the cases of its subtypes too. Days without cases are 0, also
    those before the register began to count (``since``). ``as_of``: what was known at that moment,
    from the ledger of changes; without it, what is known now.
    """
    import numpy as np  # 14 MB: detection runs in the worker, not where pages are drawn

    first = last - timedelta(days=days - 1)
    pack = pack_on(last)
    counties = [county.pk for county in places.counties_of_home(last)]
    conditions = _watched(pack, last)
    labels = [(county, condition) for county in counties for condition in conditions]
    place = {label: row for row, label in enumerate(labels)}
    counts = np.zeros((len(labels), days), dtype=np.int64)
    classes = {code: warned_classes(pack, code, last) for code in conditions}
    cells = Q(basis=basis, day__range=(first, last), county_id__in=counties)
    keys = ("county_id", "condition", "day", "case_class")
    rows: QuerySet[Any, tuple[Any, ...]]
    if as_of is None:
        rows = DailyCount.objects.filter(cells, n__gt=0).values_list(*keys, "n")
    else:
        changes = CountChange.objects.filter(cells, at__lte=as_of).order_by()
        rows = changes.values_list(*keys).annotate(total=Sum("delta"))
    for county, code, day, case_class, n in rows:
        for counted in {code, rules.whole_condition(pack, code)}:
            row = place.get((county, counted))
            if row is not None and case_class in classes[counted]:
                counts[row, (day - first).days] += n
    return SeriesBlock(labels, counts, first, last, counting_since(basis))


def placed_cases(*, first: date, last: date, county_id: int | None = None) -> list[PlacedCase]:
    """Cases reported from ``first`` to ``last`` in the home counties, with their places.

    For the rules of schools, villages and wards, so nobody's scope narrows it: no page may show
    of it more than numbers and what the reader may see otherwise.
    """
    end = clock.start_of(last + timedelta(days=1))
    rows = Case.objects.filter(
        county_id__in=[one.pk for one in places.counties_of_home(last)],
        reported_at__gte=clock.start_of(first),
        reported_at__lt=end,
    )
    if county_id is not None:
        rows = rows.filter(county_id=county_id)
    said = rows.order_by("pk").values_list(
        "pk", "county_id", "condition", "case_class", "reported_at",
        "area_id", "area__level", "area__parent_id", "area__parent__level",
        "person__occupation", "person__workplace",
    )  # fmt: skip
    return [
        PlacedCase(
            pk, county, condition, case_class, clock.day_of(reported_at),
            area if level == Level.VILLAGE else parent if above == Level.VILLAGE else None,
            occupation, workplace,
        )
        for pk, county, condition, case_class, reported_at, area, level, parent, above,
        occupation, workplace in said
    ]  # fmt: skip


def counting_since(basis: str = Basis.REPORTED) -> date | None:
    """The first day with a case of any disease in any county; None in an empty register.

    Before it nobody counted: those days are unknown, not days without cases. The day alone is
    told, and nobody's scope narrows it. By the index of basis and day.
    """
    first = DailyCount.objects.filter(basis=basis, n__gt=0).order_by("day")
    return first.values_list("day", flat=True).first()


def _watched(pack: Pack, day: date) -> list[str]:
    """Diseases and subtypes that ever occurred or that warn at one case, by code."""
    counted = DailyCount.objects.filter(basis=Basis.REPORTED)
    found = set(counted.values_list("condition", flat=True).distinct().order_by())
    found |= {rules.whole_condition(pack, code) for code in found}
    for warning in pack.warning.rules:
        if warning.fixed_count == 1 and warning.covers(day):
            found.add(warning.condition)
    return sorted(found)


def warned_classes(pack: Pack, code: str, day: date) -> frozenset[str]:
    """The case classes that warnings count of a disease on a day."""
    try:
        return frozenset(packs.count_definition(pack, code, "warning", day).case_classes)
    except UnknownCode:
        return reportable_classes(pack)


def reportable_classes(pack: Pack) -> frozenset[str]:
    """The case classes that are cases at all: without the discarded ones."""
    return frozenset(row.code for row in pack.case_classes if row.reportable)


def totals(user: User, at: datetime, *, condition: str | None = None) -> Totals:
    """Cases until the day of ``at`` in the user's counties, by day of report.

    For one disease by the pack's definition for bulletins (of COVID-19 in 2020: confirmed cases),
    for all diseases together every reportable class.
    """
    today = clock.day_of(at)
    pack = pack_on(today)
    counties = [county.pk for county in counted_counties(user, at)]
    cells = DailyCount.objects.filter(basis=Basis.REPORTED, day__lte=today, county_id__in=counties)
    classes: Collection[str] = reportable_classes(pack)
    if condition is not None:
        cells = cells.filter(condition__in=rules.with_subtypes(pack, condition))
        classes = bulletin_classes(pack, condition, today)
    cells = cells.filter(case_class__in=list(classes))
    new = Sum("n", filter=Q(day=today), default=0)
    by_county = dict.fromkeys(counties, (0, 0))
    sums = cells.values_list("county_id").annotate(everything=Sum("n"), fresh=new)
    for county, everything, fresh in sums:
        by_county[county] = (everything, fresh)
    waiting = Case.objects.filter(_within(user, VIEW, at), review_state=ReviewState.WAITING)
    return Totals(
        total=sum(everything for everything, _ in by_county.values()),
        today=sum(fresh for _, fresh in by_county.values()),
        waiting=waiting.count(),
        overdue=waiting.filter(review_due_at__lt=at).count(),
        by_county=by_county,
    )


def bulletin_classes(pack: Pack, condition: str, day: date) -> Collection[str]:
    """The case classes that a bulletin counts for a disease."""
    try:
        return packs.count_definition(pack, condition, "bulletin", day).case_classes
    except UnknownCode:
        return reportable_classes(pack)


def check_counts() -> CountsReport:
    """Compare the kept counts and the ledger of changes with the cases."""
    true = recounted()
    return CountsReport(
        cells=len(true), kept=_wrong(kept(), true), changes=_wrong(sums_of_changes(), true)
    )


def _wrong(found: Mapping[CountKey, int], true: Mapping[CountKey, int]) -> list[_WrongCell]:
    keys = sorted(found.keys() | true.keys())
    return [
        (key, found.get(key, 0), true.get(key, 0))
        for key in keys
        if found.get(key, 0) != true.get(key, 0)
    ]


def recounted() -> Counter[CountKey]:
    """Every cell as the cases say it now, counted anew."""
    zone = clock.zone()
    cells: Counter[CountKey] = Counter()
    fields = ("id", "county", "condition", "definition", "case_class", "onset_date")
    cases = Case.objects.only(*fields, "diagnosed_at", "reported_at")
    for case in cases.iterator(chunk_size=5000):
        cells.update(rules.contributions(case, zone))
    return cells


def kept() -> dict[CountKey, int]:
    """Every cell as it is kept."""
    keys = ("county_id", "condition", "basis", "day", "case_class", "definition")
    rows = DailyCount.objects.exclude(n=0).values_list(*keys, "n").iterator(chunk_size=5000)
    return {CountKey(*row[:6]): row[6] for row in rows}


def sums_of_changes() -> dict[CountKey, int]:
    """Every cell as the ledger of changes adds it up."""
    keys = ("county_id", "condition", "basis", "day", "case_class", "definition")
    rows = CountChange.objects.values_list(*keys).annotate(total=Sum("delta"))
    return {CountKey(*row[:6]): row[6] for row in rows.iterator(chunk_size=5000) if row[6]}


def patients_kept(persons: list[int], at: datetime) -> set[int]:
    """Those of the persons who have a case that is still kept."""
    since = at - timedelta(days=KEPT_DAYS)
    cases = Case.objects.filter(person_id__in=persons, created_at__gte=since)
    return set(cases.values_list("person_id", flat=True))


# What a report card states of its patient; nothing else of them is kept because of it.
_ON_THE_CARD = frozenset(
    {
        "name",
        "name_pinyin",
        "name_initials",
        "sex",
        "birth_date",
        "age_years",
        "age_months",
        "age_on",
        "occupation",
        "workplace",
        "guardian_name",
        "area",
        "county",
        "address_detail",
    }
)


def cards_kept_by_law(persons: list[int], at: datetime) -> dict[int, Duty]:
    """Which of the persons have a report card that the rules in force still oblige us to keep."""
    term = packs.privacy_term_in_force(settings.FANGKONG_AREA, clock.day_of(at), "keep-case")
    if term is None:
        return {}
    latest = (
        Case.objects.filter(person_id__in=persons)
        .values("person_id")
        .annotate(last=Max("reported_at"))
    )
    keeps = {
        "people.Person": _ON_THE_CARD,
        "people.IdentityDocument": frozenset({"number", "number_index"}),
        "people.Phone": frozenset({"number", "number_index"}),
        "surveillance.Case": frozenset({"origin_place", "remark", "card_print"}),
    }
    found = {}
    for row in latest:
        until = clock.day_of(row["last"]) + timedelta(days=term.days)
        if until >= clock.day_of(at):
            found[row["person_id"]] = Duty(until, term.clause.code, keeps)
    return found
