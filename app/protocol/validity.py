"""Whether a credential counts now, what it then carries, and if not, why.

A stranger learns nothing here: the reasons beyond `UNKNOWN` are for whoever showed the genuine secret.
"""

from datetime import datetime
from enum import Enum

from app.crypto.hashing import Digest, digest, matches
from app.protocol import liveness
from app.protocol.facts import AccessTokenFact, KeyFact, MachineTokenFact, PersonalTokenFact, Standing, TokenFact
from app.protocol.roles import Roles
from app.protocol.token_format import Credential


class Fault(Enum):
    """Why a credential does not count: the sentence for its holder. The name goes to the log."""

    UNKNOWN = "this server knows no such token or key, or it was mistyped"
    EXPIRED = "the token has expired"
    REVOKED = "the token was revoked"
    USER_INACTIVE = "the account of its person was disabled since it was made"
    APPLICATION_INACTIVE = "its application is not active, or was not since it was made"
    NOTHING_LEFT = "everything that the token allowed has been taken away"
    KEY_INACTIVE = "the key is switched off"
    ELSEWHERE = "the token is for another API; ask for one with this API's address as resource, or without a resource"
    OTHER_KEY = "the token is bound to another key than the request proves"
    ORGANIZATION_CLOSED = "its organization has been deleted"


def access_token(shown: Digest, fact: AccessTokenFact | None, *, now: datetime) -> tuple[str, ...] | Fault:
    """Return the scopes that an access token still carries; `shown` is the digest of its secret, or of a JWT's text.

    It counts when it was issued here, is unexpired, itself and its family unrevoked, its record, user and application
    in force (IN-5); one without a person, when its application is.
    """
    if fact is None or not matches(shown, fact.digest):
        return Fault.UNKNOWN
    if fact.expires_at <= now:
        return Fault.EXPIRED
    if fact.revoked_at is not None:
        return Fault.REVOKED
    if isinstance(fact, MachineTokenFact):
        return fact.origin.scopes if liveness.stands_alone(fact) else Fault.APPLICATION_INACTIVE
    if fact.family_revoked:
        return Fault.REVOKED
    in_force = liveness.living_scopes(fact.origin, fact.standing)
    return in_force if in_force is not None else _why_dead(fact, fact.standing)


def access_token_at(
    shown: Digest, fact: AccessTokenFact | None, resource: str, *, now: datetime
) -> tuple[str, ...] | Fault:
    """Return the scopes that an access token still carries at one resource: it is for that one, or all (BR-4, MC-8)."""
    in_force = access_token(shown, fact, now=now)
    if isinstance(in_force, Fault) or fact is None or not fact.origin.resources:
        return in_force
    if resource not in fact.origin.resources:
        return Fault.ELSEWHERE
    if isinstance(fact, TokenFact) and fact.standing is not None:
        return liveness.at(fact.origin, fact.standing, (resource,)).scopes
    return in_force


def personal_token(
    credential: Credential, fact: PersonalTokenFact | None, *, roles: Roles, now: datetime
) -> tuple[str, ...] | Fault:
    """Return the scopes of a personal token, cut down to what its person's roles allow now."""
    if fact is None or not matches(digest(credential.secret), fact.digest):
        return Fault.UNKNOWN
    if fact.expires_at is not None and fact.expires_at <= now:
        return Fault.EXPIRED
    if fact.revoked_at is not None:
        return Fault.REVOKED
    if not fact.user_active or fact.user_epoch != fact.user_epoch_now:
        return Fault.USER_INACTIVE
    in_force = tuple(scope for scope in fact.scopes if roles.may_hold(scope, fact.roles))
    return Fault.NOTHING_LEFT if fact.scopes and not in_force else in_force


def api_key(credential: Credential, fact: KeyFact | None) -> tuple[str, ...] | Fault:
    """Return the scopes of an API key; after a rotation the secret before counts as well, until it is retired."""
    if fact is None:
        return Fault.UNKNOWN
    shown = digest(credential.secret)
    known = (fact.digest,) if fact.retiring_digest is None else (fact.digest, fact.retiring_digest)
    if not sum(matches(shown, one) for one in known):
        return Fault.UNKNOWN
    if not fact.active:
        return Fault.KEY_INACTIVE
    return fact.scopes if fact.organization_active else Fault.ORGANIZATION_CLOSED


def _why_dead(fact: TokenFact, standing: Standing | None) -> Fault:
    origin = fact.origin
    if standing is None or standing.record_id != origin.record_id or standing.record_revoked:
        return Fault.REVOKED
    if not standing.user_active or standing.user_epoch != origin.user_epoch:
        return Fault.USER_INACTIVE
    if not standing.application_active or standing.application_epoch != origin.application_epoch:
        return Fault.APPLICATION_INACTIVE
    return Fault.NOTHING_LEFT
