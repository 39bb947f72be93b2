"""Files of cards become runs of the import kit; what waited in them is to be sent again.

An import that was not finished is cancelled: its cards are recognised when the file comes again, so
none is doubled.
"""

from django.db import migrations

KEPT = (
    "id", "public_id", "created_at", "created_by_id", "changed_at", "changed_by_id", "file_name",
    "sha256", "encoding", "columns", "total", "ok", "errors", "known", "imported", "synthetic",
    "confirmed_at", "ended_at",
)  # fmt: skip


def copy(apps, editor):
    batches = apps.get_model("surveillance", "ImportBatch")
    runs = apps.get_model("core", "ImportRun")
    for batch in batches.objects.select_related("facility__area").iterator(chunk_size=500):
        done = batch.state == "done"
        runs.objects.create(
            kind="surveillance.monitoring.cards",
            state="done" if done else "cancelled",
            county_id=batch.facility.area.county_id,
            area_id=batch.facility.area_id,
            facility_id=batch.facility_id,
            place_name=batch.facility.name_zh,
            forgotten_at=batch.ended_at or batch.changed_at,
            **{name: getattr(batch, name) for name in KEPT},
        )
    if editor.connection.vendor == "postgresql":
        editor.execute(
            "SELECT setval(pg_get_serial_sequence('core_importrun', 'id'),"
            " (SELECT coalesce(max(id), 0) + 1 FROM core_importrun), false)"
        )


class Migration(migrations.Migration):
    dependencies = [("surveillance", "0003_case_by_disease"), ("core", "0011_imports")]
    operations = [migrations.RunPython(copy, migrations.RunPython.noop)]
