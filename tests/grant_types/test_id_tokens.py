"""Which grants sign somebody in, and what a refresh changes about it: decided without a server."""

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest

from app.crypto.hashing import digest
from app.protocol.claims import ClaimsRegistry
from app.protocol.claims_request import ClaimsRequest
from app.protocol.context import TokenContext
from app.protocol.facts import Authentication, PersonFact
from app.protocol.grant_types import authorization_code, device_code, refresh_token
from app.protocol.openid_tokens import IdTokenRules
from app.protocol.outcomes import Issuance
from app.protocol.polling import PolledFact
from app.protocol.token_format import Credential, Prefix, format_credential
from tests.support.facts import (
    APPLICATION,
    CODE,
    FAMILY,
    ISSUER,
    NOW,
    REDIRECT_URI,
    SECRET,
    VERIFIER,
    code,
    context,
    family,
    origin,
    standing,
)  # fmt: skip

RULES = IdTokenRules(ISSUER, timedelta(hours=1), True, ClaimsRegistry())
HELD = origin(scopes=("openid", "email"))
BEHIND = standing(pairs=("openid", "email"), since=(1, 1), subject="pairwise-1")
LOGIN = Authentication(auth_time=NOW - timedelta(days=3), acr="urn:assent:acr:password", amr=("pwd",), sid=UUID(int=9))
ASKED = ClaimsRequest(id_token=("email",))
ADA = PersonFact("ada", "ada@example.com", {}, NOW, ())


def at_the_endpoint(rules: IdTokenRules | None = RULES) -> TokenContext:
    grants = frozenset({"authorization_code", "refresh_token", device_code.NAME})
    return replace(context(grant_types=grants), id_tokens=rules)


def exchanged(rules: IdTokenRules | None = RULES, nonce: str | None = "n-1") -> Issuance:
    text = format_credential(Prefix.AUTHORIZATION_CODE, Credential(CODE, SECRET))
    params = authorization_code.Params(code=text, redirect_uri=REDIRECT_URI, code_verifier=VERIFIER)
    fact = code(origin=HELD, standing=BEHIND, authentication=LOGIN, nonce=nonce, claims=ASKED, person=ADA)
    return authorization_code.decide(at_the_endpoint(rules), params, fact)


def refreshed(scope: str | None = None, **changes: object) -> Issuance:
    text = format_credential(Prefix.REFRESH_TOKEN, Credential(FAMILY, SECRET, 0))
    params = refresh_token.Params(refresh_token=text, scope=scope)
    fact = family(origin=HELD, standing=BEHIND, authentication=LOGIN, claims=ASKED, person=ADA, **changes)
    return refresh_token.decide(at_the_endpoint(), params, fact)


@pytest.mark.spec("standards", "AC-10")
@pytest.mark.parametrize("nonce", ["n-1", None])
def test_a_code_signs_in_with_the_nonce_of_its_request_if_there_was_one(nonce: str | None) -> None:
    ordered = exchanged(nonce=nonce).id_token
    assert ordered is not None
    assert ordered.content.nonce == nonce
    assert (ordered.content.subject, ordered.content.authentication) == ("pairwise-1", LOGIN)
    assert ordered.content.claims == {"email": "ada@example.com"}


def test_without_openid_connect_nobody_is_signed_in() -> None:
    assert exchanged(rules=None).id_token is None


@pytest.mark.spec("standards", "RF-12")
@pytest.mark.spec("standards", "AR-8")
def test_a_refresh_tells_of_the_same_person_and_sign_in_and_repeats_no_nonce() -> None:
    first, later = exchanged().id_token, refreshed().id_token
    assert first is not None
    assert later is not None
    assert later.content.nonce is None
    assert replace(first.content, nonce=None) == later.content


@pytest.mark.spec("standards", "RF-12")
def test_a_refresh_that_leaves_openid_out_signs_nobody_in() -> None:
    assert refreshed("email").id_token is None
    narrowed = refreshed("openid").id_token
    assert narrowed is not None
    assert narrowed.content.claims == {}


def test_a_device_signs_in_and_no_browser_s_session_stands_behind_it() -> None:
    allowed = PolledFact(
        id=CODE,
        digest=digest(SECRET),
        application_id=APPLICATION,
        application_epoch=0,
        status="approved",
        origin=HELD,
        authentication=replace(LOGIN, sid=None),
        polled_at=None,
        poll_seconds=5,
        expires_at=NOW + timedelta(minutes=10),
        standing=BEHIND,
    )
    text = format_credential(Prefix.DEVICE_CODE, Credential(CODE, SECRET))
    ordered = device_code.decide(at_the_endpoint(), device_code.Params(device_code=text), allowed).id_token
    assert ordered is not None
    assert (ordered.content.subject, ordered.content.sid, ordered.content.nonce) == ("pairwise-1", "", None)
