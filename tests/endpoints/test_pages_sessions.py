"""`/account/sessions` and the operator's page of a person: seen, signed out from afar, told."""

import re
from collections.abc import AsyncIterator
from html import unescape

import httpx
import pytest

from app.protocol.events import Event
from app.services import sessions
from app.services.occasion import Occasion
from app.store import trail, users
from app.store.trail import Place, Selection
from tests.support.service import Service, fields_of, follow, obtain_code, sign_in

PATH = "/account/sessions"
FIREFOX = "Mozilla/5.0 (Windows NT 10.0; rv:140.0) Gecko/20100101 Firefox/140.0"
_SESSION = re.compile(r'name="session" value="([^"]*)"')


@pytest.fixture
async def robin(browser: httpx.AsyncClient) -> httpx.AsyncClient:
    """Robin's browser, with no other session of his."""
    await sign_in(browser, "robin")
    await end(browser, "others")
    return browser


@pytest.fixture
async def elsewhere(site: Service, robin: httpx.AsyncClient) -> AsyncIterator[httpx.AsyncClient]:
    """Another browser of Robin's."""
    async with site.browser() as other:
        other.headers["User-Agent"] = FIREFOX
        await sign_in(other, "robin")
        yield other


async def end(browser: httpx.AsyncClient, session: str) -> httpx.Response:
    """Send the form of the page, and follow it back."""
    csrf = (await browser.get("/api/v1/session", headers={"Sec-Fetch-Site": "same-origin"})).json()["csrf"]
    return await follow(browser, await browser.post(f"{PATH}/end", data={"csrf": csrf, "session": session}))


async def is_signed_in(browser: httpx.AsyncClient) -> bool:
    """Tell whether anybody is."""
    return (await browser.get("/account")).status_code == 200


@pytest.mark.spec("standards", "SE-4")
async def test_the_page_tells_where_and_on_what_the_person_is_signed_in(
    robin: httpx.AsyncClient, elsewhere: httpx.AsyncClient
) -> None:
    await obtain_code(elsewhere, "web", "robin", scope="openid")
    page = (await robin.get(PATH)).text
    assert page.index("This one") < page.index("Firefox on Windows")
    assert "127.0.0.1" in page
    assert "with password" in page
    assert "Signed in to <bdi>Deploy Diary</bdi>" in page
    assert "after 12 hours without use, at the latest after 30 days" in page


async def test_one_browser_is_signed_out_and_the_page_says_so(
    robin: httpx.AsyncClient, elsewhere: httpx.AsyncClient
) -> None:
    [other, others] = _SESSION.findall((await robin.get(PATH)).text)
    assert others == "others"
    page = await end(robin, other)
    assert "That browser is signed out" in page.text
    assert [await is_signed_in(one) for one in (elsewhere, robin)] == [False, True]


async def test_every_other_browser_is_signed_out_and_then_there_is_nothing_more_to_end(
    robin: httpx.AsyncClient, elsewhere: httpx.AsyncClient
) -> None:
    page = await end(robin, "others")
    assert "You are signed out everywhere else" in page.text
    assert _SESSION.findall(page.text) == []
    assert [await is_signed_in(one) for one in (elsewhere, robin)] == [False, True]


@pytest.mark.parametrize("told", ["others", "00000000-0000-4000-8000-000000000000", "one", "x"])
async def test_no_link_makes_the_page_say_what_has_not_happened(
    robin: httpx.AsyncClient, elsewhere: httpx.AsyncClient, told: str
) -> None:
    assert 'role="status"' not in (await robin.get(f"{PATH}?done={told}")).text


@pytest.mark.spec("standards", "SE-4")
async def test_whoever_signed_in_long_ago_confirms_first_and_comes_back(
    site: Service, robin: httpx.AsyncClient, elsewhere: httpx.AsyncClient
) -> None:
    site.clock.forward(15 * 60 + 1)
    confirm = await end(robin, "others")
    assert "Confirm that it is you" in confirm.text
    assert await is_signed_in(elsewhere)
    back = await sign_in(robin, "robin", confirm)
    assert back.headers["location"] == PATH
    assert "signed out everywhere else" in (await end(robin, "others")).text
    assert not await is_signed_in(elsewhere)


async def test_the_session_of_somebody_else_stays(site: Service, elsewhere: httpx.AsyncClient) -> None:
    [other, *_] = _SESSION.findall((await elsewhere.get(PATH)).text)
    async with site.browser() as stranger:
        await sign_in(stranger, "sam")
        page = await end(stranger, other)
        assert 'role="status"' not in page.text
    assert await is_signed_in(elsewhere)


async def test_more_sessions_than_a_page_holds_are_on_the_next_one(site: Service, robin: httpx.AsyncClient) -> None:
    user = await users.find_for_sign_in(site.database, "robin")
    assert user is not None
    async with site.database.transaction() as transaction:
        for _ in range(60):
            occasion = Occasion(now=site.clock(), request_id="req_1", address="203.0.113.7")
            begun = sessions.begin(user.id, user.epoch, ("pwd",), occasion, site.server.policy.lifetimes)
            assert await sessions.settle_in(transaction, begun, (), occasion) == ()
    first = await robin.get(PATH)
    [older] = re.findall(r'href="([^"]+)" rel="next"', first.text)
    second = await robin.get(unescape(older))
    seen = [one for page in (first, second) for one in _SESSION.findall(page.text) if one != "others"]
    assert len(set(seen)) == 60
    assert "This one" in second.text


@pytest.mark.spec("standards", "SE-4")
async def test_an_operator_signs_a_person_out_and_the_trail_tells_who_did_it(
    site: Service, robin: httpx.AsyncClient, elsewhere: httpx.AsyncClient
) -> None:
    await site.user("ada", operator=True)
    async with site.browser() as desk:
        await sign_in(desk, "ada")
        listed = await desk.get("/admin/users?q=robin")
        [path] = re.findall(r'href="(/admin/users/[0-9a-f-]{36})"', listed.text)[:1]
        page = await desk.get(path)
        assert "Firefox on Windows" in page.text
        form = fields_of(page)
        [newest, *_] = _SESSION.findall(page.text)
        answer = await desk.post(f"{path}/sign-out", data={"csrf": form["csrf"], "session": newest})
        assert answer.status_code == 303
        assert [await is_signed_in(one) for one in (elsewhere, robin)] == [False, True]
        answer = await desk.post(f"{path}/sign-out", data={"csrf": form["csrf"], "session": ""})
        assert "is signed out everywhere" in (await follow(desk, answer)).text
        assert not await is_signed_in(robin)
    selection = Selection(events=frozenset({Event.SESSION_ENDED}))
    [latest, *_] = (await trail.page(site.database, selection, Place(), 50)).entries
    assert (latest.data["reason"], latest.actor_label) == ("signed out by an operator", "ada")


async def test_whoever_is_no_operator_signs_nobody_out(site: Service, robin: httpx.AsyncClient) -> None:
    csrf = (await robin.get("/api/v1/session", headers={"Sec-Fetch-Site": "same-origin"})).json()["csrf"]
    answer = await robin.post(
        "/admin/users/00000000-0000-4000-8000-000000000000/sign-out", data={"csrf": csrf, "session": ""}
    )
    assert answer.status_code == 404
