"""Why a row cannot be taken as it is. No Django, so that rules may say it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Reason:
    """A code and its values, put into words when shown."""

    code: str
    params: dict[str, object] = field(default_factory=dict)

    @property
    def field(self) -> str:
        """The field that it is about; empty where it is about the whole row."""
        return str(self.params.get("field", ""))

    @classmethod
    def of(cls, plain: Mapping[str, Any]) -> Reason:
        """From what JSON has kept."""
        return cls(str(plain["code"]), dict(plain.get("params", {})))

    def plain(self) -> dict[str, object]:
        """As JSON keeps it."""
        return {"code": self.code, "params": self.params}
