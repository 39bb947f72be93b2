"""What appointments add up to. Pure functions."""

from __future__ import annotations

from collections.abc import Iterable

from fangkong.core.permissions import NOWHERE, Scope


def united(scopes: Iterable[Scope]) -> Scope:
    """All the places of several scopes together."""
    whole = NOWHERE
    for scope in scopes:
        whole = Scope(
            everywhere=whole.everywhere or scope.everywhere,
            county_ids=whole.county_ids | scope.county_ids,
            area_ids=whole.area_ids | scope.area_ids,
            facility_ids=whole.facility_ids | scope.facility_ids,
            person_keys=whole.person_keys | scope.person_keys,
        )
    return whole


# Nobody may hold two of these at the same time (三员分立, GB/T 22239 level 3): who makes accounts,
# who watches over their security, and who reads what both of them did.
SEPARATE = frozenset({"administrator", "security", "auditor"})


def clashing(role: str, held: Iterable[str]) -> frozenset[str]:
    """The roles among ``held`` that nobody may hold beside ``role``."""
    return (SEPARATE & frozenset(held)) - {role} if role in SEPARATE else frozenset()


def needs_second_factor(roles: Iterable[str], personal: Iterable[str]) -> bool:
    """Whether one of these roles sees personal data or administers the house."""
    return bool(frozenset(roles) & (SEPARATE | frozenset(personal)))
