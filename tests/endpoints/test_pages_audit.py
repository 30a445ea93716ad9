"""The pages of the audit trail: an organization's log, the operators' log, a person's own activity."""

import re
from collections.abc import AsyncIterator
from html import unescape

import httpx
import pytest

from app.crypto.secrets import new_id
from app.protocol.events import Event
from app.store.orders import Actor
from tests.support.api_person import Person
from tests.support.barn import Barn, enter, found, id_of, register_operator
from tests.support.service import Service, obtain_code, redeem

ACTIVITY = "/account/activity"
WHOLE = "/admin/audit"


@pytest.fixture
async def barn(site: Service) -> Barn:
    """A fresh organization."""
    return await found(site)


@pytest.fixture
async def robin(browser: httpx.AsyncClient) -> Person:
    return await enter(browser, "robin")


@pytest.fixture
async def operator(site: Service) -> AsyncIterator[Person]:
    """Ada, who is an operator."""
    await register_operator(site)
    async with site.browser() as other:
        yield await enter(other, "ada")


def path_of(barn: Barn) -> str:
    return f"/organizations/{barn.organization.slug}/audit"


def rows_of(page: httpx.Response) -> list[list[str]]:
    """Return the cells of each row, without markup."""
    assert page.status_code == 200, page.text
    found_rows = re.findall(r"<tr>\s*(<td.*?)</tr>", page.text, re.DOTALL)
    cells = [re.findall(r"<td[^>]*>(.*?)</td>", row, re.DOTALL) for row in found_rows]
    return [[" ".join(unescape(re.sub(r"<[^>]+>", " ", cell)).split()) for cell in row] for row in cells]


def link_to(page: httpx.Response, text: str) -> str:
    """Return the address behind a link with this text; empty when there is none."""
    links = re.findall(r'<a[^>]* href="([^"]*)"[^>]*>(.*?)</a>', page.text, re.DOTALL)
    return next((unescape(href) for href, inner in links if re.sub(r"<[^>]+>", "", inner).strip() == text), "")


async def test_an_organizations_log_tells_time_actor_sentence_and_event_by_day(barn: Barn, robin: Person) -> None:
    await barn.member("robin", "owner")
    barn.site.clock.forward(-86_400)
    await barn.add(
        Event.API_KEY_CREATED,
        actor=Actor("user", str(await id_of(barn.site, "sam"))),
        data={"after": {"label": "Nightly", "last_four": "4f2a"}},
        address="203.0.113.9",
        request_id="req_7",
    )
    barn.site.clock.forward(86_400)
    await barn.add(Event.MEMBER_ADDED, data={"after": {"role": "admin"}})
    page = await robin.browser.get(path_of(barn))
    newest, oldest = rows_of(page)
    assert newest[1] == "API key Nightly export"
    assert oldest[1:] == ["sam", "Made API key “Nightly” …4f2a api_key.created", "203.0.113.9", "req_7"]
    assert re.fullmatch(r"\d\d:\d\d:\d\d", oldest[0])
    assert len(re.findall(r'scope="rowgroup"', page.text)) == 2
    assert "/admin/requests/" not in page.text


@pytest.mark.spec("original", "BUG 16")
async def test_who_may_read_the_log_and_no_more_does_not_see_addresses(barn: Barn, robin: Person) -> None:
    await barn.member("robin", "member")
    await barn.add(Event.MEMBER_ADDED, address="203.0.113.9", request_id="req_7")
    page = await robin.browser.get(path_of(barn))
    assert [len(row) for row in rows_of(page)] == [4]
    assert "203.0.113.9" not in page.text


async def test_the_log_is_not_there_for_strangers(barn: Barn, robin: Person, site: Service) -> None:
    for path in (path_of(barn), "/organizations/nowhere/audit", WHOLE):
        answer = await robin.browser.get(path)
        assert answer.status_code == 404
        assert barn.organization.name not in answer.text
    async with site.browser() as stranger:
        for path in (path_of(barn), ACTIVITY):
            assert (await stranger.get(path)).headers["location"].startswith("/login?to=")
        assert (await stranger.get(WHOLE)).status_code == 404


async def test_filters_narrow_the_log_and_its_exports(barn: Barn, robin: Person) -> None:
    await barn.member("robin", "owner")
    await barn.add(Event.API_KEY_CREATED, subject_id="key-8")
    await barn.add(Event.MEMBER_ADDED, actor=Actor("user", str(await id_of(barn.site, "sam"))))
    today = f"{barn.site.clock():%Y-%m-%d}"

    async def events(query: str) -> list[str]:
        return [row[2].split()[-1] for row in rows_of(await robin.browser.get(f"{path_of(barn)}?{query}"))]

    assert await events("event=api_key.") == ["api_key.created"]
    assert await events("event=nothing.such") == []
    assert await events("q=SAM") == ["member.added"]
    assert await events("q=key-8") == ["api_key.created"]
    assert await events("q=%00") == ["member.added", "api_key.created"]
    assert await events(f"from={today}&to={today}") == ["member.added", "api_key.created"]
    assert await events("to=2020-01-01") == []
    page = await robin.browser.get(f"{path_of(barn)}?event=api_key.&from={today}&to={today}&q=key-8")
    assert f'value="{today}"' in page.text
    assert '<option value="api_key." selected>' in page.text
    lines = await robin.browser.get(link_to(page, "As JSON lines"))
    assert (lines.headers["content-type"], lines.text.count("\n")) == ("application/x-ndjson", 1)
    table = await robin.browser.get(link_to(page, "Download as CSV"))
    assert (table.headers["content-type"], table.text.count("api_key.created")) == ("text/csv; charset=utf-8", 1)


@pytest.mark.spec("original", "BUG 18")
@pytest.mark.parametrize("day", ["yesterday", "2026-13-01", "20261101", "2026-11-1", "9999-12-31", "%00", "0000-01-01"])
async def test_a_day_that_is_none_is_told_and_kept(barn: Barn, robin: Person, day: str) -> None:
    await barn.member("robin", "owner")
    page = await robin.browser.get(f"{path_of(barn)}?from={day}")
    assert page.status_code == 422
    assert 'href="#from"' in page.text
    assert 'aria-describedby="from-error"' in page.text


async def test_newer_and_older_lead_through_the_log_with_its_filters(barn: Barn, robin: Person) -> None:
    await barn.member("robin", "owner")
    for at in range(120):
        await barn.add(Event.API_KEY_CHANGED, subject_id="key-8", request_id=f"req_{at}")
    await barn.add(Event.MEMBER_ADDED)
    first = await robin.browser.get(f"{path_of(barn)}?event=api_key.")
    assert link_to(first, "Newer") == ""
    second = await robin.browser.get(link_to(first, "Older"))
    third = await robin.browser.get(link_to(second, "Older"))
    assert link_to(third, "Older") == ""
    seen = [row[-1] for page in (first, second, third) for row in rows_of(page)]
    assert seen == [f"req_{at}" for at in range(119, -1, -1)]
    back = await robin.browser.get(link_to(third, "Newer"))
    assert rows_of(back) == rows_of(second)
    top = await robin.browser.get(link_to(back, "Newer"))
    assert rows_of(top) == rows_of(first)
    assert link_to(await robin.browser.get(link_to(top, "Older")), "Older") != ""
    for nonsense in ("x", "%00", "1" * 5000):
        assert rows_of(await robin.browser.get(f"{path_of(barn)}?before={nonsense}"))[0][2].endswith("member.added")


async def test_names_from_outside_are_text_and_nothing_else(barn: Barn, robin: Person) -> None:
    await barn.member("robin", "owner")
    evil = "<script>alert(1)</script>\u202e{{7*7}}"
    await barn.add(Event.API_KEY_CREATED, actor=Actor("api_key", evil, evil), data={"after": {"label": evil}})
    page = await robin.browser.get(f"{path_of(barn)}?q={evil}&event={evil}")
    assert "<script>alert" not in page.text
    everything = await robin.browser.get(path_of(barn))
    assert "<script>alert" not in everything.text
    assert "49" not in rows_of(everything)[0][2]


async def test_operators_read_everything_and_go_on_to_the_decisions(barn: Barn, operator: Person) -> None:
    await barn.add(Event.LEGACY_IMPORTED, actor=Actor("operator", "import"), request_id="req_77")
    await barn.add(Event.SYSTEM_KEY_USED, actor=Actor("system_key", "system"))
    await barn.add(Event.APPLICATION_DELETED, actor=Actor("server", "jobs"))
    page = await operator.browser.get(f"{WHOLE}?from={barn.site.clock():%Y-%m-%d}")
    rows = rows_of(page)[:3]
    assert [row[1] for row in rows] == ["Assent", "System key", "import (operator)"]
    assert link_to(page, "req_77") == "/admin/requests/req_77"
    assert link_to(page, "As JSON lines").startswith("/api/v1/admin/audit/export?since=")


@pytest.mark.spec("original", "BUG 35")
async def test_a_persons_activity_is_told_in_plain_words(site: Service, barn: Barn, robin: Person) -> None:
    code = await obtain_code(robin.browser, "web", "robin", scope="project:read")
    tokens = (await redeem(robin.browser, "web", code)).json()
    again = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
    for _ in range(3):
        await redeem(robin.browser, "web", "", **again)
        site.clock.forward(31)
    await barn.add(
        Event.MEMBER_REMOVED,
        actor=Actor("user", str(await id_of(site, "sam")), "sam"),
        user_id=await id_of(site, "robin"),
        address="198.51.100.77",
    )
    page = await robin.browser.get(ACTIVITY)
    told = [row[1] for row in rows_of(page)]
    assert told[0] == "Ended the membership of robin by sam"
    assert "198.51.100.77" not in page.text
    assert told[1] == "Ended a sign-in of Deploy Diary because a used token came back"
    assert "Signed in" in told
    assert "api_key" not in page.text


async def test_nothing_of_somebody_else_is_in_a_persons_activity(site: Service, barn: Barn, robin: Person) -> None:
    await barn.add(Event.MEMBER_ADDED, user_id=new_id(site.clock()), request_id="req_of_somebody_else")
    page = await robin.browser.get(ACTIVITY)
    assert "req_of_somebody_else" not in page.text
    assert not [row for row in rows_of(page) if "Became a member" in row[1]]
