"""Request objects for tests, as applications make them, and applications that sign their requests."""

import json
import secrets
from base64 import urlsafe_b64decode
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import httpx

from tests.support.assertions import key_of, key_set, register, signed
from tests.support.facts import CHALLENGE
from tests.support.service import ISSUER, REDIRECT_URI, SECRET, Service

TYP = "oauth-authz-req+jwt"
ASKED: dict[str, Any] = {
    "response_type": "code",
    "redirect_uri": REDIRECT_URI,
    "scope": "project:read",
    "state": "xyz",
    "code_challenge": CHALLENGE,
    "code_challenge_method": "S256",
}


async def register_signing(site: Service, client_id: str, **members: Any) -> None:
    """Register an application with `SECRET` whose requests are signed with `key_of(client_id)`."""
    usual = {
        "client_secret": SECRET,
        "grant_types": ["authorization_code"],
        "redirect_uris": [REDIRECT_URI],
        "scope": "openid project:read",
        "jwks": key_set(key_of(client_id)),
    }
    await register(site, client_id=client_id, **{**usual, **members})


def claims_of(client_id: str, now: datetime, /, **changes: Any) -> dict[str, Any]:
    """Return what the object of a whole request says, for five minutes; a change to None leaves a claim out."""
    issued = int(now.timestamp())
    claims = {
        "iss": client_id,
        "aud": ISSUER,
        "iat": issued,
        "nbf": issued,
        "exp": issued + 300,
        "jti": secrets.token_urlsafe(16),
        "client_id": client_id,
        **ASKED,
        **changes,
    }
    return {name: value for name, value in claims.items() if value is not None}


def request_object(site: Service, client_id: str = "signer", /, **changes: Any) -> str:
    """Return a request object of an application, typed as one of RFC 9101; `key` and `header` change how it is made."""
    key = changes.pop("key", None) or key_of(client_id)
    header = {"typ": TYP, **changes.pop("header", {})}
    return signed(claims_of(client_id, site.clock(), **changes), key, **header)


def address(client_id: str = "signer", **beside: str) -> str:
    """Return the address of a request whose parameters are these alone."""
    return "/oauth/authorize?" + urlencode({"client_id": client_id, **beside})


def query_of(response: httpx.Response) -> dict[str, str]:
    """Return the members of an answer in the query, and check where it goes."""
    assert response.status_code == 303, response.text
    parts = urlsplit(response.headers["location"])
    assert f"{parts.scheme}://{parts.netloc}{parts.path}" == REDIRECT_URI
    return dict(parse_qsl(parts.query, strict_parsing=True))


def content_of(text: str) -> dict[str, Any]:
    """Return the claims of a JWT, unverified."""
    body = text.split(".")[1]
    content: dict[str, Any] = json.loads(urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    return content
