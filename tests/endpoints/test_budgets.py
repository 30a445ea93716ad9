"""Round-trip budgets of the hot endpoints (architecture §5), counted where statements are sent."""

from collections.abc import Awaitable, Iterator
from contextlib import contextmanager

import httpx
import pytest

from app.models import Application
from app.store.application_cache import ApplicationCache
from app.store.hot_connection import counting_trips
from tests.support.credentials import api_key, change, personal_token
from tests.support.membership import found, join
from tests.support.service import (
    SECRET,
    Service,
    authorize_url,
    decide,
    fields_of,
    follow,
    obtain_code,
    redeem,
    sign_in,
)


@contextmanager
def remembering(applications: ApplicationCache) -> Iterator[None]:
    """Let the cache serve for the length of the block, as if somebody listened."""
    applications.hear(applications.clock())
    try:
        yield
    finally:
        applications.close()


async def trips_of(call: Awaitable[httpx.Response], status: int = 200) -> list[str]:
    """Return the statements that a request sent."""
    with counting_trips() as trips:
        answer = await call
    assert answer.status_code == status, answer.text
    return trips


async def test_a_code_exchange_takes_two_trips(browser: httpx.AsyncClient) -> None:
    code = await obtain_code(browser, "web", "robin")
    assert await trips_of(redeem(browser, "web", code)) == ["gather_code", "settle_code"]


async def test_a_refresh_and_its_repeat_take_two_trips(browser: httpx.AsyncClient) -> None:
    tokens = (await redeem(browser, "web", await obtain_code(browser, "web", "robin"))).json()
    data = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
    for settled in ("settle_refresh.rotate", "settle_refresh.repeat"):
        call = browser.post("/oauth/token", data=data, auth=("web", SECRET))
        assert await trips_of(call) == ["gather_family", settled]


async def test_a_token_without_a_person_takes_one_trip_once_its_application_is_known(
    site: Service, browser: httpx.AsyncClient
) -> None:
    application_id = await site.application("sweeper", kind="machine", grant_types=("client_credentials",))
    data, settled = {"grant_type": "client_credentials", "scope": "project:read"}, "settle_machine_token"

    async def trips() -> list[str]:
        return await trips_of(browser.post("/oauth/token", data=data, auth=("sweeper", SECRET)))

    assert await trips() == ["gather_client", settled]
    with remembering(site.database.applications):
        assert await trips() == ["gather_client", settled]
        assert await trips() == [settled]
        await change(site, Application, application_id, version=2)
        assert await trips() == [settled, "gather_client", settled]  # what is known is a hint: it was written nowhere
        assert await trips() == [settled]


async def test_introspecting_a_token_without_a_person_takes_one_trip(site: Service, browser: httpx.AsyncClient) -> None:
    await site.application("gauge", kind="machine", grant_types=("client_credentials",))
    issued = await browser.post("/oauth/token", data={"grant_type": "client_credentials"}, auth=("gauge", SECRET))
    token = issued.json()["access_token"]
    call = browser.post("/oauth/introspect", data={"token": token}, auth=("web", SECRET))
    assert await trips_of(call) == ["gather_token"]
    call = browser.get("/api/v1/", headers={"Authorization": f"Bearer {token}"})
    assert await trips_of(call) == ["gather_token_alone"]


async def test_introspection_takes_one_trip(browser: httpx.AsyncClient) -> None:
    tokens = (await redeem(browser, "web", await obtain_code(browser, "web", "robin"))).json()
    for token in (tokens["access_token"], tokens["refresh_token"], "garbage"):
        call = browser.post("/oauth/introspect", data={"token": token}, auth=("web", SECRET))
        assert len(await trips_of(call)) == 1


async def test_introspection_of_what_has_no_application_takes_one_trip_as_well(
    site: Service, browser: httpx.AsyncClient
) -> None:
    organization = await found(site.database, "northquay", site.clock())
    _, token = await personal_token(site, await site.user("casey"), "openid")
    _, key = await api_key(site, organization, "org:read")
    for credential, statement in ((token, "gather_personal_token"), (key, "gather_key")):
        call = browser.post("/oauth/introspect", data={"token": credential}, auth=("web", SECRET))
        assert await trips_of(call) == [statement]
        with counting_trips() as trips:
            await browser.post("/oauth/revoke", data={"token": credential}, auth=("web", SECRET))
        assert trips == ["gather_client"]


async def test_our_own_api_takes_one_trip_with_a_token_and_none_without(browser: httpx.AsyncClient) -> None:
    tokens = (await redeem(browser, "web", await obtain_code(browser, "web", "robin"))).json()
    headers = {"Authorization": f"Bearer {tokens['access_token']}"}
    assert await trips_of(browser.get("/api/v1/me", headers=headers)) == ["gather_token_alone"]
    browser.cookies.clear()
    assert await trips_of(browser.get("/api/v1/")) == []
    assert await trips_of(browser.get("/api/v1/me", headers={"Authorization": "Bearer x"}), 401) == []


async def test_the_gate_takes_two_statements_by_credential_and_by_session(
    site: Service, browser: httpx.AsyncClient
) -> None:
    """One tells who calls, the other what he may do in the organization; it answers what was asked for as well."""
    organization = await found(site.database, "twotrips", site.clock())
    person = await site.user("jamie")
    await join(site.database, organization, person, "owner", site.clock())
    _, key = await api_key(site, organization, "org:read")
    _, token = await personal_token(site, person, "org:read")
    path = "/api/v1/organizations/twotrips"
    for credential, statement in ((key, "gather_key_alone"), (token, "gather_personal_token_alone")):
        trips = await trips_of(browser.get(path, headers={"Authorization": f"Bearer {credential}"}))
        assert trips[0] == statement
        assert len(trips) == 2
    await sign_in(browser, "jamie")
    assert len(await trips_of(browser.get(path))) == 2


async def test_revocation_takes_two_trips(browser: httpx.AsyncClient) -> None:
    tokens = (await redeem(browser, "web", await obtain_code(browser, "web", "robin"))).json()
    for token, kind in (("access_token", "token"), ("refresh_token", "family")):
        call = browser.post("/oauth/revoke", data={"token": tokens[token]}, auth=("web", SECRET))
        assert await trips_of(call) == [f"gather_{kind}", f"revoke_{kind}"]


async def test_authorization_takes_two_trips_whether_it_asks_or_grants(
    site: Service, browser: httpx.AsyncClient
) -> None:
    await site.application("budgeted")
    asked = await trips_of(browser.get(authorize_url("budgeted")), 303)
    assert asked == ["gather_authorize", "save_interaction"]
    await obtain_code(browser, "budgeted", "robin")
    granted = await trips_of(browser.get(authorize_url("budgeted")), 303)
    assert granted == ["gather_authorize", "settle_authorization"]


@pytest.mark.parametrize(("decision", "settled"), [("approve", "settle_authorization"), ("deny", "deny_interaction")])
async def test_the_click_takes_two_trips(
    site: Service, browser: httpx.AsyncClient, decision: str, settled: str
) -> None:
    client_id = f"clicked-{decision}"
    await site.application(client_id)
    await sign_in(browser, "robin")
    page = await follow(browser, await browser.get(authorize_url(client_id)))
    assert fields_of(page)["interaction"]
    assert await trips_of(decide(browser, page, decision), 303) == ["gather_interaction", settled]


@pytest.mark.parametrize(("response_type", "settled"), [("code", "settle_authorization"), ("none", "settle_nothing")])
async def test_signing_in_takes_two_trips_for_the_click_and_two_for_every_further_time(
    site: Service, browser: httpx.AsyncClient, response_type: str, settled: str
) -> None:
    client_id = f"signing-{response_type}"
    await site.application(client_id, response_types=(response_type,))
    url = authorize_url(client_id, scope="openid", response_type=response_type)
    await sign_in(browser, "robin")
    page = await follow(browser, await browser.get(url))
    assert await trips_of(decide(browser, page, "approve"), 303) == ["gather_interaction", settled]
    assert await trips_of(browser.get(url), 303) == ["gather_authorize", settled]


async def test_discovery_takes_none(browser: httpx.AsyncClient) -> None:
    for name in ("oauth-authorization-server", "openid-configuration"):
        assert await trips_of(browser.get(f"/.well-known/{name}")) == []
