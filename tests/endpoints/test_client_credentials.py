"""The client credentials grant at the wire, and what its tokens are worth (standards A2.6)."""

from typing import Any

import httpx
import pytest

from app.models import Application
from app.protocol.token_format import Prefix, parse_credential
from tests.support.credentials import bearer, change
from tests.support.history import entries_about
from tests.support.membership import found, join
from tests.support.service import ISSUER, REDIRECT_URI, SECRET, Service, obtain_code, redeem

MACHINE: dict[str, Any] = {
    "kind": "machine",
    "redirect_uris": (),
    "response_types": (),
    "grant_types": ("client_credentials",),
}


@pytest.fixture(scope="module", autouse=True)
async def machines(site: Service) -> None:
    """`sweeper` may ask for everything, `reader` for one scope, `posting` sends its secret in the form."""
    await site.application("sweeper", **MACHINE)
    await site.application("reader", **MACHINE, scopes=("project:read",))
    await site.application("posting", **MACHINE, auth_method="client_secret_post")


async def ask(browser: httpx.AsyncClient, client_id: str = "sweeper", **parameters: Any) -> httpx.Response:
    data = {"grant_type": "client_credentials", **parameters}
    return await browser.post("/oauth/token", data=data, auth=(client_id, SECRET))


async def token(browser: httpx.AsyncClient, client_id: str = "sweeper", **parameters: Any) -> str:
    answer = await ask(browser, client_id, **parameters)
    assert answer.status_code == 200, answer.text
    value: str = answer.json()["access_token"]
    return value


async def introspected(browser: httpx.AsyncClient, value: str, client_id: str = "web") -> dict[str, Any]:
    answer = await browser.post("/oauth/introspect", data={"token": value}, auth=(client_id, SECRET))
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


@pytest.mark.spec("standards", "CC-2")
async def test_the_answer_has_an_access_token_and_nothing_to_refresh_it_with(browser: httpx.AsyncClient) -> None:
    answer = await ask(browser, scope="project:read team:read")
    assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")
    body = answer.json()
    assert parse_credential(Prefix.ACCESS_TOKEN, body.pop("access_token")) is not None
    assert body == {"token_type": "Bearer", "expires_in": 3600, "scope": "project:read team:read"}


@pytest.mark.spec("standards", "CC-4")
async def test_no_scope_asked_is_none_granted_and_no_scope_member(browser: httpx.AsyncClient) -> None:
    for client_id in ("sweeper", "reader"):
        assert "scope" not in (await ask(browser, client_id)).json()
        assert "scope" not in await introspected(browser, await token(browser, client_id))


@pytest.mark.spec("standards", "T-9")
@pytest.mark.spec("standards", "O-7")
async def test_the_secret_comes_as_it_is_registered(browser: httpx.AsyncClient) -> None:
    data = {"grant_type": "client_credentials", "client_id": "posting", "client_secret": SECRET}
    assert (await browser.post("/oauth/token", data=data)).status_code == 200
    assert (await ask(browser, "posting")).status_code == 401
    assert (await browser.post("/oauth/token", data=data | {"client_id": "sweeper"})).status_code == 401


@pytest.mark.spec("standards", "BC-19")
@pytest.mark.spec("standards", "CC-3")
async def test_introspection_tells_of_an_application_and_of_no_person(
    site: Service, browser: httpx.AsyncClient
) -> None:
    value = await token(browser, scope="project:read")
    body = await introspected(browser, value)
    parsed = parse_credential(Prefix.ACCESS_TOKEN, value)
    assert parsed is not None
    now = int(site.clock().timestamp())
    assert body == {
        "active": True, "client_id": "sweeper", "token_type": "Bearer", "scope": "project:read", "iss": ISSUER,
        "jti": str(parsed.id), "iat": now, "exp": now + 3600,
    }  # fmt: skip
    assert await introspected(browser, value, "sweeper") == body
    site.clock.forward(3600)
    assert await introspected(browser, value) == {"active": False}


async def test_an_application_revokes_its_own_token_and_no_other_one_does(browser: httpx.AsyncClient) -> None:
    value, other = await token(browser), await token(browser)
    refused = await browser.post("/oauth/revoke", data={"token": value}, auth=("reader", SECRET))
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_grant")
    assert (await introspected(browser, value))["active"]
    for _ in range(2):
        assert (await browser.post("/oauth/revoke", data={"token": value}, auth=("sweeper", SECRET))).status_code == 200
    assert await introspected(browser, value) == {"active": False}
    assert (await introspected(browser, other))["active"]


async def test_getting_and_revoking_are_written_down_without_a_person(
    site: Service, browser: httpx.AsyncClient
) -> None:
    application_id = await site.application("remembered", **MACHINE)
    value = await token(browser, "remembered", scope="team:read project:read")
    await browser.post("/oauth/revoke", data={"token": value}, auth=("remembered", SECRET))
    parsed = parse_credential(Prefix.ACCESS_TOKEN, value)
    assert parsed is not None
    issued, revoked = await entries_about(site.database, str(parsed.id))
    for entry in (issued, revoked):
        assert (entry.actor_kind, entry.actor_id) == ("application", "remembered")
        assert (entry.application_id, entry.user_id) == (application_id, None)
    assert (issued.event, issued.data) == ("token.issued", {"scopes": ["team:read", "project:read"]})
    assert revoked.event == "token.revoked"


async def test_a_shorter_life_of_the_application_is_that_of_its_tokens(
    site: Service, browser: httpx.AsyncClient
) -> None:
    await site.application("brief", **MACHINE, policy={"access_token": 60})
    assert (await ask(browser, "brief")).json()["expires_in"] == 60


@pytest.mark.spec("standards", "SC-3")
@pytest.mark.parametrize(
    ("client_id", "parameters", "error"),
    [
        ("reader", {"scope": "project:read project:write"}, "invalid_scope"),
        ("reader", {"scope": "org:admin"}, "invalid_scope"),
        ("sweeper", {"scope": "project:read nothing:like-it"}, "invalid_scope"),
        ("sweeper", {"scope": "openid"}, "invalid_scope"),
        ("sweeper", {"scope": "offline_access project:read"}, "invalid_scope"),
        ("sweeper", {"scope": 'project:read"'}, "invalid_scope"),
        ("sweeper", {"resource": "https://api.example"}, "invalid_target"),
        ("sweeper", {"resource": ["https://api.example", "https://other.example"]}, "invalid_target"),
        ("sweeper", {"scope": ["project:read", "team:read"]}, "invalid_request"),
        ("web", {"scope": "project:read"}, "unauthorized_client"),
    ],
    ids=str,
)
async def test_whoever_asks_for_more_gets_nothing(
    browser: httpx.AsyncClient, client_id: str, parameters: dict[str, Any], error: str
) -> None:
    answer = await ask(browser, client_id, **parameters)
    assert (answer.status_code, answer.json()["error"]) == (400, error)
    assert "access_token" not in answer.json()


@pytest.mark.spec("standards", "CC-1")
async def test_a_public_application_gets_none_even_if_it_was_stored_as_one_that_may(
    site: Service, browser: httpx.AsyncClient
) -> None:
    data = {"grant_type": "client_credentials"}
    public = await browser.post("/oauth/token", data=data | {"client_id": "spa"})
    assert (public.status_code, public.json()["error"]) == (400, "unauthorized_client")
    await site.application("loose", **MACHINE, auth_method="none")
    stored = await browser.post("/oauth/token", data=data | {"client_id": "loose"})
    assert (stored.status_code, stored.json()["error"]) == (400, "unauthorized_client")


@pytest.mark.parametrize(
    ("auth", "form"),
    [
        (("sweeper", "wrong"), {}),
        (("sweeper", ""), {}),
        (("nobody", SECRET), {}),
        (None, {"client_id": "sweeper"}),
        (None, {"client_id": "sweeper", "client_secret": SECRET}),
        (None, {"client_id": "sweeper", "client_secret": "wrong"}),
        (None, {}),
    ],
    ids=["wrong", "empty", "unknown", "none", "in the form", "wrong in the form", "nothing"],
)
async def test_without_the_right_secret_in_the_right_place_there_is_nothing(
    browser: httpx.AsyncClient, auth: tuple[str, str] | None, form: dict[str, str]
) -> None:
    data = {"grant_type": "client_credentials", **form}
    answer = await browser.post("/oauth/token", data=data, auth=auth or httpx.USE_CLIENT_DEFAULT)
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")


@pytest.mark.spec("standards", "T-2")
async def test_a_secret_in_the_address_is_refused_whatever_it_is(browser: httpx.AsyncClient) -> None:
    query = {"client_id": "sweeper", "client_secret": SECRET}
    answer = await browser.post("/oauth/token", params=query, data={"grant_type": "client_credentials"})
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


async def test_a_token_is_no_credential_of_a_client_and_no_refresh_token(browser: httpx.AsyncClient) -> None:
    value = await token(browser)
    data = {"grant_type": "client_credentials"}
    assert (await browser.post("/oauth/token", data=data, auth=("sweeper", value))).status_code == 401
    assert (await browser.post("/oauth/token", data=data, headers=bearer(value))).status_code == 401
    again = await browser.post(
        "/oauth/token", data={"grant_type": "refresh_token", "refresh_token": value}, auth=("web", SECRET)
    )
    assert (again.status_code, again.json()["error"]) == (400, "invalid_grant")


@pytest.mark.spec("standards", "AR-16")
async def test_an_application_that_people_allow_things_may_act_for_itself_too_and_neither_touches_the_other(
    site: Service, browser: httpx.AsyncClient
) -> None:
    await site.application("both", grant_types=("authorization_code", "refresh_token", "client_credentials"))
    allowed = (await redeem(browser, "both", await obtain_code(browser, "both", "robin"))).json()["access_token"]
    own = await token(browser, "both", scope="team:admin")
    assert (await introspected(browser, allowed))["username"] == "robin"
    assert (await introspected(browser, allowed))["scope"] == "project:read"
    assert not {"username", "sub"} & (await introspected(browser, own)).keys()
    await browser.post("/oauth/revoke", data={"token": own}, auth=("both", SECRET))
    assert (await introspected(browser, allowed))["active"]
    records = (await browser.get("/api/v1/authorizations", headers={"Sec-Fetch-Site": "same-origin"})).json()["items"]
    assert ["team:admin" in str(record) for record in records if record["application"]["client_id"] == "both"] == [
        False
    ]


async def test_a_switched_off_or_deleted_application_gets_none_and_its_tokens_are_dead_for_good(
    site: Service, browser: httpx.AsyncClient
) -> None:
    for status in ("inactive", "pending_deletion"):
        application_id = await site.application(f"ends-{status}", **MACHINE)
        value = await token(browser, f"ends-{status}")
        assert (await introspected(browser, value))["active"]
        await change(site, Application, application_id, status=status, epoch=1, version=2)
        assert await introspected(browser, value) == {"active": False}
        assert (await browser.get("/api/v1/", headers=bearer(value))).status_code == 401
        assert (await ask(browser, f"ends-{status}")).status_code == 401
        await change(site, Application, application_id, status="active", version=3)
        assert await introspected(browser, value) == {"active": False}
        refused = await browser.get("/api/v1/", headers=bearer(value))
        assert refused.json()["detail"].startswith("its application is not active")
        assert (await introspected(browser, await token(browser, f"ends-{status}")))["active"]


async def test_our_own_api_tells_an_application_who_it_is_and_that_it_speaks_for_nobody(
    browser: httpx.AsyncClient,
) -> None:
    headers = bearer(await token(browser, scope="org:admin member:admin"))
    index = (await browser.get("/api/v1/", headers=headers)).json()
    assert index["user"] is None
    assert index["auth"] == {
        "kind": "access_token", "client_id": "sweeper", "scopes": ["org:admin", "member:admin"],
    }  # fmt: skip
    refused = await browser.get("/api/v1/me", headers=headers)
    assert refused.status_code == 403
    assert refused.json()["detail"] == "it speaks for no person; use a token that a person gave"


async def test_an_application_has_business_in_no_organization_not_even_in_its_owners(
    site: Service, browser: httpx.AsyncClient
) -> None:
    organization = await found(site.database, "northquay", site.clock())
    await join(site.database, organization, await site.user("olga"), "owner", site.clock())
    await site.application("owned", **MACHINE, owner_organization_id=organization)
    headers = bearer(await token(browser, "owned", scope="org:admin member:admin"))
    assert (await browser.get("/api/v1/organizations", headers=headers)).json() == {"items": []}
    for path in ("", "/members", "/invitations", "/applications", "/audit"):
        refused = await browser.get(f"/api/v1/organizations/northquay{path}", headers=headers)
        unknown = await browser.get(f"/api/v1/organizations/nowhere{path}", headers=headers)
        assert refused.status_code == unknown.status_code
        assert refused.status_code in {403, 404}, path
        assert refused.json()["detail"] == unknown.json()["detail"]
    changed = await browser.patch("/api/v1/organizations/northquay", json={"name": "Mine"}, headers=headers)
    assert changed.status_code == 404


async def test_a_website_may_use_it_only_where_the_application_allows_that(
    site: Service, browser: httpx.AsyncClient
) -> None:
    await site.application("embedded", **MACHINE, allowed_origins=("app.example",))
    headers = bearer(await token(browser, "embedded"))
    allowed = await browser.get("/api/v1/", headers=headers | {"Origin": "https://app.example"})
    assert allowed.status_code == 200
    assert (await browser.get("/api/v1/", headers=headers | {"Origin": "https://evil.example"})).status_code == 403


async def test_it_never_comes_through_a_browser(browser: httpx.AsyncClient) -> None:
    query = {"response_type": "code", "client_id": "sweeper", "redirect_uri": REDIRECT_URI}
    answer = await browser.get("/oauth/authorize", params=query)
    assert answer.status_code == 400
    assert "location" not in answer.headers


async def test_the_documents_name_the_grant_type_where_it_is_on(browser: httpx.AsyncClient) -> None:
    metadata = (await browser.get("/.well-known/oauth-authorization-server")).json()
    assert "client_credentials" in metadata["grant_types_supported"]
    described = (await browser.get("/openapi.json")).json()["paths"]["/oauth/token"]["post"]
    schemas = described["requestBody"]["content"]["application/x-www-form-urlencoded"]["schema"]["oneOf"]
    [own] = [schema for schema in schemas if schema["title"] == "client_credentials"]
    assert own["required"] == ["grant_type"]
    assert {"scope", "resource", "client_id", "client_secret"} < own["properties"].keys()


@pytest.mark.spec("standards", "DR-13")
async def test_that_an_application_which_registered_itself_got_a_token_is_noted(
    site: Service, browser: httpx.AsyncClient
) -> None:
    """No record says so; and nothing is noted of the others."""
    introduced = await site.application("introduced", **MACHINE)
    await change(site, Application, introduced, self_registered=True)
    site.server.last_uses.waiting.applications.clear()
    for client_id in ("introduced", "sweeper"):
        await token(browser, client_id)
    assert site.server.last_uses.waiting.applications == {introduced: site.clock()}
