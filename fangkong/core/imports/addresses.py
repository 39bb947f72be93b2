"""The addresses of the pages of imports below a part's own: eight pages, a kind, a permission."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponseBase
from django.urls import URLPattern, path
from django.views.decorators.http import require_POST

from fangkong.core.permissions import Permission, allowed

from . import views
from .types import Kind

# The name of an address, what follows ``below``, its page, and whether it only takes POSTs.
_PAGES: list[tuple[str, str, Callable[..., HttpResponseBase], bool]] = [
    ("imports", "", views.index, False),
    ("import_template", "template.<str:kind>", views.template, False),
    ("import_detail", "<uuid:public_id>/", views.detail, False),
    ("import_columns", "<uuid:public_id>/columns/", views.match, False),
    ("import_progress", "<uuid:public_id>/progress/", views.progress, False),
    ("import_confirm", "<uuid:public_id>/confirm/", views.confirm, True),
    ("import_cancel", "<uuid:public_id>/cancel/", views.cancel, True),
    ("import_errors", "<uuid:public_id>/errors.csv", views.errors, False),
]


def addresses(
    kind: Kind | Callable[..., Kind], permission: Permission, *, home: str, below: str = "import/"
) -> list[URLPattern]:
    """The pages of files of a kind, for whoever holds the permission somewhere.

    A ``kind`` that is asked gets the request and what ``below`` catches; it may raise Http404.
    ``home``: the name of the part's module, whose pages these are.
    """

    def page(view: Callable[..., HttpResponseBase], posts: bool) -> Callable[..., HttpResponseBase]:
        def shown(
            request: HttpRequest, *, public_id: UUID | None = None, **caught: Any
        ) -> HttpResponseBase:
            ending = caught.pop("kind", None)  # of the file to fill in
            asked = [one for one in (public_id, ending) if one is not None]
            of = kind if isinstance(kind, Kind) else kind(request, **caught)
            return view(request, of, *asked)

        shown.__name__, shown.__qualname__, shown.__module__ = view.__name__, view.__name__, home
        return allowed(permission)(require_POST(shown) if posts else shown)

    return [path(below + rest, page(view, posts), name=name) for name, rest, view, posts in _PAGES]
