from django.db import migrations

import fangkong.core.sealing.fields


class Migration(migrations.Migration):
    """The columns of sealed values; what lies in them is sealed by the next migration."""

    dependencies = [("people", "0001_initial")]

    operations = [
        migrations.RemoveConstraint("identitydocument", "document_of_one_person"),
        migrations.RemoveConstraint("phone", "phone_once_per_person"),
        migrations.RemoveIndex("identitydocument", "document_by_number"),
        migrations.RemoveIndex("phone", "phone_by_number"),
        migrations.AddField(
            "identitydocument",
            "number_index",
            fangkong.core.sealing.fields.BlindIndexField(of="number"),
        ),
        migrations.AddField(
            "phone", "number_index", fangkong.core.sealing.fields.BlindIndexField(of="number")
        ),
        migrations.AlterField(
            "identitydocument",
            "number",
            fangkong.core.sealing.fields.SealedTextField(max_length=40, verbose_name="number"),
        ),
        migrations.AlterField(
            "phone",
            "number",
            fangkong.core.sealing.fields.SealedTextField(max_length=20, verbose_name="number"),
        ),
        migrations.AlterField(
            "person",
            "address_detail",
            fangkong.core.sealing.fields.SealedTextField(
                blank=True, max_length=300, verbose_name="address below township"
            ),
        ),
    ]
