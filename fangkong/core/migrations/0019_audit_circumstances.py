"""Area, address, program and result of each line; which columns each seal covers."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("core", "0018_trail_by_time"),
    ]

    operations = [
        migrations.AddField(
            model_name="auditline",
            name="area_key",
            field=models.BigIntegerField(null=True),
        ),
        migrations.AddField(
            model_name="auditline",
            name="ip",
            field=models.CharField(blank=True, max_length=45),
        ),
        migrations.AddField(
            model_name="auditline",
            name="result",
            field=models.CharField(
                choices=[("done", "done"), ("refused", "refused")], default="done", max_length=10
            ),
        ),
        migrations.AddField(
            model_name="auditline",
            name="token",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="+",
                to="core.token",
            ),
        ),
        migrations.AddField(
            model_name="seal",
            name="format",
            field=models.PositiveSmallIntegerField(default=1),
        ),
        migrations.AddField(
            model_name="sight",
            name="ip",
            field=models.CharField(blank=True, max_length=45),
        ),
        migrations.AddField(
            model_name="sight",
            name="token",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="+",
                to="core.token",
            ),
        ),
    ]
