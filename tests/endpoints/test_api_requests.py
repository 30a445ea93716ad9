"""What the JSON API makes of requests as such: bodies, methods, unknown paths, and text that no database holds."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from pydantic import BaseModel, ConfigDict

from app.protocol.params import MAX_BODY
from app.routers.api.problems import Kind, api_router
from app.telemetry.requests import Requests
from tests.support.api_person import AUTHORIZATIONS, HERE, PROBLEM, Person, assert_problem, enter
from tests.support.service import ISSUER, Service

JSON = {"Content-Type": "application/json"}


class Note(BaseModel):
    """What the routes of this module take."""

    model_config = ConfigDict(extra="forbid")

    text: str = ""
    more: Any = None


async def keep(note: Note) -> Note:
    """Tell what was understood."""
    return note


@pytest.fixture
async def notes(site: Service) -> AsyncIterator[httpx.AsyncClient]:
    """A client of an API whose only route takes a note at `/api/v1/notes`."""
    router, pages = api_router(), FastAPI()
    for method in ("POST", "PUT", "PATCH"):
        router.add_api_route("/notes", keep, methods=[method], operation_id=f"keep_by_{method}")
    pages.include_router(router)
    pages.state.server = site.server
    transport = httpx.ASGITransport(Requests(pages))
    async with httpx.AsyncClient(transport=transport, base_url=ISSUER) as client:
        yield client


@pytest.fixture
async def sam(browser: httpx.AsyncClient) -> Person:
    """Sam, who has connected nothing."""
    return await enter(browser, "sam")


@pytest.mark.parametrize("media_type", ["application/json", "Application/JSON", "application/json; charset=utf-8"])
async def test_json_is_read_as_json(notes: httpx.AsyncClient, media_type: str) -> None:
    for method in ("POST", "PUT", "PATCH"):
        answer = await notes.request(
            method, "/api/v1/notes", content='{"text":"ä"}', headers={"Content-Type": media_type}
        )
        assert (answer.status_code, answer.json()["text"]) == (200, "ä")


@pytest.mark.parametrize(
    "media_type",
    [None, "", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "application/jsonp", "json"],
)
async def test_a_body_of_any_other_kind_is_refused(notes: httpx.AsyncClient, media_type: str | None) -> None:
    headers = {} if media_type is None else {"Content-Type": media_type}
    answer = await notes.post("/api/v1/notes", content='{"text":"x"}', headers=headers)
    assert_problem(answer, 415, "unsupported-media-type")


async def test_a_second_content_type_is_refused(notes: httpx.AsyncClient) -> None:
    headers = [("Content-Type", "application/json"), ("Content-Type", "text/plain")]
    assert_problem(await notes.post("/api/v1/notes", content="{}", headers=headers), 415, "unsupported-media-type")


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"x",
        b"{'text': 'x'}",
        b'{"text": "x"} {}',
        b'\xef\xbb\xbf{"text": "x"}',
        b'{"text": "\xff"}',
        b'{"text": "\xed\xa0\x80"}',
        rb'{"text": "\ud800"}',
        rb'{"text": "\udfff\ud800"}',
        b'{"text": "\x00"}',
        rb'{"text": "a\u0000b"}',
        rb'{"te\u0000xt": "x"}',
        rb'{"more": [[{"a": ["\u0000"]}]]}',
        b'{"more": NaN}',
        b'{"more": Infinity}',
        b'{"more": 1' + b"0" * 5000 + b"}",
        b'{"text": "x", "text": "y"}',
        b'{"more": {"a": 1, "\\u0061": 2}}',
        b'{"more": ' + b"[" * 500_000,
        b'{"more": ' + b"[" * 2000 + b"]" * 2000 + b"}",
        b'{"more": ' + b'{"a":' * 1000 + b"1" + b"}" * 1000 + b"}",
        b"[" * 100_000 + b"]" * 100_000,
    ],
    ids=range(22),
)
async def test_what_is_not_json_or_cannot_be_kept_is_refused(notes: httpx.AsyncClient, body: bytes) -> None:
    answer = await notes.post("/api/v1/notes", content=body, headers=JSON)
    assert_problem(answer, 400, "invalid-request")


async def test_an_escaped_backslash_before_u0000_is_no_nul(notes: httpx.AsyncClient) -> None:
    answer = await notes.post("/api/v1/notes", content=rb'{"text": "\\u0000"}', headers=JSON)
    assert (answer.status_code, answer.json()["text"]) == (200, r"\u0000")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ('{"texts": "x"}', "texts"),
        ('{"text": 5}', "text"),
        ('{"text": null}', "text"),
        ('{"' + "x" * 5000 + '": 1}', "x" * 100),
        ("[]", ""),
        ("null", ""),
        ("5", ""),
        ("", ""),
    ],
)
async def test_the_member_that_is_wrong_is_named(notes: httpx.AsyncClient, body: str, field: str) -> None:
    answer = await notes.post("/api/v1/notes", content=body, headers=JSON)
    assert_problem(answer, 400, "invalid-request")
    [error] = answer.json()["errors"]
    assert error["field"] == field


async def test_a_body_may_have_one_megabyte_and_not_a_byte_more(notes: httpx.AsyncClient) -> None:
    room = MAX_BODY - len('{"text":""}')
    fits = await notes.post("/api/v1/notes", content='{"text":"' + "x" * room + '"}', headers=JSON)
    assert fits.status_code == 200
    answer = await notes.post("/api/v1/notes", content='{"text":"' + "x" * (room + 1) + '"}', headers=JSON)
    assert_problem(answer, 413, "too-large")
    assert answer.headers["connection"] == "close"


async def test_a_body_without_end_is_not_read_to_its_end(notes: httpx.AsyncClient) -> None:
    given = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal given
        while True:
            given += 65_536
            yield b" " * 65_536

    answer = await notes.post("/api/v1/notes", content=endless(), headers=JSON)
    assert_problem(answer, 413, "too-large")
    assert given <= MAX_BODY + 2 * 65_536


@pytest.mark.parametrize(
    "path", ["/api/v1/session", AUTHORIZATIONS, "/api/v1/", "/account", "/login", "/openapi.json", "/health/live"]
)
async def test_head_is_answered_like_get_without_the_content(sam: Person, path: str) -> None:
    shown, asked = await sam.browser.get(path, headers=HERE), await sam.browser.head(path, headers=HERE)
    assert asked.status_code == shown.status_code
    assert asked.content == b""
    for name in ("content-type", "content-length", "cache-control", "etag", "location"):
        assert asked.headers.get(name) == shown.headers.get(name)


async def test_head_of_what_only_takes_posts_is_refused(sam: Person) -> None:
    assert (await sam.browser.head("/setup", headers=HERE)).status_code == 405
    assert (await sam.browser.head("/oauth/token", headers=HERE)).status_code == 405


@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/nothing",
        "/api/v1/session/",
        "/api/v1/authorizations/",
        "/api/v2/session",
        "/api/",
        "/api/v1//session",
        "/api/v1/authorizations/x/y",
        "/api/v1/%00",
    ],
)
async def test_an_unknown_path_is_a_problem_not_a_page(sam: Person, path: str) -> None:
    for method in ("GET", "POST", "DELETE"):
        assert_problem(await sam.browser.request(method, path, headers=sam.headers), 404, "not-found")
    assert (await sam.browser.get("/nothing")).headers["content-type"].startswith("text/html")


@pytest.mark.spec("original", "BUG 18")
@pytest.mark.parametrize(
    "id",
    [
        "1",
        "abc",
        "%00",
        "a%00b",
        "%ff",
        "%ed%a0%80",
        "-1",
        "9" * 400,
        "%F0%9F%98%80",
        "00000000000040008000000000000000",
        "{00000000-0000-4000-8000-000000000000}",
        "..%2f..%2fetc%2fpasswd",
        "%27%20or%201=1--",
    ],
)
async def test_bug_18_no_id_in_a_path_is_a_fault_of_the_server(site: Service, sam: Person, id: str) -> None:
    """Every path of the API, whatever stands where an id belongs."""
    described = (await sam.browser.get("/openapi.json")).json()["paths"]
    for path, operations in described.items():
        if not path.startswith("/api/v1") or "{" not in path:
            continue
        filled = "/".join(id if part.startswith("{") else part for part in path.split("/"))
        for method in operations:
            body = "{}" if method in ("post", "put", "patch") else None
            answer = await sam.browser.request(method, filled, content=body, headers=sam.headers | JSON)
            assert 400 <= answer.status_code < 500, (method, path, answer.text)
            assert answer.headers["content-type"] == PROBLEM


@pytest.mark.spec("original", "BUG 18")
@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param(("9" * 400, "%00", "%ff"), id="worst"),
        pytest.param(
            ("", "x", "-1", "1e400", "NaN", "%F0%9F%98%80", "9999-99-99T99:99:99Z"), id="others", marks=pytest.mark.slow
        ),
    ],
)
async def test_bug_18_no_parameter_is_a_fault_of_the_server(sam: Person, wrong: tuple[str, ...]) -> None:
    """Every query parameter of the API, filled with what no page, no moment and no name is."""
    described = (await sam.browser.get("/openapi.json")).json()["paths"]
    for path, operations in described.items():
        if not path.startswith("/api/v1") or "get" not in operations:
            continue
        for parameter in operations["get"].get("parameters", []):
            if parameter["in"] != "query":
                continue
            for value in wrong:
                filled = path.replace("{", "").replace("}", "")
                answer = await sam.browser.get(f"{filled}?{parameter['name']}={value}", headers=HERE)
                assert answer.status_code < 500, (path, parameter["name"], value, answer.text)


async def test_a_parameter_that_holds_a_nul_is_named(sam: Person) -> None:
    answer = await sam.browser.get(f"{AUTHORIZATIONS}?limit=5&q=a%00b", headers=HERE)
    assert_problem(answer, 400, "invalid-request")
    assert answer.json()["errors"] == [{"field": "q", "detail": "holds a NUL character"}]


async def test_the_type_of_every_problem_leads_to_words_about_it(browser: httpx.AsyncClient) -> None:
    page = (await browser.get("/docs")).text
    for kind in Kind:
        assert f'id="problem-{kind.wire}"' in page
        assert kind.title in page
