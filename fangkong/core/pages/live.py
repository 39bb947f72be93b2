"""Live pieces of a page: answered only when something is new."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.utils.cache import get_conditional_response


def nothing_new(request: HttpRequest, version: str) -> HttpResponse | None:
    """The 304 answer when the browser already shows this version of a live piece, else None.

    The caller sets ``response["ETag"] = f'"{version}"'`` on the full answer.
    """
    found = get_conditional_response(request, etag=f'"{version}"')
    return found if isinstance(found, HttpResponse) else None
