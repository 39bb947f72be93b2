"""Saved views of lists: what a user filters, sorts and shows again and again."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from fangkong.core.privacy import Personal
from fangkong.core.record import Record


class SavedView(Record):
    """A user's own view of one list page: name and query. Holds no number of a person."""

    pii: ClassVar[dict[str, Personal]] = {}

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    path = models.CharField(_("page"), max_length=200)
    name = models.CharField(_("name"), max_length=40)
    query = models.CharField(_("filters, order and columns"), max_length=1000, blank=True)
    is_default = models.BooleanField(_("shown first"), default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["owner", "path", "name"], name="view_named_once"),
            models.UniqueConstraint(
                fields=["owner", "path"],
                condition=models.Q(is_default=True),
                name="view_one_default",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.path} {self.name}"
