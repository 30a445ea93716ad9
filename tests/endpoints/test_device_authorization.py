"""POST /oauth/device_authorization and polling, at the wire (RFC 8628 §3.1 to §3.5)."""

from collections.abc import AsyncIterator
from itertools import chain

import asyncpg
import httpx
import pytest

from app.models import Application
from app.pipeline import devices
from app.pipeline.devices import Asking
from app.protocol.authorize.wanted import Wanted
from app.protocol.device import ALPHABET
from app.protocol.errors import OAuthError
from app.protocol.features import Feature
from app.protocol.sender import NOBODY
from app.store import records, traces
from app.store.database import Database
from tests.endpoints.test_budgets import remembering, trips_of
from tests.support import devices as flow
from tests.support.credentials import change
from tests.support.database import FreshDatabase
from tests.support.devices import GRANT_TYPE
from tests.support.service import ISSUER, SECRET, Service, fields_of, follow, redeem, service, sign_in

GRANTS = (GRANT_TYPE, "refresh_token")


@pytest.fixture
async def registered(site: Service) -> Service:
    """The running application with programs on devices, one of them public."""
    if await site.database.hot.gather_client("tv") is None:
        await site.application("tv", grant_types=GRANTS, redirect_uris=(), response_types=(), kind="native")
        await site.application(
            "cli", auth_method="none", grant_types=GRANTS, redirect_uris=(), response_types=(), kind="native"
        )
    return site


@pytest.fixture
async def device(registered: Service) -> AsyncIterator[httpx.AsyncClient]:
    """A device: what it keeps of the network is its own."""
    async with registered.browser() as fresh:
        yield fresh


async def begun(device: httpx.AsyncClient, client_id: str = "tv", **params: str) -> dict[str, str]:
    answer = await flow.begin(device, client_id, **params)
    assert answer.status_code == 200, answer.text
    content: dict[str, str] = answer.json()
    return content


def error_of(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]


@pytest.mark.spec("standards", "DV-1")
@pytest.mark.spec("standards", "DV-2")
@pytest.mark.spec("standards", "DV-9")
@pytest.mark.spec("standards", "TV-11")
async def test_a_device_gets_a_code_for_itself_and_one_for_its_person(device: httpx.AsyncClient) -> None:
    answer = await flow.begin(device, "tv", scope="project:read")
    content = answer.json()
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["content-type"] == "application/json"
    assert content["device_code"].startswith("asdc_")
    letters = content["user_code"].replace("-", "")
    assert (len(letters), content["user_code"][4]) == (8, "-")
    assert set(letters) <= set(ALPHABET)
    assert content["verification_uri"] == f"{ISSUER}/device"
    assert content["verification_uri_complete"] == f"{ISSUER}/device?user_code={content['user_code']}"
    assert (content["expires_in"], content["interval"]) == (600, 5)


@pytest.mark.spec("standards", "DV-1")
async def test_a_public_client_names_itself(device: httpx.AsyncClient) -> None:
    assert (await flow.begin(device, "cli", secret=None)).status_code == 200


@pytest.mark.parametrize(
    ("client_id", "secret", "params", "error"),
    [
        pytest.param("tv", "wrong", {}, (401, "invalid_client"), id="wrong secret"),
        pytest.param("tv", None, {}, (401, "invalid_client"), id="no secret"),
        pytest.param("nobody", None, {}, (401, "invalid_client"), id="unknown client"),
        pytest.param("web", SECRET, {}, (400, "unauthorized_client"), id="not registered for it"),
        pytest.param("tv", SECRET, {"scope": "no:such"}, (400, "invalid_scope"), id="unknown scope"),
        pytest.param("tv", SECRET, {"scope": 'a"b'}, (400, "invalid_scope"), id="no scope at all"),
        pytest.param("tv", SECRET, {"resource": "https://no.example/"}, (400, "invalid_target"), id="unknown resource"),
        pytest.param("tv", SECRET, {"scope": ["a", "b"]}, (400, "invalid_request"), id="scope twice"),
    ],
)
@pytest.mark.spec("standards", "DV-3")
async def test_errors_are_those_of_the_token_endpoint(
    device: httpx.AsyncClient,
    client_id: str,
    secret: str | None,
    params: dict[str, str | list[str]],
    error: tuple[int, str],
) -> None:
    answer = await flow.begin(device, client_id, secret=secret, **params)
    assert error_of(answer) == error
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    ("client_id", "params", "outcome", "failed"),
    [
        pytest.param("tv", {}, "device code", [], id="issued"),
        pytest.param("tv", {"scope": "no:such"}, "refused: invalid_scope", ["scope"], id="refused"),
        pytest.param("web", {}, "refused: unauthorized_client", ["grant type"], id="not registered for it"),
    ],
)
async def test_an_operator_can_read_what_was_decided_about_a_request(
    registered: Service,
    device: httpx.AsyncClient,
    client_id: str,
    params: dict[str, str],
    outcome: str,
    failed: list[str],
) -> None:
    answer = await flow.begin(device, client_id, **params)
    await registered.server.traces.flush()
    [entry] = await traces.find(registered.database, answer.headers["x-request-id"])
    assert (entry.endpoint, entry.client_id, entry.outcome) == ("device", client_id, outcome)
    assert [step.check for step in entry.steps if step.outcome == "refused"] == failed
    operator = f"operator-{answer.headers['x-request-id'][-6:]}"
    await registered.user(operator, operator=True)
    async with registered.browser() as browser:
        await sign_in(browser, operator)
        page = await browser.get(f"/admin/requests/{answer.headers['x-request-id']}")
        assert ("Refused" if failed else "Begun on a device") in page.text


async def test_what_belongs_to_the_authorization_endpoint_alone_is_not_judged(device: httpx.AsyncClient) -> None:
    content = await begun(device, prompt="nonsense", max_age="soon", response_type="token", code_challenge="short")
    assert content["device_code"]


@pytest.mark.spec("standards", "CO-1")
async def test_browser_tools_may_ask_from_any_origin(device: httpx.AsyncClient) -> None:
    preflight = await device.options(flow.ENDPOINT, headers={"Origin": "https://tools.example"})
    assert preflight.headers["access-control-allow-origin"] == "*"
    refused = await device.post(
        flow.ENDPOINT, data={"client_id": "nobody"}, headers={"Origin": "https://tools.example"}
    )
    assert refused.headers["access-control-allow-origin"] == "*"


async def test_the_metadata_tells_where(device: httpx.AsyncClient) -> None:
    document = (await device.get("/.well-known/oauth-authorization-server")).json()
    assert document["device_authorization_endpoint"] == f"{ISSUER}/oauth/device_authorization"
    assert GRANT_TYPE in document["grant_types_supported"]


async def test_switched_off_there_is_nothing_of_it(database: Database) -> None:
    async with (
        service(database, features={Feature.DEVICE_AUTHORIZATION.key: False}) as off,
        off.browser() as browser,
    ):
        assert (await browser.post(flow.ENDPOINT, data={"client_id": "cli"})).status_code == 404
        assert (await browser.get("/device")).status_code == 404
        document = (await browser.get("/.well-known/oauth-authorization-server")).json()
        assert "device_authorization_endpoint" not in document
        assert GRANT_TYPE not in document["grant_types_supported"]


async def test_lifetime_and_interval_are_the_operators(database: Database, registered: Service) -> None:
    settings = {"lifetimes": {"device_code": 120}, "device": {"interval": 10}}
    async with service(database, **settings) as slow, slow.browser() as browser:
        content = (await flow.begin(browser, "tv")).json()
        assert (content["expires_in"], content["interval"]) == (120, 10)


@pytest.mark.spec("standards", "DC-1")
@pytest.mark.spec("standards", "DC-2")
@pytest.mark.spec("standards", "DC-3")
async def test_a_device_polls_until_its_person_has_allowed_it(registered: Service, device: httpx.AsyncClient) -> None:
    content = await begun(device, scope="project:read event:read")
    assert error_of(await flow.poll(device, "tv", content["device_code"])) == (400, "authorization_pending")
    async with registered.browser() as browser:
        done = await flow.approve(browser, "robin", content["user_code"])
        assert "is connected" in done.text
    tokens = await flow.poll(device, "tv", content["device_code"])
    assert tokens.status_code == 200, tokens.text
    assert tokens.headers["cache-control"] == "no-store"
    assert tokens.json()["scope"] == "project:read event:read"
    assert tokens.json()["token_type"] == "Bearer"
    assert error_of(await flow.poll(device, "tv", content["device_code"])) == (400, "invalid_grant")
    refreshed = {"grant_type": "refresh_token", "refresh_token": tokens.json()["refresh_token"]}
    again = await device.post("/oauth/token", data=refreshed, auth=("tv", SECRET))
    assert again.json()["scope"] == "project:read event:read"


@pytest.mark.spec("standards", "DC-2")
@pytest.mark.spec("standards", "DC-3")
async def test_who_polls_too_fast_has_to_wait_longer_from_then_on(
    registered: Service, device: httpx.AsyncClient
) -> None:
    content = await begun(device)

    async def after(seconds: float) -> str:
        registered.clock.forward(seconds)
        return error_of(await flow.poll(device, "tv", content["device_code"]))[1]

    assert [await after(0), await after(5), await after(3)] == ["authorization_pending"] * 2 + ["slow_down"]
    assert await after(5) == "slow_down"  # ten seconds by then, fifteen from now on
    assert await after(14) == "authorization_pending"
    assert await after(15) == "authorization_pending"


@pytest.mark.spec("standards", "DV-8")
async def test_a_device_is_told_that_its_person_did_not_allow_it(
    registered: Service, device: httpx.AsyncClient
) -> None:
    content = await begun(device, scope="project:read")
    async with registered.browser() as browser:
        done = await flow.approve(browser, "robin", content["user_code"], decision="deny", holds="")
        assert "was not connected" in done.text
    assert error_of(await flow.poll(device, "tv", content["device_code"])) == (400, "access_denied")


@pytest.mark.spec("standards", "DV-8")
async def test_a_code_expires(registered: Service, device: httpx.AsyncClient) -> None:
    content = await begun(device)
    registered.clock.forward(600)
    assert error_of(await flow.poll(device, "tv", content["device_code"])) == (400, "expired_token")


@pytest.mark.spec("standards", "DV-6")
@pytest.mark.spec("standards", "DV-10")
async def test_codes_of_others_and_of_nobody_are_answered_alike(device: httpx.AsyncClient) -> None:
    content = await begun(device)
    foreign = await flow.poll(device, "cli", content["device_code"], secret=None)
    unknown = await flow.poll(device, "cli", "asdc_" + "A" * 70, secret=None)
    altered = await flow.poll(device, "tv", content["device_code"][:-1] + "x")
    assert error_of(foreign) == error_of(unknown) == error_of(altered) == (400, "invalid_grant")
    assert foreign.json() == unknown.json() == altered.json()


async def test_a_code_without_a_client_that_may_use_it(device: httpx.AsyncClient) -> None:
    content = await begun(device)
    assert error_of(await flow.poll(device, "web", content["device_code"])) == (400, "unauthorized_client")
    missing = await device.post("/oauth/token", data={"grant_type": GRANT_TYPE}, auth=("tv", SECRET))
    assert error_of(missing) == (400, "invalid_request")


@pytest.mark.spec("standards", "AR-17 (e)")
async def test_disconnecting_before_the_device_asks_leaves_it_with_nothing(
    registered: Service, device: httpx.AsyncClient
) -> None:
    content = await begun(device, scope="project:read")
    user = await registered.user("casey")
    async with registered.browser() as browser:
        await flow.approve(browser, "casey", content["user_code"])
        [record] = await records.list_for_user(registered.database, user)
        path = f"/account/applications/{record.id}/disconnect"
        await browser.post(path, data=fields_of(await browser.get(path)))
    assert error_of(await flow.poll(device, "tv", content["device_code"])) == (400, "invalid_grant")


@pytest.mark.spec("standards", "AR-3")
@pytest.mark.spec("standards", "AR-4")
async def test_the_record_merges_and_the_token_has_what_its_own_request_asked(
    registered: Service, device: httpx.AsyncClient
) -> None:
    user = await registered.user("jamie")
    scopes = []
    for scope in ("project:read", "event:read"):
        content = await begun(device, scope=scope)
        async with registered.browser() as browser:
            await flow.approve(browser, "jamie", content["user_code"])
        scopes.append((await flow.poll(device, "tv", content["device_code"])).json()["scope"])
    assert scopes == ["project:read", "event:read"]
    [record] = await records.list_for_user(registered.database, user)
    assert [pair.pair for pair in record.pairs] == ["project:read", "event:read"]


async def test_an_application_that_was_turned_off_and_on_again_begins_anew(
    registered: Service, device: httpx.AsyncClient
) -> None:
    application = await registered.application("radio", grant_types=GRANTS, redirect_uris=(), response_types=())
    waiting = await begun(device, "radio")
    await change(registered, Application, application, epoch=1, version=2)
    assert error_of(await flow.poll(device, "radio", waiting["device_code"])) == (400, "invalid_grant")
    async with registered.browser() as browser:
        await sign_in(browser, "robin")
        answer = await follow(browser, await flow.type_code(browser, waiting["user_code"]))
        assert answer.status_code == 400
        assert "Begin on your device once more" in answer.text


async def test_a_user_code_that_is_taken_is_not_given_out_again(registered: Service) -> None:
    client = await registered.database.hot.gather_client("tv")
    assert client is not None
    asking, wanted, now = Asking(client, NOBODY, "203.0.113.9", "request"), Wanted((), ()), registered.clock()

    async def user_code(*drawn: int) -> str:
        """Begin with a secret and a number for the user code in turn; return the user code."""
        secrets = (bytes([place]) * 32 for place in range(len(drawn)))
        chance = chain.from_iterable(zip(secrets, (number.to_bytes(16) for number in drawn), strict=True))
        begun = await devices.begin(registered.server, asking, wanted, now, chance=chance.__next__)
        assert begun is not None
        return begun.user_code

    first = await user_code(4_711)
    assert await user_code(4_711, 4_711, 4_712) != first
    with pytest.raises(OAuthError, match="no user code was free"):
        await user_code(*[4_711] * devices.USER_CODES)


@pytest.mark.spec("standards", "DV-4")
async def test_the_database_knows_neither_code(
    registered: Service, device: httpx.AsyncClient, fresh_database: FreshDatabase
) -> None:
    content = await begun(device, scope="project:read")
    async with registered.browser() as browser:
        await flow.approve(browser, "robin", content["user_code"])
    await flow.poll(device, "tv", content["device_code"])
    await registered.server.traces.flush()
    connection = await asyncpg.connect(fresh_database.superuser_url)
    try:
        tables = ("device_grant", "audit", "decision_trace", "failure", "interaction")
        kept = ""
        for table in tables:
            rows = await connection.fetch(f"select t::text from {table} t")
            kept += " ".join(row[0] for row in rows)
    finally:
        await connection.close()
    assert "project:read" in kept
    for secret in (content["device_code"], content["user_code"], content["user_code"].replace("-", "")):
        assert secret not in kept


async def test_asking_takes_two_trips_and_one_once_the_application_is_known(
    registered: Service, device: httpx.AsyncClient
) -> None:
    assert await trips_of(flow.begin(device, "tv")) == ["gather_client", "place_device"]
    with remembering(registered.database.applications):
        assert await trips_of(flow.begin(device, "tv")) == ["gather_client", "place_device"]
        assert await trips_of(flow.begin(device, "tv")) == ["place_device"]


@pytest.mark.spec("standards", "DC-3")
async def test_polling_takes_two_trips_whatever_the_answer(registered: Service, device: httpx.AsyncClient) -> None:
    content = await begun(device, scope="project:read")

    async def trips(status: int = 400) -> list[str]:
        return await trips_of(flow.poll(device, "tv", content["device_code"]), status)

    assert await trips() == ["gather_device", "note_poll"]
    assert await trips() == ["gather_device", "slow_down"]
    async with registered.browser() as browser:
        await flow.approve(browser, "robin", content["user_code"])
    assert await trips(200) == ["gather_device", "settle_device"]
    assert await trips() == ["gather_device"]


async def test_a_device_code_is_no_code_and_no_token(device: httpx.AsyncClient) -> None:
    content = await begun(device)
    assert error_of(await redeem(device, "web", content["device_code"])) == (400, "invalid_grant")
    asked = await device.post("/oauth/introspect", data={"token": content["device_code"]}, auth=("web", SECRET))
    assert asked.json() == {"active": False}
