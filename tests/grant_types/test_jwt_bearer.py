"""What the JWT bearer grant decides (standards A2.8)."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from app.crypto.jose import Jwt
from app.protocol.context import TokenContext
from app.protocol.errors import ErrorCode, OAuthError
from app.protocol.facts import Origin
from app.protocol.grant_types.jwt_bearer import Params, decide, needs
from app.protocol.needs import AssertionNeed
from app.protocol.outcomes import DelegatedIssuance
from app.protocol.resources import Resource, ResourceRegistry
from app.protocol.sender import Binding, Sender
from app.protocol.tokens.mint import mint_delegated
from app.protocol.trusted_issuers import AssertionFact, Flawed, PersonFact, Signed, TrustedIssuer, untrusted, use_of
from tests.support.facts import APPLICATION, ISSUER, NOW, SECRET, SIGNING, TOKEN, USER, context

IDP = TrustedIssuer("https://idp.example", frozenset({"client"}))
ROBIN = PersonFact(USER, "subject-1", "robin", active=True, epoch=3)
SECONDS = int(NOW.timestamp())
API = Resource("https://api.example", token_format="jwt", access_token=timedelta(minutes=5))
OTHER = Resource("https://other.example")


def assertion(issuer: TrustedIssuer = IDP, person: PersonFact | None = ROBIN, **claims: Any) -> Signed:
    own = {"iss": issuer.issuer, "sub": "robin", "aud": ISSUER, "iat": SECONDS, "exp": SECONDS + 60, "jti": "one"}
    return Signed(Jwt({"alg": "ES256"}, own | claims), issuer, person)


def asking(**changes: Any) -> TokenContext:
    return replace(context(epoch=2), resources=ResourceRegistry([API, OTHER]), **changes)


def order(fact: AssertionFact | None = None, at: TokenContext | None = None, **params: Any) -> DelegatedIssuance:
    return decide(at or asking(), Params(assertion="a.b.c", **params), fact or assertion())


def refusal(fact: AssertionFact | None = None, at: TokenContext | None = None, **params: Any) -> ErrorCode:
    with pytest.raises(OAuthError) as refused:
        order(fact, at, **params)
    return refused.value.code


def test_the_assertion_must_be_known_and_does_not_print_itself() -> None:
    params = Params(assertion="a.b.c")
    assert needs(params) == AssertionNeed("a.b.c")
    assert "a.b.c" not in f"{params!r} {needs(params)!r}"


@pytest.mark.spec("standards", "AR-16")
@pytest.mark.spec("standards", "JB-5")
def test_a_token_for_the_person_rests_on_no_record_and_no_family() -> None:
    fact = assertion()
    assert order(fact, scope="b a") == DelegatedIssuance(
        origin=Origin(
            application_id=APPLICATION, user_id=USER, record_id=None, record_version=0, user_epoch=3,
            application_epoch=2, scopes=("b", "a"),
        ),
        access_expires_at=NOW + timedelta(hours=1),
        client_id="client",
        subject="subject-1",
        use=use_of(fact.jwt, IDP, NOW),
        told={"grant": "jwt_bearer", "issuer": IDP.issuer},
    )  # fmt: skip


def test_the_shortest_life_counts() -> None:
    brief = replace(IDP, access_token=timedelta(minutes=2))
    assert order(assertion(brief)).access_expires_at == NOW + timedelta(minutes=2)
    assert order(resource=(API.identifier,)).access_expires_at == NOW + timedelta(minutes=5)
    long = replace(IDP, access_token=timedelta(hours=9))
    assert order(assertion(long)).access_expires_at == NOW + timedelta(hours=1)


def test_a_token_for_a_resource_has_its_format() -> None:
    ordered = order(scope="a", resource=(API.identifier,))
    assert (ordered.audience, ordered.origin.resources) == (API, (API.identifier,))
    minted = mint_delegated(ordered, TOKEN, SECRET, SIGNING)
    assert "'aud': 'https://api.example'" in minted.access_token
    assert minted.access_token not in repr(minted)
    assert mint_delegated(order(), TOKEN, SECRET, SIGNING).access_token.startswith("asat_")


@pytest.mark.spec("standards", "JB-4")
@pytest.mark.parametrize(
    "fact",
    [
        untrusted(),
        Flawed("this is no JWT"),
        Flawed("the signature is wrong", IDP),
        assertion(aud="https://elsewhere.example"),
        assertion(exp=SECONDS - 60),
        replace(assertion(), used=True),
        assertion(person=None),
        assertion(person=replace(ROBIN, active=False)),
        assertion(cnf={"kid": "one"}),
        assertion(cnf={"jkt": "theirs"}),
        assertion(act="assistant"),
        assertion(scope=1),
    ],
    ids=str,
)
def test_every_flaw_of_an_assertion_is_an_invalid_grant(fact: AssertionFact) -> None:
    assert refusal(fact) is ErrorCode.INVALID_GRANT


@pytest.mark.spec("standards", "JB-1")
def test_a_public_application_has_to_be_let_in_by_the_operator() -> None:
    public = replace(asking(), client=context(auth_method="none").client)
    assert refusal(assertion(), public) is ErrorCode.UNAUTHORIZED_CLIENT
    assert order(assertion(replace(IDP, authenticated=False)), public).client_id == "client"
    assert refusal(untrusted(), public) is ErrorCode.INVALID_GRANT


@pytest.mark.spec("standards", "JB-6")
def test_issuer_and_application_bound_the_scopes() -> None:
    some = replace(IDP, scopes=frozenset({"a", "b"}))
    assert order(assertion(some), scope="a").origin.scopes == ("a",)
    assert order(assertion(some)).origin.scopes == ()
    assert refusal(assertion(some), scope="a c") is ErrorCode.INVALID_SCOPE
    assert refusal(assertion(some, scope="a"), scope="b") is ErrorCode.INVALID_SCOPE
    assert refusal(scope="unheard-of") is ErrorCode.INVALID_SCOPE
    narrow = replace(asking(), client=context(scopes=frozenset({"a"})).client)
    assert refusal(at=narrow, scope="b") is ErrorCode.INVALID_SCOPE


@pytest.mark.spec("standards", "JB-6")
def test_an_issuer_for_some_resources_speaks_about_one_of_them() -> None:
    some = replace(IDP, resources=frozenset({API.identifier}))
    assert order(assertion(some), resource=(API.identifier,)).origin.resources == (API.identifier,)
    for resource in ((), (OTHER.identifier,), (API.identifier, OTHER.identifier)):
        assert refusal(assertion(some), resource=resource) is ErrorCode.INVALID_TARGET
    assert refusal(resource=("https://unknown.example",)) is ErrorCode.INVALID_TARGET


def test_a_bound_assertion_brings_about_a_bound_token() -> None:
    held = asking(sender=Sender(jkt="mine", x5t="certificate"))
    assert order(assertion(cnf={"jkt": "mine"}), held).binding == Binding(jkt="mine")
    assert order(assertion(cnf={"x5t#S256": "certificate"}), held).binding == Binding("mine", "certificate")
    assert order(assertion(), held).binding == Binding(jkt="mine")


def test_who_acts_comes_along() -> None:
    acted = assertion(act={"sub": "assistant"})
    assert order(acted).actor == {"iss": IDP.issuer, "sub": "assistant"}
