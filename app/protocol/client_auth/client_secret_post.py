"""`client_secret_post`: client_id and client_secret in the form body (RFC 6749 §2.3.1)."""

from app.protocol.errors import ErrorCode, OAuthError
from app.protocol.params import Parameters

NAME = "client_secret_post"


def find(authorization: str | None, params: Parameters) -> tuple[str, str] | None:
    """Return (client_id, secret) when the body carries a secret."""
    secret = params.get("client_secret")
    if secret is None:
        return None
    client_id = params.get("client_id")
    if client_id is None:
        if authorization is not None or params.get("client_assertion") is not None:
            return "", secret  # a second method, which is what has to be said first
        raise OAuthError(ErrorCode.INVALID_CLIENT, "client_secret was sent without client_id; send both")
    return client_id, secret
