"""Which edition of seldom changed tables is the current one: places, receivers of events."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from fangkong.core.privacy import Personal


class Edition(models.Model):
    """A mark that becomes another with every change of the tables that stand under a name.

    A model says ``edition = "places"``; the database's own triggers write the mark, in the
    transaction of the change and whoever makes it. Random, so that a change that was rolled back,
    or a restored backup, never shows an old mark with other rows.
    """

    pii: ClassVar[dict[str, Personal]] = {}

    name = models.CharField(max_length=40, unique=True)
    mark = models.CharField(max_length=36)

    def __str__(self) -> str:
        return f"{self.name} {self.mark}"
