"""Questions about persons, in the scope of a user."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any, cast
from uuid import UUID

from django.conf import settings
from django.contrib.auth import get_user_model
from django.db.models import Count, Max, OuterRef, Prefetch, Q, QuerySet, Value
from django.db.models.functions import Lower
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext_lazy as _

from fangkong.core import clock
from fangkong.core.audit import queries as audit
from fangkong.core.audit.types import SEE_TRAIL, How
from fangkong.core.permissions import Permission, Scoped
from fangkong.core.refusals import Refused
from fangkong.core.sealing.fields import index_of
from fangkong.packs import queries as packs
from fangkong.packs.types import NoPackInForce

from . import rules
from .models import IdentityDocument, NamePart, Person, Phone
from .models import called as called  # also for rows fetched as plain values
from .types import VIEW, DocumentKind, FullPerson, MaskedPerson, Revealable, Sex, known

if TYPE_CHECKING:
    from fangkong.accounts.models import User
    from fangkong.core.audit.models import AuditLine

HOUR = timedelta(hours=1)
REVEAL_HOLDS = timedelta(minutes=5)
MOST_NAMESAKES = 200


class RevealOver(Refused):
    """The reason was given too long ago to show the values again."""


def open_to(user: Scoped, at: datetime, permission: Permission = VIEW) -> QuerySet[Person]:
    """The persons who live in the user's counties and areas, ready to be listed.

    Staff of a facility (hospital, ward, laboratory) find those whom they know by records of rooms
    above, such as a case that their hospital reported (``types.known_to_facility``). Whoever was
    erased as far as a law lets it stands in no list, no search and no export.
    """
    return _open(_within(user, at, permission)).filter(restricted_at__isnull=True)


def one_open_to(user: Scoped, at: datetime, permission: Permission = VIEW) -> QuerySet[Person]:
    """As ``open_to``, for the page of one person: also whom emergency access opens right now, and
    whose data are only kept because a law says so.

    Never for a list, a count or an export.
    """
    return _open(_within(user, at, permission, person="public_id"))


def _open(within: Q) -> QuerySet[Person]:
    return Person.objects.filter(within, merged_into__isnull=True).select_related("area", "county")


def _within(user: Scoped, at: datetime, permission: Permission, person: str = "") -> Q:
    scope = user.scope(permission, at)
    within = scope.q(county="county_id", area="area_id", person=person)
    if scope.facility_ids and not scope.everywhere:
        for persons in known(scope.facility_ids, user, at):
            within |= Q(pk__in=persons)
    return within


def documents_of(person: OuterRef) -> QuerySet[IdentityDocument]:
    """The documents of a person of an outer query, to ask whether there are any; not "none"."""
    return IdentityDocument.objects.filter(person=person).exclude(kind=DocumentKind.NONE)


def phones_of(person: OuterRef) -> QuerySet[Phone]:
    """The phones of a person of an outer query, to ask whether there are any."""
    return Phone.objects.filter(person=person)


def by_document(number: str, at: datetime) -> UUID | None:
    """The person of exactly this document number, whoever asks: only for emergency access."""
    if not rules.is_plain_text(number):
        return None
    found = IdentityDocument.with_numbers([rules.plain_number(number)])
    keys = list(
        Person.objects.filter(
            pk__in=found.values("person_id"), merged_into__isnull=True
        ).values_list("public_id", flat=True)[:2]
    )
    return keys[0] if len(keys) == 1 else None


def by_whole_number(text: str) -> QuerySet[Person] | None:
    """Whoever has exactly this document number or phone, wherever they live; None for other texts.

    For who stands before an officer and shows the number: the caller notes the sight, shows the
    person masked, and asks past the walls. Restricted data are not found.
    """
    if not rules.is_plain_text(text):
        return Person.objects.none()
    number, phone = rules.plain_number(text), rules.plain_phone(text)
    rows = Person.objects.filter(merged_into__isnull=True, restricted_at__isnull=True)
    rows = rows.select_related("area", "county").order_by("name_pinyin", "pk")
    if rules.is_phone(phone):
        return rows.filter(pk__in=Phone.with_number(phone).values("person_id"))
    if re.search(r"[0-9]", number):
        return rows.filter(pk__in=IdentityDocument.with_numbers([number]).values("person_id"))
    return None


def of_key(public_id: UUID) -> QuerySet[Person]:
    """One person whom a look-up of this house named before; the caller asks past the walls."""
    rows = Person.objects.filter(
        public_id=public_id, merged_into__isnull=True, restricted_at__isnull=True
    )
    return rows.select_related("area", "county")


def by_phones(
    user: User, at: datetime, numbers: Collection[str], known: Collection[int] = ()
) -> dict[str, list[Person]]:
    """Whom each of these phones (in plain form) means, among the persons open to a user and those
    ``known`` by a record that the user has before them."""
    indexes = index_of(Phone, "number_index", numbers)
    called = dict(zip(indexes, numbers, strict=True))
    rows = list(
        Phone.objects.filter(number_index__in=indexes).values_list("number_index", "person_id")
    )
    keys = {key for _index, key in rows}
    within = Person.objects.filter(
        pk__in=keys & set(known), merged_into__isnull=True, restricted_at__isnull=True
    )
    persons = {one.pk: one for one in [*open_to(user, at).filter(pk__in=keys), *within]}
    found: dict[str, list[Person]] = {}
    for index, key in sorted(set(rows)):
        if key in persons:
            found.setdefault(called[index], []).append(persons[key])
    return found


def same_name(person: Person, name: str) -> bool:
    """Is this the name of a person?"""
    return person.name == rules.plain_name(name)


def is_called(person: Person, name: str, phone: str = "") -> bool:
    """Has a person this name, and this phone where one is said and one is known?"""
    if not same_name(person, name):
        return False
    known = {one.full_number for one in Phone.objects.filter(person=person)}
    return not phone or not known or rules.plain_phone(phone) in known


def meant_again(
    among: Iterable[Person], name: str, phone: str = "", number: str = ""
) -> Person | None:
    """Who of some persons is said once more: of this name, and of this phone and number where said.

    For what is entered twice from one place or form. Whoever has another number is somebody else.
    """
    wanted = rules.plain_number(number) if number else ""
    for one in among:
        if not is_called(one, name, phone):
            continue
        documents = IdentityDocument.objects.filter(person=one).exclude(kind=DocumentKind.NONE)
        held = {each.full_number for each in documents} if wanted else set()
        if not held or wanted in held:
            return one
    return None


def number_of(person: Person, public_id: UUID) -> IdentityDocument | Phone | None:
    """A document or phone of a person; the key of somebody without a document is none."""
    documents = IdentityDocument.objects.exclude(kind=DocumentKind.NONE)
    own = {"person": person, "public_id": public_id}
    return documents.filter(**own).first() or Phone.objects.filter(**own).first()


def documents_held(person: Person) -> list[str]:
    """The masked numbers of a person's documents, the first entered in front."""
    rows = person.documents.exclude(kind=DocumentKind.NONE)
    return [one.masked_number for one in rows.order_by("pk")]


def phones_held(person: Person) -> list[str]:
    """The masked phones of a person, the first entered in front."""
    return [one.masked_number for one in person.phones.order_by("pk")]


def with_numbers(rows: QuerySet[Person]) -> QuerySet[Person]:
    """The same persons with documents and phones fetched along, for ``masked`` and ``in_full``."""
    return rows.prefetch_related(
        Prefetch("documents", IdentityDocument.objects.order_by("pk")),
        Prefetch("phones", Phone.objects.order_by("pk")),
    )


def search(
    user: Scoped, at: datetime, text: str, permission: Permission = VIEW
) -> QuerySet[Person]:
    """Persons open to the user whose number, phone or name is meant by a text.

    A document number or a phone fits only as a whole; a name by any part, in pinyin by its
    beginning (zhaxi) or by initials (zxdj). Of a name that hundreds bear, ``MOST_NAMESAKES`` are
    found: those that are called just so before the others. Never put the text into a URL.
    """
    return _meant(open_to(user, at, permission), text, _parts_within(user, at, permission))


def for_the_trail(user: Scoped, at: datetime, text: str) -> QuerySet[Person]:
    """The persons meant by a text, for whoever reads the trail: masked, to ask who saw them."""
    rows = Person.objects.select_related("area", "county")
    return _meant(rows if user.scope(SEE_TRAIL, at).everywhere else rows.none(), text, Q())


def _meant(rows: QuerySet[Person], text: str, within: Q) -> QuerySet[Person]:
    """``within``: which parts of names belong to ``rows``, so that enough of them are found."""
    rows = rows.order_by("name_pinyin", "pk")
    if not rules.is_plain_text(text):  # nobody is called so, and PostgreSQL would refuse to look
        return rows.none()
    number, phone = rules.plain_number(text), rules.plain_phone(text)
    if rules.is_phone(phone):
        return rows.filter(pk__in=Phone.with_number(phone).values("person_id"))
    if re.search(r"[0-9]", number):
        return rows.filter(pk__in=IdentityDocument.with_numbers([number]).values("person_id"))
    parts = _parts(text)
    if parts is None:
        return rows.none()
    nearest = parts.filter(within).order_by("part").values("person_id")[:MOST_NAMESAKES]
    return rows.filter(pk__in=nearest)  # read off the index in its order until there are enough


def _parts_within(user: Scoped, at: datetime, permission: Permission) -> Q:
    """The parts of names of the persons that ``open_to`` gives."""
    scope = user.scope(permission, at)
    within = scope.q(county="county_id", area="person__area_id")
    if scope.facility_ids and not scope.everywhere:
        for persons in known(scope.facility_ids, user, at):
            within |= Q(person_id__in=persons)
    return within


def named(text: str) -> QuerySet[Any, Any]:
    """Ids of all persons whose name may be meant by a text: for a query that has its own scope."""
    parts = _parts(text)
    return (NamePart.objects.none() if parts is None else parts).values("person_id")


def _parts(text: str) -> QuerySet[NamePart] | None:
    """The parts of names that begin with a text; None for a text that is no name.

    A range and not LIKE: behind a wall PostgreSQL looks into an index by leakproof operators only.
    """
    name = rules.plain_name(text)
    if not name:
        return None
    found = NamePart.objects.filter(_beginning(name))
    typed = rules.pinyin(name)
    if name.isascii() and typed and typed != name.lower():
        found = NamePart.objects.filter(_beginning(name) | _beginning(typed))
    return found


def _beginning(text: str) -> Q:
    last = "\U0010ffff"  # no name goes beyond it
    return Q(part__gte=Lower(Value(text))) & Q(part__lt=Lower(Value(text + last)))


def masked(person: Person, on: date | None = None) -> MaskedPerson:
    """What may be shown of a person without a reason; the age as on a day, today by default.

    Of restricted data neither a name nor an end of a number is shown.
    """
    day = on or clock.day_of(clock.now())
    named = person.restricted_at is None
    return MaskedPerson(
        name=person.masked_name,
        sex=sex_name(person),
        age=age_text(person, day),
        occupation=occupations(day).get(person.occupation, person.occupation),
        area=person.area.display_name if person.area else "",
        documents=tuple((d.get_kind_display(), d.masked_number) for d in person.documents.all()),
        phones=tuple((p.get_kind_display(), p.masked_number) for p in person.phones.all()),
        address_detail=rules.HIDDEN if person.full_address else "",
        workplace=rules.HIDDEN if person.workplace else "",
        guardian_name=rules.masked_name(person.guardian_name) if named else "",
    )


def sex_name(person: Person) -> str:
    """The sex in words; empty where it is not known."""
    stated = person.sex in (Sex.MALE, Sex.FEMALE)
    return str(person.get_sex_display()) if stated else ""


def age_text(person: Person, day: date) -> str:
    """The age on a day in words: 34 years, 7 months; empty where it is not known."""
    age = person.age(day)
    if age is None:
        return ""
    if age.months is not None:
        return ngettext("%(n)d month", "%(n)d months", age.months) % {"n": age.months}
    return ngettext("%(n)d year", "%(n)d years", age.years) % {"n": age.years}


def occupations(on: date) -> dict[str, str]:
    """The occupations of the rule pack in force, code and words; empty where none is in force."""
    try:
        pack = packs.in_force(settings.FANGKONG_AREA, on)
    except NoPackInForce:
        return {}
    language = get_language() or "en"
    return {row.code: row.name.in_language(language) for row in pack.occupations}


def revealed_within_the_hour(user: User, at: datetime, but: Person) -> list[datetime]:
    """When a user last had full data shown of each other person within the hour, oldest first."""
    sights = audit.sights(How.REVEALED).filter(
        by=user, at__gt=at - HOUR, at__lte=at, subject_type=Person._meta.label_lower
    )
    last = sights.exclude(subject_id=but.pk).values("subject_id").annotate(last=Max("at"))
    return list(last.order_by("last").values_list("last", flat=True))


@dataclass(frozen=True)
class Revealer:
    """How many persons' full data somebody has seen: in a day, a week and thirty days."""

    user: User
    day: int
    week: int
    month: int
    last_at: datetime


def revealers(user: Scoped, at: datetime) -> list[Revealer]:
    """Who has had full data shown within thirty days, most persons first; for the auditor."""
    if not user.scope(SEE_TRAIL, at).everywhere:
        return []
    persons = Count("subject_id", distinct=True)
    rows = list(
        audit.sights(How.REVEALED)
        .filter(
            at__gt=at - timedelta(days=30),
            at__lte=at,
            subject_type=Person._meta.label_lower,
        )
        .values("by_id")
        .annotate(
            month=persons,
            week=Count("subject_id", distinct=True, filter=Q(at__gt=at - timedelta(days=7))),
            day=Count("subject_id", distinct=True, filter=Q(at__gt=at - timedelta(days=1))),
            last_at=Max("at"),
        )
        .order_by("-month", "by_id")[:500]
    )
    users = get_user_model().objects.in_bulk([row["by_id"] for row in rows])
    return [
        Revealer(users[row["by_id"]], row["day"], row["week"], row["month"], row["last_at"])
        for row in rows
    ]


def in_full(line: AuditLine, at: datetime) -> FullPerson:
    """The values that somebody gave a reason for; ``line`` is what ``actions.reveal`` gave back.

    There is no other way to the full values of a page or an API, so none is seen without a line in
    the audit trail. RevealOver some minutes after the reason was given.
    """
    if line.action != "people.reveal" or not line.at <= at <= line.at + REVEAL_HOLDS:
        raise RevealOver(_("The reason was given too long ago. Open the person and give it again."))
    person = with_numbers(Person.objects.all()).get(pk=line.subject_id)
    fields = cast(list[str], line.detail["fields"])
    return FullPerson(
        tuple(
            (field, str(Revealable(field).label), _values(person, field))
            for field in Revealable.values
            if field in fields
        )
    )


def _values(person: Person, field: str) -> tuple[str, ...]:
    if field == Revealable.DOCUMENTS:
        return tuple(f"{d.get_kind_display()} {d.full_number}" for d in person.documents.all())
    if field == Revealable.PHONES:
        return tuple(
            " ".join(part for part in (p.full_number, p.get_kind_display(), p.note) if part)
            for p in person.phones.all()
        )
    if field == Revealable.ADDRESS_DETAIL:
        return (person.full_address,) if person.full_address else ()
    if field == Revealable.BIRTH_DATE:
        return (person.birth_date.isoformat(),) if person.birth_date else ()
    value: str = getattr(person, field)
    return (value,) if value else ()


def surnames(ids: Collection[int]) -> dict[int, tuple[str, int | None]]:
    """First sign of the name and county of persons, for the detector of curious views only."""
    rows = Person.objects.filter(pk__in=ids).values_list("pk", "name", "county_id")
    return {key: (name[:1], county) for key, name, county in rows}


def key_of(public_id: UUID) -> int | None:
    """The key of a person by public id, for the trail's reader, who sees nothing of the person."""
    return Person.objects.filter(public_id=public_id).values_list("pk", flat=True).first()
