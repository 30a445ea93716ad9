"""Token revocation (RFC 7009): what a client may end, at once (RV-6). Pure; orders are carried out by the endpoint.

The record of the person stays (RV-7): taking it back is his own affair.
"""

from dataclasses import dataclass
from uuid import UUID

from app.crypto.hashing import Digest, matches
from app.protocol.errors import ErrorCode, OAuthError
from app.protocol.facts import AccessTokenFact, ClientFact, FamilyFact
from app.protocol.token_format import Credential, Prefix, parse_credential
from app.protocol.tokens.refresh_chain import ServerKeys, genuine


@dataclass(frozen=True, slots=True)
class RevokeAccessToken:
    """End one access token; its family goes on (RV-4 leaves that to us)."""

    token_id: UUID


@dataclass(frozen=True, slots=True)
class RevokeTokenFamily:
    """End a family: the refresh token and every access token that came from it (RV-4)."""

    family_id: UUID


_OF_OTHERS = {
    Prefix.PERSONAL_TOKEN: "a personal token is ended by its person, on the account pages",
    Prefix.API_KEY: "an API key is removed by its organization",
}

Order = RevokeAccessToken | RevokeTokenFamily | None


def revoke_access(caller: ClientFact, shown: Digest, fact: AccessTokenFact | None) -> Order:
    """Return the order for an access token; None when there is nothing of ours to end (RV-3 answers 200).

    `shown` is the digest of its secret, or of a JWT's text.
    """
    if fact is None or not matches(shown, fact.digest):
        return None
    _check_owner(caller, fact.origin.application_id)
    return RevokeAccessToken(fact.id)


def revoke_refresh(caller: ClientFact, credential: Credential, fact: FamilyFact | None, keys: ServerKeys) -> Order:
    """Return the order for a refresh token of any generation: an old one ends the family as well (RV-9)."""
    if fact is None or not genuine(keys, credential, fact):
        return None
    _check_owner(caller, fact.origin.application_id)
    return RevokeTokenFamily(fact.id)


def check_kind(text: str) -> None:
    """RV-5, RFC 7009 §2.2.1: what people and organizations made is no client's to end, and 200 would say that it had.

    Its form tells the kind: whether there is such a one is told to nobody.
    """
    for prefix, words in _OF_OTHERS.items():
        if parse_credential(prefix, text) is not None:
            raise OAuthError(ErrorCode.UNSUPPORTED_TOKEN_TYPE, f"{words}; nothing was revoked")


def _check_owner(caller: ClientFact, application_id: UUID) -> None:
    """RV-2: a token of another client is not revoked, and its holder is told so."""
    if application_id != caller.id:
        raise OAuthError(ErrorCode.INVALID_GRANT, "the token was issued to another application; nothing was revoked")
