"""Userinfo: whom nothing is told, and what people and operators have ended (standards A6)."""

import json

import httpx
import pytest

from app.models import Application
from app.models.user import User
from app.store import records
from tests.store.scene import entry
from tests.support.credentials import api_key, bearer, change, personal_token
from tests.support.membership import found
from tests.support.service import ISSUER, SECRET, Service
from tests.support.userinfo import (
    PATH,
    id_of,
    record_of,
    refused,
    take_away,
    token_of,
    tokens_of,
    told,
)
from tests.support.userinfo import browser as browser
from tests.support.userinfo import site as site


@pytest.mark.spec("standards", "UI-2")
@pytest.mark.spec("standards", "BR-3")
async def test_without_a_token_there_is_a_bare_challenge(browser: httpx.AsyncClient) -> None:
    for answer in (await browser.get(PATH), await browser.post(PATH), await browser.post(PATH, data={"token": "x"})):
        assert (answer.status_code, answer.content) == (401, b"")
        assert answer.headers["www-authenticate"] == (
            f'Bearer realm="{ISSUER}", resource_metadata="{ISSUER}/.well-known/oauth-protected-resource/oauth/userinfo"'
        )


@pytest.mark.spec("standards", "UI-1")
@pytest.mark.spec("standards", "BR-2")
async def test_a_token_is_sent_once_and_never_in_the_url(site: Service, browser: httpx.AsyncClient) -> None:
    token = await token_of(site)
    twice = {"access_token": token}
    for answer in (
        await browser.get(PATH, params=twice),
        await browser.get(PATH, params=twice, headers=bearer(token)),
        await browser.post(PATH, params=twice, data=twice),
        await browser.post(PATH, data=twice, headers=bearer(token)),
        await browser.get(PATH, headers={"Authorization": f"Basic {token}"}),
        await browser.get(PATH, headers={"Authorization": "Bearer"}),
    ):
        refused(answer, 400, "invalid_request")
        assert token not in answer.text
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = await browser.post(PATH, content=f"access_token={token}&access_token={token}", headers=form)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


@pytest.mark.spec("standards", "UI-2")
@pytest.mark.spec("standards", "BR-4")
async def test_a_token_without_a_login_is_not_enough(site: Service, browser: httpx.AsyncClient) -> None:
    machine = await browser.post("/oauth/token", data={"grant_type": "client_credentials"}, auth=("robot", SECRET))
    for token in (await token_of(site, scope="project:read"), machine.json()["access_token"]):
        answer = await browser.get(PATH, headers=bearer(token))
        refused(answer, 403, "insufficient_scope")
        assert 'scope="openid"' in answer.headers["www-authenticate"]


@pytest.mark.spec("standards", "UI-2")
@pytest.mark.spec("standards", "ID-5")
async def test_what_is_no_access_token_of_a_login_is_invalid(site: Service, browser: httpx.AsyncClient) -> None:
    organization = await found(site.database, "tallow", site.clock())
    tokens = await tokens_of(site)
    for text in (
        "garbage",
        "a.b.c",
        tokens["access_token"][:-1] + "x",
        tokens["id_token"],
        tokens["refresh_token"],
        (await personal_token(site, await id_of(site, "ada"), "openid"))[1],
        (await api_key(site, organization, "org:read"))[1],
    ):
        refused(await browser.get(PATH, headers=bearer(text)), 401, "invalid_token")


@pytest.mark.spec("standards", "UI-10")
@pytest.mark.parametrize("ended", ["token", "family", "record", "person", "application", "scope", "time"])
async def test_what_was_ended_is_told_nobody_any_more(site: Service, browser: httpx.AsyncClient, ended: str) -> None:
    username, client_id = f"ends-{ended}", f"ends-{ended}"
    user_id, application_id = await site.user(username), await site.application(client_id)
    tokens = await tokens_of(site, username, client_id, scope="openid email")
    assert (await told(browser, tokens["access_token"]))["email"] == f"{username}@example.com"
    status, error = 401, "invalid_token"
    match ended:
        case "token" | "family":
            text = tokens["access_token" if ended == "token" else "refresh_token"]
            await browser.post("/oauth/revoke", data={"token": text}, auth=(client_id, SECRET))
        case "record":
            await records.revoke(
                site.database, await record_of(site, user_id), site.clock(), entry("authorization.revoked")
            )
        case "person":
            await change(site, User, user_id, disabled_at=site.clock(), epoch=1)
        case "application":
            await change(site, Application, application_id, status="inactive", epoch=1)
        case "scope":
            await take_away(site, user_id, "openid")
            status, error = 403, "insufficient_scope"
        case _:
            site.clock.forward(3601)
    refused(await browser.get(PATH, headers=bearer(tokens["access_token"])), status, error)


@pytest.mark.spec("standards", "UI-6")
async def test_a_claim_that_was_taken_away_stays_away_from_older_tokens(
    site: Service, browser: httpx.AsyncClient
) -> None:
    user_id = await site.user("taker")
    claims = json.dumps({"userinfo": {"email": None}})
    older = await token_of(site, "taker", claims=claims)
    assert "email" in await told(browser, older)
    await take_away(site, user_id, "claim:email")
    assert (await told(browser, older)).keys() == {"sub"}
    newer = await token_of(site, "taker", claims=claims)
    assert "email" in await told(browser, newer)
    assert (await told(browser, older)).keys() == {"sub"}
