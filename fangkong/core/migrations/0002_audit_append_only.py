from django.db import migrations

from fangkong.core.append_only import append_only


class Migration(migrations.Migration):
    """The database itself refuses to change or delete a line of the audit trail."""

    dependencies = [("core", "0001_initial")]

    operations = [append_only("core_auditline")]
