"""What happens while something is taken away: whoever comes at that very moment gets nothing that outlives it."""

import asyncio
from collections.abc import Awaitable, Callable

import httpx
import pytest

from app.protocol.grant_types import device_code
from tests.support import delegated_people as people
from tests.support import devices
from tests.support.delegation import MACHINE, ORDERS, STOCK, Asking
from tests.support.delegation import asking as asking
from tests.support.delegation import site as site
from tests.support.service import SECRET, Service, sign_in

ROUNDS = 8
AT_ONCE = 6
INACTIVE = {"active": False}


async def _switched_off(site: Service, username: str, client_id: str) -> None:
    await people.switch_off(site, client_id, again=True)


async def _shut_out(site: Service, username: str, client_id: str) -> None:
    await people.shut_out(site, username)


async def _disconnected(site: Service, username: str, client_id: str) -> None:
    await people.disconnect(site, username, client_id)


TakeAway = Callable[[Service, str, str], Awaitable[None]]


@pytest.mark.spec("standards", "DV-6")
@pytest.mark.parametrize("take_away", [_switched_off, _shut_out])
async def test_a_device_that_is_approved_at_the_moment_when_application_or_person_is_shut_out_gets_nothing(
    site: Service, take_away: TakeAway
) -> None:
    """Whether the approval came first or too late: either the code is dead, or what it buys is."""
    client_id = f"tv-{take_away.__name__}"
    grants = (device_code.NAME, "refresh_token")
    await site.application(client_id, **(MACHINE | {"kind": "native"}), grant_types=grants)
    for _ in range(ROUNDS):
        username = await people.new_person(site)
        async with site.browser() as browser, site.browser() as device:
            begun = (await devices.begin(device, client_id, scope="project:read")).json()
            await sign_in(browser, username)
            page = await devices.question(browser, begun["user_code"])
            await asyncio.gather(
                *(devices.answer(browser, page) for _ in range(AT_ONCE)), take_away(site, username, client_id)
            )
            polled = await devices.poll(device, client_id, begun["device_code"])
            assert polled.status_code == 400, polled.text
            assert polled.json()["error"] in ("invalid_grant", "authorization_pending")


@pytest.mark.spec("standards", "TX-6")
@pytest.mark.parametrize("take_away", [_switched_off, _shut_out, _disconnected])
async def test_a_token_that_is_exchanged_at_the_moment_when_it_dies_leaves_none_alive(
    asking: Asking, site: Service, take_away: TakeAway
) -> None:
    for _ in range(ROUNDS):
        username = await people.new_person(site)
        token = await people.token_of(site, username)
        hops = [("gateway", ORDERS), ("gateway", STOCK), ("web", None)] * (AT_ONCE // 3)
        exchanges = asyncio.gather(*(asking.exchange(token, client, resource=resource) for client, resource in hops))
        answers, _ = await asyncio.gather(exchanges, take_away(site, username, "web"))
        for (client_id, _), answer in zip(hops, answers, strict=True):
            assert answer.status_code in (200, 400, 401), answer.text
            if answer.status_code == 200:
                assert await asking.about(answer.json()["access_token"], client_id) == INACTIVE


@pytest.mark.spec("standards", "RV-2")
async def test_a_refresh_token_that_is_revoked_while_its_tokens_are_exchanged_takes_all_along(
    asking: Asking, site: Service, browser: httpx.AsyncClient
) -> None:
    for _ in range(ROUNDS):
        tokens = await people.tokens_of(site, await people.new_person(site))
        answers = await asyncio.gather(
            *(asking.exchange(tokens["access_token"], "gateway", resource=ORDERS) for _ in range(AT_ONCE)),
            browser.post("/oauth/revoke", data={"token": tokens["refresh_token"]}, auth=("web", SECRET)),
        )
        assert answers[-1].status_code == 200
        for answer in answers[:-1]:
            if answer.status_code == 200:
                assert await asking.about(answer.json()["access_token"], "gateway") == INACTIVE
