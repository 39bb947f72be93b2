"""Words for what is done with keys."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from fangkong.core.audit.types import name_verbs

name_verbs(
    {
        "core.sealing.enrol": _("Encryption key taken into use"),
        "core.sealing.rotate": _("Personal data sealed with a new key"),
    }
)
