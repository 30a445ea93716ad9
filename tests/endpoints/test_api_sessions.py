"""The JSON API over a person's sessions, and an operator's over everybody's."""

from collections.abc import AsyncIterator

import httpx
import pytest

from tests.support.api_person import HERE, NOBODYS, Person, assert_problem, enter
from tests.support.service import Service, obtain_code, sign_in

PATH = "/api/v1/sessions"
RECENT = 15 * 60


@pytest.fixture
async def robin(browser: httpx.AsyncClient) -> Person:
    """Robin, with no session but that of this browser."""
    person = await enter(browser, "robin")
    assert (await person.delete(PATH)).status_code == 204
    return person


@pytest.fixture
async def elsewhere(site: Service, robin: Person) -> AsyncIterator[httpx.AsyncClient]:
    """Another browser of Robin's."""
    async with site.browser() as other:
        other.headers["User-Agent"] = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
        await sign_in(other, "robin")
        yield other


async def sam_in(browser: httpx.AsyncClient) -> Person:
    """Return somebody else, in a browser of his own."""
    return await enter(browser, "sam")


async def is_signed_in(browser: httpx.AsyncClient) -> bool:
    """Tell whether anybody is."""
    return (await browser.get("/api/v1/session", headers=HERE)).status_code == 200


@pytest.mark.spec("standards", "SE-4")
async def test_the_list_tells_every_session_and_which_is_this_one(
    site: Service, robin: Person, elsewhere: httpx.AsyncClient
) -> None:
    await obtain_code(elsewhere, "web", "robin", scope="openid")
    newest, oldest = (await robin.get(PATH))["items"]
    assert (newest["present"], oldest["present"]) == (False, True)
    assert newest["applications"] == [{"client_id": "web", "name": "Deploy Diary"}]
    assert oldest["applications"] == []
    assert newest["user_agent"].endswith("Firefox/140.0")
    assert (newest["address"], newest["amr"]) == ("127.0.0.1", ["pwd"])
    assert newest["signed_in_at"] == newest["last_used_at"] == f"{site.clock():%Y-%m-%dT%H:%M:%SZ}"
    assert newest["ends_at"] > newest["last_used_at"]


async def test_the_list_comes_in_pages(robin: Person, elsewhere: httpx.AsyncClient) -> None:
    first = await robin.browser.get(f"{PATH}?limit=1", headers=HERE)
    second = await robin.browser.get(first.links["next"]["url"], headers=HERE)
    assert [item["present"] for item in first.json()["items"] + second.json()["items"]] == [False, True]
    assert "next" not in second.links


@pytest.mark.spec("standards", "SE-4")
async def test_one_session_is_ended_from_afar_and_the_rest_goes_on(robin: Person, elsewhere: httpx.AsyncClient) -> None:
    other, _ = (await robin.get(PATH))["items"]
    assert (await robin.delete(f"{PATH}/{other['id']}")).status_code == 204
    assert [await is_signed_in(one) for one in (elsewhere, robin.browser)] == [False, True]
    assert [item["present"] for item in (await robin.get(PATH))["items"]] == [True]
    assert_problem(await robin.delete(f"{PATH}/{other['id']}"), 404, "not-found")


async def test_all_others_are_ended_at_once(site: Service, robin: Person, elsewhere: httpx.AsyncClient) -> None:
    async with site.browser() as third:
        await sign_in(third, "robin")
        assert (await robin.delete(PATH)).status_code == 204
        assert [await is_signed_in(one) for one in (elsewhere, third, robin.browser)] == [False, False, True]


async def test_nobody_sees_or_ends_the_sessions_of_somebody_else(
    site: Service, robin: Person, elsewhere: httpx.AsyncClient
) -> None:
    other, _ = (await robin.get(PATH))["items"]
    async with site.browser() as stranger:
        sam = await sam_in(stranger)
        assert other["id"] not in str(await sam.get(PATH))
        answers = [await sam.delete(f"{PATH}/{one}") for one in (other["id"], NOBODYS, "nonsense")]
        for answer in answers:
            assert_problem(answer, 404, "not-found")
        assert (await sam.delete(PATH)).status_code == 204
    assert await is_signed_in(elsewhere)


@pytest.mark.spec("standards", "SE-4")
async def test_whoever_signed_in_long_ago_confirms_first(
    site: Service, robin: Person, elsewhere: httpx.AsyncClient
) -> None:
    other, _ = (await robin.get(PATH))["items"]
    site.clock.forward(RECENT + 1)
    for path in (PATH, f"{PATH}/{other['id']}"):
        assert_problem(await robin.delete(path), 403, "login-too-old")
    assert await is_signed_in(elsewhere)


async def test_tokens_and_other_sites_open_nothing(robin: Person) -> None:
    answer = await robin.browser.get(PATH, headers=HERE | {"Authorization": "Bearer x"})
    assert answer.status_code == 403
    assert (await robin.browser.get(PATH, headers={"Sec-Fetch-Site": "cross-site"})).status_code == 403
    assert (await robin.browser.delete(PATH, headers=HERE)).status_code == 403


@pytest.mark.spec("standards", "SE-3")
async def test_a_session_that_has_run_out_is_not_told(
    site: Service, robin: Person, elsewhere: httpx.AsyncClient
) -> None:
    before = site.clock.now
    site.clock.forward(11 * 3600)
    assert await is_signed_in(robin.browser)
    site.clock.forward(3600)
    assert [item["present"] for item in (await robin.get(PATH))["items"]] == [True]
    assert not await is_signed_in(elsewhere)
    site.clock.now = before


@pytest.fixture(scope="module")
async def operated(site: Service) -> Service:
    """The site with an operator."""
    await site.user("ada", operator=True)
    return site


@pytest.mark.spec("standards", "SE-4")
async def test_an_operator_sees_and_ends_the_sessions_of_anybody(
    operated: Service, robin: Person, elsewhere: httpx.AsyncClient
) -> None:
    async with operated.browser() as desk:
        ada = await enter(desk, "ada")
        [user] = (await ada.get("/api/v1/admin/users?q=robin"))["items"]
        path = f"/api/v1/admin/users/{user['id']}/sessions"
        newest, oldest = (await ada.get(path))["items"]
        assert (newest["present"], oldest["present"]) == (False, False)
        assert (await ada.delete(f"{path}/{newest['id']}")).status_code == 204
        assert [await is_signed_in(one) for one in (elsewhere, robin.browser)] == [False, True]
        assert_problem(await ada.delete(f"{path}/{newest['id']}"), 404, "not-found")
        assert (await ada.delete(path)).status_code == 204
        assert not await is_signed_in(robin.browser)
        assert (await ada.get(path))["items"] == []


async def test_an_operator_stays_in_the_session_in_which_he_signs_himself_out_everywhere(operated: Service) -> None:
    async with operated.browser() as desk, operated.browser() as other:
        ada = await enter(desk, "ada")
        await sign_in(other, "ada")
        [user] = (await ada.get("/api/v1/admin/users?q=ada"))["items"]
        assert (await ada.delete(f"/api/v1/admin/users/{user['id']}/sessions")).status_code == 204
        assert [await is_signed_in(one) for one in (desk, other)] == [True, False]


async def test_for_everybody_else_there_is_no_such_path(operated: Service, robin: Person) -> None:
    path = f"/api/v1/admin/users/{NOBODYS}/sessions"
    assert_problem(await robin.browser.get(path, headers=HERE), 404, "not-found")
    assert_problem(await robin.delete(path), 404, "not-found")
