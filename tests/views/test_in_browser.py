"""Every page state in a real browser, under its own content policy and without scripts of its own."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import cycle, product
from pathlib import Path
from typing import Literal
from urllib.parse import parse_qs

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.support.chromium import DESKTOP, NARROWEST, PHONE, RUN_AXE, SCHEMES, SIDEWAYS, complaints_of
from tests.views.gallery import GALLERY, VIEWS
from tests.views.loopback import Answer, LoopbackSite, running_site

Way = tuple[Literal["light", "dark"], int]

WIDTHS = (DESKTOP, PHONE, NARROWEST)
WAYS: tuple[Way, ...] = tuple(product(SCHEMES, WIDTHS))
FIRST: Way = ("dark", DESKTOP)
"""The way in which pages are looked at first; where they are served somebody looks in another one."""

SHOWN_FIRST = frozenset({page.template: name for name, page in reversed(GALLERY.items())}.values())
"""One state of each template, which is looked at in all ways; other states differ in what is written, not in style."""
OTHERS = [name for name in GALLERY if name not in SHOWN_FIRST]


@pytest.fixture(scope="module")
def site() -> Iterator[LoopbackSite]:
    """One site for all pages, each at an address of its own: a site for each would bring its styles each time."""
    with running_site() as site:
        yield site


def serve(site: LoopbackSite, name: str) -> str:
    """Put a page of the gallery on the site and return its address."""
    page = GALLERY[name]
    headers = VIEWS.security_headers(page, https=False)
    site.routes[f"/page/{name}"] = lambda query, body: Answer(VIEWS.render(page), headers)
    return f"{site.origin}/page/{name}"


@dataclass(frozen=True, slots=True)
class Onlooker:
    """Looks at one page after the other in one tab, which brings the accessibility checker along."""

    page: Page
    complaints: list[str]
    folder: Path | None

    def look(self, url: str, name: str, ways: Sequence[Way]) -> None:
        """Open a page and look at it in schemes and widths."""
        self.complaints.clear()
        self.page.goto(url)
        for scheme, width in ways:
            self.page.emulate_media(color_scheme=scheme)
            self.page.set_viewport_size({"width": width, "height": 900})
            assert self.page.evaluate(SIDEWAYS) == 0, f"scrolls sideways at {width}"
            assert self.page.evaluate(RUN_AXE) == [], f"{scheme} at {width}"
            if self.folder:
                self.page.screenshot(path=self.folder / f"{name}-{scheme}-{width}.png", full_page=True)
        assert self.complaints == []


@pytest.fixture(scope="module")
def onlooker(browser: Browser, axe_source: str, screenshots: Path | None) -> Iterator[Onlooker]:
    """Somebody who looks at all pages: a tab of one's own for each would take most of the time."""
    page = browser.new_page(reduced_motion="reduce")
    page.add_init_script(axe_source)
    page.route("https://*.example/**", lambda route: route.fulfill(body="a page of an application, in a frame"))
    yield Onlooker(page, complaints_of(page), screenshots)
    page.context.close()


@pytest.mark.parametrize("name", [name for name in GALLERY if name in SHOWN_FIRST])
@pytest.mark.parametrize(
    "ways",
    [
        pytest.param([FIRST], id="first"),
        pytest.param([way for way in WAYS if way != FIRST], id="others", marks=pytest.mark.slow),
    ],
)
def test_page_is_accessible_and_fits_at_every_width_in_light_and_dark(
    name: str, ways: Sequence[Way], site: LoopbackSite, onlooker: Onlooker
) -> None:
    onlooker.look(serve(site, name), name, ways)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "scheme"), list(zip(OTHERS, cycle(SCHEMES), strict=False)))
def test_page_in_another_state_is_accessible_and_fits_where_it_is_narrowest(
    name: str, scheme: Literal["light", "dark"], site: LoopbackSite, onlooker: Onlooker
) -> None:
    onlooker.look(serve(site, name), name, [(scheme, NARROWEST)])


def test_dark_is_dark_and_light_is_light(site: LoopbackSite, browser: Browser) -> None:
    page = browser.new_page()
    page.goto(serve(site, "consent"))
    grounds = []
    for scheme in SCHEMES:
        page.emulate_media(color_scheme=scheme)
        grounds.append(page.evaluate("() => getComputedStyle(document.documentElement).backgroundColor"))
    assert grounds == ["rgb(243, 245, 244)", "rgb(14, 20, 19)"]
    page.context.close()


@pytest.fixture(scope="module")
def half_a_desktop(browser: Browser) -> Iterator[Page]:
    """A tab that is as wide as a desktop at twice the size."""
    page = browser.new_page(viewport={"width": DESKTOP // 2, "height": 900})
    yield page
    page.context.close()


@pytest.mark.parametrize(
    "name",
    [
        "consent",
        "consent-unchecked",
        "sign-in-failed",
        "application",
        "applications",
        "portal-application",
        "portal-list",
        "portal-new",
    ],
)
def test_page_fits_at_twice_the_text_size(name: str, site: LoopbackSite, half_a_desktop: Page) -> None:
    half_a_desktop.goto(serve(site, name))
    half_a_desktop.evaluate("() => { document.documentElement.style.fontSize = '200%' }")
    assert half_a_desktop.evaluate(SIDEWAYS) == 0


def test_theme_variables_change_every_page(site: LoopbackSite, browser: Browser) -> None:
    page = browser.new_page(color_scheme="light")
    page.goto(serve(site, "sign-in"))
    page.evaluate("""() => {
        document.documentElement.style.setProperty('--assent-ground', 'rgb(250, 240, 230)');
        document.documentElement.style.setProperty('--assent-accent', '#7a1fa2');
        document.documentElement.style.setProperty('--assent-radius', '0px');
    }""")
    seen = page.evaluate("""() => {
        const button = getComputedStyle(document.getElementById('login-submit'));
        return [getComputedStyle(document.documentElement).backgroundColor, button.borderTopLeftRadius];
    }""")
    assert seen == ["rgb(250, 240, 230)", "0px"]
    page.context.close()


def test_enter_in_an_optional_box_never_approves(site: LoopbackSite, browser: Browser) -> None:
    sent: list[bytes] = []

    def consent(query: str, body: bytes) -> Answer:
        sent.append(body)
        return Answer("", {})

    site.routes["/consent"] = consent
    page = browser.new_page()
    page.goto(serve(site, "consent"))
    page.get_by_label("Comment on issues").check()
    with page.expect_response(lambda response: response.request.method == "POST"):
        page.get_by_label("Comment on issues").press("Enter")
    assert parse_qs(sent[0].decode())["decision"] == ["deny"]
    page.context.close()


def test_consent_works_with_the_keyboard_alone_and_without_scripts(site: LoopbackSite, browser: Browser) -> None:
    sent: list[bytes] = []

    def consent(query: str, body: bytes) -> Answer:
        sent.append(body)
        return Answer("", {})

    site.routes["/consent"] = consent
    page = browser.new_page(java_script_enabled=False)
    page.goto(serve(site, "consent"))
    page.get_by_label("Comment on issues").focus()
    page.keyboard.press("Space")
    while page.locator("#consent-approve:focus").count() == 0:
        page.keyboard.press("Tab")
    with page.expect_response(lambda response: response.request.method == "POST"):
        page.keyboard.press("Enter")
    assert parse_qs(sent[0].decode()) == {
        "scope": ["issue:comment"],
        "csrf": ["csrf-value"],
        "interaction": ["interaction-value"],
        "decision": ["approve"],
    }
    page.context.close()


def test_menu_of_a_narrow_desk_opens_and_closes_without_scripts(site: LoopbackSite, browser: Browser) -> None:
    page = browser.new_page(java_script_enabled=False, viewport={"width": PHONE, "height": 800})
    page.goto(serve(site, "account"))
    entry = page.get_by_role("navigation").get_by_role("link", name="Connected applications")
    expect(entry).to_be_hidden()
    page.get_by_role("button", name="Menu").click()
    expect(entry).to_be_visible()
    page.keyboard.press("Escape")
    expect(entry).to_be_hidden()
    page.context.close()
