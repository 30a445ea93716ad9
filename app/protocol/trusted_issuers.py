"""JWTs that others sign and that count here: whose, for whom, and which of our users they mean (RFC 7523, RFC 7521).

Trust is written down by the operator, per issuer and per application (JB-6). Nothing in a JWT widens it: neither where
its keys are nor how it is signed is read from it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal
from uuid import UUID

from app.crypto.jose import JoseError, Jwt
from app.protocol.facts import ClientFact
from app.protocol.scopes import well_formed
from app.protocol.sender import UNBOUND, Binding
from app.protocol.single_use import SingleUse, single_use
from app.protocol.tokens import jwt_rules
from app.protocol.tokens.jwt_rules import LEEWAY, Kind, Rules

Means = Literal["sub", "username", "email"]
"""What a trusted issuer calls our users by."""

ALGORITHMS = ("ES256", "RS256", "PS256", "EdDSA")
"""What an issuer may sign with unless the operator says otherwise."""

LONGEST = timedelta(hours=2)
"""The most that any issuer's JWTs may live: a use is noted for each hour in which it could be repeated."""

_UNTRUSTED = "iss of the JWT is nobody whom this server trusts for this application"


@dataclass(frozen=True, slots=True)
class TrustedIssuer:
    """Somebody whose JWTs count here, as the operator has written it down (JB-6).

    Its keys are `jwks`, or stand at `jwks_uri`. `clients` are the client_ids that may present its JWTs. `claim` names
    one of our users by what `means` says. `scopes` and `resources` are what its JWTs are good for, None: everything.
    `longest` is how long a JWT may live, `access_token` how long a token for it at the most (None: as the server says).
    `single_use`: a `jti` counts once. `authenticated`: its JWTs count only from applications that prove who they are.
    """

    issuer: str
    clients: frozenset[str]
    jwks: tuple[Mapping[str, Any], ...] = ()
    jwks_uri: str = ""
    algorithms: tuple[str, ...] = ALGORITHMS
    means: Means = "sub"
    claim: str = "sub"
    scopes: frozenset[str] | None = None
    resources: frozenset[str] | None = None
    longest: timedelta = timedelta(hours=1)
    access_token: timedelta | None = None
    single_use: bool = True
    authenticated: bool = True


@dataclass(frozen=True, slots=True)
class PersonFact:
    """One of our users, as of now."""

    id: UUID
    subject: str
    username: str
    active: bool
    epoch: int


@dataclass(frozen=True, slots=True)
class Signed:
    """A JWT that a trusted issuer has signed; everything else about it is to be judged.

    `person` is whom it means, None: nobody. `used`: its `jti` was noted before.
    """

    jwt: Jwt = field(repr=False)
    issuer: TrustedIssuer
    person: PersonFact | None = None
    used: bool = False


@dataclass(frozen=True, slots=True)
class Flawed:
    """A text that is no JWT of a trusted issuer, and why. `issuer` is who is said to have signed it, if trusted."""

    flaw: str
    issuer: TrustedIssuer | None = None
    detail: str = ""


AssertionFact = Signed | Flawed


class Distrusted(Exception):
    """A JWT that does not count. `str()` may be shown to who sent it, `detail` goes to the log."""

    def __init__(self, sentence: str, detail: str = "") -> None:
        super().__init__(sentence)
        self.detail = detail


def untrusted() -> Flawed:
    """Return what is known of a JWT whose `iss` nobody has written down."""
    return Flawed(_UNTRUSTED)


def called(jwt: Jwt, issuer: TrustedIssuer) -> str | None:
    """Return what a JWT calls the user that it means, None when it says nothing that could be a name of ours.

    An email address counts unless its issuer says that nobody has verified it.
    """
    name = jwt.claims.get(issuer.claim)
    if issuer.means == "email" and jwt.claims.get("email_verified", True) is not True:
        return None
    return name if isinstance(name, str) and 0 < len(name) <= 300 else None


def use_of(jwt: Jwt, issuer: TrustedIssuer, now: datetime) -> SingleUse | None:
    """Return what marks a JWT as used (JB-2); None when it may be shown again: it has no `jti`, or may."""
    jti = jwt.claims.get("jti")
    try:
        expires = jwt_rules.moment_of(jwt.claims, "exp")
    except JoseError:
        return None  # it is refused for that
    if not issuer.single_use or not isinstance(jti, str) or not jti or expires is None:
        return None
    # One that lives longer than its issuer's may is refused, and there is nothing to mark; nor of one that is over.
    last = max(now, min(expires, now + issuer.longest + LEEWAY) + LEEWAY)
    return single_use("trusted issuer", issuer.issuer, jti, now=now, last=last)


def judge(fact: AssertionFact, client: ClientFact, ours: str, now: datetime) -> Signed:
    """Return the JWT when it counts for this application here and now; raises Distrusted (JB-2, JB-3).

    `ours` is the issuer identifier of this server. An application for which the issuer is not trusted learns nothing
    more than one that names an unknown issuer. Other kinds of JWT are refused by their `typ` (JV-3).
    """
    issuer = fact.issuer
    if issuer is not None and client.client_id not in issuer.clients:
        raise Distrusted(_UNTRUSTED)
    if isinstance(fact, Flawed):
        raise Distrusted(fact.flaw, fact.detail)
    rules = Rules(
        Kind.AUTHORIZATION_GRANT,
        issuers=(fact.issuer.issuer,),
        audiences=(ours, f"{ours}/oauth/token"),
        required=("sub", fact.issuer.claim),
        longest=fact.issuer.longest,
    )
    try:
        jwt_rules.check(fact.jwt, rules, now)
    except JoseError as flaw:
        raise Distrusted(str(flaw)) from None
    if fact.jwt.claims.get("client_id", client.client_id) != client.client_id:
        raise Distrusted("client_id of the JWT is another application")
    if fact.used:
        raise Distrusted("the JWT was used before; get a new one from its issuer")
    return fact


def person_of(signed: Signed) -> PersonFact:
    """Return the user whom a JWT means; raises Distrusted, whether there is none or he is shut out."""
    if signed.person is None or not signed.person.active:
        raise Distrusted(f"{signed.issuer.claim} of the JWT names nobody who has an account here")
    return signed.person


def carried(signed: Signed) -> tuple[str, ...] | None:
    """Return the scopes that a JWT is good for: those that it names, those of its issuer, or what both have; None: all.

    Raises Distrusted.
    """
    named, allowed = signed.jwt.claims.get("scope"), signed.issuer.scopes
    if named is None:
        return None if allowed is None else tuple(sorted(allowed))
    if not isinstance(named, str):
        raise Distrusted("scope of the JWT is no string")
    scopes = dict.fromkeys(scope for scope in named.split(" ") if well_formed(scope))
    return tuple(scope for scope in scopes if allowed is None or scope in allowed)


def binding_of(signed: Signed) -> Binding:
    """Return the key that a JWT is bound to (RFC 7800 §3); raises Distrusted for a key that is named in another way."""
    confirmation = signed.jwt.claims.get("cnf")
    if confirmation is None:
        return UNBOUND
    if not isinstance(confirmation, Mapping) or not confirmation.keys() <= {"jkt", "x5t#S256"}:
        raise Distrusted("cnf of the JWT names a key in a way that this server does not know")
    if not confirmation or not all(isinstance(one, str) for one in confirmation.values()):
        raise Distrusted("cnf of the JWT names no key")
    return Binding(jkt=confirmation.get("jkt"), x5t=confirmation.get("x5t#S256"))
