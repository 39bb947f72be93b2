from __future__ import annotations

from django.apps import AppConfig
from django.urls import reverse
from django.utils.translation import gettext_lazy as _


class PeopleConfig(AppConfig):
    name = "fangkong.people"
    label = "people"
    verbose_name = "People"

    def ready(self) -> None:
        """Emergency access finds a person by a document; parts of names follow the persons."""
        from fangkong.accounts.emergency.types import Finder, register
        from fangkong.core.audit import triggers

        from . import name_parts, queries
        from .requests import types  # noqa: F401  # names the verbs

        triggers.also(name_parts.triggers)

        register(
            Finder(
                "document",
                _("Document number"),
                queries.by_document,
                lambda key: reverse("people:detail", args=[key]),
            )
        )
