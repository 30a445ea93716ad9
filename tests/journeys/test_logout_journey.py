"""Signing out of everything at once, in Chromium: by an application's link, in its frames, and as its page sees it."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from app.crypto.jose import peek
from tests.journeys.conftest import Onlooker
from tests.support.chromium import PATIENCE, follow
from tests.support.facts import CHALLENGE, VERIFIER
from tests.support.server import Server, directory_for_server, running_server
from tests.views.loopback import Answer, LoopbackSite, running_site

PASSWORD = "violet anchor plum taxi"
SECRET = "client-secret-of-these-tests"
HTML = {"Content-Type": "text/html; charset=utf-8"}

WATCHER = """<!doctype html><title>Watcher</title><h1>Watcher</h1>
<iframe name="op" src="{issuer}/oauth/check-session"></iframe>
<iframe name="rp" src="/rp?{query}"></iframe>
<iframe name="stranger" src="{stranger}/rp?{query}"></iframe>"""
"""A page of the application with the two frames of OpenID Connect Session Management 1.0 §3, and one of a stranger."""

ASKER = """<!doctype html><title>Asker</title><output></output><script>
const told = new URLSearchParams(location.search);
addEventListener("message", (event) => {
  if (event.origin === told.get("op")) document.querySelector("output").textContent += event.data + ";";
});
function ask(text) { parent.frames.op.postMessage(text, told.get("op")); }
</script>"""


@dataclass(slots=True)
class Application:
    """An application with a site of its own; `framed` are the queries with which its sign-out page was opened."""

    client_id: str
    site: LoopbackSite
    host: str = "127.0.0.1"
    framed: list[dict[str, list[str]]] = field(default_factory=list)

    @property
    def origin(self) -> str:
        """Where its site is."""
        return self.site.origin.replace("127.0.0.1", self.host)

    @property
    def registered(self) -> dict[str, Any]:
        """What is registered for it."""
        return {
            "client_id": self.client_id,
            "client_name": self.client_id.capitalize(),
            "client_secret": SECRET,
            "redirect_uris": [f"{self.origin}/callback"],
            "post_logout_redirect_uris": [f"{self.origin}/bye"],
            "frontchannel_logout_uri": f"{self.origin}/out?tenant=1",
            "frontchannel_logout_session_required": True,
            "id_token_signed_response_alg": "ES256",
        }

    def serve(self) -> None:
        """Give the site its pages."""
        self.site.routes |= {
            "/callback": lambda query, body: Answer("<h1>Back</h1>", HTML),
            "/bye": lambda query, body: Answer("<h1>Bye</h1>", HTML),
            "/out": lambda query, body: self._frame(query),
            "/rp": lambda query, body: Answer(ASKER, HTML),
        }

    def _frame(self, query: str) -> Answer:
        self.framed.append(parse_qs(query))
        return Answer("<script>top.location = '/away'</script>out", HTML)


Applications = tuple[Application, Application, Application]


@dataclass(frozen=True, slots=True)
class Signed:
    """What an application got of a sign-in."""

    id_token: str = field(repr=False)
    session_state: str


@pytest.fixture(scope="module")
def applications() -> Iterator[Applications]:
    """Two applications of other sites, and one at the site of the server itself, at another origin."""
    with running_site() as one, running_site() as two, running_site() as three:
        made = Application("diary", one), Application("notes", two), Application("near", three, "localhost")
        for application in made:
            application.serve()
        yield made


@pytest.fixture(scope="module")
def server(applications: Applications) -> Iterator[Server]:
    """A server with session management on, two people, and the applications."""
    people = [{"username": name, "email": f"{name}@example.org", "password": PASSWORD} for name in ("robin", "sam")]
    data = {"users": people, "applications": [one.registered for one in applications]}
    settings = {"FEATURES__SESSION_MANAGEMENT": "true"}
    with directory_for_server() as directory, running_server(directory, data=data, settings=settings) as running:
        yield running


def sign_in(page: Page, server: Server, application: Application, username: str = "robin") -> Signed:
    """Walk through the pages as far as they are shown, and exchange the code."""
    callback = f"{application.origin}/callback"
    asked = {
        "response_type": "code",
        "client_id": application.client_id,
        "redirect_uri": callback,
        "scope": "openid",
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
    }
    page.goto(f"{server.issuer}/oauth/authorize?{urlencode(asked)}")
    if page.locator("#username").count():
        page.fill("#username", username)
        page.fill("#password", PASSWORD)
        follow(page.locator("#login-submit"))
    if page.locator("#consent-approve").count():
        page.click("#consent-approve")
    page.wait_for_url(f"{callback}**")
    answer = parse_qs(urlsplit(page.url).query)
    redeemed = {
        "grant_type": "authorization_code",
        "code": answer["code"][0],
        "redirect_uri": callback,
        "code_verifier": VERIFIER,
    }
    with httpx.Client(base_url=server.issuer, timeout=60) as client:
        tokens = client.post("/oauth/token", data=redeemed, auth=(application.client_id, SECRET)).json()
    return Signed(tokens["id_token"], answer["session_state"][0])


def new_page(browser: Browser, *, scripts: bool) -> Page:
    """Open a tab in a browser of its own."""
    page = browser.new_context(java_script_enabled=scripts).new_page()
    page.set_default_timeout(PATIENCE)
    return page


@pytest.mark.spec("standards", "LF-1")
@pytest.mark.spec("standards", "LF-2")
@pytest.mark.spec("standards", "LO-4")
@pytest.mark.spec("standards", "LO-5")
def test_a_link_signs_out_everywhere_and_leads_back_without_scripts(
    server: Server, applications: Applications, browser: Browser
) -> None:
    diary, notes, _ = applications
    page = new_page(browser, scripts=False)
    held = {one.client_id: sign_in(page, server, one) for one in (diary, notes)}
    asked = {
        "id_token_hint": held["diary"].id_token,
        "post_logout_redirect_uri": f"{diary.origin}/bye",
        "state": "s 1",
    }
    page.goto(f"{server.issuer}/oauth/logout?{urlencode(asked)}")
    expect(page.locator("h1")).to_have_text("You are signed out")
    page.wait_for_url(f"{diary.origin}/bye?state=s+1")
    for one in (diary, notes):
        sid = peek(held[one.client_id].id_token).claims["sid"]
        assert one.framed.pop() == {"tenant": ["1"], "iss": [server.issuer], "sid": [sid]}
    page.goto(f"{server.issuer}/account")
    expect(page.locator("#username")).to_be_visible()
    assert held["diary"].id_token not in server.log
    page.context.close()


@pytest.mark.spec("standards", "LO-1")
@pytest.mark.spec("standards", "LO-3")
def test_a_form_of_another_site_asks_first_and_the_keyboard_is_enough(
    server: Server, applications: Applications, browser: Browser, onlooker: Onlooker
) -> None:
    diary, notes, _ = applications
    form = f"""<form method="post" action="{server.issuer}/oauth/logout"><input name="client_id" value="diary">
        <input name="post_logout_redirect_uri" value="{diary.origin}/bye"><button>Sign out</button></form>"""
    diary.site.routes["/form"] = lambda query, body: Answer(form, HTML)
    page = new_page(browser, scripts=True)
    sign_in(page, server, notes)
    page.goto(f"{diary.origin}/form")
    page.get_by_role("button").click()
    expect(page.locator("h1")).to_have_text("Sign out of Assent?")
    onlooker.look_at(page, "sign-out-asked")
    while not page.locator("#logout-confirm:focus").count():
        page.keyboard.press("Tab")
    with page.expect_response(lambda answer: answer.request.method == "POST"):
        page.keyboard.press("Enter")
    expect(page.locator("h1")).to_have_text("You are signed out")
    page.wait_for_url(f"{diary.origin}/bye")
    assert notes.framed.pop()["iss"] == [server.issuer]
    page.context.close()


@pytest.mark.spec("standards", "LS-1")
@pytest.mark.spec("standards", "LS-2")
@pytest.mark.spec("standards", "LS-3")
def test_the_page_of_an_application_sees_that_the_login_changed(
    server: Server, applications: Applications, browser: Browser
) -> None:
    """Where browsers keep cookies from frames of other sites, this works within a site alone."""
    diary, _, near = applications
    page = new_page(browser, scripts=True)
    told = sign_in(page, server, near)
    watched = WATCHER.format(issuer=server.issuer, query=urlencode({"op": server.issuer}), stranger=diary.origin)
    near.site.routes["/watch"] = lambda query, body: Answer(watched, HTML)
    watcher = page.context.new_page()
    watcher.goto(f"{near.origin}/watch", wait_until="load")
    mine = f"near {told.session_state}"
    assert answers(watcher, mine, f"notes {told.session_state}", "near", "", f"{mine}!") == [
        *("unchanged", "changed", "error", "error", "error")
    ]
    assert answers(watcher, mine, frame="stranger") == ["changed"]
    page.goto(f"{server.issuer}/account")
    assert answers(watcher, mine) == ["unchanged"]
    page.goto(f"{server.issuer}/logout")
    page.click("#logout-confirm")
    expect(page.locator("h1")).to_have_text("You are signed out")
    assert answers(watcher, mine) == ["changed"]
    again = sign_in(page, server, near, "sam")
    assert answers(watcher, mine, f"near {again.session_state}") == ["changed", "unchanged"]
    page.context.close()


def answers(watcher: Page, *asked: str, frame: str = "rp") -> list[str]:
    """Have a frame ask that of the server, and return what it answers, in order."""
    asking = watcher.frame(name=frame)
    assert asking is not None
    asking.evaluate("() => { document.querySelector('output').textContent = '' }")
    for number, text in enumerate(asked, 1):
        asking.evaluate("text => ask(text)", text)
        asking.wait_for_function("n => document.querySelector('output').textContent.split(';').length > n", arg=number)
    return asking.locator("output").inner_text().split(";")[:-1]
