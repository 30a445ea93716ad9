"""People's tokens without their consent: issuers that a server trusts, and applications that exchange tokens there."""

import secrets
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from app.crypto import jose
from app.protocol.grant_types import jwt_bearer, token_exchange
from app.store.database import Database
from tests.support.service import ISSUER, SECRET, Service, service
from tests.support.signing import keep_keys

JWT_BEARER, EXCHANGE = jwt_bearer.NAME, token_exchange.NAME
ACCESS_TOKEN, JWT = token_exchange.ACCESS_TOKEN, token_exchange.JWT
TOKEN_ENDPOINT = f"{ISSUER}/oauth/token"
ORDERS, STOCK, LEDGER = "https://orders.example", "https://stock.example", "https://ledger.example"


@dataclass(frozen=True, slots=True)
class Issuer:
    """Somebody with a name and a key, who says what a test wants to hear."""

    name: str
    jwk: Mapping[str, Any] = field(repr=False)

    @classmethod
    def named(cls, name: str, alg: str = "ES256") -> "Issuer":
        """Return an issuer with a key of its own."""
        return cls(name, jose.generate(alg))

    @property
    def public(self) -> dict[str, Any]:
        """Its public key."""
        return jose.public_part(self.jwk)

    def says(self, now: int, **claims: Any) -> str:
        """Return a JWT about robin that is right for the server of these tests, changed by keyword; None leaves out.

        `typ` is that of its header.
        """
        typ = claims.pop("typ", "JWT")
        own = {
            "iss": self.name,
            "sub": "robin",
            "aud": ISSUER,
            "iat": now,
            "exp": now + 300,
            "jti": secrets.token_urlsafe(12),
        }
        given = {name: value for name, value in (own | claims).items() if value is not None}
        return jose.sign(jose.signing_key(self.jwk), given, typ=typ)


IDP, PARTNER, OPEN = map(Issuer.named, ("https://idp.example", "https://partner.example/", "https://open.example"))
STRANGER = Issuer.named("https://stranger.example")

TRUSTED: dict[str, dict[str, Any]] = {
    IDP.name: {
        "clients": ["agent", "gateway"],
        "jwks": [IDP.public],
        "subject": "username",
        "scopes": ["project:read", "project:write", "team:read"],
        "max_lifetime": 600,
    },
    PARTNER.name: {
        "clients": ["other"],
        "jwks": [PARTNER.public],
        "subject": "email",
        "claim": "email",
        "resources": [STOCK],
        "access_token": 120,
    },
    OPEN.name: {
        "clients": ["spa", "agent"],
        "jwks": [OPEN.public],
        "client_authentication": False,
        "single_use": False,
    },
}
RULES: dict[str, dict[str, Any]] = {
    "gateway": {
        "clients": ["gateway"],
        "subject_clients": ["web"],
        "resources": [ORDERS, STOCK],
        "scopes": ["project:read"],
        "maps": {"project:read": ["event:read"]},
    },
    "onwards": {"clients": ["orders"], "subject_clients": ["gateway"], "resources": [LEDGER]},
    "back": {
        "clients": ["web"],
        "subject_clients": ["orders"],
        "subject_resources": [LEDGER],
        "resources": [STOCK],
    },
    "support": {"clients": ["support"], "subject_clients": ["web"], "mode": "impersonation"},
    "desk": {"clients": ["desk"], "subject_clients": ["web"], "rebind": True},
    "partners": {"clients": ["gateway"], "subject_issuers": [IDP.name], "resources": [ORDERS]},
}
RESOURCES: dict[str, dict[str, Any]] = {
    ORDERS: {"token_format": "jwt", "scopes": ["project:read", "project:write"], "introspection_clients": ["orders"]},
    STOCK: {"scopes": ["event:read", "project:read"], "introspection_clients": ["stock", "gateway"]},
    LEDGER: {"introspection_clients": ["stock"]},
}
MACHINE: dict[str, Any] = {"kind": "machine", "redirect_uris": (), "response_types": ()}


@asynccontextmanager
async def delegating_service(database: Database) -> AsyncIterator[Service]:
    """Run a server with these issuers, rules and resources; robin and sam are there, and all who exchange."""
    everything = {"trusted_issuers": TRUSTED, "token_exchange": RULES, "resources": RESOURCES}
    async with service(database, **everything) as running:
        await keep_keys(running.server)
        for username in ("robin", "sam"):
            await running.user(username)
        exchanging = ("authorization_code", "refresh_token", EXCHANGE)
        await running.application("web", grant_types=exchanging)
        await running.application("spa", auth_method="none", kind="browser", grant_types=(*exchanging, JWT_BEARER))
        for client_id in ("agent", "gateway", "orders", "stock", "support", "desk", "other"):
            grants = (JWT_BEARER, EXCHANGE, "client_credentials")
            await running.application(client_id, **MACHINE, grant_types=grants)
        yield running


@dataclass(frozen=True, slots=True)
class Asking:
    """Shortcuts to the token endpoint and to what its tokens are worth."""

    site: Service
    browser: httpx.AsyncClient

    @property
    def now(self) -> int:
        """The server's time."""
        return int(self.site.clock().timestamp())

    async def bearer(
        self, assertion: str | list[str] | None, client_id: str = "agent", **parameters: Any
    ) -> httpx.Response:
        """Ask for a token for an assertion."""
        return await self._ask(client_id, grant_type=JWT_BEARER, assertion=assertion, **parameters)

    async def exchange(self, token: str, client_id: str = "web", **parameters: Any) -> httpx.Response:
        """Ask for a token for another one."""
        given = {"subject_token": token, "subject_token_type": ACCESS_TOKEN, **parameters}
        return await self._ask(client_id, grant_type=EXCHANGE, **given)

    async def exchanged(self, token: str, client_id: str = "web", **parameters: Any) -> str:
        """Return a token for another one."""
        answer = await self.exchange(token, client_id, **parameters)
        assert answer.status_code == 200, answer.text
        value: str = answer.json()["access_token"]
        return value

    async def own(self, client_id: str, **parameters: Any) -> str:
        """Return a token that an application gets for itself."""
        answer = await self._ask(client_id, grant_type="client_credentials", **parameters)
        assert answer.status_code == 200, answer.text
        value: str = answer.json()["access_token"]
        return value

    async def about(self, token: str, client_id: str = "web") -> dict[str, Any]:
        """Return what introspection says to an application."""
        answer = await self.browser.post("/oauth/introspect", data={"token": token}, auth=(client_id, SECRET))
        assert answer.status_code == 200, answer.text
        body: dict[str, Any] = answer.json()
        return body

    async def _ask(self, client_id: str, *, dpop: str = "", **parameters: Any) -> httpx.Response:
        headers = {"DPoP": dpop} if dpop else {}
        given = {name: value for name, value in parameters.items() if value is not None}
        if client_id == "spa":
            return await self.browser.post("/oauth/token", data={"client_id": "spa", **given}, headers=headers)
        return await self.browser.post("/oauth/token", data=given, auth=(client_id, SECRET), headers=headers)


def refusal(answer: httpx.Response) -> tuple[int, str]:
    """Return the status and the error of an answer."""
    return answer.status_code, answer.json()["error"]


@pytest.fixture(scope="module")
async def site(database: Database) -> AsyncIterator[Service]:
    """The server that trusts them, for all tests of a module."""
    async with delegating_service(database) as running:
        yield running


@pytest.fixture
def asking(site: Service, browser: httpx.AsyncClient) -> Asking:
    """Somebody who asks there."""
    return Asking(site, browser)
