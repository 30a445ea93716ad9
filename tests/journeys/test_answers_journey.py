"""Applications that get their answers in another way than in a query, in a real browser: by POST (OAuth 2.0 Form Post
Response Mode), and an old one that knows only `response_type=token`, in the fragment."""

from collections.abc import Iterator
from urllib.parse import parse_qsl, urlencode, urlsplit

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import KeySet
from playwright.sync_api import Browser, Page, expect

from tests.support.chromium import PATIENCE, complaints_of
from tests.support.facts import CHALLENGE, VERIFIER
from tests.support.server import Server, directory_for_server, running_server
from tests.views.loopback import Answer, LoopbackSite, running_site

pytestmark = pytest.mark.slow  # without a browser, `make test` has the same steps

PASSWORD = "violet anchor plum taxi"
SECRET = "secret-of-the-till-that-is-long-enough"


@pytest.fixture(scope="module")
def site() -> Iterator[LoopbackSite]:
    """The site of the applications."""
    with running_site() as running:
        running.routes["/favicon.ico"] = lambda query, body: Answer("", {})
        yield running


@pytest.fixture(scope="module")
def server(site: LoopbackSite) -> Iterator[Server]:
    """A server with an application at the loopback site that gets codes and ID tokens through the browser, and one that
    gets tokens through it."""
    site.routes["/widget"] = lambda query, body: Answer("<h1>Back</h1>", {})
    till = {
        "client_id": "till",
        "client_secret": SECRET,
        "client_name": "Till",
        "redirect_uris": [f"{site.origin}/callback"],
        "grant_types": ["authorization_code", "implicit"],
        "response_types": ["code", "code id_token"],
        "response_modes": ["form_post"],
        "id_token_signed_response_alg": "ES256",
    }
    widget = {
        "client_id": "old-widget",
        "client_name": "Old Widget",
        "redirect_uris": [f"{site.origin}/widget"],
        "response_types": ["token"],
        "grant_types": ["implicit"],
        "token_endpoint_auth_method": "none",
        "allow_implicit": True,
    }
    people = [{"username": username, "password": PASSWORD} for username in ("robin", "sam")]
    data, settings = {"users": people, "applications": [till, widget]}, {"FEATURES__IMPLICIT": "true"}
    with directory_for_server() as directory, running_server(directory, data=data, settings=settings) as running:
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
    page.set_default_timeout(PATIENCE)
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
    with httpx.Client(base_url=server.issuer, timeout=60) as client:
        keys = KeySet.import_key_set(client.get("/oauth/jwks").json())
        claims = jwt.decode(answer["id_token"], keys, algorithms=["ES256"]).claims
        assert (claims["aud"], claims["nonce"]) == ("till", "n-0S6")
        form = {"grant_type": "authorization_code", "code": answer["code"], "redirect_uri": redirect_uri}
        bought = client.post("/oauth/token", data={**form, "code_verifier": VERIFIER}, auth=("till", SECRET))
    assert bought.status_code == 200, bought.text
    second = jwt.decode(bought.json()["id_token"], keys, algorithms=["ES256"]).claims
    assert (second["sub"], second["nonce"]) == (claims["sub"], "n-0S6")

    page.goto(f"{server.issuer}/oauth/authorize?{urlencode(asked | {'scope': 'nope'})}", wait_until="commit")
    page.wait_for_url(f"{site.origin}/home")
    assert dict(parse_qsl(posted[1].decode()))["error"] == "invalid_scope"
    assert answer["code"] not in server.log
    assert answer["id_token"] not in server.log
    page.context.close()


@pytest.mark.spec("original", "A16")
def test_the_token_arrives_in_the_fragment_without_scripts(
    server: Server, site: LoopbackSite, browser: Browser
) -> None:
    page = browser.new_page(java_script_enabled=False)
    page.set_default_timeout(PATIENCE)
    asked = {
        "response_type": "token",
        "client_id": "old-widget",
        "redirect_uri": f"{site.origin}/widget",
        "scope": "org:read",
        "state": "s 1",
    }
    page.goto(f"{server.issuer}/oauth/authorize?{urlencode(asked)}")
    page.fill("#username", "robin")
    page.fill("#password", PASSWORD)
    page.click("#login-submit")
    page.click("#consent-approve")
    answer = _arrived(page, site)
    token = answer.pop("access_token")
    assert answer == {
        "token_type": "Bearer",
        "expires_in": "3600",
        "scope": "org:read",
        "state": "s 1",
        "iss": server.issuer,
    }
    with httpx.Client(base_url=server.issuer, timeout=60) as client:
        me = client.get("/api/v1/me", headers={"Authorization": f"Bearer {token}"})
    assert (me.status_code, me.json()["username"]) == (200, "robin")
    assert token not in server.log
    page.context.close()


@pytest.mark.spec("original", "A17")
def test_a_refusal_arrives_in_the_fragment_too(server: Server, site: LoopbackSite, browser: Browser) -> None:
    page = browser.new_page(java_script_enabled=False)
    page.set_default_timeout(PATIENCE)
    page.goto(f"{server.issuer}/oauth/authorize?response_type=token&client_id=old-widget")
    page.fill("#username", "sam")
    page.fill("#password", PASSWORD)
    page.click("#login-submit")
    page.click("#consent-deny")
    assert _arrived(page, site)["error"] == "access_denied"
    page.context.close()


def _arrived(page: Page, site: LoopbackSite) -> dict[str, str]:
    page.wait_for_url(f"{site.origin}/widget**")
    parts = urlsplit(page.url)
    assert parts.query == ""
    return dict(parse_qsl(parts.fragment))
