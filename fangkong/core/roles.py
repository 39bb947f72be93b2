"""The roles of staff. What each may do stands with the permissions that parts declare."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class Role(models.TextChoices):
    HEADQUARTERS = "headquarters", _("Headquarters")
    COUNTY_CDC = "county_cdc", _("County CDC")
    HOSPITAL = "hospital", _("Hospital")
    WARD_STAFF = "ward_staff", _("Ward staff")
    LABORATORY = "laboratory", _("Laboratory")
    FIELD_WORKER = "field_worker", _("Checkpoint or grid worker")
    STORE_KEEPER = "store_keeper", _("Store keeper")
    INSPECTOR = "inspector", _("Inspector")
    HR_FINANCE = "hr_finance", _("HR and finance")
    EDITOR = "editor", _("Editor")
    AUDITOR = "auditor", _("Auditor")
    SECURITY = "security", _("Security administrator")
    ADMINISTRATOR = "administrator", _("Administrator")
