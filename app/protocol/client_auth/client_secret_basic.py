"""`client_secret_basic`: HTTP Basic with form-encoded user name and password (RFC 6749 §2.3.1, appendix B)."""

from base64 import b64decode
from binascii import Error as Base64Error

from app.protocol.errors import ErrorCode, OAuthError
from app.protocol.params import Parameters, decode

NAME = "client_secret_basic"


def find(authorization: str | None, params: Parameters) -> tuple[str, str] | None:
    """Return (client_id, secret) of a Basic header; both are form-decoded after the base64 (T-8)."""
    if authorization is None:
        return None
    scheme, _, encoded = authorization.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        name, colon, secret = b64decode(encoded.strip(), validate=True).partition(b":")
        client_id, password = decode(name), decode(secret)
    except (Base64Error, ValueError, OAuthError) as bad:
        raise _malformed() from bad
    if not colon or not client_id:
        raise _malformed()
    return client_id, password


def _malformed() -> OAuthError:
    return OAuthError(
        ErrorCode.INVALID_CLIENT,
        "the Authorization header is not valid Basic: base64 of form-encoded client_id, a colon, form-encoded secret",
        challenge="Basic",
    )
