"""CORS of the JSON API: a website reads an answer when the credential that it sent is for that website.

Only tokens and keys, which a script sends on purpose, travel between origins. The session's cookie does not:
`Access-Control-Allow-Credentials` is never sent, and what only a session may do is not offered to other origins at all.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute, iter_route_contexts
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from app.pipeline.http import NONCE, WEBSITE, Cors

_REQUEST_HEADERS = "Authorization, Content-Type, DPoP, Idempotency-Key, If-Match, If-None-Match"
_EXPOSED = "DPoP-Nonce, ETag, Link, Location, Retry-After, WWW-Authenticate, X-Request-Id"


@dataclass(frozen=True, eq=False)
class Door:
    """A dependency that lets callers in: with `by_credential` tokens and keys as well, else sessions alone."""

    by_credential: bool


def cors_of(methods: Iterable[str]) -> Cors:
    """Return how a path of the JSON API answers browsers; `methods` are those that tokens and keys may use there."""
    return Cors(
        methods=", ".join((*sorted(methods), "OPTIONS")),
        request_headers=_REQUEST_HEADERS,
        exposed=_EXPOSED,
        by_credential=True,
    )


def opens_by_credential(route: APIRoute) -> bool:
    """Tell whether tokens and keys may call a route."""
    return any(isinstance(call, Door) and call.by_credential for call in _calls(route.dependant))


def offered_at(path: str, routes: Sequence[BaseRoute]) -> set[str]:
    """Return what tokens and keys may ask at a path, whichever of these routes answers it."""
    return {
        method
        for context in iter_route_contexts(routes)
        if context.path == path and isinstance(context.original_route, APIRoute)
        if opens_by_credential(context.original_route)
        for method in context.methods or ()
    }


def preflight(methods: Iterable[str]) -> Response:
    """Return the answer to a preflight request for a path where tokens and keys may use these methods."""
    answer = cors_of(methods).preflight()
    return Response(status_code=answer.status, headers=_text(answer.headers))


def allow_website(request: Request, website: str | None) -> None:
    """Let a website read whatever the answer will be; its origin has been checked against the credential."""
    setattr(request.state, WEBSITE, website)


def add_headers(request: Request, response: Response) -> None:
    """Put onto an answer who may read it, and the nonce for the next proof.

    The answers of session-only routes vary with nothing.
    """
    for name, value in _text(cors_of(()).headers(asked=True, website=getattr(request.state, WEBSITE, None))).items():
        response.headers[name] = value
    if (nonce := getattr(request.state, NONCE, None)) is not None:
        response.headers["DPoP-Nonce"] = nonce


def _calls(dependant: Dependant) -> Iterator[object]:
    yield dependant.call
    for below in dependant.dependencies:
        yield from _calls(below)


def _text(headers: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    return {name.decode("latin-1"): value.decode("latin-1") for name, value in headers}
