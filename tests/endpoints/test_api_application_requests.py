"""How an application asks and is answered, registered over the JSON API; and the profile, which is the operator's."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.support.api_person import assert_problem
from tests.support.assertions import key_of, key_set, register
from tests.support.own_applications import PATH, Developer, developer, of
from tests.support.service import Service

HERE = "https://diary.example/cb"
TO_ENCRYPT_FOR = {name: key_of("diary, sealed")[name] for name in ("kty", "crv", "x", "y")}
KEYED: dict[str, Any] = {
    "token_endpoint_auth_method": "private_key_jwt",
    "jwks": {"keys": [*key_set(key_of("diary"))["keys"], TO_ENCRYPT_FOR]},
    "redirect_uris": [HERE],
}


@pytest.fixture
async def robin(site: Service) -> AsyncIterator[Developer]:
    async with site.browser() as browser:
        yield await developer(browser, "robin")


async def test_everything_about_requests_and_answers_is_taken_told_and_in_effect(
    site: Service, robin: Developer
) -> None:
    members = {
        "require_pushed_authorization_requests": True,
        "require_signed_request_object": True,
        "request_uris": ["https://diary.example/request.jwt"],
        "request_object_signing_alg": "ES256",
        "response_modes": ["jwt", "query.jwt"],
        "authorization_signed_response_alg": "ES256",
        "authorization_encrypted_response_alg": "ECDH-ES",
        "authorization_encrypted_response_enc": "A256GCM",
        "authorization_details_types": ["payment"],
        "introspection_signed_response_alg": "ES256",
        "introspection_encrypted_response_alg": "ECDH-ES",
        "introspection_encrypted_response_enc": "A256GCM",
        "grant_types": ["authorization_code", "urn:openid:params:grant-type:ciba"],
        "backchannel_token_delivery_mode": "ping",
        "backchannel_client_notification_endpoint": "https://diary.example/told",
        "backchannel_authentication_request_signing_alg": "ES256",
    }
    made = await robin.made(**KEYED)
    assert (made["response_modes"], made["request_object_signing_alg"], made["profile"]) == ([], None, "oauth2.1")
    answered = await robin.send("PATCH", of(made), members)
    assert answered.status_code == 200, answered.text
    assert {name: (await robin.read(made))[name] for name in members} == members
    client = await site.database.hot.gather_client(made["client_id"])
    assert client is not None
    assert client.requests.push_required
    assert client.requests.object_required
    assert (client.requests.object_alg, client.requests.answer_encryption) == ("ES256", ("ECDH-ES", "A256GCM"))
    assert (client.requests.ciba_mode, client.openid.response_modes) == ("ping", ("jwt", "query.jwt"))
    back = {"require_pushed_authorization_requests": False, "response_modes": [], "authorization_details_types": []}
    assert (await robin.send("PATCH", of(made), back)).status_code == 200
    assert {name: (await robin.read(made))[name] for name in back} == back


async def test_what_cannot_be_is_refused_at_its_member(robin: Developer) -> None:
    made = await robin.made(**KEYED)
    for member, value in (
        ("request_object_signing_alg", "none"),
        ("authorization_signed_response_alg", "HS256"),
        ("response_modes", ["web_message"]),
        ("request_uris", ["http://diary.example/request.jwt"]),
        ("backchannel_token_delivery_mode", "push"),
    ):
        answered = await robin.send("PATCH", of(made), {member: value})
        assert_problem(answered, 400, "invalid-request")
        assert member in answered.text


@pytest.mark.spec("standards", "F-6")
@pytest.mark.spec("standards", "F-20")
async def test_the_profile_is_the_operators_and_holds_the_owner(site: Service, robin: Developer) -> None:
    refused = await robin.send("POST", PATH, {**KEYED, "profile": "fapi2"})
    assert_problem(refused, 400, "invalid-request")
    members = {**KEYED, "grant_types": ["authorization_code"], "id_token_signed_response_alg": "ES256"}
    await register(site, client_id="held", owner="robin", profile="fapi2", **members)
    made = {"client_id": "held"}
    assert (await robin.read(made))["profile"] == "fapi2"
    for member, value in (
        ("redirect_uris", ["http://localhost:3000/cb"]),
        ("id_token_signed_response_alg", "RS256"),
        ("token_endpoint_auth_method", "client_secret_basic"),
    ):
        answered = await robin.send("PATCH", of(made), {member: value})
        assert_problem(answered, 400, "invalid-request")
        assert "because of the profile fapi2" in answered.text, answered.text
