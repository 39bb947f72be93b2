from django.db import migrations

from fangkong.core.sealing.migrating import seal_rows


class Migration(migrations.Migration):
    """Batch by batch: stopped halfway it goes on where it stopped."""

    atomic = False
    dependencies = [("people", "0002_sealed_columns")]

    operations = [seal_rows("people.Person", "people.IdentityDocument", "people.Phone")]
