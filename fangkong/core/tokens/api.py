"""Tokens for machines: which there are; made in a fresh session only, revoked by either."""

from __future__ import annotations

from datetime import datetime
from typing import Any, cast
from uuid import UUID

from allauth.account.decorators import reauthentication_required
from allauth.core.exceptions import ReauthenticationRequired
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext_lazy as _
from ninja import Field, Router, Schema, Status

from fangkong.core import api
from fangkong.core.bodies import NO_NUL
from fangkong.core.refusals import Refused

from . import actions, queries
from .models import Token
from .types import unmet

router = Router(tags=["core"])


class TokenOut(Schema):
    """A token. ``begins_with`` is for people to recognise it by."""

    id: UUID
    name: str
    begins_with: str
    user: UUID
    permissions: list[str]
    may_write: bool
    state: str
    created_at: datetime
    expires_at: datetime
    last_used_at: datetime | None


class TokenMadeOut(TokenOut):
    """``secret`` is told once; a repeat of the request tells it as ""."""

    secret: str


class TokenIn(api.Body):
    name: str = Field(min_length=1, max_length=60, pattern=NO_NUL)
    permissions: list[str] = Field(min_length=1, max_length=200)
    may_write: bool = False
    expires_at: datetime


class SignInAgain(Refused):
    """A token is made only by somebody who has just signed in."""

    status = 403


class ConditionUnmet(Refused):
    """The house asks more of whoever makes a token, such as a second factor."""

    status = 403


@router.get("/", response=api.Page[TokenOut])
def index(request: HttpRequest) -> HttpResponse:
    """One's own tokens, the newest first; administrators see everybody's."""
    asked = cast(Any, request)
    rows = queries.open_to(asked.user, asked.now)
    return api.page(request, rows, lambda token: _out(token, asked.now), order="-created_at")


@router.post("/", response={201: TokenMadeOut})
def make(request: HttpRequest, body: TokenIn) -> Status[dict[str, Any]]:
    """Make a token for oneself, in a session that began or was confirmed minutes ago."""
    asked = cast(Any, request)
    if hasattr(request, "fk_token") or not _freshly_signed_in(request):
        raise SignInAgain(_("Confirm your password on the page of tokens first."))
    if words := unmet(request, asked.user):
        raise ConditionUnmet(words)
    if body.expires_at.tzinfo is None:
        raise actions.WrongTerm(_("expires_at needs its time zone: 2020-02-05T09:00+08:00."))
    token = api.once(
        request,
        actions.make,
        user=asked.user,
        label=body.name,
        permissions=body.permissions,
        may_write=body.may_write,
        expires_at=body.expires_at,
        by=asked.user,
        at=asked.now,
    )
    return Status(201, {**_out(token, asked.now), "secret": token.secret})


@router.post("/{public_id}/revoke/", response=TokenOut)
def revoke(request: HttpRequest, public_id: UUID) -> dict[str, Any]:
    """Stop a token at once. A token may stop itself and no other."""
    asked = cast(Any, request)
    rows = queries.open_to(asked.user, asked.now)
    if own := getattr(request, "fk_token", None):
        rows = rows.filter(pk=own.pk)
    token = get_object_or_404(rows, public_id=public_id)
    revoked = api.once(request, actions.revoke, token, token=token, by=asked.user, at=asked.now)
    return _out(revoked, asked.now)


def _freshly_signed_in(request: HttpRequest) -> bool:
    """Whether allauth would not ask for the password again now."""
    try:
        reauthentication_required(lambda request: None)(request)
    except ReauthenticationRequired:
        return False
    return True


def _out(token: Token, at: datetime) -> dict[str, Any]:
    return {
        "id": token.public_id,
        "name": token.label,
        "begins_with": token.prefix,
        "user": cast(Any, token.user).public_id,
        "permissions": token.permissions,
        "may_write": token.may_write,
        "state": token.state(at),
        "created_at": token.created_at,
        "expires_at": token.expires_at,
        "last_used_at": token.last_used_at,
    }
