"""Credentials of an imported system go on working, until their end or until somebody takes them away."""

import asyncio
from typing import Any
from uuid import UUID

import httpx
import pytest

from app.protocol.scopes import DEFAULT, ScopeRegistry
from app.services.legacy_import import Importer
from app.services.legacy_import.files import FileSource
from app.services.operator import Operator
from app.store import records, users
from tests.support.service import KEYS, SECRET, Service, answer_of, authorize_url, decide, fields_of, follow, sign_in

OLD_SECRET = "5e" * 32
TOKEN, REFRESH, PERSONAL, KEY = "a0" * 32, "b0" * 32, "d0" * 32, "e0" * 16
CLIENT_ID = "c1" * 32
REDIRECT = "https://marmot.example/cb"
ROWS: dict[str, list[dict[str, Any]]] = {
    "organizations": [{"id": 1, "slug": "northquay"}],
    "members": [{"organization": 1, "user": "robin", "role": "owner"}],
    "applications": [
        {"id": 3, "client_id": CLIENT_ID, "client_secret": OLD_SECRET, "owner": "robin", "redirect_uris": [REDIRECT]}
    ],
    "authorizations": [{"application": 3, "user": "robin", "scopes": 1 | 1 << 10}],
    "tokens": [
        {"application": 3, "user": "robin", "token": TOKEN, "refresh_token": REFRESH, "scopes": 1},
        {"user": "robin", "token": PERSONAL, "scope_list": ["event:read"]},
    ],
    "keys": [{"organization": 1, "label": "Deploys", "key": KEY, "scopes": 1 << 10}],
}


@pytest.fixture(autouse=True)
async def imported(site: Service) -> None:
    """The old system has been imported; the first test does it, the others find it so."""
    registry = ScopeRegistry(DEFAULT)
    importer = Importer(
        *(site.database, FileSource(ROWS), registry, site.server.roles, site.server.policy.lifetimes),
        key_version=KEYS.current,
        operator=Operator("import", site.clock()),
    )
    report = await importer.run()
    assert report.refusals == []


async def introspected(browser: httpx.AsyncClient, token: str) -> dict[str, Any]:
    """Ask as another application of ours."""
    answer = await browser.post("/oauth/introspect", data={"token": token}, auth=("web", SECRET))
    assert answer.status_code == 200, answer.text
    content: dict[str, Any] = answer.json()
    return content


async def refreshed(browser: httpx.AsyncClient, token: str) -> httpx.Response:
    """Refresh as the old client does: everything in the form, no PKCE, no header."""
    form = {"grant_type": "refresh_token", "refresh_token": token, "client_id": CLIENT_ID, "client_secret": OLD_SECRET}
    return await browser.post("/oauth/token", data=form)


async def record_of(site: Service) -> records.Record:
    """Return robin's record for the imported application."""
    robin = await users.find_for_sign_in(site.database, "robin")
    assert robin is not None
    [record] = [one for one in await records.list_for_user(site.database, robin.id) if one.client_id == CLIENT_ID]
    return record


@pytest.mark.parametrize(
    ("token", "scope"),
    [(TOKEN, "project:read"), (PERSONAL, "event:read"), (KEY, "org:read")],
    ids=["access-token", "personal-token", "key"],
)
async def test_an_imported_credential_is_introspected_like_one_of_ours(
    browser: httpx.AsyncClient, token: str, scope: str
) -> None:
    answer = await introspected(browser, token)
    assert (answer["active"], answer["scope"]) == (True, scope)


@pytest.mark.parametrize("token", [TOKEN, PERSONAL, KEY], ids=["access-token", "personal-token", "key"])
async def test_an_imported_credential_opens_the_api_as_before(browser: httpx.AsyncClient, token: str) -> None:
    answer = await browser.get("/api/v1/", headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 200, answer.text
    assert answer.json()["auth"]["scopes"]


async def test_an_imported_key_is_still_a_user_name(browser: httpx.AsyncClient) -> None:
    answer = await browser.get("/api/v1/organizations/northquay", auth=(KEY, ""))
    assert answer.status_code == 200, answer.text
    assert (await browser.get("/api/v1/organizations/elsewhere", auth=(KEY, ""))).status_code == 404


async def test_strings_that_only_look_old_are_unknown(browser: httpx.AsyncClient) -> None:
    assert await introspected(browser, "f" * 64) == {"active": False}
    assert (await browser.get("/api/v1/", headers={"Authorization": f"Bearer {'f' * 64}"})).status_code == 401
    assert (await refreshed(browser, "f" * 64)).json()["error"] == "invalid_grant"


async def test_a_refresh_token_is_not_an_access_token(browser: httpx.AsyncClient) -> None:
    assert (await introspected(browser, REFRESH))["active"] is False
    assert (await browser.get("/api/v1/", headers={"Authorization": f"Bearer {REFRESH}"})).status_code == 401


async def test_an_imported_refresh_token_becomes_a_pair_of_ours_and_its_reuse_is_an_alarm(
    site: Service, browser: httpx.AsyncClient
) -> None:
    first, second = await asyncio.gather(refreshed(browser, REFRESH), refreshed(browser, REFRESH))
    assert first.status_code == second.status_code == 200, first.text
    successor = first.json()["refresh_token"]
    assert second.json()["refresh_token"] == successor
    assert first.json()["scope"] == "project:read"
    again = await refreshed(browser, successor)
    assert again.status_code == 200
    site.clock.forward(31)
    assert (await refreshed(browser, REFRESH)).json()["error"] == "invalid_grant"
    assert (await refreshed(browser, again.json()["refresh_token"])).json()["error"] == "invalid_grant"


@pytest.mark.spec("original", "N17")
@pytest.mark.spec("original", "BUG 9")
async def test_bug_9_a_new_consent_keeps_what_the_mask_said(site: Service, browser: httpx.AsyncClient) -> None:
    url = authorize_url(CLIENT_ID, redirect_uri=REDIRECT, scope="team:read", code_challenge=None)
    url = url.replace("&code_challenge_method=S256", "")
    login = await follow(browser, await browser.get(url))
    page = await follow(browser, await sign_in(browser, "robin", login))
    assert "code" in answer_of(await decide(browser, page))
    assert [held.pair for held in (await record_of(site)).pairs] == ["project:read", "org:read", "team:read"]


async def test_its_client_ends_an_imported_token(browser: httpx.AsyncClient) -> None:
    form = {"token": TOKEN, "client_id": CLIENT_ID, "client_secret": OLD_SECRET}
    assert (await browser.post("/oauth/revoke", data=form)).status_code == 200
    assert await introspected(browser, TOKEN) == {"active": False}


async def test_disconnecting_ends_what_was_imported(site: Service, browser: httpx.AsyncClient) -> None:
    await sign_in(browser, "robin")
    record = await record_of(site)
    page = await browser.get(f"/account/applications/{record.id}/disconnect")
    await browser.post(f"/account/applications/{record.id}/disconnect", data=fields_of(page))
    assert await introspected(browser, TOKEN) == {"active": False}
    assert (await refreshed(browser, REFRESH)).json()["error"] == "invalid_grant"
    assert (await introspected(browser, PERSONAL))["active"] is True


async def test_an_id_of_the_database_is_no_way_around_the_old_string(site: Service) -> None:
    digest = bytes(32)
    assert await site.database.hot.find_legacy(digest) is None
    _, fact, origins = await site.database.hot.gather_legacy_token(None, UUID(int=0))
    assert (fact, origins) == (None, ())
