"""Files for machines."""

from __future__ import annotations

from typing import Any, cast
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from ninja import File, Router, Schema, Status
from ninja.files import UploadedFile

from fangkong.core import api

from . import queries, receiving, types
from .models import StoredFile
from .serving import served

router = Router(tags=["files"])


class FileOut(Schema):
    """A stored file; its content is at ``/api/v1/core/files/{id}/``."""

    id: UUID
    name: str
    media_type: str
    size: int
    sha256: str


@router.get("/{uuid:public_id}/", response={200: None})
def detail(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """The content of a file whose record is open to you; its ETag is the SHA-256 of it."""
    staff = cast(Any, request)
    file = queries.open_to(staff.user, public_id, staff.now)
    if file is None:
        raise Http404
    tag = f'"{file.sha256}"'
    answer = api.known_already(request, tag) or cast(HttpResponse, served(file, download=True))
    answer["ETag"] = tag
    return answer


@router.post("/{use}/", response={201: FileOut})
def upload(request: HttpRequest, use: str, file: File[UploadedFile]) -> Any:
    """Send a file for a use such as tasks.proof; give its id to what takes it within a day."""
    wanted = types.use(use)
    if wanted is None:
        raise Http404
    return Status(201, out(receiving.keep(request, wanted, file, api.key_of(request))))


def out(file: StoredFile) -> FileOut:
    """A file as machines see it."""
    return FileOut(
        id=file.public_id,
        name=file.name,
        media_type=types.KINDS[file.kind].media_type,
        size=file.size,
        sha256=file.sha256,
    )
