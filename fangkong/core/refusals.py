"""A refusal is a fact with a name. Each action defines its own beside itself."""

from __future__ import annotations

from django.utils.functional import Promise


class Refused(Exception):
    """The action was not done, and nothing was changed. Its text tells a person what to do."""

    status = 409

    def __init__(self, text: str | Promise) -> None:
        super().__init__(text)
        self.text = text

    def __str__(self) -> str:
        return str(self.text)
