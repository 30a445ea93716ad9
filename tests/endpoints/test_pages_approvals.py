"""The pages on which a person decides about what applications ask him elsewhere (CIBA; CB-11)."""

import asyncio
import re
from collections.abc import AsyncIterator
from html import unescape

import httpx
import pytest

from app.models import Application, User
from app.protocol.grant_types import device_code
from app.store import trail
from app.store.trail import Place, Selection
from tests.support.approvals import ask, asking_application, newest, outcome, press
from tests.support.credentials import change
from tests.support.service import PASSWORD, Service, fields_of, follow, sign_in
from tests.support.signing import keep_keys

MESSAGE = "Till 4, 12.50 EUR"


@pytest.fixture
async def till(site: Service) -> AsyncIterator[httpx.AsyncClient]:
    """An application that the operator answers for, and that asks people elsewhere."""
    if await site.database.hot.gather_client("till") is None:
        await keep_keys(site.server)
        await asking_application(site, "till", client_uri="https://till.example/", optional_scopes=("member:read",))
    async with site.browser() as fresh:
        yield fresh


async def person(site: Service, browser: httpx.AsyncClient, name: str) -> None:
    """Register somebody and have him sign in."""
    await site.user(name)
    assert (await sign_in(browser, name)).status_code == 303


async def asked(till: httpx.AsyncClient, name: str, client_id: str = "till", **params: str) -> str:
    """Ask for somebody and return the id to poll with."""
    return await ask(till, client_id, name, **params)


async def question(browser: httpx.AsyncClient) -> httpx.Response:
    """Open the newest request that waits."""
    return await browser.get(await newest(browser))


def headline(page: httpx.Response) -> str:
    found = re.search(r"<h1[^>]*>(.*?)</h1>", page.text, re.DOTALL)
    assert found is not None, page.text
    return unescape(re.sub(r"<[^>]+>", "", found[1]))


async def test_whoever_is_asked_signs_in_first_and_comes_back_to_the_request(
    site: Service, till: httpx.AsyncClient, browser: httpx.AsyncClient
) -> None:
    await person(site, browser, "drew")
    await asked(till, "drew", binding_message=MESSAGE)
    path = await newest(browser)
    async with site.browser() as phone:
        there = await phone.get(path)
        assert there.status_code == 303
        login = await phone.get(there.headers["location"])
        data = {**fields_of(login), "username": "drew", "password": PASSWORD}
        page = await follow(phone, await phone.post("/login", data=data))
    assert page.url.path == path
    assert headline(page) == "Allow Deploy Diary to use your Assent account?"
    assert "frame-ancestors 'none'" in page.headers["content-security-policy"]
    assert "form-action 'self'" in page.headers["content-security-policy"]


@pytest.mark.spec("standards", "CB-11")
async def test_the_page_says_who_asks_what_from_where_and_with_which_words(
    site: Service, till: httpx.AsyncClient, browser: httpx.AsyncClient
) -> None:
    await person(site, browser, "emery")
    await asked(till, "emery", scope="openid project:read member:read", binding_message=MESSAGE)
    site.clock.forward(130)
    page = await question(browser)
    for told in (
        f'<b class="code-big" id="binding-message"><bdi>{MESSAGE}</bdi></b>',
        "Where you asked, it shows the same words",
        "if somebody calls you",
        "<b>till.example</b>",
        "by <bdi>Saltbarn</bdi>",
        "Checked by Assent",
        "2 minutes ago</time> from <b>127.0.0.1</b>",
        'name="scope" value="member:read"',
        "Account, then Connected applications.",
    ):
        assert told in page.text, told
    buttons = re.findall(r'<button[^>]*name="decision" value="(\w+)"', page.text)
    assert buttons == ["deny", "approve"]
    assert [f'id="consent-{button}"' in page.text for button in buttons] == [True, True]


async def test_without_a_binding_message_the_page_asks_for_care_all_the_same(
    site: Service, till: httpx.AsyncClient, browser: httpx.AsyncClient
) -> None:
    await person(site, browser, "finley")
    await asked(till, "finley")
    page = await question(browser)
    assert "Allow it only if you are asking for it right now." in page.text
    assert "code-big" not in page.text


@pytest.mark.spec("standards", "CB-7")
async def test_an_approval_gives_the_application_its_token_and_joins_the_record(
    site: Service, till: httpx.AsyncClient, browser: httpx.AsyncClient
) -> None:
    await person(site, browser, "gray")
    auth_req_id = await asked(till, "gray")
    assert await outcome(till, "till", auth_req_id) == "authorization_pending"
    page = await question(browser)
    end = await follow(browser, await press(browser, page))
    assert (end.url.path, headline(end)) == (page.url.path, "Deploy Diary is allowed")
    assert await outcome(till, "till", auth_req_id) == "openid project:read"
    record = re.search(r'href="(/account/applications/[^"]+)"', end.text)
    assert record is not None
    desk = (await browser.get(record[1])).text
    assert "Deploy Diary" in desk
    assert "Until you disconnect it." in desk  # whatever becomes of the session that it was allowed in
    assert headline(await browser.get(page.url.path)) == "Deploy Diary is allowed"  # also once it has its token


@pytest.mark.spec("standards", "CB-7")
async def test_a_denial_tells_the_application_so(
    site: Service, till: httpx.AsyncClient, browser: httpx.AsyncClient
) -> None:
    await person(site, browser, "harper")
    auth_req_id = await asked(till, "harper")
    end = await follow(browser, await press(browser, await question(browser), "deny"))
    assert headline(end) == "Deploy Diary was not allowed"
    assert "record" not in end.text
    assert await outcome(till, "till", auth_req_id) == "access_denied"


async def test_both_decisions_are_in_the_trail(
    site: Service, till: httpx.AsyncClient, browser: httpx.AsyncClient
) -> None:
    user_id = await site.user("hollis")
    await sign_in(browser, "hollis")
    for decision in ("approve", "deny"):
        await asked(till, "hollis")
        await press(browser, await question(browser), decision)
    rows = await trail.page(site.database, Selection(user_id=user_id), Place(), 100)
    told = {
        row.event: (row.actor_kind, row.data["flow"], row.data.get("on_page"))
        for row in rows.entries
        if row.event.startswith("authorization.")
    }
    assert told == {
        "authorization.granted": ("user", "ciba", "yes"),
        "authorization.denied": ("user", "ciba", None),
    }


async def test_optional_permissions_come_only_when_they_are_ticked(
    site: Service, till: httpx.AsyncClient, browser: httpx.AsyncClient
) -> None:
    await person(site, browser, "indigo")
    got = []
    for ticked in ({}, {"scope": "member:read"}, {}):
        auth_req_id = await asked(till, "indigo", scope="openid project:read member:read")
        await press(browser, await question(browser), **ticked)
        got.append(await outcome(till, "till", auth_req_id))
    assert got == ["openid project:read", *["openid project:read member:read"] * 2]  # the third time it had it


async def test_everybody_is_asked_every_time(
    site: Service, till: httpx.AsyncClient, browser: httpx.AsyncClient
) -> None:
    await person(site, browser, "jules")
    pages = []
    for _ in range(2):
        await asked(till, "jules")
        pages.append(await question(browser))
        await press(browser, pages[-1])
    assert ["Already allowed" in page.text for page in pages] == [False, True]


async def test_an_application_that_nobody_checked_is_introduced_as_such(
    site: Service, till: httpx.AsyncClient, browser: httpx.AsyncClient
) -> None:
    owner = await site.user("owner-of-claims")
    await asking_application(site, "claims", owner_user_id=owner)
    client = await site.database.hot.gather_client("claims")
    assert client is not None
    await change(site, Application, client.id, verified=False, version=client.version + 1)
    await person(site, browser, "kit")
    await asked(till, "kit", "claims")
    page = await question(browser)
    assert headline(page) == "Allow an application that calls itself “Deploy Diary” to use your account?"
    assert "Nobody at Assent has checked it" in page.text
    assert 'class="btn" id="consent-approve"' in page.text
    assert "Deploy Diary" not in re.findall(r"<title>(.*?)</title>", page.text)[0]


async def test_a_request_for_somebody_else_is_like_one_that_never_was(
    site: Service, till: httpx.AsyncClient, browser: httpx.AsyncClient
) -> None:
    await person(site, browser, "lane")
    auth_req_id = await asked(till, "lane", binding_message=MESSAGE)
    path = await newest(browser)
    async with site.browser() as other:
        await person(site, other, "marlo")
        theirs = await other.get(path)
        never = await other.get("/approvals/01890a5d-ac96-774b-bcce-b302099a8057")
        nonsense = await other.get("/approvals/nonsense")
        assert {page.status_code for page in (theirs, never, nonsense)} == {404}
        assert headline(theirs) == headline(never) == headline(nonsense) == "Nothing waits here for marlo@example.com"
        assert MESSAGE not in theirs.text
        assert "Deploy Diary" not in theirs.text
        switch = re.search(r'href="(/select-account\?to=[^"]+)"', theirs.text)
        assert switch is not None
        assert headline(await other.get(unescape(switch[1]))) == "Choose an account"
        csrf = fields_of(await other.get("/logout"))["csrf"]
        for decision in ("approve", "deny"):
            answer = await other.post(path, data={"csrf": csrf, "decision": decision})
            assert answer.status_code == 404
        assert (await other.get("/approvals")).text.count("Deploy Diary") == 0
    assert await outcome(till, "till", auth_req_id) == "authorization_pending"


async def test_the_account_says_that_something_waits_and_the_list_shows_the_newest_first(
    site: Service, till: httpx.AsyncClient, browser: httpx.AsyncClient
) -> None:
    await person(site, browser, "noel")
    assert "waits for you" not in (await browser.get("/account")).text
    assert "Nothing waits for you" in (await browser.get("/approvals")).text
    await asked(till, "noel", binding_message="first")
    site.clock.forward(1)
    await asked(till, "noel", binding_message="second")
    account = await browser.get("/account")
    assert "2 requests wait for you" in account.text
    assert '<a href="/approvals">Approvals <span class="badge badge--new">2' in account.text
    listed = await browser.get("/approvals")
    assert re.findall(r"“<bdi>(\w+)</bdi>”", listed.text) == ["second", "first"]
    await press(browser, await question(browser), "deny")
    assert re.findall(r"“<bdi>(\w+)</bdi>”", (await browser.get("/approvals")).text) == ["first"]
    assert "1 request waits for you" in (await browser.get("/account")).text


async def test_a_request_that_is_over_says_so_and_cannot_be_decided(
    site: Service, till: httpx.AsyncClient, browser: httpx.AsyncClient
) -> None:
    await person(site, browser, "oakley")
    auth_req_id = await asked(till, "oakley")
    page = await question(browser)
    site.clock.forward(301)
    end = await follow(browser, await press(browser, page))
    assert headline(end) == "Deploy Diary waits no longer"
    assert await outcome(till, "till", auth_req_id) == "expired_token"


async def test_the_first_decision_counts_and_the_second_one_reads_so(
    site: Service, till: httpx.AsyncClient, browser: httpx.AsyncClient
) -> None:
    await person(site, browser, "parker")
    auth_req_id = await asked(till, "parker")
    page = await question(browser)
    await press(browser, page, "deny")
    assert headline(await follow(browser, await press(browser, page))) == "Deploy Diary was not allowed"
    assert await outcome(till, "till", auth_req_id) == "access_denied"


async def test_two_clicks_at_once_make_one_decision(
    site: Service, till: httpx.AsyncClient, browser: httpx.AsyncClient
) -> None:
    await person(site, browser, "quill")
    auth_req_id = await asked(till, "quill")
    page = await question(browser)
    ends = await asyncio.gather(press(browser, page), press(browser, page, "deny"))
    said = {headline(await follow(browser, end)) for end in ends}
    decided = await outcome(till, "till", auth_req_id)
    assert (said, decided) in (
        ({"Deploy Diary is allowed"}, "openid project:read"),
        ({"Deploy Diary was not allowed"}, "access_denied"),
    )


@pytest.mark.parametrize("decision", ["", "maybe"])
async def test_only_a_decision_is_a_decision(
    site: Service, till: httpx.AsyncClient, browser: httpx.AsyncClient, decision: str
) -> None:
    name = f"reese-{decision or 'none'}"
    await person(site, browser, name)
    auth_req_id = await asked(till, name)
    assert (await press(browser, await question(browser), decision)).status_code == 400
    assert await outcome(till, "till", auth_req_id) == "authorization_pending"


async def test_a_form_from_elsewhere_decides_nothing(
    site: Service, till: httpx.AsyncClient, browser: httpx.AsyncClient
) -> None:
    await person(site, browser, "shiloh")
    auth_req_id = await asked(till, "shiloh")
    page = await question(browser)
    fields = {**fields_of(page), "decision": "approve"}
    crossed = await browser.post(page.url.path, data=fields, headers={"Sec-Fetch-Site": "cross-site"})
    forged = await browser.post(page.url.path, data={**fields, "csrf": "x"})
    assert [crossed.status_code, forged.status_code] == [403, 403]
    assert await outcome(till, "till", auth_req_id) == "authorization_pending"


async def test_what_the_application_may_not_have_any_more_is_refused(
    site: Service, till: httpx.AsyncClient, browser: httpx.AsyncClient
) -> None:
    await asking_application(site, "narrowed")
    await person(site, browser, "tatum")
    await asked(till, "tatum", "narrowed")
    page = await question(browser)
    client = await site.database.hot.gather_client("narrowed")
    assert client is not None
    await change(site, Application, client.id, scopes=["openid"], version=client.version + 1)
    refused = await press(browser, page)
    assert refused.status_code == 400
    assert "invalid_scope" in refused.text
    await change(site, Application, client.id, grant_types=[device_code.NAME], version=client.version + 2)
    assert "unauthorized_client" in (await browser.get(page.url.path)).text
    await change(site, Application, client.id, status="inactive", version=client.version + 3)
    assert headline(await browser.get(page.url.path)) == "Nothing waits here for tatum@example.com"


async def test_what_was_asked_before_the_account_was_off_is_over(
    site: Service, till: httpx.AsyncClient, browser: httpx.AsyncClient
) -> None:
    user_id = await site.user("yael")
    await sign_in(browser, "yael")
    auth_req_id = await asked(till, "yael")
    path = await newest(browser)
    await change(site, User, user_id, epoch=1)
    async with site.browser() as again:
        await sign_in(again, "yael")
        page = await again.get(path)
        assert headline(page) == "Deploy Diary waits no longer"
        answer = await again.post(path, data={**fields_of(await again.get("/logout")), "decision": "approve"})
        assert headline(await follow(again, answer)) == "Deploy Diary waits no longer"
        assert "Deploy Diary" not in (await again.get("/approvals")).text
    assert await outcome(till, "till", auth_req_id) == "authorization_pending"
