"""Rich authorization requests at the wire: what is asked, approved, carried and told (RFC 9396, standards B7.4)."""

import asyncio
import re
from collections.abc import AsyncIterator
from html import unescape
from typing import Any
from urllib.parse import parse_qsl, quote, urlsplit

import httpx
import pytest
from joserfc import jwt as other_library
from joserfc.jwk import KeySet

from app.store.database import Database
from tests.support import devices
from tests.support.details import TYPES, accounts, asking, bought, page_of, payment, record_of, seen, url
from tests.support.service import (
    SECRET,
    Service,
    answer_of,
    authorize_url,
    decide,
    fields_of,
    follow,
    obtain_code,
    redeem,
    service,
    sign_in,
)
from tests.support.signing import keep_keys

BANK, LEDGER = "https://bank.example", "https://ledger.example"
RESOURCES: dict[str, Any] = {
    BANK: {"name": "Bank", "introspection_clients": ["bank-server"]},
    LEDGER: {"name": "Ledger", "token_format": "jwt"},
}


@pytest.fixture(scope="module")
async def site(database: Database) -> AsyncIterator[Service]:
    """A bank: payments, which are asked for each time, and accounts, which are remembered."""
    async with service(database, authorization_details=TYPES, resources=RESOURCES) as running:
        await keep_keys(running.server)
        await running.user("robin")
        await running.application("web")
        yield running


@pytest.fixture
async def browser(site: Service) -> AsyncIterator[httpx.AsyncClient]:
    """A browser without cookies."""
    async with site.browser() as fresh:
        yield fresh


@pytest.mark.spec("standards", "RA-3")
@pytest.mark.spec("standards", "RA-5")
@pytest.mark.spec("standards", "CS-1")
@pytest.mark.spec("standards", "CS-2")
async def test_what_is_asked_is_read_on_one_page_and_stands_in_token_answer_and_introspection(
    browser: httpx.AsyncClient,
) -> None:
    page = await page_of(browser, payment(), accounts("read"), scope="project:read")
    assert "Make a payment" in page.text
    assert "<dt><bdi>To</bdi></dt><dd><bdi>Ada Bakery</bdi></dd>" in page.text
    assert "See your bank accounts" in page.text
    assert "See projects" in page.text
    assert "detail:" not in page.text
    bought = (await redeem(browser, "web", answer_of(await decide(browser, page))["code"])).json()
    assert bought["authorization_details"] == [payment(), accounts("read")]
    assert bought["scope"] == "project:read"
    told = await seen(browser, bought["access_token"])
    assert (told["authorization_details"], told["scope"]) == ([payment(), accounts("read")], "project:read")
    assert (await seen(browser, bought["refresh_token"]))["authorization_details"] == [payment(), accounts("read")]


@pytest.mark.spec("standards", "RA-2")
@pytest.mark.parametrize(
    "text",
    ["no JSON", "{}", '[{"type": "cards"}]', '[{"type": "accounts"}, {"type": "cards"}]', '[{"type": "payment"}]'],
)
async def test_what_is_no_details_goes_back_as_such_from_the_authorization_endpoint(
    browser: httpx.AsyncClient, text: str
) -> None:
    refused = answer_of(await browser.get(authorize_url("web", authorization_details=text)))
    assert refused["error"] == "invalid_authorization_details"
    assert refused["state"] == "xyz"


@pytest.mark.spec("standards", "RA-7")
async def test_an_application_asks_for_the_types_that_it_has_registered(
    site: Service, browser: httpx.AsyncClient
) -> None:
    await site.application("reader", requests={"details_types": ["accounts"]})
    refused = answer_of(await browser.get(url(payment(), client_id="reader")))
    assert refused["error"] == "invalid_authorization_details"
    page = await page_of(browser, accounts(), client_id="reader")
    assert "See your bank accounts" in page.text


@pytest.mark.spec("standards", "RA-3")
async def test_a_token_request_narrows_and_a_refresh_has_what_was_approved_again(browser: httpx.AsyncClient) -> None:
    first = await bought(browser, payment("20.00"), accounts("read", "list"), taken=asking(payment("5.00")))
    assert first["authorization_details"] == [payment("5.00")]
    assert (await seen(browser, first["access_token"]))["authorization_details"] == [payment("5.00")]
    form = {"grant_type": "refresh_token", "refresh_token": first["refresh_token"]}
    again = (await browser.post("/oauth/token", data=form, auth=("web", SECRET))).json()
    assert again["authorization_details"] == [payment("20.00"), accounts("read", "list")]
    form = {"grant_type": "refresh_token", "refresh_token": again["refresh_token"]}
    narrow = {**form, "authorization_details": asking(accounts("list"))}
    third = (await browser.post("/oauth/token", data=narrow, auth=("web", SECRET))).json()
    assert third["authorization_details"] == [accounts("list")]


@pytest.mark.spec("standards", "AR-3")
@pytest.mark.spec("standards", "AR-5")
async def test_a_refresh_token_gets_nothing_of_what_the_record_was_given_later(
    site: Service, browser: httpx.AsyncClient
) -> None:
    await site.application("grows")
    first = await bought(browser, accounts("read"), client_id="grows")
    await bought(browser, accounts("pay"), client_id="grows")
    form = {"grant_type": "refresh_token", "refresh_token": first["refresh_token"]}
    more = {**form, "authorization_details": asking(accounts("pay"))}
    refused = await browser.post("/oauth/token", data=more, auth=("grows", SECRET))
    assert refused.json()["error"] == "invalid_authorization_details"
    again = (await browser.post("/oauth/token", data=form, auth=("grows", SECRET))).json()
    assert again["authorization_details"] == [accounts("read")]


@pytest.mark.spec("standards", "AR-7")
async def test_what_is_remembered_is_not_asked_again_and_what_is_not_is_asked_each_time(
    site: Service, browser: httpx.AsyncClient
) -> None:
    await site.application("again")
    await bought(browser, accounts("read", "list"), payment(), client_id="again")

    async def silent(*objects: dict[str, Any]) -> dict[str, str]:
        return answer_of(await browser.get(url(*objects, client_id="again", prompt="none")))

    assert "code" in await silent(accounts("read"))
    assert "code" in await silent(accounts("list", "read"))
    assert (await silent(accounts("pay")))["error"] == "consent_required"
    assert (await silent(payment()))["error"] == "consent_required"
    assert (await silent(accounts("read"), payment()))["error"] == "consent_required"
    page = await page_of(browser, payment("7.00"), client_id="again")
    assert "Make a payment" in page.text
    assert "Already allowed" in page.text
    assert "It also asks to" in page.text


@pytest.mark.spec("standards", "RA-4")
@pytest.mark.spec("standards", "IN-6")
async def test_an_api_sees_the_details_that_are_for_it_and_no_others(site: Service, browser: httpx.AsyncClient) -> None:
    await site.application("bank-server", kind="machine", redirect_uris=(), response_types=(), grant_types=())
    mine, theirs, anywhere = (
        accounts("read", locations=[f"{BANK}/accounts"]),
        accounts("read", locations=[LEDGER]),
        accounts("list"),
    )
    params: dict[str, Any] = {"scope": "project:read", "resource": [BANK, LEDGER]}
    code = await obtain_code(browser, "web", "robin", authorization_details=asking(mine, theirs, anywhere), **params)
    for_bank = (await redeem(browser, "web", code, resource=BANK)).json()
    assert for_bank["authorization_details"] == [mine, anywhere]
    assert (await seen(browser, for_bank["access_token"], "bank-server"))["authorization_details"] == [mine, anywhere]
    form = {"grant_type": "refresh_token", "refresh_token": for_bank["refresh_token"], "resource": LEDGER}
    for_ledger = (await browser.post("/oauth/token", data=form, auth=("web", SECRET))).json()
    assert for_ledger["authorization_details"] == [theirs, anywhere]
    keys = KeySet.import_key_set((await browser.get("/oauth/jwks")).json())
    claims = other_library.decode(for_ledger["access_token"], keys, algorithms=["ES256"]).claims
    assert claims["authorization_details"] == [theirs, anywhere]

    everywhere = await bought(browser, mine, theirs, anywhere)
    assert everywhere["authorization_details"] == [mine, theirs, anywhere]
    told = await seen(browser, everywhere["access_token"], "bank-server")
    assert told["authorization_details"] == [mine, anywhere], "another API answers for the rest"
    assert (await seen(browser, everywhere["access_token"]))["authorization_details"] == [mine, theirs, anywhere]


@pytest.mark.spec("standards", "RA-5")
async def test_details_for_none_of_the_named_resources_are_refused_at_once(browser: httpx.AsyncClient) -> None:
    refused = answer_of(await browser.get(url(accounts(locations=[LEDGER]), resource=BANK)))
    assert refused["error"] == "invalid_authorization_details"


@pytest.mark.spec("standards", "RA-7")
@pytest.mark.spec("standards", "A7.1")
async def test_the_metadata_name_the_types(browser: httpx.AsyncClient) -> None:
    published = (await browser.get("/.well-known/oauth-authorization-server")).json()
    assert published["authorization_details_types_supported"] == ["payment", "accounts"]


@pytest.mark.usefixtures("site")
async def test_a_server_without_them_ignores_details_and_names_none(database: Database) -> None:
    features = {"authorization_details": False}
    async with (
        service(database, authorization_details=TYPES, features=features) as running,
        running.browser() as browser,
    ):
        published = (await browser.get("/.well-known/oauth-authorization-server")).json()
        assert "authorization_details_types_supported" not in published
        described = (await browser.get("/openapi.json")).json()["paths"]["/oauth/authorize"]["get"]["parameters"]
        assert "authorization_details" not in {parameter["name"] for parameter in described}
        await running.application("without")
        code = await obtain_code(browser, "without", "robin", authorization_details="no JSON")
        got = (await redeem(browser, "without", code, authorization_details="no JSON")).json()
        assert "authorization_details" not in got


@pytest.mark.spec("standards", "AR-6")
@pytest.mark.spec("standards", "CS-6")
async def test_a_person_reads_what_an_application_has_and_takes_one_object_back_at_once(
    site: Service, browser: httpx.AsyncClient
) -> None:
    await site.application("kept")
    both = await bought(browser, accounts("read", identifier="first"), accounts("read"), client_id="kept")
    alone = await bought(browser, accounts("read"), client_id="kept")
    await bought(browser, payment(), client_id="kept")
    record = await record_of(browser, "kept")
    path = f"/account/applications/{record['id']}"
    shown = await browser.get(path)
    assert "<dt><bdi>Which one</bdi></dt><dd><bdi>first</bdi></dd>" in shown.text
    assert "See your bank accounts" in shown.text
    assert "Make a payment (To: Ada Bakery; Amount: 20.00; Currency: EUR)" in shown.text
    assert "detail:" not in re.sub(r'name="scope" value="[^"]*"', "", shown.text)
    [pair] = [
        unescape(value)
        for value, label in re.findall(r'name="scope" value="([^"]+)".*?aria-label="Remove: ([^"]+)"', shown.text)
        if label == "See your bank accounts (Actions: read)"
    ]
    form = {"csrf": fields_of(shown)["csrf"], "scope": pair, "resource": ""}
    removed = await follow(browser, await browser.post(f"{path}/remove", data=form))
    assert "“See your bank accounts” removed" in removed.text
    assert "removed 1 permission:</b> See your bank accounts (Actions: read)" in removed.text
    assert (await seen(browser, alone["access_token"], "kept")) == {"active": False}
    left = await seen(browser, both["access_token"], "kept")
    assert left["authorization_details"] == [accounts("read", identifier="first")]
    form = {"grant_type": "refresh_token", "refresh_token": alone["refresh_token"]}
    refused = await browser.post("/oauth/token", data=form, auth=("kept", SECRET))
    assert refused.json()["error"] == "invalid_grant"
    silent = answer_of(await browser.get(url(accounts("read"), client_id="kept", prompt="none")))
    assert silent["error"] == "consent_required"
    await bought(browser, accounts("read"), client_id="kept")
    assert (await seen(browser, alone["access_token"], "kept")) == {"active": False}, "given again, but not to it"


async def test_a_second_payment_stands_in_the_history_as_one(site: Service, browser: httpx.AsyncClient) -> None:
    await site.application("shop")
    await bought(browser, payment("1.00"), client_id="shop")
    await bought(browser, payment("2.00"), client_id="shop")
    record = await record_of(browser, "shop")
    shown = await browser.get(f"/account/applications/{record['id']}")
    assert "You approved:</b> Make a payment (To: Ada Bakery; Amount: 2.00; Currency: EUR)" in shown.text
    [pair] = re.findall(r'name="scope" value="(detail:[^"]+)"', shown.text)
    assert pair == "detail:payment"


async def test_the_api_shows_details_and_takes_them_back_and_no_scope_of_that_name(
    site: Service, browser: httpx.AsyncClient
) -> None:
    await site.application("listed")
    await bought(browser, accounts("read"), payment(), client_id="listed")
    record = await record_of(browser, "listed")
    assert (record["authorization_details"], record["permissions"]) == ([accounts("read")], [])
    mine = {"Sec-Fetch-Site": "same-origin"}
    path = f"/api/v1/authorizations/{record['id']}"
    whole = (await browser.get(path, headers=mine)).json()
    kept, anew = whole["granted_details"]
    assert (kept["title"], kept["authorization_details"]) == ("See your bank accounts", accounts("read"))
    assert (anew["id"], anew["title"], anew["authorization_details"]) == ("payment", "Make a payment", None)
    assert whole["history"][-1]["authorization_details"] == [accounts("read"), payment()]
    assert (whole["history"][-1]["after"], whole["resources"]) == ([], [])
    mine |= {"X-CSRF-Token": (await browser.get("/api/v1/session", headers=mine)).json()["csrf"]}
    named = quote(kept["id"], safe="")
    assert (await browser.delete(f"{path}/scopes/detail:{named}", headers=mine)).status_code == 404
    assert (await browser.delete(f"{path}/details/accounts", headers=mine)).status_code == 404
    assert (await browser.delete(f"{path}/details/{named}", headers=mine)).status_code == 204
    assert (await browser.delete(f"{path}/details/payment", headers=mine)).status_code == 204
    emptied = (await browser.get(path, headers=mine)).json()
    assert (emptied["granted_details"], emptied["authorization_details"]) == ([], [])
    assert emptied["history"][1]["authorization_details"] == [accounts("read")], "what was taken away is told"


@pytest.mark.spec("standards", "AR-3")
@pytest.mark.spec("standards", "AR-17 (a)")
async def test_two_consents_at_once_keep_the_details_of_both(site: Service) -> None:
    await site.application("twice")

    async def allow(*objects: dict[str, Any]) -> None:
        async with site.browser() as browser:
            page = await page_of(browser, *objects, client_id="twice")
            await everybody.wait()
            assert "code" in answer_of(await decide(browser, page))

    everybody = asyncio.Barrier(8)
    await asyncio.gather(*(allow(accounts(f"a{n}")) for n in range(8)))
    async with site.browser() as browser:
        await sign_in(browser, "robin")
        record = await record_of(browser, "twice")
    held = sorted(one["actions"] for one in record["authorization_details"])
    assert held == [[f"a{n}"] for n in range(8)]


async def test_details_come_whole_whatever_is_ticked_beside_them(site: Service, browser: httpx.AsyncClient) -> None:
    await site.application("picky", optional_scopes=("project:read",))
    page = await page_of(browser, accounts("read"), client_id="picky", scope="project:read")
    assert "Optional: tick what you want to add" in page.text
    got = (await redeem(browser, "picky", answer_of(await decide(browser, page))["code"])).json()
    assert (got["authorization_details"], "scope" in got) == ([accounts("read")], False)


async def test_a_device_asks_for_details_and_its_person_reads_them(site: Service, browser: httpx.AsyncClient) -> None:
    await site.application("terminal", grant_types=(devices.GRANT_TYPE, "refresh_token"), redirect_uris=())
    async with site.browser() as device:
        refused = await devices.begin(device, "terminal", authorization_details='[{"type": "cards"}]')
        assert refused.json()["error"] == "invalid_authorization_details"
        wanted = asking(payment(), accounts("read"))
        begun = (await devices.begin(device, "terminal", authorization_details=wanted)).json()
        await sign_in(browser, "robin")
        page = await devices.question(browser, begun["user_code"])
        assert "Make a payment" in page.text
        assert "<dd><bdi>Ada Bakery</bdi></dd>" in page.text
        assert "connected" in (await follow(browser, await devices.answer(browser, page))).text
        taken = asking(payment("2.00"))
        got = (await devices.poll(device, "terminal", begun["device_code"], authorization_details=taken)).json()
        assert got["authorization_details"] == [payment("2.00")]
    form = {"grant_type": "refresh_token", "refresh_token": got["refresh_token"]}
    again = (await browser.post("/oauth/token", data=form, auth=("terminal", SECRET))).json()
    assert again["authorization_details"] == [payment(), accounts("read")]
    record = await record_of(browser, "terminal")
    assert record["authorization_details"] == [accounts("read")]


async def test_details_that_were_pushed_are_asked_as_they_were_pushed(browser: httpx.AsyncClient) -> None:
    pushed = dict(parse_qsl(urlsplit(url(payment("3.00"))).query))
    refused = await browser.post(
        "/oauth/par", data={**pushed, "authorization_details": '[{"type": "cards"}]'}, auth=("web", SECRET)
    )
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_authorization_details")
    kept = (await browser.post("/oauth/par", data=pushed, auth=("web", SECRET))).json()
    await sign_in(browser, "robin")
    changed = {"client_id": "web", "request_uri": kept["request_uri"], "authorization_details": asking(payment("9.00"))}
    page = await follow(browser, await browser.get("/oauth/authorize", params=changed))
    assert "<dd><bdi>3.00</bdi></dd>" in page.text
    got = (await redeem(browser, "web", answer_of(await decide(browser, page))["code"])).json()
    assert got["authorization_details"] == [payment("3.00")]


async def test_an_exchanged_token_takes_no_details_along(site: Service, browser: httpx.AsyncClient) -> None:
    exchange = "urn:ietf:params:oauth:grant-type:token-exchange"
    await site.application("gateway", grant_types=("authorization_code", exchange))
    mine = await bought(browser, accounts("read"), client_id="gateway", scope="project:read")
    form = {
        "grant_type": exchange,
        "subject_token": mine["access_token"],
        "subject_token_type": "urn:ietf:params:oauth:token-type:access_token",
    }
    got = (await browser.post("/oauth/token", data=form, auth=("gateway", SECRET))).json()
    assert (got["scope"], got.get("authorization_details")) == ("project:read", None)
    assert "authorization_details" not in await seen(browser, got["access_token"], "gateway")
