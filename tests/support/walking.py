"""Everybody's browser on a server that is lived in."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from tests.support.chromium import DESKTOP, PATIENCE, complaints_of
from tests.support.lived_in import LivedIn, lived_in

HEIGHT = 900


@dataclass(slots=True)
class Walker:
    """Somebody's browser. `abroad` are the requests that it sent to anybody but the server."""

    context: BrowserContext
    origin: str
    abroad: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)
    _tab: Page | None = None

    def open(self, address: str) -> tuple[Page, int]:
        """Open an address in the only tab, set back to how it began, and return it with the status of the page.

        A tab for every address would be a process for every address, which costs more than the page. A tab that is
        closed is replaced.
        """
        if self._tab is None or self._tab.is_closed():
            self._tab = self._new_tab()
        else:
            self._tab.emulate_media(color_scheme="light")
            self._tab.set_viewport_size({"width": DESKTOP, "height": HEIGHT})
        self.abroad.clear()
        self.complaints.clear()
        answer = self._tab.goto(address)
        assert answer is not None
        return self._tab, answer.status

    def _new_tab(self) -> Page:
        tab = self.context.new_page()
        self.complaints = complaints_of(tab)
        tab.on("request", lambda request: self._note(request.url))
        return tab

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
                viewport={"width": DESKTOP, "height": HEIGHT},
            )
            stack.callback(context.close)
            context.set_default_timeout(PATIENCE)
            if name:
                cookies = world.residents[name].browser.cookies
                context.add_cookies(
                    [{"name": one, "value": value, "url": world.server.issuer} for one, value in cookies.items()]
                )
            found[name] = Walker(context, world.server.issuer)
        yield found
