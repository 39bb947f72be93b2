"""Permissions of the shell's own pages."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from fangkong.core import permissions
from fangkong.core.roles import Role

SEE_COMMAND_SCREEN = permissions.declare(
    "web.command_screen",
    _("See the command screen"),
    roles=[Role.HEADQUARTERS, Role.COUNTY_CDC, Role.INSPECTOR],
)
