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
        )
    return whole
