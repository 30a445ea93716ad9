"""How the JSON API refuses: one shape for every error, RFC 9457 problem details as `application/problem+json`.

A rule raises `Refused`; `ProblemRoute` turns it, and everything else that can go wrong below it, into the answer. No
answer of these routes is ever stored, and none carries CORS headers: the API takes the session's cookie.
"""

from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping
from enum import Enum
from typing import Any

from fastapi import APIRouter
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute, iter_route_contexts
from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

from app.pipeline.server import server_of
from app.routers.pages.answers import request_id
from app.store.database import StoreUnavailable

MEDIA_TYPE = "application/problem+json"
PREFIX = "/api/v1"

_HEADERS = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "same-origin",
}


class Kind(Enum):
    """The closed set of problems: HTTP status and title; the name is the last part of `type`."""

    INVALID_REQUEST = (400, "The request cannot be read as it stands")
    NOT_SIGNED_IN = (401, "Nobody is signed in")
    INVALID_CREDENTIAL = (401, "The token or key is not valid")
    SESSION_ONLY = (403, "Only a signed-in browser session may do this")
    LOGIN_TOO_OLD = (403, "This needs a recent sign-in")
    INSUFFICIENT_SCOPE = (403, "The credential does not hold what this needs")
    NOT_ALLOWED = (403, "You may not do this")
    ORIGIN_NOT_ALLOWED = (403, "The credential is not for this website")
    OTHER_SITE = (403, "The request does not come from this server’s own pages")
    CSRF_TOKEN = (403, "The token against forged requests is missing or wrong")
    NOT_FOUND = (404, "There is no such thing here")
    METHOD_NOT_ALLOWED = (405, "This method is not allowed here")
    CONFLICT = (409, "It does not fit what is there")
    ALREADY_DONE = (409, "This has been done, and its answer cannot be given again")
    TOO_LARGE = (413, "The request is too large")
    UNSUPPORTED_MEDIA_TYPE = (415, "The request body is not JSON")
    KEY_REUSED = (422, "The Idempotency-Key was used for another request")
    TOO_MANY_REQUESTS = (429, "Too many requests")
    VERSION_CHANGED = (412, "It has changed since it was read")
    BROKEN = (500, "Something broke on our side")
    UNAVAILABLE = (503, "The database does not answer")

    def __init__(self, status: int, title: str) -> None:
        self.status = status
        self.title = title

    @property
    def wire(self) -> str:
        """The name as `type` ends with it."""
        return self.name.lower().replace("_", "-")


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

        async def answer_or_refuse(request: Request) -> Response:
            response = await _caught(request, answer)
            for name, value in _HEADERS.items():
                response.headers.setdefault(name, value)
            return response

        return answer_or_refuse

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request; a wrong method is a problem as well, and so is a fault of ours, which the log explains."""
        request = Request(scope, receive)
        allowed = _methods_at(self, scope)
        if scope["method"] not in allowed:
            refused = Refused(
                Kind.METHOD_NOT_ALLOWED,
                f"allowed here: {', '.join(sorted(allowed))}",
                headers={"Allow": ", ".join(sorted(allowed))},
            )
            await problem_response(request, refused)(scope, receive, send)
            return
        try:
            await super().handle(scope, receive, send)
        except Exception:
            # The server closes the connection after an exception, and clients shall know.
            broken = Refused(
                Kind.BROKEN, "the server’s log has the cause under this request’s id", headers={"Connection": "close"}
            )
            await problem_response(request, broken)(scope, receive, send)
            raise  # to the log


def api_router() -> APIRouter:
    """Return an empty router for a part of the JSON API."""
    return APIRouter(prefix=PREFIX, route_class=ProblemRoute, tags=["api"])


def problem_response(request: Request, refused: Refused) -> Response:
    """Return the answer that tells a problem."""
    details = ProblemDetails(
        type=f"{server_of(request).issuer}/docs#problem-{refused.kind.wire}",
        title=refused.kind.title,
        status=refused.kind.status,
        detail=refused.detail,
        instance=request_id(request),
        errors=list(refused.errors) or None,
        resource_id=refused.resource_id,
    )
    return JSONResponse(
        details.model_dump(exclude_none=True),
        refused.kind.status,
        headers=_HEADERS | refused.headers,
        media_type=MEDIA_TYPE,
    )


def problems(*kinds: Kind) -> dict[int | str, dict[str, Any]]:
    """Return how the API document describes these problems, by status, with an example of each."""
    by_status: dict[int | str, dict[str, Any]] = {}
    for kind in (*kinds, Kind.UNAVAILABLE):
        entry = by_status.setdefault(
            kind.status, {"model": ProblemDetails, "description": "", "content": {"application/json": {"examples": {}}}}
        )
        entry["description"] = "; ".join(filter(None, (entry["description"], f"`{kind.wire}`: {kind.title}")))
        entry["content"]["application/json"]["examples"][kind.wire] = {"value": _example(kind)}
    return by_status


def _example(kind: Kind) -> dict[str, object]:
    return {
        "type": f"https://id.example/docs#problem-{kind.wire}",
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
    except StoreUnavailable as unavailable:
        request.state.refusal = unavailable
        away = Refused(Kind.UNAVAILABLE, "nothing was changed; try again in a moment", headers={"Retry-After": "2"})
        return problem_response(request, away)


def _field_of(location: Iterable[int | str]) -> str:
    """Return the name of a parameter or member without where it stands (`query`, `body`)."""
    return ".".join(str(part) for part in [*location][1:])


def _methods_at(route: APIRoute, scope: Scope) -> set[str]:
    """Return what may be asked at a route's path, whichever of our routes answers it."""
    own = route.methods or set()
    if scope["method"] in own:
        return own
    contexts = iter_route_contexts(scope["app"].routes)
    return {method for context in contexts if context.path == route.path for method in context.methods or ()}
