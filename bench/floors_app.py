"""The floors: the least that a FastAPI handler has to do for such a request, alone and with one statement.

Run as `python -m bench.floors_app PORT`, with the database in BENCH_FLOORS_DSN. F0 parses form and Basic by hand and
answers; F1 adds one SELECT, FI one INSERT, FX the whole code exchange as one statement, over held connections and
prepared statements; FJ signs a JWT and asks no database, FXJ does both. Without a database it serves an ASGI
application that does nothing.
"""

import base64
import contextlib
import hashlib
import hmac
import os
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl
from uuid import UUID, uuid4

import asyncpg
import orjson
import uvicorn
from asyncpg.prepared_stmt import PreparedStatement
from fastapi import FastAPI, Request, Response
from joserfc import jwt
from joserfc.jwk import ECKey

from app.crypto.secrets import new_id
from bench import floors_schema

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

_HOUR = timedelta(hours=1)
_NO_STORE = {"cache-control": "no-store"}
_APPLICATION = UUID(int=1)
_USER = UUID(int=2)
_SCOPES = ["read", "write"]
# As the product's hot connections are opened: no planning per execution, no plan that depends on statistics.
_HOT = {
    "plan_cache_mode": "force_generic_plan",
    "enable_seqscan": "off",
    "enable_bitmapscan": "off",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
    "enable_material": "off",
    "enable_memoize": "off",
    "jit": "off",
}


@dataclass(frozen=True, slots=True)
class Held:
    """One connection with its prepared statements."""

    connection: "asyncpg.Connection[asyncpg.Record]"
    select_token: "PreparedStatement[asyncpg.Record]"
    insert_token: "PreparedStatement[asyncpg.Record]"
    exchange: "PreparedStatement[asyncpg.Record]"


class Floors:
    """The handlers and what they hold."""

    def __init__(self, dsn: str, client_id: str, secret: str, connections: int) -> None:
        self._dsn = dsn
        self._client_id = client_id
        self._secret_digest = hashlib.sha256(secret.encode()).digest()
        self._connections = connections
        self._free: list[Held] = []
        self._key = ECKey.generate_key("P-256")

    @contextlib.asynccontextmanager
    async def lifespan(self, app: FastAPI) -> AsyncIterator[None]:
        """Open the connections; there are as many as requests under way, so nobody waits for one."""
        for _ in range(self._connections):
            connection = await asyncpg.connect(self._dsn, server_settings=_HOT)
            statements = floors_schema.SELECT_TOKEN, floors_schema.INSERT_TOKEN, floors_schema.EXCHANGE
            self._free.append(Held(connection, *[await connection.prepare(text) for text in statements]))
        yield
        for held in self._free:
            await held.connection.close()

    async def f0(self, request: Request) -> Response:
        """Form and Basic by hand, and an answer."""
        form = await self._authenticated_form(request)
        return _answer({"active": bool(form["token"])})

    async def f1(self, request: Request) -> Response:
        """F0 and one SELECT."""
        form = await self._authenticated_form(request)
        credential = _decode(form["token"])
        held = self._free.pop()
        try:
            row = await held.select_token.fetchrow(UUID(bytes=credential[:16]))
        finally:
            self._free.append(held)
        active = row is not None and hmac.compare_digest(row["digest"], hashlib.sha256(credential[16:]).digest())
        return _answer({"active": active})

    async def fi(self, request: Request) -> Response:
        """F0 and one INSERT."""
        await self._authenticated_form(request)
        now = datetime.now(UTC)
        token, token_id, digest = _new_token(now)
        held = self._free.pop()
        try:
            await held.insert_token.fetch(token_id, digest, _USER, _APPLICATION, _SCOPES, now, now + _HOUR)
        finally:
            self._free.append(held)
        return _answer({"access_token": token, "token_type": "Bearer", "expires_in": 3600, "scope": "read write"})

    async def fj(self, request: Request) -> Response:
        """F0 and a signed JWT (RFC 9068), by the library that everybody would take."""
        form = await self._authenticated_form(request)
        now = int(time.time())
        claims = {
            "iss": "http://127.0.0.1",
            "exp": now + 900,
            "aud": form["resource"],
            "sub": self._client_id,
            "client_id": self._client_id,
            "iat": now,
            "jti": str(uuid4()),
            "scope": "read write",
        }
        token = jwt.encode({"typ": "at+jwt", "alg": "ES256", "kid": "bench"}, claims, self._key)
        return _answer({"access_token": token, "token_type": "Bearer", "expires_in": 900, "scope": "read write"})

    async def fx(self, request: Request) -> Response:
        """F0 and the code exchange as one statement: consume the code, insert family, token and audit row."""
        answer = await self._exchange(request)
        return _refused() if answer is None else _answer(answer)

    async def fxj(self, request: Request) -> Response:
        """FX and an ID token that is signed for it (OpenID Connect Core §2)."""
        answer = await self._exchange(request)
        if answer is None:
            return _refused()
        now = int(time.time())
        claims = {
            "iss": "http://127.0.0.1",
            "sub": str(_USER),
            "aud": self._client_id,
            "exp": now + 3600,
            "iat": now,
            "auth_time": now,
            "nonce": "n-0S6_WzA2Mj",
            "at_hash": _half(answer["access_token"]),
        }
        token = jwt.encode({"alg": "ES256", "kid": "bench"}, claims, self._key)
        return _answer({**answer, "id_token": token})

    async def _exchange(self, request: Request) -> dict[str, Any] | None:
        form = await self._authenticated_form(request)
        code = _decode(form["code"])
        now = datetime.now(UTC)
        access, access_id, access_digest = _new_token(now)
        refresh, family_id, refresh_digest = _new_token(now)
        held = self._free.pop()
        try:
            won = await held.exchange.fetchval(
                UUID(bytes=code[:16]),
                now,
                family_id,
                hashlib.sha256(code[16:]).digest(),
                refresh_digest,
                now + timedelta(days=30),
                now + timedelta(days=180),
                access_id,
                access_digest,
                now + _HOUR,
                new_id(now),
                os.urandom(12).hex(),
                self._client_id,
                "127.0.0.1",
            )
        finally:
            self._free.append(held)
        if not won:
            return None
        answer = {"access_token": access, "token_type": "Bearer", "expires_in": 3600, "refresh_token": refresh}
        return {**answer, "scope": "read write"}

    async def _authenticated_form(self, request: Request) -> dict[str, str]:
        form = dict(parse_qsl((await request.body()).decode()))
        scheme, _, credentials = request.headers["authorization"].partition(" ")
        client_id, _, secret = base64.b64decode(credentials).decode().partition(":")
        digest = hashlib.sha256(secret.encode()).digest()
        if (scheme, client_id) != ("Basic", self._client_id) or not hmac.compare_digest(digest, self._secret_digest):
            raise PermissionError("the load generator authenticates")
        return form


def create_app(dsn: str, client_id: str, secret: str, connections: int) -> FastAPI:
    """Return the application with its routes."""
    floors = Floors(dsn, client_id, secret, connections)
    app = FastAPI(lifespan=floors.lifespan, openapi_url=None)
    for path, handler in (
        ("/F0", floors.f0),
        ("/F1", floors.f1),
        ("/FI", floors.fi),
        ("/FJ", floors.fj),
        ("/FX", floors.fx),
        ("/FXJ", floors.fxj),
    ):
        app.post(path)(handler)
    return app


async def bare(scope: Scope, receive: Receive, send: Send) -> None:
    """An ASGI application that reads nothing and answers at once."""
    if scope["type"] != "http":
        return
    headers = [(b"content-type", b"application/json"), (b"content-length", b"15")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b'{"active":true}'})


def _half(text: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()[:16]).rstrip(b"=").decode()


def _refused() -> Response:
    return Response(b'{"error":"invalid_grant"}', 400, _NO_STORE, "application/json")


def _answer(content: dict[str, Any]) -> Response:
    return Response(orjson.dumps(content), 200, _NO_STORE, "application/json")


def _new_token(now: datetime) -> tuple[str, UUID, bytes]:
    """Return a token, its id and the digest of its secret."""
    identifier, secret = new_id(now), os.urandom(32)
    return encode(identifier, secret), identifier, hashlib.sha256(secret).digest()


def encode(identifier: UUID, secret: bytes) -> str:
    """Return id and secret as one string."""
    return base64.urlsafe_b64encode(identifier.bytes + secret).rstrip(b"=").decode()


def _decode(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def main(port: int) -> None:
    """Serve the floors, or the bare application when there is no database."""
    environment = os.environ
    if dsn := environment.get("BENCH_FLOORS_DSN"):
        client = environment["BENCH_FLOORS_CLIENT"], environment["BENCH_FLOORS_SECRET"]
        app: Any = create_app(dsn, *client, int(environment["BENCH_FLOORS_CONNECTIONS"]))
    else:
        app = bare
    uvicorn.run(
        app, host="127.0.0.1", port=port, loop="uvloop", http="httptools", access_log=False, log_level="warning"
    )


if __name__ == "__main__":
    main(int(sys.argv[1]))
