"""The shared cache, without which everything goes on: what is in it can be found again."""

from __future__ import annotations

import logging
from collections.abc import Callable
from time import monotonic
from typing import Any, ClassVar, TypeVar

from django.core.cache.backends.redis import RedisCache

log = logging.getLogger(__name__)

T = TypeVar("T")


class PatientRedis(RedisCache):
    """Redis that may go away: it then looks empty and takes nothing, and pages go on.

    After a failure it is left alone for ``REST`` seconds, so that not every request waits for it.
    """

    REST: ClassVar[float] = 3.0  # seconds; back within five of the server's return
    _away_until: ClassVar[float] = 0.0  # of this process: Django makes one object per thread

    def _or(self, otherwise: T, call: Callable[..., T], *args: Any, **kwargs: Any) -> T:
        if monotonic() < PatientRedis._away_until:
            return otherwise
        try:
            return call(*args, **kwargs)
        except ValueError:  # `incr` of what is not there
            raise
        except Exception as problem:  # of the client library, whatever it is called there
            PatientRedis._away_until = monotonic() + self.REST
            log.warning("cache does not answer", extra={"error": type(problem).__name__})
            return otherwise

    def get(self, key: Any, default: Any = None, version: int | None = None) -> Any:
        return self._or(default, super().get, key, default, version)

    def get_many(self, keys: Any, version: int | None = None) -> Any:
        return self._or({}, super().get_many, keys, version)

    def has_key(self, key: Any, version: int | None = None) -> bool:
        return self._or(False, super().has_key, key, version)

    def add(self, key: Any, value: Any, *args: Any, **kwargs: Any) -> bool:
        """True while Redis is away: a note that cannot be kept must not stop the work."""
        return self._or(True, super().add, key, value, *args, **kwargs)

    def set(self, key: Any, value: Any, *args: Any, **kwargs: Any) -> None:
        self._or(None, super().set, key, value, *args, **kwargs)

    def set_many(self, data: Any, *args: Any, **kwargs: Any) -> Any:
        return self._or(list(data), super().set_many, data, *args, **kwargs)

    def touch(self, key: Any, *args: Any, **kwargs: Any) -> bool:
        return self._or(False, super().touch, key, *args, **kwargs)

    def delete(self, key: Any, version: int | None = None) -> bool:
        return self._or(False, super().delete, key, version)

    def delete_many(self, keys: Any, version: int | None = None) -> None:
        self._or(None, super().delete_many, keys, version)

    def clear(self) -> None:
        self._or(None, super().clear)

    def incr(self, key: Any, delta: int = 1, version: int | None = None) -> int:
        """ValueError while Redis is away, as for a key that is not there."""
        found = self._or(None, super().incr, key, delta, version)
        if found is None:
            raise ValueError("the cache does not answer")
        return found
