"""The trail in the order of its pages, whatever the filter; an index that another begins with goes."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

STAFF = settings.AUTH_USER_MODEL


class Migration(migrations.Migration):
    dependencies = [("core", "0017_edition"), migrations.swappable_dependency(STAFF)]

    operations = [
        migrations.RemoveIndex("auditline", "audit_by_user"),
        migrations.RemoveIndex("auditline", "audit_by_time"),
        migrations.RemoveIndex("sight", "sight_by_viewer"),
        # As SQL: SQLite would write the whole table anew for it, with its triggers.
        migrations.SeparateDatabaseAndState(
            [migrations.RunSQL("DROP INDEX IF EXISTS core_auditline_by_id_8d646937")],
            [
                migrations.AlterField(
                    "auditline",
                    "by",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=STAFF,
                    ),
                )
            ],
        ),
        migrations.AddIndex(
            "auditline", models.Index(fields=["by", "at", "id"], name="audit_by_user")
        ),
        migrations.AddIndex(
            "auditline",
            models.Index(
                fields=["at", "id", "action"],
                name="audit_by_time",
                opclasses=["timestamptz_ops", "int8_ops", "varchar_pattern_ops"],
            ),
        ),
        migrations.AddIndex(
            "auditline",
            models.Index(fields=["subject_public_id", "at", "id"], name="audit_by_record"),
        ),
        migrations.AddIndex(
            "rowchange",
            models.Index(
                condition=models.Q(("role__gt", "")), fields=["at"], name="row_change_by_stranger"
            ),
        ),
        migrations.AddIndex(
            "sight", models.Index(fields=["by", "at", "id"], name="sight_by_viewer")
        ),
        migrations.AddIndex(
            "sight", models.Index(fields=["at", "id", "how"], name="sight_by_time")
        ),
    ]
