"""The API explorer in a real browser: our own files only, and an Authorize button that runs the code flow with PKCE."""

import base64
import hashlib
import json
from urllib.parse import parse_qs

import pytest
from playwright.sync_api import Browser, Page, expect

from app.views.docs_page import DOCS_CLIENT_ID, DOCS_REDIRECT_PATH, DocsPage, DocsRedirectPage
from app.views.render import Views
from app.views.static import static_file
from tests.support.chromium import complaints_of
from tests.views.loopback import Answer, LoopbackSite

SWAGGER_UI = {  # swagger-ui-dist 5.35.0, as published
    "swagger/swagger-ui-bundle.js": "e6a898692f2d768e807c3ba4626068a69a2c5dd960dd6c76f3e4d3a3de180af2",
    "swagger/swagger-ui.css": "5ed08757e53da3e026d6cbecc61fe5d43585c9560b302d534ad56692519a273d",
}

OPENAPI = {
    "openapi": "3.1.0",
    "info": {"title": "A protected API", "version": "1"},
    "paths": {
        "/api/v1/me": {
            "get": {
                "summary": "Who you are",
                "security": [{"oauth": ["profile"]}],
                "responses": {"200": {"description": "ok"}},
            }
        }
    },
    "components": {
        "securitySchemes": {
            "oauth": {
                "type": "oauth2",
                "flows": {
                    "authorizationCode": {
                        "authorizationUrl": "/oauth/authorize",
                        "tokenUrl": "/oauth/token",
                        "scopes": {"profile": "See your name and picture"},
                    }
                },
            }
        }
    },
}


@pytest.fixture
def explorer(site: LoopbackSite) -> dict[str, dict[str, str]]:
    """The docs pages on a site whose authorization endpoint approves at once; returns what the endpoints received."""
    views = Views("Lumenfold", site.origin)
    received: dict[str, dict[str, str]] = {}

    def parameters(encoded: str) -> dict[str, str]:
        return {name: values[0] for name, values in parse_qs(encoded, keep_blank_values=True).items()}

    def authorize(query: str, body: bytes) -> Answer:
        asked = received["authorize"] = parameters(query)
        back = f"{asked['redirect_uri']}?code=the-code&iss={site.origin}&state={asked['state']}"
        return Answer("", {"Location": back}, 303)

    def token(query: str, body: bytes) -> Answer:
        received["token"] = parameters(body.decode())
        answer = {"access_token": "the-token", "token_type": "Bearer", "expires_in": 3600, "scope": "profile"}
        return Answer(json.dumps(answer), {"Content-Type": "application/json"})

    for path, page in (("/docs", DocsPage(scopes=("profile",))), (DOCS_REDIRECT_PATH, DocsRedirectPage())):
        answer = Answer(views.render(page), views.security_headers(page, https=False))
        site.routes[path] = lambda query, body, answer=answer: answer  # type: ignore[misc]
    site.routes["/openapi.json"] = lambda query, body: Answer(json.dumps(OPENAPI), {"Content-Type": "application/json"})
    site.routes["/oauth/authorize"] = authorize
    site.routes["/oauth/token"] = token
    site.routes["/api/v1/me"] = lambda query, body: Answer("{}", {"Content-Type": "application/json"})
    return received


def press_authorize(page: Page) -> None:
    """Open the explorer's dialog and authorize in it."""
    page.get_by_role("button", name="Authorize").click()
    page.get_by_role("button", name="Apply given OAuth2 credentials").click()


@pytest.mark.parametrize(("name", "sha256"), SWAGGER_UI.items())
def test_swagger_ui_is_the_published_one(name: str, sha256: str) -> None:
    file = static_file(name)
    assert file is not None
    assert hashlib.sha256(file.body).hexdigest() == sha256


def test_authorize_button_runs_the_code_flow_with_pkce(
    site: LoopbackSite, browser: Browser, explorer: dict[str, dict[str, str]]
) -> None:
    page = browser.new_page()
    complaints = complaints_of(page)
    hosts: set[str] = set()
    page.context.on("request", lambda request: hosts.add(request.url.split("/")[2]))
    page.goto(f"{site.origin}/docs")
    press_authorize(page)
    expect(page.get_by_role("button", name="Remove authorization")).to_be_visible()

    asked, redeemed = explorer["authorize"], explorer["token"]
    assert asked["client_id"] == DOCS_CLIENT_ID
    assert asked["redirect_uri"] == f"{site.origin}{DOCS_REDIRECT_PATH}"
    assert asked["scope"] == "profile"
    assert asked["code_challenge_method"] == "S256"
    verifier = hashlib.sha256(redeemed["code_verifier"].encode()).digest()
    assert asked["code_challenge"] == base64.urlsafe_b64encode(verifier).rstrip(b"=").decode()
    assert redeemed["code"] == "the-code"
    assert redeemed["client_id"] == DOCS_CLIENT_ID
    assert not redeemed.get("client_secret")
    assert hosts == {site.origin.removeprefix("http://")}
    assert complaints == []
    page.context.close()


def test_try_it_out_sends_the_token_under_the_strict_policy(
    site: LoopbackSite, browser: Browser, explorer: dict[str, dict[str, str]]
) -> None:
    page = browser.new_page()
    complaints = complaints_of(page)
    page.goto(f"{site.origin}/docs")
    press_authorize(page)
    expect(page.get_by_role("button", name="Remove authorization")).to_be_visible()
    page.get_by_role("button", name="Close").click()
    page.get_by_role("button", name="Who you are").click()
    page.get_by_role("button", name="Try it out").click()
    with page.expect_request("**/api/v1/me") as call:
        page.get_by_role("button", name="Execute").click()
    expect(page.locator(".live-responses-table").first).to_contain_text("200")
    assert call.value.headers["authorization"] == "Bearer the-token"
    assert complaints == []
    page.context.close()


def test_answer_with_another_state_is_not_redeemed(
    site: LoopbackSite, browser: Browser, explorer: dict[str, dict[str, str]]
) -> None:
    site.routes["/oauth/authorize"] = lambda query, body: Answer(
        "", {"Location": f"{DOCS_REDIRECT_PATH}?code=the-code&state=of-somebody-else"}, 303
    )
    page = browser.new_page()
    page.goto(f"{site.origin}/docs")
    press_authorize(page)
    expect(page.locator(".auth-container")).to_contain_text("does not belong to this request")
    assert "token" not in explorer
    page.context.close()


def test_refusal_is_shown_in_its_own_words(
    site: LoopbackSite, browser: Browser, explorer: dict[str, dict[str, str]]
) -> None:
    def refuse(query: str, body: bytes) -> Answer:
        state = parse_qs(query)["state"][0]
        return Answer("", {"Location": f"{DOCS_REDIRECT_PATH}?error=access_denied&state={state}"}, 303)

    site.routes["/oauth/authorize"] = refuse
    page = browser.new_page()
    page.goto(f"{site.origin}/docs")
    press_authorize(page)
    expect(page.locator(".auth-container")).to_contain_text("access_denied")
    page.context.close()


def test_redirect_page_opened_by_hand_says_what_it_is_for(
    site: LoopbackSite, browser: Browser, explorer: dict[str, dict[str, str]]
) -> None:
    page = browser.new_page()
    complaints = complaints_of(page)
    page.goto(f"{site.origin}{DOCS_REDIRECT_PATH}?code=c&state=s")
    expect(page.get_by_role("heading", name="Back to the documentation")).to_be_visible()
    assert complaints == []
    page.context.close()
