"""A package keeps how much it was booked as, whatever its code is corrected to later.

Those that are there already get what their code means now.
"""

from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps


def fill(apps: StateApps, editor: BaseDatabaseSchemaEditor) -> None:
    serials = apps.get_model("supplies", "Serial").objects
    codes = apps.get_model("supplies", "ItemCode").objects
    mine = codes.filter(pk=models.OuterRef("code")).values("holds")
    serials.update(holds=models.Subquery(mine))


class Migration(migrations.Migration):
    dependencies = [("supplies", "0010_serials_money")]

    operations = [
        migrations.AddField(
            model_name="serial",
            name="holds",
            field=models.PositiveBigIntegerField(default=1, verbose_name="smallest units in one"),
            preserve_default=False,
        ),
        migrations.RunPython(fill, migrations.RunPython.noop),
        migrations.AddConstraint(
            model_name="serial",
            constraint=models.CheckConstraint(
                condition=models.Q(("holds__gt", 0)), name="serial_holds_something"
            ),
        ),
    ]
