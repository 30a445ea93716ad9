"""The authorization endpoint and the consent page at the wire (standards A1, B7.5, architecture §4)."""

import asyncio
from contextlib import AsyncExitStack
from urllib.parse import parse_qsl, urlencode, urlsplit

import httpx
import pytest

from app.store import records, traces, users
from tests.support.service import (
    ISSUER,
    REDIRECT_URI,
    SECRET,
    Service,
    answer_of,
    authorize_url,
    decide,
    fields_of,
    follow,
    obtain_code,
    redeem,
    sign_in,
)


async def consent_page(
    browser: httpx.AsyncClient, client_id: str = "web", username: str = "robin", **changes: str | None
) -> httpx.Response:
    """Walk to the consent page."""
    page = await follow(browser, await browser.get(authorize_url(client_id, **changes)))
    if 'id="login-submit"' in page.text:
        page = await follow(browser, await sign_in(browser, username, page))
    assert 'id="consent-approve"' in page.text, page.text
    return page


async def record_pairs(site: Service, username: str, client_id: str) -> list[str]:
    """Return what the person's record for the application holds, in order."""
    account = await users.find_for_sign_in(site.database, username)
    assert account is not None
    for record in await records.list_for_user(site.database, account.id):
        if record.client_id == client_id:
            return [pair.pair for pair in record.pairs]
    return []


@pytest.mark.spec("standards", "A1-1")
@pytest.mark.spec("standards", "G6")
@pytest.mark.spec("standards", "NS-3")
@pytest.mark.spec("standards", "SR-1")
@pytest.mark.spec("standards", "SR-2")
@pytest.mark.spec("standards", "SR-5")
@pytest.mark.spec("standards", "BC-12")
async def test_the_whole_way_with_state_and_iss(browser: httpx.AsyncClient) -> None:
    first = await browser.get(authorize_url("web"))
    assert first.status_code == 303
    assert first.headers["location"].startswith("/login?interaction=")
    assert first.headers["cache-control"] == "no-store"
    page = await consent_page(browser)
    approved = await decide(browser, page)
    assert approved.status_code == 303
    assert approved.headers["location"].startswith(REDIRECT_URI + "?")
    assert approved.headers["referrer-policy"] == "no-referrer"
    answer = answer_of(approved)
    assert set(answer) == {"code", "state", "iss"}
    assert (answer["state"], answer["iss"]) == ("xyz", ISSUER)


async def test_what_was_allowed_before_is_granted_without_a_page(site: Service, browser: httpx.AsyncClient) -> None:
    await site.application("known")
    await obtain_code(browser, "known", "robin")
    assert "code" in answer_of(await browser.get(authorize_url("known")))
    assert "code" in answer_of(await browser.get(authorize_url("known", prompt="none")))


@pytest.mark.spec("standards", "AR-1")
@pytest.mark.spec("standards", "AR-3")
@pytest.mark.spec("standards", "AR-4")
@pytest.mark.spec("standards", "AR-5")
@pytest.mark.spec("standards", "O-12")
@pytest.mark.spec("standards", "SU-1")
async def test_asking_for_more_shows_what_is_new_and_what_was_there_and_merges(
    site: Service, browser: httpx.AsyncClient
) -> None:
    await site.application("grows")
    code = await obtain_code(browser, "grows", "robin", scope="project:read")
    before = (await redeem(browser, "grows", code)).json()
    page = await consent_page(browser, "grows", scope="team:read project:read")
    assert "See teams" in page.text
    assert "Already allowed" in page.text
    code = answer_of(await decide(browser, page))["code"]
    assert (await redeem(browser, "grows", code)).json()["scope"] == "team:read project:read"
    assert await record_pairs(site, "robin", "grows") == ["project:read", "team:read"]
    old = await browser.post("/oauth/introspect", data={"token": before["access_token"]}, auth=("grows", SECRET))
    assert old.json()["scope"] == "project:read"


@pytest.mark.spec("standards", "AR-4")
@pytest.mark.spec("standards", "AR-17 (b)")
async def test_a_narrow_request_after_a_wide_consent_gets_what_it_asks_and_no_more(
    site: Service, browser: httpx.AsyncClient
) -> None:
    await site.application("modest")
    await obtain_code(browser, "modest", "robin", scope="project:read team:read event:read")
    code = answer_of(await browser.get(authorize_url("modest", scope="team:read", prompt="none")))["code"]
    bought = (await redeem(browser, "modest", code)).json()
    assert bought["scope"] == "team:read"
    data = {"grant_type": "refresh_token", "refresh_token": bought["refresh_token"]}
    again = await browser.post("/oauth/token", data=data, auth=("modest", SECRET))
    assert again.json()["scope"] == "team:read"
    assert await record_pairs(site, "robin", "modest") == ["project:read", "team:read", "event:read"]


@pytest.mark.spec("standards", "A1.3 state")
async def test_a_long_state_of_any_characters_comes_back_as_it_was(browser: httpx.AsyncClient) -> None:
    state = "é&=+%20 #?" + "s" * 4000
    for changes in ({}, {"scope": "nope"}):
        answer = answer_of(await browser.get(authorize_url("web", prompt="none", state=state, **changes)))
        assert answer["state"] == state


@pytest.mark.spec("standards", "AR-3")
@pytest.mark.spec("standards", "AR-17 (c)")
@pytest.mark.spec("standards", "SC-2")
@pytest.mark.spec("standards", "CS-7")
async def test_an_optional_permission_may_be_left_out(site: Service, browser: httpx.AsyncClient) -> None:
    await site.application("picky", optional_scopes=("team:read", "event:read"))
    page = await consent_page(browser, "picky", scope="project:read team:read event:read")
    code = answer_of(await decide(browser, page, scope=["event:read", "org:admin"]))["code"]
    assert (await redeem(browser, "picky", code)).json()["scope"] == "project:read event:read"
    assert await record_pairs(site, "robin", "picky") == ["project:read", "event:read"]


async def test_all_optional_and_none_ticked_asks_again(site: Service, browser: httpx.AsyncClient) -> None:
    await site.application("all-optional", optional_scopes=("team:read",))
    page = await consent_page(browser, "all-optional", scope="team:read")
    again = await decide(browser, page)
    assert again.status_code == 422
    assert "Tick at least one" in again.text
    assert "code" in answer_of(await decide(browser, again, scope="team:read"))


async def test_denying_tells_the_application_and_writes_nothing(site: Service, browser: httpx.AsyncClient) -> None:
    await site.application("unwanted")
    page = await consent_page(browser, "unwanted")
    answer = answer_of(await decide(browser, page, "deny"))
    assert (answer["error"], answer["state"], answer["iss"]) == ("access_denied", "xyz", ISSUER)
    assert await record_pairs(site, "robin", "unwanted") == []


async def test_a_page_answers_once(site: Service, browser: httpx.AsyncClient) -> None:
    await site.application("once")
    page = await consent_page(browser, "once")
    assert "code" in answer_of(await decide(browser, page))
    for decision in ("approve", "deny"):
        again = await decide(browser, page, decision)
        assert again.status_code == 400
        assert "out of date" in again.text


async def test_a_page_is_out_of_date_after_ten_minutes(site: Service, browser: httpx.AsyncClient) -> None:
    await site.application("slow")
    page = await consent_page(browser, "slow")
    site.clock.forward(601)
    assert (await decide(browser, page)).status_code == 400


@pytest.mark.spec("standards", "A1-4")
async def test_another_browser_cannot_use_the_page(site: Service, browser: httpx.AsyncClient) -> None:
    await site.application("guarded")
    page = await consent_page(browser, "guarded")
    async with site.browser() as other:
        await sign_in(other, "sam")
        stolen = fields_of(page)["interaction"]
        assert (await other.get("/consent", params={"interaction": stolen})).status_code == 400
        theirs = fields_of(await other.get("/logout"))
        refused = await other.post("/consent", data={**fields_of(page), "csrf": theirs["csrf"], "decision": "approve"})
        assert refused.status_code == 400
    assert await record_pairs(site, "sam", "guarded") == []


async def test_two_tabs_approve_two_applications(site: Service, browser: httpx.AsyncClient) -> None:
    await site.application("tab-one")
    await site.application("tab-two")
    one = await consent_page(browser, "tab-one", state="one")
    two = await consent_page(browser, "tab-two", state="two", scope="team:read")
    first, second = answer_of(await decide(browser, one)), answer_of(await decide(browser, two))
    assert (first["state"], second["state"]) == ("one", "two")
    assert (await redeem(browser, "tab-one", first["code"])).json()["scope"] == "project:read"
    assert (await redeem(browser, "tab-two", second["code"])).json()["scope"] == "team:read"


@pytest.mark.spec("standards", "AR-17 (f)")
async def test_nobody_approves_what_another_account_was_asked(site: Service, browser: httpx.AsyncClient) -> None:
    await site.application("switched")
    page = await consent_page(browser, "switched")
    await browser.post("/logout", data=fields_of(await browser.get("/logout")))
    await sign_in(browser, "sam")
    answer = await decide(browser, page)
    assert urlsplit(answer.headers["location"]).path == "/consent"
    assert await record_pairs(site, "sam", "switched") == []
    assert await record_pairs(site, "robin", "switched") == []


@pytest.mark.spec("standards", "A1.2 (5)")
@pytest.mark.spec("standards", "SR-2")
@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"scope": "nope"}, "invalid_scope"),
        ({"code_challenge": None, "code_challenge_method": None}, "invalid_request"),
        ({"prompt": "none"}, "login_required"),
        ({"resource": "https://api.example/"}, "invalid_target"),
    ],
)
async def test_errors_travel_with_state_and_iss(
    browser: httpx.AsyncClient, changes: dict[str, str | None], error: str
) -> None:
    answer = answer_of(await browser.get(authorize_url("web", **changes)))
    assert set(answer) == {"error", "error_description", "state", "iss"}
    assert (answer["error"], answer["state"], answer["iss"]) == (error, "xyz", ISSUER)


@pytest.mark.spec("standards", "A1.2 (1)")
@pytest.mark.spec("standards", "A1.2 (3)")
@pytest.mark.spec("standards", "A1.2 (4)")
@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"client_id": "nobody"}, "We don’t know the application"),
        ({"client_id": None}, "We don’t know the application"),
        ({"redirect_uri": "https://evil.example/"}, "sent an address we don’t know"),
        ({"redirect_uri": REDIRECT_URI + "/"}, "sent an address we don’t know"),
        ({"response_mode": "web_message"}, "can’t answer"),
        ({"state": "\0"}, "can’t be answered"),
    ],
)
async def test_a_page_where_nothing_may_travel(
    browser: httpx.AsyncClient, changes: dict[str, str | None], words: str
) -> None:
    page = await browser.get(authorize_url(**{"client_id": "web", **changes}))
    assert page.status_code == 400
    assert "location" not in page.headers
    assert words in page.text
    assert "req_" in page.text
    assert "frame-ancestors 'none'" in page.headers["content-security-policy"]


async def test_the_error_page_shows_what_was_sent_harmlessly(browser: httpx.AsyncClient) -> None:
    page = await browser.get(authorize_url("web", redirect_uri="https://x/<script>alert(1)</script>"))
    assert "<script>alert" not in page.text


@pytest.mark.spec("standards", "A1-1")
@pytest.mark.spec("standards", "G6")
@pytest.mark.spec("standards", "BC-17")
async def test_a_post_becomes_a_get_with_a_reference_that_works_once(browser: httpx.AsyncClient) -> None:
    query = dict(parse_qsl(urlsplit(authorize_url("web", state="posted")).query))
    posted = await browser.post(
        "/oauth/authorize", data=query, headers={"Origin": "https://client.example", "Sec-Fetch-Site": "cross-site"}
    )
    assert posted.status_code == 303
    location = posted.headers["location"]
    assert set(dict(parse_qsl(urlsplit(location).query))) == {"client_id", "request_uri"}
    page = await follow(browser, await browser.get(location))
    assert 'id="login-submit"' in page.text
    page = await follow(browser, await sign_in(browser, "robin", page))
    assert answer_of(await decide(browser, page) if page.status_code == 200 else page)["state"] == "posted"
    assert (await browser.get(location)).status_code == 400


async def test_a_posted_reference_is_for_its_client(browser: httpx.AsyncClient) -> None:
    query = dict(parse_qsl(urlsplit(authorize_url("web")).query))
    location = (await browser.post("/oauth/authorize", data=query)).headers["location"]
    reference = dict(parse_qsl(urlsplit(location).query))["request_uri"]
    swapped = "/oauth/authorize?" + urlencode({"client_id": "other", "request_uri": reference})
    assert (await browser.get(swapped)).status_code == 400


async def test_a_wrong_post_is_answered_like_a_get(browser: httpx.AsyncClient) -> None:
    query = dict(parse_qsl(urlsplit(authorize_url("web", scope="nope")).query))
    assert answer_of(await browser.post("/oauth/authorize", data=query))["error"] == "invalid_scope"
    assert (await browser.post("/oauth/authorize", data={"client_id": "nobody"})).status_code == 400
    assert (await browser.post("/oauth/authorize", json={})).status_code == 400
    assert (await browser.post("/oauth/authorize", data={"state": "x" * 1_000_001})).status_code == 413


async def test_prompt_login_asks_once_and_does_not_loop(site: Service, browser: httpx.AsyncClient) -> None:
    await site.application("fresh")
    await obtain_code(browser, "fresh", "robin")
    for changes in ({"prompt": "login"}, {"max_age": "0"}):
        page = await follow(browser, await browser.get(authorize_url("fresh", **changes)))
        assert 'id="login-submit"' in page.text
        assert "code" in answer_of(await follow(browser, await sign_in(browser, "robin", page)))


async def test_prompt_login_cannot_be_stripped_by_the_person(site: Service, browser: httpx.AsyncClient) -> None:
    await site.application("strict")
    await obtain_code(browser, "strict", "robin")
    asked = await browser.get(authorize_url("strict", prompt="login"))
    interaction = dict(parse_qsl(urlsplit(asked.headers["location"]).query))["interaction"]
    for path in ("/oauth/authorize/resume", "/consent"):
        page = await follow(browser, await browser.get(path, params={"interaction": interaction}))
        assert 'id="login-submit"' in page.text


async def test_consent_is_asked_again_with_prompt_consent_or_force_prompt(
    site: Service, browser: httpx.AsyncClient
) -> None:
    await site.application("again")
    await obtain_code(browser, "again", "robin")
    for changes in ({"prompt": "consent"}, {"force_prompt": "1"}, {"force_prompt": "0"}):
        page = await consent_page(browser, "again", **changes)
        assert "code" in answer_of(await decide(browser, page))


@pytest.mark.spec("standards", "AR-7")
@pytest.mark.spec("standards", "NA-2")
@pytest.mark.spec("standards", "RU-2")
async def test_a_native_application_is_asked_every_time(site: Service, browser: httpx.AsyncClient) -> None:
    await site.application("cli", auth_method="none", kind="native", redirect_uris=("http://127.0.0.1/cb",))
    for port in (51004, 61023):
        uri = f"http://127.0.0.1:{port}/cb"
        page = await consent_page(browser, "cli", redirect_uri=uri)
        assert "program on this computer" in page.text
        assert (await decide(browser, page)).headers["location"].startswith(uri + "?code=")


async def test_an_unknown_decision_is_no_decision(site: Service, browser: httpx.AsyncClient) -> None:
    await site.application("undecided")
    page = await consent_page(browser, "undecided")
    assert (await decide(browser, page, "maybe")).status_code == 400
    assert await record_pairs(site, "robin", "undecided") == []


async def test_consents_at_once_lose_nothing(site: Service) -> None:
    await site.application("busy")
    scopes = [scope.name for scope in site.server.scopes]

    async def allow(browser: httpx.AsyncClient, scope: str) -> None:
        page = await consent_page(browser, "busy", scope=scope)
        assert "code" in answer_of(await decide(browser, page))

    async with AsyncExitStack() as stack:
        browsers = [await stack.enter_async_context(site.browser()) for _ in scopes]
        for browser in browsers:
            await sign_in(browser, "robin")
        await asyncio.gather(*map(allow, browsers, scopes))
    assert sorted(await record_pairs(site, "robin", "busy")) == sorted(scopes)


async def test_the_operator_can_read_why(site: Service, browser: httpx.AsyncClient) -> None:
    answer = await browser.get(authorize_url("web", scope="nope"))
    await site.server.traces.flush()
    [trace] = await traces.find(site.database, answer.headers["x-request-id"])
    assert trace.outcome == "refused: invalid_scope"
    assert [step.outcome for step in trace.steps] == ["passed"] * (len(trace.steps) - 1) + ["refused"]
    assert trace.steps[-1].check == "scope"


async def test_who_only_uses_applications_stays_signed_in(site: Service, browser: httpx.AsyncClient) -> None:
    await site.application("daily")
    await obtain_code(browser, "daily", "robin")
    for _ in range(3):
        site.clock.forward(11 * 3600)
        assert "code" in answer_of(await browser.get(authorize_url("daily", prompt="none")))
    site.clock.forward(12 * 3600)
    assert answer_of(await browser.get(authorize_url("daily", prompt="none")))["error"] == "login_required"


@pytest.mark.spec("standards", "A1-3")
@pytest.mark.spec("standards", "O-13")
@pytest.mark.spec("standards", "BC-8")
async def test_no_cors_and_no_other_methods(browser: httpx.AsyncClient) -> None:
    for response in (
        await browser.options("/oauth/authorize", headers={"Origin": "https://client.example"}),
        await browser.get(authorize_url("web"), headers={"Origin": "https://client.example"}),
        await browser.put("/oauth/authorize"),
    ):
        assert "access-control-allow-origin" not in response.headers
    assert (await browser.put("/oauth/authorize")).status_code == 405
