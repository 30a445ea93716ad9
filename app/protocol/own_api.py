"""The JSON API of this server as a resource: it accepts tokens as every other API does (RFC 8707, RFC 9728)."""

from app.protocol import permissions
from app.protocol.resources import Resource

PATH = "/api/v1"
"""Below the issuer. Tokens for other resources do not open it."""

SCOPES = frozenset().union(*(needed for permission in permissions.ALL for needed in permission.by_method.values()))
"""What opens something there. Who somebody is, it tells for a token with whatever scope."""


def resource(issuer: str) -> Resource:
    """Return this API as a resource that requests can name."""
    return Resource(issuer + PATH, "The API of this server")
