"""From what a form or a machine sent to stored files."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from fangkong.core import permissions
from fangkong.core.commands.actions import once

from . import actions, queries
from .forms import Picked
from .models import StoredFile
from .types import Use


def keep(request: Any, use: Use, content: UploadedFile[Any], key: str) -> StoredFile:
    """Store one file that came with a request."""
    permissions.require(request, use.permission)
    digest = digest_of(content)
    return once(
        key,
        actions.upload,
        use=use,
        content=actions.look_at(use=use, content=content, name=content.name or ""),
        digest=digest,
        by=request.user,
        at=request.now,
    )


def digest_of(content: UploadedFile[Any]) -> str:
    """What tells one file from another of the same name: every photo of a phone is image.jpg."""
    digest = hashlib.sha256()
    for piece in content.chunks():
        digest.update(piece)
    content.seek(0)
    return digest.hexdigest()


def found(request: Any, use: Use, ids: Sequence[UUID]) -> list[StoredFile]:
    """The user's own uploads of these ids; ``NotYours`` if one is missing.

    Whether they still wait for a record ``attach`` decides: a request that comes twice must name
    the same files both times.
    """
    files = queries.sent_by(use, request.user, ids)
    if len(files) != len(set(ids)):
        raise actions.NotYours(_("One of the files is no longer there. Upload it again."))
    return files


def taken(request: HttpRequest, use: Use, picked: Picked, key: str) -> list[StoredFile]:
    """All files of a form, those that came with the form itself stored first."""
    files = found(request, use, picked.ids)
    for number, upload in enumerate(picked.uploads):
        # A form that was refused comes again with its key, and perhaps with another file.
        own = f"{key[:40]}-f{number}-{digest_of(upload)[:16]}"
        files.append(keep(request, use, upload, own))
    return files
