"""Pages of the menu for the search over everything."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING

from django.utils.translation import gettext_lazy as _
from django.utils.translation import override

from fangkong.core import finders
from fangkong.core.finders import Found

from . import menu

if TYPE_CHECKING:
    from fangkong.accounts.models import User


@finders.finder(_("Pages of the menu"), "layout-dashboard")
def pages(user: User, at: datetime, text: str) -> Iterable[Found]:
    """The pages of this user's menu, by their Chinese or English name."""
    for label, url in menu.pages_of(user, at):
        names = []
        for language in ("zh-hans", "en"):
            with override(language):
                names.append(str(label))
        if finders.fits(text, *names):
            yield Found(str(label), url)
