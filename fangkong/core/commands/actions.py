"""Carry out an action exactly once per key, however often its request arrives."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, is_dataclass
from typing import Any, ParamSpec, TypeVar, cast

from django.apps import apps
from django.conf import settings
from django.db import IntegrityError, models, transaction
from django.utils.translation import gettext_lazy as _

from fangkong.core.refusals import Refused

from .models import Command

P = ParamSpec("P")
R = TypeVar("R")

KEY_LENGTH = 64


class KeyMissing(Refused):
    """The request carries no idempotency key."""

    status = 400


class KeyReused(Refused):
    """The same key came with other content."""

    status = 422


def once(key: str, action: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Do ``action(**kwargs)`` in one transaction, or give back what it gave for this key before.

    The action takes ``by`` and ``at`` as keyword arguments. Its result must be a model instance or
    plain JSON data. A refusal rolls everything back and leaves the key free for another try.
    """
    if not key or len(key) > KEY_LENGTH or not (key.isascii() and key.isprintable()):
        raise KeyMissing(_("The form carries no valid key. Reload the page and send it again."))
    by = cast(Any, kwargs.get("by"))
    print_ = _fingerprint(action, args, kwargs)
    try:
        with transaction.atomic():
            earlier = _earlier(by, key)
            if earlier is not None:
                return cast(R, _answer(earlier, print_))
            command = Command.objects.create(
                by_id=None if by is None else by.pk,
                key=key,
                action=f"{action.__module__}.{action.__qualname__}",
                fingerprint=print_,
                at=cast(Any, kwargs["at"]),
            )
            result = action(*args, **kwargs)
            _remember(command, result)
            return result
    except IntegrityError:
        # The same key at the same moment from another process: the other one has won.
        earlier = _earlier(by, key)
        if earlier is None:
            raise
        return cast(R, _answer(earlier, print_))


def _earlier(by: models.Model | None, key: str) -> Command | None:
    return Command.objects.filter(by_id=None if by is None else by.pk, key=key).first()


def _answer(earlier: Command, print_: str) -> object:
    if not hmac.compare_digest(earlier.fingerprint, print_):
        raise KeyReused(
            _("This form came before with other content. Reload the page and check the record.")
        )
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
    command.save(update_fields=["result_type", "result_id", "result"])


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
        return {name: _plain(part) for name, part in asdict(value).items()}
    if isinstance(value, Mapping):
        return {str(name): _plain(part) for name, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(part) for part in value]
    if isinstance(value, (set, frozenset)):
        return sorted(str(_plain(part)) for part in value)
    return value if value is None or isinstance(value, (str, int, float, bool)) else str(value)
