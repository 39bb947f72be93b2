"""What is right when two records of a person become one, and one becomes two again.

Pure functions: no Django, no database, no clock.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Mapping

Values = Mapping[str, object]

# What is chosen as one thing: the columns that belong to it.
FIELDS: dict[str, tuple[str, ...]] = {
    "name": ("name", "name_pinyin", "name_initials"),
    "sex": ("sex",),
    "birth_date": ("birth_date", "age_years", "age_months", "age_on"),
    "occupation": ("occupation",),
    "workplace": ("workplace",),
    "guardian_name": ("guardian_name",),
    "ethnicity": ("ethnicity",),
    "area": ("area_id", "county_id"),
    "address_detail": ("address_detail",),
}
UNKNOWN = (None, "", "0", "9")  # also a sex that is not known or not stated


def of_field(values: Values, field: str) -> tuple[object, ...]:
    """The values of one field of ``FIELDS``."""
    return tuple(values[column] for column in FIELDS[field])


def known(values: Values, field: str) -> bool:
    """Whether a record says anything of a field."""
    told = of_field(values, field)
    return told[0] not in UNKNOWN or (field == "birth_date" and told[3] is not None)


def differing(one: Values, other: Values) -> list[str]:
    """The fields that two records say differently, in the order of ``FIELDS``."""
    return [field for field in FIELDS if of_field(one, field) != of_field(other, field)]


def offered(kept: Values, other: Values) -> list[str]:
    """The fields that are best taken from the other record: those that the kept one lacks."""
    return [
        field for field in differing(kept, other) if not known(kept, field) and known(other, field)
    ]


def joined(kept: Values, other: Values, take: Collection[str]) -> dict[str, object]:
    """The kept record's values with those fields that are taken from the other one."""
    taken = {column: other[column] for field in take for column in FIELDS[field]}
    return {**kept, **taken}


def changed_since(after: Values, now: Values) -> list[str]:
    """The fields that are no longer as the merge left them."""
    return differing(after, now)


def undone(
    before: Values, after: Values, now: Values, put_back: Collection[str]
) -> dict[str, object]:
    """The kept record's values when the merge is undone.

    What still is as the merge left it is as before the merge; what was corrected since stays, but
    for the fields to be put back all the same.
    """
    stays = set(changed_since(after, now)) - set(put_back)
    columns = {column for field in stays for column in FIELDS[field]}
    return {
        column: now[column] if column in columns else before[column]
        for columns_of in FIELDS.values()
        for column in columns_of
    }


def numbers_digest(numbers: Iterable[str]) -> str:
    """A digest of the blind indexes of two persons: it changes when one of their numbers does."""
    text = "\n".join(sorted(set(numbers)))
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def in_order(one: int, other: int) -> tuple[int, int]:
    """Two keys as a pair keeps them: the smaller first."""
    return (one, other) if one < other else (other, one)


def shared(one: int | None, other: int | None) -> int | None:
    """The county of a pair: that of both, or none."""
    return one if one == other else None


NEWS = 500  # thousandths of a bit


def is_news(before: int, now: int) -> bool:
    """Whether a weight has moved so far that the list is better for knowing it."""
    return abs(now - before) >= NEWS
