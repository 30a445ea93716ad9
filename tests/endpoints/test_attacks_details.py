"""Attacks on authorization details: details that grow, too much of them, and text that wants to be more than text."""

from collections.abc import AsyncIterator
from urllib.parse import quote

import httpx
import pytest

from app.store.database import Database
from tests.support import devices
from tests.support.details import TYPES, accounts, asking, bought, page_of, payment, record_of, seen, url
from tests.support.service import (
    SECRET,
    Service,
    answer_of,
    authorize_url,
    decide,
    obtain_code,
    redeem,
    service,
    sign_in,
)


@pytest.fixture(scope="module")
async def site(database: Database) -> AsyncIterator[Service]:
    """A bank: payments, which are asked for each time, and accounts, which are remembered."""
    async with service(database, authorization_details=TYPES) as running:
        for name in ("robin", "sam"):
            await running.user(name)
        await running.application("web")
        await running.application("tv", grant_types=(devices.GRANT_TYPE,), redirect_uris=())
        yield running


@pytest.fixture
async def browser(site: Service) -> AsyncIterator[httpx.AsyncClient]:
    """A browser without cookies."""
    async with site.browser() as fresh:
        yield fresh


@pytest.mark.spec("standards", "RA-6")
async def test_what_is_too_much_is_refused_before_it_is_read(browser: httpx.AsyncClient) -> None:
    long = asking(accounts(identifier="x" * 17_000))
    body = {"client_id": "web", "response_type": "code", "scope": "", "authorization_details": long}
    refused = answer_of(await browser.post("/oauth/authorize", data={**body, "code_challenge": "x"}))
    assert refused["error"] == "invalid_request"
    assert "authorization_details is longer than 16384" in refused["error_description"]


@pytest.mark.spec("standards", "RA-3")
@pytest.mark.spec("standards", "AR-5")
@pytest.mark.parametrize(
    "asked",
    [asking(payment("20.01")), asking(accounts("read", "pay")), asking(payment(to="Sam")), '[{"type": "cards"}]', "{"],
    ids=["more money", "more actions", "somebody else", "unknown type", "no JSON"],
)
async def test_details_grow_neither_with_a_code_nor_on_refresh_and_a_refused_request_uses_nothing_up(
    browser: httpx.AsyncClient, asked: str
) -> None:
    params = {"scope": None, "authorization_details": asking(payment("20.00"), accounts("read"))}
    code = await obtain_code(browser, "web", "robin", **params)
    refused = await redeem(browser, "web", code, authorization_details=asked)
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_authorization_details")
    got = (await redeem(browser, "web", code)).json()
    form = {"grant_type": "refresh_token", "refresh_token": got["refresh_token"], "authorization_details": asked}
    refused = await browser.post("/oauth/token", data=form, auth=("web", SECRET))
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_authorization_details")
    del form["authorization_details"]
    again = (await browser.post("/oauth/token", data=form, auth=("web", SECRET))).json()
    assert again["authorization_details"] == [payment("20.00"), accounts("read")]


@pytest.mark.spec("standards", "RA-6")
async def test_what_others_write_into_details_is_text_on_every_page(site: Service, browser: httpx.AsyncClient) -> None:
    await site.application("hostile")
    script = "</bdi><script>alert(1)</script>"
    objects = (payment(to=script), accounts(script, identifier='"><img src=x onerror=alert(1)>'))
    page = await page_of(browser, *objects, client_id="hostile")
    await decide(browser, page)
    record = await record_of(browser, "hostile")
    shown = await browser.get(f"/account/applications/{record['id']}")
    for text in (page.text, shown.text):
        assert "<script>alert" not in text
        assert "<img" not in text
        assert "&lt;script&gt;alert(1)" in text


@pytest.mark.spec("standards", "RA-6")
@pytest.mark.parametrize(
    "text",
    [
        "[" * 16_000,
        "[" + '{"type": "accounts", "actions": ' + "[" * 5000 + "]" * 5000 + "}]",
        "[" + ",".join(['{"type":"accounts"}'] * 700) + "]",
        '[{"type": "accounts", "identifier": ' + "9" * 5000 + "}]",
        '[{"type": "accounts", "identifier": ' + "9" * 400 + "}]",
        '[{"type": "accounts", "identifier": "\\u0000"}]',
        '[{"type": "accounts", "identifier": "\\ud800"}]',
    ],
    ids=["brackets", "deep", "many", "a long number", "a number beyond floats", "NUL", "half a character"],
)
async def test_json_that_wants_to_break_something_is_refused_everywhere(browser: httpx.AsyncClient, text: str) -> None:
    refused = answer_of(await browser.get(authorize_url("web", authorization_details=text)))
    assert refused["error"] == "invalid_authorization_details"
    begun = await devices.begin(browser, "tv", authorization_details=text)
    assert (begun.status_code, begun.json()["error"]) == (400, "invalid_authorization_details")
    code = await obtain_code(browser, "web", "robin", scope=None, authorization_details=asking(accounts()))
    answer = await redeem(browser, "web", code, authorization_details=text)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_authorization_details")


async def test_no_scope_is_taken_for_details_that_somebody_has_approved(
    site: Service, browser: httpx.AsyncClient
) -> None:
    await site.application("sly")
    await bought(browser, payment(), accounts("read"), client_id="sly")
    record = await record_of(browser, "sly")
    mine = {"Sec-Fetch-Site": "same-origin"}
    whole = (await browser.get(f"/api/v1/authorizations/{record['id']}", headers=mine)).json()
    for detail in whole["granted_details"]:
        refused = answer_of(await browser.get(authorize_url("sly", scope=f"detail:{detail['id']}")))
        assert refused["error"] == "invalid_scope"


async def test_what_one_application_was_allowed_is_asked_for_another_and_for_another_person(
    site: Service, browser: httpx.AsyncClient
) -> None:
    await site.application("first")
    await site.application("second")
    got = await bought(browser, accounts("read"), client_id="first")
    await bought(browser, accounts("list"), client_id="second")
    silent = answer_of(await browser.get(url(accounts("read"), client_id="second", prompt="none")))
    assert silent["error"] == "consent_required"
    form = {"grant_type": "refresh_token", "refresh_token": got["refresh_token"]}
    assert (await browser.post("/oauth/token", data=form, auth=("second", SECRET))).json()["error"] == "invalid_grant"
    async with site.browser() as other:
        await sign_in(other, "sam")
        silent = answer_of(await other.get(url(accounts("read"), client_id="first", prompt="none")))
        assert silent["error"] == "consent_required"
    assert (await seen(browser, got["access_token"], "first"))["authorization_details"] == [accounts("read")]


@pytest.mark.spec("standards", "RA-6")
async def test_nothing_that_is_agreed_to_hides_behind_a_long_list(site: Service, browser: httpx.AsyncClient) -> None:
    await site.application("wordy")
    page = await page_of(browser, accounts("read", *(f"{n:050}" for n in range(20)), "close"), client_id="wordy")
    assert f"{19:050}, close</bdi>" in page.text
    everything = await page_of(browser, accounts(actions=[]), client_id="wordy")
    assert "none named" in everything.text


@pytest.mark.spec("standards", "AR-6")
@pytest.mark.spec("standards", "AR-7")
async def test_what_was_taken_back_and_allowed_again_revives_no_token_that_rested_on_it(
    site: Service, browser: httpx.AsyncClient
) -> None:
    await site.application("lasting")
    wide, within = accounts("read", "list"), accounts("read")
    tokens = [await bought(browser, one, client_id="lasting") for one in (wide, within)]
    record = await record_of(browser, "lasting")
    mine = {"Sec-Fetch-Site": "same-origin"}
    mine |= {"X-CSRF-Token": (await browser.get("/api/v1/session", headers=mine)).json()["csrf"]}
    [detail] = (await browser.get(f"/api/v1/authorizations/{record['id']}", headers=mine)).json()["granted_details"]
    gone = await browser.delete(f"/api/v1/authorizations/{record['id']}/details/{quote(detail['id'])}", headers=mine)
    assert gone.status_code == 204
    await bought(browser, wide, client_id="lasting")
    for one in tokens:
        assert not (await seen(browser, one["access_token"], "lasting"))["active"]
        form = {"grant_type": "refresh_token", "refresh_token": one["refresh_token"]}
        assert (await browser.post("/oauth/token", data=form, auth=("lasting", SECRET))).status_code == 400


@pytest.mark.spec("standards", "AR-7")
async def test_no_payment_is_made_in_silence_however_often_an_equal_one_was_approved(
    browser: httpx.AsyncClient,
) -> None:
    await bought(browser, payment("20.00"))
    for further in ((payment("20.00"),), (payment("1.00"),), (payment("20.00"), accounts("read"))):
        assert answer_of(await browser.get(url(*further, prompt="none")))["error"] == "consent_required"


@pytest.mark.spec("standards", "RA-2")
async def test_a_type_that_wants_to_be_more_than_a_name_is_told_as_text(browser: httpx.AsyncClient) -> None:
    name = 'a"b\\c\u00e9\u2603<script>'
    refused = answer_of(await browser.get(authorize_url("web", authorization_details=f'[{{"type": "{name}"}}]')))
    assert refused["error"] == "invalid_authorization_details"
    assert refused["error_description"].isascii()
    assert not {'"', "\\"} & set(refused["error_description"])
