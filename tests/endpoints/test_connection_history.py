"""What became of a connection: where it is signed in, who changed what, and what is left of it when it is over."""

import asyncio
import re
from datetime import UTC, datetime
from html import unescape
from uuid import UUID

import httpx
import pytest

from app.crypto.secrets import new_id
from app.jobs.deletions import delete_applications
from app.jobs.reap import reap
from app.jobs.work import Work
from app.models import Application
from app.store import records
from app.store.application_states import mark_for_deletion
from tests.support.api_person import AUTHORIZATIONS, HERE, NOBODYS, Person, assert_problem, enter
from tests.support.barn import id_of
from tests.support.credentials import change
from tests.support.service import SECRET, Service, fields_of, follow, obtain_code, redeem
from tests.support.site import VAULT

PAGES = "/account/applications"
ASKED = "project:read org:read"


@pytest.fixture
async def robin(site: Service, browser: httpx.AsyncClient) -> Person:
    """Robin, who has connected `web` with two permissions, and nothing else."""
    person = await enter(browser, "robin")
    await obtain_code(browser, "web", "robin", scope=ASKED)
    site.clock.forward(1)
    return person


async def introspected(robin: Person, token: str) -> bool:
    """Ask, as the application, whether a token is active."""
    answer = await robin.browser.post("/oauth/introspect", data={"token": token}, auth=("web", SECRET))
    return bool(answer.json()["active"])


async def tokens_of(robin: Person) -> dict[str, str]:
    """Sign the application in once more; returns its tokens."""
    answer = await redeem(robin.browser, "web", await obtain_code(robin.browser, "web", "robin", scope=ASKED))
    tokens: dict[str, str] = answer.json()
    return tokens


async def refreshed(robin: Person, tokens: dict[str, str]) -> httpx.Response:
    """Refresh as the application."""
    data = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
    return await robin.browser.post("/oauth/token", data=data, auth=("web", SECRET))


def page_of(path: str) -> str:
    """Return the page of the record that an API path names."""
    return path.replace(AUTHORIZATIONS, PAGES)


@pytest.mark.spec("original", "BUG 13")
async def test_each_place_where_it_is_signed_in_stands_in_a_line_with_its_sign_in(site: Service, robin: Person) -> None:
    path = await robin.only()
    await tokens_of(robin)
    site.clock.forward(60)
    await tokens_of(robin)
    newer, older = (await robin.get(f"{path}/families"))["items"]
    assert newer["started_at"] > older["started_at"]
    assert newer["signed_in_at"] == older["signed_in_at"]
    assert newer["user_agent"].startswith("python-httpx")
    page = await robin.browser.get(page_of(path))
    assert page.text.count('name="family"') == 2
    assert "Another program" in page.text


async def test_ending_one_place_ends_its_tokens_and_leaves_the_others(robin: Person) -> None:
    path = await robin.only()
    first, second = await tokens_of(robin), await tokens_of(robin)
    listed = [item["id"] for item in (await robin.get(f"{path}/families"))["items"]]
    assert (await robin.delete(f"{path}/families/{listed[0]}")).status_code == 204
    assert [await introspected(robin, tokens["access_token"]) for tokens in (first, second)] == [True, False]
    assert (await refreshed(robin, second)).json()["error"] == "invalid_grant"
    assert (await refreshed(robin, first)).status_code == 200
    assert [item["id"] for item in (await robin.get(f"{path}/families"))["items"]] == listed[1:]
    assert_problem(await robin.delete(f"{path}/families/{listed[0]}"), 404, "not-found")
    newest = (await robin.get(f"{path}/history"))["items"][0]
    assert (newest["event"], newest["by"], newest["before"], newest["after"]) == ("family.revoked", "you", [], [])
    assert "You ended a sign-in of" in (await robin.browser.get(page_of(path))).text


async def test_ending_a_place_on_the_page_works_once_and_says_so(robin: Person) -> None:
    path = await robin.only()
    tokens = await tokens_of(robin)
    url = page_of(path)
    page = await robin.browser.get(url)
    [form] = [part.partition("</form>")[0] for part in page.text.split("<form")[1:] if f'action="{url}/end"' in part]
    fields = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', form))
    for _ in range(2):
        answer = await robin.browser.post(f"{url}/end", data=fields)
        assert "is ended" in (await follow(robin.browser, answer)).text
    assert not await introspected(robin, tokens["access_token"])
    assert (await robin.browser.get(url)).text.count("You ended a sign-in of") == 1
    for nonsense in ("", "x", NOBODYS, "1" * 5000):
        answer = await robin.browser.post(f"{url}/end", data=fields | {"family": nonsense})
        assert answer.status_code == 303
        assert "One sign-in of" not in (await follow(robin.browser, answer)).text


async def test_a_place_of_another_record_or_person_is_none(site: Service, robin: Person) -> None:
    path = await robin.only()
    await tokens_of(robin)
    [place] = [item["id"] for item in (await robin.get(f"{path}/families"))["items"]]
    async with site.browser() as other:
        sam = await enter(other, "sam")
        await obtain_code(sam.browser, "web", "sam", scope=ASKED)
        seen = set()
        for address in (
            f"{await sam.only()}/families/{place}",
            f"{path}/families/{place}",
            f"{await sam.only()}/families/{NOBODYS}",
            f"{await sam.only()}/families/%ff",
        ):
            answer = await sam.delete(address)
            content = answer.json()
            assert content.pop("instance")
            seen.add((answer.status_code, str(content)))
        assert len(seen) == 1
        for below in ("/families", "/history"):
            assert_problem(await sam.browser.get(f"{path}{below}", headers=HERE), 404, "not-found")
    assert len((await robin.get(f"{path}/families"))["items"]) == 1


async def test_twenty_clicks_on_one_place_leave_one_row(robin: Person) -> None:
    path = await robin.only()
    await tokens_of(robin)
    [place] = [item["id"] for item in (await robin.get(f"{path}/families"))["items"]]
    answers = await asyncio.gather(*(robin.delete(f"{path}/families/{place}") for _ in range(20)))
    assert sorted(answer.status_code for answer in answers) == [204] + [404] * 19
    events = [change["event"] for change in (await robin.get(f"{path}/history"))["items"]]
    assert events.count("family.revoked") == 1


@pytest.mark.spec("original", "R05")
async def test_consents_of_two_people_for_one_application_are_each_seen_by_their_own(
    site: Service, robin: Person
) -> None:
    async with site.browser() as other:
        sam = await enter(other, "sam")
        await obtain_code(sam.browser, "web", "sam", scope=ASKED)
        ids = [(await person.only()) for person in (robin, sam)]
        assert len(set(ids)) == 2
        for mine, theirs in ((robin, ids[1]), (sam, ids[0])):
            assert_problem(await mine.browser.get(theirs, headers=HERE), 404, "not-found")


@pytest.mark.spec("original", "R06")
@pytest.mark.parametrize("way", ["page", "api"])
async def test_disconnecting_ends_the_access_token_of_this_user_alone(site: Service, robin: Person, way: str) -> None:
    tokens = await tokens_of(robin)
    async with site.browser() as other:
        sam = await enter(other, "sam")
        theirs = (await redeem(sam.browser, "web", await obtain_code(sam.browser, "web", "sam", scope=ASKED))).json()
    await disconnect(robin, way)
    assert not await introspected(robin, tokens["access_token"])
    assert await introspected(robin, theirs["access_token"])
    me = await robin.browser.get("/api/v1/me", headers={"Authorization": f"Bearer {tokens['access_token']}"})
    assert me.status_code == 401


@pytest.mark.spec("original", "R06")
@pytest.mark.parametrize("way", ["page", "api"])
async def test_disconnecting_ends_the_refresh_token(robin: Person, way: str) -> None:
    tokens = await tokens_of(robin)
    await disconnect(robin, way)
    assert (await refreshed(robin, tokens)).json()["error"] == "invalid_grant"


@pytest.mark.spec("original", "BUG 11")
@pytest.mark.parametrize("way", ["page", "api"])
async def test_bug_11_disconnecting_ends_a_code_in_flight(robin: Person, way: str) -> None:
    code = await obtain_code(robin.browser, "web", "robin", scope=ASKED)
    await disconnect(robin, way)
    assert (await redeem(robin.browser, "web", code)).json()["error"] == "invalid_grant"


@pytest.mark.spec("original", "BUG 13")
async def test_bug_13_a_refresh_token_outlives_its_access_token(site: Service, robin: Person) -> None:
    tokens = await tokens_of(robin)
    now = site.clock.now
    site.clock.forward(2 * 3600)
    assert not await introspected(robin, tokens["access_token"])
    assert (await refreshed(robin, tokens)).status_code == 200
    site.clock.now = now


async def disconnect(robin: Person, way: str) -> str:
    """Disconnect the one application; returns the API path of what is left of it."""
    path = await robin.only()
    if way == "api":
        assert (await robin.delete(path)).status_code == 204
    else:
        question = await robin.browser.get(f"{page_of(path)}/disconnect")
        assert (await robin.browser.post(f"{page_of(path)}/disconnect", data=fields_of(question))).status_code == 303
    return path.replace(AUTHORIZATIONS, f"{AUTHORIZATIONS}/ended")


async def test_what_is_over_is_listed_and_its_history_stays_readable(robin: Person) -> None:
    live = await robin.only()
    assert_problem(await robin.browser.get(live.replace("zations/", "zations/ended/"), headers=HERE), 404, "not-found")
    await robin.delete(f"{live}/scopes/org:read")
    ended = await disconnect(robin, "api")
    first = (await robin.get(f"{AUTHORIZATIONS}/ended"))["items"][0]
    assert first == await robin.get(ended)
    assert (first["client_id"], first["name"], first["host"]) == ("web", "Deploy Diary", "client.example")
    assert (first["by"], ended.endswith(first["id"])) == ("you", True)
    changes = (await robin.get(f"{ended}/history"))["items"]
    assert [change["event"] for change in changes] == [
        "authorization.revoked",
        "authorization.narrowed",
        "authorization.granted",
    ]
    assert [len(change["before"]) for change in changes] == [1, 2, 0]
    assert {change["by"] for change in changes} == {"you"}
    assert all(change["request_id"].startswith("req_") for change in changes)
    page = await robin.browser.get(page_of(live))
    told = unescape(re.sub(r"<[^>]+>", "", page.text))
    for words in ("You disconnected Deploy Diary", "You removed 1 permission", "You connected Deploy Diary"):
        assert words in told
    assert changes[0]["request_id"] in told
    assert "Before See projects" in " ".join(told.split()) or "BeforeSee projects" in told
    listed = await robin.browser.get(PAGES)
    assert "Disconnected earlier" in listed.text
    assert f'href="{page_of(live)}"' in listed.text
    assert (await robin.browser.get(f"{page_of(live)}/disconnect")).status_code == 404
    assert_problem(await robin.browser.get(live, headers=HERE), 404, "not-found")


async def test_the_history_of_somebody_else_is_nobodys_business_when_it_is_over(site: Service, robin: Person) -> None:
    live = await robin.only()
    ended = await disconnect(robin, "api")
    async with site.browser() as other:
        sam = await enter(other, "sam")
        for path in (ended, f"{ended}/history"):
            assert_problem(await sam.browser.get(path, headers=HERE), 404, "not-found")
        for below in ("", "/history"):
            assert (await sam.browser.get(page_of(live) + below)).status_code == 404
        assert live.rpartition("/")[2] not in str(await sam.get(f"{AUTHORIZATIONS}/ended"))


async def test_pages_of_a_history_hold_every_change_once_and_no_silent_sign_in(site: Service, robin: Person) -> None:
    path = await robin.only()
    for _ in range(3):
        await robin.delete(f"{path}/scopes/org:read")
        await obtain_code(robin.browser, "web", "robin", scope=ASKED)
        await obtain_code(robin.browser, "web", "robin", scope=ASKED)
        site.clock.forward(1)
    walked, address = [], f"{path}/history?limit=2"
    while address:
        answer = await robin.browser.get(address, headers=HERE)
        walked += [change["event"].removeprefix("authorization.") for change in answer.json()["items"]]
        link = re.match(r"<https://[^/]+(/[^>]+)>", answer.headers.get("link", ""))
        address = link[1] if link else ""
    assert walked == ["granted", "narrowed"] * 3 + ["granted"]


async def test_a_used_token_that_came_back_is_told_in_the_history(site: Service, robin: Person) -> None:
    path = await robin.only()
    tokens = await tokens_of(robin)
    for _ in range(3):
        await refreshed(robin, tokens)
        site.clock.forward(31)
    newest = (await robin.get(f"{path}/history"))["items"][0]
    assert (newest["event"], newest["by"]) == ("family.revoked", "application")
    page = await robin.browser.get(page_of(path))
    assert "We ended its access" in page.text
    assert "because a used token came back" in page.text


@pytest.mark.spec("original", "BUG 1")
async def test_a_code_that_came_back_is_told_in_the_history(robin: Person) -> None:
    path = await robin.only()
    code = await obtain_code(robin.browser, "web", "robin", scope=ASKED)
    for _ in range(3):
        await redeem(robin.browser, "web", code)
    changes = (await robin.get(f"{path}/history"))["items"]
    assert [change["event"] for change in changes].count("code.replayed") == 1
    assert "because a one-time code was used twice" in (await robin.browser.get(page_of(path))).text


async def test_an_application_that_signs_itself_out_is_told_in_the_history(robin: Person) -> None:
    path = await robin.only()
    tokens = await tokens_of(robin)
    await robin.browser.post("/oauth/revoke", data={"token": tokens["refresh_token"]}, auth=("web", SECRET))
    assert "signed out</b> in one place" in (await robin.browser.get(page_of(path))).text


@pytest.mark.spec("original", "BUG 17")
async def test_the_history_stays_readable_when_the_application_is_gone(site: Service, robin: Person) -> None:
    """The records are deleted with the application; what was written down about them is not."""
    identifier = await site.application("leaving")
    await obtain_code(robin.browser, "leaving", "robin", scope=ASKED)
    found = await records.list_for_user(site.database, await id_of(site, "robin"))
    [record] = [one for one in found if one.client_id == "leaving"]
    await delete_for_good(site, identifier)
    site.clock.forward(1)
    items = (await robin.get(f"{AUTHORIZATIONS}/ended"))["items"]
    assert (items[0]["id"], items[0]["name"], items[0]["by"]) == (str(record.id), "Deploy Diary", "other")
    page = await robin.browser.get(f"{PAGES}/{record.id}")
    assert "was deleted</b>, and with it everything you had allowed it" in page.text
    assert "You connected" in page.text or "connected “" in page.text


async def delete_for_good(site: Service, application_id: UUID) -> None:
    """Delete an application whose grace is over."""
    now = site.clock()
    async with site.database.transaction() as transaction:
        assert await mark_for_deletion(transaction, application_id, now, now)
    await delete_applications(Work(site.database, site.server.policy.lifetimes, site.clock, VAULT), now)


@pytest.mark.spec("standards", "CI-16")
async def test_a_connection_that_ended_because_nobody_used_it_says_so(site: Service, robin: Person) -> None:
    application_id = await site.application("tides")
    assert await obtain_code(robin.browser, "tides", "robin", scope=ASKED)
    by_document = {"client_id": "https://tides.example/client.json", "self_registered": True}
    await change(site, Application, application_id, **by_document)
    later = site.clock() + 2 * site.server.policy.lifetimes.refresh_token_absolute
    await reap(Work(site.database, site.server.policy.lifetimes, site.clock, VAULT), later)
    page = await robin.browser.get("/account/activity")
    assert "Ended what" in page.text
    assert "because nobody had used it for long" in page.text
    found = await records.list_for_user(site.database, await id_of(site, "robin"))
    assert application_id not in {record.application_id for record in found}


async def test_nothing_below_the_list_of_what_is_over_breaks_anything(robin: Person) -> None:
    for record in ("x", "%ff", "1" * 5000, NOBODYS, NOBODYS.upper(), str(new_id_of_nobody())):
        for below in ("", "/history"):
            answer = await robin.browser.get(f"{AUTHORIZATIONS}/ended/{record}{below}", headers=HERE)
            assert_problem(answer, 404, "not-found")
            assert (await robin.browser.get(f"{PAGES}/{record}{below}")).status_code == 404


def new_id_of_nobody() -> UUID:
    """Return an id of ours that no record has."""
    return new_id(datetime.now(UTC))
