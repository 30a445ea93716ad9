"""Response types (RFC 6749 §3.1.1, OAuth 2.0 Multiple Response Types): sets of words whose order does not matter.

`token` is the implicit grant (RFC 6749 §4.2): legacy, off unless the operator switches it on for the server and for the
application (RT-4; original behaviour, BUG 21).
"""

from app.protocol.errors import ErrorCode, OAuthError
from app.protocol.facts import ClientFact
from app.protocol.policy import EffectivePolicy

CODE = "code"
TOKEN = "token"
SUPPORTED = (CODE,)
"""The response types of every server."""

QUERY = "query"
FRAGMENT = "fragment"


def canonical(response_type: str) -> str:
    """Return the one spelling of a set of words (A1.3 response_type)."""
    return " ".join(sorted(response_type.split(" ")))


def mode_of(response_type: str | None, *, implicit: bool) -> str:
    """Return the response mode that an answer has, an error too: a token never stands in a query (RT-1, RT-3).

    Where there is no `implicit` grant, its response type is unknown like any other.
    """
    return FRAGMENT if implicit and response_type is not None and canonical(response_type) == TOKEN else QUERY


def check(response_type: str | None, client: ClientFact, policy: EffectivePolicy) -> None:
    """A1.2 step 6: missing, unknown, and not allowed for this application are three different errors."""
    if response_type is None:
        raise OAuthError(ErrorCode.INVALID_REQUEST, "response_type is missing; send response_type=code")
    asked = canonical(response_type)
    if asked == TOKEN and policy.implicit_offered:
        _require_legacy(policy)
        return
    if asked not in SUPPORTED:
        raise OAuthError(ErrorCode.UNSUPPORTED_RESPONSE_TYPE, "response_type is not supported; send response_type=code")
    if asked not in client.response_types or "authorization_code" not in client.grant_types:
        raise OAuthError(
            ErrorCode.UNAUTHORIZED_CLIENT,
            "this application is not registered for response_type=code; "
            "its owner can add it to response_types and authorization_code to grant_types",
        )


def _require_legacy(policy: EffectivePolicy) -> None:
    if not policy.allow_implicit:
        raise OAuthError(
            ErrorCode.UNAUTHORIZED_CLIENT,
            "this application may not use response_type=token, which is for old ones that the operator has named; "
            "send response_type=code",
        )
