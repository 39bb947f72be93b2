"""The form field for files and photos: sent while the form is filled, or with it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.template.loader import render_to_string
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from fangkong.core.sentences import listed

from .kinds import MEGABYTE
from .types import Use


@dataclass(frozen=True)
class Picked:
    """What a form brought: ids of uploads, and files that came with the form itself."""

    ids: list[UUID] = field(default_factory=list)
    uploads: list[UploadedFile[Any]] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.ids or self.uploads)


class FilesWidget(forms.Widget):
    """Chooses files or takes photos; a script sends each at once and shows how far it is.

    Without the script the files travel with the form.
    """

    needs_multipart_form = True
    use: Use

    def value_from_datadict(self, data: Any, files: Any, name: str) -> tuple[list[str], list[Any]]:
        return data.getlist(name), files.getlist(name)

    def value_omitted_from_data(self, data: Any, files: Any, name: str) -> bool:
        return name not in data and name not in files

    def render(
        self, name: str, value: Any, attrs: Mapping[str, Any] | None = None, renderer: Any = None
    ) -> SafeString:
        taken = self.use.kinds
        shown = {
            "name": name,
            "attrs": {**self.attrs, **(attrs or {})},
            "use": self.use,
            "accept": ",".join(kind.media_type for kind in taken),
            "endings": listed(kind.endings[0].upper() for kind in taken),
            "megabytes": self.use.largest // MEGABYTE,
            "photos": any(kind.photo for kind in taken),
            "kept": _ids(value[0]) if isinstance(value, tuple) else [],
        }
        return SafeString(render_to_string("core/files/_widget.html", shown))


class FilesField(forms.Field):
    """``FilesField(types.PROOF, required=False)``; cleans to ``Picked``."""

    widget = FilesWidget
    default_error_messages = {
        "most": _("Not more than %(most)d files, please."),
        "required": _("Choose at least one file."),
    }

    def __init__(self, use: Use, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.use = use
        self.widget.use = use

    def clean(self, value: Any) -> Picked:
        ids, uploads = value if isinstance(value, tuple) else ([], [])
        picked = Picked(_ids(ids), list(uploads))
        if self.required and not picked:
            raise forms.ValidationError(self.error_messages["required"], code="required")
        if len(picked.ids) + len(picked.uploads) > self.use.most:
            text = self.error_messages["most"] % {"most": self.use.most}
            raise forms.ValidationError(text, code="most")
        return picked


def _ids(texts: list[str]) -> list[UUID]:
    """The ids among some texts, each once; what is no id was not made by our page."""
    found = []
    for text in texts:
        try:
            found.append(UUID(text))
        except ValueError:
            continue
    return list(dict.fromkeys(found))
