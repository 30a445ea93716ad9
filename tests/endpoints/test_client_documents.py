"""Clients that are known by a metadata document, from the first request to the tokens (CIMD)."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from sqlalchemy import select
from sqlmodel import col

from app.models import Application, Interaction
from app.protocol import client_documents
from app.store.database import Database
from app.store.hot_connection import counting_trips
from tests.support.assertions import claims_of, form, key_of, key_set, signed
from tests.support.client_site import ClientSite, allow, ask, client_site, person, refresh, row_of, told
from tests.support.client_site import trusted as trusted
from tests.support.client_site import website as website
from tests.support.credentials import change
from tests.support.dpop import Holder
from tests.support.far_server import Trust, answer
from tests.support.pushing import answered, push, pushed, pushed_url, request_of
from tests.support.registering import check
from tests.support.service import ISSUER, answer_of, authorize_url, decide, follow, service

GONE = answer(b"gone", status="404 Not Found")
ASKS = 'id="consent-approve"'


@pytest.fixture
async def browser(website: ClientSite) -> AsyncIterator[httpx.AsyncClient]:
    async with website.site.browser() as fresh:
        yield fresh


async def tokens_of(website: ClientSite, browser: httpx.AsyncClient, **changes: Any) -> dict[str, Any]:
    """Allow it something, and return its tokens."""
    answered = answer_of(await allow(website, browser, person(website), **changes))
    redeemed = await website.redeem(browser, answered["code"], redirect_uri=changes.get("redirect_uri", ""))
    assert redeemed.status_code == 200, redeemed.text
    tokens: dict[str, Any] = redeemed.json()
    return tokens


def later(website: ClientSite, seconds: float = 3601) -> None:
    """Let the time of the document pass; a day, after which it counts for nothing, is not over then."""
    website.site.clock.forward(seconds)


@pytest.mark.spec("standards", "CI-2")
@pytest.mark.spec("standards", "CI-3")
@pytest.mark.spec("standards", "CI-16")
async def test_a_client_that_nobody_has_registered_gets_tokens(website: ClientSite, browser: httpx.AsyncClient) -> None:
    page = await ask(website, browser, person(website))
    assert ASKS in page.text
    assert await row_of(website) is None
    code = answer_of(await decide(browser, page))["code"]
    row = await row_of(website)
    assert row is not None
    assert (row.id, row.name, row.self_registered, row.verified) == (
        client_documents.application_id(website.client_id),
        "Scribe",
        True,
        False,
    )
    tokens = await website.redeem(browser, code)
    assert tokens.status_code == 200, tokens.text
    assert (await refresh(website, browser, tokens.json())).status_code == 200
    [asked] = website.far.requests
    assert asked.startswith(f"GET /{website.far.number}/client.json HTTP/1.1\r\n")
    assert "\r\nAccept: application/json\r\n" in asked
    assert await told(website) == ["application.introduced"]


async def test_one_that_is_refused_leaves_no_row(website: ClientSite, browser: httpx.AsyncClient) -> None:
    denied = await decide(browser, await ask(website, browser, person(website)), "deny")
    assert (denied.status_code, "access_denied" in denied.text) == (200, True)
    assert (await row_of(website), await told(website)) == (None, [])


async def test_the_first_consent_and_every_further_one_cost_no_trip_more_than_they_must(
    website: ClientSite, browser: httpx.AsyncClient
) -> None:
    page = await ask(website, browser, person(website))
    with counting_trips() as trips:
        await decide(browser, page)
    assert trips == ["gather_interaction", "is_client_id_taken", "settle_introduced"]
    with counting_trips() as trips:
        answer_of(await browser.get(website.url()))
    assert trips == ["gather_authorize", "settle_introduced"]


@pytest.mark.spec("standards", "BB-5")
@pytest.mark.spec("standards", "CI-7")
@pytest.mark.parametrize(
    ("redirect_uri", "remembered"),
    [("", True), ("http://127.0.0.1:4711/callback", False), ("https://elsewhere.example/callback", False)],
    ids=["its own origin", "loopback", "another host"],
)
async def test_what_was_allowed_is_remembered_for_whoever_has_the_host_of_the_client_id(
    website: ClientSite, browser: httpx.AsyncClient, redirect_uri: str, *, remembered: bool
) -> None:
    sent_to = redirect_uri or website.redirect_uri
    website.says(redirect_uris=[redirect_uri.replace(":4711", "") or website.redirect_uri])
    await tokens_of(website, browser, redirect_uri=sent_to)
    again = await follow(browser, await browser.get(website.url(redirect_uri=sent_to)))
    assert (again.status_code == 303) is remembered
    silent = answer_of(await browser.get(website.url(redirect_uri=sent_to, prompt="none")))
    assert silent.get("error") == (None if remembered else "consent_required")


@pytest.mark.spec("standards", "CI-7")
async def test_an_address_that_the_document_does_not_have_is_not_redirected_to(
    website: ClientSite, browser: httpx.AsyncClient
) -> None:
    page = await browser.get(website.url(redirect_uri=f"{website.origin}/other"))
    assert (page.status_code, "redirect" in page.text) == (400, True)


@pytest.mark.spec("standards", "CI-11")
@pytest.mark.spec("standards", "AR-12")
@pytest.mark.parametrize(
    "changed",
    [
        {"client_name": "Scribe Two"},
        {"logo_uri": "https://scribe.example/logo.png"},
        {"redirect_uris": ["https://elsewhere.example/callback"]},
        {"token_endpoint_auth_method": "private_key_jwt", "jwks": key_set(key_of("scribe"))},
    ],
    ids=lambda changed: next(iter(changed)),
)
async def test_whoever_allowed_what_it_was_is_asked_again_for_what_it_has_become(
    website: ClientSite, browser: httpx.AsyncClient, changed: dict[str, Any]
) -> None:
    await tokens_of(website, browser)
    assert answer_of(await browser.get(website.url()))["code"]
    changed = {**changed, "redirect_uris": [website.redirect_uri, *changed.get("redirect_uris", [])]}
    website.says(**changed)
    assert answer_of(await browser.get(website.url()))["code"]  # what it said counts a while
    later(website)
    assert answer_of(await browser.get(website.url(prompt="none")))["error"] == "consent_required"
    page = await follow(browser, await browser.get(website.url()))
    assert "the application has changed since it was allowed" in page.text
    assert answer_of(await decide(browser, page))["code"]
    assert answer_of(await browser.get(website.url()))["code"]
    assert await told(website) == ["application.introduced", "application.document_changed"]


@pytest.mark.spec("standards", "CI-11")
async def test_what_nobody_judges_it_by_changes_without_a_question(
    website: ClientSite, browser: httpx.AsyncClient
) -> None:
    await tokens_of(website, browser)
    website.says(tos_uri="https://scribe.example/terms", redirect_uris=[website.redirect_uri, f"{website.origin}/cb2"])
    later(website)
    assert answer_of(await browser.get(website.url(redirect_uri=f"{website.origin}/cb2")))["code"]


@pytest.mark.spec("standards", "CI-14")
@pytest.mark.spec("standards", "CI-10")
@pytest.mark.parametrize("post", [False, True], ids=["get", "post"])
async def test_a_document_that_cannot_be_had_or_used_ends_in_a_page_and_goes_nowhere(
    website: ClientSite, browser: httpx.AsyncClient, *, post: bool
) -> None:
    async def page(client_id: str = "") -> str:
        url = authorize_url(client_id or website.client_id, redirect_uri=website.redirect_uri)
        path, _, query = url.partition("?")
        headers = {"content-type": "application/x-www-form-urlencoded"}
        shown = await (browser.post(path, content=query, headers=headers) if post else browser.get(url))
        assert shown.status_code == 400
        assert "location" not in shown.headers
        return shown.text

    website.far.says = GONE
    text = await page()
    assert "invalid_client" in text
    assert "answers with status 404" in text
    website.says(client_secret="x")
    assert "has client_secret in its document" in await page()
    asked = len(website.far.requests)
    for wrong in (website.origin, f"{website.origin}/a/../b", f"{website.client_id}#x", "https://user@app.example/c"):
        assert "invalid_client" in await page(wrong)
    assert len(website.far.requests) == asked
    website.says(client_secret=None)
    assert (await browser.get(website.url())).status_code == 303  # no failure is kept (CI-9)


@pytest.mark.spec("standards", "CI-10")
async def test_a_copy_that_is_too_old_is_read_again_and_the_last_good_one_counts_for_a_day(
    website: ClientSite, browser: httpx.AsyncClient
) -> None:
    tokens = await tokens_of(website, browser)
    later(website)
    tokens = (await refresh(website, browser, tokens)).json()
    assert len(website.far.requests) == 2
    assert await told(website) == ["application.introduced"]
    later(website)
    website.far.says = GONE
    tokens = (await refresh(website, browser, tokens)).json()
    assert tokens["access_token"]
    later(website, 86_400)
    refused = await refresh(website, browser, tokens)
    assert (refused.status_code, refused.json()["error"]) == (401, "invalid_client")
    assert "client_id answers with status 404" in refused.json()["error_description"]
    website.says()
    assert (await refresh(website, browser, tokens)).status_code == 200


@pytest.mark.spec("standards", "CI-11")
async def test_keys_that_appear_in_the_document_have_to_be_shown_from_then_on(
    website: ClientSite, browser: httpx.AsyncClient
) -> None:
    tokens = await tokens_of(website, browser)
    website.says(token_endpoint_auth_method="private_key_jwt", jwks=key_set(key_of("scribe")))
    later(website)
    assert (await refresh(website, browser, tokens)).json()["error"] == "invalid_client"
    assert await told(website) == ["application.introduced", "application.document_changed"]
    proof = signed(claims_of(website.client_id, ISSUER, website.site.clock()), key_of("scribe"))
    data = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"], **form(proof)}
    assert (await browser.post("/oauth/token", data=data)).status_code == 200


@pytest.mark.parametrize(
    "state",
    [{"status": "inactive", "off_by": "operator", "epoch": 1}, {"status": "deletion_in_progress", "epoch": 1}],
    ids=["switched off", "deleted"],
)
async def test_an_application_that_the_operator_has_ended_stays_ended(
    website: ClientSite, browser: httpx.AsyncClient, state: dict[str, Any]
) -> None:
    tokens = await tokens_of(website, browser)
    page = await ask(website, browser, person(website), scope="project:write", prompt="consent")
    row = await row_of(website)
    assert row is not None
    await change(website.site, Application, row.id, **state)
    asked = len(website.far.requests)
    assert (await refresh(website, browser, tokens)).json()["error"] == "invalid_client"
    assert (await decide(browser, page)).status_code == 400
    later(website)
    refused = await browser.get(website.url())
    assert (refused.status_code, "location" in refused.headers) == (400, False)
    pushed_by_it = await push(browser, website.client_id, secret=None, redirect_uri=website.redirect_uri)
    assert pushed_by_it.json()["error"] == "invalid_client"
    assert len(website.far.requests) == asked
    again = await row_of(website)
    assert again is not None
    assert again.status == state["status"]


@pytest.mark.spec("standards", "CI-2")
async def test_an_address_that_the_operator_has_registered_is_an_application_like_any_other(
    website: ClientSite, browser: httpx.AsyncClient
) -> None:
    await website.site.application(website.client_id, name="Ours", auth_method="none")
    page = await ask(website, browser, person(website), redirect_uri=None)
    assert "Ours" in page.text
    assert answer_of(await decide(browser, page))["code"]
    assert website.far.requests == []


async def test_other_grants_are_not_for_such_clients(website: ClientSite, browser: httpx.AsyncClient) -> None:
    await tokens_of(website, browser)
    asked = await browser.post("/oauth/device_authorization", data={"client_id": website.client_id})
    assert asked.json()["error"] == "unauthorized_client"
    assert "authorization_code and refresh_token, and nothing else" in asked.json()["error_description"]


@pytest.mark.spec("standards", "CI-14")
async def test_it_may_push_its_requests_before_anybody_has_allowed_it_anything(
    website: ClientSite, browser: httpx.AsyncClient
) -> None:
    asked = {"secret": None, "redirect_uri": website.redirect_uri}
    reference = await pushed(browser, website.client_id, **asked)
    proof = Holder().proof("POST", f"{ISSUER}/oauth/par", at=website.site.clock())
    outcomes = [(await push(browser, website.client_id, proof=proof, **asked)).status_code for _ in range(2)]
    assert outcomes == [201, 400]
    assert await row_of(website) is None
    website.far.says = GONE
    url = pushed_url(website.client_id, reference)
    assert "code" in await answered(browser, url, person(website))
    assert len(website.far.requests) == 1
    assert await row_of(website) is not None
    later(website, 90_000)
    refused = await push(browser, website.client_id, **asked)
    assert (refused.status_code, refused.json()["error"]) == (401, "invalid_client")
    assert "client_id answers with status 404" in refused.json()["error_description"]


@pytest.mark.spec("standards", "PAR-8")
@pytest.mark.spec("standards", "CI-11")
async def test_nobody_goes_by_what_another_client_is_known_by_with_a_request_of_his_own(
    website: ClientSite, browser: httpx.AsyncClient
) -> None:
    await tokens_of(website, browser)
    await check(website.site, website.client_id)
    # Another client of the same host, which looks the same in all that people judge by.
    other = website.client_id.replace("client.json", "other.json")
    website.says(client_id=other)
    reference = await pushed(browser, other, secret=None, redirect_uri=website.redirect_uri)
    borrowed = await browser.get(pushed_url(website.client_id, reference))
    assert (borrowed.status_code, "location" in borrowed.headers) == (400, False), borrowed.headers
    page = await follow(browser, await browser.get(pushed_url(other, reference)))
    assert ASKS in page.text


@pytest.mark.spec("standards", "CI-6")
async def test_one_that_has_keys_proves_itself_with_them_wherever_it_goes(
    website: ClientSite, browser: httpx.AsyncClient
) -> None:
    website.says(token_endpoint_auth_method="private_key_jwt", jwks=key_set(key_of("scribe")))

    def proof(owner: str = "scribe") -> dict[str, str]:
        return form(signed(claims_of(website.client_id, ISSUER, website.site.clock()), key_of(owner)))

    asked = request_of(website.client_id, redirect_uri=website.redirect_uri)
    for shown in ({}, proof("mallory")):
        refused = await browser.post("/oauth/par", data={**asked, **shown})
        assert (refused.status_code, refused.json()["error"]) == (401, "invalid_client")
    answer = await browser.post("/oauth/par", data={**asked, **proof()})
    assert answer.status_code == 201, answer.text
    url = pushed_url(website.client_id, answer.json()["request_uri"])
    code = (await answered(browser, url, person(website)))["code"]
    assert (await website.redeem(browser, code)).json()["error"] == "invalid_client"
    assert (await website.redeem(browser, code, **proof("mallory"))).json()["error"] == "invalid_client"
    tokens = await website.redeem(browser, code, **proof())
    assert tokens.status_code == 200, tokens.text
    introspected = await browser.post("/oauth/introspect", data={"token": tokens.json()["access_token"], **proof()})
    assert introspected.json()["active"] is True


async def test_a_request_by_post_is_taken_up_with_what_was_read_for_it(
    website: ClientSite, browser: httpx.AsyncClient
) -> None:
    path, _, query = website.url().partition("?")
    headers = {"content-type": "application/x-www-form-urlencoded"}
    saved = await browser.post(path, content=query, headers=headers)
    website.far.says = GONE
    later(website, 60)
    assert 'id="login-submit"' in (await follow(browser, saved)).text
    async with website.site.database.transaction() as transaction:
        query_of_all = select(col(Interaction.document)).where(col(Interaction.client_id) == website.client_id)
        kept = list(await transaction.scalars(query_of_all))
    assert [one is not None and one["metadata"]["client_name"] for one in kept] == ["Scribe", "Scribe"]


@pytest.mark.spec("standards", "CI-15")
async def test_whoever_makes_us_ask_for_too_many_documents_has_to_wait_and_the_others_have_not(
    database: Database, trusted: Trust
) -> None:
    limits = {"document_requests": 3}
    async with client_site(database, trusted, limits=limits) as website:
        counted = httpx.ASGITransport(website.site.app, client=("198.51.100.7", 443))
        browser = httpx.AsyncClient(transport=counted, base_url=ISSUER)
        known = await browser.get(website.url())
        for number in range(4):
            url = authorize_url(f"{website.client_id}?{number}", redirect_uri=website.redirect_uri)
            shown = await browser.get(url)
            assert shown.status_code == (400 if number < 2 else 429), shown.text
        assert len(website.far.requests) == 3
        assert (await browser.get(website.url())).status_code == known.status_code == 303  # it is at hand


@pytest.mark.parametrize(
    "settings",
    [{"features": {"client_documents": False}}, {"client_documents": {"deny": ["127.0.0.1"]}}],
    ids=["switched off", "denied"],
)
async def test_what_does_not_count_here_any_more_is_served_no_longer(
    website: ClientSite, browser: httpx.AsyncClient, trusted: Trust, settings: dict[str, Any]
) -> None:
    tokens = await tokens_of(website, browser)
    page = await ask(website, browser, person(website), prompt="consent")
    asked = len(website.far.requests)
    outbound = {"allow": [f"127.0.0.1:{website.far.port}"], "ca_file": trusted.ca_file}
    async with service(website.site.database, outbound=outbound, **settings) as strict, strict.browser() as other:
        other.cookies.update(browser.cookies)
        assert (await decide(other, page)).status_code == 400
        assert (await other.get(website.url())).status_code == 400
        assert (await refresh(website, other, tokens)).json()["error"] == "invalid_client"
        pushed_by_it = await push(other, website.client_id, secret=None, redirect_uri=website.redirect_uri)
        assert pushed_by_it.json()["error"] == "invalid_client"
    assert len(website.far.requests) == asked
