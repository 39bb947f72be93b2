"""Every address of the house, read from the URL configuration: pages by name, the API by route."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache

from django.urls import URLPattern, URLResolver, get_resolver
from ninja.operation import PathView

PARAMETER = re.compile(r"<(?:\w+:)?(\w+)>")


@dataclass(frozen=True)
class Address:
    """One way in. ``key`` is what the table knows it by; ``route`` has its parameters in <>."""

    key: str
    route: str
    methods: tuple[str, ...]

    @property
    def parameters(self) -> list[str]:
        return PARAMETER.findall(self.route)

    @property
    def is_api(self) -> bool:
        return self.route.startswith("/api/")

    def path(self, values: dict[str, str]) -> str:
        """The route with its parameters filled in."""
        return PARAMETER.sub(lambda match: values[match[1]], self.route)


def operations_of(view: Callable[..., object]) -> PathView | None:
    """The operations behind a view of the API, from its closure; None for a page."""
    inner = inspect.unwrap(view)
    if not inspect.isfunction(inner):
        return None
    owner = inspect.getclosurevars(inner).nonlocals.get("self")
    return owner if isinstance(owner, PathView) else None


@cache
def addresses() -> tuple[Address, ...]:
    """Pages once each, the operations of the API one by one."""

    def walk(
        patterns: list[URLPattern | URLResolver], above: str, names: tuple[str, ...]
    ) -> Iterator[Address]:
        for one in patterns:
            route = above + str(one.pattern).lstrip("^").rstrip("$")
            if isinstance(one, URLResolver):
                space = (*names, one.namespace) if one.namespace else names
                yield from walk(one.url_patterns, route, space)
                continue
            owner = operations_of(one.callback)
            if owner is not None:
                short = PARAMETER.sub(r"<\1>", route.removeprefix("/api/v1"))
                for operation in owner.operations:
                    for method in operation.methods:
                        yield Address(f"{method} {short}", route, (method,))
            else:
                yield Address(":".join([*names, one.name or ""]), route, ("GET", "POST"))

    found = {address.key: address for address in walk(get_resolver().url_patterns, "/", ())}
    return tuple(found.values())
