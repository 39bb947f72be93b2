"""What every part's API uses: the door itself, pages by key, writes done once, and problems.

Errors are RFC 9457 problems (``problems.py``); the schema is completed in ``openapi.py``.
"""

from __future__ import annotations

import hashlib
import inspect
import json
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from difflib import get_close_matches
from functools import partial, wraps
from typing import Annotated, Any, Generic, ParamSpec, TypeVar, cast

import orjson
from django.core.exceptions import PermissionDenied, RequestDataTooBig
from django.db.models import Model, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.http.request import RawPostDataException, UnreadablePostError
from django.utils.translation import gettext as _
from ninja import NinjaAPI, Schema
from ninja.decorators import decorate_view
from ninja.errors import (
    AuthenticationError,
    HttpError,
    Throttled,
    ValidationError,
    ValidationErrorContext,
)
from ninja.openapi.schema import OpenAPISchema
from ninja.parser import Parser
from ninja.renderers import BaseRenderer
from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, ConfigDict
from pydantic_core import PydanticCustomError

from fangkong.core import openapi, permissions, problems, validation
from fangkong.core.audit import sights
from fangkong.core.audit.queries import person_keys
from fangkong.core.commands import actions as commands
from fangkong.core.commands import states
from fangkong.core.pages import keyset
from fangkong.core.permissions import Permission, Scope
from fangkong.core.problems import problem
from fangkong.core.refusals import Refused, WrongField, WrongFields

T = TypeVar("T")
M = TypeVar("M", bound=Model)
P = ParamSpec("P")
R = TypeVar("R")
View = TypeVar("View", bound=Callable[..., Any])

PAGE_LIMIT = 200


# --- What is asked --------------------------------------------------------------------------------


def _within_reach(moment: datetime) -> datetime:
    """No moment that a zone or a database cannot take: year 1 begins before year 1 in the east."""
    try:
        near = moment.astimezone(UTC)
    except OverflowError:
        near = None
    if near is None or not 1 < near.year < 9999:
        raise PydanticCustomError("out_of_reach", "out of reach")
    return moment


# A moment with its time zone, such as 2020-02-05T09:00+08:00.
Moment = Annotated[AwareDatetime, AfterValidator(_within_reach)]
# A parameter that narrows a list to one of the values of an enum; "" or nothing: all.
Narrowed = Annotated[T | None, BeforeValidator(lambda text: text or None)]


def wrong(where: str, kind: str, **ctx: object) -> ValidationError:
    """What is wrong with a parameter that only its neighbours or the rules tell; to be raised."""
    return ValidationError([{"in": "query", "where": where, "type": kind, "ctx": ctx}])


def wrong_in_body(where: str, kind: str, **ctx: object) -> ValidationError:
    """As ``wrong``, of what was sent: ``where`` is a JSON pointer into it."""
    return ValidationError([{"in": "body", "where": where, "type": kind, "ctx": ctx}])


def among(where: str, value: str, known: Collection[str]) -> None:
    """A parameter that must be one of these codes; 422 names them all."""
    if value not in known:
        raise wrong(where, "enum", expected=", ".join(sorted(known)))


def _refuse_unknown(request: HttpRequest) -> None:
    """422 for parameters that the operation does not have: a slip would widen what is found."""
    known: Sequence[str] = cast(Any, request).fk_parameters
    errors = []
    for name in request.GET:
        if name in known:
            continue
        near = get_close_matches(name[:100], known, 1)
        kind = "unknown_near" if near else "unknown" if known else "unknown_all"
        ctx = {"near": "".join(near), "known": ", ".join(known)}
        errors.append({"in": "query", "where": name[:100], "type": kind, "ctx": ctx})
    if errors:
        raise ValidationError(errors)


def in_order(where: str, value: Any, after: str, first: Any) -> None:
    """Two parameters of which the second may not lie before the first."""
    if value is not None and first is not None and value < first:
        raise wrong(where, "before_other", other=after)


# --- Reading --------------------------------------------------------------------------------------


class Page(Schema, Generic[T]):
    """Rows and where to go on: ask again with ``after`` set to ``next``; "" is the end."""

    rows: list[T]
    next: str
    previous: str


def page(
    request: HttpRequest,
    rows: QuerySet[M],
    show: Callable[[M], Any],
    *,
    order: str,
    size: int = 50,
) -> HttpResponse:
    """One page of rows ordered by ``order`` (an ORM path, "-" for descending).

    Whoever takes persons away by it is noted for each of them.

    Answered as it is, without a second look at every row: the schema is kept by the tests.
    """
    found = _found(keyset.page, request, rows, order=order, size=size)
    sights.opened(request, found.rows)
    return _answer_page(request, found, show)


def page_of_values(
    request: HttpRequest,
    rows: QuerySet[M],
    fields: Sequence[str],
    show: Callable[[dict[str, Any]], Any],
    *,
    order: str,
    size: int = 50,
) -> HttpResponse:
    """As ``page``; ``show`` gets a dict of these ORM paths instead of a model. For long lists."""
    persons = person_keys(rows.model)
    wanted = [*fields, *(key for _table, key in persons if key not in fields)]
    read = partial(keyset.values, fields=wanted)
    found = _found(read, request, rows, order=order, size=size)
    for table, key in persons:
        sights.taken(request, table, [row[key] for row in found.rows])
    return _answer_page(request, found, show)


def _found(
    read: Callable[..., keyset.Page[T]],
    request: HttpRequest,
    rows: QuerySet[M],
    *,
    order: str,
    size: int,
) -> keyset.Page[T]:
    wanted = _size(request.GET.get("size", ""), size)
    try:
        return read(
            rows,
            path=order.lstrip("-"),
            descending=order.startswith("-"),
            size=wanted,
            cursor=request.GET.get("after", ""),
        )
    except keyset.BadCursor:
        raise HttpError(400, _("The cursor is not valid. Start again without it.")) from None


def _size(asked: str, usual: int) -> int:
    """The rows of a page that were asked for; a size that is none is told, not guessed."""
    if not asked:
        return usual
    if not (asked.isascii() and asked.isdecimal()):
        raise wrong("size", "int_parsing")
    if len(asked.lstrip("0")) > 3 or int(asked) > PAGE_LIMIT:
        raise wrong("size", "less_than_equal", le=PAGE_LIMIT)
    if int(asked) < 1:
        raise wrong("size", "greater_than_equal", ge=1)
    return int(asked)


def _answer_page(
    request: HttpRequest, found: keyset.Page[T], show: Callable[[T], Any]
) -> HttpResponse:
    shown = {
        "rows": [show(row) for row in found.rows],
        "next": found.next,
        "previous": found.previous,
    }
    return _tagged(request, HttpResponse(dumped(shown), content_type="application/json"))


def whole(request: HttpRequest, data: object) -> HttpResponse:
    """All there is in one answer, as it is, with its ETag; the schema is kept by the tests."""
    return _tagged(request, HttpResponse(dumped(data), content_type="application/json"))


def require(request: HttpRequest, permission: Permission) -> Scope:
    """The user's scope of a permission, or 403."""
    return permissions.require(request, permission)


def speaks(media_type: str) -> Callable[[View], View]:
    """Mark an operation of another protocol, with its own key and its own errors.

    It takes no Idempotency-Key and tells what is wrong in its media type; who comes through the
    door is asked as everywhere, and told by problems.
    """

    def mark(view: View) -> View:
        cast(Any, view).speaks = media_type
        return view

    return mark


def reads(view: View) -> View:
    """Mark a POST that changes nothing, such as a search: a token for reading may call it."""
    cast(Any, view).reads = True

    def marked(run: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
        @wraps(run)
        def mark(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            cast(Any, request).fk_reads = True
            return run(request, *args, **kwargs)

        return mark

    return decorate_view(marked)(view)


# --- Writing --------------------------------------------------------------------------------------


class Body(BaseModel):
    """What a machine sends: plain data, so none of the looks for models that a ``Schema`` takes.

    A field that it does not have is refused: a slip in a name would silently lose what was meant.
    """

    model_config = ConfigDict(extra="forbid")


def conditional(view: View) -> View:
    """Mark a write that replaces what others may have changed: it must say on which state.

    428 without ``If-Match``. Who means "whatever stands there" says so: ``If-Match: *``.
    """
    cast(Any, view).conditional = True

    def guarded(run: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
        @wraps(run)
        def ask(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            cast(Any, request).fk_conditional = True
            return run(request, *args, **kwargs)

        return ask

    return decorate_view(guarded)(view)


def key_of(request: HttpRequest) -> str:
    """The Idempotency-Key that every write must carry."""
    return request.headers.get("Idempotency-Key", "")


def once(
    request: HttpRequest,
    action: Callable[P, R],
    record: Model | None = None,
    /,
    *args: P.args,
    **kwargs: P.kwargs,
) -> R:
    """Carry out an action once for the request's key; a repeat gets the first answer.

    ``record`` is what the action changes: with ``If-Match`` it must still be as the sender saw it.
    """
    key, by = key_of(request), cast(Any, kwargs.get("by"))
    with commands.alone(key, by):
        seen = _seen(request, record)
        result, again = commands.answered_on(seen, key, action, *args, **kwargs)
    cast(Any, request).fk_replayed = again
    return result


def _seen(request: HttpRequest, record: Model | None) -> states.On | None:
    """The state on which the sender decided, where the request names one."""
    asked = request.headers.get("If-Match", "").strip()
    if not asked and getattr(request, "fk_conditional", False):
        raise states.Unconditional(
            _(
                "Say on which state you decided: send the ETag of the record as If-Match, or * to"
                " replace whatever stands there."
            )
        )
    return None if record is None or asked in ("", "*") else states.on(record, asked.split(","))


def version_of(request: HttpRequest, record: Model) -> None:
    """Let the answer's ETag name the state of a record, for ``If-Match`` on a later write."""
    cast(Any, request).fk_version = states.version(record)


# --- The door -------------------------------------------------------------------------------------


def dumped(data: object) -> bytes:
    """Plain data as JSON; also ids, moments, decimals, schemas and texts still to be translated."""
    return orjson.dumps(data, default=_plain, option=orjson.OPT_UTC_Z | orjson.OPT_NON_STR_KEYS)


def _plain(value: object) -> object:
    if isinstance(value, Schema):
        return value.model_dump()
    return str(value)


class _Json(BaseRenderer):
    media_type = "application/json"

    def render(self, request: HttpRequest, data: Any, *, response_status: int) -> bytes:
        return dumped(data)


class _OnlyJson(Parser):
    """Bodies are JSON and say so."""

    def parse_body(self, request: HttpRequest) -> dict[str, Any]:
        kind = (request.content_type or "").partition(";")[0].strip().lower()
        if kind != "application/json":
            raise HttpError(415, _("Send the body as application/json."))
        try:
            return cast(dict[str, Any], json.loads(request.body, parse_constant=_no_number))
        except (ValueError, RecursionError):
            raise HttpError(400, _("The body is not valid JSON.")) from None


def _no_number(name: str) -> float:
    raise ValueError(name)  # NaN and Infinity are no JSON


class Door(NinjaAPI):
    """The machines' door: JSON in and out, an ETag on what is read, every refusal a problem."""

    def __init__(self, **given: Any) -> None:
        super().__init__(parser=_OnlyJson(), renderer=_Json(), docs_url=None, **given)
        _answer_problems(self)
        self.add_decorator(_with_its_parameters, mode="view")

    def create_temporal_response(self, request: HttpRequest) -> HttpResponse:
        """Called between the sign-in and the reading of what was sent."""
        _refuse_unknown(request)
        return super().create_temporal_response(request)

    def create_response(
        self,
        request: HttpRequest,
        data: Any,
        *,
        status: int | None = None,
        temporal_response: HttpResponse | None = None,
    ) -> HttpResponse:
        response = super().create_response(
            request, data, status=status, temporal_response=temporal_response
        )
        if getattr(request, "fk_replayed", False):
            response["Idempotency-Replayed"] = "true"
        return _tagged(request, response)

    def validation_error_from_error_contexts(
        self, error_contexts: list[ValidationErrorContext[Any]]
    ) -> ValidationError:
        """Each fault with its place in what was sent; a parameter's name in our code is none."""
        return ValidationError(
            [
                {**_place(context.model, error["loc"]), "type": error["type"]}
                | ({"ctx": error["ctx"]} if "ctx" in error else {})
                for context in error_contexts
                for error in context.pydantic_validation_error.errors(
                    include_url=False, include_input=False
                )
            ]
        )

    def get_openapi_schema(
        self, *, path_prefix: str | None = None, path_params: dict[str, Any] | None = None
    ) -> OpenAPISchema:
        schema = super().get_openapi_schema(path_prefix=path_prefix, path_params=path_params)
        openapi.complete(schema, _operations(self))
        return schema


def _with_its_parameters(run: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Let a request know which parameters its operation has."""
    known = _parameters(cast(Any, inspect.unwrap(run)).__self__)

    @wraps(run)
    def noted(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        cast(Any, request).fk_parameters = known
        return run(request, *args, **kwargs)

    return noted


def _parameters(operation: Any) -> list[str]:
    names = {
        str(name)
        for model in operation.models
        if str(model.__ninja_param_source__) == "query"
        for name in model.__ninja_flatten_map__
    }
    answer = operation.response_models.get(200)
    shown = getattr(answer, "model_fields", {}).get("response")
    if shown and isinstance(shown.annotation, type) and issubclass(shown.annotation, Page):
        names |= {"after", "size"}  # read by ``page``
    return sorted(names)


def _place(model: Any, loc: tuple[int | str, ...]) -> dict[str, str]:
    """Where a fault lies: a JSON pointer (RFC 6901) into the body, or a parameter's name."""
    source = str(model.__ninja_param_source__)
    if source == "body":
        if getattr(model, "__read_from_single_attr__", None):
            loc = loc[1:]  # the whole body is this one parameter
        parts = (str(part).replace("~", "~0").replace("/", "~1") for part in loc)
        return {"in": source, "where": "".join(f"/{part}" for part in parts)}
    if source in ("file", "form"):  # parts of a body that is sent as a form
        return {"in": "body", "where": f"/{loc[0]}" if loc else ""}
    for name, path in getattr(model, "__ninja_flatten_map__", {}).items():
        if loc[: len(path)] == tuple(path):
            return {"in": source, "where": str(name)}
    return {"in": source, "where": str(loc[0]) if loc else ""}


def _operations(api: NinjaAPI) -> dict[str, openapi.Operation]:
    """The operations by the id that they have in the schema."""
    return {
        api.get_openapi_operation_id(operation): operation
        for bound in api._get_bound_routers()
        for view in bound.path_operations.values()
        for operation in view.operations
    }


def _tagged(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    """An ETag on what was read: the record's version, then a digest; 304 where it is known."""
    if request.method not in ("GET", "HEAD") or response.status_code != 200:
        return response
    digest = hashlib.blake2b(response.content, digest_size=9).hexdigest()
    tag = f'"{getattr(request, "fk_version", "0")}-{digest}"'
    response = known_already(request, tag) or response
    response["ETag"] = tag
    return response


def known_already(request: HttpRequest, tag: str) -> HttpResponse | None:
    """304 where the asker has what the ETag names."""
    known = {
        one.strip().removeprefix("W/")
        for one in request.headers.get("If-None-Match", "").split(",")
    }
    if tag not in known and "*" not in known:
        return None
    response = HttpResponse(status=304)
    del response["Content-Type"]
    response["ETag"] = tag
    return response


# --- Refusals -------------------------------------------------------------------------------------


def _of_its_field(request: HttpRequest, fact: Refused) -> list[dict[str, str]]:
    """The place in the body of a refusal that names its field; the whole body where that has none
    of this name."""
    if fact.status != 422 or not (field := getattr(fact, "field", "")):
        return []
    try:
        sent = json.loads(request.body)
    except (ValueError, RawPostDataException):
        sent = None
    where = f"/{field}" if isinstance(sent, dict) and field in sent else ""
    return [{"in": "body", "where": where, "text": str(fact)}]


@contextmanager
def told_by_field(place: Callable[[str], str] = "/{}".format) -> Iterator[None]:
    """Within: what is refused stands beside its place in the body, each fault of several by itself.

    ``place``: where a field of a fault stands in the body.
    """
    try:
        yield
    except WrongFields as problem:
        problem.errors = [
            {"in": "body", "where": place(field), "text": text} for field, text in problem.faults
        ]
        raise
    except WrongField as problem:
        problem.errors = [{"in": "body", "where": f"/{problem.field}", "text": str(problem)}]
        raise


def _lacking(request: HttpRequest) -> HttpResponse | None:
    """403 with the permissions that were asked for and that the token was made without."""
    lacking: list[Permission] = getattr(request.user, "lacking", [])
    if not lacking:
        return None
    text = _("The token was made without: %(permissions)s. Make one that has it.")
    named = ", ".join(f"{one.given_as} ({one.label})" for one in lacking)
    return problem(403, "Forbidden", text % {"permissions": named})


def _answer_problems(api: NinjaAPI) -> None:
    """Make an API answer every refusal as a problem document."""

    def refused(request: HttpRequest, fact: Refused) -> HttpResponse:
        errors = fact.errors or _of_its_field(request, fact)
        more = {"errors": errors} if errors else {}
        title, after = type(fact).__name__, fact.retry_after
        return problem(fact.status, title, str(fact), retry_after=after, **more)

    def of_the_key(request: HttpRequest, fact: Refused) -> HttpResponse:
        """A page says it of its form; a machine is told of the header."""
        text = (
            _(
                "The header Idempotency-Key is missing or not valid. Send 1 to 64 visible ASCII "
                "characters, new for every write."
            )
            if isinstance(fact, commands.KeyMissing)
            else _(
                "This Idempotency-Key came before with other content. Send a new key for a new "
                "write; repeat a key only with the same content."
            )
        )
        return problem(fact.status, type(fact).__name__, text)

    def forbidden(request: HttpRequest, fact: PermissionDenied) -> HttpResponse:
        text = _("Your roles do not allow this.")
        return _lacking(request) or problem(403, "Forbidden", text)

    def missing(request: HttpRequest, fact: Http404) -> HttpResponse:
        """A token that was made without a permission is told which, whether there is a record or
        not: a bare 404 would let its maker look for what is there."""
        return _lacking(request) or problem(
            404, "NotFound", _("There is no such record open to you.")
        )

    def unauthenticated(request: HttpRequest, fact: AuthenticationError) -> HttpResponse:
        return stranger(request)

    def invalid(request: HttpRequest, fact: ValidationError) -> HttpResponse:
        errors = [
            {"in": error["in"], "where": error["where"], "text": validation.words(error)}
            for error in fact.errors
        ]
        return problem(422, "Invalid", _("Some fields are missing or wrong."), errors=errors)

    def unreadable(request: HttpRequest, fact: Exception) -> HttpResponse:
        return problems.unreadable()

    def cut_off(request: HttpRequest, fact: Exception) -> HttpResponse:
        return problem(400, "Unreadable", _("The body ended too early. Send it again."))

    def too_big(request: HttpRequest, fact: Exception) -> HttpResponse:
        return problem(413, "TooBig", _("A request may hold at most 10 MB."))

    def busy(request: HttpRequest, fact: Exception) -> HttpResponse:
        return problems.busy(fact)

    def too_many(request: HttpRequest, fact: Throttled) -> HttpResponse:
        return problems.too_many(fact.wait or 60)

    def other(request: HttpRequest, fact: HttpError) -> HttpResponse:
        if isinstance(fact.__cause__, HttpError):  # what the parser said, in ninja's wrapping
            fact = fact.__cause__
        if fact.status_code == 403:
            text = _("The session needs its CSRF token. Machines send a token instead.")
            return problem(403, "Forbidden", text)
        return problem(fact.status_code, "Refused", str(fact))

    handlers: dict[type[Exception], Callable[[HttpRequest, Any], HttpResponse]] = {
        Refused: refused,
        commands.KeyMissing: of_the_key,
        commands.KeyReused: of_the_key,
        PermissionDenied: forbidden,
        Http404: missing,
        AuthenticationError: unauthenticated,
        ValidationError: invalid,
        Throttled: too_many,
        HttpError: other,
        RequestDataTooBig: too_big,
        UnreadablePostError: cut_off,
        problems.BUSY: busy,
        **dict.fromkeys(problems.UNREADABLE, unreadable),
    }
    for kind, answer in handlers.items():
        api.add_exception_handler(kind, cast(Any, answer))


def stranger(request: HttpRequest) -> HttpResponse:
    """What somebody unknown is told, and who sends a token that does not hold."""
    if request.headers.get("Authorization"):
        return problem(
            401, "Unauthorized", _("This token is not valid, has expired or was revoked.")
        )
    return problem(401, "Unauthorized", _("Sign in first."))
