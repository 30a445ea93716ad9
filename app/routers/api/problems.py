"""How the JSON API refuses: one shape for every error, RFC 9457 problem details as `application/problem+json`.

A rule raises `Refused`; `ProblemRoute` turns it, and everything else that can go wrong below it, into the answer. No
answer of these routes is ever stored. Other websites may read those to tokens and keys that are for them (`cors`).
"""

from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping
from enum import Enum
from functools import cache
from typing import Any
from urllib.parse import parse_qsl

from fastapi import APIRouter
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute, iter_route_contexts
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

from app.pipeline.server import server_of
from app.routers.api import bodies
from app.routers.api.cors import add_headers, offered_at, opens_by_credential, preflight
from app.routers.pages.answers import request_id
from app.routers.pages.bodies import BodyRefused
from app.store.database import StoreUnavailable

MEDIA_TYPE = "application/problem+json"
PREFIX = "/api/v1"

HEADERS = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "same-origin",
}
"""Of every answer of the API (BR-5)."""


_LONGEST_FIELD = 100
"""Characters of a member's name that an error repeats: it is the caller's own text."""


class Kind(Enum):
    """The closed set of problems: HTTP status, title and what helps; the name is the last part of `type`."""

    INVALID_REQUEST = (
        400,
        "The request cannot be read as it stands",
        "`errors` names each part that is wrong and says what would be right.",
    )
    NOT_SIGNED_IN = (401, "Nobody is signed in", "Sign in, or send a token or key in the `Authorization` header.")
    INVALID_CREDENTIAL = (
        401,
        "The token or key is not valid",
        "It is over, was taken back, or never was one of ours. Get another; it will not become valid again.",
    )
    SIGN_IN_NOT_ENOUGH = (
        401,
        "The person has to sign in again for this",
        "Put `acr_values` and `max_age` of `WWW-Authenticate` into an authorization request, and use its token.",
    )
    SESSION_ONLY = (
        403,
        "Only a signed-in browser session may do this",
        "People do this themselves, on the pages of this server or with the session’s cookie.",
    )
    LOGIN_TOO_OLD = (403, "This needs a recent sign-in", "Sign in again at `/login?again=1`, then repeat the request.")
    INSUFFICIENT_SCOPE = (
        403,
        "The credential does not hold what this needs",
        "`WWW-Authenticate` names the scopes of which one is enough.",
    )
    NOT_ALLOWED = (403, "You may not do this", "Somebody with a stronger role may.")
    ORIGIN_NOT_ALLOWED = (
        403,
        "The credential is not for this website",
        "Add the website to the allowed origins of the key or application.",
    )
    OTHER_SITE = (
        403,
        "The request does not come from this server’s own pages",
        "The session’s cookie counts in same-origin requests alone. From elsewhere, use a token.",
    )
    CSRF_TOKEN = (
        403,
        "The token against forged requests is missing or wrong",
        "Send the `csrf` of `/api/v1/session` as `X-CSRF-Token`.",
    )
    NOT_FOUND = (404, "There is no such thing here", "It never was, is over, or is not yours: nobody is told which.")
    METHOD_NOT_ALLOWED = (405, "This method is not allowed here", "`Allow` lists those that are.")
    CONFLICT = (409, "It does not fit what is there", "`detail` says what stands in the way.")
    ALREADY_DONE = (
        409,
        "This has been done, and its answer cannot be given again",
        "The answer held a secret. `resource_id` names what was made: remove it and make another.",
    )
    VERSION_CHANGED = (412, "It has changed since it was read", "Read it again, decide again, send its new `ETag`.")
    TOO_LARGE = (413, "The request is too large", "A body may have 1 MB.")
    UNSUPPORTED_MEDIA_TYPE = (415, "The request body is not JSON", "Send it as `Content-Type: application/json`.")
    KEY_REUSED = (
        422,
        "The Idempotency-Key was used for another request",
        "A key repeats one request, byte for byte, for a day. Take a new one.",
    )
    BROKEN = (500, "Something broke on our side", "The server’s log has the cause under the id in `instance`.")
    UNAVAILABLE = (
        503,
        "The database does not answer",
        "Nothing was changed. Try again after as many seconds as `Retry-After` says.",
    )

    def __init__(self, status: int, title: str, remedy: str) -> None:
        self.status = status
        self.title = title
        self.remedy = remedy

    @property
    def wire(self) -> str:
        """The name as `type` ends with it."""
        return self.name.lower().replace("_", "-")

    @property
    def anchor(self) -> str:
        """Where the page of the API document tells about it."""
        return f"problem-{self.wire}"


_OF_BODY = {400: Kind.INVALID_REQUEST, 413: Kind.TOO_LARGE, 415: Kind.UNSUPPORTED_MEDIA_TYPE}

BODY_PROBLEMS = tuple(_OF_BODY.values())
"""How a request with a body may be refused for its sake."""


class FieldError(BaseModel):
    """What is wrong with one part of the request."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"field": "limit", "detail": "must be at most 100"}]})

    field: str = Field(description="The name of the parameter, header or member.")
    detail: str


class ProblemDetails(BaseModel):
    """The error of the JSON API (RFC 9457 §3)."""

    type: str = Field(description="Names the kind of problem; it ends with `#problem-…`.")
    title: str = Field(description="The kind in words, the same each time.")
    status: int = Field(description="The HTTP status.")
    detail: str = Field(description="What this request ran into.")
    instance: str = Field(description="The id of the request, as in `X-Request-Id` and the server’s log.")
    errors: list[FieldError] | None = Field(default=None, description="Which parts of the request are wrong.")
    resource_id: str | None = Field(default=None, description="What came of the request when it was sent before.")


_SCHEMA = {"$ref": f"#/components/schemas/{ProblemDetails.__name__}"}


class Refused(Exception):
    """Instead of the answer that was asked for, a problem. `detail` and `errors` go to the caller: no secrets."""

    def __init__(
        self,
        kind: Kind,
        detail: str,
        *,
        errors: Iterable[FieldError] = (),
        headers: Mapping[str, str] | None = None,
        resource_id: str | None = None,
    ) -> None:
        self.kind = kind
        self.detail = detail
        self.errors = tuple(errors)
        self.headers = dict(headers or {})
        self.resource_id = resource_id
        super().__init__(f"{kind.wire}: {detail}")


class ProblemRoute(APIRoute):
    """A route of the JSON API: whatever happens below it, the answer is JSON, and whole."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return the handler with refusals turned into answers."""
        answer = super().get_route_handler()
        by_credential = opens_by_credential(self)

        async def answer_or_refuse(request: Request) -> Response:
            response = await _caught(request, answer)
            for name, value in HEADERS.items():
                response.headers.setdefault(name, value)
            if by_credential:
                add_headers(request, response)
            return response

        return answer_or_refuse

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request; a wrong method is a problem as well, and so is a fault of ours, which the log explains."""
        request = Request(scope, receive)
        if scope["method"] == "OPTIONS" and (offered := offered_at(self.path, scope["app"].routes)):
            await preflight(offered)(scope, receive, send)
            return
        try:
            _require_method(self, scope)
            _require_text(scope)
            receive = await bodies.checked(scope, receive)
        except Refused as refused:
            await problem_response(request, refused)(scope, receive, send)
            return
        except BodyRefused as refused_body:
            closing = {"Connection": "close"} if refused_body.status == Kind.TOO_LARGE.status else {}
            of_body = Refused(_OF_BODY[refused_body.status], str(refused_body), headers=closing)
            await problem_response(request, of_body)(scope, receive, send)
            return
        try:
            await super().handle(scope, receive, send)
        except Exception:
            # The server closes the connection after an exception, and clients shall know.
            broken = Refused(
                Kind.BROKEN, "the server’s log has the cause under this request’s id", headers={"Connection": "close"}
            )
            answer = problem_response(request, broken)
            if opens_by_credential(self):
                add_headers(request, answer)
            await answer(scope, receive, send)
            raise  # to the log


def api_router() -> APIRouter:
    """Return an empty router for a part of the JSON API."""
    return APIRouter(prefix=PREFIX, route_class=ProblemRoute, tags=["api"])


def problem_response(request: Request, refused: Refused) -> Response:
    """Return the answer that tells a problem."""
    return JSONResponse(
        content_of(refused, server_of(request).issuer, request_id(request)),
        refused.kind.status,
        headers=HEADERS | refused.headers,
        media_type=MEDIA_TYPE,
    )


def content_of(refused: Refused, issuer: str, request_id: str) -> dict[str, Any]:
    """Return a problem as JSON."""
    details = ProblemDetails(
        type=f"{issuer}/docs#{refused.kind.anchor}",
        title=refused.kind.title,
        status=refused.kind.status,
        detail=refused.detail,
        instance=request_id,
        errors=list(refused.errors) or None,
        resource_id=refused.resource_id,
    )
    return details.model_dump(exclude_none=True)


def problems(*kinds: Kind) -> dict[int | str, dict[str, Any]]:
    """Return how the API document describes these problems, by status, with an example of each.

    A query that cannot be read and a database that is away are every route's. The schema is named and not given as a
    `model`, of which FastAPI would make a serializer for each status of each route: a tenth of a second at every start.
    """
    by_status: dict[int, list[Kind]] = {}
    for kind in dict.fromkeys((Kind.INVALID_REQUEST, *kinds, Kind.UNAVAILABLE)):
        by_status.setdefault(kind.status, []).append(kind)
    return {status: _described(tuple(same)) for status, same in by_status.items()}


@cache
def _described(kinds: tuple[Kind, ...]) -> dict[str, Any]:
    """Describe kinds of one status. Many routes share each answer, and none changes it."""
    return {
        "description": "; ".join(f"`{kind.wire}`: {kind.title}" for kind in kinds),
        "content": {
            MEDIA_TYPE: {"schema": _SCHEMA, "examples": {kind.wire: {"value": _example(kind)} for kind in kinds}}
        },
    }


def _example(kind: Kind) -> dict[str, object]:
    return {
        "type": f"https://id.example/docs#{kind.anchor}",
        "title": kind.title,
        "status": kind.status,
        "detail": kind.title.lower(),
        "instance": "req_2f1c9d04b7a85e63d1f0",
    }


async def _caught(request: Request, answer: Callable[[Request], Awaitable[Response]]) -> Response:
    try:
        return await answer(request)
    except Refused as refused:
        return problem_response(request, refused)
    except RequestValidationError as invalid:
        errors = [FieldError(field=_field_of(error["loc"]), detail=error["msg"]) for error in invalid.errors()]
        return problem_response(request, Refused(Kind.INVALID_REQUEST, "see errors", errors=errors))
    except HTTPException as unreadable:
        # FastAPI's word for JSON that Python cannot hold, such as a number with thousands of digits.
        return problem_response(request, Refused(Kind.INVALID_REQUEST, str(unreadable.detail)))
    except StoreUnavailable as unavailable:
        request.state.refusal = unavailable
        away = Refused(Kind.UNAVAILABLE, "nothing was changed; try again in a moment", headers={"Retry-After": "2"})
        return problem_response(request, away)


def _field_of(location: Iterable[int | str]) -> str:
    """Return the name of a parameter or member without where it stands (`query`, `body`)."""
    return ".".join(str(part) for part in [*location][1:])[:_LONGEST_FIELD]


def _require_method(route: APIRoute, scope: Scope) -> None:
    allowed = _methods_at(route, scope)
    if scope["method"] not in allowed:
        names = ", ".join(sorted(allowed | {"HEAD"} if "GET" in allowed else allowed))
        raise Refused(Kind.METHOD_NOT_ALLOWED, f"allowed here: {names}", headers={"Allow": names})


def _require_text(scope: Scope) -> None:
    """Refuse what no name and no id can hold, before anybody asks the database about it."""
    if "\x00" in scope["path"]:
        raise Refused(Kind.NOT_FOUND, "no path of ours holds a NUL character")
    query = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
    if found := [name for name, value in query if "\x00" in name + value]:
        errors = [
            FieldError(field=name.replace("\x00", "")[:_LONGEST_FIELD], detail="holds a NUL character")
            for name in found
        ]
        raise Refused(Kind.INVALID_REQUEST, "see errors", errors=errors)


def _methods_at(route: APIRoute, scope: Scope) -> set[str]:
    """Return what may be asked at a route's path, whichever of our routes answers it."""
    own = route.methods or set()
    if scope["method"] in own:
        return own
    contexts = iter_route_contexts(scope["app"].routes)
    return {method for context in contexts if context.path == route.path for method in context.methods or ()}
