"""Let several callers begin at the same moment, each with a database connection of its own."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import TypeVar

from django.db import connection

T = TypeVar("T")


def at_once(call: Callable[[int], T], callers: int = 2) -> list[T | Exception]:
    """What ``call(0)``, ``call(1)``, … gave or raised when all began together."""
    gate = Barrier(callers)

    def one(number: int) -> T | Exception:
        gate.wait(20)
        try:
            return call(number)
        except Exception as problem:
            return problem
        finally:
            connection.close()

    with ThreadPoolExecutor(callers) as pool:
        return list(pool.map(one, range(callers)))
