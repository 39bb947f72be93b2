"""What a saved view looks like to a page, and the words of its verbs."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from django.utils.translation import gettext_lazy as _

from fangkong.core.audit.types import name_verbs


@dataclass(frozen=True)
class View:
    """A saved view of a list: its name and the address that shows it."""

    public_id: UUID
    name: str
    path: str
    query: str
    is_default: bool

    @property
    def url(self) -> str:
        return f"{self.path}?{self.query}{'&' if self.query else ''}view={self.public_id}"


name_verbs(
    {
        "core.pages.save_view": _("View of a list saved"),
        "core.pages.drop_view": _("View of a list removed"),
        "core.pages.open_with": _("First view of a list chosen"),
    }
)
