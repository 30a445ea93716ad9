"""Chromium, what it complains about, and what an accessibility checker says of a page in it."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Browser, Locator, Page, Request, expect, sync_playwright

from tests.support import node_packages

PATIENCE = 60_000.0
"""Milliseconds for what takes a moment, on a machine that has much else to do."""
expect.set_options(timeout=PATIENCE)

DESKTOP, PHONE, NARROWEST = 1280, 390, 320
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")

_WITHOUT_GRAPHICS = ("--disable-gpu", "--disable-software-rasterizer")
"""Nobody plays in three dimensions here; to pretend a graphics card costs a tenth of all that Chromium does."""

RUN_AXE = """async () => (await axe.run(document, {resultTypes: ['violations']})).violations.map(
    violation => `${violation.id}: ${violation.nodes.map(node => node.html).join(' | ')}`)"""
SIDEWAYS = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"


@contextmanager
def chromium() -> Iterator[Browser]:
    """Run the Chromium of the system, or else Playwright's own; no coroutine runs in the thread meanwhile."""
    with sync_playwright() as playwright:
        path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
        browser = playwright.chromium.launch(executable_path=path, args=_WITHOUT_GRAPHICS)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One for all tests of a module."""
    with chromium() as running:
        yield running


@pytest.fixture(scope="session")
def axe_source() -> str:
    """The source of axe-core."""
    return (node_packages.installed("axe-core") / "axe.min.js").read_text()


def screenshot_folder(name: str) -> Path | None:
    """Return where screenshots are kept for people to look at: below `CI_ARTIFACTS`, None when that is not set."""
    artifacts = os.environ.get("CI_ARTIFACTS")
    if artifacts is None:
        return None
    folder = Path(artifacts) / "screenshots" / name
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def follow(target: Locator) -> None:
    """Click on what leads to another page, and wait until that page is there whole.

    After a click alone the page before it may still be there, or the next one without anything in it: who reads it
    then, or goes somewhere else, needs this. Whoever acts on what the next page alone has waits for that anyway.
    """
    with target.page.expect_navigation():
        target.click()


def settle(page: Page) -> None:
    """Wait until the page is there whole."""
    page.wait_for_load_state()
    page.locator("body").wait_for(state="attached")


def complaints_of(page: Page) -> list[str]:
    """Collect what the browser complains about: refused by the policy, missing, or thrown."""
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("requestfailed", lambda request: None if _hiccup(request) else complaints.append(f"failed: {request.url}"))
    return complaints


def _hiccup(request: Request) -> bool:
    """Tell a file that cannot be had from a connection that Chromium found closed when it took it up again, and from
    what it was still loading when the page was left."""
    return any(word in (request.failure or "") for word in ("ERR_SOCKET_NOT_CONNECTED", "ERR_ABORTED"))
