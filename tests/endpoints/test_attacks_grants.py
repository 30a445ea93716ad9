"""Attacks on managed grants."""

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest
from sqlalchemy import text

from app.protocol.grant_management import QUERY_SCOPE, REVOKE_SCOPE
from tests.endpoints.test_grants import FILES, LEDGER, PATH, active, browser as browser, end, grant, look, own_token, program as program, site as site
from tests.support.credentials import bearer
from tests.support.service import SECRET, Service, authorize_url, decide, follow, obtain_code, redeem, sign_in


async def test_probe_audience(browser, program) -> None:
    g = await grant(browser)
    for r in (FILES, LEDGER):
        a = await program.post("/oauth/token", data={"grant_type":"client_credentials","scope":QUERY_SCOPE,"resource":r}, auth=("web",SECRET))
        print(r, a.status_code, a.text[:200])
        if a.status_code == 200:
            print((await look(program, g["grant_id"], a.json()["access_token"])).status_code)
    # token exchange of own machine token
    t = await own_token(program)
    print(t[:5])


async def test_probe_many(site, browser, program) -> None:
    for _ in range(15):
        g = await grant(browser)
    async with site.database.transaction() as tr:
        print((await tr.execute(text("select count(*) from \"authorization\" where revoked_at='infinity'"))).scalar_one())


async def test_probe_replace_race(site, browser, program) -> None:
    g = await grant(browser, scope="project:read")
    async def refresh(tok):
        r = await program.post("/oauth/token", data={"grant_type":"refresh_token","refresh_token":tok}, auth=("web",SECRET))
        return r
    page = await follow(browser, await browser.get(authorize_url("web", scope="project:read", grant_management_action="replace", grant_id=g["grant_id"])))
    async def many():
        return await asyncio.gather(*(refresh(g["refresh_token"]) for _ in range(10)))
    rs, d = await asyncio.gather(many(), decide(browser, page))
    alive = []
    for r in rs:
        if r.status_code == 200:
            j = r.json()
            alive.append((await active(program, j["access_token"]), (await refresh(j["refresh_token"])).status_code))
    print([r.status_code for r in rs], alive, d.status_code)


async def test_probe_paths(browser, program) -> None:
    g = await grant(browser)
    t = await own_token(program)
    for p in (g["grant_id"]+"/", g["grant_id"].upper(), "%2e%2e/"+g["grant_id"], g["grant_id"]+"%00", g["grant_id"]+"?access_token="+t, "", "a/"+g["grant_id"]):
        r = await program.get(f"{PATH}/{p}", headers=bearer(t))
        print(p, r.status_code, r.text[:80], r.headers.get("cache-control"))
    r = await program.request("HEAD", f"{PATH}/{g['grant_id']}", headers=bearer(t)); print("HEAD", r.status_code)
