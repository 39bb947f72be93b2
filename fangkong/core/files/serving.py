"""Hand out a stored file so that no browser runs anything of it."""

from __future__ import annotations

from django.http import FileResponse, Http404, HttpResponseBase

from . import kinds
from .models import StoredFile

# A browser that shows the file runs nothing of it and fetches nothing for it.
SANDBOX = "sandbox; default-src 'none'; img-src 'self'; frame-ancestors 'none'"


def served(file: StoredFile, *, download: bool) -> HttpResponseBase:
    """The answer with the content: photos are shown, all else is saved."""
    kind = kinds.KINDS[file.kind]
    try:
        content = file.path.open("rb")
    except FileNotFoundError:
        raise Http404 from None
    answer = FileResponse(
        content,
        as_attachment=download or not kind.photo,
        filename=file.name,
        content_type=kind.media_type,
    )
    answer["Content-Security-Policy"] = SANDBOX
    answer["X-Content-Type-Options"] = "nosniff"
    answer["Cache-Control"] = "private, no-store"
    return answer
