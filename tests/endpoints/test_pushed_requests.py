"""A browser that comes with the reference to a pushed request (RFC 9126 §4)."""

import asyncio
from urllib.parse import parse_qsl, urlsplit

import asyncpg
import httpx
import pytest

from app.models import Application, User
from app.protocol.authorize.pushed import REQUEST_URI as URN
from app.protocol.features import Feature
from app.store import traces
from app.store.database import Database
from tests.endpoints.test_budgets import trips_of
from tests.support.credentials import change
from tests.support.database import FreshDatabase
from tests.support.facts import CHALLENGE
from tests.support.pushing import (
    answered,
    interaction_of,
    pushed,
    pushed_url,
    question,
    request_of,
)
from tests.support.service import (
    ISSUER,
    REDIRECT_URI,
    SECRET,
    Service,
    answer_of,
    authorize_url,
    decide,
    follow,
    obtain_code,
    redeem,
    service,
    sign_in,
)


def is_over(page: httpx.Response) -> bool:
    """Tell whether a page says that the request is over, and sends nobody anywhere."""
    assert "location" not in page.headers
    return page.status_code == 400 and "Start again from" in page.text and "invalid_request_uri" in page.text


@pytest.mark.spec("standards", "PAR-8")
@pytest.mark.spec("standards", "PAR-10")
async def test_the_whole_way_and_once(site: Service, browser: httpx.AsyncClient) -> None:
    await site.application("whole")
    url = pushed_url("whole", await pushed(browser, "whole", state="sent ahead"))
    answer = await answered(browser, url)
    assert (set(answer), answer["state"], answer["iss"]) == ({"code", "state", "iss"}, "sent ahead", ISSUER)
    tokens = await redeem(browser, "whole", answer["code"])
    assert (tokens.status_code, tokens.json()["scope"]) == (200, "project:read")
    for _ in range(2):
        assert is_over(await browser.get(url))
    assert is_over(await browser.post("/oauth/authorize", data=dict(parse_qsl(urlsplit(url).query))))


@pytest.mark.spec("standards", "PAR-10")
async def test_a_page_may_be_loaded_as_often_as_somebody_likes_and_one_of_them_counts(
    site: Service, browser: httpx.AsyncClient
) -> None:
    await site.application("reload")
    url = pushed_url("reload", await pushed(browser, "reload"))
    first = await question(browser, url)
    second = await question(browser, url)
    assert 'id="consent-approve"' in first.text
    assert 'id="consent-approve"' in second.text
    assert "code" in answer_of(await decide(browser, second))
    late = await decide(browser, first)
    assert (late.status_code, "location" in late.headers) == (400, False)
    assert is_over(await browser.get(url))


@pytest.mark.spec("standards", "PAR-10")
async def test_what_was_denied_is_used_up(site: Service, browser: httpx.AsyncClient) -> None:
    await site.application("denied")
    url = pushed_url("denied", await pushed(browser, "denied"))
    first, second = await question(browser, url), await question(browser, url)
    assert answer_of(await decide(browser, first, "deny"))["error"] == "access_denied"
    assert is_over(await browser.get(url))
    assert (await decide(browser, second)).status_code == 400


@pytest.mark.spec("standards", "PAR-10")
async def test_of_three_pages_that_deny_one_counts(
    site: Service, browser: httpx.AsyncClient, fresh_database: FreshDatabase
) -> None:
    application_id = await site.application("twice-denied")
    url = pushed_url("twice-denied", await pushed(browser, "twice-denied"))
    pages = [await question(browser, url) for _ in range(3)]
    clicks = await asyncio.gather(*(decide(browser, page, "deny") for page in pages))
    assert sorted(click.status_code for click in clicks) == [303, 400, 400]
    connection = await asyncpg.connect(fresh_database.superuser_url)
    try:
        count = "select count(*) from audit where event = 'authorization.denied' and application_id = $1"
        assert await connection.fetchval(count, application_id) == 1
    finally:
        await connection.close()


@pytest.mark.spec("standards", "PAR-9")
@pytest.mark.spec("standards", "PAR-10")
async def test_a_reference_is_for_whoever_comes_soon_and_a_person_may_take_his_time(
    site: Service, browser: httpx.AsyncClient
) -> None:
    await site.application("slow")
    taken, left = [pushed_url("slow", await pushed(browser, "slow")) for _ in range(2)]
    page = await question(browser, taken)
    site.clock.forward(90)
    assert is_over(await browser.get(left))
    assert is_over(await browser.get(taken))
    site.clock.forward(400)
    assert "code" in answer_of(await decide(browser, page))


@pytest.mark.spec("standards", "PAR-8")
@pytest.mark.parametrize("client_id", ["other", "spa"])
async def test_a_reference_is_for_its_client(browser: httpx.AsyncClient, client_id: str) -> None:
    request_uri = await pushed(browser, "web")
    foreign = await browser.get(pushed_url(client_id, request_uri))
    invented = await browser.get(pushed_url(client_id, f"{URN}aspr_{'A' * 70}"))
    assert is_over(foreign)
    assert is_over(invented)
    assert foreign.text.split("Reference")[0] == invented.text.split("Reference")[0]
    page = await follow(browser, await browser.get(pushed_url("web", request_uri)))
    assert 'id="login-submit"' in page.text


@pytest.mark.spec("standards", "PAR-8")
@pytest.mark.spec("standards", "A1.3 client_id")
async def test_whoever_comes_names_the_client(browser: httpx.AsyncClient) -> None:
    request_uri = await pushed(browser, "web")
    for url in (
        pushed_url(None, request_uri),
        pushed_url("nobody", request_uri),
        pushed_url("web", request_uri) + "&client_id=web",
    ):
        page = await browser.get(url)
        assert (page.status_code, "location" in page.headers) == (400, False)
        assert "We don’t know the application" in page.text


@pytest.mark.spec("standards", "PAR-8")
@pytest.mark.parametrize("altered", ["", "aspr_", "asin_" + "A" * 70, "x" * 3000, "\x00", "ü"])
async def test_what_was_never_given_out_leads_nowhere(browser: httpx.AsyncClient, altered: str) -> None:
    request_uri = await pushed(browser, "web")
    page = await browser.get(pushed_url("web", f"{URN}{altered}"))
    assert page.status_code == 400
    assert "location" not in page.headers
    swapped = request_uri[:-1] + ("A" if request_uri[-1] != "A" else "Q")
    assert is_over(await browser.get(pushed_url("web", swapped)))


@pytest.mark.spec("standards", "PAR-11")
async def test_everything_else_in_the_query_counts_for_nothing(site: Service, browser: httpx.AsyncClient) -> None:
    await site.application("alone", redirect_uris=(REDIRECT_URI, "https://client.example/other"))
    url = pushed_url(
        "alone",
        await pushed(browser, "alone", state="pushed", scope="project:read"),
        state="query",
        scope="team:write",
        redirect_uri="https://client.example/other",
        response_type="token",
        response_mode="fragment",
        prompt="none",
        code_challenge="x",
        login_hint="somebody",
    )
    url += "&scope=again&state=again"
    page = await question(browser, url)
    assert "somebody" not in page.text
    response = await decide(browser, page)
    assert response.headers["location"].startswith(f"{REDIRECT_URI}?")
    assert answer_of(response)["state"] == "pushed"
    assert (await redeem(browser, "alone", answer_of(response)["code"])).json()["scope"] == "project:read"


@pytest.mark.spec("standards", "RO-1")
async def test_a_request_object_beside_a_reference_is_a_mistake(browser: httpx.AsyncClient) -> None:
    request_uri = await pushed(browser, "web")
    page = await browser.get(pushed_url("web", request_uri, request="a.b.c", redirect_uri="https://evil.example/"))
    assert (page.status_code, "location" in page.headers, "invalid_request" in page.text) == (400, False, True)
    page = await follow(browser, await browser.get(pushed_url("web", request_uri)))
    assert 'id="login-submit"' in page.text


@pytest.mark.spec("standards", "PAR-11")
async def test_an_error_does_not_travel_to_an_address_beside_a_reference(browser: httpx.AsyncClient) -> None:
    url = pushed_url("web", f"{URN}aspr_{'A' * 70}", redirect_uri=REDIRECT_URI, prompt="none", state="x")
    assert is_over(await browser.get(url))


@pytest.mark.spec("standards", "PAR-12")
@pytest.mark.parametrize(
    ("changes", "words"),
    [
        pytest.param({"status": "inactive", "version": 2}, "We don’t know the application", id="turned off"),
        pytest.param(
            {"redirect_uris": ["https://client.example/new"], "version": 2}, "sent an address", id="address removed"
        ),
    ],
)
async def test_what_has_changed_meanwhile_counts(
    site: Service, browser: httpx.AsyncClient, changes: dict[str, object], words: str
) -> None:
    client_id = f"changed-{len(changes)}-{words[:4].strip()}"
    application_id = await site.application(client_id)
    request_uri = await pushed(browser, client_id)
    await change(site, Application, application_id, **changes)
    page = await browser.get(pushed_url(client_id, request_uri))
    assert (page.status_code, words in page.text) == (400, True)


@pytest.mark.spec("standards", "PAR-12")
async def test_permissions_that_were_taken_from_the_application_meanwhile_are_refused(
    site: Service, browser: httpx.AsyncClient
) -> None:
    application_id = await site.application("shrunk")
    request_uri = await pushed(browser, "shrunk")
    await change(site, Application, application_id, scopes=["event:read"], version=2)
    assert answer_of(await browser.get(pushed_url("shrunk", request_uri)))["error"] == "invalid_scope"


@pytest.mark.spec("standards", "PAR-11")
@pytest.mark.spec("standards", "A1-1")
async def test_a_reference_may_be_posted(site: Service, browser: httpx.AsyncClient) -> None:
    await site.application("posting")
    request_uri = await pushed(browser, "posting", state="posted")
    form = {"client_id": "posting", "request_uri": request_uri, "state": "beside"}
    sent = await browser.post("/oauth/authorize", data=form, headers={"Sec-Fetch-Site": "cross-site"})
    assert sent.status_code == 303
    assert "urn%3Aassent%3Aauthorization-request" in sent.headers["location"]
    page = await question(browser, sent.headers["location"])
    assert answer_of(await decide(browser, page))["state"] == "posted"
    assert is_over(await browser.post("/oauth/authorize", data=form))


@pytest.mark.spec("standards", "PAR-13")
@pytest.mark.spec("standards", "F-20")
async def test_who_has_to_push_is_answered_for_nothing_else(
    site: Service, browser: httpx.AsyncClient, database: Database
) -> None:
    await site.application("pushing", registration={"require_pushed_authorization_requests": True})
    url = authorize_url("pushing")
    assert answer_of(await browser.get(url))["error"] == "invalid_request"
    posted = await browser.post("/oauth/authorize", data=request_of("pushing"))
    assert answer_of(posted)["error"] == "invalid_request"
    assert "code" in await answered(browser, pushed_url("pushing", await pushed(browser, "pushing")))
    async with service(database, require_pushed_requests=True) as strict, strict.browser() as other:
        assert answer_of(await other.get(authorize_url("web")))["error"] == "invalid_request"
        page = await follow(other, await other.get(pushed_url("web", await pushed(other, "web"))))
        assert 'id="login-submit"' in page.text


async def test_the_page_of_a_pushed_request_remembers_that_it_was_pushed(
    site: Service, browser: httpx.AsyncClient
) -> None:
    await site.application("resumed", registration={"require_pushed_authorization_requests": True})
    page = await question(browser, pushed_url("resumed", await pushed(browser, "resumed")))
    again = await follow(browser, await browser.get(page.url))
    assert 'id="consent-approve"' in again.text
    assert "code" in answer_of(await decide(browser, again))


@pytest.mark.spec("standards", "OC-4")
async def test_without_a_page_it_is_granted_or_refused_at_once(site: Service, browser: httpx.AsyncClient) -> None:
    await site.application("silent")
    url = pushed_url("silent", await pushed(browser, "silent", prompt="none"))
    assert answer_of(await browser.get(url))["error"] == "login_required"
    await obtain_code(browser, "silent", "robin")
    assert "code" in answer_of(await browser.get(url))  # an error has used up nothing
    assert is_over(await browser.get(url))


async def test_somebody_else_on_this_browser_can_be_chosen_for_it(site: Service, browser: httpx.AsyncClient) -> None:
    await site.application("chosen")
    await sign_in(browser, "robin")
    asked = await browser.get(pushed_url("chosen", await pushed(browser, "chosen", prompt="select_account")))
    assert asked.headers["location"].startswith("/select-account?")
    other = await browser.get("/login", params={"interaction": interaction_of(asked), "account": "another"})
    page = await follow(browser, await sign_in(browser, "sam", other))
    assert "sam" in page.text
    assert "code" in answer_of(await decide(browser, page))


async def test_switched_off_a_reference_is_one_that_is_not_supported(database: Database, site: Service) -> None:
    async with service(database, features={Feature.PUSHED_REQUESTS.key: False}) as off, off.browser() as browser:
        answer = answer_of(await browser.get(authorize_url("web", request_uri=f"{URN}aspr_x")))
        assert answer["error"] == "request_uri_not_supported"


async def test_an_operator_can_read_why_a_reference_led_nowhere(site: Service, browser: httpx.AsyncClient) -> None:
    url = pushed_url("web", await pushed(browser, "web"))
    site.clock.forward(91)
    page = await browser.get(url)
    await site.server.traces.flush()
    [entry] = await traces.find(site.database, page.headers["x-request-id"])
    assert (entry.client_id, entry.outcome) == ("web", "page")
    assert [(step.check, step.detail) for step in entry.steps] == [("pushed request", "it has expired")]


async def test_coming_with_a_reference_takes_two_trips_whether_it_asks_or_grants(
    site: Service, browser: httpx.AsyncClient
) -> None:
    await site.application("measured")
    asked = await trips_of(browser.get(pushed_url("measured", await pushed(browser, "measured"))), 303)
    assert asked == ["gather_pushed", "save_interaction"]
    await answered(browser, pushed_url("measured", await pushed(browser, "measured")))
    url = pushed_url("measured", await pushed(browser, "measured"))
    assert await trips_of(browser.get(url), 303) == ["gather_pushed", "settle_authorization"]
    assert await trips_of(browser.get(url), 400) == ["gather_pushed"]


async def test_a_person_who_was_disabled_meanwhile_uses_nothing_up(site: Service, browser: httpx.AsyncClient) -> None:
    await site.application("closing")
    user_id = await site.user("fern")
    url = pushed_url("closing", await pushed(browser, "closing"))
    page = await question(browser, url, "fern")
    await change(site, User, user_id, epoch=1)
    assert "code" not in dict(parse_qsl(urlsplit((await decide(browser, page)).headers.get("location", "")).query))
    async with site.browser() as other:
        assert "code" in await answered(other, url, "robin")


@pytest.mark.spec("standards", "PAR-8")
@pytest.mark.spec("standards", "G5")
async def test_the_database_knows_no_reference(
    site: Service, browser: httpx.AsyncClient, fresh_database: FreshDatabase
) -> None:
    request_uri = await pushed(browser, "web", login_hint="kept-for-the-page")
    await answered(browser, pushed_url("web", request_uri))
    await site.server.traces.flush()
    connection = await asyncpg.connect(fresh_database.superuser_url)
    try:
        tables = ("pushed_request", "interaction", "audit", "decision_trace", "failure", "grant_code")
        rows = [await connection.fetch(f"select t::text from {table} t") for table in tables]
    finally:
        await connection.close()
    kept = " ".join(row[0] for found in rows for row in found)
    assert CHALLENGE in kept
    assert request_uri.removeprefix(URN) not in kept
    assert SECRET not in kept
