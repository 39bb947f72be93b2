"""What every part's API uses: paging by key, the command key, and errors as RFC 9457 problems."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar, cast

from django.core.exceptions import PermissionDenied
from django.db import DataError
from django.db.models import Model, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from ninja import NinjaAPI, Schema
from ninja.errors import AuthenticationError, HttpError, ValidationError

from fangkong.core import permissions
from fangkong.core.pages import keyset
from fangkong.core.permissions import Permission, Scope
from fangkong.core.refusals import Refused
from fangkong.packs.types import NoPackInForce

T = TypeVar("T")
M = TypeVar("M", bound=Model)

PAGE_LIMIT = 200

Answer = Callable[[HttpRequest, Exception], HttpResponse]


class Page(Schema, Generic[T]):
    """Rows and where to go on: ask again with ``after`` set to ``next``; "" is the end."""

    rows: list[T]
    next: str
    previous: str


def page(
    request: HttpRequest,
    rows: QuerySet[M],
    show: Callable[[M], T],
    *,
    order: str,
    size: int = 50,
) -> dict[str, Any]:
    """One page of rows ordered by ``order`` (an ORM path, "-" for descending)."""
    asked = request.GET.get("size", "")
    wanted = int(asked) if asked.isdecimal() and len(asked) < 9 else size
    try:
        found = keyset.page(
            rows,
            path=order.lstrip("-"),
            descending=order.startswith("-"),
            size=max(1, min(PAGE_LIMIT, wanted)),
            cursor=request.GET.get("after", ""),
        )
    except keyset.BadCursor:
        raise HttpError(400, _("The cursor is not valid. Start again without it.")) from None
    return {
        "rows": [show(row) for row in found.rows],
        "next": found.next,
        "previous": found.previous,
    }


def key_of(request: HttpRequest) -> str:
    """The Idempotency-Key that every write must carry."""
    return request.headers.get("Idempotency-Key", "")


def require(request: HttpRequest, permission: Permission) -> Scope:
    """The user's scope of a permission, or 403."""
    return permissions.require(request, permission)


def _problem(
    request: HttpRequest, status: int, title: str, detail: str = "", **more: object
) -> HttpResponse:
    body = {"type": "about:blank", "title": title, "status": status, "detail": detail, **more}
    response = cast(NinjaAPI, cast(Any, request).fk_api).create_response(
        request, body, status=status
    )
    response["Content-Type"] = "application/problem+json"
    return response


def answer_problems(api: NinjaAPI) -> None:
    """Make an API answer every refusal as a problem document."""

    def refused(request: HttpRequest, problem: Exception) -> HttpResponse:
        fact = cast(Refused, problem)
        return _problem(request, fact.status, type(fact).__name__, str(fact))

    def forbidden(request: HttpRequest, problem: Exception) -> HttpResponse:
        return _problem(request, 403, "Forbidden", _("Your roles do not allow this."))

    def missing(request: HttpRequest, problem: Exception) -> HttpResponse:
        return _problem(request, 404, "NotFound", _("There is no such record open to you."))

    def unauthenticated(request: HttpRequest, problem: Exception) -> HttpResponse:
        return _problem(request, 401, "Unauthorized", _("Sign in first."))

    def invalid(request: HttpRequest, problem: Exception) -> HttpResponse:
        errors = [
            {"where": [str(part) for part in error["loc"]], "text": error["msg"]}
            for error in cast(ValidationError, problem).errors
        ]
        text = _("Some fields are missing or wrong.")
        return _problem(request, 422, "Invalid", text, errors=errors)

    def unreadable(request: HttpRequest, problem: Exception) -> HttpResponse:
        text = _("A day or a sign in the request lies beyond what can be kept.")
        return _problem(request, 400, "Unreadable", text)

    def other(request: HttpRequest, problem: Exception) -> HttpResponse:
        fact = cast(HttpError, problem)
        return _problem(request, fact.status_code, "Refused", str(fact))

    handlers: list[tuple[type[Exception], Answer]] = [
        (Refused, refused),
        (PermissionDenied, forbidden),
        (Http404, missing),
        (AuthenticationError, unauthenticated),
        (ValidationError, invalid),
        (HttpError, other),
        (OverflowError, unreadable),
        (UnicodeEncodeError, unreadable),
        (DataError, unreadable),
        (NoPackInForce, unreadable),
    ]
    for kind, answer in handlers:
        api.add_exception_handler(kind, _bound(api, answer))


def _bound(
    api: NinjaAPI, answer: Answer
) -> Callable[[HttpRequest, Exception | type[Exception]], HttpResponse]:
    def handler(request: HttpRequest, problem: Exception | type[Exception]) -> HttpResponse:
        cast(Any, request).fk_api = api
        return answer(request, cast(Exception, problem))

    return handler
