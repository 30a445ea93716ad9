"""Exchanges of tokens as pure decisions: who asks, with which tokens, under which entries of the operator's."""

from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from app.crypto.hashing import digest
from app.crypto.jose import Jwt
from app.protocol.context import TokenContext
from app.protocol.errors import ErrorCode, OAuthError
from app.protocol.exchange_parties import ExchangeFact, PartyFact, ShownAccessToken
from app.protocol.exchange_policy import ExchangeRule
from app.protocol.facts import AccessTokenFact
from app.protocol.grant_types.token_exchange import ACCESS_TOKEN, Params, decide
from app.protocol.outcomes import DelegatedIssuance, MachineIssuance
from app.protocol.resources import Resource, ResourceRegistry
from app.protocol.trusted_issuers import PersonFact, Signed, TrustedIssuer
from tests.support.facts import ISSUER, NOW, SECRET, USER, access_token, client, context

GATEWAY_ID, FIRST_ID = UUID(int=101), UUID(int=102)
API = Resource("https://api.example", token_format="jwt", scopes=frozenset({"a", "c"}))
STOCK = Resource("https://stock.example", scopes=frozenset({"b", "c"}))
GATEWAY = {"sub": "gateway", "client_id": "gateway"}
IDP = TrustedIssuer("https://idp.example", frozenset({"gateway"}))
SECONDS = int(NOW.timestamp())


def shown(fact: AccessTokenFact | None) -> ShownAccessToken:
    """A token of ours that was shown with its genuine secret."""
    return ShownAccessToken(digest(SECRET), fact)


def jwt(issuer: TrustedIssuer = IDP, **claims: Any) -> Signed:
    """A JWT of a trusted issuer about one of our users, changed by keyword."""
    own = {"iss": issuer.issuer, "sub": "robin", "aud": ISSUER, "iat": SECONDS, "exp": SECONDS + 60, "jti": "one"}
    person = PersonFact(USER, "subject-1", "robin", active=True, epoch=3)
    return Signed(Jwt({"alg": "ES256"}, own | claims), issuer, person)


def own(**changes: Any) -> TokenContext:
    """The application that the tokens of these tests were issued to."""
    return replace(context(), resources=ResourceRegistry([API, STOCK]), **changes)


def gateway(*rules: ExchangeRule, **changes: Any) -> TokenContext:
    """Another one, which may exchange them."""
    asking = client(id=GATEWAY_ID, client_id="gateway", epoch=7)
    return own(client=asking, exchange_rules=rules or (rule(),), **changes)


def rule(**changes: Any) -> ExchangeRule:
    """An entry that lets gateway exchange the tokens of client, changed by keyword."""
    given: dict[str, Any] = {"clients": frozenset({"gateway"}), "subject_clients": frozenset({"client"}), **changes}
    return ExchangeRule("one", **given)


def order(at: TokenContext, subject: PartyFact = None, actor: PartyFact = None, **params: Any) -> DelegatedIssuance:
    """What is ordered for a token that speaks for a person."""
    issued = any_order(at, subject or shown(access_token()), actor, **params)
    assert isinstance(issued, DelegatedIssuance)
    return issued


def any_order(
    at: TokenContext, subject: PartyFact, actor: PartyFact = None, **params: Any
) -> DelegatedIssuance | MachineIssuance:
    """What is ordered."""
    given: dict[str, Any] = {"subject_token": "x", "subject_token_type": ACCESS_TOKEN, **params}
    if actor is not None:
        given |= {"actor_token": "y", "actor_token_type": ACCESS_TOKEN}
    return decide(at, Params(**given), ExchangeFact(subject, actor))


def refusal(at: TokenContext, subject: PartyFact, actor: PartyFact = None, **params: Any) -> ErrorCode:
    """Why nothing is ordered."""
    with pytest.raises(OAuthError) as refused:
        any_order(at, subject, actor, **params)
    return refused.value.code
