"""How JWTs for one application leave: signed with the algorithm that it registered, and encrypted for its keys (ID-6).

Introspection answers, ID tokens and userinfo answers go this way.
"""

from app.crypto import jose
from app.crypto.jose import JoseError
from app.pipeline.server import Server
from app.protocol.errors import ErrorCode, OAuthError
from app.protocol.facts import ClientFact
from app.protocol.fetching import NotFetched
from app.protocol.key_sets import Jwk
from app.protocol.strict_algorithms import STRICT_ALGORITHMS


def require_key(server: Server, alg: str, what: str, client: ClientFact | None = None) -> None:
    """Raise `invalid_request` unless the server signs with this algorithm; `what` is what has to be signed.

    For a `client` that is held to FAPI 2.0 it signs with none that is too weak for that, whatever is registered (F-22).
    """
    if client is not None and client.policy.fapi and alg not in STRICT_ALGORITHMS:
        raise OAuthError(
            ErrorCode.INVALID_REQUEST,
            f"{what} cannot be signed with {alg} for this application; it has to register one of: "
            f"{', '.join(STRICT_ALGORITHMS)}",
        )
    if alg not in server.keyring.plan.algorithms:
        raise OAuthError(
            ErrorCode.INVALID_REQUEST,
            f"{what} has to be signed with {alg}, which is none of this server: "
            f"{', '.join(server.keyring.plan.algorithms)}",
        )


async def encrypted(
    server: Server, client: ClientFact, text: str, alg: str, enc: str, what: str = "the answer", *, cty: str = "JWT"
) -> str:
    """Encrypt a signed JWT for the first registered key that is for it: signed first, so that the signature is hidden.

    Raises `invalid_request` when the application has no such key, and `temporarily_unavailable` when its keys cannot be
    had.
    """
    for key in await _keys(server, client):
        if key.get("use") in (None, "enc") and key.get("alg") in (None, alg):
            try:
                return jose.encrypt(text, key, alg, enc, cty=cty)
            except JoseError:
                continue
    raise OAuthError(
        ErrorCode.INVALID_REQUEST,
        f"{what} has to be encrypted with {alg}, and no registered key of this application is for that",
    )


async def _keys(server: Server, client: ClientFact) -> tuple[Jwk, ...]:
    material = client.key_material
    if not material.jwks_uri:
        return material.jwks
    try:
        return await server.key_sets.keys(material.jwks_uri)
    except NotFetched as failed:
        raise OAuthError(
            ErrorCode.TEMPORARILY_UNAVAILABLE, f"the keys at jwks_uri cannot be had at present: {failed}"
        ) from None
