"""The server's policy, and what is left of it for one application: the stricter of both wins."""

from dataclasses import dataclass, field
from datetime import timedelta

from app.protocol.acr import STANDARD, Assurance
from app.protocol.strict_algorithms import STRICT_ALGORITHMS


@dataclass(frozen=True, slots=True)
class Lifetimes:
    """How long things live: a code for a minute (SR-3), refresh tokens with two ends (RF-7); architecture §5."""

    authorization_code: timedelta = timedelta(seconds=60)
    interaction: timedelta = timedelta(minutes=10)
    pushed_request: timedelta = timedelta(seconds=90)
    backchannel_request: timedelta = timedelta(minutes=5)
    access_token: timedelta = timedelta(hours=1)
    jwt_access_token: timedelta = timedelta(minutes=15)
    refresh_token_idle: timedelta = timedelta(days=30)
    refresh_token_absolute: timedelta = timedelta(days=180)
    refresh_grace: timedelta = timedelta(seconds=30)
    session_idle: timedelta = timedelta(hours=12)
    session_absolute: timedelta = timedelta(days=30)
    personal_token: timedelta = timedelta(days=90)
    recent_login: timedelta = timedelta(minutes=15)
    invitation: timedelta = timedelta(days=7)
    deletion_grace: timedelta = timedelta(hours=1)
    device_code: timedelta = timedelta(minutes=10)
    id_token: timedelta = timedelta(hours=1)


LONGEST_FAPI_CODE = timedelta(seconds=60)
"""How long a code may live under FAPI 2.0 (§5.3.2.1; F-11)."""


@dataclass(frozen=True, slots=True)
class ServerPolicy:
    """What the operator decided for the whole server.

    `issuer` is one exact string (standards G1); `issuer_in_answers` says whether authorization answers name it
    (RFC 9207). `response_types` and `response_modes` are those of its features (`protocol.response_types`).
    `device_interval` is how long a device waits between two questions (RFC 8628 §3.2), and a client that has asked a
    person elsewhere (CIBA §7.3). `require_pushed_requests` and `require_signed_requests` demand of every application
    that it pushes its requests (RFC 9126 §5) and signs them (RFC 9101 §10.5). `assurance` are the levels that sign-ins
    can be worth (RFC 9470), `algorithms` what the server signs with. With `require_grant_action` each request has to
    say which grant it is for (GM-6).
    """

    issuer: str
    lifetimes: Lifetimes = field(default_factory=Lifetimes)
    issuer_in_answers: bool = True
    response_types: tuple[str, ...] = ("code",)
    response_modes: tuple[str, ...] = ("query", "fragment")
    device_interval: timedelta = timedelta(seconds=5)
    require_pushed_requests: bool = False
    require_signed_requests: bool = False
    assurance: Assurance = STANDARD
    require_grant_action: bool = False
    algorithms: tuple[str, ...] = ("ES256", "RS256")

    @property
    def implicit(self) -> bool:
        """Whether there is such a thing as an access token through the browser at all (RT-4)."""
        return "token" in self.response_types


@dataclass(frozen=True, slots=True)
class ApplicationPolicy:
    """What one application asks for itself, or is held to; None means: as the server says.

    `allow_implicit` is the operator's legacy switch for an application that cannot do without it (RFC 9700 §2.1.2).
    `dpop_bound` and `tls_bound` demand that its tokens are bound to a key (RFC 9449 §5.2, RFC 8705 §3.4),
    `strict_assertions` that its assertions name the issuer alone as their audience (rfc7523bis). `fapi` holds it to the
    FAPI 2.0 Security Profile, `signs_messages` to its Message Signing as well.
    """

    access_token: timedelta | None = None
    refresh_token_idle: timedelta | None = None
    refresh_token_absolute: timedelta | None = None
    rotate_refresh_tokens: bool = True
    require_pkce: bool = True
    allow_implicit: bool = False
    dpop_bound: bool = False
    tls_bound: bool = False
    strict_assertions: bool = False
    fapi: bool = False
    signs_messages: bool = False


@dataclass(frozen=True, slots=True)
class EffectivePolicy:
    """The policy in force for one application. `response_types` are all that the server has. `strict_alg` is the first
    algorithm of the server that is strong enough for FAPI 2.0, empty: it has none."""

    issuer: str
    authorization_code: timedelta
    access_token: timedelta
    jwt_access_token: timedelta
    refresh_token_idle: timedelta
    refresh_token_absolute: timedelta
    refresh_grace: timedelta
    rotate_refresh_tokens: bool
    require_pkce: bool
    response_types: tuple[str, ...] = ("code",)
    allow_implicit: bool = False
    dpop_bound: bool = False
    tls_bound: bool = False
    strict_assertions: bool = False
    fapi: bool = False
    signs_messages: bool = False
    require_pushed_requests: bool = False
    require_signed_requests: bool = False
    assurance: Assurance = STANDARD
    require_grant_action: bool = False
    strict_alg: str = "ES256"


def effective(server: ServerPolicy, application: ApplicationPolicy, *, confidential: bool) -> EffectivePolicy:
    """Merge both by "the stricter wins", whatever is written down about the application.

    Two switches loosen and are therefore tied to a confidential application: no PKCE (OAuth 2.1 §7.5.1) and no rotation
    (RFC 9700 §2.2.2 demands it of public clients; RF-3). A confidential one whose tokens are bound to a key has none
    either (RF-6). A third, tokens through the browser, needs the server's switch beside the application's. `doctor`
    names the applications that use them.

    FAPI 2.0 loosens nothing and tightens most: codes of a minute (F-11), tokens bound to a key (F-4), refresh tokens
    that stay (F-9), PKCE and no token through the browser (F-20), assertions for the issuer alone (F-8).
    """
    lifetimes, fapi = server.lifetimes, application.fapi
    dpop_bound = application.dpop_bound or (fapi and not application.tls_bound)
    bound = dpop_bound or application.tls_bound
    return EffectivePolicy(
        issuer=server.issuer,
        authorization_code=_shorter(lifetimes.authorization_code, LONGEST_FAPI_CODE if fapi else None),
        access_token=_shorter(lifetimes.access_token, application.access_token),
        jwt_access_token=_shorter(lifetimes.jwt_access_token, application.access_token),
        refresh_token_idle=_shorter(lifetimes.refresh_token_idle, application.refresh_token_idle),
        refresh_token_absolute=_shorter(lifetimes.refresh_token_absolute, application.refresh_token_absolute),
        refresh_grace=lifetimes.refresh_grace,
        rotate_refresh_tokens=(application.rotate_refresh_tokens and not bound) or not confidential,
        require_pkce=application.require_pkce or not confidential or fapi,
        response_types=server.response_types,
        allow_implicit=server.implicit and application.allow_implicit and not fapi,
        dpop_bound=dpop_bound,
        tls_bound=application.tls_bound,
        strict_assertions=application.strict_assertions or fapi,
        fapi=fapi,
        signs_messages=application.signs_messages,
        require_pushed_requests=server.require_pushed_requests or fapi,
        require_signed_requests=server.require_signed_requests or application.signs_messages,
        assurance=server.assurance,
        require_grant_action=server.require_grant_action,
        strict_alg=next((alg for alg in server.algorithms if alg in STRICT_ALGORITHMS), ""),
    )


def _shorter(server: timedelta, application: timedelta | None) -> timedelta:
    return server if application is None else min(server, application)
