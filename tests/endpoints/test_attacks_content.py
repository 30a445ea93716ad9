"""Texts that strangers chose, on every page that shows them: scripts, links that run, letters that turn the line.

They are put straight into the database, past every check at the edge, as an old import or a mistake of ours would.
"""

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from urllib.parse import quote

import asyncpg
import httpx
import pytest

from app.store.database import Database
from tests.support.database import FreshDatabase
from tests.support.isolation import FEATURES, Route, by_owner, every_route
from tests.support.service import Service, authorize_url, follow, service
from tests.support.worlds import Visit, World, a_world, browser_headers, visit
from tests.views.parsed import Parsed

SCRIPT = "<img src=x onerror=alert(1)>"
ATTRIBUTE = "\" autofocus onfocus=alert(1) x='"
TURNED = "\u202egnp.exe\u2066\u200b"
HOSTILE = f"{ATTRIBUTE}{SCRIPT}{TURNED}{{{{1234*5678}}}}"
RUNS = "javascript:alert(document.domain)//"
ISOLATING = {"bdi", "code", "option", "textarea"}
"""Elements whose letters turn no line but their own: by what they are, or by the style sheet."""

_RUNNING = re.compile(r"\s*(javascript|data|vbscript):", re.IGNORECASE)
STEERING = re.compile("[\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")

_PLANT = f"""
    update application set name = $1, owner_name = $1, client_uri = '{RUNS}', checked_note = $1,
           redirect_uris = array['{RUNS}' || $1, 'https://client.example/callback'],
           allowed_origins = array['{RUNS}', '{SCRIPT}'],
           metadata = metadata || jsonb_build_object(
               'client_name', $1::text, 'policy_uri', '{RUNS}', 'tos_uri', '{RUNS}', 'logo_uri', '{RUNS}');
    update organization set name = $1;
    update organization_invitation set note = $1;
    update api_key set label = $1, last_four = left($1, 8), allowed_origins = array['{RUNS}', '{SCRIPT}'];
    update personal_token set name = $1;
    update user_account set claims = jsonb_build_object('name', $1::text), email = $1 || id::text;
    update browser_session set user_agent = $1;
    update application_secret set last_four = left($1, 8);
    update audit set actor_label = $1, user_agent = $1, address = '{SCRIPT}', request_id = left($1, 40),
           data = jsonb_build_object('before', jsonb_build_object('name', $1::text, '{SCRIPT}', $1::text),
                                     'after', jsonb_build_object('name', $1::text), 'note', $1::text);
    update decision_trace set client_id = $1, steps = jsonb_build_array()
"""

BREAKING = ("a%00b", "%ED%A0%80", "%00", "%D9%A3", "-1", "9" * 30, "a" * 5_000, "%F0%9F%92%A9")
FORM = "application/x-www-form-urlencoded"
FORMS = [
    route
    for route in every_route()
    if route.is_form and not route.path.startswith(("/oauth/", "/login", "/logout", "/setup"))
]

PAGES = [route for route in every_route() if route.method == "GET" and not route.is_api]


@dataclass(frozen=True, slots=True)
class Vandal:
    """Somebody whose every text is hostile, and who, as an operator, opens every page there is."""

    world: World
    visit: Visit
    site: Service


@pytest.fixture(scope="module")
async def vandal(database: Database, fresh_database: FreshDatabase) -> AsyncIterator[Vandal]:
    """A world full of hostile texts."""
    async with service(database, features=FEATURES) as site, site.browser() as client:
        world = await a_world(site, "Quillwort", operator=True)
        rows = await asyncpg.connect(fresh_database.superuser_url)
        for statement in _PLANT.split(";"):
            await rows.execute(statement.replace("$1::text", "$1").replace("$1", _literal(HOSTILE)))
        await rows.close()
        yield Vandal(world, await visit(client, world.secrets["session"]), site)


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'::text"


@pytest.mark.parametrize("route", PAGES, ids=lambda route: route.name)
async def test_no_text_of_a_stranger_becomes_markup(vandal: Vandal, route: Route) -> None:
    answer = await vandal.visit.get(by_owner(route, vandal.world).url)
    assert_tame(answer)


async def test_no_text_of_a_stranger_becomes_markup_on_the_page_that_asks_for_consent(vandal: Vandal) -> None:
    async with vandal.site.browser() as browser:
        browser.headers["Cookie"] = f"__Host-assent_session={vandal.visit.session}"
        for client in ("client", "shared"):
            page = await follow(browser, await browser.get(authorize_url(vandal.world.ids[client], scope="org:admin")))
            assert_tame(page)


@pytest.mark.parametrize("route", [route for route in every_route() if route.method == "GET" and route.is_api])
async def test_the_json_api_says_that_it_is_json(vandal: Vandal, route: Route) -> None:
    answer = await vandal.visit.get(by_owner(route, vandal.world).url)
    assert answer.headers["content-type"].partition(";")[0] in (
        "application/json",
        "application/problem+json",
        "application/x-ndjson",
        "text/csv",
    )
    assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    "values",
    [
        pytest.param(BREAKING[:2], id="first"),
        pytest.param(BREAKING[2:], id="others", marks=pytest.mark.slow),
    ],
)
@pytest.mark.parametrize("route", FORMS, ids=lambda route: route.name)
async def test_no_value_of_a_form_breaks_a_page(vandal: Vandal, route: Route, values: tuple[str, ...]) -> None:
    sent = by_owner(route, vandal.world)
    for name in sent.body or {}:
        for value in values:
            fields = {other: quote(str(told)) for other, told in (sent.body or {}).items()} | {name: value}
            content = "&".join(f"{field}={told}" for field, told in {"csrf": vandal.visit.csrf, **fields}.items())
            headers = browser_headers(vandal.visit.csrf, vandal.visit.session) | {"Content-Type": FORM}
            answer = await vandal.visit.client.post(sent.url, content=content, headers=headers)
            assert answer.status_code < 500, (name, value)


def assert_tame(answer: httpx.Response) -> None:
    """Check that a page holds nothing of a stranger's but text, and that his letters turn no line but their own."""
    assert answer.status_code < 500
    if not answer.headers.get("content-type", "").startswith("text/html"):
        return
    page = Parsed(answer.text)
    for tag, attributes in page.elements:
        assert tag not in ("img", "iframe", "object", "base"), attributes
        assert not [name for name in attributes if name.startswith("on")], attributes
        for name in ("href", "src", "action", "formaction"):
            assert not _RUNNING.match(attributes.get(name, "")), attributes
    assert str(1234 * 5678) not in answer.text
    assert not [text for tags, text in page.texts if STEERING.search(text) and ISOLATING.isdisjoint(tags)]
    assert answer.headers["content-security-policy"].startswith("default-src 'none'")
