from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("surveillance", "0023_results_taken_back"),
    ]

    operations = [
        migrations.AlterField(
            model_name="observation",
            name="ending",
            field=models.CharField(
                blank=True,
                choices=[
                    ("term", "released, term over"),
                    ("case", "became a case"),
                    ("moved", "handed over"),
                    ("death", "died"),
                    ("error", "opened in error"),
                    ("ruled_out", "the case was ruled out"),
                ],
                max_length=10,
                verbose_name="end",
            ),
        ),
    ]
