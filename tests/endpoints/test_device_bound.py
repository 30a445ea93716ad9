"""Device codes for the resources of a server, and for a device that holds a key."""

from collections.abc import AsyncIterator

import httpx
import pytest

from app.store import records, users
from app.store.database import Database
from tests.support import devices as flow
from tests.support.devices import GRANT_TYPE
from tests.support.dpop import Holder
from tests.support.service import ISSUER, Service, service, sign_in

TRACKER, BILLING = "https://tracker.example", "https://billing.example"
RESOURCES = {
    TRACKER: {"name": "Tracker", "scopes": ["project:read", "event:read", "member:read"]},
    BILLING: {"scopes": ["org:read", "member:read"], "token_format": "jwt"},
}


@pytest.fixture(scope="module")
async def apis(database: Database) -> AsyncIterator[Service]:
    """The running application with two APIs, a program on a device, and a person."""
    async with service(database, resources=RESOURCES) as running:
        await running.server.keyring.refresh()
        await running.user("robin")
        grants = (GRANT_TYPE, "refresh_token")
        await running.application(
            "tv", grant_types=grants, redirect_uris=(), auth_method="none", optional_scopes=("member:read",)
        )
        yield running


@pytest.fixture
async def device(apis: Service) -> AsyncIterator[httpx.AsyncClient]:
    async with apis.browser() as fresh:
        yield fresh


@pytest.fixture
async def browser(apis: Service) -> AsyncIterator[httpx.AsyncClient]:
    """A browser in which robin has signed in."""
    async with apis.browser() as fresh:
        assert (await sign_in(fresh, "robin")).status_code == 303
        yield fresh


@pytest.mark.spec("standards", "DV-1")
@pytest.mark.spec("standards", "AR-2")
@pytest.mark.spec("standards", "DV-7")
async def test_permissions_stand_under_the_api_at_which_they_count(
    apis: Service, device: httpx.AsyncClient, browser: httpx.AsyncClient
) -> None:
    asked = "project:read org:read member:read"
    content = (await flow.begin(device, "tv", secret=None, scope=asked, resource=[TRACKER, BILLING])).json()
    page = await flow.question(browser, content["user_code"])
    headings = [part.partition("</h3>")[0] for part in page.text.split('<h3 class="resource">')[1:]]
    assert "Tracker" in headings[0]
    assert "billing.example" in headings[1]
    assert "within 15 minutes in services that check by themselves" in page.text
    await flow.answer(browser, page)
    several = await flow.poll(device, "tv", content["device_code"], secret=None)
    assert (several.status_code, several.json()["error"]) == (400, "invalid_target")
    token = (await flow.poll(device, "tv", content["device_code"], secret=None, resource=TRACKER)).json()
    assert token["scope"] == "project:read"
    person = await users.find_for_sign_in(apis.database, "robin")
    assert person is not None
    [record] = await records.list_for_user(apis.database, person.id)
    assert {pair.pair for pair in record.pairs} == {f"project:read {TRACKER}", f"org:read {BILLING}"}


@pytest.mark.spec("standards", "DV-3")
async def test_a_scope_that_none_of_the_apis_understands_is_refused(device: httpx.AsyncClient) -> None:
    answer = await flow.begin(device, "tv", secret=None, scope="org:read", resource=TRACKER)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_scope")


@pytest.mark.spec("standards", "DV-6")
@pytest.mark.spec("standards", "DP-6")
async def test_a_device_that_proved_a_key_proves_it_with_every_question(
    apis: Service, device: httpx.AsyncClient, browser: httpx.AsyncClient
) -> None:
    holder, stranger = Holder(), Holder()
    begin, token = f"{ISSUER}{flow.ENDPOINT}", f"{ISSUER}/oauth/token"
    proof = {"DPoP": holder.proof("POST", begin, at=apis.clock())}
    data = {"client_id": "tv", "scope": "project:read"}
    content = (await device.post(flow.ENDPOINT, data=data, headers=proof)).json()
    again = await device.post(flow.ENDPOINT, data=data, headers=proof)
    assert (again.status_code, again.json()["error"]) == (400, "invalid_dpop_proof")
    await flow.answer(browser, await flow.question(browser, content["user_code"]))

    async def poll(holder: Holder | None) -> httpx.Response:
        shown = {} if holder is None else {"DPoP": holder.proof("POST", token, at=apis.clock())}
        return await flow.poll(device, "tv", content["device_code"], secret=None, headers=shown)

    for wrong in (None, stranger):
        assert (await poll(wrong)).json()["error"] == "invalid_grant"
    right = await poll(holder)
    assert right.json()["token_type"] == "DPoP"
