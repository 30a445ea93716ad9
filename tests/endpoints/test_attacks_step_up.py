"""Attacks on assurance levels: ways around the sign-in that a permission needs."""

import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from app.models.user import User
from app.store.database import Database
from tests.support.credentials import bearer, change
from tests.support.request_objects import content_of, query_of
from tests.support.service import SECRET, Service, authorize_url, follow, obtain_code, redeem, service
from tests.support.signing import keep_keys

FRESH, USUAL = "urn:example:fresh", "urn:assent:acr:password"
SETTINGS: dict[str, Any] = {
    "assurance": {FRESH: {"max_age": 300}, USUAL: {}},
    "scopes": {
        "health:read": {"description": "See your health", "acr": FRESH},
        "project:read": {"description": "See projects"},
    },
    "claims": {"blood_type": {"scopes": ["health:read"]}, "shoe_size": {"scopes": ["health:read", "project:read"]}},
}


@pytest.fixture(scope="module")
async def site(database: Database) -> AsyncIterator[Service]:
    async with service(database, **SETTINGS) as running:
        await keep_keys(running.server)
        robin = await running.user("robin")
        await change(running, User, robin, claims={"blood_type": "0", "shoe_size": 44})
        await running.application("web")
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
    asked = {"headers": bearer(token["access_token"])}
    assert (await browser.get("/oauth/userinfo", **asked)).json()["blood_type"] == "0"
    site.clock.forward(301)
    refused = await browser.get("/oauth/userinfo", **asked)
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
