"""Answer a live piece: 304 when the browser shows it already."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string

from fangkong.core import pages


def live(request: HttpRequest, template: str, context: Mapping[str, object]) -> HttpResponse:
    """Draw a piece; its version is the drawing itself, so nothing that shows can be missed."""
    text = render_to_string(template, dict(context), request)
    version = hashlib.blake2b(text.encode(), digest_size=12).hexdigest()
    same = pages.nothing_new(request, version)
    if same is not None:
        return same
    response = HttpResponse(text)
    response["ETag"] = f'"{version}"'
    response["Cache-Control"] = "private, no-cache"
    return response
