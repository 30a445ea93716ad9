"""Who stands behind a software statement: its signature is checked here, since keys may have to be fetched (DR-11)."""

from collections.abc import Mapping
from typing import Any

from app.crypto import jose
from app.crypto.jose import JoseError
from app.pipeline.server import Server
from app.protocol import software_statements as rules
from app.protocol.errors import ErrorCode, OAuthError
from app.protocol.fetching import NotFetched


async def said(server: Server, statement: object) -> Mapping[str, Any]:
    """Return the metadata that somebody whose word counts says of an application.

    The keys are those that the operator has written down for him, whatever the statement says. Raises
    `invalid_software_statement`, `unapproved_software_statement`, and `temporarily_unavailable` when his keys cannot be
    had at present.
    """
    jwt, issuer = rules.peek(statement, server.registration.issuers)
    try:
        keys = await server.key_sets.keys(issuer.jwks_uri, jwt.kid) if issuer.jwks_uri else issuer.jwks
    except NotFetched as failed:
        raise OAuthError(
            ErrorCode.TEMPORARILY_UNAVAILABLE,
            "the keys of the software statement's issuer cannot be had at present; try again in a moment",
            detail=str(failed),
        ) from None
    try:
        verified = jose.verify(jwt, keys, rules.ALGORITHMS)
    except JoseError as flaw:
        raise rules.invalid(f"software_statement: {flaw}") from None
    return rules.members(verified, issuer, server.issuer, server.clock())
