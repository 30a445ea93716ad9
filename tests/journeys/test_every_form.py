"""Every form of every page, sent as it comes: with nothing filled in and the first of everything that is to choose."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from html import unescape
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Locator, Page, Response, expect

from tests.support.chromium import settle
from tests.support.isolation import every_route
from tests.support.lived_in import LivedIn
from tests.support.visits import VISITS, Visit, form_routes
from tests.support.walking import Walker, everybody
from tests.support.walking import world as world

LAST = (
    "end", "revoke", "retire", "remove", "off", "on", "hand-over", "restore", "disable", "enable", "disconnect",
    "invitations", "leave", "delete", "sign-out", "login", "logout",
)  # fmt: skip
"""What ends something comes last, in this order: the forms before it need what is ended."""

TYPED = "kept as typed"

FORM = re.compile(r"<form\b[^>]*>")
ATTRIBUTE = re.compile(r'\b(action|method)="([^"]*)"')
EMPTY = """form => { for (const field of form.elements) {
    if (field.matches('textarea, input:not([type=hidden], [type=checkbox], [type=radio])')) field.value = '';
    if (field.matches('[type=checkbox]')) field.checked = false;
    if (field.matches('[type=radio]')) form.elements[field.name][0].checked = true } }"""
WRITABLE = "textarea:not([readonly]), input:is([type=text], [type=email], [type=url]):not([readonly])"


@dataclass(frozen=True, slots=True)
class Form:
    """A form at its place: a page that it stands on, and how, where and to which route it is sent."""

    visit: Visit
    method: str
    action: str
    route: str

    @property
    def rank(self) -> int:
        """When its turn is."""
        word = self.route.rpartition("/")[2]
        return LAST.index(word) if self.method == "post" and word in LAST else -1


@pytest.fixture(scope="module")
def walkers(world: LivedIn, browser: Browser) -> Iterator[Mapping[str, Walker]]:
    """Browsers that run no scripts."""
    with everybody(world, browser, scripts=False) as walkers:
        yield walkers


@pytest.mark.slow
def test_every_form_takes_nothing_and_the_first_of_everything(world: LivedIn, walkers: Mapping[str, Walker]) -> None:
    with world.not_set_up():
        setup = forms_of(world, walkers, "/setup/{token}")
        for form in setup:
            send(world, walkers[form.visit.person], form)
    others = [form for route in VISITS if route != "/setup/{token}" for form in forms_of(world, walkers, route)]
    first: dict[tuple[str, str], Form] = {}
    for form in others:
        first.setdefault((form.method, form.route), form)
    for form in sorted(first.values(), key=lambda form: form.rank):
        send(world, walkers[form.visit.person], form)
    assert {form.route for form in (*setup, *first.values()) if form.method == "post"} == set(form_routes())


def forms_of(world: LivedIn, walkers: Mapping[str, Walker], route: str) -> list[Form]:
    """Return the forms on the pages of a route."""
    found = []
    for visit in VISITS[route]:
        shown = walkers[visit.person].context.request.get(world.address(visit.address))
        for start in FORM.findall(shown.text().partition("<main")[2]):
            said = dict(ATTRIBUTE.findall(start))
            found.append(Form(visit, said["method"], said["action"], route_at(unescape(said["action"]))))
    return found


def route_at(path: str) -> str:
    """Return the route that serves a path, the most exact one."""
    fitting = [route for route, pattern in served().items() if pattern.fullmatch(path)]
    return min(fitting, key=lambda route: route.count("{"))


@cache
def served() -> dict[str, re.Pattern[str]]:
    """Return a pattern of its paths for every route."""
    return {route.path: re.compile(re.sub(r"\\{\w+\\}", "[^/]+", re.escape(route.path))) for route in every_route()}


def send(world: LivedIn, walker: Walker, form: Form) -> None:
    """Empty a form, choose the first of everything, press its first button, and look at the answer."""
    page, _ = walker.open(world.address(form.visit.address))
    shown = page.locator(f'main form[method="{form.method}"][action="{form.action}"]').first
    assert shown.count() == 1, f"{form} is not there any more"
    shown.evaluate(EMPTY)
    answer = press(page, shown)
    if answer.status == 422:
        assert_problems_lead_to_fields(page, form)
        assert_input_is_kept(page, form)
    if leads_away(answer):
        page.close()  # what it goes on to load is not ours, and would break in on the next page


def press(page: Page, form: Locator) -> Response:
    """Press the first button of a form and return the answer, whose page (unless it is somebody else's) is one."""
    page.evaluate("() => { document.documentElement.id = 'before' }")
    with page.expect_response(lambda response: response.request.is_navigation_request()) as waited:
        form.locator("button").first.click(no_wait_after=True)
    answer = waited.value
    assert answer.status < 500, f"{answer.request.method} {answer.url}"
    if not leads_away(answer):
        page.locator("html:not(#before) main").wait_for()
        settle(page)
        assert page.locator("h1").count() == 1, f"{answer.status} {answer.url}"
        assert page.inner_text("main").strip()
    return answer


def leads_away(answer: Response) -> bool:
    """Tell whether an answer sends the browser to somebody else."""
    return bool(urlsplit(answer.headers.get("location", "")).netloc)


def assert_problems_lead_to_fields(page: Page, form: Form) -> None:
    """Check the summary of what is wrong: the title says so, it has the focus, and each line leads to its field."""
    assert page.title().startswith("Error: "), form
    expect(page.locator("[role=alert]"), str(form)).to_be_focused()
    links = page.locator("[role=alert] a")
    for number in range(links.count()):
        target = links.nth(number).get_attribute("href") or ""
        links.nth(number).click()
        expect(page.locator(target), str(form)).to_be_focused()


def assert_input_is_kept(page: Page, form: Form) -> None:
    """Fill in everything but the first field that is wrong, and check that the page that comes back has it all."""
    wrong = page.locator("main form").filter(has=page.locator("[aria-invalid]"))
    fields = wrong.first.locator(WRITABLE) if wrong.count() else page.locator("no-such-field")
    kept = [number for number in range(fields.count()) if number != first_wrong(fields)]
    for number in kept:
        fields.nth(number).fill(TYPED)
    if kept:
        assert press(page, wrong.first).status == 422, form
        assert {fields.nth(number).input_value().strip() for number in kept} == {TYPED}, form


def first_wrong(fields: Locator) -> int:
    """Return the number of the first field that is said to be wrong."""
    return next(n for n in range(fields.count()) if fields.nth(n).get_attribute("aria-invalid"))
