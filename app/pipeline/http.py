"""The HTTP surface of the hot endpoints: plain ASGI, because dispatch is the second largest cost (performance.md).

An endpoint is `async (Server, Request) -> Response`; it may raise `OAuthError`, which becomes the endpoint's JSON
error. Everything else about HTTP (methods, media type, size, CORS, headers) is decided here.
"""

from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from app.pipeline.server import Server
from app.protocol.errors import ErrorCode, OAuthError
from app.protocol.params import MAX_BODY, Parameters, parse_form
from app.protocol.resource_metadata import NO_DOCUMENTS, OwnDocuments
from app.store.database import StoreUnavailable

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

JSON = (b"content-type", b"application/json")
NO_STORE = (b"cache-control", b"no-store")
NOT_KEPT = (b"cache-control", b"no-cache, no-store")
NOSNIFF = (b"x-content-type-options", b"nosniff")
FORM = "application/x-www-form-urlencoded"

WEBSITE = "website"
"""Under this name a request's state holds the origin that may read the answer, once its credential has allowed it."""

NONCE = "dpop_nonce"
"""Under this name a request's state holds the nonce that the answer hands out for the next DPoP proof."""

_WITHOUT_LENGTH = frozenset({204, 304})
"""Answers without a body of which a length would say something else (RFC 9110 §8.6)."""

Headers = tuple[tuple[bytes, bytes], ...]


@dataclass(frozen=True, slots=True)
class Request:
    """One request, read whole. Header names are lower case."""

    method: str
    query: bytes
    headers: dict[bytes, bytes]
    body: bytes = field(repr=False)
    address: str
    request_id: str
    path: str = ""
    state: MutableMapping[str, Any] = field(default_factory=dict, repr=False)

    def names_client(self, client_id: str) -> None:
        """Tell the request log which client the request claims to come from."""
        self.state["client_id"] = client_id[:100]

    def header(self, name: bytes) -> str | None:
        """Return a header as text, None when absent."""
        value = self.headers.get(name)
        return None if value is None else value.decode("latin-1")

    def form(self) -> Parameters:
        """Return the form parameters of a POST; raises `invalid_request` (T-1, T-2)."""
        if self.query:
            raise OAuthError(ErrorCode.INVALID_REQUEST, "parameters belong in the request body, not in the URL")
        if not is_form(self.header(b"content-type")):
            raise OAuthError(ErrorCode.INVALID_REQUEST, f"send the parameters as {FORM} in the body")
        params = parse_form(self.body)
        params.require_unique()
        return params


@dataclass(frozen=True, slots=True)
class Response:
    """One answer."""

    status: int
    body: bytes = b""
    headers: Headers = ()


def json_response(content: object, *, status: int = 200, headers: Headers = ()) -> Response:
    """Return a JSON answer that nobody may store (G3, TE-1, IN-8)."""
    return Response(status, orjson.dumps(content), (JSON, NO_STORE, NOSNIFF, *headers))


def error_response(error: OAuthError, refused: "Refused") -> Response:
    """Return the JSON error of RFC 6749 §5.2, whatever the caller accepts (HD-5), with a challenge when he used the
    Authorization header."""
    headers: Headers = ()
    if error.challenge:
        headers = ((b"www-authenticate", f'{error.challenge} realm="{refused.issuer}"'.encode("latin-1")),)
    seconds = error.retry_after or (2 if error.code is ErrorCode.TEMPORARILY_UNAVAILABLE else 0)
    if seconds:
        headers = (*headers, (b"retry-after", str(seconds).encode()))
    content = {"error": error.code.wire, "error_description": error.description}
    return json_response(content, status=refused.status, headers=headers)


@dataclass(frozen=True, slots=True)
class Refused:
    """What a refusal needs to know besides its error: the status that HTTP decided, the server, the request."""

    status: int
    issuer: str
    request_id: str
    own_documents: OwnDocuments = NO_DOCUMENTS


@dataclass(frozen=True, slots=True)
class Cors:
    """Who may read the answers from a browser (standards B10); cookies are never allowed (CO-3).

    Every website, or with `by_credential` the one for which the request's own credential may be used. Proofs and their
    nonces travel as well (DP-12). What is `published` says so to whoever asks, so that caches keep one answer for all
    (HD-2).
    """

    methods: str
    request_headers: str = "Authorization, Content-Type, DPoP"
    exposed: str = "DPoP-Nonce, WWW-Authenticate"
    by_credential: bool = False
    published: bool = False

    def preflight(self) -> Response:
        """The answer to OPTIONS. It comes without a credential, so that every website is told the same (CO-2)."""
        return Response(
            204,
            b"",
            (
                (b"access-control-allow-origin", b"*"),
                (b"access-control-allow-methods", self.methods.encode()),
                (b"access-control-allow-headers", self.request_headers.encode()),
                (b"access-control-max-age", b"86400"),
            ),
        )

    def headers(self, *, asked: bool, website: str | None = None) -> Headers:
        """What every answer carries, errors included (CO-1, BB-4).

        `asked`: the request has an Origin; `website` is the origin that the request's credential allows.
        """
        exposed = (b"access-control-expose-headers", self.exposed.encode())
        if not self.by_credential:
            return ((b"access-control-allow-origin", b"*"), exposed) if asked or self.published else ()
        vary = (b"vary", b"Origin")
        return (
            (vary,) if website is None else (vary, (b"access-control-allow-origin", website.encode("latin-1")), exposed)
        )


Handler = Callable[[Server, Request], Awaitable[Response]]


Refusal = Callable[[OAuthError, Refused], Response]
"""How an endpoint answers an `OAuthError`."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A hot endpoint as an ASGI application."""

    handler: Handler
    methods: tuple[str, ...] = ("POST",)
    cors: Cors | None = None
    refuse: Refusal = error_response

    async def serve(self, server: Server, scope: Scope, receive: Receive, send: Send) -> None:
        """Read one request, answer it, and turn refusals into this endpoint's errors."""
        origin = any(name == b"origin" for name, _ in scope["headers"]) if self.cors else False
        try:
            response = await self._answer(server, scope, receive)
        except Exception:
            await self._send(self._broken(server, scope), scope, send, cors=origin)
            raise  # to the log
        await self._send(response, scope, send, cors=origin)

    async def _send(self, response: Response, scope: Scope, send: Send, *, cors: bool) -> None:
        headers = [*response.headers]
        if response.status not in _WITHOUT_LENGTH:
            headers.append((b"content-length", str(len(response.body)).encode()))
        if (nonce := scope.get("state", {}).get(NONCE)) is not None:
            headers.append((b"dpop-nonce", nonce.encode("ascii")))
        if self.cors is not None and scope["method"] != "OPTIONS":
            headers += self.cors.headers(asked=cors, website=scope.get("state", {}).get(WEBSITE))
        await send({"type": "http.response.start", "status": response.status, "headers": headers})
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else response.body})

    def _refuse(self, server: Server, scope: Scope, error: OAuthError, status: int | None = None) -> Response:
        request_id = scope.get("state", {}).get("request_id", "")
        return self.refuse(error, Refused(status or error.code.status, server.issuer, request_id, server.own_documents))

    def _broken(self, server: Server, scope: Scope) -> Response:
        """A fault of ours: the log has its cause under the request id. The server closes the connection after it."""
        answer = self._refuse(server, scope, OAuthError(ErrorCode.SERVER_ERROR, "something broke on our side"))
        return Response(answer.status, answer.body, (*answer.headers, (b"connection", b"close")))

    async def _answer(self, server: Server, scope: Scope, receive: Receive) -> Response:
        method = scope["method"]
        if method == "OPTIONS" and self.cors is not None:
            return self.cors.preflight()
        if method not in self.methods:
            allow = ", ".join((*self.methods, *(("OPTIONS",) if self.cors else ())))
            refused = OAuthError(ErrorCode.INVALID_REQUEST, f"{method[:20]} is not allowed here; use {self.methods[0]}")
            answer = self._refuse(server, scope, refused, 405)
            return Response(405, answer.body, (*answer.headers, (b"allow", allow.encode())))
        state = scope.setdefault("state", {})
        try:
            body = b"" if method in {"GET", "HEAD"} else await read_body(receive)
            if body is None:
                return self._too_large(server, scope)
            return await self.handler(server, request_of(scope, body, scope["path"]))
        except OAuthError as refused:
            state["refusal"] = refused
            return self._refuse(server, scope, refused)
        except StoreUnavailable as unavailable:
            state["refusal"] = unavailable
            return self._refuse(server, scope, database_away())

    def _too_large(self, server: Server, scope: Scope) -> Response:
        refused = OAuthError(ErrorCode.INVALID_REQUEST, f"the request body is larger than {MAX_BODY} bytes")
        answer = self._refuse(server, scope, refused, 413)
        return Response(413, answer.body, (*answer.headers, (b"connection", b"close")))


def database_away() -> OAuthError:
    """The refusal while the database does not answer: nothing was changed, or it will be found as it was left."""
    return OAuthError(ErrorCode.TEMPORARILY_UNAVAILABLE, "the database does not answer; try again in a moment")


def request_of(scope: Scope, body: bytes, path: str) -> Request:
    """Return a request that stands in an ASGI scope, with its path as it was sent or decoded; raises
    `invalid_request` for headers of which one too many was sent."""
    return Request(
        method=scope["method"],
        query=scope["query_string"],
        headers=_headers(scope["headers"]),
        body=body,
        address=(scope.get("client") or ("",))[0],
        request_id=scope["state"].get("request_id", ""),
        path=path,
        state=scope["state"],
    )


_JOINED = {b"cookie": b"; ", b"dpop": b",", b"client-cert": b",", b"client-cert-chain": b","}
"""Cookies may come in parts (RFC 9113 §8.2.3), certificates of a chain as well. Of the others there may be one, and
what judges them finds the comma (DP-1, MT-5)."""


def _headers(sent: list[tuple[bytes, bytes]]) -> dict[bytes, bytes]:
    """Return the headers by name; raises `invalid_request` when one that decides comes twice (BR-2, RFC 6750 §2).

    A proxy in front may have looked at the other one.
    """
    headers = dict(sent)
    if len(headers) != len(sent):
        for joined, separator in _JOINED.items():
            if joined in headers:
                headers[joined] = separator.join(value for name, value in sent if name == joined)
        for name in (b"authorization", b"content-type", b"origin"):
            if sum(other == name for other, _ in sent) > 1:
                raise OAuthError(ErrorCode.INVALID_REQUEST, f"the header {name.decode()} was sent more than once")
    return headers


def is_form(content_type: str | None) -> bool:
    """Tell whether a `Content-Type` names a urlencoded form, whatever its parameters."""
    return (content_type or "").partition(";")[0].strip().lower() == FORM


async def read_body(receive: Receive) -> bytes | None:
    """Return the body, or None when it grows beyond the limit, counted as it comes in.

    Raises `invalid_request` when the sender leaves before the end: half a form must not pass for a whole one.
    """
    chunks: list[bytes] = []
    size, more = 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise OAuthError(ErrorCode.INVALID_REQUEST, "the request broke off before its end")
        chunk: bytes = message.get("body", b"")
        size += len(chunk)
        if size > MAX_BODY:
            return None
        chunks.append(chunk)
        more = message.get("more_body", False)
    return chunks[0] if len(chunks) == 1 else b"".join(chunks)
