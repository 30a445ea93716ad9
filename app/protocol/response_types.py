"""Response types (RFC 6749 §3.1.1, OAuth 2.0 Multiple Response Types): sets of words whose order does not matter."""

from app.protocol.errors import ErrorCode, OAuthError
from app.protocol.facts import ClientFact

CODE = "code"
SUPPORTED = (CODE,)
MODES = ("query",)
"""The response modes of this version: `code` answers in the query by default."""


def check(response_type: str | None, client: ClientFact) -> None:
    """A1.2 step 6: missing, unknown, and not allowed for this application are three different errors."""
    if response_type is None:
        raise OAuthError(ErrorCode.INVALID_REQUEST, "response_type is missing; send response_type=code")
    canonical = " ".join(sorted(response_type.split(" ")))
    if canonical not in SUPPORTED:
        raise OAuthError(ErrorCode.UNSUPPORTED_RESPONSE_TYPE, "response_type is not supported; send response_type=code")
    if canonical not in client.response_types or "authorization_code" not in client.grant_types:
        raise OAuthError(
            ErrorCode.UNAUTHORIZED_CLIENT,
            "this application is not registered for response_type=code; "
            "its owner can add it to response_types and authorization_code to grant_types",
        )
