"""Attacks on requests to people elsewhere (CIBA): who finds out what, who is bombed, who takes what is another's."""

import asyncio
from datetime import timedelta

import httpx
import pytest

from app.store.hot_connection import counting_trips
from tests.endpoints.test_bc_authorize import error_of
from tests.support import elsewhere as flow
from tests.support.asking_site import client as client
from tests.support.asking_site import site as site
from tests.support.service import SECRET, Service


async def reach(site: Service, ids: list[str], username: str = "robin") -> int:
    found = [await flow.waiting_for(site, one, username) for one in ids]
    return sum(one is not None for one in found)


async def test_probe_names(site: Service, client: httpx.AsyncClient) -> None:
    person = await flow.account(site, "robin")
    print(person)
    from app.store import users
    from sqlalchemy import text
    async with site.database.transaction() as t:
        sub, email = (await t.execute(text("select sub, email from user_account where username='robin'"))).one()
    print(sub, email)
    ids = []
    for name in ("robin", email, sub, sub.upper(), " robin", "ROBIN", "ｒobin"):
        n = 0
        for _ in range(12):
            a = await flow.ask(client, "desk", login_hint=name)
            if a.status_code == 200:
                ids.append(a.json()["auth_req_id"]); n += 1
        print(repr(name), n, await reach(site, ids))
    other = [await flow.asked(client, "other") for _ in range(2)]
    print("other reaches", await reach(site, other))


@pytest.mark.parametrize("m", ["\u3164\u3164", "\u2800", "a\u034fb", "a\ufe0fb", "a\u200bb", "e" + "\u0301" * 99, "\u00a0", "a\u3000b", "\U000e0101"])
async def test_probe_binding(client: httpx.AsyncClient, m: str) -> None:
    a = await flow.ask(client, "desk", binding_message=m)
    print(ascii(m), a.status_code)


async def test_probe_acr(client: httpx.AsyncClient) -> None:
    for v in ("a" * 60000, "a " * 30000, "\ud83d", "a\u0001b", "\ufffe"):
        try:
            a = await flow.ask(client, "desk", acr_values=v)
            print(ascii(v[:10]), len(v), a.status_code, a.text[:200])
        except UnicodeEncodeError: print("enc")
