"""Everybody's browser on a server that is lived in."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from tests.support.chromium import DESKTOP, complaints_of
from tests.support.lived_in import LivedIn, lived_in


@dataclass(slots=True)
class Walker:
    """Somebody's browser. `abroad` are the requests that it sent to anybody but the server."""

    context: BrowserContext
    origin: str
    abroad: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    def open(self, address: str) -> tuple[Page, int]:
        """Open an address in a tab of its own, and return it with the status of the page that came."""
        self.abroad.clear()
        page = self.context.new_page()
        self.complaints = complaints_of(page)
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
    """The browsers of everybody by name, and of somebody who is not signed in; scripts could run, if pages had any."""
    with everybody(world, browser, scripts=True) as walkers:
        yield walkers


@contextmanager
def everybody(world: LivedIn, browser: Browser, *, scripts: bool) -> Iterator[Mapping[str, Walker]]:
    """Yield a browser for everybody by name, signed in, and one for nobody."""
    with ExitStack() as stack:
        found = {}
        for name in ("", *world.residents):
            context = browser.new_context(
                base_url=world.server.issuer,
                java_script_enabled=scripts,
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
