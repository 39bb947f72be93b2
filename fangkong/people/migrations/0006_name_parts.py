"""Parts of names to search in, made from the persons that there are; no prefix index is left."""

import django.db.models.deletion
from django.db import migrations, models

from fangkong.people import name_parts


def by_bytes(apps, editor):
    """Ranges must follow the code points, whatever language the database sorts by."""
    if editor.connection.vendor == "postgresql":
        editor.execute(
            'ALTER TABLE people_namepart ALTER COLUMN part TYPE varchar(200) COLLATE "C"'
        )


def fill(apps, editor):
    name_parts.rebuild(editor.connection.alias)


class Migration(migrations.Migration):
    dependencies = [("people", "0005_data_requests"), ("places", "0001_initial")]

    operations = [
        migrations.CreateModel(
            name="NamePart",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("part", models.CharField(max_length=200)),
                (
                    "county",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="places.area",
                    ),
                ),
                (
                    "person",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="people.person",
                    ),
                ),
            ],
        ),
        migrations.RunPython(by_bytes, migrations.RunPython.noop),
        migrations.RunPython(fill, migrations.RunPython.noop),
        migrations.AddIndex(
            "namepart",
            models.Index(fields=["part", "county", "person"], name="namepart_by_part"),
        ),
        migrations.RemoveIndex("person", "person_by_pinyin"),
        migrations.RemoveIndex("person", "person_by_initials"),
    ]
