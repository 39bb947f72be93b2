"""A specimen in the words of the page."""

from __future__ import annotations

from fangkong.core import clock
from fangkong.surveillance.monitoring import words as monitoring

from . import words
from .models import Specimen


def condition(specimen: Specimen) -> str:
    """The name of the disease on the day of the request."""
    return monitoring.condition(
        specimen.pack, specimen.condition, clock.day_of(specimen.created_at)
    )


def specimen_type(specimen: Specimen) -> str:
    return words.named(specimen.pack, "specimens", specimen.specimen_type)


def group(specimen: Specimen) -> str:
    return words.named(specimen.pack, "groups", specimen.test_group)


def in_words(specimen: Specimen, field: str) -> str | None:
    """The codes of a specimen for the person it is about; None for what speaks for itself."""
    told = {"condition": condition, "specimen_type": specimen_type, "test_group": group}
    return told[field](specimen) if field in told else None
