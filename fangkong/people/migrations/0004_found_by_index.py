from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("people", "0003_seal_rows")]

    operations = [
        migrations.AddIndex(
            "identitydocument", models.Index(fields=["number_index"], name="document_by_number")
        ),
        migrations.AddIndex("phone", models.Index(fields=["number_index"], name="phone_by_number")),
        migrations.AddConstraint(
            "identitydocument",
            models.UniqueConstraint(
                condition=models.Q(("number_index", ""), _negated=True),
                fields=("kind", "number_index"),
                name="document_of_one_person",
            ),
        ),
        migrations.AddConstraint(
            "phone",
            models.UniqueConstraint(
                condition=models.Q(("number_index", ""), _negated=True),
                fields=("person", "number_index"),
                name="phone_once_per_person",
            ),
        ),
    ]
