"""Proof Key for Code Exchange (RFC 7636, P-1, BB-1); there is no `plain` method (RFC 9700 §2.1.1, ASVS 10.4.6)."""

import re
from base64 import urlsafe_b64encode
from hashlib import sha256
from hmac import compare_digest

from app.protocol.errors import ErrorCode, OAuthError

METHODS = ("S256",)

_VERIFIER = re.compile(r"[A-Za-z0-9\-._~]{43,128}")
_S256_CHALLENGE = re.compile(r"[A-Za-z0-9\-_]{43}")


def check_challenge(challenge: str | None, method: str | None, *, required: bool) -> None:
    """P-2 to P-6, NA-1, RFC 7636 §4.3-4.4.1: refuse a missing challenge, another method than S256, and a bad form."""
    if challenge is None:
        if method is not None:
            raise OAuthError(ErrorCode.INVALID_REQUEST, "code_challenge_method was sent without a code_challenge")
        if required:
            raise OAuthError(
                ErrorCode.INVALID_REQUEST,
                "code_challenge is required: send the S256 challenge of a fresh code_verifier (RFC 7636)",
            )
        return
    if method is None or method == "plain":
        raise OAuthError(
            ErrorCode.INVALID_REQUEST,
            "code_challenge_method must be S256; an absent method means plain, which this server does not accept",
        )
    if method not in METHODS:
        raise OAuthError(ErrorCode.INVALID_REQUEST, "code_challenge_method is not supported; use S256")
    if not _S256_CHALLENGE.fullmatch(challenge):
        raise OAuthError(
            ErrorCode.INVALID_REQUEST, "code_challenge must be 43 base64url characters without padding for S256"
        )


def s256(verifier: str) -> str:
    """RFC 7636 §4.2: BASE64URL(SHA256(ASCII(verifier)))."""
    return urlsafe_b64encode(sha256(verifier.encode("ascii")).digest()).rstrip(b"=").decode("ascii")


def well_formed_verifier(verifier: str) -> bool:
    """RFC 7636 §4.1: 43 to 128 unreserved characters."""
    return _VERIFIER.fullmatch(verifier) is not None


def verify(challenge: str, verifier: str) -> bool:
    """RFC 7636 §4.6: transform the verifier and compare."""
    return well_formed_verifier(verifier) and compare_digest(s256(verifier), challenge)
