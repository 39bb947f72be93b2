"""Take a file in, give it to a record, throw away what nobody used."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Collection, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from fangkong.core.audit import actions as audit
from fangkong.core.record import Record, new_public_id, stamps
from fangkong.core.refusals import Refused
from fangkong.core.sentences import listed

from . import kinds, photos, queries, rules, scanning
from .kinds import DOCX, XLSX, Kind
from .models import StoredFile
from .types import Use

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser

# What one member of staff may send in 24 hours.
DAILY_FILES = 300
DAILY_BYTES = 1024 * kinds.MEGABYTE


class NotTaken(Refused):
    """What is wrong with a file; pages show it beside the field."""

    field = "attachments"


class TooBig(NotTaken):
    """The file has more bytes, or the photo more pixels, than its use takes."""

    status = 413


class WrongKind(NotTaken):
    """The content is of no kind that is taken here, or its ending says something else."""

    status = 415


class Broken(NotTaken):
    """The photo cannot be read, or there is nothing in the file."""

    status = 422


class Infected(NotTaken):
    """The scanner found a virus."""

    status = 422


class NotScanned(NotTaken):
    """The scanner that the operator wants asked does not answer."""

    status = 503


class QuotaUsed(NotTaken):
    """One member of staff has sent very many files today."""

    status = 429


class NotYours(NotTaken):
    """A file that somebody else sent, that belongs to a record already, or that is gone."""

    status = 422


class TooMany(NotTaken):
    """The record would have more files than its use allows."""

    status = 422


class Looked:
    """A file that was looked at and drawn anew, and waits to be kept; ``str`` is its name."""

    def __init__(
        self, name: str, raw: bytes, kind: Kind, width: int | None, height: int | None
    ) -> None:
        self.name, self.raw, self.kind = name, raw, kind
        self.width, self.height = width, height

    def __str__(self) -> str:
        return self.name


def look_at(*, use: Use, content: UploadedFile[Any], name: str) -> Looked:
    """Everything that takes time: the kind, the photo drawn anew, the scanner's word.

    Before the transaction of ``upload``: a scanner that hangs must not hold up who else writes.
    """
    size = content.size or 0
    if not size:
        raise Broken(_("The file is empty. Choose it again."))
    if size > use.largest:
        raise TooBig(
            _("The file is larger than %(limit)d MB. Choose a smaller one.")
            % {"limit": use.largest // kinds.MEGABYTE}
        )
    raw = content.read(use.largest + 1)
    kind = _kind(use, raw, name)
    width = height = None
    if kind.photo:
        raw, kind, width, height = _photo(raw, kind)
    _scan(raw)
    return Looked(name, raw, kind, width, height)


@transaction.atomic
def upload(
    *,
    use: Use,
    content: Looked,
    by: AbstractBaseUser,
    at: datetime,
    digest: str = "",
) -> StoredFile:
    """Keep one file that was looked at; it waits for a record (``attach``).

    ``digest`` is for the command's key only: the same key with another content is refused.
    """
    raw, kind = content.raw, content.kind
    count, sent, since = queries.sent_today(by, at)
    if count >= DAILY_FILES or sent + len(raw) > DAILY_BYTES:
        raise QuotaUsed(
            _("You have sent very many files today. Go on tomorrow."),
            wait=since + queries.DAY - at,
        )
    file = StoredFile(
        **stamps(by, at),
        use=use.name,
        name=rules.clean_name(rules.clean_name(content.name, kind), kind),
        kind=kind.name,
        size=len(raw),
        width=content.width,
        height=content.height,
        sha256=hashlib.sha256(raw).hexdigest(),
        stored_as=f"{at:%Y/%m}/{new_public_id().hex}",
    )
    # First the content, then the row: a crash between them leaves a file that no row names.
    _write(file.path, raw)
    file.save(force_insert=True)
    detail = {"use": use.name, "kind": kind.name, "size": len(raw)}
    audit.record("core.files.upload", file, by=by, at=at, detail=detail)
    return file


@transaction.atomic
def attach(
    *, files: Sequence[StoredFile], use: Use, to: Record, by: AbstractBaseUser, at: datetime
) -> None:
    """Give uploads to a record. For the owning part's action, which has decided that ``by`` may."""
    if not files:
        return
    if len(files) + queries.of(use, to).count() > use.most:
        raise TooMany(_("Not more than %(most)d files, please.") % {"most": use.most})
    waiting = StoredFile.objects.filter(
        pk__in=[file.pk for file in files], use=use.name, created_by=by.pk, subject_id=None
    )
    taken = waiting.update(
        subject_type=to._meta.label_lower,
        subject_id=to.public_id,
        changed_by=by.pk,
        changed_at=at,
    )
    if taken != len({file.pk for file in files}):
        raise NotYours(_("One of the files is no longer there. Upload it again."))
    audit.record("core.files.attach", to, by=by, at=at, detail={"files": taken})


@transaction.atomic
def discard(*, file: StoredFile, by: AbstractBaseUser, at: datetime) -> None:
    """Throw away an upload before it is used."""
    file = StoredFile.objects.select_for_update().get(pk=file.pk)
    if file.subject_id is not None or file.created_by_id != by.pk:
        raise NotYours(_("This file belongs to a record and stays."))
    audit.record("core.files.discard", file, by=by, at=at)
    _remove(file)


@transaction.atomic
def remove_orphans(*, at: datetime, by: AbstractBaseUser | None = None, most: int = 500) -> int:
    """Throw away uploads of more than a day ago that no record took; says how many went."""
    gone = list(queries.orphans(at).select_for_update()[:most])
    for file in gone:
        # One line for each: the trail tells what became of every upload.
        audit.record("core.files.remove_orphans", file, by=by, at=at)
        _remove(file)
    return len(gone)


@transaction.atomic
def destroy_of(
    *, subject_type: str, ids: Collection[UUID], by: AbstractBaseUser | None, at: datetime
) -> int:
    """Destroy the files of records whose personal data are destroyed; says how many went."""
    gone = list(
        StoredFile.objects.select_for_update().filter(
            subject_type=subject_type, subject_id__in=list(ids)
        )
    )
    for file in gone:
        audit.record("core.files.destroy", file, by=by, at=at)
        _remove(file)
    return len(gone)


def sweep(at: datetime) -> int:
    """Remove contents that no row names: left by a crash between writing and committing."""
    root, removed = Path(settings.MEDIA_ROOT), 0
    oldest = at.timestamp() - queries.DAY.total_seconds()
    for path in root.glob("[0-9]*/[0-9]*/*"):
        old = path.is_file() and path.stat().st_mtime < oldest
        stored_as = path.relative_to(root).as_posix()
        if old and not StoredFile.objects.filter(stored_as=stored_as).exists():
            path.unlink(missing_ok=True)
            removed += 1
    return removed


def _kind(use: Use, raw: bytes, name: str) -> Kind:
    kind = rules.sniff(raw)
    endings = listed(one.endings[0].upper() for one in use.kinds)
    if kind is None or not use.takes(kind):
        raise WrongKind(
            _("Files of this kind are not taken here. Send one of: %(kinds)s.") % {"kinds": endings}
        )
    if rules.ending(name) not in kind.endings:
        raise WrongKind(
            _("The content of the file does not fit its name. It seems to be a %(kind)s file.")
            % {"kind": kind.endings[0].upper()}
        )
    if kind in (DOCX, XLSX) and rules.unpacked(raw) > rules.MOST_UNPACKED:
        raise TooBig(
            _(
                "This file unpacks to far more than its size, so nobody could open it. "
                "Save it again."
            )
        )
    return kind


def _photo(raw: bytes, kind: Kind) -> tuple[bytes, Kind, int, int]:
    try:
        photo = photos.redrawn(raw, kind)
    except photos.TooManyPixels:
        raise TooBig(_("The photo has too many pixels. Take it with a lower setting.")) from None
    except photos.NotAPhoto:
        raise Broken(_("The photo cannot be read. Take or save it again.")) from None
    return photo.content, photo.kind, photo.width, photo.height


def _scan(raw: bytes) -> None:
    try:
        clean = scanning.is_clean(raw)
    except scanning.NoAnswer:
        raise NotScanned(
            _("The virus scanner does not answer, so no files are taken. Tell the operator.")
        ) from None
    if not clean:
        raise Infected(_("The virus scanner found something in this file. It was not kept."))


def _write(path: Path, raw: bytes) -> None:
    """The content on the disk, whole, before anything says that it is there."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as out:
        out.write(raw)
        out.flush()
        os.fsync(out.fileno())


def _remove(file: StoredFile) -> None:
    path = file.path
    file.delete()
    transaction.on_commit(lambda: path.unlink(missing_ok=True))
