"""Words for what is done when a term is over."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from fangkong.core.audit.types import name_verbs

name_verbs({"core.retention.destroy": _("Personal data destroyed, the term being over")})
