"""`/api/v1/tokens`: what is refused, to whom, and with which words."""

from typing import Any

import pytest
from pydantic import BaseModel

from app.routers.api.token_models import MadeToken, NewToken, TokenAnswer, TokenChanges, TokenList
from tests.support.api_person import NOBODYS, Person, assert_problem, enter
from tests.support.api_tokens import TOKENS as PATH
from tests.support.api_tokens import WANTED, errors_of, made, make, rename
from tests.support.api_tokens import robin as robin
from tests.support.api_tokens import sam as sam
from tests.support.api_tokens import site as site
from tests.support.service import Service, obtain_code, redeem

DAY = 86_400


@pytest.mark.spec("original", "R02")
@pytest.mark.parametrize("scopes", [None, [], "event:read", {}, [1], [["event:read"]], [None]], ids=repr)
async def test_a_token_without_a_list_of_scopes_is_refused(robin: Person, scopes: Any) -> None:
    body = WANTED | {"scopes": scopes} if scopes is not None else {"name": "x"}
    answer = await robin.browser.post(PATH, json=body, headers=robin.headers)
    assert [field.partition(".")[0] for field in errors_of(answer)] == ["scopes"]


async def test_each_refused_scope_is_named_with_its_reason(robin: Person) -> None:
    scopes = ["event:read", "foo:bar", "openid", "offline_access", "org:admin"]
    errors = errors_of(await make(robin, scopes=scopes))
    assert errors == {
        "scopes.1": "foo:bar: is no scope of this server",
        "scopes.2": "openid: is for signing in to applications, and no personal token holds it",
        "scopes.3": "offline_access: is for signing in to applications, and no personal token holds it",
        "scopes.4": "org:admin: is more than your roles allow you in any of your organizations",
    }
    assert (await robin.get(PATH))["items"] == []


@pytest.mark.spec("original", "BUG 20")
async def test_bug_20_nobody_gives_a_token_more_than_his_roles_allow(site: Service, robin: Person, sam: Person) -> None:
    assert errors_of(await make(sam, scopes=["project:read", "project:write"])).keys() == {"scopes.1"}
    assert (await make(robin, scopes=["project:read", "project:write"])).status_code == 201
    async with site.browser() as browser:
        ada = await enter(browser, "ada")
        assert errors_of(await make(ada, scopes=["event:read"])).keys() == {"scopes.0"}


async def test_the_order_of_scopes_is_kept_and_duplicates_are_dropped(robin: Person) -> None:
    scopes = ["team:read", "event:read", "team:read", "org:read", "event:read"]
    assert (await made(robin, scopes=scopes))["scopes"] == ["team:read", "event:read", "org:read"]


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ({"expires_in": 59}, "expires_in"),
        ({"expires_in": 3650 * DAY + 1}, "expires_in"),
        ({"expires_in": 10**30}, "expires_in"),
        ({"expires_in": -1}, "expires_in"),
        ({"expires_in": "3600"}, "expires_in"),
        ({"expires_in": 3600.0}, "expires_in"),
        ({"expires_in": True}, "expires_in"),
        ({"expires_at": "2001-01-01T00:00:00Z"}, "expires_at"),
        ({"expires_at": "9999-12-31T23:59:59-23:59"}, "expires_at"),
        ({"expires_at": "0001-01-01T00:00:00+23:59"}, "expires_at"),
        ({"expires_at": "2027-01-01T00:00:00"}, "expires_at"),
        ({"expires_at": "2027-02-30T00:00:00Z"}, "expires_at"),
        ({"expires_at": "2027-01-01"}, "expires_at"),
        ({"expires_at": 1_900_000_000}, "expires_at"),
        ({"expires_at": "1900000000"}, "expires_at"),
        ({"never_expires": "yes"}, "never_expires"),
        ({"never_expires": 1}, "never_expires"),
        ({"never_expires": True, "expires_in": 3600}, "never_expires"),
        ({"expires_in": 3600, "expires_at": "2027-01-01T00:00:00Z"}, "expires_at"),
        ({"token": "x"}, "token"),
        ({"user_id": NOBODYS}, "user_id"),
    ],
    ids=repr,
)
async def test_an_end_that_is_none_is_refused_by_name(robin: Person, said: dict[str, Any], field: str) -> None:
    assert errors_of(await make(robin, **said)).keys() == {field}


@pytest.mark.parametrize("name", [None, "", " ", "x" * 65, "\u202e", "a\u200bb", 7, ["x"], {}], ids=ascii)
async def test_a_name_that_is_none_is_refused(robin: Person, name: Any) -> None:
    token = await made(robin)
    assert errors_of(await make(robin, name=name)).keys() == {"name"}
    assert errors_of(await rename(robin, token["id"], name)).keys() == {"name"}


async def test_a_name_is_kept_as_one_line(robin: Person) -> None:
    assert (await made(robin, name="  Nightly\n\texport  "))["name"] == "Nightly export"
    assert (await made(robin, name="\u00e4" * 64))["name"] == "\u00e4" * 64


@pytest.mark.parametrize("member", ["scopes", "expires_at", "never_expires", "last_four", "version"])
async def test_nothing_but_the_name_can_be_changed(robin: Person, member: str) -> None:
    token = await made(robin)
    body = {"name": "Laptop", member: ["org:read"]}
    answer = await robin.browser.patch(f"{PATH}/{token['id']}", json=body, headers=robin.headers)
    assert errors_of(answer).keys() == {member}
    assert (await robin.get(f"{PATH}/{token['id']}"))["name"] == token["name"]


@pytest.mark.spec("original", "N18")
async def test_credentials_of_every_kind_are_told_that_only_a_session_may(robin: Person) -> None:
    own = await made(robin)
    tokens = (await redeem(robin.browser, "web", await obtain_code(robin.browser, "web", "robin"))).json()
    await enter(robin.browser, "robin")
    kinds = (own["token"], tokens["access_token"], tokens["refresh_token"], "asak_x", "nonsense")
    headers = [f"Bearer {kind}" for kind in kinds] + ["Basic eDp5", f"Basic {own['token']}", "Negotiate x", ""]
    for header in headers:
        for method, path in (
            ("GET", PATH),
            ("POST", PATH),
            ("GET", f"{PATH}/{own['id']}"),
            ("PATCH", f"{PATH}/{own['id']}"),
            ("DELETE", f"{PATH}/{own['id']}"),
        ):
            answer = await robin.browser.request(
                method,
                path,
                json=WANTED if method in ("POST", "PATCH") else None,
                headers=robin.headers | {"Authorization": header},
            )
            assert_problem(answer, 403, "session-only")
    assert len((await robin.get(PATH))["items"]) == 1


async def test_whoever_signed_in_too_long_ago_reads_and_changes_nothing(site: Service, robin: Person) -> None:
    token = await made(robin)
    site.clock.forward(15 * 60 + 1)
    for answer in (
        await make(robin),
        await rename(robin, token["id"], "Laptop"),
        await robin.delete(f"{PATH}/{token['id']}"),
    ):
        assert_problem(answer, 403, "login-too-old")
    assert [item["name"] for item in (await robin.get(PATH))["items"]] == [token["name"]]


async def test_changes_from_elsewhere_or_without_the_token_of_the_browser_are_refused(robin: Person) -> None:
    elsewhere = await make(robin, {"Sec-Fetch-Site": "cross-site"})
    assert_problem(elsewhere, 403, "other-site")
    assert_problem(await make(robin, {"X-CSRF-Token": "x"}), 403, "csrf-token")
    assert (await robin.get(PATH))["items"] == []


@pytest.mark.parametrize(
    ("content_type", "body", "status", "kind"),
    [
        ("application/json", b"{", 400, "invalid-request"),
        ("application/json", b"\xff", 400, "invalid-request"),
        ("application/json", b'{"name": "\\ud800", "scopes": ["org:read"]}', 400, "invalid-request"),
        ("application/json", b'{"\\ud800": 1}', 400, "invalid-request"),
        ("application/json", b"[" * 100_000, 400, "invalid-request"),
        ("application/json", b'{"name": ' + b"1" * 5000 + b"}", 400, "invalid-request"),
        ("application/json", b"null", 400, "invalid-request"),
        ("application/json", b"[]", 400, "invalid-request"),
        ("application/json", b"", 400, "invalid-request"),
        ("application/json", b'"' + b"x" * 1_000_000 + b'"', 413, "too-large"),
        ("application/x-www-form-urlencoded", b"name=x&scopes=org:read", 415, "unsupported-media-type"),
        ("text/plain", b'{"name": "x", "scopes": ["org:read"]}', 415, "unsupported-media-type"),
        ("", b'{"name": "x", "scopes": ["org:read"]}', 415, "unsupported-media-type"),
    ],
    ids=range(13),
)
async def test_a_body_that_is_not_json_is_a_problem(
    robin: Person, content_type: str, body: bytes, status: int, kind: str
) -> None:
    answer = await robin.browser.post(PATH, content=body, headers=robin.headers | {"Content-Type": content_type})
    assert_problem(answer, status, kind)


@pytest.mark.parametrize("model", [MadeToken, NewToken, TokenAnswer, TokenChanges, TokenList])
async def test_the_examples_of_the_document_are_what_is_taken_and_told(robin: Person, model: type[BaseModel]) -> None:
    described = (await robin.browser.get("/openapi.json")).json()["components"]["schemas"][model.__name__]
    assert described["examples"]
    for example in described["examples"]:
        model.model_validate(example, extra="forbid")
