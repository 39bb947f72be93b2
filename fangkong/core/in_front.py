"""What PostgreSQL is told in front of a statement, in the same message."""

from __future__ import annotations

from typing import Any


def setting(name: str, value: str) -> str:
    """The statement that says it until the transaction ends; ``value`` holds no quotation mark."""
    return f"SET LOCAL {name} = '{value}'"


def with_setting(name: str, value: str, sql: str, params: Any) -> tuple[str, Any]:
    """A statement with a setting in front, as a value where it has values.

    The driver keeps how it takes a text apart: the text has to be the same for every request.
    """
    if isinstance(params, list | tuple):
        return f"SET LOCAL {name} = %s; {sql}", [value, *params]
    return f"{setting(name, value)}; {sql}", params
