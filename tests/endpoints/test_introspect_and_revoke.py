"""POST /oauth/introspect and /oauth/revoke at the wire (standards A4, A5)."""

from hashlib import sha256
from uuid import UUID

import httpx
import pytest

from app.crypto.secrets import new_id
from app.models import ApiKey, Organization, PersonalToken, User
from tests.support.credentials import api_key, change, personal_token
from tests.support.membership import found, join
from tests.support.service import ISSUER, SECRET, Service, answer_of, authorize_url, obtain_code, redeem


async def bought(browser: httpx.AsyncClient, client_id: str = "web") -> dict[str, str]:
    answer = await redeem(browser, client_id, await obtain_code(browser, client_id, "robin"))
    tokens: dict[str, str] = answer.json()
    return tokens


async def introspect(browser: httpx.AsyncClient, token: str, client_id: str = "web") -> httpx.Response:
    return await browser.post("/oauth/introspect", data={"token": token}, auth=(client_id, SECRET))


async def revoke(browser: httpx.AsyncClient, token: str, client_id: str = "web") -> httpx.Response:
    return await browser.post("/oauth/revoke", data={"token": token}, auth=(client_id, SECRET))


@pytest.mark.spec("standards", "IN-4")
@pytest.mark.spec("standards", "IN-8")
async def test_an_active_token(browser: httpx.AsyncClient) -> None:
    tokens = await bought(browser)
    answer = await introspect(browser, tokens["access_token"])
    body = answer.json()
    assert answer.headers["cache-control"] == "no-store"
    assert body["active"] is True
    assert (body["client_id"], body["username"], body["scope"], body["iss"]) == ("web", "robin", "project:read", ISSUER)
    assert body["exp"] - body["iat"] == 3600
    assert set(body) == {
        *("active", "client_id", "username", "token_type", "exp", "iat", "sub", "iss", "jti", "scope", "auth_time"),
        "acr",
    }


@pytest.mark.spec("standards", "IN-1")
async def test_a_hint_is_not_needed_and_a_wrong_one_does_not_mislead(browser: httpx.AsyncClient) -> None:
    tokens = await bought(browser)
    for hint in ("access_token", "refresh_token", "nonsense"):
        data = {"token": tokens["access_token"], "token_type_hint": hint}
        assert (await browser.post("/oauth/introspect", data=data, auth=("web", SECRET))).json()["active"]


@pytest.mark.spec("standards", "IN-7")
async def test_a_resource_server_sees_access_tokens_and_no_refresh_tokens(browser: httpx.AsyncClient) -> None:
    tokens = await bought(browser)
    assert (await introspect(browser, tokens["access_token"], "other")).json()["active"]
    assert (await introspect(browser, tokens["refresh_token"], "other")).json() == {"active": False}
    own = (await introspect(browser, tokens["refresh_token"])).json()
    assert (own["active"], own["token_type"]) == (True, "refresh_token")


@pytest.mark.spec("standards", "IN-3")
@pytest.mark.spec("standards", "RV-3")
@pytest.mark.parametrize("token", ["x", "asat_", "asat_" + "A" * 70, "asrt_" + "A" * 75, "ä", "asac_" + "A" * 70])
async def test_every_other_string_is_inactive_and_revoked_with_200(browser: httpx.AsyncClient, token: str) -> None:
    answer = await introspect(browser, token)
    assert (answer.status_code, answer.json()) == (200, {"active": False})
    gone = await revoke(browser, token)
    assert (gone.status_code, gone.content) == (200, b"")


@pytest.mark.spec("standards", "IN-5")
async def test_a_token_expires(site: Service, browser: httpx.AsyncClient) -> None:
    tokens = await bought(browser)
    site.clock.forward(3600)
    assert (await introspect(browser, tokens["access_token"])).json() == {"active": False}


@pytest.mark.spec("standards", "IN-2")
async def test_only_authenticated_confidential_callers_introspect(browser: httpx.AsyncClient) -> None:
    for answer in (
        await browser.post("/oauth/introspect", data={"token": "x"}),
        await browser.post("/oauth/introspect", data={"token": "x", "client_id": "spa"}),
        await browser.post("/oauth/introspect", data={"token": "x"}, auth=("web", "wrong")),
    ):
        assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")


@pytest.mark.spec("standards", "IN-1")
@pytest.mark.spec("standards", "RV-1")
@pytest.mark.spec("standards", "RV-5")
async def test_the_token_parameter_is_required(browser: httpx.AsyncClient) -> None:
    for path in ("/oauth/introspect", "/oauth/revoke"):
        answer = await browser.post(path, data={}, auth=("web", SECRET))
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


@pytest.mark.spec("standards", "RV-4")
@pytest.mark.spec("standards", "RV-6")
async def test_revoking_an_access_token_leaves_the_family(browser: httpx.AsyncClient) -> None:
    tokens = await bought(browser)
    assert (await revoke(browser, tokens["access_token"])).status_code == 200
    assert (await introspect(browser, tokens["access_token"])).json() == {"active": False}
    assert (await introspect(browser, tokens["refresh_token"])).json()["active"]


@pytest.mark.spec("standards", "RV-3")
@pytest.mark.spec("standards", "RV-4")
@pytest.mark.spec("standards", "RV-6")
async def test_revoking_a_refresh_token_ends_its_access_tokens(browser: httpx.AsyncClient) -> None:
    tokens = await bought(browser)
    await revoke(browser, tokens["refresh_token"])
    assert (await introspect(browser, tokens["access_token"])).json() == {"active": False}
    assert (await introspect(browser, tokens["refresh_token"])).json() == {"active": False}
    assert (await revoke(browser, tokens["refresh_token"])).status_code == 200


@pytest.mark.spec("standards", "RV-9")
async def test_a_rotated_refresh_token_ends_the_family_too(browser: httpx.AsyncClient) -> None:
    first = (await bought(browser))["refresh_token"]
    data = {"grant_type": "refresh_token", "refresh_token": first}
    second = (await browser.post("/oauth/token", data=data, auth=("web", SECRET))).json()
    await revoke(browser, first)
    assert (await introspect(browser, second["access_token"])).json() == {"active": False}


@pytest.mark.spec("standards", "RV-2")
async def test_a_token_of_another_application_is_not_revoked(browser: httpx.AsyncClient) -> None:
    tokens = await bought(browser)
    for token in (tokens["access_token"], tokens["refresh_token"]):
        refused = await revoke(browser, token, "other")
        assert (refused.status_code, refused.json()["error"]) == (400, "invalid_grant")
    assert (await introspect(browser, tokens["access_token"])).json()["active"]


@pytest.mark.spec("standards", "RV-2")
async def test_a_public_application_revokes_with_its_client_id(browser: httpx.AsyncClient) -> None:
    code = await obtain_code(browser, "spa", "robin")
    data = {"grant_type": "authorization_code", "code": code, "client_id": "spa",
            "redirect_uri": "https://client.example/callback",
            "code_verifier": "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"}  # fmt: skip
    tokens = (await browser.post("/oauth/token", data=data)).json()
    await browser.post("/oauth/revoke", data={"token": tokens["refresh_token"], "client_id": "spa"})
    assert (await introspect(browser, tokens["access_token"])).json() == {"active": False}


@pytest.mark.spec("standards", "RV-1")
@pytest.mark.parametrize("hint", ["access_token", "refresh_token", "nonsense", ""])
async def test_whatever_the_hint_says_the_token_that_was_sent_is_revoked(browser: httpx.AsyncClient, hint: str) -> None:
    tokens = await bought(browser)
    data = {"token": tokens["refresh_token"], "token_type_hint": hint}
    assert (await browser.post("/oauth/revoke", data=data, auth=("web", SECRET))).status_code == 200
    assert (await introspect(browser, tokens["refresh_token"])).json() == {"active": False}


@pytest.mark.spec("standards", "RV-2")
@pytest.mark.spec("standards", "RV-5")
async def test_who_does_not_prove_which_client_he_is_revokes_nothing(browser: httpx.AsyncClient) -> None:
    tokens = await bought(browser)
    for auth in (("web", "wrong"), ("nobody", SECRET), httpx.USE_CLIENT_DEFAULT):
        refused = await browser.post("/oauth/revoke", data={"token": tokens["access_token"]}, auth=auth)
        assert (refused.status_code, refused.json()["error"]) == (401, "invalid_client")
    assert (await introspect(browser, tokens["access_token"])).json()["active"]


@pytest.mark.spec("standards", "RV-7")
async def test_what_the_person_allowed_outlives_the_tokens_that_are_revoked(browser: httpx.AsyncClient) -> None:
    tokens = await bought(browser)
    await revoke(browser, tokens["refresh_token"])
    assert "code" in answer_of(await browser.get(authorize_url("web", prompt="none")))


@pytest.mark.spec("standards", "RV-8")
async def test_a_website_may_revoke_and_read_why_it_may_not(browser: httpx.AsyncClient) -> None:
    website = {"Origin": "https://spa.example"}
    assert (await browser.options("/oauth/revoke", headers=website)).headers["access-control-allow-origin"] == "*"
    refused = await browser.post("/oauth/revoke", data={}, headers=website)
    assert refused.status_code == 400
    assert refused.headers["access-control-allow-origin"] == "*"


async def scene(site: Service) -> tuple[UUID, UUID]:
    """Return the ids of an organization and of its one member, both new."""
    name = f"scene-{new_id(site.clock())}"
    organization, person = await found(site.database, name, site.clock()), await site.user(name)
    await join(site.database, organization, person, "member", site.clock())
    return organization, person


@pytest.mark.spec("original", "BUG 20")
async def test_a_personal_token_is_active_with_what_its_persons_roles_leave_of_it(
    site: Service, browser: httpx.AsyncClient
) -> None:
    organization, person = await scene(site)
    token_id, token = await personal_token(site, person, "org:admin", "org:read", expires_at=None)
    for hint in ("access_token", "refresh_token", "nonsense"):
        data = {"token": token, "token_type_hint": hint}
        body = (await browser.post("/oauth/introspect", data=data, auth=("web", SECRET))).json()
        assert (body["active"], body["scope"], body["jti"]) == (True, "org:read", str(token_id))
        assert "client_id" not in body
        assert "exp" not in body
    await change(site, Organization, organization, deleted_at=site.clock())
    assert (await introspect(browser, token)).json() == {"active": False}


async def test_a_key_is_active_until_it_or_its_organization_is_not(site: Service, browser: httpx.AsyncClient) -> None:
    organization, _ = await scene(site)
    key_id, key = await api_key(site, organization, "org:read", "team:read")
    body = (await introspect(browser, key)).json()
    assert set(body) == {"active", "token_type", "iat", "iss", "jti", "organization", "scope"}
    assert (body["active"], body["scope"]) == (True, "org:read team:read")
    await change(site, ApiKey, key_id, status="inactive")
    assert (await introspect(browser, key)).json() == {"active": False}
    await change(site, ApiKey, key_id, status="active")
    await change(site, Organization, organization, deleted_at=site.clock())
    assert (await introspect(browser, key)).json() == {"active": False}


async def test_a_revoked_expired_or_disabled_persons_token_is_inactive(
    site: Service, browser: httpx.AsyncClient
) -> None:
    _, person = await scene(site)
    token_id, token = await personal_token(site, person, "org:read")
    assert (await introspect(browser, token)).json()["active"]
    for column in ("revoked_at", "expires_at"):
        await change(site, PersonalToken, token_id, **{column: site.clock()})
        assert (await introspect(browser, token)).json() == {"active": False}
        await change(site, PersonalToken, token_id, **{column: None})
    assert (await introspect(browser, token)).json()["active"]
    await change(site, User, person, disabled_at=site.clock(), epoch=1)
    assert (await introspect(browser, token)).json() == {"active": False}


@pytest.mark.spec("standards", "RV-5")
async def test_a_client_does_not_revoke_what_is_no_clients_and_is_told_so(
    site: Service, browser: httpx.AsyncClient
) -> None:
    organization, person = await scene(site)
    _, token = await personal_token(site, person, "org:read")
    _, key = await api_key(site, organization, "org:read")
    for credential in (token, key):
        answer = await revoke(browser, credential)
        assert (answer.status_code, answer.json()["error"]) == (400, "unsupported_token_type")
        assert (await introspect(browser, credential)).json()["active"]
        unproved = await browser.post("/oauth/revoke", data={"token": credential}, auth=("web", "wrong"))
        assert (unproved.status_code, unproved.json()["error"]) == (401, "invalid_client")


async def test_what_a_resource_server_asks_about_is_in_use(site: Service, browser: httpx.AsyncClient) -> None:
    organization, person = await scene(site)
    token_id, token = await personal_token(site, person, "org:read")
    key_id, key = await api_key(site, organization, "org:read")
    dead_id, dead = await api_key(site, organization, "org:read", status="inactive")
    for credential in (token, key, dead):
        await introspect(browser, credential)
    waiting = site.server.last_uses.waiting
    assert waiting.personal_tokens[token_id] == site.clock()
    used = {used_id: at for (used_id, _), at in waiting.api_keys.items()}
    assert used[key_id] == site.clock()
    assert dead_id not in used
    assert {digest for _, digest in waiting.secrets} == {sha256(SECRET.encode()).digest()}
