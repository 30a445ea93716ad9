"""An application that gets its answers by POST (OAuth 2.0 Form Post Response Mode), in a real browser."""

from collections.abc import Iterator
from urllib.parse import parse_qsl, urlencode

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import KeySet
from playwright.sync_api import Browser, expect

from tests.support.chromium import complaints_of
from tests.support.facts import CHALLENGE, VERIFIER
from tests.support.server import Server, directory_for_server, running_server
from tests.views.loopback import Answer, LoopbackSite, running_site

PASSWORD = "violet anchor plum taxi"
SECRET = "secret-of-the-till-that-is-long-enough"


@pytest.fixture(scope="module")
def site() -> Iterator[LoopbackSite]:
    """The site of the application."""
    with running_site() as running:
        running.routes["/favicon.ico"] = lambda query, body: Answer("", {})
        yield running


@pytest.fixture(scope="module")
def server(site: LoopbackSite) -> Iterator[Server]:
    """A server with an application at the loopback site that gets codes and ID tokens through the browser."""
    application = {
        "client_id": "till",
        "client_secret": SECRET,
        "client_name": "Till",
        "redirect_uris": [f"{site.origin}/callback"],
        "grant_types": ["authorization_code", "implicit"],
        "response_types": ["code", "code id_token"],
        "response_modes": ["form_post"],
        "id_token_signed_response_alg": "ES256",
    }
    data = {"users": [{"username": "robin", "password": PASSWORD}], "applications": [application]}
    with directory_for_server() as directory, running_server(directory, data=data) as running:
        yield running


@pytest.mark.spec("standards", "RT-6")
@pytest.mark.spec("standards", "HD-4")
def test_after_consent_the_answer_is_posted_and_the_application_leads_on(
    server: Server, site: LoopbackSite, browser: Browser
) -> None:
    posted: list[bytes] = []

    def callback(query: str, body: bytes) -> Answer:
        posted.append(body)
        return Answer("", {"Location": "/home"}, 303)

    site.routes["/callback"] = callback
    site.routes["/home"] = lambda query, body: Answer("<h1>Signed in at the till</h1>", {})
    redirect_uri = f"{site.origin}/callback"
    asked = {
        "response_type": "code id_token",
        "response_mode": "form_post",
        "client_id": "till",
        "redirect_uri": redirect_uri,
        "scope": "openid email",
        "state": 'é "<&',
        "nonce": "n-0S6",
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
    }
    page = browser.new_page()
    page.set_default_timeout(10_000)
    complaints = complaints_of(page)
    page.goto(f"{server.issuer}/oauth/authorize?{urlencode(asked)}")
    page.fill("#username", "robin")
    page.fill("#password", PASSWORD)
    page.click("#login-submit")
    page.click("#consent-approve")
    page.wait_for_url(f"{site.origin}/home")
    expect(page.get_by_role("heading")).to_have_text("Signed in at the till")
    assert complaints == []

    [body] = posted
    answer = dict(parse_qsl(body.decode(), strict_parsing=True))
    assert answer.keys() == {"code", "id_token", "state", "iss"}
    assert (answer["state"], answer["iss"]) == ('é "<&', server.issuer)
    with httpx.Client(base_url=server.issuer) as client:
        keys = KeySet.import_key_set(client.get("/oauth/jwks").json())
        claims = jwt.decode(answer["id_token"], keys, algorithms=["ES256"]).claims
        assert (claims["aud"], claims["nonce"]) == ("till", "n-0S6")
        form = {"grant_type": "authorization_code", "code": answer["code"], "redirect_uri": redirect_uri}
        bought = client.post("/oauth/token", data={**form, "code_verifier": VERIFIER}, auth=("till", SECRET))
    assert bought.status_code == 200, bought.text
    second = jwt.decode(bought.json()["id_token"], keys, algorithms=["ES256"]).claims
    assert (second["sub"], second["nonce"]) == (claims["sub"], "n-0S6")

    page.goto(f"{server.issuer}/oauth/authorize?{urlencode(asked | {'scope': 'nope'})}")
    page.wait_for_url(f"{site.origin}/home")
    assert dict(parse_qsl(posted[1].decode()))["error"] == "invalid_scope"
    assert answer["code"] not in server.log
    assert answer["id_token"] not in server.log
    page.context.close()
