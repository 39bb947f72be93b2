"""Write areas and facilities. Each action is one transaction with one audit line."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import date, datetime
from typing import TYPE_CHECKING

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from fangkong.core.audit import actions as audit
from fangkong.core.record import stamps
from fangkong.core.refusals import Refused, filled
from fangkong.core.spelling import search_text, shown, syllables_of

from . import rules
from .models import (
    Area,
    AreaAlias,
    AreaSuccession,
    Facility,
    FacilityContact,
    Population,
)
from .types import AreaFacts, FacilityFacts, Level

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser


class WrongCode(Refused):
    """The code does not have the form of its level."""

    status = 422


class WrongOrgCode(Refused):
    """The organisation code does not check (GB 32100)."""

    status = 422


class WrongPhone(Refused):
    """The phone is neither a landline with its area code nor a mobile."""

    status = 422


class WrongDays(Refused):
    """It would end before it begins."""

    status = 422


class NameMissing(Refused):
    """A facility without a name cannot be found."""

    status = 422


class SameName(Refused):
    """Another facility of this area has the name already."""


class SameContact(Refused):
    """The facility has this contact already."""


@transaction.atomic
def put_area(*, facts: AreaFacts, by: AbstractBaseUser | None, at: datetime) -> Area:
    """Add an area, or bring the row of the same code and first day up to date.

    Nothing is written, and no line is added to the trail, where all is as it was.
    """
    if not rules.code_fits(facts.code, facts.level):
        raise WrongCode(
            filled(
                _("%(code)s is no code of a %(level)s."),
                code=facts.code,
                level=Level(facts.level).label,
            )
        )
    if facts.valid_to is not None and facts.valid_to < facts.valid_from:
        raise WrongDays(_("The last day lies before the first. Correct one of them."))
    known = (
        Area.objects.select_for_update()
        .filter(code=facts.code, valid_from=facts.valid_from)
        .first()
    )
    if known is None:
        return _add_area(facts, by, at)
    new = asdict(facts)
    if not (changed := audit.changes(known, new)):
        return known
    moved = known.parent_id != facts.parent_id
    _write(known, new, by, at)
    if moved:
        _replant(known)
    audit.record("places.change_area", known, by=by, at=at, detail=changed)
    return known


def _add_area(facts: AreaFacts, by: AbstractBaseUser | None, at: datetime) -> Area:
    area = Area.objects.create(**stamps(by, at), **asdict(facts))
    _plant(area)
    audit.record(
        "places.add_area",
        area,
        by=by,
        at=at,
        detail={"code": area.code, "level": area.level},
    )
    return area


def _plant(area: Area) -> None:
    """Write where an area stands in the tree."""
    area.path = ((area.parent.path or "") if area.parent else "") + rules.step(area.pk)
    area.county = area if area.level == Level.COUNTY else area.parent and area.parent.county
    area.save(update_fields=["path", "county"])


def _replant(area: Area) -> None:
    """Move an area with all that lies below it."""
    area.refresh_from_db()
    _plant(area)
    for child in area.children.all():
        _replant(child)


@transaction.atomic
def put_alias(
    *,
    area: Area,
    text: str,
    language: str,
    kind: str,
    source_zh: str = "",
    source_en: str = "",
    by: AbstractBaseUser | None,
    at: datetime,
) -> AreaAlias:
    """Note another name of an area; the same name again changes nothing but what is said of it."""
    new = {
        "language": language,
        "kind": kind,
        "source_zh": source_zh,
        "source_en": source_en,
    }
    alias = AreaAlias.objects.select_for_update().filter(area=area, text=text).first()
    if alias is None:
        alias = AreaAlias.objects.create(**stamps(by, at), area=area, text=text, **new)
    elif audit.changes(alias, new):
        _write(alias, new, by, at)
    else:
        return alias
    audit.record("places.add_alias", area, by=by, at=at, detail={"text": text, "kind": kind})
    return alias


@transaction.atomic
def put_population(
    *,
    area: Area,
    year: int,
    count: int,
    kind: str,
    source_zh: str = "",
    source_en: str = "",
    by: AbstractBaseUser | None,
    at: datetime,
) -> Population:
    """Record how many people lived in an area; the trail keeps a figure that is corrected."""
    new = {"count": count, "source_zh": source_zh, "source_en": source_en}
    row = Population.objects.select_for_update().filter(area=area, year=year, kind=kind).first()
    old = row.count if row else None
    if row is None:
        row = Population.objects.create(**stamps(by, at), area=area, year=year, kind=kind, **new)
    elif audit.changes(row, new):
        _write(row, new, by, at)
    else:
        return row
    detail = {"year": year, "kind": kind, "count": [old, count]}
    audit.record("places.put_population", area, by=by, at=at, detail=detail)
    return row


@transaction.atomic
def link_succession(
    *,
    before: Area,
    after: Area,
    on: date,
    source_zh: str = "",
    source_en: str = "",
    by: AbstractBaseUser | None,
    at: datetime,
) -> AreaSuccession:
    """Note that one area took the place of another."""
    new = {"on": on, "source_zh": source_zh, "source_en": source_en}
    link = AreaSuccession.objects.select_for_update().filter(before=before, after=after).first()
    if link is None:
        link = AreaSuccession.objects.create(**stamps(by, at), before=before, after=after, **new)
    elif audit.changes(link, new):
        _write(link, new, by, at)
    else:
        return link
    detail = {"before": before.code, "after": after.code, "on": on.isoformat()}
    audit.record("places.link_succession", after, by=by, at=at, detail=detail)
    return link


@transaction.atomic
def add_facility(*, facts: FacilityFacts, by: AbstractBaseUser | None, at: datetime) -> Facility:
    """Add a facility to the directory."""
    _check_facility(facts)
    facility = Facility.objects.create(
        **stamps(by, at), **asdict(facts), search_text=_search_text(facts)
    )
    detail = {"kind": facts.kind, "area": facility.area.code}
    audit.record("places.add_facility", facility, by=by, at=at, detail=detail)
    return facility


@transaction.atomic
def change_facility(
    *,
    facility: Facility,
    facts: FacilityFacts,
    by: AbstractBaseUser | None,
    at: datetime,
) -> Facility:
    """Correct what is known of a facility; nothing is written where all is as it was."""
    facility = Facility.objects.select_for_update().get(pk=facility.pk)
    _check_facility(facts, facility)
    new = asdict(facts)
    if not (changed := audit.changes(facility, new)):
        return facility
    _write(facility, {**new, "search_text": _search_text(facts)}, by, at)
    audit.record("places.change_facility", facility, by=by, at=at, detail=changed)
    return facility


@transaction.atomic
def add_contact(
    *,
    facility: Facility,
    role_title: str,
    phone: str,
    note: str = "",
    by: AbstractBaseUser | None,
    at: datetime,
) -> FacilityContact:
    """Add the phone of a desk."""
    facility = Facility.objects.select_for_update().get(pk=facility.pk)
    if not (number := rules.office_phone(phone)):
        raise WrongPhone(
            _(
                "%(phone)s is no phone. Write a landline with its area code, such as 0836-2812345, "
                "or a mobile number."
            )
            % {"phone": phone}
        )
    if facility.contacts.filter(role_title=role_title, phone=number).exists():
        raise SameContact(_("This contact is there already."))
    contact = FacilityContact.objects.create(
        **stamps(by, at),
        facility=facility,
        role_title=role_title,
        phone=number,
        note=note,
    )
    audit.record("places.add_contact", facility, by=by, at=at, detail={"desk": role_title})
    return contact


@transaction.atomic
def remove_contact(
    *, contact: FacilityContact, by: AbstractBaseUser | None, at: datetime
) -> Facility:
    """Take the phone of a desk out of the directory."""
    facility = contact.facility
    audit.record(
        "places.remove_contact",
        facility,
        by=by,
        at=at,
        detail={"desk": contact.role_title},
    )
    contact.delete()
    return facility


def _check_facility(facts: FacilityFacts, itself: Facility | None = None) -> None:
    # Two clerks may add the same facility at once; the area's row makes them queue.
    Area.objects.select_for_update().get(pk=facts.area_id)
    if not shown(facts.name_zh):
        raise NameMissing(_("Write the Chinese name."))
    if facts.org_code and not rules.org_code_is_right(facts.org_code):
        raise WrongOrgCode(
            filled(
                _("%(code)s is no unified social credit code: its last character does not check."),
                code=facts.org_code,
            )
        )
    if facts.opened_on and facts.closed_on and facts.closed_on < facts.opened_on:
        raise WrongDays(_("The last day lies before the first. Correct one of them."))
    others = Facility.objects.filter(area_id=facts.area_id, name_zh=facts.name_zh)
    if itself is not None:
        others = others.exclude(pk=itself.pk)
    if others.exists():
        raise SameName(
            filled(_("%(name)s is in the directory of this area already."), name=facts.name_zh)
        )


def _search_text(facts: FacilityFacts) -> str:
    return search_text([facts.name_zh, facts.name_en], syllables_of(facts.name_zh))


def _write(
    row: Area | AreaAlias | AreaSuccession | Facility | Population,
    new: Mapping[str, object],
    by: AbstractBaseUser | None,
    at: datetime,
) -> None:
    for field, value in new.items():
        setattr(row, field, value)
    row.touch(by, at)
    row.save()
