"""Client assertions for tests, as clients make them: good ones, and ones with anything wrong."""

import base64
import hmac
import json
import secrets
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from typing import Any

from app.crypto import jose
from app.protocol.client_assertion import TYPE
from app.services import data_file
from app.services.operator import Operator
from app.services.passwords import PasswordQueue
from tests.support.service import Service

Jwk = Mapping[str, Any]


@cache
def key_of(owner: str, alg: str = "ES256") -> dict[str, Any]:
    """Return the private key of somebody, the same at each call."""
    return jose.generate(alg)


def key_set(*keys: Jwk) -> dict[str, Any]:
    """Return the public halves as a JWK set."""
    return {"keys": [jose.public_part(key) for key in keys]}


def claims_of(client_id: str, audience: object, now: datetime, **changes: Any) -> dict[str, Any]:
    """Return what an assertion says that lives a minute; a change to None leaves a member out."""
    issued = int(now.timestamp())
    claims = {
        "iss": client_id,
        "sub": client_id,
        "aud": audience,
        "jti": secrets.token_urlsafe(16),
        "iat": issued,
        "exp": issued + 60,
        **changes,
    }
    return {name: value for name, value in claims.items() if value is not None}


def signed(claims: Mapping[str, Any], key: Jwk, **header: Any) -> str:
    """Return an assertion signed with a private key; a header of None is left out."""
    head = {"alg": key["alg"], "kid": key["kid"], **header}
    content = _content(head, claims)
    return f"{content}.{_text(jose.signing_key(key).make(content.encode()))}"


def maced(claims: Mapping[str, Any], secret: bytes, alg: str = "HS256", **header: Any) -> str:
    """Return an assertion with a MAC."""
    content = _content({"alg": alg, **header}, claims)
    return f"{content}.{_text(hmac.digest(secret, content.encode(), f'sha{alg[2:]}'))}"


def unsigned(claims: Mapping[str, Any]) -> str:
    """Return an assertion that says of itself that nobody signed it."""
    return _content({"alg": "none"}, claims) + "."


def form(assertion: str, **parameters: str) -> dict[str, str]:
    """Return the parameters that present an assertion."""
    return {"client_assertion_type": TYPE, "client_assertion": assertion, **parameters}


def _content(header: Mapping[str, Any], claims: Mapping[str, Any]) -> str:
    head = {name: value for name, value in header.items() if value is not None}
    return f"{_text(json.dumps(head).encode())}.{_text(json.dumps(claims).encode())}"


def _text(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


async def register(service: Service, **members: Any) -> str | None:
    """Register an application as a data file declares it; return the secret that was generated for it."""
    passwords = PasswordQueue(threads=1)
    entry = {"grant_types": ["client_credentials"], "scope": "project:read", **members}
    data = data_file.parse({"applications": [entry]}, service.server.scopes)
    operator = Operator("test", service.clock())
    try:
        report = await data_file.apply(service.database, passwords, data, operator, vault=service.server.vault)
    finally:
        passwords.close()
    return next((made.secret for made in report.secrets), None)
