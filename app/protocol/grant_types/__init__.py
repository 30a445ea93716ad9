"""Grant types: a file here is a grant type, and nothing else lives here.

Each file has `NAME`, `FEATURE`, `Params`, `needs(params)` and `decide(context, params, fact)`.
"""

from functools import cache
from types import ModuleType

from app.protocol.errors import ErrorCode, OAuthError
from app.protocol.facts import ClientFact
from app.protocol.features import FeatureSet
from app.protocol.grant_types import (
    authorization_code,
    ciba,
    client_credentials,
    device_code,
    jwt_bearer,
    refresh_token,
    token_exchange,
)

GRANT_TYPES: dict[str, ModuleType] = {
    grant.NAME: grant
    for grant in (authorization_code, refresh_token, client_credentials, device_code, jwt_bearer, token_exchange, ciba)
}
"""The grant types by their wire name."""


@cache
def offered(features: FeatureSet) -> dict[str, ModuleType]:
    """Return the grant types that are switched on, by their wire name."""
    return {name: grant for name, grant in GRANT_TYPES.items() if grant.FEATURE in features}


def require_registered(name: str, client: ClientFact) -> None:
    """Raise `unauthorized_client` unless the application is registered for a grant type (RFC 6749 §5.2)."""
    if name in client.grant_types:
        return
    remedy = "its owner can add it to grant_types"
    if client.by_document:
        remedy = "by its metadata document it can have authorization_code and refresh_token, and nothing else"
    raise OAuthError(
        ErrorCode.UNAUTHORIZED_CLIENT, f"this application is not registered for grant_type={name}; {remedy}"
    )
