"""The audit trail over the JSON API: who may read which part of it, how it is chosen, and how it is taken home."""

import asyncio
import csv
import io
import json
import re
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from urllib.parse import quote, urlencode

import httpx
import pytest
from starlette.types import Message

from app.crypto.secrets import new_id
from app.protocol.events import Event
from app.services import trail
from app.services.trail import Filters
from app.store.hot_connection import counting_trips
from app.store.orders import Actor
from app.store.trail import Place
from tests.support.api_person import HERE, Person, assert_problem
from tests.support.barn import Barn, enter, found, id_of, register_operator
from tests.support.service import ISSUER, PASSWORD, Service, fields_of, obtain_code, redeem
from tests.support.wire import WireRequest, send

OWN = "/api/v1/audit"
WHOLE = "/api/v1/admin/audit"


@pytest.fixture
async def barn(site: Service) -> Barn:
    """A fresh organization without members."""
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
    """Return where the trail of an organization is."""
    return f"/api/v1/organizations/{barn.organization.slug}/audit"


def events_of(answer: Any) -> list[str]:
    """Return the names of the events of a page."""
    return [item["event"] for item in answer["items"]]


@pytest.mark.spec("original", "BUG 16")
async def test_a_member_reads_who_did_what_newest_first(barn: Barn, robin: Person) -> None:
    await barn.member("robin", "member")
    after = {"label": "Nightly export", "last_four": "4f2a"}
    await barn.add(Event.API_KEY_CREATED, subject_id="key-8", data={"after": after, "reason": "a new one"})
    await barn.add(Event.API_KEY_REMOVED, subject_id="key-8", data={"before": after}, request_id="req_7")
    newest, oldest = (await robin.get(path_of(barn)))["items"]
    assert newest["event"] == "api_key.removed"
    assert newest["summary"] == "Removed API key “Nightly export” …4f2a"
    assert newest["actor"] == {"kind": "api_key", "id": "key-7", "label": "Nightly export"}
    assert (newest["target"], newest["request_id"]) == ("key-8", "req_7")
    assert (newest["before"], newest["after"]) == (after, None)
    assert newest["at"].endswith("Z")
    assert (oldest["before"], oldest["after"], oldest["details"]) == (None, after, {"reason": "a new one"})


async def test_the_trail_of_an_organization_is_none_to_who_has_no_business_there(
    barn: Barn, robin: Person, site: Service
) -> None:
    await barn.add(Event.MEMBER_ADDED)
    seen = set()
    for slug in (barn.organization.slug, "nowhere", "%ff", "x" * 3000):
        for below in ("", "/export", "?event=nothing", "/export?format=csv"):
            answer = await robin.browser.get(f"/api/v1/organizations/{slug}/audit{below}", headers=HERE)
            content = answer.json()
            assert content.pop("instance")
            seen.add((answer.status_code, json.dumps(content)))
    assert len(seen) == 1, seen
    assert seen.pop()[0] == 404
    async with site.browser() as stranger:
        assert_problem(await stranger.get(path_of(barn)), 401, "not-signed-in")


async def test_addresses_and_programs_are_told_to_administrators_alone(barn: Barn, robin: Person) -> None:
    await barn.add(Event.MEMBER_ADDED, address="203.0.113.9", user_agent="curl/8")
    await barn.member("robin", "manager")
    [item] = (await robin.get(path_of(barn)))["items"]
    assert (item["address"], item["user_agent"]) == (None, None)
    exported = await robin.browser.get(f"{path_of(barn)}/export", headers=HERE)
    assert "203.0.113.9" not in exported.text
    assert "curl" not in exported.text
    await barn.member("robin", "owner")
    [item] = (await robin.get(path_of(barn)))["items"]
    assert (item["address"], item["user_agent"]) == ("203.0.113.9", "curl/8")


@pytest.mark.spec("original", "BUG 18")
async def test_filters_choose_and_an_unknown_event_finds_an_empty_list(barn: Barn, robin: Person) -> None:
    await barn.member("robin", "member")
    await barn.add(Event.API_KEY_CREATED, subject_id="key-8")
    barn.site.clock.forward(10)
    middle = barn.site.clock().isoformat()
    await barn.add(Event.API_KEY_CHANGED, subject_id="key-8")
    barn.site.clock.forward(10)
    await barn.add(Event.MEMBER_ADDED, actor=Actor("user", "somebody"))

    async def events(**filters: str) -> list[str]:
        return events_of(await robin.get(f"{path_of(barn)}?{urlencode(filters)}"))

    assert await events(event="api_key.created") == ["api_key.created"]
    assert await events(event="api_key.") == ["api_key.changed", "api_key.created"]
    for unknown in ("api-key.create", "70", ".", "api_key", "' or 1=1", "💥", "*"):
        assert await events(event=unknown) == []
    assert await events(actor="somebody") == ["member.added"]
    assert await events(target="key-8") == ["api_key.changed", "api_key.created"]
    assert await events(q="Nightly export", event="api_key.created") == ["api_key.created"]
    assert await events(q="  key-8 ") == ["api_key.changed", "api_key.created"]
    assert await events(q="nobody") == []
    assert await events(since=middle) == ["member.added", "api_key.changed"]
    assert await events(until=middle) == ["api_key.created"]
    assert await events(since="0001-01-01T00:00:00+14:00", until="9999-12-31T23:59:59-14:00") != []


@pytest.mark.spec("original", "BUG 18")
@pytest.mark.parametrize(
    "wrong",
    [
        *("since=yesterday", "until=2026-11-22T00:00:00", "since=%00"),
        *("limit=0", "limit=101", "limit=x", "cursor=x"),
        *("actor=%00", "event=a%00b", f"target={'x' * 201}"),
    ],
    ids=lambda wrong: wrong[:30],
)
async def test_a_filter_that_cannot_be_read_is_told_by_its_field(barn: Barn, robin: Person, wrong: str) -> None:
    await barn.member("robin", "member")
    answer = await robin.browser.get(f"{path_of(barn)}?{wrong}", headers=HERE)
    assert_problem(answer, 400, "invalid-request")
    assert [error["field"] for error in answer.json()["errors"]] == [wrong.partition("=")[0]]


async def test_the_format_of_an_export_is_one_of_two(barn: Barn, robin: Person) -> None:
    await barn.member("robin", "member")
    answer = await robin.browser.get(f"{path_of(barn)}/export?format=xml", headers=HERE)
    assert_problem(answer, 400, "invalid-request")


async def test_pages_are_linked_with_their_filters_and_hold_each_entry_once(barn: Barn, robin: Person) -> None:
    await barn.member("robin", "member")
    written = [await barn.add(Event.API_KEY_CHANGED, subject_id="a b") for _ in range(5)]
    await barn.add(Event.MEMBER_ADDED)
    path: str | None = f"{path_of(barn)}?event=api_key.&limit=2&target={quote('a b')}"
    walked = []
    while path is not None:
        answer = await robin.browser.get(path, headers=HERE)
        walked += [item["id"] for item in answer.json()["items"]]
        link = re.fullmatch(r'<(.+)>; rel="next"', answer.headers.get("link", ""))
        path = link[1].removeprefix(ISSUER) if link else None
    assert walked == written[::-1]


async def test_everything_that_fits_comes_as_json_lines(barn: Barn, robin: Person) -> None:
    await barn.member("robin", "member")
    written = [await barn.add(Event.API_KEY_CHANGED) for _ in range(7)]
    await barn.add(Event.MEMBER_ADDED)
    by_path = await robin.browser.get(f"{path_of(barn)}/export?event=api_key.", headers=HERE)
    asked = HERE | {"Accept": "text/html;q=0.5, application/x-ndjson"}
    by_accept = await robin.browser.get(f"{path_of(barn)}?event=api_key.&limit=1", headers=asked)
    assert by_path.text == by_accept.text
    lines = [json.loads(line) for line in by_path.text.splitlines()]
    assert [line["id"] for line in lines] == written[::-1]
    for answer in (by_path, by_accept):
        assert answer.headers["content-type"] == "application/x-ndjson"
        assert answer.headers["cache-control"] == "no-store"
        assert re.match(r'attachment; filename="audit[a-z0-9-]*\.jsonl"', answer.headers["content-disposition"])


async def test_a_table_for_spreadsheets_holds_no_formula(barn: Barn, robin: Person) -> None:
    await barn.member("robin", "member")
    evil = ('=HYPERLINK("https://evil.example")', "+1", "-1", "@SUM(1)", "\t=1", "＝1", "\r=1")  # noqa: RUF001
    for text in evil:
        await barn.add(Event.API_KEY_CREATED, actor=Actor("api_key", text, text), subject_id=text)
    answer = await robin.browser.get(f"{path_of(barn)}/export?format=csv", headers=HERE)
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    head, *rows = csv.reader(io.StringIO(answer.content.decode(), newline=""))
    assert head[:3] == ["at", "event", "summary"]
    assert len(rows) == len(evil)
    for row, text in zip(rows, evil[::-1], strict=True):
        told = dict(zip(head, row, strict=True))
        assert told["actor_id"] == told["actor_label"] == told["target"] == f"'{text}"
        assert not any(cell.startswith(("=", "+", "-", "@", "\t", "\r")) for cell in row)


async def test_an_export_of_nothing_is_an_empty_file(barn: Barn, robin: Person) -> None:
    await barn.member("robin", "member")
    assert (await robin.browser.get(f"{path_of(barn)}/export", headers=HERE)).content == b""
    table = await robin.browser.get(f"{path_of(barn)}/export?format=csv", headers=HERE)
    assert len(table.text.splitlines()) == 1


async def test_an_export_is_read_in_chunks_of_bounded_size_each_in_its_own_short_transaction(
    barn: Barn, robin: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    await barn.member("robin", "member")
    monkeypatch.setattr(trail, "EXPORT_CHUNK", 10)
    written = [await barn.add(Event.API_KEY_CHANGED) for _ in range(25)]
    selection = await trail.of_organization(barn.site.database, barn.organization.id, Filters())
    sizes = []
    with counting_trips() as trips:
        async for chunk in trail.export(barn.site.database, selection):
            sizes.append(len(chunk))
            assert "0 of 4" in _in_use(barn), "nothing is held while the reader takes his time"
    assert sizes == [10, 10, 5]
    assert len([trip for trip in trips if "FROM audit" in trip]) == 3
    answer = await robin.browser.get(f"{path_of(barn)}/export", headers=HERE)
    assert [json.loads(line)["id"] for line in answer.text.splitlines()] == written[::-1]


def _in_use(barn: Barn) -> str:
    return f"{barn.site.database._engine.pool.checkedout()} of 4"  # type: ignore[attr-defined]


async def test_an_export_leaves_chunk_by_chunk(
    barn: Barn, robin: Person, monkeypatch: pytest.MonkeyPatch, site: Service
) -> None:
    """What has been read is sent before more is read."""
    await barn.member("robin", "member")
    monkeypatch.setattr(trail, "EXPORT_CHUNK", 3)
    for _ in range(9):
        await barn.add(Event.API_KEY_CHANGED)
    cookie = "; ".join(f"{name}={value}" for name, value in robin.browser.cookies.items())
    request = WireRequest("GET", f"{path_of(barn)}/export".encode(), ((b"cookie", cookie.encode()),))
    bodies: list[bytes] = []

    async def count(scope: Any, receive: Any, send_on: Any) -> None:
        request_sent = False

        async def stay() -> Message:
            nonlocal request_sent
            if request_sent:
                await asyncio.Event().wait()
            request_sent = True
            return {"type": "http.request", "body": b"", "more_body": False}

        async def note(message: Message) -> None:
            if message["type"] == "http.response.body" and message.get("body"):
                bodies.append(message["body"])
            await send_on(message)

        await site.app(scope, stay, note)

    assert (await send(count, request)).status == 200
    assert [body.count(b"\n") for body in bodies] == [3, 3, 3]


@pytest.mark.spec("original", "BUG 35")
async def test_a_person_reads_what_happened_to_his_account_also_failed_sign_ins(site: Service, robin: Person) -> None:
    code = await obtain_code(robin.browser, "web", "robin", scope="project:read")
    tokens = (await redeem(robin.browser, "web", code)).json()
    async with site.browser() as stranger:
        form = fields_of(await stranger.get("/login"))
        await stranger.post("/login", data={**form, "username": "robin", "password": "thistle wagon ember"})
    again = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
    for _ in range(3):  # the third presents a token two generations old
        await redeem(robin.browser, "web", "", **again)
        site.clock.forward(31)
    items = (await robin.get(OWN))["items"]
    told = {item["event"]: item for item in items[::-1]}
    assert told["login.failed"]["actor"] == {"kind": "anonymous", "id": "", "label": ""}
    assert told["login.failed"]["address"]
    assert told["login.succeeded"]["actor"]["label"] == "robin"
    assert told["authorization.granted"]["request_id"].startswith("req_")
    alarm = told["family.revoked"]
    assert alarm["summary"] == "Ended a sign-in of Deploy Diary because a used token came back"
    assert alarm["details"] == {"reason": "refresh_token_reused"}
    assert not {"code.exchanged", "token.refreshed"} & told.keys()
    assert PASSWORD not in json.dumps(items)


async def test_nobody_reads_what_happened_to_somebody_else(site: Service, robin: Person) -> None:
    async with site.browser() as other:
        sam = await enter(other, "sam")
        ids = {item["id"] for item in (await sam.get(OWN))["items"]}
        mine = {item["id"] for item in (await robin.get(OWN))["items"]}
        assert ids
        assert mine
        assert not ids & mine
        user_id = (await robin.get(OWN))["items"][0]["user_id"]
        assert (await sam.get(f"{OWN}?target={user_id}"))["items"] == []
        assert (await sam.get(f"{OWN}?actor={user_id}"))["items"] == []


async def test_where_others_sit_who_did_something_to_a_person_is_not_his_business(
    site: Service, barn: Barn, robin: Person
) -> None:
    await barn.add(
        Event.MEMBER_REMOVED,
        actor=Actor("user", "somebody else", "sam"),
        user_id=await id_of(site, "robin"),
        address="198.51.100.77",
        user_agent="curl/8",
    )
    newest = (await robin.get(OWN))["items"][0]
    assert newest["event"] == "member.removed"
    assert (newest["address"], newest["user_agent"]) == (None, None)


async def test_the_whole_trail_is_for_operators_and_does_not_exist_for_others(
    barn: Barn, robin: Person, operator: Person
) -> None:
    written = await barn.add(Event.LEGACY_IMPORTED, actor=Actor("operator", "import"), address="192.0.2.77")
    for path in (WHOLE, f"{WHOLE}/export", f"{WHOLE}?event=x"):
        assert_problem(await robin.browser.get(path, headers=HERE), 404, "not-found")
    newest = (await operator.get(f"{WHOLE}?event=legacy."))["items"][0]
    assert (newest["id"], newest["address"]) == (written, "192.0.2.77")
    lines = (await operator.browser.get(f"{WHOLE}/export?event=legacy.", headers=HERE)).text.splitlines()
    assert json.loads(lines[0])["id"] == written


async def test_tokens_do_not_open_a_persons_trail_or_the_operators(robin: Person) -> None:
    code = await obtain_code(robin.browser, "web", "robin", scope="org:read")
    token = (await redeem(robin.browser, "web", code)).json()["access_token"]
    bearer = {"Authorization": f"Bearer {token}"}
    for path in (OWN, f"{OWN}/export"):
        assert_problem(await robin.browser.get(path, headers=bearer), 403, "session-only")
    for path in (WHOLE, f"{WHOLE}/export"):
        assert_problem(await robin.browser.get(path, headers=bearer), 404, "not-found")


@pytest.mark.spec("original", "BUG 17")
async def test_what_a_key_did_is_told_by_its_label_after_it_is_gone(barn: Barn, robin: Person) -> None:
    """Rows name the key by its id and its label of that day; no row hangs on the row of the key."""
    await barn.member("robin", "member")
    await barn.add(Event.MEMBER_ADDED, actor=Actor("api_key", str(new_id(barn.site.clock())), "Old runner …e04k"))
    [item] = (await robin.get(path_of(barn)))["items"]
    assert item["actor"]["label"] == "Old runner …e04k"


async def test_a_page_costs_two_statements_and_the_names_three(barn: Barn, robin: Person) -> None:
    await barn.member("robin", "member")
    for _ in range(60):
        await barn.add(Event.API_KEY_CHANGED, user_id=new_id(barn.site.clock() + timedelta(seconds=1)))
    selection = await trail.of_organization(barn.site.database, barn.organization.id, Filters(actor="key-7"))
    with counting_trips() as trips:
        page = await trail.read(barn.site.database, selection, Place(), 50)
    assert len(page.entries) == 50
    selects = [trip for trip in trips if trip.lstrip().upper().startswith("SELECT")]
    assert len([trip for trip in selects if "FROM audit" in trip]) <= 2
    assert len(selects) <= 5
