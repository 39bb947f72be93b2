"""Make and revoke tokens, and note that one was used."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from fangkong.core.audit import actions as audit
from fangkong.core.record import stamps
from fangkong.core.refusals import Refused
from fangkong.core.spelling import shown

from . import queries, rules
from .models import Token
from .types import MANAGE

if TYPE_CHECKING:
    from fangkong.accounts.models import User

MOST = 20  # valid tokens of one user


class NotGrantable(Refused):
    """A token never holds more than its user."""

    status = 422


class WrongTerm(Refused):
    """A token lives at least a moment and at most a year."""

    status = 422
    field = "last_day"


class NameMissing(Refused):
    status = 422


class TooManyTokens(Refused):
    """Tokens that nobody needs are revoked first."""


class NotForPeople(Refused):
    """Somebody else's token is made only for a machine account."""

    status = 403


class AlreadyRevoked(Refused):
    """The token was revoked before."""


@transaction.atomic
def make(
    *,
    user: User,
    label: str,
    permissions: Sequence[str],
    may_write: bool,
    expires_at: datetime,
    by: User,
    at: datetime,
) -> Token:
    """A new token; its ``secret`` is on this object only and cannot be had again."""
    if user.pk != by.pk:
        _refuse_people(user, by, at)
    name = shown(label)
    if not name:
        raise NameMissing(_("Give the token a name that says which machine uses it."))
    if expires_at <= at:
        raise WrongTerm(_("This day has passed: the token would never work. Choose a later day."))
    if expires_at > at + rules.LONGEST:
        raise WrongTerm(_("A token is valid for at most a year. Choose an earlier day."))
    held = {p.name for p in queries.grantable(user, at)}
    if not permissions or not set(permissions) <= held:
        raise NotGrantable(_("Choose at least one permission, and only such as the user holds."))
    valid = Token.objects.filter(user=user, revoked_at__isnull=True, expires_at__gt=at)
    if valid.count() >= MOST:
        raise TooManyTokens(_("There are 20 valid tokens. Revoke those that nobody needs."))
    secret = rules.new_secret()
    token = Token.objects.create(
        user=user,
        label=name,
        prefix=secret[: rules.SHOWN],
        digest=rules.digest(secret),
        permissions=sorted(set(permissions)),
        may_write=may_write,
        expires_at=expires_at,
        **stamps(by, at),
    )
    audit.record(
        "core.tokens.make",
        token,
        by=by,
        at=at,
        detail={
            "prefix": token.prefix,
            "for": user.pk,
            "permissions": token.permissions,
            "may_write": may_write,
            "expires_at": expires_at.isoformat(),
        },
    )
    token.secret = secret
    return token


def _refuse_people(user: User, by: User, at: datetime) -> None:
    if not by.scope(MANAGE, at) or user.has_usable_password():
        raise NotForPeople(
            _("People make their own tokens. Others make them only for accounts of machines.")
        )


@transaction.atomic
def revoke(*, token: Token, by: User, at: datetime) -> Token:
    """Stop a token at once."""
    token = Token.objects.select_for_update().get(pk=token.pk)
    if token.revoked_at is not None:
        raise AlreadyRevoked(_("This token was revoked before."))
    token.revoked_at = at
    token.touch(by, at)
    token.save(update_fields=["revoked_at", "changed_at", "changed_by"])
    audit.record("core.tokens.revoke", token, by=by, at=at, detail={"prefix": token.prefix})
    return token


@transaction.atomic
def revoke_all(*, user: User, why: str, by: User, at: datetime) -> int:
    """Stop every valid token of a user, as part of what made them doubtful; the number."""
    valid = Token.objects.select_for_update().filter(user=user, revoked_at=None, expires_at__gt=at)
    for token in valid:
        token.revoked_at = at
        token.touch(by, at)
        token.save(update_fields=["revoked_at", "changed_at", "changed_by"])
        detail = {"prefix": token.prefix, "why": why}
        audit.record("core.tokens.revoke", token, by=by, at=at, detail=detail)
    return len(valid)


@transaction.atomic
def end_expired(at: datetime) -> int:
    """Stop for good whatever has expired, so that no clock set back brings it to life; the number.

    Asked for each minute: a token is dead by its own date at once, and by this mark for ever.
    """
    over = Token.objects.select_for_update().filter(revoked_at=None, expires_at__lte=at)
    for token in (ended := list(over.order_by("pk"))):
        token.revoked_at = at
        token.touch(None, at)
        token.save(update_fields=["revoked_at", "changed_at", "changed_by"])
        detail = {"prefix": token.prefix}
        audit.record("core.tokens.expire", token, by=None, at=at, detail=detail)
    return len(ended)


def note_use(token: Token, moment: datetime) -> None:
    """Remember that a token is in use; at most one write an hour, and no line: it is no verb."""
    if rules.note_use(token.last_used_at, moment):
        Token.objects.filter(pk=token.pk).update(last_used_at=moment)
