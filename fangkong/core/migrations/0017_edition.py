from uuid import uuid4

from django.db import migrations, models

NAMES = ("places", "receivers")


def begin(apps, editor):
    """What is there already is the first edition."""
    Edition = apps.get_model("core", "Edition")
    Edition.objects.bulk_create(Edition(name=name, mark=uuid4().hex) for name in NAMES)


class Migration(migrations.Migration):
    dependencies = [("core", "0016_assessments")]
    operations = [
        migrations.CreateModel(
            name="Edition",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(max_length=40, unique=True)),
                ("mark", models.CharField(max_length=36)),
            ],
        ),
        migrations.RunPython(begin, migrations.RunPython.noop),
    ]
