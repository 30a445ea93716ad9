"""ID tokens that come back as a hint: only those that this server itself has signed say anything (OC-12)."""

from datetime import datetime

from app.crypto import jose
from app.crypto.jose import JoseError
from app.pipeline.server import Server
from app.protocol import id_token_hint
from app.protocol.errors import ErrorCode, OAuthError
from app.protocol.id_token_hint import Hinted

_DOTS_OF_ENCRYPTED = 4
"""A JWE in compact form has five parts (RFC 7516 §3.1)."""


async def read(server: Server, text: str, now: datetime) -> Hinted:
    """Return whom an `id_token_hint` names; raises `invalid_request` for what is no ID token of this server.

    One whose key is published no longer is refused too: nobody can tell any more who has signed it. So is an encrypted
    one, which only its application can open.
    """
    if text.count(".") == _DOTS_OF_ENCRYPTED:
        raise OAuthError(
            ErrorCode.INVALID_REQUEST, "id_token_hint is an encrypted ID token; send the signed one that is inside it"
        )
    try:
        jwt = jose.peek(text)
        ring = await server.keyring.knowing(jwt.kid or "")
        signed = jose.verify(jwt, ring.public_keys(now), jose.SIGNATURES)
        return id_token_hint.read(signed, server.issuer, now)
    except JoseError as refused:
        raise OAuthError(ErrorCode.INVALID_REQUEST, f"id_token_hint is refused: {refused}") from None
