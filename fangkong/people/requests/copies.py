"""A person's copy: a sheet to read, or an archive with the same as data and the files."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.utils.translation import gettext as _

from fangkong.core.dossier.types import Dossier
from fangkong.core.printing import sheets as printing

from .models import DataRequest


def paper(request: HttpRequest, asked: DataRequest, held: Dossier) -> HttpResponse:
    """The copy as PDF; the caller has noted who gets it."""
    title = _("Copy of the data held about a person")
    context = {"asked": asked, "held": held, "title": title}
    return printing.plain_sheet(request, "people/requests/copy.html", context, name="copy")


def archive(asked: DataRequest, held: Dossier, mark: str) -> HttpResponse:
    """The copy as ZIP: ``copy.json``, a text that explains it, and the files about the person."""
    file = io.BytesIO()
    facts: dict[str, Any] = {"request": str(asked.public_id), "mark": mark, **held.as_json()}
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as box:
        box.writestr("copy.json", json.dumps(facts, ensure_ascii=False, indent=2))
        box.writestr(
            "README.txt", render_to_string("people/requests/copy.txt", {"held": held, "mark": mark})
        )
        for number, (name, kept) in enumerate(held.files, start=1):
            if Path(kept).is_file():
                box.write(kept, f"files/{number:02d}-{name}")
    answer = HttpResponse(file.getvalue(), content_type="application/zip")
    answer["Content-Disposition"] = 'attachment; filename="copy.zip"'
    answer["Cache-Control"] = "private, no-store"
    return answer
