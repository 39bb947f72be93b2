from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("surveillance", "0002_warning")]

    operations = [
        migrations.AddIndex(
            model_name="case",
            index=models.Index(fields=["condition", "reported_at", "id"], name="case_by_disease"),
        ),
    ]
