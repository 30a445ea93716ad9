"""Client metadata: defaults, single members, and what must fit together."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.protocol.client_keys import KeyMaterial
from app.protocol.client_metadata import ClientMetadata, read
from app.protocol.errors import ErrorCode, OAuthError
from app.protocol.scopes import DEFAULT, ScopeRegistry
from tests.support.assertions import key_of, key_set

SCOPES = ScopeRegistry(DEFAULT)
CALLBACK = "https://client.example/cb"
KEYS = key_set(key_of("client"))
PUBLIC_KEY = {"kty": "EC", "crv": "P-256", "x": "AA", "y": "BB"}


def metadata(**members: Any) -> ClientMetadata:
    """Read a document that has a redirect URI and these members."""
    return read({"redirect_uris": [CALLBACK], **members}, SCOPES)


def refusal(**members: Any) -> OAuthError:
    """Return why a document is refused."""
    with pytest.raises(OAuthError) as refused:
        metadata(**members)
    return refused.value


@pytest.mark.spec("RFC 7591", "2")
def test_members_that_are_left_out_get_the_defaults_of_the_specification() -> None:
    found = metadata()
    assert found.grant_types == ("authorization_code",)
    assert found.response_types == ("code",)
    assert found.token_endpoint_auth_method == "client_secret_basic"
    assert found.confidential
    assert found.uses_secret
    assert found.scope is None


@pytest.mark.spec("RFC 7591", "2")
def test_unknown_members_are_ignored() -> None:
    assert metadata(favourite_colour="green") == metadata()


def test_nulls_and_empty_lists_count_as_absent() -> None:
    assert metadata(scope=None, contacts=[], grant_types=[], response_types=[], jwks=None) == metadata()


def test_an_empty_scope_is_no_scope_at_all_and_not_every_scope() -> None:
    assert metadata(scope="").scope == metadata(scope=[]).scope == ()
    assert metadata(scope="org:read team:read").scope == ("org:read", "team:read")


def test_what_names_no_grant_type_and_redirects_nowhere_may_only_introspect() -> None:
    found = read({"grant_types": []}, SCOPES)
    assert (found.grant_types, found.response_types) == ((), ())


@pytest.mark.spec("RFC 7591", "2")
@pytest.mark.parametrize("document", [{}, {"redirect_uris": []}, {"grant_types": ["implicit"], "response_types": []}])
def test_redirect_uris_are_demanded_by_grants_that_redirect(document: dict[str, Any]) -> None:
    with pytest.raises(OAuthError, match="redirect_uris is missing") as refused:
        read(document, SCOPES)
    assert refused.value.code is ErrorCode.INVALID_REDIRECT_URI


def test_an_unfinished_application_may_lack_its_redirect_uri_and_nothing_else() -> None:
    found = read({}, SCOPES, unfinished=True)
    assert (found.redirect_uris, found.grant_types, found.response_types) == ((), ("authorization_code",), ("code",))
    with pytest.raises(OAuthError, match="application_type must be native"):
        read({"redirect_uris": ["com.example.app:/cb"], "application_type": "web"}, SCOPES, unfinished=True)


@pytest.mark.spec("RFC 7591", "5")
@pytest.mark.parametrize(
    "uri",
    ["http://client.example/cb", "javascript:alert(1)", "data:x", f"{CALLBACK}#x", "/cb", "myapp:/cb", "https:///x"],
)
def test_a_redirect_uri_that_may_never_be_used_is_refused_by_its_own_error(uri: str) -> None:
    with pytest.raises(OAuthError) as refused:
        read({"redirect_uris": [CALLBACK, uri]}, SCOPES)
    assert refused.value.code is ErrorCode.INVALID_REDIRECT_URI
    assert refused.value.description.startswith("redirect_uris.1 must")


@pytest.mark.parametrize(
    ("members", "why"),
    [
        ({"response_types": ["code"], "grant_types": ["client_credentials"]}, "must have authorization_code"),
        ({"response_types": ["token"]}, "must have implicit"),
        ({"response_types": ["code id_token"]}, "must have implicit"),
        ({"grant_types": ["client_credentials"], "token_endpoint_auth_method": "none"}, "must not be none"),
        ({"jwks": {"keys": []}, "jwks_uri": "https://client.example/jwks"}, "exclude each other"),
        ({"token_endpoint_auth_method": "private_key_jwt"}, "needs jwks or jwks_uri"),
        ({"token_endpoint_auth_method": "self_signed_tls_client_auth"}, "needs jwks or jwks_uri"),
        ({"token_endpoint_auth_method": "tls_client_auth"}, "exactly one of"),
        (
            {
                "token_endpoint_auth_method": "tls_client_auth",
                "tls_client_auth_san_dns": "a.example",
                "tls_client_auth_san_ip": "192.0.2.1",
            },
            "exactly one of",
        ),
        ({"backchannel_token_delivery_mode": "ping"}, "backchannel_client_notification_endpoint"),
    ],
)
def test_members_that_contradict_each_other_are_refused(members: dict[str, Any], why: str) -> None:
    refused = refusal(**members)
    assert refused.code is ErrorCode.INVALID_CLIENT_METADATA
    assert why in refused.description


@pytest.mark.parametrize(
    ("member", "value", "why"),
    [
        ("token_endpoint_auth_method", "client_secret", "must be one of: client_secret_basic"),
        ("grant_types", ["magic"], "must be one of: authorization_code"),
        ("grant_types", 5, "must be a list"),
        ("grant_types", [{}], "must be a valid string"),
        ("response_types", ["cod"], "must be one of: code"),
        ("application_type", "desktop", "must be 'web' or 'native'"),
        ("scope", "org:fly", "unknown scope: org:fly"),
        ("client_name", "two\nlines", "line breaks"),
        ("client_name", "x" * 101, "at most 100"),
        ("client_uri", "javascript:alert(1)", "http or https"),
        ("logo_uri", "https://user@client.example/", "without a user name"),
        ("policy_uri", "https://é.example/", "ASCII"),
        ("backchannel_logout_uri", "https://[1:2]/", "absolute"),
        ("tos_uri", "https://client.example:99999/", "absolute"),
        ("initiate_login_uri", "http://client.example/", "https"),
        ("request_uris", ["https://user@client.example/"], "without a user name"),
        ("token_endpoint_auth_signing_alg", "none", "must not be none"),
        ("jwks", {"keys": "none"}, "JWK set"),
        ("jwks", {"keys": [{}]}, "JWK set"),
        ("jwks", {"keys": [{"kty": "oct", "k": "AA"}]}, "public keys only"),
        ("jwks", {"keys": [{**PUBLIC_KEY, "kid": "a\0b"}]}, "control characters"),
        ("jwks", {"keys": [{**PUBLIC_KEY, "x5c": [{"\ud800": 1}]}]}, "control characters"),
        ("jwks", {"keys": [{**PUBLIC_KEY, "x": [1, -(2**53)]}]}, "numbers"),
        ("jwks", {"keys": [{**PUBLIC_KEY, "d": "AA"}]}, "public keys only"),
        ("contacts", [str(number) for number in range(101)], "at most 100 items"),
        ("default_max_age", -1, "greater than or equal to 0"),
        ("client_name#", "x", "language tag"),
        ("client_name#d_e", "x", "language tag"),
        ("client_name#\ud800", "x", "language tag"),
    ],
)
def test_a_member_with_a_value_it_cannot_have_is_named_with_the_rule(member: str, value: object, why: str) -> None:
    refused = refusal(**{member: value})
    assert refused.code is ErrorCode.INVALID_CLIENT_METADATA
    assert refused.description.startswith(member.partition("#")[0])
    assert why.replace('"', "'") in refused.description


def test_a_document_that_is_no_object_is_refused() -> None:
    with pytest.raises(OAuthError, match="invalid_client_metadata"):
        read([], SCOPES)  # type: ignore[arg-type]


def test_the_words_of_a_response_type_have_no_order() -> None:
    found = metadata(response_types=["token code"], grant_types=["authorization_code", "implicit"])
    assert found.response_types == ("code token",)


def test_repeated_list_entries_are_registered_once() -> None:
    assert metadata(redirect_uris=[CALLBACK, CALLBACK]).redirect_uris == (CALLBACK,)


@pytest.mark.spec("OpenID Connect Registration", "2")
def test_a_private_scheme_belongs_to_a_native_application() -> None:
    document = {"redirect_uris": ["com.example.app:/cb"], "token_endpoint_auth_method": "none"}
    assert not read(document, SCOPES).confidential
    assert read({**document, "application_type": "native"}, SCOPES).application_type == "native"
    with pytest.raises(OAuthError, match="must be native"):
        read({**document, "application_type": "web"}, SCOPES)


def test_a_web_application_may_be_developed_on_a_loopback_address() -> None:
    document = {"redirect_uris": ["http://localhost:8001/callback"], "application_type": "web"}
    assert read(document, SCOPES).redirect_uris == ("http://localhost:8001/callback",)


def test_members_in_more_languages_than_people_read_are_refused() -> None:
    many = {f"client_name#x-{number}": "Diary" for number in range(100)}
    assert len(metadata(**many).localized) == 100
    assert "more than 100" in refusal(**many, **{"tos_uri#de": "https://client.example/agb"}).description


@pytest.mark.spec("RFC 7591", "2.2")
def test_human_readable_members_may_carry_a_language_tag() -> None:
    found = metadata(**{"client_name": "Shop", "client_name#de-AT": "Geschäft"})
    assert found.client_name == "Shop"
    assert found.localized == {"client_name#de-AT": "Geschäft"}
    assert found.document()["client_name#de-AT"] == "Geschäft"


def test_the_place_where_tagged_members_are_kept_is_no_member_itself() -> None:
    assert metadata(localized={"client_name#de": "x"}).localized == {}


@pytest.mark.spec("standards", "DR-6")
@pytest.mark.spec("standards", "RT-4")
@pytest.mark.spec("standards", "RT-9")
@pytest.mark.parametrize(
    ("response_types", "waiting"),
    [
        (["code", "id_token code"], ()),
        (["id_token", "none"], ()),
        (["code"], ("grant_types implicit",)),
        (["code token"], ("grant_types implicit", "response_types code token")),
        (["id_token", "id_token token"], ("response_types id_token token",)),
    ],
)
def test_what_comes_through_the_browser_is_in_effect_but_for_tokens_that_the_operator_has_to_allow(
    response_types: list[str], waiting: tuple[str, ...]
) -> None:
    found = metadata(
        response_types=response_types,
        grant_types=["authorization_code", "implicit"],
        response_modes=["form_post"],
    )
    assert found.not_in_effect() == waiting
    assert found.openid().response_modes == ("form_post",)


@pytest.mark.spec("standards", "CA-1")
@pytest.mark.parametrize(
    "members",
    [
        {"token_endpoint_auth_method": "private_key_jwt", "jwks": KEYS},
        {
            "token_endpoint_auth_method": "private_key_jwt",
            "jwks_uri": "https://client.example/jwks",
            "token_endpoint_auth_signing_alg": "PS256",
        },
        {"token_endpoint_auth_method": "self_signed_tls_client_auth", "jwks": KEYS},
        {"token_endpoint_auth_method": "tls_client_auth", "tls_client_auth_subject_dn": "CN=client"},
    ],
)
def test_methods_with_keys_are_in_effect_and_need_no_secret(members: dict[str, Any]) -> None:
    found = metadata(**members)
    assert found.not_in_effect() == ()
    assert found.confidential
    assert not found.uses_secret


def test_a_client_that_makes_macs_needs_a_secret() -> None:
    assert metadata(token_endpoint_auth_method="client_secret_jwt").uses_secret


@pytest.mark.spec("standards", "MT-4")
@pytest.mark.spec("standards", "DP-8")
@pytest.mark.parametrize("member", ["dpop_bound_access_tokens", "tls_client_certificate_bound_access_tokens"])
def test_bound_tokens_are_in_effect(member: str) -> None:
    found = metadata(**{member: True})
    assert found.not_in_effect() == ()


def test_what_a_client_proves_itself_with_is_read_out_of_its_metadata() -> None:
    found = metadata(
        jwks=KEYS,
        token_endpoint_auth_method="private_key_jwt",
        token_endpoint_auth_signing_alg="ES256",
        introspection_signed_response_alg="RS256",
        introspection_encrypted_response_alg="RSA-OAEP-256",
        introspection_encrypted_response_enc="A256GCM",
    )
    assert found.key_material() == KeyMaterial(
        jwks=tuple(KEYS["keys"]),
        signing_alg="ES256",
        introspection_signing_alg="RS256",
        introspection_encryption_alg="RSA-OAEP-256",
        introspection_encryption_enc="A256GCM",
    )
    assert metadata(jwks_uri="https://client.example/k").key_material().jwks_uri == "https://client.example/k"
    subject = metadata(token_endpoint_auth_method="tls_client_auth", tls_client_auth_san_uri="spiffe://a")
    assert subject.key_material().tls_subject == ("tls_client_auth_san_uri", "spiffe://a")


@pytest.mark.spec("standards", "JV-1")
@pytest.mark.spec("standards", "JV-6")
@pytest.mark.spec("standards", "CA-9")
@pytest.mark.parametrize(
    ("members", "why"),
    [
        ({"jwks": {"keys": []}}, "needs jwks or jwks_uri"),
        ({"jwks": {"keys": [*KEYS["keys"], PUBLIC_KEY]}}, "jwks.keys.1 has numbers that make no key"),
        ({"jwks": {"keys": [{"kty": "EC", "crv": "P-256"}]}}, "jwks.keys.0 lacks one of"),
        ({"jwks": {"keys": [{"kty": "magic"}]}}, "jwks.keys.0 has a kty other than"),
        ({"jwks": KEYS, "token_endpoint_auth_signing_alg": "HS256"}, "must be one of ES256"),
        ({"jwks": KEYS, "token_endpoint_auth_signing_alg": "RS256"}, "no key in jwks is for that"),
        ({"jwks": KEYS, "token_endpoint_auth_signing_alg": "ES384"}, "no key in jwks is for that"),
        ({"token_endpoint_auth_method": "client_secret_jwt", "token_endpoint_auth_signing_alg": "ES256"}, "HS256"),
        ({"token_endpoint_auth_method": "tls_client_auth", "tls_client_auth_san_ip": "a.example"}, "an IP address"),
        ({"token_endpoint_auth_method": "tls_client_auth", "tls_client_auth_subject_dn": "client"}, "without ="),
    ],
)
def test_keys_algorithms_and_names_that_could_never_prove_anything_are_refused(
    members: dict[str, Any], why: str
) -> None:
    refused = refusal(**{"token_endpoint_auth_method": "private_key_jwt", **members})
    assert refused.code is ErrorCode.INVALID_CLIENT_METADATA
    assert why in refused.description


@pytest.mark.spec("standards", "CA-9")
def test_a_certificate_may_be_registered_whose_kind_of_key_nobody_here_knows() -> None:
    chain = {"keys": [{"kty": "AKP", "x5c": ["AA=="]}]}
    assert metadata(token_endpoint_auth_method="self_signed_tls_client_auth", jwks=chain).jwks == chain


def test_a_set_of_keys_is_bounded() -> None:
    assert "at most 50 keys" in refusal(jwks={"keys": [PUBLIC_KEY] * 51}).description
    assert "65536 bytes" in refusal(jwks={"keys": [{**PUBLIC_KEY, "x5c": ["A" * 65_536]}]}).description


def test_an_algorithm_is_stored_as_it_is_named() -> None:
    assert metadata(authorization_signed_response_alg="ES256").authorization_signed_response_alg == "ES256"


def test_what_is_stored_without_effect_is_told() -> None:
    found = metadata(
        grant_types=["authorization_code", "implicit"],
        response_types=["code", "token"],
        authorization_details_types=["payment"],
    )
    assert found.not_in_effect() == ("grant_types implicit", "response_types token")


@given(
    st.fixed_dictionaries(
        {"redirect_uris": st.lists(st.sampled_from([CALLBACK, "http://127.0.0.1/cb"]), min_size=1)},
        optional={
            "scope": st.lists(st.sampled_from([scope.name for scope in DEFAULT])).map(" ".join),
            "client_name": st.text(st.characters(categories=["L", "N"]), max_size=20),
            "grant_types": st.lists(st.sampled_from(["authorization_code", "refresh_token"]), min_size=1).map(
                lambda types: ["authorization_code", *types]
            ),
            "dpop_bound_access_tokens": st.booleans(),
            "client_name#fr": st.text(st.characters(categories=["L"]), max_size=20),
        },
    )
)
def test_what_was_read_is_written_and_read_again_to_the_same(document: dict[str, Any]) -> None:
    found = read(document, SCOPES)
    assert read(found.document(), SCOPES).document() == found.document()
