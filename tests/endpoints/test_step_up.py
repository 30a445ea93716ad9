"""Step-up, end to end (RFC 9470): an API asks for another sign-in, and its client comes back with a better token."""

import json
import re
from collections.abc import AsyncIterator
from html import unescape
from typing import Any

import httpx
import pytest

from app.models.user import User
from app.store.database import Database
from tests.support import devices as flow
from tests.support.credentials import bearer, change
from tests.support.membership import found, join
from tests.support.request_objects import content_of, query_of
from tests.support.service import (
    PASSWORD,
    SECRET,
    Service,
    answer_of,
    authorize_url,
    decide,
    fields_of,
    follow,
    obtain_code,
    redeem,
    service,
    sign_in,
)
from tests.support.signing import keep_keys

FRESH, USUAL = "urn:example:fresh", "urn:assent:acr:password"
API = "/api/v1/organizations"
INSIDE = f"{API}/northquay"
SETTINGS: dict[str, Any] = {
    "assurance": {FRESH: {"max_age": 300}, USUAL: {}},
    "scopes": {
        "org:admin": {"description": "Manage organizations", "acr": FRESH},
        "org:read": {"description": "See organizations"},
        "health:read": {"description": "See your health", "acr": FRESH},
        "project:read": {"description": "See projects"},
    },
    "roles": {
        "member": ["project:read"],
        "boss": ["org:admin"],
        "owner": ["org:admin", "org:read", "health:read", "project:read"],
    },
    "lifetimes": {"device_code": 1800},
    "claims": {"blood_type": {"scopes": ["health:read"]}},
    "resources": {"https://ledger.example": {"token_format": "jwt", "scopes": ["project:read", "org:admin"]}},
}
CHALLENGE = 'error="insufficient_user_authentication", error_description="'


@pytest.fixture(scope="module")
async def site(database: Database) -> AsyncIterator[Service]:
    """A server whose permission to manage needs a sign-in of the last five minutes."""
    async with service(database, **SETTINGS) as running:
        await keep_keys(running.server)
        robin = await running.user("robin")
        await change(running, User, robin, claims={"blood_type": "0"})
        northquay = await found(running.database, "northquay", running.clock())
        await join(running.database, northquay, robin, "owner", running.clock())
        for name, role in (("sam", "boss"), ("fern", "member")):
            await join(running.database, northquay, await running.user(name), role, running.clock())
        await running.application("web")
        await running.application("tv", grant_types=(flow.GRANT_TYPE,), redirect_uris=())
        yield running


async def tokens(browser: httpx.AsyncClient, scope: str, username: str = "robin", **asked: Any) -> dict[str, Any]:
    """Walk through whatever pages are shown, and return the token answer."""
    code = await obtain_code(browser, "web", username, scope=scope, **asked)
    answer: dict[str, Any] = (await redeem(browser, "web", code)).json()
    return answer


async def confirmed(browser: httpx.AsyncClient, page: httpx.Response) -> httpx.Response:
    """Confirm who one is on the sign-in page, and go on."""
    assert 'id="login-submit"' in page.text, page.text
    return await follow(browser, await browser.post("/login", data={**fields_of(page), "password": PASSWORD}))


async def called(browser: httpx.AsyncClient, token: dict[str, Any], path: str = API) -> httpx.Response:
    return await browser.get(path, headers=bearer(token["access_token"]))


@pytest.mark.spec("standards", "UA-1")
@pytest.mark.spec("standards", "OC-8")
async def test_whoever_is_challenged_signs_in_again_and_is_let_in(site: Service, browser: httpx.AsyncClient) -> None:
    first = await tokens(browser, "org:admin")
    assert (await called(browser, first)).status_code == 200
    site.clock.forward(301)
    refused = await called(browser, first)
    assert refused.status_code == 401
    assert refused.json()["type"].endswith("#problem-sign-in-not-enough")
    challenge = refused.headers["www-authenticate"]
    assert CHALLENGE in challenge
    told = dict(re.findall(r'(acr_values|max_age)="([^"]*)"', challenge))
    assert told == {"acr_values": FRESH, "max_age": "300"}
    page = await follow(browser, await browser.get(authorize_url("web", scope="org:admin", **told)))
    code = answer_of(await confirmed(browser, page))["code"]
    second = (await redeem(browser, "web", code)).json()
    assert (await called(browser, second)).status_code == 200
    assert (await called(browser, second, INSIDE)).status_code == 200
    assert (await called(browser, first)).status_code == 401, "a token is what its own sign-in was worth"


@pytest.mark.spec("standards", "AT-5")
@pytest.mark.spec("standards", "UA-3")
async def test_refreshing_makes_no_sign_in_younger(site: Service, browser: httpx.AsyncClient) -> None:
    first = await tokens(browser, "openid org:admin")
    was = content_of(first["id_token"])
    assert was["acr"] == FRESH
    site.clock.forward(301)
    form = {"grant_type": "refresh_token", "refresh_token": first["refresh_token"]}
    renewed = (await browser.post("/oauth/token", data=form, auth=("web", SECRET))).json()
    now = content_of(renewed["id_token"])
    assert (now["acr"], now["auth_time"]) == (was["acr"], was["auth_time"])
    assert (await called(browser, renewed)).status_code == 401
    described = await browser.post("/oauth/introspect", data={"token": renewed["access_token"]}, auth=("web", SECRET))
    assert (described.json()["acr"], described.json()["auth_time"]) == (was["acr"], was["auth_time"])


@pytest.mark.spec("standards", "UA-3")
async def test_a_token_that_an_api_reads_tells_of_its_sign_in(site: Service, browser: httpx.AsyncClient) -> None:
    token = await tokens(browser, "org:admin", resource="https://ledger.example")
    said = content_of(token["access_token"])
    assert (said["acr"], said["auth_time"]) == (FRESH, int(site.clock().timestamp()))


async def test_what_another_scope_opens_needs_no_sign_in(site: Service, browser: httpx.AsyncClient) -> None:
    both = await tokens(browser, "org:admin org:read")
    site.clock.forward(301)
    assert (await called(browser, both)).status_code == 200
    answer = await browser.delete(INSIDE, headers=bearer(both["access_token"]))
    assert (answer.status_code, CHALLENGE in answer.headers["www-authenticate"]) == (401, True)
    me = await called(browser, both, "/api/v1/me")
    assert me.json()["scopes"] == ["org:admin", "org:read"]


@pytest.mark.parametrize(
    ("username", "status", "error"),
    [("sam", 401, "insufficient_user_authentication"), ("fern", 403, "insufficient_scope")],
    ids=["his_role_allows_it", "his_role_does_not"],
)
async def test_whoever_could_do_it_after_a_sign_in_is_challenged_and_nobody_else(
    site: Service, browser: httpx.AsyncClient, username: str, status: int, error: str
) -> None:
    token = await tokens(browser, "org:admin org:read", username)
    site.clock.forward(301)
    answer = await called(browser, token, INSIDE)
    assert (answer.status_code, f'error="{error}"' in answer.headers["www-authenticate"]) == (status, True)


@pytest.mark.spec("standards", "UA-2")
@pytest.mark.spec("standards", "OC-11")
async def test_a_permission_that_needs_a_level_is_asked_for_with_a_sign_in(
    site: Service, browser: httpx.AsyncClient
) -> None:
    await tokens(browser, "project:read")
    site.clock.forward(301)
    assert (await tokens(browser, "project:read")).keys() >= {"access_token"}
    silent = query_of(await browser.get(authorize_url("web", scope="org:admin", prompt="none")))
    assert silent["error"] == "login_required"
    page = await follow(browser, await browser.get(authorize_url("web", scope="org:admin", prompt="consent")))
    page = await confirmed(browser, page)
    site.clock.forward(301)  # a question that was read slowly needs no third sign-in
    answer = answer_of(await decide(browser, page))
    token = (await redeem(browser, "web", answer["code"])).json()
    described = await browser.post("/oauth/introspect", data={"token": token["access_token"]}, auth=("web", SECRET))
    assert described.json()["acr"] == FRESH


@pytest.mark.spec("standards", "OC-10")
@pytest.mark.spec("standards", "OC-11")
@pytest.mark.parametrize(
    ("asked", "error"),
    [
        ({"acr_values": "urn:gold", "scope": "openid"}, None),
        ({"acr_values": "urn:gold"}, "unmet_authentication_requirements"),
        (
            {"claims": json.dumps({"id_token": {"acr": {"essential": True, "value": "urn:gold"}}}), "scope": "openid"},
            "unmet_authentication_requirements",
        ),
    ],
    ids=["preferred", "required", "essential"],
)
async def test_what_nobody_can_reach_is_told_at_once(
    browser: httpx.AsyncClient, asked: dict[str, str], error: str | None
) -> None:
    await sign_in(browser, "robin")
    answer = await follow(browser, await browser.get(authorize_url("web", **asked)))
    if error is None:
        assert answer.status_code == 200 or "code" in query_of(answer)
    else:
        assert query_of(answer)["error"] == error


@pytest.mark.spec("standards", "UA-2")
async def test_a_device_gets_such_a_permission_from_somebody_who_signs_in_again(
    site: Service, browser: httpx.AsyncClient
) -> None:
    async with site.browser() as device:
        begun = (await flow.begin(device, "tv", scope="org:admin")).json()
        await sign_in(browser, "robin")
        site.clock.forward(301)
        page = await follow(browser, await flow.type_code(browser, begun["user_code"]))
        page = await confirmed(browser, page)
        assert f'value="{begun["user_code"]}"' in unescape(page.text)
        question = await flow.question(browser, begun["user_code"])
        site.clock.forward(301)
        late = await follow(browser, await flow.answer(browser, question))
        page = await confirmed(browser, late)
        await flow.answer(browser, await flow.question(browser, begun["user_code"]))
        token = (await flow.poll(device, "tv", begun["device_code"])).json()
        assert (await called(browser, token)).status_code == 200


@pytest.mark.spec("standards", "UA-1")
async def test_userinfo_tells_what_needs_a_level_while_the_sign_in_is_recent(
    site: Service, browser: httpx.AsyncClient
) -> None:
    token = await tokens(browser, "openid health:read")
    assert (await called(browser, token, "/oauth/userinfo")).json()["blood_type"] == "0"
    site.clock.forward(301)
    refused = await called(browser, token, "/oauth/userinfo")
    assert refused.status_code == 401
    assert refused.json()["error"] == "insufficient_user_authentication"
    assert f'acr_values="{FRESH}", max_age="300"' in refused.headers["www-authenticate"]
    plain = await tokens(browser, "openid project:read")
    assert (await called(browser, plain, "/oauth/userinfo")).status_code == 200


@pytest.mark.spec("standards", "UA-4")
async def test_the_levels_are_published(browser: httpx.AsyncClient) -> None:
    document = (await browser.get("/.well-known/oauth-authorization-server")).json()
    assert document["acr_values_supported"] == [FRESH, USUAL]
