"""Authorization requests that say into which record they go, at the wire (standards A14.1)."""

from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import parse_qsl, urlsplit
from uuid import UUID, uuid4

import httpx
import pytest

from app.protocol.events import Event
from app.store.database import Database
from app.store.hot_connection import counting_trips
from tests.support import details, devices, pushing
from tests.support.credentials import bearer
from tests.support.history import history
from tests.support.openid_request import ES256
from tests.support.service import (
    SECRET,
    Service,
    answer_of,
    authorize_url,
    decide,
    fields_of,
    follow,
    obtain_code,
    redeem,
    service,
    sign_in,
)
from tests.support.signing import keep_keys

HYBRID: dict[str, Any] = {
    "grant_types": ("authorization_code", "implicit", "refresh_token"),
    "response_types": ("code", "code id_token", "id_token", "none"),
    "openid": ES256,
}


@pytest.fixture(scope="module")
async def site(database: Database) -> AsyncIterator[Service]:
    """`web`, `other` and `hybrid` are confidential, `spa` is public, `tv` asks for device codes."""
    async with service(database, authorization_details=details.TYPES) as running:
        await keep_keys(running.server)
        for username in ("ada", "robin"):
            await running.user(username)
        await running.application("web", optional_scopes=("project:write",))
        await running.application("other")
        await running.application("hybrid", **HYBRID)
        await running.application("spa", auth_method="none", kind="browser")
        await running.application("tv", grant_types=(devices.GRANT_TYPE, "refresh_token"))
        yield running


@pytest.fixture
async def browser(site: Service) -> AsyncIterator[httpx.AsyncClient]:
    async with site.browser() as fresh:
        yield fresh


async def tokens(
    browser: httpx.AsyncClient, action: str | None, grant_id: str | None = None, username: str = "ada", **changes: Any
) -> dict[str, Any]:
    """Walk from a request to its tokens."""
    asked = {"grant_management_action": action, "grant_id": grant_id, **changes}
    answer = await redeem(browser, "web", await obtain_code(browser, "web", username, **asked))
    assert answer.status_code == 200, answer.text
    got: dict[str, Any] = answer.json()
    return got


async def refresh(browser: httpx.AsyncClient, token: str) -> httpx.Response:
    form = {"grant_type": "refresh_token", "refresh_token": token}
    return await browser.post("/oauth/token", data=form, auth=("web", SECRET))


async def scope_of(browser: httpx.AsyncClient, token: str) -> str | None:
    """What a token still carries by introspection; None when it is inactive."""
    answer = await browser.post("/oauth/introspect", data={"token": token}, auth=("web", SECRET))
    return answer.json().get("scope") if answer.json()["active"] else None


async def asked(browser: httpx.AsyncClient, client_id: str = "web", **changes: Any) -> httpx.Response:
    return await follow(browser, await browser.get(authorize_url(client_id, **changes)))


@pytest.mark.spec("standards", "GM-3")
@pytest.mark.spec("standards", "GM-8")
@pytest.mark.spec("standards", "SR-7")
async def test_a_grant_that_is_created_is_told_with_the_first_tokens_and_not_with_the_code(
    browser: httpx.AsyncClient,
) -> None:
    await sign_in(browser, "ada")
    page = await asked(browser, grant_management_action="create")
    assert "This stands beside what you may have allowed it before" in page.text
    answered = answer_of(await decide(browser, page))
    assert answered.keys() == {"code", "state", "iss"}
    got = (await redeem(browser, "web", answered["code"])).json()
    assert str(UUID(got["grant_id"])) == got["grant_id"]
    again = await refresh(browser, got["refresh_token"])
    assert "grant_id" not in again.json()


@pytest.mark.spec("standards", "SR-7")
async def test_the_id_of_a_grant_goes_through_no_browser_in_a_hybrid_answer_either(
    browser: httpx.AsyncClient,
) -> None:
    await sign_in(browser, "ada")
    hybrid = {"response_type": "code id_token", "scope": "openid", "nonce": "n", "grant_management_action": "create"}
    page = await asked(browser, "hybrid", **hybrid)
    answered = dict(parse_qsl((await decide(browser, page)).headers["location"].partition("#")[2]))
    assert answered.keys() == {"code", "id_token", "state", "iss"}
    got = (await redeem(browser, "hybrid", answered["code"])).json()
    assert str(UUID(got["grant_id"])) == got["grant_id"]


@pytest.mark.spec("standards", "GM-9")
@pytest.mark.spec("standards", "AR-1")
async def test_a_request_that_says_nothing_goes_into_the_implicit_record_which_nobody_is_told(
    site: Service, browser: httpx.AsyncClient
) -> None:
    await site.user("sam")
    created = await tokens(browser, "create", username="sam", scope="project:read")
    plain = await tokens(browser, None, username="sam", scope="org:read")
    assert "grant_id" not in plain
    again = await asked(browser, scope="org:read", prompt="none")
    assert "code" in answer_of(again)
    not_there = await asked(browser, scope="project:read", prompt="none")
    assert answer_of(not_there)["error"] == "consent_required"
    assert await scope_of(browser, created["access_token"]) == "project:read"
    trail = await history(site.database, UUID(created["grant_id"]))
    assert [(entry.event, entry.data["grant_management_action"]) for entry in trail] == [
        (Event.AUTHORIZATION_GRANTED, "create")
    ]


@pytest.mark.spec("standards", "GM-4")
async def test_a_merge_asks_for_what_is_new_and_retires_the_refresh_token_from_before(
    browser: httpx.AsyncClient,
) -> None:
    first = await tokens(browser, "create", scope="project:read")
    grant_id = first["grant_id"]
    page = await asked(browser, grant_management_action="merge", grant_id=grant_id, scope="org:read")
    assert "It also asks to" in page.text
    assert "Already allowed" in page.text
    second = (await redeem(browser, "web", answer_of(await decide(browser, page))["code"])).json()
    assert (second["grant_id"], second["scope"]) == (grant_id, "org:read")

    refused = await refresh(browser, first["refresh_token"])
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_grant")
    assert await scope_of(browser, first["refresh_token"]) is None
    assert await scope_of(browser, first["access_token"]) == "project:read"
    assert (await refresh(browser, second["refresh_token"])).status_code == 200

    silent = await asked(
        browser, grant_management_action="merge", grant_id=grant_id, scope="project:read org:read", prompt="none"
    )
    assert "code" in answer_of(silent)


@pytest.mark.spec("standards", "GM-5")
@pytest.mark.spec("standards", "AR-6")
async def test_a_replacement_says_what_it_takes_and_leaves_nothing_to_older_tokens(
    browser: httpx.AsyncClient,
) -> None:
    first = await tokens(browser, "create", scope="project:read org:read")
    named = {"grant_management_action": "replace", "grant_id": first["grant_id"]}
    silent = await asked(browser, **named, scope="org:read", prompt="none")
    assert answer_of(silent)["error"] == "consent_required"
    page = await asked(browser, **named, scope="org:read")
    assert "It loses:" in page.text
    assert "This takes the place of what you allowed it before" in page.text
    assert "Already allowed" not in page.text
    second = (await redeem(browser, "web", answer_of(await decide(browser, page))["code"])).json()
    assert (second["grant_id"], second["scope"]) == (first["grant_id"], "org:read")
    for token in (first["access_token"], first["refresh_token"]):
        assert await scope_of(browser, token) is None
    assert (await refresh(browser, first["refresh_token"])).json()["error"] == "invalid_grant"
    assert await scope_of(browser, second["access_token"]) == "org:read"


async def test_an_optional_permission_of_a_grant_that_is_replaced_is_ticked_and_can_be_left_out(
    browser: httpx.AsyncClient,
) -> None:
    both = {"scope": "project:read project:write"}
    await sign_in(browser, "ada")
    page = await asked(browser, grant_management_action="create", **both)
    code = answer_of(await decide(browser, page, scope="project:write"))["code"]
    first = (await redeem(browser, "web", code)).json()
    assert first["scope"] == "project:read project:write"
    named = {"grant_management_action": "replace", "grant_id": first["grant_id"]}
    page = await asked(browser, **named, **both)
    assert 'value="project:write" checked' in page.text
    second = (await redeem(browser, "web", answer_of(await decide(browser, page))["code"])).json()
    assert second["scope"] == "project:read"


async def test_a_refusal_leaves_a_grant_as_it_is(browser: httpx.AsyncClient) -> None:
    first = await tokens(browser, "create", scope="project:read")
    page = await asked(browser, grant_management_action="replace", grant_id=first["grant_id"], scope="org:read")
    assert answer_of(await decide(browser, page, "deny"))["error"] == "access_denied"
    assert (await refresh(browser, first["refresh_token"])).status_code == 200


@pytest.mark.spec("standards", "GM-7")
@pytest.mark.spec("standards", "AR-17 (g)")
@pytest.mark.parametrize("action", ["merge", "replace"])
async def test_the_grant_of_another_application_or_person_is_answered_like_one_that_never_was(
    site: Service, browser: httpx.AsyncClient, action: str
) -> None:
    async with site.browser() as elsewhere:
        of_robin = (await tokens(elsewhere, "create", username="robin"))["grant_id"]
    mine = (await tokens(browser, "create"))["grant_id"]
    code = await obtain_code(browser, "other", "ada", grant_management_action="create")
    of_other = (await redeem(browser, "other", code)).json()["grant_id"]
    answers, trips = [], []
    for grant_id in (str(uuid4()), of_robin, of_other):
        with counting_trips() as counted:
            answered = await browser.get(authorize_url("web", grant_management_action=action, grant_id=grant_id))
        answers.append(answer_of(answered))
        trips.append(counted)
    assert answers[0]["error"] == "invalid_grant_id"
    assert all(answer == answers[0] for answer in answers)
    assert trips == [["gather_authorize", "find_grant"]] * 3
    assert answer_of(await asked(browser, grant_management_action=action, grant_id="x")) == answers[0]
    assert answer_of(await asked(browser, grant_management_action=action, grant_id="x", prompt="none")) == answers[0]
    page = await asked(browser, grant_management_action=action, grant_id=mine, scope="org:read")
    assert 'id="consent-approve"' in page.text


@pytest.mark.spec("standards", "GM-7")
async def test_nobody_learns_of_grants_before_he_has_signed_in(site: Service, browser: httpx.AsyncClient) -> None:
    async with site.browser() as elsewhere:
        of_robin = (await tokens(elsewhere, "create", username="robin"))["grant_id"]
    for grant_id in (of_robin, str(uuid4())):
        named = {"grant_management_action": "merge", "grant_id": grant_id}
        login = await asked(browser, **named)
        assert 'id="login-submit"' in login.text
        assert answer_of(await asked(browser, **named, prompt="none"))["error"] == "login_required"
        answered = await follow(browser, await sign_in(browser, "ada", login))
        assert answer_of(answered)["error"] == "invalid_grant_id"
        browser.cookies.clear()


@pytest.mark.spec("standards", "GM-7")
async def test_a_grant_that_ends_while_the_page_is_open_is_gone_at_the_click(
    site: Service, browser: httpx.AsyncClient
) -> None:
    grant_id = (await tokens(browser, "create"))["grant_id"]
    page = await asked(browser, grant_management_action="replace", grant_id=grant_id, scope="org:read")
    shown = fields_of(await browser.get(f"/account/applications/{grant_id}/disconnect"))
    await browser.post(f"/account/applications/{grant_id}/disconnect", data=shown)
    assert answer_of(await decide(browser, page))["error"] == "invalid_grant_id"


@pytest.mark.spec("standards", "GM-1")
@pytest.mark.spec("standards", "GM-6")
async def test_what_is_wrong_is_told_to_the_application(site: Service, browser: httpx.AsyncClient) -> None:
    grant_id = (await tokens(browser, "create"))["grant_id"]
    for changes, error in (
        ({"grant_management_action": "create", "grant_id": grant_id}, "invalid_request"),
        ({"grant_id": grant_id}, "invalid_request"),
        ({"grant_management_action": "merge"}, "invalid_request"),
        ({"grant_management_action": "update", "grant_id": grant_id}, "invalid_request"),
    ):
        assert answer_of(await asked(browser, **changes))["error"] == error
    public = await asked(browser, "spa", grant_management_action="create")
    assert answer_of(public)["error"] == "unauthorized_client"


@pytest.mark.spec("standards", "GM-2")
async def test_the_parameters_mean_nothing_at_the_token_endpoint(browser: httpx.AsyncClient) -> None:
    code = await obtain_code(browser, "web", "ada")
    plain = (await redeem(browser, "web", code, grant_management_action="create", grant_id=str(uuid4()))).json()
    assert "grant_id" not in plain
    held = (await tokens(browser, "create", scope="project:read"))["grant_id"]
    form = {
        "grant_type": "refresh_token",
        "refresh_token": plain["refresh_token"],
        "grant_management_action": "merge",
        "grant_id": held,
    }
    again = await browser.post("/oauth/token", data=form, auth=("web", SECRET))
    assert again.status_code == 200
    assert "grant_id" not in again.json()


@pytest.mark.spec("standards", "GM-2")
@pytest.mark.spec("standards", "GM-6")
async def test_a_pushed_request_says_it_as_well_and_is_judged_when_it_is_pushed(
    site: Service, browser: httpx.AsyncClient
) -> None:
    async with site.browser() as program:
        refused = await pushing.push(program, "web", grant_management_action="create", grant_id=str(uuid4()))
        assert (refused.status_code, refused.json()["error"]) == (400, "invalid_request")
        request_uri = await pushing.pushed(program, "web", grant_management_action="create")
        answered = await pushing.answered(browser, pushing.pushed_url("web", request_uri), "ada")
        made = (await redeem(program, "web", answered["code"])).json()
        named = {"grant_management_action": "merge", "grant_id": made["grant_id"]}
        request_uri = await pushing.pushed(program, "web", **named)
        answered = await pushing.answered(browser, pushing.pushed_url("web", request_uri), "ada")
        assert (await redeem(program, "web", answered["code"])).json()["grant_id"] == made["grant_id"]


async def test_of_several_accounts_the_one_that_has_the_grant_is_chosen_or_named(
    site: Service, browser: httpx.AsyncClient
) -> None:
    made = await tokens(browser, "create", scope="openid")
    subject = (await browser.get("/oauth/userinfo", headers=bearer(made["access_token"]))).json()["sub"]
    await sign_in(browser, "robin", await browser.get("/login?account=another"))
    named = {"grant_management_action": "merge", "grant_id": made["grant_id"], "scope": "openid"}
    assert 'name="account"' in (await asked(browser, **named)).text
    as_ada = f'{{"id_token": {{"sub": {{"value": "{subject}"}}}}}}'
    assert "code" in answer_of(await asked(browser, **named, claims=as_ada))
    assert answer_of(await asked(browser, **named, prompt="none"))["error"] == "account_selection_required"


async def test_details_go_with_the_grant_that_they_were_approved_for(browser: httpx.AsyncClient) -> None:
    await sign_in(browser, "ada")
    reading, listing = details.accounts("read"), details.accounts("list")
    page = await asked(browser, **_for(reading), grant_management_action="create")
    first = (await redeem(browser, "web", answer_of(await decide(browser, page))["code"])).json()
    named = {"grant_management_action": "replace", "grant_id": first["grant_id"]}
    page = await asked(browser, **_for(listing), **named)
    assert "It loses:" in page.text
    second = (await redeem(browser, "web", answer_of(await decide(browser, page))["code"])).json()
    assert second["authorization_details"] == [listing]
    assert (await details.seen(browser, first["access_token"]))["active"] is False
    merged = {**named, "grant_management_action": "merge"}
    page = await asked(browser, **_for(listing), **merged, prompt="none")
    assert (await redeem(browser, "web", answer_of(page)["code"])).json()["authorization_details"] == [listing]


def _for(content: dict[str, Any]) -> dict[str, Any]:
    return {"scope": None, "authorization_details": details.asking(content)}


async def test_the_account_shows_every_grant_of_an_application_and_tells_which_stand_apart(
    site: Service, browser: httpx.AsyncClient
) -> None:
    await site.user("kim")
    await tokens(browser, None, username="kim", scope="org:read")
    grant_id = (await tokens(browser, "create", username="kim", scope="project:read"))["grant_id"]
    await tokens(browser, "replace", grant_id, username="kim", scope="org:read")
    listed = (await browser.get("/account/applications")).text
    assert listed.count("Deploy Diary</bdi></a>") == 2
    assert listed.count("kept apart by the application") == 1
    page = (await browser.get(f"/account/applications/{grant_id}")).text
    assert "Kept apart by the application" in page
    assert "allowed something else instead" in page
    assert "what else you have allowed it stays" in page
    assert (
        "What else you have allowed it stays"
        in (await browser.get(f"/account/applications/{grant_id}/disconnect")).text
    )
    items = (await browser.get("/api/v1/authorizations")).json()["items"]
    assert {item["id"]: item["beside"] for item in items}[grant_id] is True
    assert sorted(item["beside"] for item in items) == [False, True]


async def test_a_server_without_the_feature_ignores_the_parameters(database: Database) -> None:
    async with service(database, features={"grant_management": False}) as plain, plain.browser() as browser:
        await plain.application("simple")
        code = await obtain_code(browser, "simple", "ada", grant_management_action="merge", grant_id="x")
        assert "grant_id" not in (await redeem(browser, "simple", code)).json()
        assert (await browser.get(f"/oauth/grants/{uuid4()}")).status_code == 404
        metadata = (await browser.get("/.well-known/oauth-authorization-server")).json()
        assert not any(name.startswith("grant_management") for name in metadata)


@pytest.mark.spec("standards", "GM-6")
@pytest.mark.spec("standards", "GM-10")
async def test_a_server_that_requires_an_action_says_so_and_refuses_requests_without(database: Database) -> None:
    async with service(database, grant_management={"required": True}) as strict, strict.browser() as browser:
        await strict.application("careful", grant_types=("authorization_code", devices.GRANT_TYPE))
        metadata = (await browser.get("/.well-known/oauth-authorization-server")).json()
        assert metadata["grant_management_action_required"] is True
        assert metadata["grant_management_endpoint"] == "https://id.example/oauth/grants"
        refused = await browser.get(authorize_url("careful"))
        assert answer_of(refused)["error"] == "invalid_request"
        device = await devices.begin(browser, "careful")
        assert (device.status_code, device.json()["error"]) == (400, "invalid_request")
        begun = (await devices.begin(browser, "careful", grant_management_action="create")).json()
        await sign_in(browser, "ada")
        await devices.answer(browser, await devices.question(browser, begun["user_code"]))
        assert "grant_id" in (await devices.poll(browser, "careful", begun["device_code"])).json()
        assert "code" in dict(parse_qsl(urlsplit((await _walk(browser)).headers["location"]).query))


async def _walk(browser: httpx.AsyncClient) -> httpx.Response:
    return await decide(browser, await asked(browser, "careful", grant_management_action="create"))
