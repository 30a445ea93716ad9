"""Prepared credentials of one product, and the requests that present them."""

import base64
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Literal
from urllib.parse import urlencode

from bench.load import Chain, Work

FloorKind = Literal["F0", "F1", "FI", "FJ", "FX", "FXJ"]
ProductKind = Literal[
    "introspect", "userinfo", "exchange", "exchange_openid", "refresh", "machine", "machine_jwt", "revoke"
]
Kind = FloorKind | ProductKind

REFRESHES_EACH = 4
"""How many steps each refresh token family goes in one run: mostly rows that nobody has just touched."""

VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
CHALLENGE = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
"""The pair of RFC 7636, Appendix B: the codes are what differs."""

RESOURCE = "https://api.example"
"""The API whose tokens are JWTs."""

_ISSUES = b'"access_token"'
_ISSUES_JWT = b'"eyJ'
_SIGNS_IN = b'"id_token"'
_KNOWS_WHO = b'"sub"'
_DONE = b""
"""A revocation has nothing to say but its status."""

_ACTIVE = b'"active":true'


@dataclass(frozen=True, slots=True)
class Client:
    """A confidential client that authenticates by `client_secret_basic`."""

    client_id: str
    secret: str = field(repr=False)
    redirect_uri: str = "https://client.example/callback"

    def post(self, path: str, **fields: str) -> bytes:
        """Return a complete request with a form body."""
        body = urlencode(fields).encode()
        return b"%bcontent-length: %d\r\n\r\n%b" % (self.head(path), len(body), body)

    def head(self, path: str) -> bytes:
        """Return request line and headers of a form POST, without content length and blank line."""
        credentials = base64.b64encode(f"{self.client_id}:{self.secret}".encode()).decode()
        return (
            f"POST {path} HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Basic {credentials}\r\n"
            "content-type: application/x-www-form-urlencoded\r\n"
        ).encode()


@dataclass(frozen=True, slots=True)
class Volume:
    """How much is prepared: rows in the table that introspection reads, single-use codes (as many again of OpenID
    Connect), refresh token families, and access tokens to revoke."""

    tokens: int
    codes: int
    families: int
    revocable: int


class Stock:
    """Access tokens, which may be introspected again and again, and codes, refresh tokens and further access tokens,
    used or revoked once each.

    `openid_codes` and `openid_tokens` are of people who sign in with OpenID Connect. `scope` is what the client asks
    for itself.
    """

    def __init__(
        self,
        client: Client,
        paths: Mapping[Kind, str],
        *,
        tokens: Sequence[str],
        codes: Sequence[str],
        refresh_tokens: Sequence[str] = (),
        revocable: Sequence[str] = (),
        openid_codes: Sequence[str] = (),
        openid_tokens: Sequence[str] = (),
        scope: str = "",
    ) -> None:
        self._client = client
        self._paths = paths
        self._tokens = tokens
        self._codes = iter(codes)
        self._refresh_tokens = iter(refresh_tokens)
        self._revocable = iter(revocable)
        self._openid_codes = iter(openid_codes)
        self._openid_tokens = openid_tokens
        self._scope = scope

    def work(self, kind: Kind, count: int) -> Work:
        """Return `count` requests that were never sent before. Raises RuntimeError when the stock has run out."""
        path = self._paths[kind]
        if kind == "refresh":
            families = _take(self._refresh_tokens, -(-count // REFRESHES_EACH))
            before = b"grant_type=refresh_token&refresh_token="
            chain = Chain(self._client.head(path), before, b"", tuple(token.encode() for token in families))
            return Work(_ISSUES, chain=chain, count=count)
        if kind == "machine":
            request = self._client.post(path, grant_type="client_credentials", scope=self._scope)
            return Work(_ISSUES, (request,) * count)
        if kind in ("machine_jwt", "FJ"):
            request = self._client.post(path, grant_type="client_credentials", scope=self._scope, resource=RESOURCE)
            return Work(_ISSUES_JWT, (request,) * count)
        if kind == "revoke":
            tokens = _take(self._revocable, count)
            return Work(_DONE, tuple(self._client.post(path, token=token) for token in tokens))
        if kind in ("exchange", "FX"):
            return Work(_ISSUES, tuple(self._exchange(path, code) for code in _take(self._codes, count)))
        if kind in ("exchange_openid", "FXJ"):
            return Work(_SIGNS_IN, tuple(self._exchange(path, code) for code in _take(self._openid_codes, count)))
        if kind == "userinfo":
            tokens = random.choices(self._openid_tokens, k=count)
            return Work(_KNOWS_WHO, tuple(_get(path, token) for token in tokens))
        tokens = random.choices(self._tokens, k=count)
        requests = (self._client.post(path, token=token, token_type_hint="access_token") for token in tokens)
        return Work(_ISSUES if kind == "FI" else _ACTIVE, tuple(requests))

    def _exchange(self, path: str, code: str) -> bytes:
        return self._client.post(
            path,
            grant_type="authorization_code",
            code=code,
            redirect_uri=self._client.redirect_uri,
            code_verifier=VERIFIER,
        )


def _get(path: str, token: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer {token}\r\n\r\n".encode()


def _take(source: Iterator[str], count: int) -> list[str]:
    taken = list(islice(source, count))
    if len(taken) < count:
        raise RuntimeError(f"{count} credentials wanted, {len(taken)} left: prepare more")
    return taken
