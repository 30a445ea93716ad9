"""Attacks on sign-in with OpenID Connect: applications that want to know who somebody is without having asked him."""

import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from app.store.database import Database
from tests.support.credentials import bearer
from tests.support.front_channel import HYBRID
from tests.support.openid_request import ES256, ask, tokens
from tests.support.service import SECRET, Service, answer_of, authorize_url, obtain_code, service, sign_in
from tests.support.signing import keep_keys


@pytest.fixture(scope="module")
async def site(database: Database) -> AsyncIterator[Service]:
    """A server with robin and sam, an application that everybody uses, one that nobody does, and one that knows people
    by names of its own."""
    async with service(database, features={"session_management": True}) as running:
        await keep_keys(running.server)
        for username in ("robin", "sam"):
            await running.user(username)
        await running.application("diary", openid=ES256)
        await running.application("tracker", openid=ES256)
        await running.application("pair", openid={"sector": "client.example"})
        await running.application("gateway", openid=ES256)
        await running.application("hybrid", **HYBRID)
        yield running


def silently(client_id: str, **changes: str | None) -> str:
    return ask(client_id, prompt="none", **changes)


def named(*subjects: str) -> str:
    """Return the `claims` parameter that asks for one of these people."""
    return json.dumps({"id_token": {"sub": {"values": list(subjects)}}})


async def subject_of(site: Service, username: str) -> str:
    """Return what every application without pairwise subjects calls somebody."""
    async with site.browser() as browser:
        await tokens(browser, "diary", username)
        answer = await browser.get("/api/v1/", headers={"Sec-Fetch-Site": "same-origin"})
        return str(answer.json()["user"]["sub"])


@pytest.mark.spec("standards", "OC-13")
@pytest.mark.parametrize("more", [{}, {"max_age": "0"}], ids=["plain", "max_age"])
async def test_an_application_that_nobody_has_allowed_does_not_learn_who_is_signed_in(
    site: Service, browser: httpx.AsyncClient, more: dict[str, str]
) -> None:
    robin, sam = await subject_of(site, "robin"), await subject_of(site, "sam")
    await sign_in(browser, "robin")
    told = [answer_of(await browser.get(silently("tracker", claims=named(who), **more))) for who in (robin, sam)]
    assert told[0]["error"] == told[1]["error"] == "login_required"
    assert told[0]["error_description"] == told[1]["error_description"]
