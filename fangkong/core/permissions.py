"""Who may do what, where: parts declare permissions, roles hold them, scopes bound them.

A part declares in its ``types.py``::

    VIEW = permissions.declare("surveillance.monitoring.view", _("See case reports"), roles=[…])

A view asks ``@allowed(VIEW)``; a query takes the user and narrows by ``user.scope(VIEW, at)``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import wraps
from typing import Any, Concatenate, ParamSpec, Protocol, cast
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.db.models import Q
from django.http import HttpRequest, HttpResponseBase
from django.utils.functional import Promise

P = ParamSpec("P")


@dataclass(frozen=True)
class Permission:
    """One thing a role may do; ``name`` is room.part.verb.

    ``personal``: it shows or takes personal data of the public, so its roles need a second factor.
    ``whole``: what it opens cannot be divided by places, so only an office for everywhere holds it.
    ``reading``: it only reads, so emergency access to one person may widen it (never an export).
    ``part_of``: the permission that a token must have been given for this one, which stands on no
    page of roles itself; empty for one that is given by its own name.
    """

    name: str
    label: str | Promise
    roles: frozenset[str]
    personal: bool = False
    reading: bool = False
    whole: bool = False
    part_of: str = ""

    @property
    def given_as(self) -> str:
        """The name of the permission by which a token is given this one."""
        return self.part_of or self.name


_declared: dict[str, Permission] = {}


def declare(
    name: str,
    label: str | Promise,
    roles: Iterable[str],
    *,
    personal: bool = False,
    reading: bool = False,
    whole: bool = False,
) -> Permission:
    """Make a permission known; it stands on the page of roles from then on."""
    if name in _declared:
        raise ValueError(f"permission {name} is declared twice")
    _declared[name] = Permission(name, label, frozenset(roles), personal, reading, whole)
    return _declared[name]


def declared() -> list[Permission]:
    """Every permission of the house, by name."""
    return [_declared[name] for name in sorted(_declared)]


@dataclass(frozen=True)
class Scope:
    """Where a permission holds for one user at one moment.

    ``county_ids`` are whole counties; ``area_ids`` are single areas (below or above county level);
    ``facility_ids`` are facilities. ``person_keys`` are single persons (public ids) opened by
    emergency access. An empty scope holds nowhere.
    """

    everywhere: bool = False
    county_ids: frozenset[int] = frozenset()
    area_ids: frozenset[int] = frozenset()
    facility_ids: frozenset[int] = frozenset()
    person_keys: frozenset[UUID] = frozenset()

    def __bool__(self) -> bool:
        return bool(self.everywhere or self.county_ids or self.area_ids or self.facility_ids)

    def q(self, *, county: str = "", area: str = "", facility: str = "", person: str = "") -> Q:
        """The condition that keeps the rows within this scope.

        Each argument names the lookup path to that kind of place in the model, or is empty where
        the model has none, which then lets nothing through. ``person`` leads to a person's public
        id; only a query for one record names it, so emergency access never reaches a list, a count
        or an export.
        """
        if self.everywhere:
            return Q()
        within = Q(pk__in=[])
        if county and self.county_ids:
            within |= Q(**{f"{county}__in": self.county_ids})
        if area and self.area_ids:
            within |= Q(**{f"{area}__in": self.area_ids})
        if facility and self.facility_ids:
            within |= Q(**{f"{facility}__in": self.facility_ids})
        if person and self.person_keys:
            within |= Q(**{f"{person}__in": self.person_keys})
        return within

    def holds(
        self,
        *,
        county_id: int | None = None,
        area_id: int | None = None,
        facility_id: int | None = None,
    ) -> bool:
        """Whether one place lies within this scope."""
        return (
            self.everywhere
            or county_id in self.county_ids
            or area_id in self.area_ids
            or facility_id in self.facility_ids
        )


NOWHERE = Scope()


class Scoped(Protocol):
    """What the staff user answers (``accounts.models.User``)."""

    def scope(self, permission: Permission, at: datetime) -> Scope: ...


class NotYours(PermissionDenied):
    """The user's roles do not hold this permission anywhere."""


def allowed(
    permission: Permission,
) -> Callable[
    [Callable[Concatenate[Any, P], HttpResponseBase]],
    Callable[Concatenate[HttpRequest, P], HttpResponseBase],
]:
    """Let only signed-in users pass whose roles hold the permission somewhere.

    The decorated view narrows what it shows to the user's scope. The permission stays readable as
    ``view.permission`` for the page of roles and for the tests of access.
    """

    def decorate(
        view: Callable[Concatenate[Any, P], HttpResponseBase],
    ) -> Callable[Concatenate[HttpRequest, P], HttpResponseBase]:
        @wraps(view)
        def guarded(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
            require(request, permission)
            return view(request, *args, **kwargs)

        signed_in = login_required(guarded)
        signed_in.permission = permission  # type: ignore[attr-defined]  # read by tests of access
        return cast(Callable[Concatenate[HttpRequest, P], HttpResponseBase], signed_in)

    return decorate


def require(request: HttpRequest, permission: Permission) -> Scope:
    """The user's scope of a permission, or a refusal (403) when it holds nowhere."""
    scope = cast(Scoped, request.user).scope(permission, cast(Any, request).now)
    if not scope:
        raise NotYours(str(permission.label))
    return scope
