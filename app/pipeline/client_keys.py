"""The public keys of an application, wherever it keeps them: what it signs is checked with them, and what is for its
eyes alone is encrypted for them (JV-2, ID-6)."""

from app.pipeline.server import Server
from app.protocol.errors import ErrorCode, OAuthError
from app.protocol.facts import ClientFact
from app.protocol.fetching import NotFetched
from app.protocol.key_sets import Jwk


async def keys_of(server: Server, client: ClientFact, kid: str | None = None) -> tuple[Jwk, ...]:
    """Return its registered keys, for whoever looks for the one named `kid`.

    Raises `temporarily_unavailable` when they stand at its `jwks_uri` and cannot be had.
    """
    material = client.key_material
    if not material.jwks_uri:
        return material.jwks
    try:
        return await server.key_sets_for(client).keys(material.jwks_uri, kid)
    except NotFetched as failed:
        raise OAuthError(
            ErrorCode.TEMPORARILY_UNAVAILABLE, f"the keys at jwks_uri cannot be had at present: {failed}"
        ) from None
