"""When a JWT counts (RFC 8725): the one place for the rules of every kind that this server reads (standards B5).

Signature and form are judged by `crypto.jose` before; what is judged here is whether the right JWT was sent to the
right place at the right time. Kinds exclude each other (JV-3, JV-4): each names its `typ`, and where an older
specification lets a kind come without one, what names another kind is refused all the same.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import Enum
from math import isfinite
from typing import Any

from app.crypto.jose import JoseError, Jwt

LEEWAY = timedelta(seconds=60)
"""The most that clocks may differ (JV-4, F-13)."""

_PLAIN = frozenset({"", "jwt"})
"""What untyped JWTs have for a `typ` (RFC 7519 §5.1)."""


class Kind(Enum):
    """What a JWT is for: a word for people, its `typ`, and whether it may come untyped."""

    ACCESS_TOKEN = ("access token", "at+jwt", False)  # RFC 9068 §2.1
    DPOP_PROOF = ("DPoP proof", "dpop+jwt", False)  # RFC 9449 §4.2
    INTROSPECTION_ANSWER = ("introspection answer", "token-introspection+jwt", False)  # RFC 9701 §5
    ID_JAG = ("identity assertion grant", "oauth-id-jag+jwt", False)
    STATUS_LIST = ("status list", "statuslist+jwt", False)
    SECURITY_EVENT = ("security event", "secevent+jwt", False)  # RFC 8417 §2.3
    CLIENT_ASSERTION = ("client assertion", "client-authentication+jwt", True)  # RFC 7523 §3, CA-6
    AUTHORIZATION_GRANT = ("assertion", "authorization-grant+jwt", True)  # RFC 7523 §3
    REQUEST_OBJECT = ("request object", "oauth-authz-req+jwt", True)  # RFC 9101 §10.8
    SOFTWARE_STATEMENT = ("software statement", "software-statement+jwt", True)  # RFC 7591 §2.3, of no type of its own
    LOGOUT_TOKEN = ("logout token", "logout+jwt", True)  # OpenID Connect Back-Channel Logout §2.4
    ID_TOKEN = ("ID token", "jwt", True)  # OpenID Connect Core §2

    def __init__(self, word: str, typ: str, untyped: bool) -> None:
        self.word = word
        self.typ = typ
        self.untyped = untyped

    def is_named_by(self, typ: str | None) -> bool:
        """Tell whether a `typ` header names this kind (JV-3): in any case, with or without `application/`."""
        named = (typ or "").lower().removeprefix("application/")
        return named == self.typ or (self.untyped and named in _PLAIN)


@dataclass(frozen=True, slots=True)
class Rules:
    """What one kind of JWT has to be in one place.

    `issuers` and `audiences` are those that count, None: the caller judges the member himself. `only_audience` refuses
    further ones beside it. `subject` is the one that counts. `required` are members that must be there besides those
    that these rules speak of. `longest` bounds the time from now to `exp`, and from `iat` to `exp`; `oldest` the time
    since `iat`, which is then required. `expires`: whether `exp` is required.
    """

    kind: Kind
    issuers: Collection[str] | None = None
    audiences: Collection[str] | None = None
    subject: str | None = None
    required: Collection[str] = ()
    expires: bool = True
    only_audience: bool = False
    longest: timedelta | None = None
    oldest: timedelta | None = None
    leeway: timedelta = field(default=LEEWAY)

    def __post_init__(self) -> None:
        if not timedelta() <= self.leeway <= LEEWAY:
            raise ValueError(f"clocks may differ by up to {LEEWAY.seconds} seconds")


class Flaw(Enum):
    """Why a JWT does not count, for callers whose errors tell these apart."""

    KIND = "kind"
    MISSING = "missing"
    MALFORMED = "malformed"
    ISSUER = "issuer"
    AUDIENCE = "audience"
    SUBJECT = "subject"
    EXPIRED = "expired"
    TOO_EARLY = "too early"
    TOO_OLD = "too old"
    TOO_LONG = "too long"


class JwtRefused(JoseError):
    """A JWT that is well signed and does not count here. `str()` may be shown to whoever sent it."""

    def __init__(self, flaw: Flaw, sentence: str) -> None:
        super().__init__(sentence)
        self.flaw = flaw


def check(jwt: Jwt, rules: Rules, now: datetime) -> None:
    """Return when the JWT satisfies the rules at `now`; raises JwtRefused with the first reason against it.

    Identifiers are compared letter by letter (G2). Issuers are exact strings (G1).
    """
    word = rules.kind.word
    if not rules.kind.is_named_by(jwt.typ):
        raise JwtRefused(Flaw.KIND, f"the typ of the {word} says that it is something else; send {rules.kind.typ}")
    _check_present(jwt.claims, rules)
    _check_parties(jwt.claims, rules)
    _check_times(jwt.claims, rules, now)


def audiences_of(claims: Mapping[str, Any]) -> tuple[str, ...]:
    """Return whom a JWT is for, one or many (RFC 7519 §4.1.3); raises JwtRefused for what is neither."""
    audience = claims.get("aud", [])
    listed = audience if isinstance(audience, list) else [audience]
    if not all(isinstance(one, str) for one in listed):
        raise JwtRefused(Flaw.MALFORMED, "aud is neither a string nor a list of strings")
    return tuple(listed)


def moment_of(claims: Mapping[str, Any], name: str) -> datetime | None:
    """Return a NumericDate (RFC 7519 §2) as an aware moment, None when absent; raises JwtRefused for what is none."""
    value = claims.get(name)
    if value is None:
        return None
    try:
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not isfinite(value):
            raise ValueError("no number")
        return datetime.fromtimestamp(value, UTC)
    except (ValueError, OverflowError, OSError):
        raise JwtRefused(Flaw.MALFORMED, f"{name} is no number of seconds since 1970") from None


def _check_present(claims: Mapping[str, Any], rules: Rules) -> None:
    expected = {
        *rules.required,
        *(("iss",) if rules.issuers is not None else ()),
        *(("aud",) if rules.audiences is not None else ()),
        *(("sub",) if rules.subject is not None else ()),
        *(("exp",) if rules.expires else ()),
        *(("iat",) if rules.oldest is not None else ()),
    }
    missing = sorted(name for name in expected if claims.get(name) in (None, "", []))
    if missing:
        raise JwtRefused(Flaw.MISSING, f"the {rules.kind.word} lacks {', '.join(missing)}")
    for name in ("iss", "sub", "jti", "client_id"):
        if not isinstance(claims.get(name, ""), str):
            raise JwtRefused(Flaw.MALFORMED, f"{name} of the {rules.kind.word} is no string")


def _check_parties(claims: Mapping[str, Any], rules: Rules) -> None:
    word = rules.kind.word
    if rules.issuers is not None and claims["iss"] not in rules.issuers:
        raise JwtRefused(Flaw.ISSUER, f"iss of the {word} is not who may issue it here")
    if rules.subject is not None and claims["sub"] != rules.subject:
        raise JwtRefused(Flaw.SUBJECT, f"sub of the {word} is somebody else")
    named = audiences_of(claims)
    if rules.audiences is not None:
        if not any(one in rules.audiences for one in named):
            raise JwtRefused(Flaw.AUDIENCE, f"the {word} is for somebody else; aud must be {_one_of(rules.audiences)}")
        if rules.only_audience and len(named) > 1:
            raise JwtRefused(Flaw.AUDIENCE, f"the {word} is for several; aud must be one string alone")


def _check_times(claims: Mapping[str, Any], rules: Rules, now: datetime) -> None:
    """JV-4: with the clocks of both sides apart by no more than the leeway, and no sum beyond what a date can be."""
    word = rules.kind.word
    expires, issued, begins = (moment_of(claims, name) for name in ("exp", "iat", "nbf"))
    if expires is not None and now - rules.leeway >= expires:
        raise JwtRefused(Flaw.EXPIRED, f"the {word} has expired")
    if begins is not None and now + rules.leeway < begins:
        raise JwtRefused(Flaw.TOO_EARLY, f"the {word} is not valid yet")
    if issued is not None and now + rules.leeway < issued:
        raise JwtRefused(Flaw.TOO_EARLY, f"iat of the {word} lies in the future; compare the clocks")
    if rules.oldest is not None and issued is not None and now - rules.leeway - rules.oldest > issued:
        raise JwtRefused(
            Flaw.TOO_OLD, f"the {word} was made more than {_seconds(rules.oldest + rules.leeway)} seconds ago"
        )
    if rules.longest is not None and expires is not None:
        begun = now + rules.leeway if issued is None else min(issued, now + rules.leeway)
        if expires - begun > rules.longest:
            raise JwtRefused(Flaw.TOO_LONG, f"the {word} lives longer than {_seconds(rules.longest)} seconds")


def _one_of(names: Collection[str]) -> str:
    return " or ".join(sorted(names))


def _seconds(span: timedelta) -> int:
    return int(span.total_seconds())
