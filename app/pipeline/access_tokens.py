"""Access tokens by their text: opaque ones, imported ones, JWTs. One round trip, with the application that asks."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from app.crypto import jose
from app.crypto.hashing import Digest, digest
from app.crypto.jose import JoseError
from app.pipeline.server import Server
from app.protocol.facts import AccessTokenFact, ClientFact
from app.protocol.token_format import Prefix, parse_credential
from app.protocol.tokens import access_token
from app.protocol.tokens.access_token import Shown

Kept = Literal["row", "imported", "nowhere"]
"""Where a token is kept. Nowhere: it is an application's own JWT, which says everything itself."""


@dataclass(frozen=True, slots=True)
class Found:
    """What is known of a text that may be an access token. `caller` is the active application that asks."""

    caller: ClientFact | None
    shown: Digest = field(repr=False)
    fact: AccessTokenFact | None
    kept: Kept = "row"


async def find(server: Server, client_id: str | None, text: str, *, fresh: bool = False) -> Found | None:
    """Look up an access token for the application that asks (None: we ourselves); None: it is no access token of ours.

    The application may come from the cache unless it must be `fresh`. Whether the token counts is not judged here, but
    for signatures: what we did not sign has no fact.
    """
    hot = server.database.hot
    if (opaque := parse_credential(Prefix.ACCESS_TOKEN, text)) is not None:
        caller, fact = await hot.gather_token(client_id, opaque.id, fresh=fresh)
        return Found(caller, digest(opaque.secret), fact)
    if (imported := parse_credential(Prefix.LEGACY_TOKEN, text)) is not None:
        caller, fact, _ = await hot.gather_legacy_token(client_id, imported.id)
        return Found(caller, digest(imported.secret), fact, "imported")
    if text.count(".") == 2 and (jwt := access_token.read(text, server.issuer)) is not None:
        return await _jwt(server, client_id, jwt, fresh=fresh)
    return None


async def _jwt(server: Server, client_id: str | None, jwt: Shown, *, fresh: bool) -> Found:
    """Without a row the signature proves the token; with one the digest does, unless its key was withdrawn."""
    hot, now = server.database.hot, server.clock()
    if not jwt.own:
        caller, fact = await hot.gather_token(client_id, jwt.id, fresh=fresh)
        return Found(caller, jwt.digest, None if server.keyring.ring.is_withdrawn(jwt.jwt.kid, now) else fact)
    caller, standing = await hot.gather_machine_token(client_id, jwt.client_id, jwt.id, fresh=fresh)
    if standing is None or not await _is_signed(server, jwt, now):
        return Found(caller, jwt.digest, None, "nowhere")
    return Found(caller, jwt.digest, access_token.fact_of(jwt, standing), "nowhere")


async def _is_signed(server: Server, jwt: Shown, now: datetime) -> bool:
    try:
        ring = await server.keyring.knowing(jwt.jwt.kid or "")
        jose.verify(jwt.jwt, ring.public_keys(now), jose.SIGNATURES)
        access_token.check(jwt, server.issuer, now)
    except JoseError:
        return False
    return True
