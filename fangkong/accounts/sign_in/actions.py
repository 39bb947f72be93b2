"""Tries, sessions and second factors: what changes them."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from django.contrib.auth import get_user_model
from django.contrib.sessions.models import Session
from django.db import IntegrityError, transaction
from django.utils.translation import gettext_lazy as _

from fangkong.core.audit import actions as audit
from fangkong.core.refusals import Refused
from fangkong.core.spelling import shown
from fangkong.core.tokens import actions as tokens

from . import queries, rules
from .models import FormerPassword, SignIn
from .types import End, Factor, Origin, Outcome

if TYPE_CHECKING:
    from ..models import User


MOST_AT_ONCE = 500  # sessions that one minute takes away


class NotYourself(Refused):
    """Nobody resets the second factor or links the account of themselves."""

    status = 403


class NothingToReset(Refused):
    """The account has no second factor."""


class ReasonMissing(Refused):
    """A reset needs a written reason."""

    status = 422


class AlreadyEnded(Refused):
    """The session has ended before."""


class NotLocked(Refused):
    """Nothing is to be unlocked."""


class AlreadyLinked(Refused):
    """The subject belongs to another account."""


# --- Tries ----------------------------------------------------------------------------------------


@transaction.atomic
def begin(*, username: str, origin: Origin, at: datetime) -> SignIn:
    """Note a try before anything is looked at; its outcome LOCKED means that nothing may be.

    The row is committed first and counted afterwards, so of any tries at the same moment at most
    the allowed number is looked at, in whatever process they run.
    """
    user = get_user_model().objects.filter(username__iexact=username).first()
    return SignIn.objects.create(
        at=at,
        user=user,
        account_key=queries.keyed(username.strip().casefold()),
        address_key=queries.keyed(origin.address),
        network=origin.network,
        agent=origin.agent,
        outcome=Outcome.OPEN,
    )


def weigh(*, attempt: SignIn) -> bool:
    """Whether a try may be looked at; one that may not is marked and counts no further.

    Of a flood of refused tries one line an hour stays, so that a guesser cannot fill the disk.
    """
    if not rules.locked(*queries.tries(attempt)):
        return True
    if queries.refused_lately(attempt):
        attempt.delete()
    else:
        close(attempt=attempt, outcome=Outcome.LOCKED)
    return False


def close(*, attempt: SignIn, outcome: Outcome, factor: str = "") -> None:
    """Say how a try ended."""
    attempt.outcome, attempt.factor = outcome, factor
    attempt.save(update_fields=["outcome", "factor"])


def forget(*, attempt: SignIn | int) -> None:
    """A try that came out right counts no more; the sign-in that follows has its own row."""
    key = attempt if isinstance(attempt, int) else attempt.pk
    SignIn.objects.filter(pk=key, ended_at=None).exclude(outcome=Outcome.IN).delete()


@transaction.atomic
def unlock(*, user: User, by: User, at: datetime) -> User:
    """Let somebody try again at once whose account is closed after too many wrong passwords.

    The tries stay in the history; they count no more. Whoever watches over sign-ins has spoken
    with the owner before.
    """
    if user.pk == by.pk:
        raise NotYourself(_("Nobody does this for themselves. Ask another administrator."))
    if queries.locked_until(user, at) is None:
        raise NotLocked(_("This account is open: its owner can sign in."))
    SignIn.objects.filter(
        account_key=queries.keyed(user.username.casefold()), at__gt=at - rules.WINDOW
    ).exclude(outcome=Outcome.IN).update(answered_at=at)
    audit.record("accounts.sign_in.unlock", user, by=by, at=at)
    return user


@transaction.atomic
def enter(*, user: User, origin: Origin, factor: str, session_key: str, at: datetime) -> SignIn:
    """Note that somebody is in, and whether this looks unlike the sign-ins before."""
    known = queries.known_origins(user, at)
    user.last_login = at
    user.save(update_fields=["last_login"])
    return SignIn.objects.create(
        at=at,
        user=user,
        account_key=queries.keyed(user.username.casefold()),
        address_key=queries.keyed(origin.address),
        network=origin.network,
        agent=origin.agent,
        outcome=Outcome.IN,
        factor=factor,
        strange=rules.strange(origin.network, origin.agent, known),
        session_key=session_key,
    )


# --- Sessions -------------------------------------------------------------------------------------


def note_end(*, session_key: str, end: End, at: datetime) -> None:
    """Write into the history why a session ended."""
    if session_key:
        SignIn.objects.filter(session_key=session_key, ended_at=None).update(ended_at=at, end=end)


@transaction.atomic
def end_expired(*, real_now: datetime, at: datetime) -> int:
    """Take away the sessions whose lifetime is over; the number.

    Asked for each minute: what is gone does not come alive when the clock is set back.
    """
    gone = Session.objects.filter(expire_date__lte=real_now)
    keys = list(gone.values_list("session_key", flat=True)[:MOST_AT_ONCE])
    if keys:
        Session.objects.filter(session_key__in=keys).delete()
        open_ = SignIn.objects.filter(session_key__in=keys, ended_at=None)
        open_.update(ended_at=at, end=End.LIFETIME)
    return len(keys)


def move(*, old_key: str, new_key: str) -> None:
    """A session goes on under a new key."""
    SignIn.objects.filter(session_key=old_key, ended_at=None).update(session_key=new_key)


@transaction.atomic
def end_session(*, sign_in: SignIn, by: User, at: datetime) -> SignIn:
    """End one session, one's own or, for an administrator, somebody else's."""
    sign_in = (
        SignIn.objects.select_for_update(of=("self",)).select_related("user").get(pk=sign_in.pk)
    )
    if sign_in.ended_at is not None:
        raise AlreadyEnded(_("This session has ended already. Reload the page."))
    end = End.BY_OWNER if sign_in.user_id == by.pk else End.BY_ADMINISTRATOR
    Session.objects.filter(session_key=sign_in.session_key).delete()
    note_end(session_key=sign_in.session_key, end=end, at=at)
    assert sign_in.user is not None
    audit.record("accounts.sign_in.end_session", sign_in.user, by=by, at=at)
    return sign_in


@transaction.atomic
def end_others(*, user: User, keep: str, by: User, at: datetime) -> User:
    """End all of one's own sessions but the one that asks."""
    others = SignIn.objects.filter(user_id=user.pk, outcome=Outcome.IN, ended_at=None)
    keys = list(others.exclude(session_key=keep).values_list("session_key", flat=True))
    Session.objects.filter(session_key__in=keys).delete()
    others.exclude(session_key=keep).update(ended_at=at, end=End.BY_OWNER)
    audit.record("accounts.sign_in.end_sessions", user, by=by, at=at, detail={"kept": 1})
    return user


@transaction.atomic
def end_sessions(*, user: User, by: User | None, at: datetime) -> User:
    """End every session of a user at once."""
    _end_all(user, End.BY_OWNER if by and by.pk == user.pk else End.BY_ADMINISTRATOR, at)
    audit.record("accounts.sign_in.end_sessions", user, by=by, at=at)
    return user


def _end_all(user: User, end: End, at: datetime) -> None:
    """The round on the account makes every open session invalid with its next request."""
    locked = get_user_model().objects.select_for_update().get(pk=user.pk)
    user.session_round = locked.session_round + 1
    user.save(update_fields=["session_round"])
    SignIn.objects.filter(user_id=user.pk, outcome=Outcome.IN, ended_at=None).update(
        ended_at=at, end=end
    )


def end_all_after_change(*, user: User, end: End, when: datetime) -> None:
    """Part of an action that closes an account or changes what it signs in with."""
    _end_all(user, end, when)


@transaction.atomic
def own(*, sign_in: SignIn, by: User, at: datetime) -> SignIn:
    """The user says: this strange sign-in was me."""
    sign_in.answered_at = at
    sign_in.save(update_fields=["answered_at"])
    audit.record("accounts.sign_in.own", by, by=by, at=at)
    return sign_in


@transaction.atomic
def disown(*, sign_in: SignIn, by: User, at: datetime) -> SignIn:
    """The user says: this was not me. Every session ends; the line tells the administrators."""
    sign_in.answered_at = at
    sign_in.save(update_fields=["answered_at"])
    _end_all(by, End.BY_OWNER, at)
    audit.record("accounts.sign_in.disown", by, by=by, at=at)
    return sign_in


# --- Second factors -------------------------------------------------------------------------------


@transaction.atomic
def reset_factors(*, user: User, reason: str, by: User, at: datetime) -> User:
    """Take away lost second factors; the next sign-in leads to setting up a new one."""
    if user.pk == by.pk:
        raise NotYourself(_("You cannot reset your own second factor. Ask another administrator."))
    why = shown(reason)
    if len(why) < 5:
        raise ReasonMissing(_("Write why: how did you make sure who asks?"))
    found = Authenticator.objects.filter(user_id=user.pk)
    if not found.exists():
        raise NothingToReset(_("This account has no second factor."))
    kinds = sorted(found.values_list("type", flat=True))
    found.delete()
    _end_all(user, End.PASSWORD, at)
    end_tokens_without_factor(user=user, by=by, when=at)
    audit.record(
        "accounts.sign_in.reset_factors",
        user,
        by=by,
        at=at,
        reason=why,
        detail={"factors": kinds},
    )
    return user


@transaction.atomic
def note_factor(*, verb: str, kind: str, by: User, at: datetime) -> None:
    """A line for a factor that the user added, removed or renewed."""
    audit.record(f"accounts.sign_in.{verb}", by, by=by, at=at, detail={"factor": kind})


def end_tokens_without_factor(*, user: User, by: User, when: datetime) -> None:
    """Whose roles need a second factor has no valid token without one: whoever found the lost
    phone may have made some. Machine accounts sign in nowhere and have no factor to lose.
    """
    if not user.has_usable_password() or queries.factors(user):
        return
    if queries.must_have_second_factor(user, when):
        tokens.revoke_all(user=user, why="second factor removed", by=by, at=when)


def use_code(*, authenticator: Authenticator, code: str, now: float) -> bool:
    """Accept the code of an app once; an older one is refused from then on."""
    from allauth.mfa.utils import decrypt

    with transaction.atomic():
        row = Authenticator.objects.select_for_update().get(pk=authenticator.pk)
        last = int(row.data.get("last_step", -1))
        step = rules.matching_step(decrypt(row.data["secret"]), code, now, after=last)
        if step is None:
            return False
        row.data["last_step"] = step
        row.save(update_fields=["data"])
    return True


# --- Passwords and single sign-on -----------------------------------------------------------------


def remember_password(*, user: User, when: datetime) -> None:
    """Keep the hash of the password that is about to be replaced."""
    if user.pk and user.has_usable_password():
        FormerPassword.objects.create(user=user, password=user.password, until=when)


@transaction.atomic
def note_own_password(*, by: User, at: datetime) -> User:
    """The user has chosen a new password: its age begins, every other session ends."""
    by.password_set_at = at
    by.save(update_fields=["password_set_at"])
    audit.record("accounts.sign_in.change_password", by, by=by, at=at)
    return by


@transaction.atomic
def link(*, user: User, provider: str, subject: str, by: User, at: datetime) -> User:
    """Let a subject of the identity provider sign in as this member of staff."""
    if user.pk == by.pk:
        raise NotYourself(_("You cannot change your own rights. Ask another administrator."))
    try:
        with transaction.atomic():
            SocialAccount.objects.filter(user_id=user.pk, provider=provider).delete()
            SocialAccount.objects.create(user_id=user.pk, provider=provider, uid=subject)
    except IntegrityError:
        raise AlreadyLinked(_("This subject already belongs to another account.")) from None
    audit.record("accounts.sign_in.link", user, by=by, at=at)
    return user


@transaction.atomic
def link_by_claim(*, user: User, provider: str, subject: str, at: datetime) -> User:
    """The provider's claim names a member of staff who is not linked to anybody yet."""
    if SocialAccount.objects.filter(user_id=user.pk, provider=provider).exists():
        raise AlreadyLinked(_("This account is linked to another subject. Ask an administrator."))
    SocialAccount.objects.create(user_id=user.pk, provider=provider, uid=subject)
    audit.record("accounts.sign_in.link", user, by=None, at=at, detail={"by": "claim"})
    return user


@transaction.atomic
def unlink(*, user: User, provider: str, by: User, at: datetime) -> User:
    """Stop single sign-on for a member of staff."""
    if user.pk == by.pk:
        raise NotYourself(_("You cannot change your own rights. Ask another administrator."))
    SocialAccount.objects.filter(user_id=user.pk, provider=provider).delete()
    _end_all(user, End.BY_ADMINISTRATOR, at)
    end_tokens_without_factor(user=user, by=by, when=at)
    audit.record("accounts.sign_in.unlink", user, by=by, at=at)
    return user


def factor_of_session(records: list[dict[str, object]]) -> str:
    """The strongest proof among what allauth noted during one sign-in."""
    found = Factor.NONE.value
    for record in records:
        if record.get("method") == "mfa":
            return str(record.get("type", ""))
        if record.get("method") == "socialaccount":
            found = Factor.IDP.value
        elif record.get("method") == "password" and not found:
            found = Factor.PASSWORD.value
    return found
