"""Userinfo: from the text of a token to what is known behind it, and how the answer leaves."""

from typing import Any

import orjson

from app.crypto.hashing import Digest, digest
from app.pipeline.encryption import encrypted, require_key
from app.pipeline.http import NO_STORE, NOSNIFF, Response, json_response
from app.pipeline.server import Server
from app.protocol import userinfo
from app.protocol.authorization_header import Challenged, Scheme
from app.protocol.errors import ErrorCode
from app.protocol.facts import TokenFact
from app.protocol.token_format import Prefix, parse_credential
from app.protocol.tokens import access_token, id_token
from app.protocol.userinfo import LoginFact
from app.protocol.validity import Fault

_JWT = (b"content-type", userinfo.MEDIA_TYPE.encode("ascii"))


async def find(server: Server, text: str) -> tuple[Digest, LoginFact | None]:
    """Look up an access token that may come from a login; without a fact: it is none of ours.

    One round trip, and none for texts that cannot be such a token: personal tokens and keys, what was imported from
    another system, and the JWTs that applications get for themselves, which have no row.
    """
    memberships = server.claims.reads_memberships
    if (opaque := parse_credential(Prefix.ACCESS_TOKEN, text)) is not None:
        return digest(opaque.secret), await server.database.userinfo.gather(opaque.id, memberships=memberships)
    jwt = access_token.read(text, server.issuer) if text.count(".") == 2 else None
    if jwt is None or jwt.own or server.keyring.ring.is_withdrawn(jwt.jwt.kid, server.clock()):
        return digest(b""), None
    return jwt.digest, await server.database.userinfo.gather(jwt.id, memberships=memberships)


async def render(server: Server, found: LoginFact, token: TokenFact, said: dict[str, Any]) -> Response:
    """Return the answer as JSON, or as the application registered it: signed, encrypted, or both in this order (UI-7).

    Raises OAuthError when it cannot be made so.
    """
    algorithm, encryption = found.openid.userinfo_alg, found.openid.userinfo_encryption
    if not algorithm and encryption is None:
        return json_response(said)
    if algorithm:
        require_key(server, found.policy, algorithm, "the answer")
        content = userinfo.as_jwt(said, server.issuer, token.client_id)
        text = server.keyring.sign(server.clock(), algorithm, id_token.TYP, content)
    else:
        text = orjson.dumps(said).decode("utf-8")
    if encryption is not None:
        client = await server.database.hot.find_client(token.client_id)
        if client is None:
            raise invalid(Fault.APPLICATION_INACTIVE)  # since a moment ago
        text = await encrypted(server, client, text, *encryption, cty="JWT" if algorithm else "json")
    return Response(200, text.encode("ascii"), (_JWT, NO_STORE, NOSNIFF))


def invalid(fault: Fault, scheme: Scheme = "Bearer") -> Challenged:
    """Return the refusal of a token that does not count (UI-2); the log gets the reason."""
    return Challenged(ErrorCode.INVALID_TOKEN, fault.value, detail=f"access token: {fault.name.lower()}", scheme=scheme)
