"""Request objects: which count, and what they say (RFC 9101, OpenID Connect Core §6, FAPI 2.0 Message Signing)."""

import json
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from app.crypto import jose
from app.crypto.jose import Jwt
from app.crypto.jose_text import encoded
from app.protocol.authorize import request_object
from app.protocol.authorize.checklist import Subject, run
from app.protocol.authorize.decide import Back, Known, decide
from app.protocol.authorize.request_object import Opened, Place
from app.protocol.authorize.return_path import NoReturnPath
from app.protocol.client_keys import KeyMaterial
from app.protocol.errors import ErrorCode, OAuthError
from app.protocol.facts import ClientFact
from app.protocol.features import FeatureSet
from app.protocol.params import Parameters, parse_form
from app.protocol.policy import ApplicationPolicy, ServerPolicy, effective
from app.protocol.request_settings import RequestSettings
from app.protocol.trace import Trace
from tests.support.assertions import key_of, key_set, maced, signed, unsigned
from tests.support.facts import CHALLENGE, ISSUER, NOW, REDIRECT_URI, REGISTRY, client

SERVER = ServerPolicy(issuer=ISSUER)
ON = FeatureSet.chosen({"request_objects_by_reference": True})
TYP = "oauth-authz-req+jwt"
ASKED = {
    "response_type": "code",
    "client_id": "client",
    "redirect_uri": REDIRECT_URI,
    "scope": "a",
    "code_challenge": CHALLENGE,
    "code_challenge_method": "S256",
}
KEYS = {"ES256": key_of("client"), "PS256": key_of("client", "PS256")}
SIGNING = client(key_material=KeyMaterial(jwks=tuple(key_set(*KEYS.values())["keys"])))
FAPI = replace(SIGNING, policy=ApplicationPolicy(fapi=True))
DEMANDING = replace(SIGNING, requests=RequestSettings(object_required=True))


def at(**later: float) -> int:
    """Return a moment as a JWT has it."""
    return int((NOW + timedelta(**later)).timestamp())


LASTING = {"iss": "client", "aud": ISSUER, "iat": at(), "nbf": at(), "exp": at(minutes=5), "jti": "one"}


def written(key: dict[str, Any] | None = None, header: dict[str, Any] | None = None, /, **claims: Any) -> str:
    """Return the object of a whole request, changed by keyword; None leaves a claim out."""
    said = {name: value for name, value in {**ASKED, **LASTING, **claims}.items() if value is not None}
    return signed(said, key or key_of("client"), **{"typ": TYP, **(header or {})})


def opened(
    text: str,
    beside: dict[str, str] | None = None,
    who: ClientFact = SIGNING,
    place: Place = "authorize",
    now: datetime = NOW,
    server: ServerPolicy = SERVER,
) -> Opened:
    """Take an object through all that is judged about it."""
    demanded = request_object.demands(who, server, place)
    jwt = request_object.read(text)
    request_object.judge(jwt, who, ISSUER, demanded, now)
    request_object.verify(jwt, who.key_material.jwks, demanded)
    params = Parameters.of({"client_id": "client", "request": text, **(beside or {})}.items())
    return request_object.effective_params(jwt, params, who, demanded, place)


def refusal(*asked: Any, code: str = "invalid_request_object", **changes: Any) -> str:
    with pytest.raises(OAuthError) as refused:
        opened(*asked, **changes)
    assert refused.value.code.wire == code
    return refused.value.description


@pytest.mark.spec("standards", "RO-1")
@pytest.mark.spec("standards", "RO-2")
@pytest.mark.parametrize(
    ("asked", "switches", "place", "code"),
    [
        (b"request=a&request_uri=b", {}, "authorize", "invalid_request"),
        (b"request=a&request_uri=b", {"request_objects": False}, "authorize", "invalid_request"),
        (b"request=a", {"request_objects": False}, "authorize", "request_not_supported"),
        (b"request=a", {"request_objects": False}, "par", "request_not_supported"),
        (b"request_uri=https%3A%2F%2Fa.example%2Fr", {}, "authorize", "request_uri_not_supported"),
        (b"request_uri=urn%3Aietf%3Aparams%3Aoauth%3Arequest_uri%3Ax", {}, "authorize", "request_uri_not_supported"),
        (b"request_uri=https%3A%2F%2Fa.example%2Fr", {"request_objects_by_reference": True}, "par", "invalid_request"),
    ],
)
def test_what_a_server_does_not_have_it_says_so(
    asked: bytes, switches: dict[str, bool], place: Place, code: str
) -> None:
    with pytest.raises(OAuthError) as refused:
        request_object.require_offered(parse_form(asked), FeatureSet.chosen(switches), place)
    assert refused.value.code.wire == code


@pytest.mark.spec("standards", "RO-2")
@pytest.mark.parametrize("asked", [b"scope=a", b"request=a", b"request_uri=https%3A%2F%2Fa.example%2Fr", b"request="])
def test_what_a_server_has_may_be_used(asked: bytes) -> None:
    request_object.require_offered(parse_form(asked), ON, "authorize")


@pytest.mark.spec("standards", "RO-3")
@pytest.mark.spec("standards", "RO-8")
@pytest.mark.parametrize("typ", [TYP, f"application/{TYP}", TYP.upper()])
def test_in_an_object_of_rfc_9101_is_the_whole_request(typ: str) -> None:
    beside = {"scope": "openid a b", "response_type": "code", "state": "outside", "prompt": "none"}
    found = opened(written(None, {"typ": typ}, scope="a"), beside)
    assert found == Opened(Parameters.of(ASKED.items()), signed=True)


@pytest.mark.spec("standards", "RO-3")
@pytest.mark.parametrize(
    ("who", "server"),
    [(FAPI, SERVER), (DEMANDING, SERVER), (SIGNING, replace(SERVER, require_signed_requests=True))],
    ids=["FAPI", "the application says so", "the server says so"],
)
def test_where_signatures_are_demanded_nothing_unsigned_counts(who: ClientFact, server: ServerPolicy) -> None:
    beside = {"scope": "openid a", "response_type": "code", "state": "outside"}
    found = opened(written(None, {"typ": None}, scope="openid a"), beside, who, server=server)
    assert found.signed
    assert found.params.get("state") is None


@pytest.mark.spec("standards", "RO-3")
@pytest.mark.parametrize("typ", [None, "JWT"])
def test_an_object_of_openid_connect_has_the_last_word_and_not_the_only_one(typ: str | None) -> None:
    beside = {"scope": "openid a b", "response_type": "code", "state": "outside", "nonce": "outside", "prompt": "login"}
    text = written(None, {"typ": typ}, scope="openid a", nonce="inside", client_id=None, resource=["https://a", "b"])
    found = opened(text, beside)
    assert not found.signed
    told = ("scope", "nonce", "state", "prompt", "request", "client_id")
    assert tuple(map(found.params.get, told)) == ("openid a", "inside", "outside", "login", None, "client")
    assert found.params.all("resource") == ("https://a", "b")


@pytest.mark.spec("standards", "RO-3")
def test_what_comes_twice_beside_an_object_stays_wrong() -> None:
    text = written(None, {"typ": None}, scope="openid")
    demanded = request_object.demands(SIGNING, SERVER, "authorize")
    params = parse_form(b"client_id=client&response_type=code&scope=openid&state=a&state=b")
    found = request_object.effective_params(request_object.read(text), params, SIGNING, demanded, "authorize")
    with pytest.raises(OAuthError, match="state was sent more than once"):
        found.params.require_unique()


@pytest.mark.spec("standards", "RO-3")
@pytest.mark.parametrize(
    ("claims", "beside", "code", "said"),
    [
        ({"response_type": "none"}, {"response_type": "code", "scope": "openid"}, "invalid_request_object",
         "response_type is not the one"),
        ({"client_id": "other"}, {"response_type": "code", "scope": "openid"}, "invalid_request_object",
         "client_id is not that"),
        ({"scope": "openid"}, {"response_type": "code", "scope": "a"}, "invalid_request",
         "scope with openid must stand beside"),
    ],
    ids=["another response type", "another client", "openid inside alone"],
)  # fmt: skip
def test_what_openid_connect_wants_beside_an_object_has_to_match(
    claims: dict[str, Any], beside: dict[str, str], code: str, said: str
) -> None:
    assert said in refusal(written(None, {"typ": None}, **claims), beside, code=code)


@pytest.mark.spec("standards", "RO-3")
@pytest.mark.parametrize(
    ("beside", "inside"),
    [
        ({}, {"scope": "openid a"}),
        ({"scope": "openid a"}, {}),
        ({"response_type": "code", "scope": "a", "state": "outside"}, {}),
    ],
    ids=["nothing beside", "no response type beside", "no OpenID request"],
)
def test_an_untyped_object_that_is_none_of_openid_connect_is_the_whole_request(
    beside: dict[str, str], inside: dict[str, str]
) -> None:
    found = opened(written(None, {"typ": None}, **inside), beside)
    assert found == Opened(Parameters.of({**ASKED, **inside}.items()), signed=True)


def test_the_response_type_may_be_spelt_in_another_order() -> None:
    beside = {"response_type": "id_token code", "scope": "openid"}
    assert opened(written(None, {"typ": None}, response_type="code id_token"), beside).params.get("response_type")


@pytest.mark.spec("standards", "RO-3")
@pytest.mark.parametrize(
    ("named", "said"), [("other", "client_id is not that"), (None, "lacks client_id"), ("", "lacks client_id")]
)
def test_an_object_names_its_own_application(named: str | None, said: str) -> None:
    assert said in refusal(written(client_id=named))


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
        (SIGNING, "PS256", "authorize", True),
        (replace(SIGNING, requests=RequestSettings(object_alg="PS256")), "PS256", "authorize", True),
        (replace(SIGNING, requests=RequestSettings(object_alg="PS256")), "ES256", "authorize", False),
        (replace(SIGNING, requests=RequestSettings(object_alg="none")), "ES256", "authorize", False),
        (replace(SIGNING, requests=RequestSettings(object_alg="PS256")), "ES256", "ciba", True),
        (replace(SIGNING, requests=RequestSettings(ciba_alg="PS256")), "ES256", "ciba", False),
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
    weak = key_of("client", "RS256")
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


@pytest.mark.spec("standards", "PAR-6")
@pytest.mark.parametrize("place", ["par", "ciba"])
def test_beside_what_is_pushed_stands_nothing_but_who_pushes_it(place: Place) -> None:
    credentials = {"client_secret": "s", "client_assertion": "a.b.c", "client_assertion_type": "t", "extra": "1"}
    assert opened(written(), credentials, SIGNING, place).signed
    for name in ("scope", "login_hint", "binding_message", "dpop_jkt", "claims"):
        said = refusal(written(), {name: "x"}, SIGNING, place, code="invalid_request")
        assert said == f"{name} stands beside the request object; all parameters belong inside"


@pytest.mark.parametrize("missing", ["iss", "aud", "exp", "iat", "nbf", "jti"])
def test_an_object_of_ciba_says_everything_about_itself(missing: str) -> None:
    assert f"lacks {missing}" in refusal(written(**{missing: None}), None, SIGNING, "ciba")


def test_an_object_of_ciba_need_not_name_its_application_twice() -> None:
    found = opened(written(client_id=None, requested_expiry=120, login_hint="ada"), None, SIGNING, "ciba")
    assert [found.params.get(name) for name in ("client_id", "requested_expiry", "login_hint")] == [
        *("client", "120", "ada")
    ]


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


@pytest.mark.spec("standards", "RO-11")
@pytest.mark.spec("standards", "RI-6")
@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("max_age", 3600, "3600"),
        ("max_age", "3600", "3600"),
        ("max_age", -1, "-1"),
        ("claims", {"userinfo": {"email": None, "name": {"a": "Ä"}}}, '{"userinfo":{"email":null,"name":{"a":"Ä"}}}'),
        ("claims", '{"userinfo":{}}', '{"userinfo":{}}'),
        ("authorization_details", [{"type": "payment"}], '[{"type":"payment"}]'),
        ("registration", {"client_name": "x"}, '{"client_name":"x"}'),
        ("scope", None, None),
        ("state", "", None),
        ("iss", "client", None),
        ("unknown", {"of": ["any", "kind"]}, None),
        ("unknown", 1, None),
        ("unknown", "text", "text"),
    ],
)  # fmt: skip
def test_claims_keep_their_json_types(name: str, value: Any, expected: str | None) -> None:
    claims = {**ASKED, name: value}
    demanded = request_object.demands(SIGNING, SERVER, "authorize")
    found = request_object.effective_params(
        Jwt({"typ": TYP}, claims), Parameters({}, {}), SIGNING, demanded, "authorize"
    )
    assert found.params.get(name) == expected


@pytest.mark.spec("standards", "RO-11")
@pytest.mark.spec("standards", "RI-6")
@pytest.mark.parametrize(
    ("resource", "expected"),
    [("https://a", ("https://a",)), (["https://a", "https://b"], ("https://a", "https://b")), ([], ())],
)
def test_a_resource_is_one_or_a_list(resource: Any, expected: tuple[str, ...]) -> None:
    assert opened(written(resource=resource)).params.all("resource") == expected


@pytest.mark.spec("standards", "RO-11")
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("scope", ["a", "b"]), ("redirect_uri", [REDIRECT_URI]), ("state", 1), ("max_age", True), ("max_age", 1.5),
        ("claims", []), ("authorization_details", {"type": "payment"}), ("resource", [1]), ("resource", {}),
        ("prompt", {}), ("response_mode", False), ("registration", []), ("code_challenge", 1),
    ],
)  # fmt: skip
def test_what_no_parameter_can_say_is_refused(name: str, value: Any) -> None:
    assert refusal(written(**{name: value})).endswith(f"its {name} is not of the type that this parameter has")


@pytest.mark.spec("standards", "RO-10")
@pytest.mark.parametrize(
    ("who", "server", "needed"),
    [
        (client(), SERVER, False),
        (client(), replace(SERVER, require_signed_requests=True), True),
        (client(requests=RequestSettings(object_required=True)), SERVER, True),
        (client(policy=ApplicationPolicy(signs_messages=True)), SERVER, True),
    ],
    ids=["nobody", "the server", "the application", "its profile"],
)
@pytest.mark.parametrize("where", ["authorize", "par"])
def test_where_signatures_are_demanded_a_request_without_one_is_refused(
    who: ClientFact, server: ServerPolicy, where: Any, *, needed: bool
) -> None:
    policy = replace(effective(server, who.policy, confidential=True), require_pushed_requests=False)
    plain = Subject(client=who, policy=policy, registry=REGISTRY, params=Parameters.of(ASKED.items()))
    assert run(replace(plain, signed=True), Trace(), where).scopes == ("a",)
    if not needed:
        assert run(plain, Trace(), where).scopes == ("a",)
        return
    with pytest.raises(OAuthError) as refused:
        run(plain, Trace(), where)
    assert refused.value.code.wire == "invalid_request"
    assert "has to sign its requests" in refused.value.description


REFUSED = OAuthError(ErrorCode.INVALID_REQUEST_OBJECT, "the request object is refused: it is old")


def known(**beside: str) -> Known:
    """Return what is known of a request whose object was refused."""
    params = Parameters.of({"client_id": "client", "state": "outside", **beside}.items())
    return Known(NOW, SERVER, REGISTRY, params, SIGNING, None, None, refusal=REFUSED)


@pytest.mark.spec("standards", "A1.2 (2)")
@pytest.mark.parametrize("beside", [{}, {"redirect_uri": REDIRECT_URI}, {"prompt": "none"}])
def test_a_refused_object_is_told_where_the_request_itself_says(beside: dict[str, str]) -> None:
    trace = Trace()
    verdict = decide(known(**beside), trace)
    assert isinstance(verdict, Back)
    assert (verdict.error, verdict.path.uri, verdict.path.state) == (REFUSED, REDIRECT_URI, "outside")
    assert [(step.check, step.outcome) for step in trace.steps] == [
        ("request object", "refused"),
        ("return path", "passed"),
    ]


@pytest.mark.spec("standards", "A1.2 (2)")
@pytest.mark.spec("standards", "A1.2 (3)")
@pytest.mark.parametrize("beside", [{"redirect_uri": "https://mallory.example/"}, {"response_mode": "unknown"}])
def test_where_that_is_nowhere_a_page_tells_what_is_wrong_with_the_object(beside: dict[str, str]) -> None:
    with pytest.raises(NoReturnPath) as refused:
        decide(known(**beside), Trace())
    assert (refused.value.case, refused.value.code) == ("request_object", ErrorCode.INVALID_REQUEST_OBJECT)
    assert refused.value.description == REFUSED.description
