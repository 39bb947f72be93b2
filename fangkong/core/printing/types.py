"""The words of printing in the audit trail."""

from django.utils.translation import gettext_lazy as _

from fangkong.core.audit import types as audit

audit.name_verbs({"core.printing.print": _("Printed")})
