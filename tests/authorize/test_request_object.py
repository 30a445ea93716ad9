"""Request objects: which count, and what they say (RFC 9101, OpenID Connect Core §6, FAPI 2.0 Message Signing)."""

import json
from dataclasses import replace
from typing import Any

import pytest

from app.crypto import jose
from app.crypto.jose_text import encoded
from app.protocol.authorize import request_object
from app.protocol.authorize.request_object import Place
from app.protocol.client_keys import KeyMaterial
from app.protocol.facts import ClientFact
from app.protocol.policy import ApplicationPolicy
from app.protocol.request_settings import RequestSettings
from tests.support.assertions import key_of, key_set, maced, unsigned
from tests.support.facts import ISSUER, NOW, client
from tests.support.signing_client import ASKED, FAPI, KEYS, LASTING, SERVER, SIGNING, TYP, at, opened, refusal, written


@pytest.mark.spec("standards", "RO-4")
@pytest.mark.spec("standards", "JV-1")
@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("nothing", "not a signed JWT"),
        ("a.b.c.d.e", "it is encrypted"),
        (unsigned({**ASKED, **LASTING}), "is not accepted here"),
        (maced({**ASKED, **LASTING}, json.dumps(key_set(key_of("client"))).encode(), typ=TYP), "is not accepted here"),
        (written(key_of("mallory")), "not signed with a known key"),
        (written(key_of("mallory"), {"kid": key_of("client")["kid"]}), "signature of the JWT is wrong"),
        (written(None, {"jku": "https://mallory.example/keys", "kid": "hers"}), "not signed with a known key"),
        (written(key_of("mallory"), {"jwk": key_set(key_of("mallory"))["keys"][0]}), "not signed with a known key"),
        (written() + "A", "signature of the JWT is wrong"),
        (written(padding="x" * jose.LONGEST), "longer than 16384"),
        (written(None, {"crit": ["exp"]}), "critical headers"),
    ],
    ids=[
        *("nothing", "encrypted", "none", "a MAC with the public keys", "another key", "another key of its name"),
        *("keys elsewhere", "a key of its own", "changed", "endless", "critical"),
    ],
)  # fmt: skip
def test_only_what_a_registered_key_has_signed_counts(text: str, said: str) -> None:
    assert said in refusal(text)


@pytest.mark.spec("standards", "JV-5")
def test_an_object_with_a_member_twice_is_none() -> None:
    head, _, signature = written().split(".")
    twice = encoded((json.dumps({**ASKED, **LASTING})[:-1] + ', "scope": "b"}').encode()).decode()
    assert "has a member twice" in refusal(f"{head}.{twice}.{signature}")


@pytest.mark.spec("standards", "RO-4")
def test_an_application_without_keys_cannot_sign() -> None:
    assert "has registered no keys" in refusal(written(), None, client())


@pytest.mark.spec("standards", "RO-4")
@pytest.mark.spec("standards", "F-22")
@pytest.mark.parametrize(
    ("who", "alg", "place", "counts"),
    [
        (SIGNING, "EdDSA", "authorize", True),
        (replace(SIGNING, requests=RequestSettings(object_alg="EdDSA")), "EdDSA", "authorize", True),
        (replace(SIGNING, requests=RequestSettings(object_alg="EdDSA")), "ES256", "authorize", False),
        (replace(SIGNING, requests=RequestSettings(object_alg="none")), "ES256", "authorize", False),
        (replace(SIGNING, requests=RequestSettings(object_alg="EdDSA")), "ES256", "ciba", True),
        (replace(SIGNING, requests=RequestSettings(ciba_alg="EdDSA")), "ES256", "ciba", False),
        (FAPI, "ES256", "par", True),
        (replace(FAPI, requests=RequestSettings(object_alg="RS256")), "ES256", "par", False),
    ],
)
def test_the_registered_algorithm_counts_alone(who: ClientFact, alg: str, place: Place, *, counts: bool) -> None:
    text = written(KEYS[alg])
    if counts:
        assert opened(text, None, who, place).signed
    else:
        assert "is not accepted here" in refusal(text, None, who, place)


@pytest.mark.spec("standards", "F-22")
def test_what_is_too_weak_for_fapi_does_not_count_under_fapi() -> None:
    weak = key_of("client", "ES384")
    who = replace(FAPI, key_material=KeyMaterial(jwks=tuple(key_set(weak)["keys"])))
    assert "use ES256, PS256, EdDSA, Ed25519" in refusal(written(weak), None, who, "par")
    assert opened(written(weak), None, replace(who, policy=ApplicationPolicy()), "par").signed


@pytest.mark.spec("standards", "RO-5")
@pytest.mark.parametrize(
    ("claims", "said"),
    [
        ({"iss": "other"}, "iss of the request object is not who"),
        ({"iss": 1}, "iss of the request object is no string"),
        ({"client_id": ["client"]}, "client_id of the request object is no string"),
        ({"aud": "https://other.example"}, "for somebody else"),
        ({"aud": ["https://other.example"]}, "for somebody else"),
        ({"aud": f"{ISSUER}/"}, "for somebody else"),
        ({"aud": f"{ISSUER}/oauth/authorize"}, "for somebody else"),
        ({"aud": {}}, "aud is neither"),
        ({"exp": at(seconds=-60)}, "has expired"),
        ({"exp": "soon"}, "exp is no number"),
        ({"nbf": at(seconds=61)}, "not valid yet"),
        ({"iat": at(seconds=61)}, "lies in the future"),
        ({"nbf": True}, "nbf is no number"),
    ],
)
def test_an_object_is_of_its_application_for_this_server_and_for_now(claims: dict[str, Any], said: str) -> None:
    assert said in refusal(written(**claims))


@pytest.mark.spec("standards", "RO-5")
@pytest.mark.parametrize(
    "claims",
    [
        {"iss": None, "aud": None, "exp": None, "nbf": None, "iat": None, "jti": None},
        {"aud": [ISSUER]},
        {"aud": [ISSUER, "https://other.example"]},
        {"exp": at(seconds=-59)},
    ],
    ids=["says nothing of itself", "a list of one", "for others besides", "just expired"],
)
def test_an_object_need_not_say_what_it_is_for(claims: dict[str, Any]) -> None:
    assert opened(written(**claims)).signed


@pytest.mark.spec("standards", "CA-8")
@pytest.mark.spec("standards", "F-13")
@pytest.mark.parametrize(("seconds", "counts"), [(10, True), (59, True), (61, False), (3600, False)])
def test_clocks_may_differ_by_a_minute(seconds: int, *, counts: bool) -> None:
    text = written(iat=at(seconds=seconds), nbf=at(seconds=seconds), exp=at(seconds=seconds + 60))
    if counts:
        assert opened(text, None, FAPI, "par").signed
    else:
        refusal(text, None, FAPI, "par")


@pytest.mark.spec("standards", "RO-6")
@pytest.mark.parametrize("member", ["request", "request_uri"])
@pytest.mark.parametrize("value", ["https://client.example/other", {"an": "object"}, ""])
def test_an_object_holds_no_other(member: str, value: Any) -> None:
    assert f"has {member} inside" in refusal(written(**{member: value}))


@pytest.mark.spec("standards", "RO-7")
def test_an_object_that_could_be_a_client_assertion_is_refused() -> None:
    for header in ({}, {"typ": None}):
        assert "its sub is the application itself" in refusal(written(None, header, sub="client"))
    assert opened(written(sub="somebody")).params.get("sub") is None


@pytest.mark.spec("standards", "RO-8")
@pytest.mark.spec("standards", "JV-3")
@pytest.mark.parametrize("typ", ["at+jwt", "dpop+jwt", "client-authentication+jwt", "logout+jwt"])
def test_other_kinds_of_jwt_are_no_request_objects(typ: str) -> None:
    assert "says that it is something else" in refusal(written(None, {"typ": typ}))


@pytest.mark.spec("standards", "FM-1")
@pytest.mark.parametrize(
    ("claims", "said"),
    [
        ({"aud": None}, "lacks aud"),
        ({"nbf": None}, "lacks nbf"),
        ({"exp": None}, "lacks exp"),
        ({"nbf": at(minutes=-62)}, "nbf is more than 60 minutes ago"),
        ({"exp": at(minutes=61)}, "exp is more than 60 minutes after its nbf"),
        ({"nbf": at(minutes=-30), "exp": at(minutes=31)}, "exp is more than 60 minutes after its nbf"),
    ],
)
@pytest.mark.parametrize("place", ["authorize", "par"])
def test_under_fapi_an_object_says_for_whom_and_for_which_hour(claims: dict[str, Any], said: str, place: Place) -> None:
    assert said in refusal(written(**claims), None, FAPI, place)


@pytest.mark.spec("standards", "FM-1")
@pytest.mark.parametrize(
    "claims",
    [
        {"nbf": at(minutes=-59), "exp": at(minutes=1), "iat": None},
        {"exp": at(minutes=60), "aud": [ISSUER, "https://other.example"], "iss": None, "jti": None},
    ],
)
def test_within_the_hour_it_counts(claims: dict[str, Any]) -> None:
    assert opened(written(**claims), None, FAPI, "par").signed


@pytest.mark.spec("standards", "PAR-6")
@pytest.mark.parametrize(
    ("claims", "said"),
    [
        ({"exp": None}, "lacks exp"),
        ({"exp": at(minutes=62)}, "lives longer than 3600 seconds"),
        ({"client_id": None}, "lacks client_id"),
    ],
)
def test_what_is_pushed_is_made_for_this_push(claims: dict[str, Any], said: str) -> None:
    assert said in refusal(written(**claims), None, SIGNING, "par")
    assert opened(written(nbf=None, aud=None, iss=None, iat=None), None, SIGNING, "par").signed


@pytest.mark.parametrize("missing", ["iss", "aud", "exp", "iat", "nbf", "jti"])
def test_an_object_of_ciba_says_everything_about_itself(missing: str) -> None:
    assert f"lacks {missing}" in refusal(written(**{missing: None}), None, SIGNING, "ciba")


@pytest.mark.parametrize(
    ("place", "claims", "hours"),
    [
        ("par", {}, 1),
        ("ciba", {}, 1),
        ("par", {"exp": at(minutes=59)}, 2),
        ("authorize", {}, 0),
        ("par", {"jti": None}, 0),
    ],
)
def test_what_was_made_for_one_push_counts_once(place: Place, claims: dict[str, Any], hours: int) -> None:
    demanded = request_object.demands(SIGNING, SERVER, place)
    use = request_object.use_of(request_object.read(written(**claims)), SIGNING, demanded, NOW)
    assert (len(use.hours) if use is not None else 0) == hours
    if use is not None:
        other = request_object.use_of(
            request_object.read(written(**claims)), replace(SIGNING, client_id="other"), demanded, NOW
        )
        assert other is not None
        assert other.digest != use.digest
