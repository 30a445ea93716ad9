"""Response types and modes: what a server has, what an application may ask for, and how the answer travels."""

from dataclasses import replace

import pytest

from app.protocol import response_types
from app.protocol.errors import OAuthError
from app.protocol.facts import ClientFact
from app.protocol.features import FeatureSet
from app.protocol.openid_settings import OpenIdSettings
from app.protocol.policy import ApplicationPolicy, ServerPolicy, effective
from app.protocol.request_settings import RequestSettings
from tests.support.facts import ISSUER, client

_ALL_OFF = {"front_channel_id_tokens": False, "form_post": False}
_HYBRID = ("code id_token", "id_token", "none")
_LEGACY = ("token", "code token")
_BOTH = ("id_token token", "code id_token token")


def server(**switches: bool) -> ServerPolicy:
    """Return the policy of a server whose features are the defaults, changed by `switches`."""
    features = FeatureSet.chosen(switches)
    return ServerPolicy(
        issuer=ISSUER, response_types=response_types.offered(features), response_modes=response_types.modes(features)
    )


def registered(response_type: str, **changes: object) -> ClientFact:
    """Return an application that is registered for one response type, with the grant types that it needs."""
    grants = frozenset(response_types.grants_of(response_type))
    return client(**{"response_types": frozenset({response_type}), "grant_types": grants, **changes})


def refusal(response_type: str | None, who: ClientFact, policy: ServerPolicy) -> str:
    """Return the error for a response type, empty when it may be had."""
    try:
        response_types.check(response_type, who, effective(policy, who.policy, confidential=True))
    except OAuthError as refused:
        return refused.code.wire
    return ""


@pytest.mark.spec("standards", "A7.1 response_types_supported")
@pytest.mark.parametrize(
    ("switches", "expected"),
    [
        ({}, ("code", *_HYBRID)),
        ({"front_channel_id_tokens": False}, ("code",)),
        ({"front_channel_id_tokens": False, "implicit": True}, ("code", *_LEGACY)),
        ({"implicit": True}, ("code", *_HYBRID, *_LEGACY, *_BOTH)),
    ],
    ids=["as it comes", "codes alone", "legacy", "everything"],
)
def test_the_features_say_which_response_types_there_are(switches: dict[str, bool], expected: tuple[str, ...]) -> None:
    policy = server(**switches)
    assert policy.response_types == expected
    assert policy.implicit is bool(switches.get("implicit"))


def test_each_of_them_has_one_spelling_and_they_are_all_that_can_be_registered() -> None:
    everything = server(implicit=True).response_types
    assert set(everything) == set(response_types.EVERY)
    assert all(response_types.canonical(name) == name for name in everything)


@pytest.mark.spec("standards", "A1.3 response_type")
@pytest.mark.parametrize("text", ["code id_token", "id_token code"])
def test_the_words_of_a_response_type_have_no_order(text: str) -> None:
    assert response_types.canonical(text) == "code id_token"
    assert refusal(text, registered("code id_token"), server()) == ""


@pytest.mark.spec("standards", "DR-6")
@pytest.mark.parametrize(
    ("response_type", "grants"),
    [
        ("code", ("authorization_code",)),
        ("id_token", ("implicit",)),
        ("code id_token", ("authorization_code", "implicit")),
        ("none", ()),
    ],
)
def test_each_word_needs_its_grant_type(response_type: str, grants: tuple[str, ...]) -> None:
    assert response_types.grants_of(response_type) == grants
    who = registered(response_type)
    assert refusal(response_type, who, server()) == ""
    for grant in grants:
        lacking = replace(who, grant_types=who.grant_types - {grant})
        assert refusal(response_type, lacking, server()) == "unauthorized_client"


@pytest.mark.spec("standards", "A1.2 (6)")
@pytest.mark.parametrize("response_type", ["id_token", "code id_token", "none"])
def test_missing_unknown_and_not_registered_are_three_errors(response_type: str) -> None:
    who = registered(response_type)
    assert refusal(None, who, server()) == "invalid_request"
    assert refusal("sometimes", who, server()) == "unsupported_response_type"
    assert refusal(response_type, who, server(**_ALL_OFF)) == "unsupported_response_type"
    assert refusal(response_type, client(), server()) == "unauthorized_client"


def test_whoever_is_not_registered_reads_what_to_register() -> None:
    policy = effective(server(), ApplicationPolicy(), confidential=True)
    with pytest.raises(OAuthError) as hybrid:
        response_types.check("id_token code", client(), policy)
    assert hybrid.value.description.endswith(
        "its owner can add it to response_types and authorization_code, implicit to grant_types"
    )
    with pytest.raises(OAuthError) as nothing:
        response_types.check("none", client(), policy)
    assert nothing.value.description.endswith("its owner can add it to response_types")


@pytest.mark.spec("standards", "RT-1")
@pytest.mark.spec("standards", "RT-2")
@pytest.mark.parametrize(
    ("response_type", "mode"),
    [
        ("code", "query"),
        ("none", "query"),
        (None, "query"),
        ("id_token", "fragment"),
        ("id_token code", "fragment"),
        ("code token", "fragment"),
    ],
)
def test_whatever_vouches_for_a_person_or_opens_a_door_stands_in_no_query(response_type: str | None, mode: str) -> None:
    policy = server(implicit=True)
    assert response_types.default_mode(response_type, policy) == mode
    possible = response_types.possible_modes(response_type, policy, client())
    assert ("query" in possible) is ("query.jwt" in possible) is (mode == "query")
    assert {"fragment", "form_post", "fragment.jwt", "form_post.jwt", "jwt"} <= set(possible)


@pytest.mark.spec("standards", "RT-6")
@pytest.mark.spec("standards", "RT-7")
@pytest.mark.spec("standards", "RT-10")
@pytest.mark.spec("standards", "A7.1 response_modes_supported")
@pytest.mark.parametrize(
    ("switches", "modes"),
    [
        ({}, ("query", "fragment", "form_post", "query.jwt", "fragment.jwt", "form_post.jwt", "jwt")),
        ({"form_post": False}, ("query", "fragment", "query.jwt", "fragment.jwt", "jwt")),
        ({"signed_answers": False}, ("query", "fragment", "form_post")),
    ],
    ids=["as it comes", "without form_post", "without signed answers"],
)
def test_the_features_say_which_modes_there_are(switches: dict[str, bool], modes: tuple[str, ...]) -> None:
    assert response_types.possible_modes("code", server(**switches), client()) == modes


@pytest.mark.spec("standards", "RT-7")
@pytest.mark.parametrize(
    ("mode", "response_type", "meant", "carrier"),
    [
        ("jwt", "code", "query.jwt", "query"),
        ("jwt", "none", "query.jwt", "query"),
        ("jwt", None, "query.jwt", "query"),
        ("jwt", "id_token code", "fragment.jwt", "fragment"),
        ("jwt", "id_token", "fragment.jwt", "fragment"),
        ("form_post.jwt", "code", "form_post.jwt", "form_post"),
        ("fragment", "code", "fragment", "fragment"),
    ],
)
def test_jwt_is_short_for_the_mode_of_the_response_type(
    mode: str, response_type: str | None, meant: str, carrier: str
) -> None:
    assert response_types.spelt_out(mode, response_type, server()) == meant
    assert response_types.carrier(meant) == carrier
    assert response_types.is_signed(mode) is response_types.is_signed(meant) is meant.endswith(".jwt")


@pytest.mark.spec("standards", "RT-8")
def test_an_id_token_stands_in_a_query_only_where_nobody_can_read_it() -> None:
    encrypted = client(requests=RequestSettings(answer_encryption=("ECDH-ES", "A256GCM")))
    assert "query.jwt" in response_types.possible_modes("code id_token", server(), encrypted)
    assert "query" not in response_types.possible_modes("code id_token", server(), encrypted)


@pytest.mark.spec("standards", "FM-2")
@pytest.mark.spec("standards", "RT-9")
def test_an_application_that_is_held_to_message_signing_gets_no_plain_answer() -> None:
    signed = client(policy=ApplicationPolicy(fapi=True, signs_messages=True))
    modes = response_types.possible_modes("code", server(), signed)
    assert modes == ("query.jwt", "fragment.jwt", "form_post.jwt", "jwt")
    held = client(policy=ApplicationPolicy(signs_messages=True), openid=OpenIdSettings(response_modes=("query", "jwt")))
    assert response_types.possible_modes("code", server(), held) == ("jwt",)
    assert response_types.possible_modes("code", server(signed_answers=False), signed) == ()


@pytest.mark.spec("standards", "RT-9")
@pytest.mark.parametrize(
    ("modes", "possible"),
    [
        (("form_post",), ("form_post",)),
        (("fragment", "query", "form_post.jwt"), ("query", "fragment", "form_post.jwt")),
        (("jwt",), ("jwt",)),
        (("web_message",), ()),
    ],
    ids=["one", "some", "signed alone", "none that there is"],
)
def test_an_application_is_held_to_the_modes_that_it_registered(
    modes: tuple[str, ...], possible: tuple[str, ...]
) -> None:
    held = client(openid=OpenIdSettings(response_modes=modes))
    assert response_types.possible_modes("code", server(), held) == possible
