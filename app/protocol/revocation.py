"""Token revocation (RFC 7009): what a client may end. Pure; orders are carried out by the endpoint."""

from dataclasses import dataclass
from uuid import UUID

from app.crypto.hashing import digest, matches
from app.protocol.errors import ErrorCode, OAuthError
from app.protocol.facts import AccessTokenFact, ClientFact, FamilyFact
from app.protocol.token_format import Credential
from app.protocol.tokens.refresh_chain import ServerKeys, genuine


@dataclass(frozen=True, slots=True)
class RevokeAccessToken:
    """End one access token; its family goes on (RV-4 leaves that to us)."""

    token_id: UUID


@dataclass(frozen=True, slots=True)
class RevokeTokenFamily:
    """End a family: the refresh token and every access token that came from it (RV-4)."""

    family_id: UUID


Order = RevokeAccessToken | RevokeTokenFamily | None


def revoke_access(caller: ClientFact, credential: Credential, fact: AccessTokenFact | None) -> Order:
    """Return the order for an access token; None when there is nothing of ours to end (RV-3 answers 200)."""
    if fact is None or not matches(digest(credential.secret), fact.digest):
        return None
    _check_owner(caller, fact.origin.application_id)
    return RevokeAccessToken(fact.id)


def revoke_refresh(caller: ClientFact, credential: Credential, fact: FamilyFact | None, keys: ServerKeys) -> Order:
    """Return the order for a refresh token of any generation: an old one ends the family as well (RV-9)."""
    if fact is None or not genuine(keys, credential, fact):
        return None
    _check_owner(caller, fact.origin.application_id)
    return RevokeTokenFamily(fact.id)


def _check_owner(caller: ClientFact, application_id: UUID) -> None:
    """RV-2: a token of another client is not revoked, and its holder is told so."""
    if application_id != caller.id:
        raise OAuthError(ErrorCode.INVALID_GRANT, "the token was issued to another application; nothing was revoked")
