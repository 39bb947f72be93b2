"""Carry out an action exactly once per key, however often its request arrives."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import fields, is_dataclass
from functools import wraps
from typing import Any, ParamSpec, TypeVar, cast

from django.apps import apps
from django.conf import settings
from django.core.cache import cache
from django.db import connection, models, transaction
from django.utils.translation import gettext_lazy as _

from fangkong.core import messages
from fangkong.core.refusals import Refused
from fangkong.core.walls.reach import everything

from . import states
from .models import Command

P = ParamSpec("P")
R = TypeVar("R")

_KEY = re.compile(r"[!-~]{1,64}")  # as the schema of the API says it
LONGEST = 60  # seconds that a command may take before its key can be tried again


class KeyMissing(Refused):
    """The request carries no idempotency key."""

    status = 400


class KeyReused(Refused):
    """The same key came with other content."""

    status = 422


class InProgress(Refused):
    """The first request with this key is still being carried out."""

    retry_after = 1


def once(key: str, action: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Do ``action(**kwargs)`` in one transaction, or give back what it gave for this key before.

    The action takes ``by`` and ``at`` as keyword arguments. Its result must be a model instance or
    plain JSON data. A refusal rolls everything back and leaves the key free for another try.
    """
    return answered_on(None, key, action, *args, **kwargs)[0]


@contextmanager
def alone(key: str, by: models.Model | None) -> Iterator[None]:
    """Refuse the same key while its first request runs, instead of letting the second wait.

    A note in the cache only: whatever becomes of it, the key's unique row does the work once.
    """
    name = f"once:{None if by is None else by.pk}:{hashlib.sha256(key.encode()).hexdigest()}"
    if not _noted(name):
        raise InProgress(_("The first request with this key is still running. Ask again shortly."))
    try:
        yield
    finally:
        with suppress(Exception):
            cache.delete(name)


def _noted(name: str) -> bool:
    try:
        return cache.add(name, 1, LONGEST)
    except Exception:  # a cache that is down must not stop the work
        return True


def answered_on(
    seen: states.On | None,
    key: str,
    action: Callable[P, R],
    *args: P.args,
    **kwargs: P.kwargs,
) -> tuple[R, bool]:
    """``once``, and whether the answer is that of an earlier command.

    Stale where the record has left the state that the sender saw; None where it says none.
    Compared under the record's lock, in the transaction of the action: of two writes on one state
    one is done. A repeat of what was done is not stale: it gets its first answer.
    """
    if not _KEY.fullmatch(key):
        raise KeyMissing(_("The form carries no valid key. Reload the page and send it again."))
    by = cast(Any, kwargs.get("by"))
    print_ = _fingerprint(action, args, kwargs)
    # The record came through a query in the user's scope; what the action needs beside it may lie
    # elsewhere.
    with everything(), transaction.atomic():
        command = Command(
            by_id=None if by is None else by.pk,
            key=key,
            action=_named(action),
            fingerprint=print_,
            at=cast(Any, kwargs["at"]),
        )
        if not _claim(command):
            earlier = _earlier(by, key)
            assert earlier is not None  # it stands in the way, and is never deleted
            return cast(R, _answer(earlier, print_)), True
        if seen is not None:
            states.refuse_stale(seen)
        with messages.ending():
            result = action(*args, **kwargs)
            _remember(command, result)
        return result, False


def given_before(key: str, action: Callable[..., R], *, by: models.Model | None) -> R | None:
    """What an action gave to its sender for this key; None where it did nothing for it yet.

    For a page whose form is no longer right because of what it did: it cannot be sent again in the
    same words, and ``once`` would not be asked.
    """
    if not _KEY.fullmatch(key):
        return None
    with everything():
        earlier = _earlier(by, key)
        if earlier is None or earlier.action != _named(action):
            return None
        return cast(R, _result(earlier))


def _named(action: Callable[..., object]) -> str:
    return f"{action.__module__}.{action.__qualname__}"


def one(call: Callable[P, R]) -> Callable[P, R]:
    """Decorates an action: all or nothing, as ``transaction.atomic``, with a savepoint less.

    Within a command nothing is caught between the action and the end of the command's own
    transaction, so a savepoint could never be rolled back alone. Not for an action that another
    one calls to catch its refusal.
    """

    @wraps(call)
    def carried_out(*args: P.args, **kwargs: P.kwargs) -> R:
        with transaction.atomic(savepoint=not messages.whole()):
            return call(*args, **kwargs)

    return carried_out


def _claim(command: Command) -> bool:
    """Take the key, or see that it is taken, in one statement that never fails.

    Another process that holds the key is waited for: it either keeps it, and its answer is there
    to be read, or gives it back. So the action runs once, not twice with one of them undone.
    """
    new = messages.insert(command)
    rows = messages.send(
        messages.Statement(f"{new.sql} ON CONFLICT DO NOTHING RETURNING id", new.values, "claim")
    )[0]
    if rows:
        command.pk = rows[0][0]
    return bool(rows)


def _earlier(by: models.Model | None, key: str) -> Command | None:
    return Command.objects.filter(by_id=None if by is None else by.pk, key=key).first()


def _answer(earlier: Command, print_: str) -> object:
    if not hmac.compare_digest(earlier.fingerprint, print_):
        raise KeyReused(
            _("This form came before with other content. Reload the page and check the record.")
        )
    return _result(earlier)


def _result(earlier: Command) -> object:
    if earlier.result_type:
        model = apps.get_model(earlier.result_type)
        return model._base_manager.get(pk=earlier.result_id)
    return earlier.result


def _remember(command: Command, result: object) -> None:
    if isinstance(result, models.Model):
        command.result_type = result._meta.label_lower
        command.result_id = result.pk
    else:
        command.result = result
    columns = [
        cast("models.Field[Any, Any]", command._meta.get_field(name))
        for name in ("result_type", "result_id", "result")
    ]
    messages.at_end(
        messages.Statement(
            "UPDATE core_command SET result_type = %s, result_id = %s, result = %s WHERE id = %s",
            [
                *(f.get_db_prep_save(getattr(command, f.attname), connection) for f in columns),
                command.pk,
            ],
            "answer",
        )
    )


def _fingerprint(
    action: Callable[..., object], args: Sequence[object], kwargs: Mapping[str, object]
) -> str:
    """A keyed digest of what is asked (without the moment, which differs on a repeat)."""
    named = {name: _plain(value) for name, value in kwargs.items() if name not in ("by", "at")}
    asked = [action.__module__, action.__qualname__, [_plain(value) for value in args], named]
    text = json.dumps(asked, sort_keys=True, default=str)
    return hmac.new(str(settings.SECRET_KEY).encode(), text.encode(), hashlib.sha256).hexdigest()


def _plain(value: object) -> object:
    if isinstance(value, models.Model):
        return f"{value._meta.label_lower}:{value.pk}"
    if is_dataclass(value) and not isinstance(value, type):
        return {one.name: _plain(getattr(value, one.name)) for one in fields(value)}
    if isinstance(value, Mapping):
        return {str(name): _plain(part) for name, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(part) for part in value]
    if isinstance(value, (set, frozenset)):
        return sorted(str(_plain(part)) for part in value)
    return value if value is None or isinstance(value, (str, int, float, bool)) else str(value)
