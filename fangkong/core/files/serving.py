"""Hand out a stored file so that no browser runs anything of it."""

from __future__ import annotations

import logging

from django.http import FileResponse, Http404, HttpResponseBase
from django.utils.translation import gettext as _

from fangkong.core.refusals import Refused

from . import kinds, rules
from .models import StoredFile

# A browser that shows the file runs nothing of it and fetches nothing for it.
SANDBOX = "sandbox; default-src 'none'; img-src 'self'; frame-ancestors 'none'"


log = logging.getLogger(__name__)


class Damaged(Refused):
    """The content is not what was stored: a disk has forgotten, or somebody was at it."""

    status = 500


def served(file: StoredFile, *, download: bool) -> HttpResponseBase:
    """The answer with the content: photos are shown, all else is saved.

    What is not as it was stored is not handed out: a wrong figure in a scanned report harms more
    than a missing page. The digest of 20 MB costs some hundredths of a second.
    """
    kind = kinds.KINDS[file.kind]
    try:
        content = file.path.open("rb")
    except FileNotFoundError:
        raise Http404 from None
    if rules.digest(content) != file.sha256:
        content.close()
        log.error("stored file damaged", extra={"file": str(file.public_id)})
        raise Damaged(
            _("The stored file is damaged and is not shown. The administrator has it in a backup.")
        )
    content.seek(0)
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
