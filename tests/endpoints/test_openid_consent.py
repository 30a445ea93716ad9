"""What a person is asked and what he reads of it: single claims, access while he is away, who gets the answer."""

import json
from collections.abc import AsyncIterator

import httpx
import pytest

from app.store.database import Database
from tests.support.openid_request import ES256, ask, tokens
from tests.support.service import SECRET, Service, answer_of, decide, fields_of, follow, redeem, service, sign_in
from tests.support.signing import keep_keys

PHONE = json.dumps({"userinfo": {"phone_number": None}})


@pytest.fixture(scope="module")
async def site(database: Database) -> AsyncIterator[Service]:
    """A server with keys and an API; `notes` signs robin in."""
    files = {"https://files.example/mcp": {"scopes": ["project:read"]}}
    async with service(database, resources=files) as running:
        await keep_keys(running.server)
        await running.user("robin")
        await running.application("notes", openid=ES256)
        await running.application("web")
        yield running


@pytest.fixture
async def browser(site: Service) -> AsyncIterator[httpx.AsyncClient]:
    """A browser without cookies."""
    async with site.browser() as fresh:
        yield fresh


@pytest.mark.spec("standards", "OC-13")
@pytest.mark.spec("standards", "CS-1")
@pytest.mark.spec("standards", "CS-6")
async def test_a_single_claim_is_asked_and_kept_and_taken_back_in_words_and_stands_in_no_token(
    site: Service, browser: httpx.AsyncClient
) -> None:
    await sign_in(browser, "robin")
    page = await follow(browser, await browser.get(ask("notes", claims=PHONE)))
    assert "Know that it is you" in page.text
    assert "See your phone number" in page.text
    assert "claim:" not in page.text
    bought = (await redeem(browser, "notes", answer_of(await decide(browser, page))["code"])).json()
    assert bought["scope"] == "openid"
    told = await browser.post("/oauth/introspect", data={"token": bought["access_token"]}, auth=("notes", SECRET))
    assert told.json()["scope"] == "openid"
    assert "code" in answer_of(await browser.get(ask("notes", claims=PHONE, prompt="none")))

    mine = {"Sec-Fetch-Site": "same-origin"}
    record = next(
        item
        for item in (await browser.get("/api/v1/authorizations", headers=mine)).json()["items"]
        if item["application"]["client_id"] == "notes"
    )
    assert record["permissions"] == [{"scope": "openid", "resource": None}]
    assert record["claims"] == ["phone_number"]
    whole = (await browser.get(f"/api/v1/authorizations/{record['id']}", headers=mine)).json()
    assert [scope["scope"] for place in whole["resources"] for scope in place["scopes"]] == ["openid"]
    assert [(one["claim"], one["title"]) for one in whole["granted_claims"]] == [
        ("phone_number", "See your phone number")
    ]
    assert (whole["history"][-1]["claims_before"], whole["history"][-1]["claims_after"]) == ([], ["phone_number"])

    shown = await browser.get(f"/account/applications/{record['id']}")
    assert "See your phone number" in shown.text
    assert '<code class="light quiet">claim' not in shown.text
    removed = await follow(
        browser,
        await browser.post(
            f"/account/applications/{record['id']}/remove",
            data={"csrf": fields_of(shown)["csrf"], "scope": "claim:phone_number", "resource": ""},
        ),
    )
    assert "“See your phone number” removed" in removed.text
    assert answer_of(await browser.get(ask("notes", claims=PHONE, prompt="none")))["error"] == "consent_required"
    assert "code" in answer_of(await browser.get(ask("notes", prompt="none")))


async def test_the_api_takes_a_claim_back_and_no_scope_of_that_name(site: Service, browser: httpx.AsyncClient) -> None:
    await site.application("taken", openid=ES256)
    await tokens(browser, "taken", claims=json.dumps({"userinfo": {"name#de-CH": None, "email": None}}))
    mine = {"Sec-Fetch-Site": "same-origin"}
    me = (await browser.get("/api/v1/session", headers=mine)).json()
    mine |= {"X-CSRF-Token": me["csrf"]}
    record = next(
        item
        for item in (await browser.get("/api/v1/authorizations", headers=mine)).json()["items"]
        if item["application"]["client_id"] == "taken"
    )
    path = f"/api/v1/authorizations/{record['id']}"
    assert record["claims"] == ["name", "email"]
    assert (await browser.delete(f"{path}/scopes/claim:email", headers=mine)).status_code == 404
    assert (await browser.delete(f"{path}/claims/phone_number", headers=mine)).status_code == 404
    assert (await browser.delete(f"{path}/claims/name", headers=mine)).status_code == 204
    assert (await browser.get(path, headers=mine)).json()["claims"] == ["email"]


@pytest.mark.spec("standards", "OC-17")
async def test_offline_access_is_how_long_it_lasts_and_refresh_tokens_go_by_the_grant_type(
    site: Service, browser: httpx.AsyncClient
) -> None:
    await site.application("here-only", openid=ES256, grant_types=("authorization_code",))
    await site.application("stays", openid=ES256)
    await sign_in(browser, "robin")
    page = await follow(browser, await browser.get(ask("stays", scope="openid offline_access")))
    assert "Until you disconnect it." in page.text
    assert "Keep access while you are away" not in page.text, "it is no permission beside others"
    bought = (await redeem(browser, "stays", answer_of(await decide(browser, page))["code"])).json()
    assert bought["scope"] == "openid offline_access"
    assert "refresh_token" in bought
    assert "refresh_token" in await tokens(browser, "stays"), "the scope is not what it goes by"
    page = await follow(browser, await browser.get(ask("here-only", scope="openid offline_access")))
    assert "For 1 hour." in page.text
    bought = (await redeem(browser, "here-only", answer_of(await decide(browser, page))["code"])).json()
    assert bought["scope"] == "openid"
    assert "refresh_token" not in bought


@pytest.mark.spec("standards", "OC-17")
async def test_a_sign_in_that_is_to_last_after_signing_out_is_asked_for_as_such(
    site: Service, browser: httpx.AsyncClient
) -> None:
    await site.application("longer", openid=ES256)
    await sign_in(browser, "robin")
    page = await follow(browser, await browser.get(ask("longer")))
    assert "Until you sign out or disconnect it." in page.text
    await decide(browser, page)
    page = await follow(browser, await browser.get(ask("longer", scope="openid offline_access")))
    assert "asks to stay connected while you are away" in page.text
    assert 'Until you disconnect it.</b> <span class="badge badge--new">New</span>' in page.text
    assert "It also asks to" not in page.text
    await decide(browser, page)
    assert "code" in answer_of(await browser.get(ask("longer", scope="openid offline_access", prompt="none")))
    again = await follow(browser, await browser.get(ask("longer", scope="openid offline_access", prompt="consent")))
    assert "asks you to confirm" in again.text
    assert "badge--new" not in again.text


@pytest.mark.spec("standards", "CS-1")
@pytest.mark.spec("standards", "CS-5")
async def test_the_page_says_where_the_answer_goes_and_warns_of_a_program_on_this_computer(
    site: Service, browser: httpx.AsyncClient
) -> None:
    here = "http://127.0.0.1/callback"
    await site.application("terminal", auth_method="none", kind="native", redirect_uris=(here,), openid=ES256)
    await sign_in(browser, "robin")
    page = await follow(browser, await browser.get(ask("terminal", redirect_uri="http://127.0.0.1:4711/callback")))
    assert "The answer goes to a program on this computer" in page.text
    page = await follow(browser, await browser.get(ask("web", prompt="consent")))
    assert "you go back to <b>client.example</b>" in page.text


@pytest.mark.spec("standards", "MC-9")
@pytest.mark.spec("standards", "MB-3")
@pytest.mark.spec("standards", "SU-2")
async def test_a_client_that_names_a_resource_and_adds_what_the_metadata_lists_signs_in_and_stays(
    site: Service, browser: httpx.AsyncClient
) -> None:
    files = "https://files.example/mcp"
    await site.application("agent", openid=ES256)
    await sign_in(browser, "robin")
    asked = {"scope": "openid project:read offline_access", "resource": files, "prompt": "consent"}
    page = await follow(browser, await browser.get(ask("agent", **asked)))
    assert page.text.index("Know that it is you") < page.text.index("files.example")
    code = answer_of(await decide(browser, page))["code"]
    bought = (await redeem(browser, "agent", code, resource=files)).json()
    assert bought["scope"] == asked["scope"]
    assert "id_token" in bought
    data = {"grant_type": "refresh_token", "refresh_token": bought["refresh_token"], "resource": files}
    later = (await browser.post("/oauth/token", data=data, auth=("agent", SECRET))).json()
    assert later["scope"] == asked["scope"]
    assert "code" in answer_of(await browser.get(ask("agent", **{**asked, "prompt": "none"})))
