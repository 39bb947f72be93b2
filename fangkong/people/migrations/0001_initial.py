import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import fangkong.core.record


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("places", "0001_initial"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Person",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "public_id",
                    models.UUIDField(
                        default=fangkong.core.record.new_public_id, editable=False, unique=True
                    ),
                ),
                ("created_at", models.DateTimeField(editable=False)),
                ("changed_at", models.DateTimeField(editable=False)),
                ("name", models.CharField(max_length=100, verbose_name="name")),
                ("name_pinyin", models.CharField(blank=True, editable=False, max_length=200)),
                ("name_initials", models.CharField(blank=True, editable=False, max_length=60)),
                (
                    "sex",
                    models.CharField(
                        choices=[
                            ("0", "unknown"),
                            ("1", "male"),
                            ("2", "female"),
                            ("9", "not stated"),
                        ],
                        default="0",
                        max_length=1,
                        verbose_name="sex",
                    ),
                ),
                ("birth_date", models.DateField(blank=True, null=True, verbose_name="birth date")),
                (
                    "age_years",
                    models.PositiveSmallIntegerField(
                        blank=True, null=True, verbose_name="age in years"
                    ),
                ),
                (
                    "age_months",
                    models.PositiveSmallIntegerField(
                        blank=True, null=True, verbose_name="age in months"
                    ),
                ),
                ("age_on", models.DateField(blank=True, null=True, verbose_name="age stated on")),
                (
                    "occupation",
                    models.CharField(blank=True, max_length=40, verbose_name="occupation"),
                ),
                (
                    "workplace",
                    models.CharField(
                        blank=True, max_length=200, verbose_name="workplace or school"
                    ),
                ),
                (
                    "guardian_name",
                    models.CharField(blank=True, max_length=100, verbose_name="parent or guardian"),
                ),
                (
                    "ethnicity",
                    models.CharField(blank=True, max_length=40, verbose_name="ethnic group"),
                ),
                (
                    "address_detail",
                    models.CharField(
                        blank=True, max_length=300, verbose_name="address below township"
                    ),
                ),
                (
                    "synthetic",
                    models.BooleanField(
                        default=False, verbose_name="invented for the demonstration"
                    ),
                ),
                (
                    "area",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="places.area",
                        verbose_name="area",
                    ),
                ),
                (
                    "changed_by",
                    models.ForeignKey(
                        blank=True,
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "county",
                    models.ForeignKey(
                        blank=True,
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="places.area",
                        verbose_name="county",
                    ),
                ),
                (
                    "created_by",
                    models.ForeignKey(
                        blank=True,
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "merged_into",
                    models.ForeignKey(
                        blank=True,
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="people.person",
                    ),
                ),
            ],
            options={"verbose_name": "person", "verbose_name_plural": "persons"},
        ),
        migrations.CreateModel(
            name="IdentityDocument",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "public_id",
                    models.UUIDField(
                        default=fangkong.core.record.new_public_id, editable=False, unique=True
                    ),
                ),
                ("created_at", models.DateTimeField(editable=False)),
                ("changed_at", models.DateTimeField(editable=False)),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("resident_id", "Resident identity card"),
                            ("passport", "Passport"),
                            ("hk_macao_permit", "Travel permit for Hong Kong and Macao residents"),
                            ("taiwan_permit", "Travel permit for Taiwan residents"),
                            (
                                "foreign_permanent_residence",
                                "Permanent residence card for foreigners",
                            ),
                            ("military", "Military document"),
                            ("household_book", "Household register"),
                            ("none", "No document"),
                        ],
                        max_length=30,
                        verbose_name="kind",
                    ),
                ),
                ("number", models.CharField(max_length=40, verbose_name="number")),
                (
                    "issued_by",
                    models.CharField(blank=True, max_length=100, verbose_name="issued by"),
                ),
                (
                    "changed_by",
                    models.ForeignKey(
                        blank=True,
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "created_by",
                    models.ForeignKey(
                        blank=True,
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "person",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="documents",
                        to="people.person",
                    ),
                ),
            ],
            options={
                "verbose_name": "identity document",
                "verbose_name_plural": "identity documents",
            },
        ),
        migrations.CreateModel(
            name="Phone",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "public_id",
                    models.UUIDField(
                        default=fangkong.core.record.new_public_id, editable=False, unique=True
                    ),
                ),
                ("created_at", models.DateTimeField(editable=False)),
                ("changed_at", models.DateTimeField(editable=False)),
                ("number", models.CharField(max_length=20, verbose_name="number")),
                (
                    "kind",
                    models.CharField(
                        choices=[("own", "own"), ("family", "family"), ("work", "work")],
                        default="own",
                        max_length=10,
                        verbose_name="kind",
                    ),
                ),
                ("note", models.CharField(blank=True, max_length=100, verbose_name="note")),
                (
                    "changed_by",
                    models.ForeignKey(
                        blank=True,
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "created_by",
                    models.ForeignKey(
                        blank=True,
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "person",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="phones",
                        to="people.person",
                    ),
                ),
            ],
            options={"verbose_name": "phone", "verbose_name_plural": "phones"},
        ),
        migrations.AddIndex(
            model_name="person",
            index=models.Index(fields=["name", "birth_date"], name="person_by_name"),
        ),
        migrations.AddIndex(
            model_name="person", index=models.Index(fields=["name_pinyin"], name="person_by_pinyin")
        ),
        migrations.AddIndex(
            model_name="person",
            index=models.Index(fields=["name_initials"], name="person_by_initials"),
        ),
        migrations.AddIndex(
            model_name="person",
            index=models.Index(fields=["created_at", "id"], name="person_by_entry"),
        ),
        migrations.AddIndex(
            model_name="person",
            index=models.Index(fields=["county", "created_at", "id"], name="person_by_county"),
        ),
        migrations.AddConstraint(
            model_name="person",
            constraint=models.CheckConstraint(
                condition=models.Q(("name", ""), _negated=True), name="person_has_a_name"
            ),
        ),
        migrations.AddConstraint(
            model_name="person",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("age_on__isnull", False),
                    models.Q(("age_months__isnull", True), ("age_years__isnull", True)),
                    _connector="OR",
                ),
                name="person_age_has_its_day",
            ),
        ),
        migrations.AddIndex(
            model_name="identitydocument",
            index=models.Index(fields=["number"], name="document_by_number"),
        ),
        migrations.AddConstraint(
            model_name="identitydocument",
            constraint=models.UniqueConstraint(
                fields=("kind", "number"), name="document_of_one_person"
            ),
        ),
        migrations.AddIndex(
            model_name="phone", index=models.Index(fields=["number"], name="phone_by_number")
        ),
        migrations.AddConstraint(
            model_name="phone",
            constraint=models.UniqueConstraint(
                fields=("person", "number"), name="phone_once_per_person"
            ),
        ),
    ]
