"""A client that is known by its metadata document, allowed by many at once, at a server with two workers."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import httpx
import orjson
import pytest

from app.protocol import client_documents
from app.store.database import Database
from tests.support.database import FreshDatabase
from tests.support.facts import VERIFIER
from tests.support.far_server import FarServer, answer, far_server, trust
from tests.support.pushing import pushed, pushed_url
from tests.support.race import SCOPES, RacedServer, raced_server
from tests.support.service import answer_of, authorize_url, decide, follow, sign_in

pytestmark = pytest.mark.slow  # `tests/store/test_documents.py` races the same statements from twenty connections

PEOPLE = tuple(f"person{number}" for number in range(4))


@pytest.fixture(scope="module")
async def far(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[tuple[FarServer, str]]:
    """The website of the client, and the file with its authority."""
    trusted = trust(tmp_path_factory.mktemp("far"), "127.0.0.1")
    async with far_server(trusted.context) as running:
        document = {
            "client_id": client_id(running),
            "client_name": "Scribe",
            "redirect_uris": [redirect_uri(running)],
            "grant_types": ["authorization_code", "refresh_token"],
        }
        running.says = answer(orjson.dumps(document), "Cache-Control: max-age=3600")
        yield running, trusted.ca_file


@pytest.fixture(scope="module")
async def raced(
    database: Database, fresh_database: FreshDatabase, far: tuple[FarServer, str]
) -> AsyncIterator[RacedServer]:
    website, ca_file = far
    tables = f'[outbound]\nallow = ["127.0.0.1:{website.port}"]\nca_file = "{ca_file}"\n'
    async with raced_server(database, fresh_database, tables=tables, people=PEOPLE) as running:
        yield running


def client_id(website: FarServer) -> str:
    return f"https://127.0.0.1:{website.port}/client.json"


def redirect_uri(website: FarServer) -> str:
    return f"https://127.0.0.1:{website.port}/callback"


@pytest.mark.spec("standards", "CI-16")
async def test_four_people_who_click_five_times_each_make_one_row_and_one_code_each(
    raced: RacedServer, far: tuple[FarServer, str]
) -> None:
    website, _ = far
    url = authorize_url(client_id(website), redirect_uri=redirect_uri(website), scope=SCOPES[0])
    async with AsyncExitStack() as stack:
        clicks = []
        for name in PEOPLE:
            browser = await stack.enter_async_context(raced.browser())
            login = await follow(browser, await browser.get(url))
            page = await follow(browser, await sign_in(browser, name, login))
            assert 'id="consent-approve"' in page.text, page.text
            rivals = await stack.enter_async_context(raced.rivals(6, browser=browser))
            clicks += [decide(rival, page) for rival in rivals[:5]]
        answers = await asyncio.gather(*clicks)
    assert Counter(one.status_code for one in answers) == {303: 4, 400: 16}
    codes = [answer_of(one)["code"] for one in answers if one.status_code == 303]
    rows = await raced.fetch("select id, client_id, version from application where self_registered")
    assert [tuple(row) for row in rows] == [
        (client_documents.application_id(client_id(website)), client_id(website), 1)
    ]
    told = await raced.fetch(
        "select event from audit where event in ('application.introduced', 'authorization.granted')"
    )
    assert Counter(row["event"] for row in told) == {"application.introduced": 1, "authorization.granted": 4}
    assert 1 <= len(website.requests) <= 2  # each worker asks once, however many ask it
    async with raced.rivals(2) as rivals:
        for rival, code in zip(rivals * 2, codes, strict=True):
            data = {
                "grant_type": "authorization_code",
                "client_id": client_id(website),
                "code": code,
                "redirect_uri": redirect_uri(website),
                "code_verifier": VERIFIER,
            }
            assert (await rival.post("/oauth/token", data=data)).status_code == 200


async def test_twenty_who_come_with_one_pushed_request_get_one_code(
    raced: RacedServer, far: tuple[FarServer, str]
) -> None:
    website, _ = far
    asked = {"redirect_uri": redirect_uri(website), "scope": SCOPES[1]}
    async with raced.browser() as browser:
        login = await follow(browser, await browser.get(authorize_url(client_id(website), **asked)))
        page = await follow(browser, await sign_in(browser, "robin", login))
        assert answer_of(await decide(browser, page))["code"]
        reference = await pushed(browser, client_id(website), secret=None, **asked)
        url = pushed_url(client_id(website), reference)
        async with raced.rivals(browser=browser) as rivals:
            answers: list[httpx.Response] = await asyncio.gather(*(rival.get(url) for rival in rivals))
    assert Counter(one.status_code for one in answers)[303] == 1
