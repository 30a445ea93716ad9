"""An old application that knows only `response_type=token`, in a browser that runs no scripts."""

from collections.abc import Iterator
from urllib.parse import parse_qsl, urlencode, urlsplit

import httpx
import pytest
from playwright.sync_api import Browser, Page

from tests.support.server import Server, directory_for_server, running_server
from tests.views.loopback import Answer, LoopbackSite, running_site

PASSWORD = "violet anchor plum taxi"


@pytest.fixture(scope="module")
def site() -> Iterator[LoopbackSite]:
    """The site of the application."""
    with running_site() as running:
        yield running


@pytest.fixture(scope="module")
def server(site: LoopbackSite) -> Iterator[Server]:
    """A server that has the flow on, and an application at the loopback site that may use it."""
    site.routes["/callback"] = lambda query, body: Answer("<h1>Back</h1>", {})
    application = {
        "client_id": "old-widget",
        "client_name": "Old Widget",
        "redirect_uris": [f"{site.origin}/callback"],
        "response_types": ["token"],
        "grant_types": ["implicit"],
        "token_endpoint_auth_method": "none",
        "allow_implicit": True,
    }
    people = [{"username": username, "password": PASSWORD} for username in ("robin", "sam")]
    data = {"users": people, "applications": [application]}
    with (
        directory_for_server() as directory,
        running_server(directory, data=data, settings={"FEATURES__IMPLICIT": "true"}) as running,
    ):
        yield running


@pytest.mark.spec("original", "A16")
def test_the_token_arrives_in_the_fragment_without_scripts(
    server: Server, site: LoopbackSite, browser: Browser
) -> None:
    page = browser.new_page(java_script_enabled=False)
    page.set_default_timeout(10_000)
    asked = {
        "response_type": "token",
        "client_id": "old-widget",
        "redirect_uri": f"{site.origin}/callback",
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
    with httpx.Client(base_url=server.issuer) as client:
        me = client.get("/api/v1/me", headers={"Authorization": f"Bearer {token}"})
    assert (me.status_code, me.json()["username"]) == (200, "robin")
    assert token not in server.log
    page.context.close()


@pytest.mark.spec("original", "A17")
def test_a_refusal_arrives_in_the_fragment_too(server: Server, site: LoopbackSite, browser: Browser) -> None:
    page = browser.new_page(java_script_enabled=False)
    page.set_default_timeout(10_000)
    page.goto(f"{server.issuer}/oauth/authorize?response_type=token&client_id=old-widget")
    page.fill("#username", "sam")
    page.fill("#password", PASSWORD)
    page.click("#login-submit")
    page.click("#consent-deny")
    assert _arrived(page, site)["error"] == "access_denied"
    page.context.close()


def _arrived(page: Page, site: LoopbackSite) -> dict[str, str]:
    page.wait_for_url(f"{site.origin}/callback**")
    parts = urlsplit(page.url)
    assert parts.query == ""
    return dict(parse_qsl(parts.fragment))
