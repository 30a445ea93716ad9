"""Every page that is served, opened in Chromium as somebody who lives with it: readable, usable, and quiet."""

from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Page

from tests.support.chromium import (
    DESKTOP,
    NARROWEST,
    PHONE,
    RUN_AXE,
    SCHEMES,
    SIDEWAYS,
    screenshot_folder,
)
from tests.support.lived_in import LivedIn
from tests.support.visits import VISITS, Visit, page_routes
from tests.support.walking import Walker
from tests.support.walking import walkers as walkers
from tests.support.walking import world as world

Way = tuple[Literal["light", "dark"], int]

WAYS: tuple[Way, ...] = (("light", NARROWEST), ("dark", DESKTOP))
"""How pages are looked at: at first in the one way in which the tests of the pages do not look at them first."""

AXE = RUN_AXE.replace("axe.run(document,", "axe.run({exclude: ['.swagger-ui']},")
"""What Swagger UI draws on its page is not ours; everything else on every page is."""

FOCUSED = "selector => document.activeElement.matches(selector)"
TABS = 60
"""How often somebody presses Tab before he gives up; the first press leads past the navigation."""


def test_no_page_is_left_out() -> None:
    assert sorted(VISITS) == page_routes()


@pytest.fixture(scope="module")
def folder() -> Path | None:
    """Where screenshots are kept for people to look at, if anywhere."""
    return screenshot_folder("walk")


@pytest.fixture(scope="module")
def onlookers(walkers: Mapping[str, Walker], axe_source: str) -> Mapping[str, Walker]:
    """Everybody, with the accessibility checker brought along to each page."""
    for walker in walkers.values():
        walker.context.add_init_script(axe_source)
    return walkers


@pytest.mark.slow
@pytest.mark.parametrize("way", [pytest.param(WAYS[0], id="narrow"), pytest.param(WAYS[1], id="wide")])
@pytest.mark.parametrize("route", VISITS)
def test_page_is_readable_and_within_reach(
    route: str, way: Way, world: LivedIn, onlookers: Mapping[str, Walker], folder: Path | None
) -> None:
    visit(world, onlookers, route, 0, way, folder)


@pytest.mark.slow
@pytest.mark.parametrize(("route", "number"), [(route, n) for route in VISITS for n in range(1, len(VISITS[route]))])
def test_page_in_another_state_is_readable_and_within_reach(
    route: str, number: int, world: LivedIn, onlookers: Mapping[str, Walker], folder: Path | None
) -> None:
    visit(world, onlookers, route, number, WAYS[number % len(WAYS)], folder)


def visit(
    world: LivedIn,
    onlookers: Mapping[str, Walker],
    route: str,
    number: int,
    way: Way,
    folder: Path | None,
) -> None:
    """Make one of the visits to a route."""
    with ExitStack() as stack:
        if route == "/setup/{token}":
            stack.enter_context(world.not_set_up())
        one = VISITS[route][number]
        page = look(world, onlookers[one.person], one, way)
        if folder:
            name = f"{route.strip('/').replace('/', '.') or 'home'}-{number}".translate(str.maketrans("", "", "{}"))
            take_pictures(page, folder / name)


def look(world: LivedIn, walker: Walker, visit: Visit, way: Way) -> Page:
    """Open a page and check everything that does not depend on what the page is about."""
    page, status = walker.open(world.address(visit.address))
    assert status == visit.status, f"{visit}: {page.inner_text('main')}"
    page.locator("h1").first.wait_for()  # one page is made by a script, and takes its time
    [headline] = page.locator("h1").all_inner_texts()
    assert visit.headline in headline, visit
    assert page.title().endswith(" – Assent")
    assert visit.address.startswith("/docs") or not page.locator("script").count(), visit
    assert reaches_main_action(page), f"{visit}: the keyboard does not reach what the page is for"
    scheme, width = way
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": width, "height": 900})
    assert page.evaluate(SIDEWAYS) == 0, f"{visit} scrolls sideways at {width}"
    assert page.evaluate(AXE) == [], f"{visit}, {scheme} at {width}"
    told = f"Failed to load resource: the server responded with a status of {status} "
    assert [one for one in walker.complaints if status == 200 or not one.startswith(told)] == [], visit
    assert walker.abroad == []
    return page


def take_pictures(page: Page, picture: Path) -> None:
    """Take pictures for people to look at."""
    for scheme in SCHEMES:
        page.emulate_media(color_scheme=scheme)
        for width in (DESKTOP, PHONE):
            page.set_viewport_size({"width": width, "height": 900})
            page.screenshot(path=f"{picture}-{scheme}-{width}.png", full_page=True)


def reaches_main_action(page: Page) -> bool:
    """Skip to the content with the keyboard, and go on to the first thing there that can be done."""
    actions = [f"main {kind}" for kind in (".btn--primary", ".btn--final", ".btn--danger", ".btn", "a", "input")]
    action = next((action for action in actions if page.locator(action).count()), None)
    page.keyboard.press("Tab")
    if page.evaluate(FOCUSED, ".skip"):  # where a field has the focus from the start, nothing has to be skipped
        page.keyboard.press("Enter")
    for _ in range(TABS):
        if action is None or page.evaluate(FOCUSED, action):
            return True
        page.keyboard.press("Tab")
    return False
