import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("surveillance", "0004_runs")]
    operations = [
        migrations.AlterField(
            model_name="case",
            name="batch",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="core.importrun",
            ),
        ),
        migrations.DeleteModel(name="ImportRow"),
        migrations.DeleteModel(name="ImportBatch"),
    ]
