"""The two tokens of an exchange, judged: for whom the new one is to speak, and who is to act (RFC 8693 §2.1)."""

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from app.crypto.hashing import Digest
from app.protocol import actors, liveness, trusted_issuers, validity
from app.protocol.actors import Actor
from app.protocol.context import TokenContext
from app.protocol.errors import ErrorCode, OAuthError
from app.protocol.exchange_policy import Source
from app.protocol.facts import AccessTokenFact, Authentication, MachineTokenFact, Origin, Standing
from app.protocol.sender import UNBOUND, Binding, is_bound_key
from app.protocol.single_use import SingleUse
from app.protocol.tokens import jwt_rules
from app.protocol.trusted_issuers import AssertionFact, Distrusted, Flawed, Signed
from app.protocol.validity import Fault


@dataclass(frozen=True, slots=True)
class ShownAccessToken:
    """A text that may be an access token of ours: its digest, and the token with its id; None: there is none."""

    digest: Digest = field(repr=False)
    fact: AccessTokenFact | None


PartyFact = ShownAccessToken | Signed | Flawed | None
"""What is known of one of the tokens; None for a text that is no token of ours."""


@dataclass(frozen=True, slots=True)
class ExchangeFact:
    """The subject token, and the actor token if there is one."""

    subject: PartyFact
    actor: PartyFact = None


@dataclass(frozen=True, slots=True)
class Subject:
    """A subject token that speaks for a person and counts now.

    `scopes` are those that it carries, None: it does not say. `standing` is what stands behind a token of ours; `use`
    marks a JWT as used. `actor` is who acts already, `may_act` whom its issuer allows to, `reaches` the resources that
    its issuer may speak about, None: all.
    """

    source: Source
    origin: Origin
    subject: str
    scopes: tuple[str, ...] | None
    expires_at: datetime
    standing: Standing | None = None
    authentication: Authentication | None = None
    family_id: UUID | None = None
    binding: Binding = UNBOUND
    actor: Actor | None = None
    may_act: object = None
    use: SingleUse | None = None
    reaches: frozenset[str] | None = None
    id: str = ""


@dataclass(frozen=True, slots=True)
class ActingParty:
    """Who an actor token speaks for, until when."""

    actor: Actor
    expires_at: datetime


def subject_of(context: TokenContext, fact: PartyFact) -> Subject | MachineTokenFact:
    """Return the subject token, or the fact of one that an application got for itself (TX-4).

    Raises `invalid_request`.
    """
    if isinstance(fact, Signed | Flawed):
        return _foreign(context, fact)
    token, scopes = _access_token("subject_token", context, fact)
    if isinstance(token, MachineTokenFact):
        return token
    known = None if token.auth_time is None else Authentication(auth_time=token.auth_time, acr=token.acr)
    return Subject(
        source=Source(client_id=token.client_id, resources=token.origin.resources),
        origin=token.origin,
        subject=token.subject,
        scopes=scopes,
        expires_at=token.expires_at,
        standing=token.standing,
        authentication=known,
        family_id=token.family_id,
        binding=token.binding,
        actor=token.actor,
        id=str(token.id),
    )


def actor_of(context: TokenContext, fact: PartyFact) -> ActingParty:
    """Return who is to act (TX-5); raises `invalid_request` for a token that says nothing about that.

    An actor token of ours has to be the application's own: whoever shows another's has found or taken it.
    """
    if isinstance(fact, Signed | Flawed):
        signed = _judged("actor_token", context, fact)
        try:
            bound = trusted_issuers.binding_of(signed)
        except Distrusted as refused:
            raise _invalid("actor_token", str(refused)) from None
        _check_actor(context, signed.jwt.claims.get("act"), bound)
        stranger = actors.stranger(signed.issuer.issuer, signed.jwt.claims["sub"])
        return ActingParty(stranger, _expires(signed, context.now))
    token, _ = _access_token("actor_token", context, fact)
    if token.client_id != context.client.client_id:
        raise _invalid("actor_token", "it was issued to another application")
    _check_actor(context, token.actor, token.binding)
    if isinstance(token, MachineTokenFact):
        return ActingParty(actors.application(token.client_id), token.expires_at)
    return ActingParty(actors.person(token.subject, token.client_id), token.expires_at)


def resting_pair(subject: Subject, scope: str, resource: str) -> str:
    """Return the pair of the record that a scope of the subject token rests on, empty when it rests on none: the one of
    this resource where there is one, else that of another resource which an entry carries it over from."""
    origin, standing = subject.origin, subject.standing
    since = {} if standing is None else dict(zip(standing.pairs, standing.since, strict=True))
    places = sorted(liveness.places(scope, origin.resources), key=lambda place: place != resource)
    candidates = (liveness.rests_on(origin, liveness.pair(scope, place)) for place in places)
    return next(
        (pair for pair in candidates if since.get(pair, origin.record_version + 1) <= origin.record_version), ""
    )


def _access_token(
    name: str, context: TokenContext, fact: ShownAccessToken | None
) -> tuple[AccessTokenFact, tuple[str, ...]]:
    """TX-6: unexpired, not revoked, and everybody behind it in force; with the scopes that it carries now."""
    found = None if fact is None else fact.fact
    in_force = Fault.UNKNOWN if fact is None else validity.access_token(fact.digest, found, now=context.now)
    if found is None or isinstance(in_force, Fault):
        fault = in_force if isinstance(in_force, Fault) else Fault.UNKNOWN
        raise _invalid(name, fault.value)
    return found, in_force


def _foreign(context: TokenContext, fact: AssertionFact) -> Subject:
    signed = _judged("subject_token", context, fact)
    client, claims = context.client, signed.jwt.claims
    try:
        person = trusted_issuers.person_of(signed)
        scopes = trusted_issuers.carried(signed)
        binding = trusted_issuers.binding_of(signed)
        actor = actors.read(claims.get("act"), signed.issuer.issuer)
    except (Distrusted, ValueError) as refused:
        raise _invalid("subject_token", str(refused)) from None
    return Subject(
        source=Source(issuer=signed.issuer.issuer),
        origin=Origin(
            application_id=client.id,
            user_id=person.id,
            record_id=None,
            record_version=0,
            user_epoch=person.epoch,
            application_epoch=client.epoch,
            scopes=(),
        ),
        subject=person.subject,
        scopes=None if scopes is None else tuple(scope for scope in scopes if scope in context.scopes),
        expires_at=_expires(signed, context.now),
        binding=binding,
        actor=actor,
        may_act=claims.get("may_act"),
        use=trusted_issuers.use_of(signed.jwt, signed.issuer, context.now),
        reaches=signed.issuer.resources,
    )


def _judged(name: str, context: TokenContext, fact: AssertionFact) -> Signed:
    try:
        return trusted_issuers.judge(fact, context.client, context.policy.issuer, context.now)
    except Distrusted as refused:
        raise _invalid(name, str(refused), detail=refused.detail) from None


def _check_actor(context: TokenContext, act: object, binding: Binding) -> None:
    if act is not None:
        raise _invalid("actor_token", "somebody acts for its subject already, and would be forgotten")
    if not is_bound_key(binding, context.sender):
        raise _invalid("actor_token", "it is bound to a key; prove that key")


def _expires(signed: Signed, now: datetime) -> datetime:
    """When a JWT ends, or the longest token that its issuer may bring about."""
    ends = jwt_rules.moment_of(signed.jwt.claims, "exp") or now
    longest = signed.issuer.access_token
    return ends if longest is None else min(ends, now + longest)


def _invalid(name: str, why: str, *, detail: str = "") -> OAuthError:
    """TX-4: the request is at fault, and there is no grant that could be."""
    return OAuthError(ErrorCode.INVALID_REQUEST, f"{name} is refused: {why}", detail=detail)
