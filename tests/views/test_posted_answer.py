"""The page that posts an answer to an application by itself, in a real browser and in one that runs no scripts."""

import re
from base64 import b64decode
from collections.abc import Iterator
from dataclasses import replace
from hashlib import sha256
from itertools import product
from urllib.parse import parse_qsl

import pytest
from playwright.sync_api import Browser, expect

from app.views.pages.answer import PostedAnswer
from tests.support.chromium import DESKTOP, NARROWEST, PHONE, RUN_AXE, SCHEMES, SIDEWAYS, complaints_of
from tests.views.answer_states import POSTED
from tests.views.gallery import VIEWS
from tests.views.loopback import Answer, LoopbackSite, running_site

ODD = "\"><script>alert('1')</script>&amp;=%+ü"


@pytest.fixture
def elsewhere() -> Iterator[LoopbackSite]:
    """Another site, which applications send people on to."""
    with running_site() as running:
        yield running


def serve(site: LoopbackSite, page: PostedAnswer) -> str:
    """Put a page on the site as the product sends it, and return its address."""
    site.routes["/page"] = lambda query, body: Answer(VIEWS.render(page), VIEWS.security_headers(page, https=False))
    return f"{site.origin}/page"


@pytest.mark.spec("standards", "RT-6")
@pytest.mark.spec("standards", "HD-4")
@pytest.mark.parametrize("name", POSTED)
def test_the_one_script_is_allowed_by_its_digest_and_the_policy_allows_nothing_else(name: str) -> None:
    policy = VIEWS.security_headers(POSTED[name], https=True)["Content-Security-Policy"]
    [digest] = re.findall(r"; script-src 'sha256-([^']+)'", policy)
    [script] = re.findall(r"<script>(.*)</script>", VIEWS.render(POSTED[name]))
    assert b64decode(digest) == sha256(script.encode()).digest()
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy


@pytest.mark.spec("standards", "RT-6")
@pytest.mark.spec("standards", "HD-4")
def test_every_value_arrives_as_it_was_and_the_application_may_lead_on_to_another_site(
    site: LoopbackSite, elsewhere: LoopbackSite, browser: Browser
) -> None:
    posted: list[bytes] = []

    def callback(query: str, body: bytes) -> Answer:
        posted.append(body)
        return Answer("", {"Location": f"{elsewhere.origin}/home"}, 303)

    site.routes["/callback"] = callback
    elsewhere.routes["/home"] = lambda query, body: Answer("<h1>Signed in</h1>", {})
    elsewhere.routes["/favicon.ico"] = lambda query, body: Answer("", {})
    fields = (("code", "asac_x"), ("state", ODD), ("iss", "https://id.lumenfold.example"))
    page = browser.new_page()
    complaints = complaints_of(page)
    page.goto(serve(site, PostedAnswer(uri=f"{site.origin}/callback", fields=fields)), wait_until="commit")
    page.wait_for_url(f"{elsewhere.origin}/home")
    assert [parse_qsl(body.decode(), strict_parsing=True) for body in posted] == [list(fields)]
    assert complaints == []
    page.context.close()


@pytest.mark.spec("standards", "RT-6")
def test_without_scripts_a_button_does_it_with_the_keyboard_alone(site: LoopbackSite, browser: Browser) -> None:
    site.routes["/callback"] = lambda query, body: Answer(f"<h1>{body.decode()}</h1>", {})
    page = browser.new_page(java_script_enabled=False)
    page.goto(serve(site, replace(POSTED["plain"], uri=f"{site.origin}/callback", fields=(("state", "x y"),))))
    expect(page.get_by_role("heading")).to_have_text("You go back to 127.0.0.1")
    while page.locator("button:focus").count() == 0:
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading")).to_have_text("state=x+y")
    page.context.close()


@pytest.mark.parametrize("name", POSTED)
def test_the_page_is_accessible_and_fits_for_as_long_as_it_is_seen(
    name: str, site: LoopbackSite, browser: Browser, axe_source: str
) -> None:
    page = browser.new_page(reduced_motion="reduce")
    page.add_init_script(axe_source)
    page.route(re.compile("^https:"), lambda route: route.fulfill(status=204))  # the browser stays where it is
    with page.expect_request(re.compile("/callback$")):
        page.goto(serve(site, POSTED[name]), wait_until="commit")
    for scheme, width in product(SCHEMES, (DESKTOP, PHONE, NARROWEST)):
        page.emulate_media(color_scheme=scheme)
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate(SIDEWAYS) == 0, f"scrolls sideways at {width}"
        assert page.evaluate(RUN_AXE) == [], f"{scheme} at {width}"
    page.context.close()
