"""The one error type of the protocol and the one catalogue of its codes.

A rule raises `OAuthError`; it does not know the channel. The endpoint chooses it: JSON, challenge, redirect or page.
"""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import Literal
from uuid import UUID

_FORBIDDEN = re.compile(r"[^\x20-\x21\x23-\x5b\x5d-\x7e]")


class ErrorCode(Enum):
    """Wire value, HTTP status on JSON endpoints, and the section that defines the code (TE-3)."""

    INVALID_REQUEST = ("invalid_request", 400, "RFC 6749 §5.2")
    INVALID_CLIENT = ("invalid_client", 401, "RFC 6749 §5.2")
    INVALID_GRANT = ("invalid_grant", 400, "RFC 6749 §5.2")
    UNAUTHORIZED_CLIENT = ("unauthorized_client", 400, "RFC 6749 §5.2")
    UNSUPPORTED_GRANT_TYPE = ("unsupported_grant_type", 400, "RFC 6749 §5.2")
    UNSUPPORTED_TOKEN_TYPE = ("unsupported_token_type", 400, "RFC 7009 §2.2.1")
    INVALID_SCOPE = ("invalid_scope", 400, "RFC 6749 §5.2")
    ACCESS_DENIED = ("access_denied", 400, "RFC 6749 §4.1.2.1")
    UNSUPPORTED_RESPONSE_TYPE = ("unsupported_response_type", 400, "RFC 6749 §4.1.2.1")
    SERVER_ERROR = ("server_error", 500, "RFC 6749 §4.1.2.1")
    TEMPORARILY_UNAVAILABLE = ("temporarily_unavailable", 503, "RFC 6749 §4.1.2.1")
    TOO_MANY_FAILURES = ("temporarily_unavailable", 429, "RFC 6585 §4")
    LOGIN_REQUIRED = ("login_required", 400, "OpenID Connect Core §3.1.2.6")
    CONSENT_REQUIRED = ("consent_required", 400, "OpenID Connect Core §3.1.2.6")
    INTERACTION_REQUIRED = ("interaction_required", 400, "OpenID Connect Core §3.1.2.6")
    ACCOUNT_SELECTION_REQUIRED = ("account_selection_required", 400, "OpenID Connect Core §3.1.2.6")
    UNMET_AUTHENTICATION_REQUIREMENTS = (
        "unmet_authentication_requirements",
        400,
        "OpenID Connect Core Error Code unmet_authentication_requirements §2",
    )
    REGISTRATION_NOT_SUPPORTED = ("registration_not_supported", 400, "OpenID Connect Core §3.1.2.6")
    REQUEST_NOT_SUPPORTED = ("request_not_supported", 400, "OpenID Connect Core §3.1.2.6")
    REQUEST_URI_NOT_SUPPORTED = ("request_uri_not_supported", 400, "OpenID Connect Core §3.1.2.6")
    INVALID_REQUEST_URI = ("invalid_request_uri", 400, "OpenID Connect Core §3.1.2.6")
    INVALID_REQUEST_OBJECT = ("invalid_request_object", 400, "OpenID Connect Core §3.1.2.6")
    INVALID_AUTHORIZATION_DETAILS = ("invalid_authorization_details", 400, "RFC 9396 §5")
    INVALID_GRANT_ID = ("invalid_grant_id", 400, "Grant Management draft -03 §5.4")
    UNKNOWN_GRANT = ("invalid_grant_id", 404, "Grant Management draft -03 §6.6")
    EXPIRED_LOGIN_HINT_TOKEN = ("expired_login_hint_token", 400, "CIBA Core §13")
    UNKNOWN_USER_ID = ("unknown_user_id", 400, "CIBA Core §13")
    INVALID_BINDING_MESSAGE = ("invalid_binding_message", 400, "CIBA Core §13")
    BACKCHANNEL_ACCESS_DENIED = ("access_denied", 403, "CIBA Core §13")
    INSUFFICIENT_USER_AUTHENTICATION = ("insufficient_user_authentication", 401, "RFC 9470 §3")
    INVALID_TARGET = ("invalid_target", 400, "RFC 8707 §2")
    INVALID_DPOP_PROOF = ("invalid_dpop_proof", 400, "RFC 9449 §5")
    USE_DPOP_NONCE = ("use_dpop_nonce", 400, "RFC 9449 §8")
    AUTHORIZATION_PENDING = ("authorization_pending", 400, "RFC 8628 §3.5")
    SLOW_DOWN = ("slow_down", 400, "RFC 8628 §3.5")
    EXPIRED_TOKEN = ("expired_token", 400, "RFC 8628 §3.5")
    INVALID_TOKEN = ("invalid_token", 401, "RFC 6750 §3.1")
    INSUFFICIENT_SCOPE = ("insufficient_scope", 403, "RFC 6750 §3.1")
    UNKNOWN_SUBJECT = ("unknown_subject", 404, "Global Token Revocation draft -04 §3.4")
    FOREIGN_SUBJECT = ("foreign_subject", 422, "Global Token Revocation draft -04 §3.4")
    INVALID_REDIRECT_URI = ("invalid_redirect_uri", 400, "RFC 7591 §3.2.2")
    INVALID_CLIENT_METADATA = ("invalid_client_metadata", 400, "RFC 7591 §3.2.2")
    INVALID_SOFTWARE_STATEMENT = ("invalid_software_statement", 400, "RFC 7591 §3.2.2")
    UNAPPROVED_SOFTWARE_STATEMENT = ("unapproved_software_statement", 400, "RFC 7591 §3.2.2")

    def __init__(self, wire: str, status: int, section: str) -> None:
        self.wire = wire
        self.status = status
        self.section = section


@dataclass(frozen=True, slots=True)
class RevokeFamily:
    """Aftermath: revoke a token family in a transaction of its own, so that no rollback undoes the alarm."""

    family_id: UUID
    reason: Literal["code_replayed", "refresh_token_reused"]


@dataclass(frozen=True, slots=True)
class CountFailedRedemption:
    """Aftermath: a code was presented with a wrong verifier or redirect URI; a few of these kill it."""

    grant_id: UUID


Flow = Literal["device", "ciba"]
"""In which a client asks for a grant until a person has decided elsewhere (RFC 8628, CIBA)."""


@dataclass(frozen=True, slots=True)
class NotePoll:
    """Aftermath: note when a client asked, as long as it has last asked when the decision thinks it has.

    If it has asked meanwhile, or somebody has decided, the refusal does not hold: gather again.
    """

    flow: Flow
    grant_id: UUID
    asked_last: datetime | None


@dataclass(frozen=True, slots=True)
class SlowDown:
    """Aftermath: a client asked too soon; from now on it has to wait longer."""

    flow: Flow
    grant_id: UUID


Aftermath = RevokeFamily | CountFailedRedemption | NotePoll | SlowDown


def describable(text: str) -> str:
    """G8: replace what `error_description` must not have (quote, backslash, control, non-ASCII); cut to 400."""
    return _FORBIDDEN.sub("?", text.replace('"', "'"))[:400]


def seconds_until(moment: datetime, now: datetime) -> int:
    """Return a `Retry-After`: whole seconds, rounded up, at least one."""
    return max(1, -int((now - moment) // timedelta(seconds=1)))


class OAuthError(Exception):
    """A refusal.

    `description` goes to the client and is kept to the characters of RFC 6749 §5.2; `detail` goes to the log only;
    `aftermath` is work that the refusal causes. No part may hold a secret. `challenge` names the scheme of a
    `WWW-Authenticate` header when the caller used the Authorization header (RFC 6749 §5.2). `retry_after` are the
    seconds after which the same may be asked again, 0 when that is not known.
    """

    def __init__(
        self,
        code: ErrorCode,
        description: str,
        *,
        detail: str = "",
        aftermath: Aftermath | None = None,
        challenge: str = "",
        retry_after: int = 0,
    ) -> None:
        self.code = code
        self.description = describable(description)
        self.detail = detail
        self.aftermath = aftermath
        self.challenge = challenge
        self.retry_after = retry_after
        super().__init__(f"{code.wire}: {self.description}")
