"""What request objects say: the parameters that count, by RFC 9101 and by OpenID Connect Core §6."""

from dataclasses import replace
from typing import Any

import pytest

from app.crypto.jose import Jwt
from app.protocol.authorize import request_object
from app.protocol.authorize.checklist import run
from app.protocol.authorize.decide import Back, Known, decide
from app.protocol.authorize.request_object import Opened, Place
from app.protocol.authorize.return_path import NoReturnPath
from app.protocol.authorize.subject import Subject
from app.protocol.errors import ErrorCode, OAuthError
from app.protocol.facts import ClientFact
from app.protocol.features import FeatureSet
from app.protocol.params import Parameters, parse_form
from app.protocol.policy import ApplicationPolicy, ServerPolicy, effective
from app.protocol.request_settings import RequestSettings
from app.protocol.trace import Trace
from tests.support.facts import NOW, REDIRECT_URI, REGISTRY, client
from tests.support.signing_client import ASKED, DEMANDING, FAPI, SERVER, SIGNING, TYP, opened, refusal, written

ON = FeatureSet.chosen({"request_objects_by_reference": True})


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


@pytest.mark.spec("standards", "PAR-6")
@pytest.mark.parametrize("place", ["par", "ciba"])
def test_beside_what_is_pushed_stands_nothing_but_who_pushes_it(place: Place) -> None:
    credentials = {"client_secret": "s", "client_assertion": "a.b.c", "client_assertion_type": "t", "extra": "1"}
    assert opened(written(), credentials, SIGNING, place).signed
    for name in ("scope", "login_hint", "binding_message", "dpop_jkt", "claims"):
        said = refusal(written(), {name: "x"}, SIGNING, place, code="invalid_request")
        assert said == f"{name} stands beside the request object; all parameters belong inside"


def test_an_object_of_ciba_need_not_name_its_application_twice() -> None:
    found = opened(written(client_id=None, requested_expiry=120, login_hint="ada"), None, SIGNING, "ciba")
    assert [found.params.get(name) for name in ("client_id", "requested_expiry", "login_hint")] == [
        *("client", "120", "ada")
    ]


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
