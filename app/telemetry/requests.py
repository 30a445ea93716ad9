"""The outermost middleware, pure ASGI: gives each request an id, and tells afterwards, in one line, how it ended.

The id stands in `scope["state"]["request_id"]` and in the answer's `X-Request-Id`. Endpoints that know more write
into the same state: `client_id`, `outcome` (such as granted), or `refusal`, the error that they answered with. The line
names the path without its query, and nothing that a client has sent in a body or header.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from ipaddress import ip_network
from time import perf_counter
from typing import Any

import orjson
import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.crypto.secrets import random_bytes
from app.protocol.errors import ErrorCode, OAuthError
from app.protocol.mtls import BY_PROXY
from app.telemetry.forwarded import client_address, within
from app.telemetry.logging import request_lines
from app.telemetry.metrics import REQUESTS, RequestMetrics, route_of
from app.telemetry.redaction import redact_text

_HEADER = b"x-request-id"
_FORWARDED_FOR = b"x-forwarded-for"
_ACCEPTABLE = re.compile(rb"[A-Za-z0-9_.-]{8,64}")
_MAX_LOGGED_PATH = 200
_ONE_TIME_LINKS = "/setup/"
_PLAIN_PATHS = frozenset({"/oauth/token", "/oauth/introspect", "/oauth/revoke", "/api/v1/me"})
"""Paths of the hot endpoints: nothing to look for in them."""
_METHODS = frozenset({"GET", "POST", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS"})
"""Clients may invent methods, and each would be a series of its own: all others are counted as OTHER."""


def new_request_id() -> str:
    """Return `req_` and 80 random bits: short enough to read out, never guessable from another one."""
    return "req_" + random_bytes(10).hex()


class Requests:
    """Identify, time, count and log every HTTP request.

    `trusted_proxies` are addresses or networks whose `X-Request-Id` is taken over when it is harmless, and whose
    `X-Forwarded-For` names the client; from anybody else these headers count for nothing. That one of them has made the
    connection is noted in the request's state, for whoever reads further headers of a proxy (MT-5).
    """

    def __init__(
        self, app: ASGIApp, *, trusted_proxies: tuple[str, ...] = (), metrics: RequestMetrics = REQUESTS
    ) -> None:
        self._app = app
        self._metrics = metrics
        self._log = structlog.get_logger()
        self._lines = request_lines()
        networks = tuple(ip_network(network, strict=False) for network in trusted_proxies)
        self._proxies = bool(networks)
        self._trusts = lru_cache(maxsize=1024)(lambda address: within(address, networks))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection; anything but HTTP passes through."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            if self._lines is not None:
                self._lines.flush()
            return
        state = scope.setdefault("state", {})
        if self._proxies:
            request_id = self._request_id(scope)
            self._name_client(scope)
        else:
            request_id = new_request_id()
        state["request_id"] = request_id
        header = (_HEADER, request_id.encode("ascii"))
        status = 0

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = message.get("headers", ())
                message["headers"] = [*headers, header]
            await send(message)

        begin = perf_counter()
        try:
            await self._app(scope, receive, send_with_id)
        except Exception:
            status = status or 500
            self._log.exception("request.failed", request_id=request_id)
            raise
        finally:
            self._tell(scope, status, perf_counter() - begin)

    def _request_id(self, scope: Scope) -> str:
        client = scope.get("client")
        if client is not None and self._trusts(client[0]):
            for name, value in scope["headers"]:
                if name == _HEADER and _ACCEPTABLE.fullmatch(value):
                    return str(value, "ascii")
        return new_request_id()

    def _name_client(self, scope: Scope) -> None:
        """Put the person's address in the place of a trusted proxy's."""
        client = scope.get("client")
        if client is not None and self._trusts(client[0]):
            scope["state"][BY_PROXY] = True
            forwarded = (value for name, value in scope["headers"] if name == _FORWARDED_FOR)
            scope["client"] = (client_address(client[0], forwarded, self._trusts), 0)

    def _tell(self, scope: Scope, status: int, seconds: float) -> None:
        state = scope["state"]
        outcome, detail = _ending(state)
        method = scope["method"] if scope["method"] in _METHODS else "OTHER"
        self._metrics.observe(route=route_of(scope), method=method, status=status, outcome=outcome, seconds=seconds)
        line = {
            "event": "request",
            "method": method,
            "path": _logged_path(scope["path"]),
            "status": status,
            "ms": round(seconds * 1000, 2),
            "request_id": state["request_id"],
            "client_id": redact_text(state.get("client_id", "")),
            "outcome": outcome,
        }
        if detail:
            line["detail"] = redact_text(detail)
        if self._lines is None:
            self._log.info(**line)
        else:
            line["level"] = "info"
            line["timestamp"] = datetime.now(UTC)
            self._lines.add(orjson.dumps(line))


def _logged_path(path: str) -> str:
    """Return the path as the log may keep it: the secret of a one-time link stands in it and is cut."""
    if path in _PLAIN_PATHS:
        return path
    return _ONE_TIME_LINKS if path.startswith(_ONE_TIME_LINKS) else redact_text(path[:_MAX_LOGGED_PATH])


def _ending(state: Mapping[str, Any]) -> tuple[str, str]:
    """Return the outcome (of a closed set) and the detail that only the log may show."""
    refusal = state.get("refusal")
    if isinstance(refusal, OAuthError):
        return refusal.code.wire, refusal.detail or refusal.description
    if refusal is not None:
        return ErrorCode.TEMPORARILY_UNAVAILABLE.wire, type(refusal).__name__
    return state.get("outcome", ""), ""
