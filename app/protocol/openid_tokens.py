"""What an ID token says to whom: from what a person has agreed to, to its content (OpenID Connect Core §2, §5.5)."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from app.protocol.claims import ClaimsRegistry
from app.protocol.claims_request import NO_CLAIMS, ClaimsRequest, pair
from app.protocol.facts import Authentication, ClientFact, Origin, PersonFact, Standing
from app.protocol.features import Feature, FeatureSet
from app.protocol.outcomes import IdTokenContent, IdTokenOrder
from app.protocol.scopes import OPENID
from app.protocol.sid import sid_of

_NAMING_SESSIONS = frozenset(
    {
        Feature.RP_INITIATED_LOGOUT,
        Feature.BACKCHANNEL_LOGOUT,
        Feature.FRONTCHANNEL_LOGOUT,
        Feature.SESSION_MANAGEMENT,
    }
)


@dataclass(frozen=True, slots=True)
class IdTokenRules:
    """What the operator decided about ID tokens: in whose name, how long they count, whether they name the session (as
    soon as there is any logout that could), and which claims there are."""

    issuer: str
    lifetime: timedelta
    names_sessions: bool
    claims: ClaimsRegistry


def is_offered(features: FeatureSet) -> bool:
    """Tell whether people sign in with OpenID Connect here."""
    return Feature.OPENID in features


def rules(features: FeatureSet, issuer: str, lifetime: timedelta, claims: ClaimsRegistry) -> IdTokenRules | None:
    """Return the rules of a server with these features; None where there are no ID tokens."""
    if not is_offered(features):
        return None
    return IdTokenRules(issuer, lifetime, not _NAMING_SESSIONS.isdisjoint(features), claims)


def content(
    rules: IdTokenRules,
    client: ClientFact,
    subject: str,
    authentication: Authentication,
    now: datetime,
    *,
    nonce: str | None = None,
    claims: Mapping[str, Any] | None = None,
) -> IdTokenContent:
    """Return what every ID token for this application says now; whoever has strings to vouch for adds them.

    `sid` is there whenever a logout may name it, and a browser's session stands behind the sign-in (ID-1, LB-3).
    """
    session = authentication.sid if rules.names_sessions else None
    return IdTokenContent(
        issuer=rules.issuer,
        client_id=client.client_id,
        subject=subject,
        issued_at=now,
        expires_at=now + rules.lifetime,
        authentication=authentication,
        nonce=nonce,
        sid="" if session is None else sid_of(session, client.client_id),
        claims=claims or {},
    )


def order(
    rules: IdTokenRules | None,
    client: ClientFact,
    now: datetime,
    origin: Origin,
    standing: Standing,
    authentication: Authentication,
    *,
    nonce: str | None = None,
    asked: ClaimsRequest = NO_CLAIMS,
    person: PersonFact | None = None,
) -> IdTokenOrder | None:
    """Order the ID token that belongs to an access token of this origin; None when nobody is signed in by it (OC-1).

    What scopes stand for is told at userinfo, where there is an access token to ask with; here are the claims that were
    asked for one by one, and no others (UI-5, ID-8, BB-6).
    """
    if rules is None or OPENID not in origin.scopes:
        return None
    told: Mapping[str, Any] = {}
    if person is not None and asked.id_token:
        names = claims_in_force(rules.claims, asked.id_token, origin, standing)
        told = rules.claims.of_person(person, names, asked.locales)
    settings = client.openid
    made = content(rules, client, standing.subject, authentication, now, nonce=nonce, claims=told)
    return IdTokenOrder(made, settings.id_token_alg, settings.id_token_encryption)


def claims_in_force(
    registry: ClaimsRegistry, asked: Iterable[str], origin: Origin, standing: Standing
) -> tuple[str, ...]:
    """Return the claims asked for one by one that count for a token of this origin.

    A claim counts by a scope of the token that delivers it, or else by the pair of the record that stands for it: the
    person can take both away, and granting the pair again gives nothing to what is older (architecture §1).
    """
    since = dict(zip(standing.pairs, standing.since, strict=True))
    never = origin.record_version + 1
    return tuple(
        name
        for name in asked
        if registry.is_delivered(name, origin.scopes) or since.get(pair(name), never) <= origin.record_version
    )


def front_channel_claims(
    registry: ClaimsRegistry,
    approved: tuple[str, ...],
    pairs: Collection[str],
    asked: ClaimsRequest,
    *,
    code: bool,
    token: bool,
) -> tuple[str, ...]:
    """Return the claims that an ID token carries through the browser, for these approved scopes and pairs.

    Without code and token there is no other way to tell what the scopes stand for, so that it is told here (UI-5). What
    was asked for one by one waits for the ID token that the code pays for, if there is one: it passes no browser then
    (ID-8, OpenID Connect Core §3.3.3.6).
    """
    if code:
        return ()
    single = tuple(name for name in asked.id_token if registry.is_delivered(name, approved) or pair(name) in pairs)
    return single if token else tuple(dict.fromkeys((*registry.of_scopes(approved), *single)))
