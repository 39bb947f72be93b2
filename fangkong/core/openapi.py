"""The schema made complete: what every operation may answer, with examples.

ninja writes down what an operation returns when all goes well. The rest is the same everywhere and
follows from what the operation takes, so it is added here and not repeated at each of them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

_JSON = "application/json"
_PROBLEM = "application/problem+json"


class Operation(Protocol):
    """What is asked of one of ninja's operations."""

    methods: list[str]
    path: str
    view_func: Any


PROBLEM: dict[str, Any] = {
    "type": "object",
    "title": "Problem",
    "description": "RFC 9457. `detail` says in the caller's language what to do.",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string", "description": "The name of the refusal; it never changes."},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "errors": {
            "type": "array",
            "description": "The fields that are wrong, with 422.",
            "items": {
                "type": "object",
                "required": ["in", "where", "text"],
                "properties": {
                    "in": {"type": "string", "enum": ["body", "query", "path", "header"]},
                    "where": {
                        "type": "string",
                        "description": (
                            "In the body: a JSON pointer (RFC 6901) into what was sent, the whole "
                            "of it where empty. Elsewhere: the name of the parameter."
                        ),
                    },
                    "text": {"type": "string"},
                },
            },
        },
    },
}

# Status -> (when, example of a problem).
_SAID: dict[int, tuple[str, dict[str, Any]]] = {
    400: (
        "The request cannot be read, or a write carries no Idempotency-Key or a blank one.",
        {
            "title": "KeyMissing",
            "detail": (
                "The header Idempotency-Key is missing or not valid. Send 1 to 64 visible ASCII "
                "characters, new for every write."
            ),
        },
    ),
    401: (
        "Nobody is signed in, or the token is unknown, expired or revoked.",
        {"title": "Unauthorized", "detail": "Sign in first."},
    ),
    403: (
        "The user's roles or the token's permissions do not allow it; of a token it is said which"
        " permission is missing.",
        {"title": "Forbidden", "detail": "Your roles do not allow this."},
    ),
    404: (
        "There is no such record, or it is not open to the user.",
        {"title": "NotFound", "detail": "There is no such record open to you."},
    ),
    409: (
        "The state of the records does not allow it, or the same key is being worked on.",
        {"title": "InProgress", "detail": "The first request with this key is still running."},
    ),
    412: (
        "If-Match names a state that the record has left.",
        {"title": "Stale", "detail": "The record has changed meanwhile."},
    ),
    413: ("The body is larger than 10 MB.", {"title": "TooBig", "detail": "At most 10 MB."}),
    415: (
        "The body is not sent as JSON.",
        {"title": "Refused", "detail": "Send the body as application/json."},
    ),
    422: (
        "Fields are missing or wrong, contradict the rules, or the key came with other content.",
        {
            "title": "Invalid",
            "detail": "Some fields are missing or wrong.",
            "errors": [{"in": "body", "where": "/condition", "text": "This field is missing."}],
        },
    ),
    428: (
        "The write needs If-Match: it replaces what somebody else may have changed.",
        {"title": "Unconditional", "detail": "Send the ETag of the record as If-Match."},
    ),
    429: (
        "Too many requests; Retry-After says how long to wait.",
        {"title": "TooMany", "detail": "Too many requests. Wait a little."},
    ),
    503: (
        "The database is busy; the same request with the same key may be sent again.",
        {"title": "Busy", "detail": "The database is busy."},
    ),
}

_KEY = {
    "in": "header",
    "name": "Idempotency-Key",
    "required": True,
    "description": (
        "Made by the sender, new for every write. A repeat with the same key and content is not "
        "done again: it gets the first answer with `Idempotency-Replayed: true`."
    ),
    "schema": {"type": "string", "minLength": 1, "maxLength": 64, "pattern": "^[!-~]+$"},
    "example": "7f1c1c9e-2a55-4a47-9a0b-2c2f1d1b7c55",
}
_MATCH = {
    "in": "header",
    "name": "If-Match",
    "required": False,
    "description": "The ETag of the record as it was read; 412 where it has changed since.",
    "schema": {"type": "string", "pattern": '^"[0-9a-f-]+"$'},
}
_MATCH_NEEDED = {
    **_MATCH,
    "required": True,
    "description": (
        "The ETag of the record as it was read; 412 where it has changed since, 428 without. "
        "`*` replaces whatever stands there."
    ),
    "schema": {"type": "string", "pattern": r'^(\*|"[0-9a-f-]+")$'},
    "example": "*",
}
_KNOWN = {
    "in": "header",
    "name": "If-None-Match",
    "required": False,
    "description": "An ETag known already; 304 without a body where nothing has changed.",
    "schema": {"type": "string", "pattern": '^"[0-9a-f-]+"$'},
}
_AFTER = {
    "in": "query",
    "name": "after",
    "required": False,
    "description": "`next` or `previous` of an earlier page.",
    "schema": {"type": "string", "maxLength": 8000},
}
_SIZE = {
    "in": "query",
    "name": "size",
    "required": False,
    "description": "Rows of a page; 422 outside 1 to 200.",
    "schema": {"type": "integer", "minimum": 1, "maximum": 200},
}

_DESCRIPTION = """\
The same rules as for the pages: roles, areas and the audit trail. Sign in with a token
(`Authorization: Bearer fk_…`) or a session. Every write carries an `Idempotency-Key`. Lists come in
pages by key. Refusals are problem documents (RFC 9457). See docs/api.md.
"""


def complete(schema: dict[str, Any], operations: dict[str, Operation]) -> None:
    """Add to ninja's schema what it does not know."""
    schema["info"]["description"] = _DESCRIPTION
    schema["components"].setdefault("schemas", {})["Problem"] = PROBLEM
    schema["components"]["securitySchemes"] = {
        "token": {"type": "http", "scheme": "bearer", "description": "A token made by its user."},
        "session": {
            "type": "apiKey",
            "in": "cookie",
            "name": "sessionid",
            "description": "The session of a browser; writes need its CSRF token too.",
        },
    }
    tags: dict[str, None] = {}
    for path, methods in schema["paths"].items():
        for method, told in methods.items():
            operation = operations[told["operationId"]]
            told["security"] = [{"token": []}, {"session": []}]
            told["tags"] = [path.split("/")[3]]  # /api/v1/<room>/…
            tags.setdefault(told["tags"][0])
            _complete_operation(told, path, method, operation.view_func)
    schema["tags"] = [{"name": name} for name in tags]


def _complete_operation(
    told: dict[str, Any], path: str, method: str, view: Callable[..., Any]
) -> None:
    writes = method not in ("get", "head") and not getattr(view, "reads", False)
    parameters = told.setdefault("parameters", [])
    if media_type := getattr(view, "speaks", ""):
        _complete_foreign(told, media_type)
        return
    statuses = {400, 401, 403, 422, 429, 503}
    if "{" in path or "requestBody" in told or writes:
        statuses.add(404)
    if writes:
        statuses |= {409, 412}
        parameters.append(_KEY)
        if getattr(view, "conditional", False):
            statuses.add(428)
            parameters.append(_MATCH_NEEDED)
        elif "{" in path:
            parameters.append(_MATCH)
    if body := told.get("requestBody"):
        statuses |= {413}
        if _JSON in body["content"]:
            statuses.add(415)
    responses = told["responses"]
    if method == "get":
        if _is_page(responses):
            parameters += [_AFTER, _SIZE]
        parameters.append(_KNOWN)
        responses.setdefault(304, {"description": "Nothing has changed since that ETag."})
        responses[200].setdefault("headers", {})["ETag"] = {
            "required": True,
            "schema": {"type": "string"},
        }
    for status in sorted(statuses):
        responses.setdefault(status, _told(status))
    if writes:
        for status in (200, 201):
            if status in responses:
                responses[status].setdefault("headers", {})["Idempotency-Replayed"] = {
                    "description": "true where this is the answer to an earlier request.",
                    "schema": {"type": "string", "enum": ["true"]},
                }


def _complete_foreign(told: dict[str, Any], media_type: str) -> None:
    """Of an operation that answers by another protocol: its own answers, and those of the door."""
    own: dict[str, Any] = {"content": {media_type: {"schema": {}}}}
    told["responses"] = {200: {"description": "Taken, or why not.", **own}}
    for status in (409, 413, 415, 422):
        told["responses"][status] = {"description": _SAID[status][0], **own}
    for status in (400, 401, 403, 404, 429, 503):
        told["responses"][status] = _told(status)


def _is_page(responses: dict[int, Any]) -> bool:
    content = responses.get(200, {}).get("content", {})
    return "Page" in str(content.get(_JSON, {}).get("schema", {}).get("$ref", "")) or set(
        content.get(_JSON, {}).get("schema", {}).get("properties", {})
    ) >= {"rows", "next", "previous"}


def _told(status: int) -> dict[str, Any]:
    when, example = _SAID[status]
    told: dict[str, Any] = {
        "description": when,
        "content": {
            _PROBLEM: {
                "schema": {"$ref": "#/components/schemas/Problem"},
                "example": {"type": "about:blank", "status": status, **example},
            }
        },
    }
    if status in (429, 503):
        told["headers"] = {"Retry-After": {"schema": {"type": "integer"}}}
    return told
