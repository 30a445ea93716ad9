"""Client assertions: their form, judged before anything is known of the client."""

from datetime import timedelta
from typing import Any

import pytest

from app.crypto import jose
from app.protocol import client_assertion
from app.protocol.client_assertion import TYPE, Audience
from app.protocol.errors import ErrorCode, OAuthError
from app.protocol.params import Parameters
from tests.support.assertions import claims_of, form, key_of, maced, signed, unsigned
from tests.support.facts import ISSUER, NOW

TOKEN = f"{ISSUER}/oauth/token"
REVOKE = f"{ISSUER}/oauth/revoke"
AUDIENCE = Audience(ISSUER, (TOKEN, REVOKE))
KEY = key_of("client")


def found(assertion: str, **parameters: str) -> jose.Jwt | None:
    return client_assertion.find(Parameters.of(form(assertion, **parameters).items()))


def checked(
    *, audience: object = ISSUER, client_id: str | None = None, header: dict[str, Any] | None = None, **claims: Any
) -> client_assertion.ClientAssertion:
    jwt = jose.peek(signed(claims_of("client", audience, NOW, **claims), KEY, **(header or {})))
    return client_assertion.check(jwt, client_id, AUDIENCE, NOW)


def seconds(number: float) -> float:
    return NOW.timestamp() + number


def test_a_request_without_an_assertion_has_none() -> None:
    assert client_assertion.find(Parameters.of([("client_id", "client")])) is None


@pytest.mark.spec("standards", "CA-4")
@pytest.mark.parametrize(
    ("parameters", "code"),
    [
        ({"client_assertion": "x"}, ErrorCode.INVALID_REQUEST),
        ({"client_assertion_type": TYPE}, ErrorCode.INVALID_REQUEST),
        ({"client_assertion": "x", "client_assertion_type": TYPE}, ErrorCode.INVALID_CLIENT),
        ({"client_assertion": "x.y.z", "client_assertion_type": f"{TYPE}2"}, ErrorCode.INVALID_CLIENT),
    ],
    ids=["no type", "no assertion", "no JWT", "other type"],
)
def test_half_an_assertion_and_one_of_another_kind_are_refused(parameters: dict[str, str], code: ErrorCode) -> None:
    with pytest.raises(OAuthError) as refused:
        client_assertion.find(Parameters.of(parameters.items()))
    assert refused.value.code is code


@pytest.mark.spec("standards", "CA-4")
def test_the_client_is_whom_the_assertion_names_and_client_id_need_not_be_sent() -> None:
    jwt = found(signed(claims_of("client", ISSUER, NOW), KEY))
    assert jwt is not None
    for sent in (None, "client"):
        assert client_assertion.check(jwt, sent, AUDIENCE, NOW).client_id == "client"


@pytest.mark.spec("standards", "CA-4")
@pytest.mark.parametrize(
    "claims",
    [
        *({name: None} for name in ("iss", "sub", "aud", "exp", "jti")),
        *({name: ""} for name in ("iss", "sub", "jti")),
        {"iss": "another"}, {"sub": "another"}, {"sub": 5}, {"iss": ["client"]}, {"jti": 7}, {"exp": "soon"},
        {"exp": True}, {"iat": "now"}, {"exp": 1e300},
    ],
    ids=str,
)  # fmt: skip
def test_an_assertion_lacks_nothing_and_contradicts_itself_in_nothing(claims: dict[str, Any]) -> None:
    with pytest.raises(OAuthError) as refused:
        checked(**claims)
    assert refused.value.code is ErrorCode.INVALID_CLIENT


@pytest.mark.spec("standards", "CA-4")
def test_a_client_id_that_contradicts_the_assertion_is_refused() -> None:
    with pytest.raises(OAuthError, match="client_id differs") as refused:
        checked(client_id="another")
    assert refused.value.code is ErrorCode.INVALID_CLIENT


@pytest.mark.spec("standards", "CA-5")
@pytest.mark.parametrize("audience", [ISSUER, TOKEN, REVOKE, [ISSUER], [TOKEN]], ids=str)
def test_the_issuer_and_the_endpoints_are_who_an_assertion_may_be_for(audience: object) -> None:
    assert checked(audience=audience).client_id == "client"


@pytest.mark.spec("standards", "CA-5")
@pytest.mark.spec("standards", "G1")
@pytest.mark.parametrize(
    "audience",
    [
        "https://other.example", "https://other.example/oauth/token", f"{ISSUER}/", f"{ISSUER}:443", f"{TOKEN}/",
        f"{TOKEN}?x", ISSUER.upper(), f"{ISSUER}/oauth/introspect", "http://id.example", [], "", 7, {"aud": ISSUER},
        [ISSUER, "https://other.example"], [ISSUER, ISSUER], [ISSUER, TOKEN], [7],
    ],
    ids=str,
)  # fmt: skip
def test_an_assertion_for_anybody_else_or_for_several_is_refused(audience: object) -> None:
    with pytest.raises(OAuthError) as refused:
        checked(audience=audience)
    assert refused.value.code is ErrorCode.INVALID_CLIENT


@pytest.mark.spec("standards", "CA-6")
@pytest.mark.spec("standards", "JV-3")
@pytest.mark.parametrize(
    "typ", [None, "JWT", "jwt", "client-authentication+jwt", "Application/Client-Authentication+JWT"]
)
def test_the_type_of_an_assertion_may_be_named_and_need_not(typ: str | None) -> None:
    assert checked(header={"typ": typ}).client_id == "client"


@pytest.mark.spec("standards", "CA-6")
@pytest.mark.spec("standards", "JV-3")
@pytest.mark.parametrize(
    "typ",
    [
        *("at+jwt", "dpop+jwt", "logout+jwt", "oauth-authz-req+jwt", "application/at+jwt", "secevent+jwt"),
        *("authorization-grant+jwt", "token-introspection+jwt", "oauth-id-jag+jwt", "something"),
    ],
)
def test_other_kinds_of_jwt_are_no_assertions(typ: str) -> None:
    with pytest.raises(OAuthError, match="typ") as refused:
        checked(header={"typ": typ})
    assert refused.value.code is ErrorCode.INVALID_CLIENT


@pytest.mark.spec("standards", "CA-8")
@pytest.mark.parametrize("member", ["iat", "nbf"])
@pytest.mark.parametrize(("ahead", "accepted"), [(0, True), (10, True), (60, True), (61, False), (600, False)])
def test_clocks_may_differ_by_a_minute_and_no_more(member: str, ahead: int, accepted: bool) -> None:
    claims: dict[str, Any] = {member: seconds(ahead), "exp": seconds(ahead + 60)}
    if accepted:
        assert checked(**claims).client_id == "client"
        return
    with pytest.raises(OAuthError) as refused:
        checked(**claims)
    assert refused.value.code is ErrorCode.INVALID_CLIENT


@pytest.mark.spec("standards", "CA-7")
@pytest.mark.parametrize(
    ("claims", "accepted"),
    [
        ({"exp": seconds(3600)}, True),
        ({"exp": seconds(3661)}, False),
        ({"exp": seconds(3661), "iat": None}, False),
        ({"exp": seconds(86_400 * 365)}, False),
        ({"exp": seconds(-59)}, True),
        ({"exp": seconds(-60)}, False),
        ({"exp": seconds(-86_400)}, False),
        ({"exp": seconds(60), "iat": seconds(-7200)}, False),
        ({"iat": None}, True),
    ],
    ids=str,
)
def test_an_assertion_lives_an_hour_at_the_most(claims: dict[str, Any], accepted: bool) -> None:
    if accepted:
        assert checked(**claims).client_id == "client"
        return
    with pytest.raises(OAuthError) as refused:
        checked(**claims)
    assert refused.value.code is ErrorCode.INVALID_CLIENT


@pytest.mark.spec("standards", "CA-5")
@pytest.mark.spec("standards", "CA-7")
def test_what_a_strict_application_may_not_do_is_said() -> None:
    assert checked().laxity == ""
    assert checked(exp=seconds(300)).laxity == ""
    assert "string https://id.example" in checked(audience=[ISSUER]).laxity
    assert "string https://id.example" in checked(audience=TOKEN).laxity
    assert "longer than 300 seconds" in checked(exp=seconds(361)).laxity
    weak = jose.peek(signed(claims_of("client", ISSUER, NOW), key_of("client", "RS256")))
    assert "PS256" in client_assertion.check(weak, None, AUDIENCE, NOW).laxity


@pytest.mark.spec("standards", "CA-7")
def test_a_jti_leaves_the_same_marks_whatever_else_an_assertion_says() -> None:
    first, second = (checked(jti="one", exp=seconds(lifetime)).use for lifetime in (30, 3000))
    assert first.digest == second.digest
    assert set(first.hours) & set(second.hours) == {NOW.replace(minute=0)}
    assert checked(jti="two").use.digest != first.digest


@pytest.mark.spec("standards", "CA-7")
def test_the_marks_are_those_of_one_client() -> None:
    other = jose.peek(signed(claims_of("another", ISSUER, NOW, jti="one"), KEY))
    assert client_assertion.check(other, None, AUDIENCE, NOW).use.digest != checked(jti="one").use.digest


@pytest.mark.spec("standards", "CA-7")
def test_the_last_mark_is_that_of_the_hour_in_which_clocks_may_still_accept_it() -> None:
    late = NOW.replace(minute=58, second=30)
    jwt = jose.peek(signed(claims_of("client", ISSUER, late, exp=late.timestamp() + 50), KEY))
    hours = client_assertion.check(jwt, None, AUDIENCE, late).use.hours
    assert hours == (NOW.replace(minute=0), NOW.replace(minute=0) + timedelta(hours=1))


def test_an_assertion_stands_in_no_repr_and_in_no_refusal() -> None:
    text = signed(claims_of("client", ISSUER, NOW, jti="secret-jti"), KEY)
    jwt = found(text)
    assert jwt is not None
    assert "secret-jti" not in repr(client_assertion.check(jwt, None, AUDIENCE, NOW))
    with pytest.raises(OAuthError) as refused:
        checked(jti="secret-jti", exp=seconds(-600))
    assert "secret-jti" not in f"{refused.value} {refused.value.detail}"


@pytest.mark.parametrize("text", [unsigned(claims_of("client", ISSUER, NOW)), maced(claims_of("c", ISSUER, NOW), b"s")])
def test_what_is_found_is_not_believed_yet(text: str) -> None:
    assert found(text) is not None
