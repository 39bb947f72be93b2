"""Words that people write freely. Numbers of persons belong into the register, not there."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from fangkong.core.privacy import holds_number
from fangkong.core.refusals import Refused, WrongField
from fangkong.core.spelling import shown

REASON_AT_LEAST = 2  # characters: 误报 is a reason


class NumberInText(Refused):
    """An identity or phone number stands in a free text, which everybody reads and nobody masks."""

    status = 422

    def __init__(self, field: str) -> None:
        super().__init__(
            _(
                "Leave identity and mobile numbers out of this text: it is shown unmasked. Enter"
                " them with the person, or name the person by the record."
            )
        )
        self.field = field


class ReasonMissing(WrongField):
    """Whoever decides otherwise, undoes or ends something says why."""


def stated_reason(text: str, ask: str) -> str:
    """A reason in plain form; ReasonMissing with the words of ``ask`` where there is none."""
    why = shown(text)
    if len(why) < REASON_AT_LEAST:
        raise ReasonMissing(ask, "reason")
    refuse_numbers(reason=why)
    return why


def refuse_numbers(**texts: str) -> None:
    """NumberInText for the first text that holds one: ``refuse_numbers(note=note)``."""
    for field, text in texts.items():
        if holds_number(text):
            raise NumberInText(field)
