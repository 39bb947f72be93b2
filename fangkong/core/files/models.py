"""Files that staff uploaded. The content lies under MEDIA_ROOT, under a name made here."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from fangkong.core.privacy import About, Personal, Retention
from fangkong.core.record import Record

from . import kinds


class StoredFile(Record):
    """One file and the record it belongs to; without a record it is an upload not yet used.

    ``erase`` of ``stored_as`` means that the content on the disk goes as well.
    """

    # A photo or its name may show a person.
    pii: ClassVar[dict[str, Personal]] = {
        "name": Personal("health", "erase"),
        "stored_as": Personal("health", "erase", _("the file itself")),
    }
    retention: ClassVar[Retention] = Retention(
        _("as the record it belongs to"), by_room="fangkong.core.files"
    )
    about: ClassVar[About] = About(record=("subject_type", "subject_id"))

    use = models.CharField(max_length=60)
    name = models.CharField(_("file name"), max_length=160)
    kind = models.CharField(max_length=10)
    size = models.PositiveIntegerField()  # bytes as stored
    width = models.PositiveIntegerField(null=True)  # pixels of a photo
    height = models.PositiveIntegerField(null=True)
    sha256 = models.CharField(max_length=64)  # of the content as stored
    stored_as = models.CharField(max_length=80, unique=True)
    # The record it belongs to, of any room above.
    subject_type = models.CharField(max_length=60, blank=True)
    subject_id = models.UUIDField(null=True)

    class Meta:
        verbose_name = _("file")
        verbose_name_plural = _("files")
        constraints = [
            models.CheckConstraint(
                condition=models.Q(subject_id__isnull=True, subject_type="")
                | models.Q(subject_id__isnull=False) & ~models.Q(subject_type=""),
                name="stored_file_belongs_or_waits",
            ),
        ]
        indexes = [
            models.Index(fields=["subject_id", "use"], name="stored_file_of_record"),
            models.Index(fields=["created_by", "created_at"], name="stored_file_by_day"),
            models.Index(
                fields=["created_at"],
                name="stored_file_waiting",
                condition=models.Q(subject_id__isnull=True),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.use} {self.public_id}"

    def get_absolute_url(self) -> str:
        return reverse("core:files:detail", args=[self.public_id])

    @property
    def path(self) -> Path:
        return Path(settings.MEDIA_ROOT) / self.stored_as

    @property
    def is_photo(self) -> bool:
        return kinds.KINDS[self.kind].photo
