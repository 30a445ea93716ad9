"""Every page that is served, opened in Chromium as somebody who lives with it: readable, usable, and quiet."""

import re
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from tests.support.chromium import DESKTOP, NARROWEST, RUN_AXE, SCHEMES, SIDEWAYS, complaints_of, screenshot_folder
from tests.support.lived_in import LivedIn, lived_in
from tests.support.visits import VISITS, Visit, page_routes

TABS = 60
"""How often somebody presses Tab before he gives up; the first press leads past the navigation."""


@dataclass(slots=True)
class Walker:
    """Somebody's browser without scripts. `abroad` are the requests that it sent to anybody but the server."""

    context: BrowserContext
    origin: str
    abroad: list[str] = field(default_factory=list)

    def open(self, address: str) -> tuple[Page, int]:
        """Open an address in a tab of its own, and return it with the status of the page that came."""
        page = self.context.new_page()
        page.on("request", lambda request: self._note(request.url))
        answer = page.goto(address)
        assert answer is not None
        return page, answer.status

    def _note(self, url: str) -> None:
        if not url.startswith((self.origin, "data:")):
            self.abroad.append(url)


@pytest.fixture(scope="module")
def world() -> Iterator[LivedIn]:
    """The server and what is on it."""
    with lived_in() as world:
        yield world


@pytest.fixture(scope="module")
def walkers(world: LivedIn, browser: Browser) -> Iterator[Mapping[str, Walker]]:
    """The browsers of everybody, and of somebody who is not signed in."""
    with ExitStack() as stack:
        found = {}
        for name in ("", *world.residents):
            context = browser.new_context(
                base_url=world.server.issuer,
                java_script_enabled=False,
                reduced_motion="reduce",
                viewport={"width": DESKTOP, "height": 900},
            )
            stack.callback(context.close)
            context.set_default_timeout(10_000)
            if name:
                cookies = world.residents[name].browser.cookies
                context.add_cookies(
                    [{"name": one, "value": value, "url": world.server.issuer} for one, value in cookies.items()]
                )
            found[name] = Walker(context, world.server.issuer)
        yield found


def test_no_page_is_left_out() -> None:
    assert sorted(VISITS) == page_routes()


@pytest.fixture(scope="module")
def folder() -> Path | None:
    """Where screenshots are kept for people to look at, if anywhere."""
    return screenshot_folder("walk")


@pytest.mark.parametrize("route", VISITS)
def test_page_is_readable_and_within_reach(
    route: str, world: LivedIn, walkers: Mapping[str, Walker], axe_source: str, folder: Path | None
) -> None:
    with ExitStack() as stack:
        if route == "/setup/{token}":
            stack.enter_context(world.not_set_up())
        for number, visit in enumerate(VISITS[route]):
            name = f"{route.strip('/').replace('/', '.') or 'home'}-{number}".translate(str.maketrans("", "", "{}"))
            look(world, walkers[visit.person], visit, axe_source, folder and folder / name)


def look(world: LivedIn, walker: Walker, visit: Visit, axe_source: str, picture: Path | None) -> None:
    """Open a page and check everything that does not depend on what the page is about."""
    page, status = walker.open(world.address(visit.address))
    complaints = complaints_of(page)
    assert status == visit.status, f"{visit}: {page.inner_text('main')}"
    [headline] = page.locator("h1").all_inner_texts()
    assert visit.headline in headline, visit
    assert page.title().endswith(" – Assent")
    page.evaluate(axe_source)
    for scheme, width in zip(SCHEMES, (NARROWEST, DESKTOP), strict=True):
        page.emulate_media(color_scheme=scheme)
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate(SIDEWAYS) == 0, f"{visit} scrolls sideways at {width}"
        assert page.evaluate(RUN_AXE) == [], f"{visit}, {scheme} at {width}"
    if picture:
        for scheme in SCHEMES:
            page.emulate_media(color_scheme=scheme)
            for width in (DESKTOP, 390):
                page.set_viewport_size({"width": width, "height": 900})
                page.screenshot(path=f"{picture}-{scheme}-{width}.png", full_page=True)
    assert reaches_main_action(page), f"{visit}: the keyboard does not reach what the page is for"
    assert complaints == [], visit
    assert walker.abroad == []
    page.close()


def reaches_main_action(page: Page) -> bool:
    """Skip to the content with the keyboard, and go on to the first thing there that can be done."""
    actions = [f"main {kind}" for kind in (".btn--primary", ".btn--final", ".btn--danger", ".btn", "a", "input")]
    present = [action for action in actions if page.locator(action).count()]
    if not present:
        return True
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    for _ in range(TABS):
        page.keyboard.press("Tab")
        if page.locator(f"{present[0]}:focus").count():
            return True
    return False
