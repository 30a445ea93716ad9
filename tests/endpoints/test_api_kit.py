"""What every route of the session's API shares: who may call, errors, pages, and its entry in the API document."""

import re
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from app.routers.api.authorization_models import AuthorizationAnswer, AuthorizationList, AuthorizationSummary
from app.routers.api.problems import ProblemDetails, api_router
from app.routers.api.session import SessionAnswer
from app.routers.cursors import cursor_of, read_cursor
from app.store.database import StoreUnavailable
from app.telemetry.requests import Requests
from tests.support.api_person import AUTHORIZATIONS, HERE, NOBODYS, PROBLEM, Person, assert_problem, enter
from tests.support.service import ISSUER, Service, obtain_code, redeem

ONE = f"{AUTHORIZATIONS}/{NOBODYS}"
SCOPE = f"{ONE}/scopes/org:read"
ROUTES = [
    ("GET", "/api/v1/session"),
    ("GET", AUTHORIZATIONS),
    ("GET", ONE),
    ("DELETE", ONE),
    ("DELETE", SCOPE),
]
OWN = {"Origin": ISSUER}
ELSEWHERE = {"Origin": "https://attacker.example"}


@pytest.fixture
async def sam(browser: httpx.AsyncClient) -> Person:
    """Sam, who has connected nothing."""
    return await enter(browser, "sam")


@pytest.mark.parametrize(("method", "path"), ROUTES)
async def test_nobody_is_challenged(browser: httpx.AsyncClient, method: str, path: str) -> None:
    answer = await browser.request(method, path, headers=HERE)
    assert_problem(answer, 401, "not-signed-in")
    assert answer.headers["www-authenticate"] == (
        f'Bearer realm="{ISSUER}", resource_metadata="{ISSUER}/.well-known/oauth-protected-resource/api/v1"'
    )


@pytest.mark.parametrize(("method", "path"), ROUTES)
async def test_tokens_and_keys_do_not_open_it_beside_a_session_either(sam: Person, method: str, path: str) -> None:
    tokens = (await redeem(sam.browser, "web", await obtain_code(sam.browser, "web", "sam"))).json()
    for credentials in (f"Bearer {tokens['access_token']}", "Bearer x", "Basic eDp5", ""):
        answer = await sam.browser.request(method, path, headers=sam.headers | {"Authorization": credentials})
        assert_problem(answer, 403, "session-only")


@pytest.mark.parametrize(
    ("told", "reads", "changes"),
    [
        (HERE, True, True),
        (OWN, True, True),
        (HERE | OWN, True, True),
        ({}, True, False),
        ({"Sec-Fetch-Site": "none"}, False, False),
        ({"Sec-Fetch-Site": "same-site"}, False, False),
        ({"Sec-Fetch-Site": "cross-site"}, False, False),
        ({"Sec-Fetch-Site": "cross-site"} | OWN, False, False),
        ({"Sec-Fetch-Site": "Same-Origin"}, False, False),
        ({"Sec-Fetch-Site": ""}, False, False),
        (ELSEWHERE, False, False),
        (HERE | ELSEWHERE, False, False),
        ({"Origin": "null"}, False, False),
        ({"Origin": "http://id.example"}, False, False),
        ({"Origin": f"{ISSUER}/"}, False, False),
    ],
)
async def test_the_cookie_counts_in_requests_of_our_own_origin_alone(
    sam: Person, told: dict[str, str], reads: bool, changes: bool
) -> None:
    for method, path in ROUTES:
        answer = await sam.browser.request(method, path, headers={"X-CSRF-Token": sam.csrf} | told)
        if not (reads if method == "GET" else changes):
            assert_problem(answer, 403, "other-site")
        else:
            assert answer.status_code == (404 if path.startswith(ONE) else 200)


@pytest.mark.parametrize("token", [None, "", "x", "q3Yk1m0c0q8yqJ4i5bX8k2wJp0tH3m7cXf6dQ1rVZsE", "x" * 5000])
async def test_a_change_without_the_token_of_the_browser_is_refused(sam: Person, token: str | None) -> None:
    headers = HERE | ({} if token is None else {"X-CSRF-Token": token})
    for path in (ONE, SCOPE):
        assert_problem(await sam.browser.delete(path, headers=headers), 403, "csrf-token")


async def test_the_token_of_another_browser_does_not_count(site: Service, sam: Person) -> None:
    async with site.browser() as other:
        stranger = await enter(other, "robin")
    assert stranger.csrf != sam.csrf
    answer = await sam.browser.delete(ONE, headers=sam.headers | {"X-CSRF-Token": stranger.csrf})
    assert_problem(answer, 403, "csrf-token")


async def test_a_browser_that_has_lost_its_cookie_is_given_no_token(sam: Person) -> None:
    [browser_cookie] = [name for name in sam.browser.cookies if name.endswith("assent_browser")]
    del sam.browser.cookies[browser_cookie]
    answer = await sam.browser.get("/api/v1/session", headers=HERE)
    assert answer.json() == {"username": "sam", "csrf": None}
    assert "set-cookie" not in answer.headers
    assert_problem(await sam.browser.delete(ONE, headers=sam.headers), 403, "csrf-token")


@pytest.mark.parametrize(
    ("path", "allowed"),
    [("/api/v1/session", "GET, HEAD"), (AUTHORIZATIONS, "GET, HEAD"), (ONE, "DELETE, GET, HEAD"), (SCOPE, "DELETE")],
)
async def test_other_methods_are_refused_with_those_that_are_allowed(sam: Person, path: str, allowed: str) -> None:
    for method in {"POST", "PUT", "PATCH", "OPTIONS", "DELETE", "PROPFIND"} - set(allowed.split(", ")):
        answer = await sam.browser.request(method, path, headers=sam.headers | ELSEWHERE)
        assert_problem(answer, 405, "method-not-allowed")
        assert answer.headers["allow"] == allowed


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("limit=0", "limit"),
        ("limit=101", "limit"),
        ("limit=-1", "limit"),
        ("limit=x", "limit"),
        ("limit=", "limit"),
        ("limit=" + "9" * 5000, "limit"),
        ("limit=1e1", "limit"),
        ("cursor=", "cursor"),
        ("cursor=x", "cursor"),
        ("cursor=%00", "cursor"),
        ("cursor=%ff", "cursor"),
        ("cursor=" + "A" * 5000, "cursor"),
        ("cursor=AAAAAAAAAAAAAAAAAAAAAB", "cursor"),
        ("cursor=" + "\u00e4" * 22, "cursor"),
    ],
)
async def test_a_wrong_parameter_is_named(sam: Person, query: str, field: str) -> None:
    answer = await sam.browser.get(f"{AUTHORIZATIONS}?{query}", headers=HERE)
    assert_problem(answer, 400, "invalid-request")
    [error] = answer.json()["errors"]
    assert error["field"] == field
    assert error["detail"]


async def test_pages_follow_their_links_to_the_end_without_gap_or_repetition(site: Service, sam: Person) -> None:
    names = [f"paged-{number}" for number in range(5)]
    for name in names:
        await site.application(name)
        await obtain_code(sam.browser, name, "sam")
        site.clock.forward(1)
    path, seen, pages = f"{AUTHORIZATIONS}?limit=2", [], 0
    while path:
        answer = await sam.browser.get(path, headers=HERE)
        items = answer.json()["items"]
        seen += [item["application"]["client_id"] for item in items]
        pages += 1
        link = answer.headers.get("link", "")
        found = re.fullmatch(rf'<{ISSUER}({AUTHORIZATIONS}\?limit=2&cursor=[\w-]+)>; rel="next"', link)
        assert bool(found) == bool(link)
        path = found[1] if found else ""
        if pages == 1:  # what ends or begins meanwhile shifts nothing
            assert (await sam.delete(f"{AUTHORIZATIONS}/{items[-1]['id']}")).status_code == 204
            await obtain_code(sam.browser, "web", "sam")
    assert (seen, pages) == (names[::-1], 3)


async def test_exactly_one_full_page_has_no_next(sam: Person) -> None:
    await obtain_code(sam.browser, "web", "sam")
    answer = await sam.browser.get(f"{AUTHORIZATIONS}?limit=1", headers=HERE)
    assert len(answer.json()["items"]) == 1
    assert "link" not in answer.headers


@given(st.uuids())
def test_a_cursor_is_read_as_it_was_made(item: Any) -> None:
    assert read_cursor(cursor_of(item)) == item


@given(st.text(max_size=30))
def test_no_other_text_is_a_cursor(text: str) -> None:
    item = read_cursor(text)
    assert item is None or cursor_of(item) == text


async def faulty() -> None:
    """Break, as only a fault of ours can."""
    raise KeyError("fault")


async def away() -> None:
    """Find the database away."""
    raise StoreUnavailable("away")


@pytest.mark.parametrize(("endpoint", "status", "kind"), [(away, 503, "unavailable"), (faulty, 500, "broken")])
async def test_a_fault_of_ours_is_a_problem_as_well(
    site: Service, endpoint: Callable[[], Awaitable[None]], status: int, kind: str
) -> None:
    router, pages = api_router(), FastAPI()
    router.add_api_route("/fails", endpoint)
    pages.include_router(router)
    pages.state.server = site.server
    transport = httpx.ASGITransport(Requests(pages), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url=ISSUER) as browser:
        answer = await browser.get("/api/v1/fails")
    assert_problem(answer, status, kind)
    assert "fault" not in answer.json()["detail"]
    assert answer.headers.get("retry-after") == ("2" if kind == "unavailable" else None)


async def test_every_error_in_the_document_has_an_example_of_the_one_shape(browser: httpx.AsyncClient) -> None:
    described = (await browser.get("/openapi.json")).json()
    own = {path: item for path, item in described["paths"].items() if path.startswith("/api/v1")}
    operations = [(path, method) for path, item in own.items() for method in item]
    assert {*ROUTES} <= {
        (method.upper(), path.replace("{id}", NOBODYS).replace("{scope}", "org:read")) for path, method in operations
    }
    for path, method in operations:
        operation = own[path][method]
        for status, response in operation["responses"].items():
            if int(status) < 400:
                continue
            [media_type] = response["content"]
            assert media_type == PROBLEM
            content = response["content"][media_type]
            assert content["schema"] == {"$ref": "#/components/schemas/ProblemDetails"}
            for kind, example in content["examples"].items():
                assert ProblemDetails.model_validate(example["value"]).type.endswith(f"#problem-{kind}")
    assert "HTTPValidationError" not in described["components"]["schemas"]


@pytest.mark.parametrize("model", [AuthorizationAnswer, AuthorizationList, AuthorizationSummary, SessionAnswer])
async def test_the_examples_of_the_document_are_answers(browser: httpx.AsyncClient, model: type[BaseModel]) -> None:
    schema = (await browser.get("/openapi.json")).json()["components"]["schemas"][model.__name__]
    for example in schema["examples"]:
        model.model_validate(example, extra="forbid")
