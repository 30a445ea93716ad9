"""The hot endpoints of the JSON API: the same callers, problems and CORS as its FastAPI routes, without FastAPI."""

from typing import Any

import orjson

from app.pipeline import guard
from app.pipeline.guard import CredentialCaller, OriginRefused
from app.pipeline.http import WEBSITE, Endpoint, Handler, Headers, Request, Response
from app.pipeline.http import Refused as Around
from app.pipeline.server import Server
from app.protocol.authorization_header import Challenged
from app.protocol.errors import ErrorCode, OAuthError
from app.protocol.resource_metadata import OwnDocuments
from app.routers.api.cors import cors_of
from app.routers.api.problems import HEADERS, MEDIA_TYPE, Kind, Refused, content_of, problems

_KINDS = {
    ErrorCode.INVALID_TOKEN: Kind.INVALID_CREDENTIAL,
    ErrorCode.INVALID_DPOP_PROOF: Kind.INVALID_CREDENTIAL,
    ErrorCode.USE_DPOP_NONCE: Kind.INVALID_CREDENTIAL,
    ErrorCode.INSUFFICIENT_SCOPE: Kind.INSUFFICIENT_SCOPE,
    ErrorCode.INSUFFICIENT_USER_AUTHENTICATION: Kind.SIGN_IN_NOT_ENOUGH,
    ErrorCode.ACCESS_DENIED: Kind.ORIGIN_NOT_ALLOWED,
    ErrorCode.SERVER_ERROR: Kind.BROKEN,
    ErrorCode.TEMPORARILY_UNAVAILABLE: Kind.UNAVAILABLE,
}
BY_CREDENTIAL: tuple[dict[str, list[str]], ...] = ({"oauth": []}, {"bearer": []}, {"key": []})
"""By what these endpoints can be called, as the API document says it."""

_BY_STATUS = {405: Kind.METHOD_NOT_ALLOWED, 413: Kind.TOO_LARGE}


def reading_endpoint(handler: Handler) -> Endpoint:
    """Return a hot endpoint of the JSON API that only reads."""
    return Endpoint(handler, methods=("GET", "HEAD"), cors=cors_of(("GET", "HEAD")), refuse=problem)


def described(*kinds: Kind) -> dict[str, Any]:
    """Describe the errors of an endpoint as FastAPI does those of its routes."""
    return {str(status): problem for status, problem in problems(*kinds).items()}


async def caller_of(server: Server, request: Request) -> CredentialCaller | None:
    """Return who calls by the Authorization header, None without one; raises `Challenged` or `OriginRefused`."""
    if b"authorization" not in request.headers:
        return None
    caller = await guard.identify(server, request)
    request.state[WEBSITE] = guard.allowed_website(server, request)
    return caller


def refusal_of(error: Challenged | OriginRefused, issuer: str, own: OwnDocuments) -> Refused:
    """Return a refused credential as a problem of the JSON API, with its challenge if it has one (PR-3)."""
    if isinstance(error, OriginRefused):
        return Refused(Kind.ORIGIN_NOT_ALLOWED, error.description)
    kind = Kind.NOT_SIGNED_IN if error.bare else _KINDS.get(error.code, Kind.INVALID_REQUEST)
    return Refused(kind, error.description, headers={"WWW-Authenticate": error.challenge_for(issuer, own.api)})


def problem(error: OAuthError, around: Around) -> Response:
    """Return the answer of a hot endpoint that refuses: the one error shape of the JSON API."""
    if isinstance(error, Challenged | OriginRefused):
        refused = refusal_of(error, around.issuer, around.own_documents)
    else:
        kind = _BY_STATUS.get(around.status) or _KINDS.get(error.code, Kind.INVALID_REQUEST)
        retry = {"Retry-After": "2"} if kind is Kind.UNAVAILABLE else {}
        refused = Refused(kind, error.description, headers=retry)
    content = content_of(refused, around.issuer, around.request_id)
    return Response(refused.kind.status, orjson.dumps(content), _headers(refused))


def _headers(refused: Refused) -> Headers:
    headers = {"Content-Type": MEDIA_TYPE} | HEADERS | refused.headers
    return tuple((name.lower().encode(), value.encode("latin-1")) for name, value in headers.items())
