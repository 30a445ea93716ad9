"""What applications that register themselves may be, and what they are told (RFC 7591, RFC 7592)."""

import json
from contextlib import suppress
from typing import Any

import pytest

from app.crypto.hashing import digest
from app.crypto.jose_text import is_storable
from app.protocol import registration as rules
from app.protocol.client_metadata import ClientMetadata
from app.protocol.configuration import RegistrationRules
from app.protocol.errors import ErrorCode, OAuthError
from app.protocol.features import Feature, FeatureSet
from app.protocol.registration import Issued, Terms, WrongMediaType
from app.protocol.scopes import DEFAULT, ScopeRegistry

SCOPES = ScopeRegistry(DEFAULT, for_applications=("tokens:end",))
USUAL = FeatureSet.chosen({})
DEVICE = "urn:ietf:params:oauth:grant-type:device_code"
HERE = "https://client.example/cb"
ISSUED = Issued("c1", 1_780_000_000, "https://id.example/oauth/register/c1", "asra_x")


def judged(
    members: dict[str, Any] | None = None,
    *,
    limit: tuple[str, ...] | None = None,
    trusted: bool = False,
    features: FeatureSet = USUAL,
    signing: tuple[str, ...] = ("ES256", "RS256"),
    **changes: Any,
) -> ClientMetadata:
    terms = Terms(RegistrationRules(scopes=limit), SCOPES, features, signing, trusted)
    return rules.judge({"redirect_uris": [HERE], **(members or {}), **changes}, terms)


def refusal(**members: Any) -> OAuthError:
    with pytest.raises(OAuthError) as refused:
        judged(**members)
    return refused.value


def told(metadata: ClientMetadata, issued: Issued = ISSUED, *, openid: bool = True) -> dict[str, Any]:
    return rules.answer(metadata.document(), issued, name="Deploy Diary", native=False, openid=openid)


@pytest.mark.spec("standards", "DR-1")
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b'"x"',
        b"\xff{}",
        b'{"a": 1, "a": 2}',
        b"[" * 40 + b"]" * 40,
        b'{"a": NaN}',
        b"{}" + b" " * 131_071,
    ],
    ids=["empty", "broken", "list", "text", "not_utf8", "member_twice", "too_deep", "no_number", "too_large"],
)
def test_only_a_json_object_is_a_registration(body: bytes) -> None:
    with pytest.raises(OAuthError) as refused:
        rules.read(body, "application/json")
    assert refused.value.code is ErrorCode.INVALID_CLIENT_METADATA


@pytest.mark.spec("standards", "DR-1")
def test_it_comes_as_json_and_as_nothing_else() -> None:
    assert rules.read(b'{"client_name": "\xc3\xa4"}', "Application/JSON; charset=utf-8") == {"client_name": "ä"}
    for kind in (None, "", "text/json", "application/x-www-form-urlencoded"):
        with pytest.raises(WrongMediaType):
            rules.read(b"{}", kind)


@pytest.mark.spec("standards", "DR-1")
@pytest.mark.spec("standards", "DR-14")
def test_members_that_nobody_knows_and_those_of_the_server_are_passed_over() -> None:
    metadata = judged(client_id="https://client.example/me", client_secret="x", weather="fine", require_pkce=False)
    assert metadata == judged()


@pytest.mark.spec("standards", "DR-5")
@pytest.mark.spec("standards", "MB-6")
def test_empty_texts_and_nulls_are_members_that_were_left_out() -> None:
    left_out = ("client_name", "client_uri", "logo_uri", "tos_uri", "jwks_uri", "token_endpoint_auth_method", "scope")
    for nothing in ("", None):
        assert judged(dict.fromkeys(left_out, nothing)) == judged()


@pytest.mark.spec("standards", "DR-3")
@pytest.mark.spec("standards", "DR-5")
@pytest.mark.spec("standards", "DM-1")
def test_the_answer_has_what_was_left_to_the_server() -> None:
    jwks = {"keys": [{"kty": "RSA", "n": "AQAB", "e": "AQAB"}]}
    answer = told(judged(userinfo_encrypted_response_alg="RSA-OAEP-256", jwks=jwks))
    assert answer == {
        "client_id": "c1",
        "client_id_issued_at": 1_780_000_000,
        "client_secret_expires_at": 0,
        "registration_client_uri": "https://id.example/oauth/register/c1",
        "registration_access_token": "asra_x",
        "client_name": "Deploy Diary",
        "redirect_uris": [HERE],
        "grant_types": ["authorization_code"],
        "response_types": ["code"],
        "token_endpoint_auth_method": "client_secret_basic",
        "application_type": "web",
        "id_token_signed_response_alg": "RS256",
        "userinfo_encrypted_response_alg": "RSA-OAEP-256",
        "userinfo_encrypted_response_enc": "A128CBC-HS256",
        "jwks": jwks,
    }
    assert "id_token_signed_response_alg" not in told(judged(), openid=False)


@pytest.mark.spec("standards", "DR-3")
def test_a_secret_never_expires_and_there_is_none_without_a_method_for_it() -> None:
    issued = Issued("c1", 0, "u", "t", secret="s3cret")
    answer = told(judged(), issued)
    assert (answer["client_secret"], answer["client_secret_expires_at"]) == ("s3cret", 0)
    assert not {"client_secret", "client_secret_expires_at"} & told(judged(token_endpoint_auth_method="none")).keys()
    assert "s3cret" not in repr(issued)


@pytest.mark.spec("standards", "DR-3")
def test_what_was_registered_is_told_and_what_is_ours_is_not() -> None:
    stored = {
        **judged({"client_name#de": "Tagebuch"}, id_token_signed_response_alg="ES256").document(),
        **{"profile": "fapi2", rules.PERMITTED_BY: "an id", rules.STATEMENT: "e.y.J"},
    }
    answer = rules.answer(stored, ISSUED, name="Diary", native=True, openid=True)
    assert {name: answer[name] for name in ("client_name#de", "software_statement", "application_type")} == {
        "client_name#de": "Tagebuch",
        "software_statement": "e.y.J",
        "application_type": "native",
    }
    assert answer["id_token_signed_response_alg"] == "ES256"
    assert not {"profile", rules.PERMITTED_BY} & answer.keys()


@pytest.mark.spec("standards", "DR-4")
@pytest.mark.parametrize(
    ("asked", "kept"),
    [
        pytest.param(["authorization_code", "client_credentials"], ("authorization_code",), id="for_itself"),
        pytest.param(["refresh_token", "authorization_code"], ("refresh_token", "authorization_code"), id="usual"),
        pytest.param([DEVICE, "password"], (DEVICE,), id="device"),
        pytest.param(["authorization_code", "urn:example:new"], ("authorization_code",), id="unheard_of"),
        pytest.param([], ("authorization_code",), id="none"),
        pytest.param(None, ("authorization_code",), id="null"),
    ],
)
def test_what_strangers_may_not_do_is_left_out(asked: list[str] | None, kept: tuple[str, ...]) -> None:
    assert judged(grant_types=asked).grant_types == kept


@pytest.mark.spec("standards", "DR-4")
@pytest.mark.spec("standards", "DR-13")
def test_nothing_comes_of_a_registration_of_which_nothing_would_be_left() -> None:
    error = refusal(grant_types=["client_credentials"])
    assert error.code is ErrorCode.INVALID_CLIENT_METADATA
    assert "initial access token" in error.description
    assert "initial access token" not in refusal(grant_types=["password"], trusted=True).description
    without = FeatureSet(USUAL - {Feature.DEVICE_AUTHORIZATION})
    assert refusal(grant_types=[DEVICE], features=without).code is ErrorCode.INVALID_CLIENT_METADATA


@pytest.mark.spec("standards", "DR-2")
def test_whoever_was_let_in_by_a_token_may_be_more() -> None:
    machine = judged(redirect_uris=None, grant_types=["client_credentials"], trusted=True)
    assert machine.grant_types == ("client_credentials",)
    looks_on = judged(redirect_uris=None, grant_types=[], trusted=True)
    assert looks_on.grant_types == ()
    hybrid = judged(
        grant_types=["authorization_code", "implicit"], response_types=["code id_token", "id_token"], trusted=True
    )
    assert hybrid.response_types == ("code id_token", "id_token")
    without = FeatureSet(USUAL - {Feature.FRONT_CHANNEL_ID_TOKENS})
    assert judged(grant_types=["authorization_code", "implicit"], trusted=True, features=without).grant_types == (
        "authorization_code",
    )


@pytest.mark.spec("standards", "DR-6")
def test_response_types_follow_the_grant_types_that_are_left() -> None:
    both = {"grant_types": ["authorization_code", "implicit"], "response_types": ["id_token code", "code", "token"]}
    assert judged(both).response_types == ("code",)
    assert judged(grant_types=[DEVICE], redirect_uris=None, response_types=["code"]).response_types == ()
    assert judged(response_types=[]).response_types == ("code",)
    assert "code" in refusal(response_types=["token"]).description
    assert refusal(response_types=[7]).code is ErrorCode.INVALID_CLIENT_METADATA


@pytest.mark.spec("standards", "DR-12")
@pytest.mark.parametrize(
    ("members", "code"),
    [
        pytest.param({"redirect_uris": ["javascript:alert(1)"]}, ErrorCode.INVALID_REDIRECT_URI, id="script"),
        pytest.param({"redirect_uris": None}, ErrorCode.INVALID_REDIRECT_URI, id="nowhere"),
        pytest.param({"redirect_uris": HERE}, ErrorCode.INVALID_REDIRECT_URI, id="no_list"),
        pytest.param({"grant_types": "authorization_code"}, ErrorCode.INVALID_CLIENT_METADATA, id="grants_no_list"),
        pytest.param({"response_types": "code"}, ErrorCode.INVALID_CLIENT_METADATA, id="responses_no_list"),
        pytest.param({"scope": ["project:read"]}, ErrorCode.INVALID_CLIENT_METADATA, id="scope_no_text"),
        pytest.param({"client_name": "a\nb"}, ErrorCode.INVALID_CLIENT_METADATA, id="line_break"),
        pytest.param({"token_endpoint_auth_method": "smile"}, ErrorCode.INVALID_CLIENT_METADATA, id="no_method"),
    ],
)
def test_what_cannot_be_is_refused_with_the_code_of_its_member(members: dict[str, Any], code: ErrorCode) -> None:
    assert refusal(**members).code is code


@pytest.mark.spec("standards", "DR-13")
def test_a_stranger_learns_no_names_of_another_sector_by_a_device() -> None:
    both: dict[str, Any] = {"grant_types": ["authorization_code", DEVICE], "subject_type": "pairwise"}
    assert refusal(**both).description.startswith("subject_type is pairwise")
    assert judged(**both, trusted=True).grant_types == ("authorization_code", DEVICE)
    assert judged(**{**both, "subject_type": "public"}).grant_types == ("authorization_code", DEVICE)


@pytest.mark.spec("standards", "MB-6")
def test_no_method_is_put_in_the_place_of_another() -> None:
    error = refusal(token_endpoint_auth_method="tls_client_auth", tls_client_auth_san_dns="client.example")
    assert error.code is ErrorCode.INVALID_CLIENT_METADATA
    assert "client_secret_basic" in error.description


@pytest.mark.spec("standards", "DR-13")
@pytest.mark.spec("standards", "MB-6")
@pytest.mark.spec("standards", "MB-8")
@pytest.mark.parametrize("asked", [None, "project:read", "project:read no:such", ""])
def test_strangers_may_ask_for_what_the_operator_says_whatever_they_name(asked: str | None) -> None:
    assert judged(scope=asked).scope is None
    assert judged(scope=asked, limit=("project:read", "event:read")).scope == ("project:read", "event:read")


@pytest.mark.spec("standards", "DR-13")
def test_whoever_was_let_in_by_a_token_keeps_to_what_he_names() -> None:
    assert judged(trusted=True).scope is None
    assert judged(trusted=True, limit=("event:read",)).scope == ("event:read",)
    asked = "project:read event:read no:such tokens:end project:read"
    assert judged(trusted=True, scope=asked).scope == ("project:read", "event:read")
    assert judged(trusted=True, scope=asked, limit=("event:read",)).scope == ("event:read",)
    assert judged(trusted=True, scope="").scope == ()
    assert refusal(trusted=True, scope="no:such").code is ErrorCode.INVALID_CLIENT_METADATA


@pytest.mark.spec("standards", "DR-4")
def test_an_algorithm_that_the_server_has_stands_in_for_one_that_it_has_not() -> None:
    assert judged(signing=("ES256",)).id_token_signed_response_alg == "ES256"
    assert judged(signing=("ES256", "RS256")).id_token_signed_response_alg is None
    assert judged(signing=("ES256",), id_token_signed_response_alg="ES256").id_token_signed_response_alg == "ES256"


@pytest.mark.spec("standards", "DM-4")
@pytest.mark.parametrize(
    "members",
    [
        pytest.param({}, id="names_nobody"),
        pytest.param({"client_id": "c2"}, id="names_another"),
        *(pytest.param({"client_id": "c1", name: 1}, id=name) for name in rules.ISSUED),
        pytest.param({"client_id": "c1", "client_secret": "chosen"}, id="another_secret"),
        pytest.param({"client_id": "c1", "client_secret": 7}, id="no_secret_at_all"),
    ],
)
def test_a_replacement_says_nothing_that_is_for_the_server_to_say(members: dict[str, Any]) -> None:
    with pytest.raises(OAuthError) as refused:
        rules.check_replacement(members, "c1", [digest(b"right"), digest(b"older")])
    assert refused.value.code is ErrorCode.INVALID_CLIENT_METADATA


@pytest.mark.spec("standards", "DM-4")
def test_a_replacement_may_show_a_secret_that_counts() -> None:
    for secret in ("right", "older", None):
        members = json.loads(json.dumps({"client_id": "c1", "client_secret": secret}))
        rules.check_replacement(members, "c1", [digest(b"right"), digest(b"older")])


ODD: tuple[Any, ...] = (
    *(True, 0, -1, 1.5, 10**30, "", "x", "\ud800", "\x00", "ä" * 5000, "https://a.example/\ud800", "https://[", "a#b"),
    *([], [[]], [None], [{}], [7], ["\ud800"], ["https://a.example/\x00"], ["https://["], ["x"] * 101, {}, {"a": 1}),
    *({"keys": []}, {"keys": [{}]}, {"keys": [{"kty": "EC"}]}, {"keys": [{"kty": "\ud800"}]}, {"keys": "\x00"}),
)


@pytest.mark.spec("standards", "DR-12")
@pytest.mark.parametrize("member", [*ClientMetadata.model_fields, "client_name#de", "client_name#", "#", "unknown#x"])
def test_whatever_a_member_holds_is_refused_or_can_be_kept_and_told(member: str) -> None:
    for trusted in (False, True):
        for value in ODD:
            with suppress(OAuthError):
                metadata = judged({"token_endpoint_auth_method": "none", member: value}, trusted=trusted)
                assert is_storable(json.loads(json.dumps(told(metadata)))), value
