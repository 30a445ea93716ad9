"""Grant types: a file here is a grant type, and nothing else lives here.

Each file has `NAME`, `FEATURE`, `Params`, `needs(params)` and `decide(context, params, fact)`.
"""

from app.protocol.grant_types import authorization_code, refresh_token

GRANT_TYPES = {grant.NAME: grant for grant in (authorization_code, refresh_token)}
"""The grant types by their wire name."""
