"""Grant types: a file here is a grant type, and nothing else lives here.

Each file has `NAME`, `FEATURE`, `Params`, `needs(params)` and `decide(context, params, fact)`.
"""

from types import ModuleType

from app.protocol.features import FeatureSet
from app.protocol.grant_types import authorization_code, client_credentials, refresh_token

GRANT_TYPES: dict[str, ModuleType] = {
    grant.NAME: grant for grant in (authorization_code, refresh_token, client_credentials)
}
"""The grant types by their wire name."""


def offered(features: FeatureSet) -> dict[str, ModuleType]:
    """Return the grant types that are switched on, by their wire name."""
    return {name: grant for name, grant in GRANT_TYPES.items() if grant.FEATURE in features}
