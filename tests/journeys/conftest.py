"""Browsers for journeys, a server with its demo, and somebody who looks at the pages on the way."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Page

from tests.support.chromium import DESKTOP, PHONE, RUN_AXE, SCHEMES, SIDEWAYS, screenshot_folder, settle
from tests.support.chromium import axe_source as axe_source
from tests.support.chromium import browser as browser
from tests.support.demo import RunningDemo, running_demo

PASSWORD = "violet anchor plum taxi"
PEOPLE = ("robin", "sam", "kim", "lee", "noa", "toni", "jo")


@dataclass(frozen=True, slots=True)
class Onlooker:
    """Looks at live pages as all kinds of people would; `folder` is where screenshots are kept, if anywhere."""

    axe_source: str
    folder: Path | None

    def look_at(self, page: Page, name: str) -> None:
        """Check what a page is like in light and dark, on a desktop and on a phone; the page needs scripts allowed.

        Who has just clicked waits for the page first (`follow`, or `expect` of something that it alone has).
        """
        settle(page)
        page.evaluate(self.axe_source)
        for scheme in SCHEMES:
            page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
            for width in (DESKTOP, PHONE):
                page.set_viewport_size({"width": width, "height": 900})
                assert page.evaluate(SIDEWAYS) == 0, f"{name} scrolls sideways at {width}"
                assert page.evaluate(RUN_AXE) == [], f"{name}, {scheme} at {width}"
                if self.folder:
                    page.screenshot(path=self.folder / f"{name}-{scheme}-{width}.png", full_page=True)
        page.set_viewport_size({"width": DESKTOP, "height": 900})


@pytest.fixture
def onlooker(axe_source: str) -> Onlooker:
    """Somebody who looks at pages; keeps screenshots below `CI_ARTIFACTS`, when it is set."""
    return Onlooker(axe_source, screenshot_folder("journeys"))


@pytest.fixture(scope="module")
def demo() -> Iterator[RunningDemo]:
    """A server with the demo, and people with `PASSWORD` besides the demo user."""
    people = [{"username": name, "email": f"{name}@example.org", "password": PASSWORD} for name in PEOPLE]
    with running_demo(data={"users": people}) as running:
        yield running
