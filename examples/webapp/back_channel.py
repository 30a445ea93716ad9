"""What the server says of a sign-out that happened elsewhere (OpenID Connect Back-Channel Logout 1.0, section 2.6)."""

import time
from dataclasses import dataclass
from typing import Any

from joserfc import jwt
from joserfc.errors import InvalidKeyIdError
from joserfc.jwk import KeySet
from joserfc.jwt import JWTClaimsRegistry

EVENT = "http://schemas.openid.net/event/backchannel-logout"
LEEWAY = 60


class NotALogout(Exception):
    """A logout token that says nothing to this application."""


@dataclass(frozen=True, slots=True)
class Logout:
    """Whom it is about: `sid` names one session, `sub` alone all of a person's."""

    sub: str | None
    sid: str | None


async def read(token: str, server: Any, client_id: str) -> Logout:
    """Verify a logout token with the server's published keys; `server` is Authlib's client for it.

    Raises NotALogout, or an error of joserfc. The same token twice signs out who is signed out already: its `jti` need
    not be kept.
    """
    metadata = await server.load_server_metadata()
    algorithms = metadata["id_token_signing_alg_values_supported"]
    try:
        keys = KeySet.import_key_set(await server.fetch_jwk_set())
        read = jwt.decode(token, keys, algorithms=algorithms)
    except InvalidKeyIdError:  # the server has a new key
        keys = KeySet.import_key_set(await server.fetch_jwk_set(force=True))
        read = jwt.decode(token, keys, algorithms=algorithms)
    JWTClaimsRegistry(
        now=int(time.time()),
        leeway=LEEWAY,
        iss={"essential": True, "value": metadata["issuer"]},
        aud={"essential": True, "value": client_id},
        iat={"essential": True},
        exp={"essential": True},
        jti={"essential": True},
    ).validate(read.claims)
    claims = read.claims
    if read.header.get("typ") != "logout+jwt" or "nonce" in claims:
        raise NotALogout("an ID token is no logout token")
    if not isinstance(claims.get("events"), dict) or EVENT not in claims["events"]:
        raise NotALogout("it has no event of a logout")
    sub, sid = claims.get("sub"), claims.get("sid")
    if not (sub or sid):
        raise NotALogout("it names nobody")
    return Logout(sub, sid)
