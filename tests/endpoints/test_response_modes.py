"""How an answer travels: in the query, as a fragment, or posted by a page of ours (OAuth 2.0 Form Post)."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from app.models import Application
from app.store.database import Database
from tests.support.credentials import change
from tests.support.front_channel import HYBRID, NO_CHALLENGE, asking, fragment_of, walk
from tests.support.service import (
    ISSUER,
    REDIRECT_URI,
    Service,
    decide,
    fields_of,
    follow,
    redeem,
    service,
    sign_in,
)
from tests.support.signing import keep_keys


@pytest.fixture(scope="module")
async def site(database: Database) -> AsyncIterator[Service]:
    """A server with an application that may have every answer, and one that is held to a mode."""
    async with service(database) as running:
        await keep_keys(running.server)
        await running.user("robin")
        await running.application("web")
        await running.application("hybrid", **HYBRID)
        held = {"id_token_alg": "ES256", "response_modes": ["form_post"]}
        await running.application("held", **{**HYBRID, "openid": held})
        yield running


@pytest.fixture
async def browser(site: Service) -> AsyncIterator[httpx.AsyncClient]:
    async with site.browser() as fresh:
        yield fresh


@pytest.mark.spec("standards", "A1.2 (4)")
@pytest.mark.spec("standards", "RT-1")
@pytest.mark.spec("standards", "RT-9")
@pytest.mark.parametrize(
    ("client_id", "changes"),
    [
        ("hybrid", {"response_type": "id_token", "response_mode": "query", **NO_CHALLENGE}),
        ("hybrid", {"response_mode": "query"}),
        ("hybrid", {"response_type": "code", "response_mode": "web_message"}),
        ("held", {}),
        ("held", {"response_mode": "fragment"}),
    ],
    ids=["ID token in a query", "hybrid in a query", "a mode that nobody has", "not its default", "not its own"],
)
async def test_a_mode_that_does_not_fit_is_a_page_without_oauth_parameters(
    browser: httpx.AsyncClient, client_id: str, changes: dict[str, Any]
) -> None:
    page = await browser.get(asking(client_id, "code id_token", **changes))
    assert page.status_code == 400
    assert "location" not in page.headers
    assert "can’t answer" in page.text
    assert "response_mode does not fit" in page.text


async def test_a_code_may_come_in_the_fragment(browser: httpx.AsyncClient) -> None:
    answer = fragment_of(await walk(browser, asking("web", "code", response_mode="fragment")))
    assert answer.keys() == {"code", "state", "iss"}


def posted(page: httpx.Response, uri: str = REDIRECT_URI) -> dict[str, str]:
    """Return what a page posts to the application by itself, and check how it does that."""
    assert page.status_code == 200, page.text
    assert f'<form class="card card--plain stack" id="answer" method="post" action="{uri}">' in page.text
    assert page.text.count("<form") == page.text.count("<script") == 1
    assert '<button class="btn btn--primary">Continue</button>' in page.text
    policy = page.headers["content-security-policy"]
    assert "script-src 'sha256-" in policy
    assert "unsafe" not in policy
    assert "form-action" not in policy
    assert page.headers["cache-control"] == "no-cache, no-store"
    assert "location" not in page.headers
    return fields_of(page)


@pytest.mark.spec("standards", "RT-6")
@pytest.mark.spec("standards", "HD-1")
@pytest.mark.spec("standards", "HD-4")
@pytest.mark.spec("standards", "G3")
@pytest.mark.parametrize("response_type", ["code", "code id_token", "id_token", "none"])
async def test_form_post_is_a_page_that_posts_whatever_the_response_type_has(
    browser: httpx.AsyncClient, response_type: str
) -> None:
    state = "\"><script>alert('1')</script>&amp;ä"
    asked = asking("hybrid", response_type, response_mode="form_post", state=state)
    page = await walk(browser, asked)
    answer = posted(page)
    assert answer.keys() == {"state", "iss", *(word for word in response_type.split() if word != "none")}
    assert (answer["state"], answer["iss"]) == (state, ISSUER)
    assert "<script>alert" not in page.text
    if "code" in answer:
        assert (await redeem(browser, "hybrid", answer["code"])).status_code == 200


@pytest.mark.spec("standards", "RT-3")
@pytest.mark.spec("standards", "RT-6")
async def test_errors_are_posted_too(browser: httpx.AsyncClient) -> None:
    answer = posted(await browser.get(asking("hybrid", "code", response_mode="form_post", prompt="none")))
    assert answer.keys() == {"error", "error_description", "state", "iss"}
    assert answer["error"] == "login_required"


@pytest.mark.spec("standards", "RT-9")
async def test_an_application_that_is_held_to_form_post_signs_people_in_with_it(browser: httpx.AsyncClient) -> None:
    assert "code" in posted(await walk(browser, asking("held", "code id_token", response_mode="form_post")))


@pytest.mark.spec("standards", "A1.2 (8)")
@pytest.mark.spec("standards", "BC-16")
async def test_an_error_for_a_self_registered_application_waits_for_a_click_on_a_form(
    site: Service, browser: httpx.AsyncClient
) -> None:
    application_id = await site.application("stranger", **HYBRID)
    await change(site, Application, application_id, self_registered=True)
    page = await browser.get(asking("stranger", "code", response_mode="form_post", scope="a b\\"))
    assert page.status_code == 400
    assert f'method="post" action="{REDIRECT_URI}" id="return-form"' in page.text
    assert "<script" not in page.text
    assert "form-action" not in page.headers["content-security-policy"]
    assert fields_of(page)["error"] == "invalid_scope"
    consent = await follow(browser, await browser.get(asking("stranger", "code", response_mode="form_post")))
    consent = await follow(browser, await sign_in(browser, "robin", consent))
    denied = await decide(browser, consent, "deny")
    assert fields_of(denied)["error"] == "access_denied"
    assert 'id="return-form"' in denied.text


async def test_an_app_on_a_device_cannot_be_posted_to(site: Service, browser: httpx.AsyncClient) -> None:
    await site.application("phone", **{**HYBRID, "redirect_uris": ("com.example.app:/cb",), "kind": "native"})
    asked = {"redirect_uri": "com.example.app:/cb", "response_mode": "form_post"}
    page = await browser.get(asking("phone", "code", **asked))
    assert page.status_code == 400
    assert "send one of: query, fragment" in page.text
