"""Which keys the sealed data of this database need."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from fangkong.core.privacy import Personal


class SealingKey(models.Model):
    """A key of the ring that this database needs. It holds no secret: only proofs of the right one.

    ``proof`` opens with that key only; ``index_proof`` is a digest by the key of the blind indexes.
    """

    pii: ClassVar[dict[str, Personal]] = {}

    key_id = models.CharField(max_length=20, unique=True)
    first_used_at = models.DateTimeField()
    retired_at = models.DateTimeField(null=True)
    proof = models.CharField(max_length=200)
    index_proof = models.CharField(max_length=40)

    class Meta:
        verbose_name = _("sealing key")
        verbose_name_plural = _("sealing keys")

    def __str__(self) -> str:
        return self.key_id
