"""How an introspection answer leaves: as JSON, or signed, or signed and encrypted (RFC 9701)."""

from datetime import datetime

from app.crypto import jose
from app.crypto.jose import JoseError
from app.pipeline.http import NO_STORE, NOSNIFF, Response, json_response
from app.pipeline.server import Server
from app.protocol import introspection_jwt
from app.protocol.errors import ErrorCode, OAuthError
from app.protocol.facts import ClientFact
from app.protocol.fetching import NotFetched
from app.protocol.introspection import Answer
from app.protocol.key_sets import Jwk

_JWT = (b"content-type", introspection_jwt.MEDIA_TYPE.encode("ascii"))


async def render(server: Server, caller: ClientFact, answer: Answer, now: datetime, *, as_jwt: bool) -> Response:
    """Return the answer in the form that was asked for; raises OAuthError when it cannot be made."""
    if not as_jwt:
        return json_response(answer)
    content = introspection_jwt.claims(answer, issuer=server.issuer, audience=caller.client_id, now=now)
    algorithm = introspection_jwt.signing_alg(caller.key_material)
    if algorithm not in server.keyring.plan.algorithms:
        raise OAuthError(
            ErrorCode.INVALID_REQUEST,
            f"the answer has to be signed with {algorithm}, which is none of this server: "
            f"{', '.join(server.keyring.plan.algorithms)}",
        )
    text = server.keyring.sign(now, algorithm, introspection_jwt.TYP, content)
    if (wanted := introspection_jwt.encryption(caller.key_material)) is not None:
        text = await _encrypted(server, caller, text, *wanted)
    return Response(200, text.encode("ascii"), (_JWT, NO_STORE, NOSNIFF))


async def _encrypted(server: Server, caller: ClientFact, text: str, alg: str, enc: str) -> str:
    """Encrypt for the first registered key that is for it: signed first, so that the signature is hidden too."""
    for key in await _keys(server, caller):
        if key.get("use") in (None, "enc") and key.get("alg") in (None, alg):
            try:
                return jose.encrypt(text, key, alg, enc)
            except JoseError:
                continue
    raise OAuthError(
        ErrorCode.INVALID_REQUEST,
        f"the answer has to be encrypted with {alg}, and no registered key of this application is for that",
    )


async def _keys(server: Server, caller: ClientFact) -> tuple[Jwk, ...]:
    material = caller.key_material
    if not material.jwks_uri:
        return material.jwks
    try:
        return await server.key_sets.keys(material.jwks_uri)
    except NotFetched as failed:
        raise OAuthError(
            ErrorCode.TEMPORARILY_UNAVAILABLE, f"the keys at jwks_uri cannot be had at present: {failed}"
        ) from None
