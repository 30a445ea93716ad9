"""Attacks on assurance levels: ways around the sign-in that a permission needs."""

import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from app.models.user import User
from app.store.database import Database
from tests.support.api_person import assert_problem, enter
from tests.support.credentials import bearer, change
from tests.support.delegation import ACCESS_TOKEN, EXCHANGE, MACHINE
from tests.support.membership import found, join
from tests.support.request_objects import content_of, query_of
from tests.support.service import (
    PASSWORD,
    SECRET,
    Service,
    authorize_url,
    fields_of,
    follow,
    obtain_code,
    redeem,
    service,
)
from tests.support.signing import keep_keys

ORGANIZATIONS, TOKENS, DESK = "/api/v1/organizations", "/api/v1/tokens", "/account/tokens"
FRESH, USUAL = "urn:example:fresh", "urn:assent:acr:password"
SETTINGS: dict[str, Any] = {
    "assurance": {FRESH: {"max_age": 300}, USUAL: {}},
    "scopes": {
        "health:read": {"description": "See your health", "acr": FRESH},
        "org:read": {"description": "See organizations", "acr": FRESH},
        "project:read": {"description": "See projects"},
    },
    "roles": {"owner": ["org:read", "project:read"]},
    "token_exchange": {
        "gateway": {"clients": ["gateway"], "subject_clients": ["web"], "maps": {"project:read": ["org:read"]}}
    },
    "claims": {"blood_type": {"scopes": ["health:read"]}, "shoe_size": {"scopes": ["health:read", "project:read"]}},
}


@pytest.fixture(scope="module")
async def site(database: Database) -> AsyncIterator[Service]:
    async with service(database, **SETTINGS) as running:
        await keep_keys(running.server)
        robin = await running.user("robin")
        await change(running, User, robin, claims={"blood_type": "0", "shoe_size": 44})
        northquay = await found(running.database, "northquay", running.clock())
        await join(running.database, northquay, robin, "owner", running.clock())
        await running.application("web")
        await running.application("gateway", **MACHINE, grant_types=(EXCHANGE,))
        yield running


def asking(*names: str, where: str = "userinfo") -> str:
    return json.dumps({where: dict.fromkeys(names)})


async def tokens(browser: httpx.AsyncClient, scope: str, **asked: Any) -> dict[str, Any]:
    code = await obtain_code(browser, "web", "robin", scope=scope, **asked)
    answer: dict[str, Any] = (await redeem(browser, "web", code)).json()
    return answer


@pytest.mark.spec("standards", "UA-2")
@pytest.mark.spec("standards", "OC-11")
@pytest.mark.parametrize("where", ["userinfo", "id_token"])
async def test_a_claim_that_a_level_guards_cannot_be_had_by_its_name(
    site: Service, browser: httpx.AsyncClient, where: str
) -> None:
    await tokens(browser, "openid", claims=asking("blood_type", where=where))
    site.clock.forward(301)
    named = authorize_url("web", scope="openid", claims=asking("blood_type", where=where), prompt="none")
    assert query_of(await browser.get(named))["error"] == "login_required"
    page = await follow(browser, await browser.get(authorize_url("web", scope="openid", claims=asking("blood_type"))))
    assert 'id="login-submit"' in page.text
    other = authorize_url("web", scope="openid project:read", claims=asking("shoe_size", "nickname"))
    assert "login-submit" not in (await follow(browser, await browser.get(other))).text


@pytest.mark.spec("standards", "UA-1")
async def test_nor_is_it_told_once_the_sign_in_is_too_old(site: Service, browser: httpx.AsyncClient) -> None:
    token = await tokens(browser, "openid", claims=asking("blood_type"))
    shown = bearer(token["access_token"])
    assert (await browser.get("/oauth/userinfo", headers=shown)).json()["blood_type"] == "0"
    site.clock.forward(301)
    refused = await browser.get("/oauth/userinfo", headers=shown)
    assert (refused.status_code, refused.json()["error"]) == (401, "insufficient_user_authentication")
    assert f'acr_values="{FRESH}", max_age="300"' in refused.headers["www-authenticate"]


@pytest.mark.spec("standards", "UA-1")
@pytest.mark.parametrize("scope", ["openid", "openid health:read"], ids=["by_its_name", "with_its_scope"])
async def test_renewing_tells_nothing_in_the_id_token_that_the_sign_in_is_too_old_for(
    site: Service, browser: httpx.AsyncClient, scope: str
) -> None:
    first = await tokens(browser, scope, claims=asking("blood_type", "preferred_username", where="id_token"))
    assert content_of(first["id_token"])["blood_type"] == "0"
    form = {"grant_type": "refresh_token", "refresh_token": first["refresh_token"]}
    site.clock.forward(301)
    renewed = (await browser.post("/oauth/token", data=form, auth=("web", SECRET))).json()
    said = content_of(renewed["id_token"])
    assert ("blood_type" in said, said["preferred_username"]) == (False, "robin")


@pytest.mark.spec("standards", "UA-1")
@pytest.mark.spec("standards", "TX-6")
async def test_exchanging_a_token_makes_no_sign_in_younger_and_no_scope_easier_to_have(
    site: Service, browser: httpx.AsyncClient
) -> None:
    async def exchanged() -> dict[str, Any]:
        form = {"grant_type": EXCHANGE, "subject_token": first["access_token"], "subject_token_type": ACCESS_TOKEN}
        answer: dict[str, Any] = (await browser.post("/oauth/token", data=form, auth=("gateway", SECRET))).json()
        return answer

    first = await tokens(browser, "project:read")
    young = await exchanged()
    assert young["scope"] == "project:read org:read"
    assert (await browser.get(ORGANIZATIONS, headers=bearer(young["access_token"]))).status_code == 200
    site.clock.forward(301)
    for token in (young, await exchanged()):
        refused = await browser.get(ORGANIZATIONS, headers=bearer(token["access_token"]))
        assert (refused.status_code, FRESH in refused.headers["www-authenticate"]) == (401, True)


@pytest.mark.spec("standards", "UA-2")
async def test_nobody_makes_himself_a_token_that_is_never_asked_for_the_sign_in(
    site: Service, browser: httpx.AsyncClient
) -> None:
    robin = await enter(browser, "robin")

    async def make(*scopes: str) -> httpx.Response:
        return await browser.post(TOKENS, json={"name": "script", "scopes": scopes}, headers=robin.headers)

    site.clock.forward(301)
    assert_problem(await make("org:read", "project:read"), 403, "login-too-old")
    assert (await make("project:read")).status_code == 201
    page = await browser.get(DESK)
    ticked = {**fields_of(page), "name": "script", "ends": str(90 * 86_400), "scope": "org:read"}
    sent = await browser.post(DESK, data=ticked)
    assert (sent.status_code, sent.headers["location"].startswith("/login?")) == (303, True), sent.text
    page = await follow(browser, sent)
    await browser.post("/login", data={**fields_of(page), "password": PASSWORD})
    assert (await make("org:read")).status_code == 201
    made = await browser.post(DESK, data={**ticked, **fields_of(await browser.get(DESK))})
    assert 'id="secret"' in made.text
