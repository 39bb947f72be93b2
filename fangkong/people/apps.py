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
        from fangkong.core.dossier.types import in_words

        from . import name_parts, queries
        from .duplicates import queries as duplicates
        from .duplicates import words
        from .duplicates.types import follow, remains
        from .requests import types  # noqa: F401  # names the verbs

        triggers.also(name_parts.triggers)
        follow("people.IdentityDocument.person", stays=duplicates.documents_that_stay)
        follow("people.Phone.person", stays=duplicates.phones_that_stay)
        follow("people.DataRequest.person")
        follow("people.Person.merged_into")  # who was joined to the one that goes, goes along
        remains("people.NamePart.person", "the database writes it anew with the person")
        remains("people.Pair.one", "tells which two were compared")
        remains("people.Pair.other", "tells which two were compared")
        remains("people.Merge.kept", "tells which record was kept")
        remains("people.Merge.gone", "tells which record was joined to it")
        in_words("people.Merge")(words.in_words)
        in_words("people.Pair")(words.in_words)

        register(
            Finder(
                "document",
                _("Document number"),
                queries.by_document,
                lambda key: reverse("people:detail", args=[key]),
            )
        )
