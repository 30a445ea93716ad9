"""Attacks on managed grants: tokens that outlive what they rest on, and grants without number."""

import asyncio

import httpx
import pytest
from sqlalchemy import text

from app.protocol.grant_management import MOST, QUERY_SCOPE, REVOKE_SCOPE
from tests.endpoints.test_grants import FILES, LEDGER, active, end, grant, look, own_token
from tests.endpoints.test_grants import browser as browser
from tests.endpoints.test_grants import program as program
from tests.endpoints.test_grants import site as site
from tests.support import devices
from tests.support.service import SECRET, Service, answer_of, authorize_url, decide, follow, redeem, sign_in


async def refresh(program: httpx.AsyncClient, token: str, client_id: str = "web") -> httpx.Response:
    data = {"grant_type": "refresh_token", "refresh_token": token}
    return await program.post("/oauth/token", data=data, auth=(client_id, SECRET))


async def asked(browser: httpx.AsyncClient, **changes: str) -> httpx.Response:
    return await follow(browser, await browser.get(authorize_url("web", **changes)))


@pytest.mark.spec("standards", "GA-1")
@pytest.mark.parametrize("resource", [FILES, LEDGER])
async def test_an_api_that_is_shown_a_token_for_grants_cannot_use_it_here(
    browser: httpx.AsyncClient, program: httpx.AsyncClient, resource: str
) -> None:
    grant_id = (await grant(browser))["grant_id"]
    token = await own_token(program, f"{QUERY_SCOPE} {REVOKE_SCOPE}", resource=resource)
    assert (await look(program, grant_id, token)).status_code == 401
    assert (await end(program, grant_id, token)).status_code == 401
    assert (await look(program, grant_id)).status_code == 200


@pytest.mark.spec("standards", "AR-17 (d)")
@pytest.mark.spec("standards", "GM-5")
async def test_nothing_that_is_refreshed_while_a_grant_is_replaced_lives_on(
    browser: httpx.AsyncClient, program: httpx.AsyncClient
) -> None:
    begun = await grant(browser, scope="project:read")
    page = await asked(browser, scope="project:read", grant_management_action="replace", grant_id=begun["grant_id"])
    answers, decided = await asyncio.gather(
        asyncio.gather(*(refresh(program, begun["refresh_token"]) for _ in range(20))), decide(browser, page)
    )
    assert "code" in answer_of(decided)
    for got in [begun, *(answer.json() for answer in answers if answer.status_code == 200)]:
        assert not await active(program, got["access_token"])
        assert (await refresh(program, got["refresh_token"])).status_code == 400


@pytest.mark.spec("standards", "AR-17 (e)")
@pytest.mark.spec("standards", "GM-5")
async def test_a_code_from_before_a_replacement_buys_nothing_of_what_is_there_after_it(
    browser: httpx.AsyncClient, program: httpx.AsyncClient
) -> None:
    grant_id = (await grant(browser, scope="project:read"))["grant_id"]
    named = {"grant_management_action": "merge", "grant_id": grant_id, "scope": "project:read"}
    code = answer_of(await asked(browser, **named))["code"]
    page = await asked(browser, **{**named, "grant_management_action": "replace"})
    await decide(browser, page)
    late = await redeem(program, "web", code)
    assert (late.status_code, late.json()["error"]) == (400, "invalid_grant")


@pytest.mark.spec("standards", "AR-14")
@pytest.mark.spec("standards", "GM-3")
async def test_a_person_gets_no_more_grants_of_one_application_than_he_can_read(
    site: Service, browser: httpx.AsyncClient, program: httpx.AsyncClient
) -> None:
    await site.user("robin")
    await site.application("reader", grant_types=(devices.GRANT_TYPE, "refresh_token"))
    await sign_in(browser, "robin")
    await decide(browser, await asked(browser, grant_management_action="create"))
    begun = [
        (await devices.begin(program, "reader", scope="project:read", grant_management_action="create")).json()
        for _ in range(2)
    ]
    await devices.answer(browser, await devices.question(browser, begun[0]["user_code"]))
    page = await asked(browser, grant_management_action="create")
    await fill(site, "robin")
    refused = answer_of(await decide(browser, page))
    assert refused["error"] == "invalid_request"
    assert f"{MOST} grants of this application" in refused["error_description"]
    silent = answer_of(await asked(browser, grant_management_action="create", prompt="none"))
    assert silent["error"] == "invalid_request"
    assert 'id="consent-approve"' in (await asked(browser)).text
    told = await follow(browser, await devices.type_code(browser, begun[1]["user_code"]))
    assert f"{MOST} grants of this application" in told.text


async def fill(site: Service, username: str) -> None:
    """Give a person as many grants as he can have of each application that has one of him."""
    async with site.database.transaction() as transaction:
        await transaction.execute(
            text(
                'insert into "authorization" (id, user_id, application_id, pairs, since, version, last_change, '
                "created_at, updated_at, revoked_at) select gen_random_uuid(), user_id, application_id, pairs, since, "
                'version, last_change, created_at, updated_at, revoked_at from "authorization" '
                "cross join generate_series(2, :most) "
                "where revoked_at = 'infinity' and user_id = (select id from user_account where username = :name)"
            ),
            {"most": MOST, "name": username},
        )


@pytest.mark.spec("standards", "AR-9")
@pytest.mark.spec("standards", "AR-13")
async def test_a_person_who_was_disabled_comes_back_without_his_grants(
    site: Service, browser: httpx.AsyncClient, program: httpx.AsyncClient
) -> None:
    held = [await grant(browser), await grant(browser)]
    async with site.database.transaction() as transaction:
        await transaction.execute(
            text("update user_account set disabled_at = now(), epoch = epoch + 1 where username = 'ada'")
        )
    for one in held:
        assert not await active(program, one["access_token"])
        assert (await refresh(program, one["refresh_token"])).status_code == 400
    async with site.database.transaction() as transaction:
        await transaction.execute(text("update user_account set disabled_at = null where username = 'ada'"))
    for one in held:
        assert not await active(program, one["access_token"])
        assert (await refresh(program, one["refresh_token"])).status_code == 400
