"""POST /oauth/bc-authorize at the wire: who may ask, and what he is answered (CIBA §7)."""

from typing import Any

import asyncpg
import httpx
import pytest

from app.protocol.authorize.backchannel import LONGEST_MESSAGE
from app.protocol.ciba import PATH
from app.protocol.features import Feature
from app.store import traces
from app.store.database import Database
from tests.endpoints.test_budgets import remembering, trips_of
from tests.support import elsewhere as flow
from tests.support.asking_site import client as client
from tests.support.asking_site import site as site
from tests.support.assertions import claims_of, form, key_of, signed
from tests.support.database import FreshDatabase
from tests.support.elsewhere import GRANT_TYPE, NOTIFICATION_TOKEN
from tests.support.jose import b64
from tests.support.service import ISSUER, SECRET, Service, service


def error_of(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]


@pytest.mark.spec("standards", "CB-1")
@pytest.mark.spec("standards", "CB-5")
@pytest.mark.spec("standards", "CB-7")
async def test_whoever_asks_gets_tokens_once_the_person_has_approved(site: Service, client: httpx.AsyncClient) -> None:
    answer = await flow.ask(client, "desk", scope="openid project:read", binding_message="4711")
    content = answer.json()
    assert answer.status_code == 200, answer.text
    assert answer.headers["cache-control"] == "no-store"
    assert (content["expires_in"], content["interval"]) == (300, 5)
    auth_req_id = content["auth_req_id"]
    assert len(auth_req_id) > 70  # 256 random bits
    assert set(auth_req_id) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-_")
    waiting = await flow.waiting_for(site, auth_req_id)
    assert waiting is not None
    assert (waiting.asked.binding_message, waiting.wanted.scopes) == ("4711", ("openid", "project:read"))
    assert error_of(await flow.poll(client, "desk", auth_req_id)) == (400, "authorization_pending")
    assert await flow.approve(site, auth_req_id, acr="urn:assent:acr:password")
    got = await flow.poll(client, "desk", auth_req_id)
    assert got.status_code == 200, got.text
    assert got.headers["cache-control"] == "no-store"
    tokens = got.json()
    assert (tokens["token_type"], tokens["scope"]) == ("Bearer", "openid project:read")
    assert error_of(await flow.poll(client, "desk", auth_req_id)) == (400, "invalid_grant")
    renewed = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
    assert (await client.post("/oauth/token", data=renewed, auth=("desk", SECRET))).status_code == 200


@pytest.mark.parametrize(
    ("client_id", "secret", "error"),
    [
        pytest.param("desk", "wrong", (401, "invalid_client"), id="wrong secret"),
        pytest.param("desk", None, (401, "invalid_client"), id="no secret"),
        pytest.param("nobody", SECRET, (401, "invalid_client"), id="unknown client"),
        pytest.param("open", None, (400, "unauthorized_client"), id="public client"),
        pytest.param("web", SECRET, (400, "unauthorized_client"), id="not registered for it"),
        pytest.param("pushed", SECRET, (400, "unauthorized_client"), id="push"),
        pytest.param("modeless", SECRET, (400, "unauthorized_client"), id="without a delivery mode"),
    ],
)
@pytest.mark.spec("standards", "CB-1")
@pytest.mark.spec("standards", "CB-6")
@pytest.mark.spec("standards", "CB-9")
async def test_who_may_not_ask(
    client: httpx.AsyncClient, client_id: str, secret: str | None, error: tuple[int, str]
) -> None:
    assert error_of(await flow.ask(client, client_id, secret)) == error


@pytest.mark.parametrize("audience", [ISSUER, f"{ISSUER}/oauth/token", f"{ISSUER}{PATH}"])
@pytest.mark.spec("standards", "CB-2")
async def test_an_assertion_may_name_the_issuer_or_either_endpoint(
    site: Service, client: httpx.AsyncClient, audience: str
) -> None:
    assertion = form(signed(claims_of("both", audience, site.clock()), key_of("signer")))
    data = {"client_id": "both", "scope": "openid", "login_hint": "robin", **assertion}
    assert (await client.post(PATH, data=data)).status_code == 200


@pytest.mark.parametrize(
    ("client_id", "params", "error"),
    [
        pytest.param("desk", {"scope": "project:read"}, "invalid_scope", id="without openid"),
        pytest.param("desk", {"scope": ""}, "invalid_scope", id="without a scope"),
        pytest.param("desk", {"login_hint": ""}, "invalid_request", id="no hint"),
        pytest.param("desk", {"login_hint": "robin", "id_token_hint": "x"}, "invalid_request", id="two hints"),
        pytest.param("desk", {"login_hint": "x" * 301}, "unknown_user_id", id="a name too long for anybody"),
        pytest.param("desk", {"id_token_hint": "x"}, "invalid_request", id="no ID token"),
        pytest.param("desk", {"login_hint_token": "x"}, "unknown_user_id", id="no JWT"),
        pytest.param("desk", {"requested_expiry": "0"}, "invalid_request", id="no time"),
        pytest.param("desk", {"requested_expiry": "-5"}, "invalid_request", id="time that is past"),
        pytest.param("desk", {"requested_expiry": "soon"}, "invalid_request", id="time in words"),
        pytest.param("desk", {"resource": "https://no.example"}, "invalid_target", id="unknown resource"),
        pytest.param("desk", {"scope": ["openid", "openid"]}, "invalid_request", id="scope twice"),
        pytest.param(
            "desk", {"binding_message": "x" * (LONGEST_MESSAGE + 1)}, "invalid_binding_message", id="long message"
        ),
        pytest.param("desk", {"binding_message": "a\nb"}, "invalid_binding_message", id="two lines"),
        pytest.param("desk", {"binding_message": "a\u202eb"}, "invalid_binding_message", id="turned around"),
        pytest.param("till", {}, "invalid_request", id="ping without a token"),
        pytest.param("till", {"client_notification_token": "short"}, "invalid_request", id="token to be guessed"),
        pytest.param("till", {"client_notification_token": "a" * 1025}, "invalid_request", id="endless token"),
        pytest.param("till", {"client_notification_token": "a b" * 10}, "invalid_request", id="no token68"),
        pytest.param("desk", {"authorization_details": "[{}]"}, "invalid_authorization_details", id="wrong details"),
        pytest.param("desk", {"grant_management_action": "steal"}, "invalid_request", id="unknown action"),
    ],
)
@pytest.mark.spec("standards", "CB-3")
@pytest.mark.spec("standards", "CB-6")
@pytest.mark.spec("standards", "CB-11")
async def test_what_cannot_be_asked(
    client: httpx.AsyncClient, client_id: str, params: dict[str, str | list[str]], error: str
) -> None:
    assert error_of(await flow.ask(client, client_id, **params)) == (400, error)


@pytest.mark.parametrize(
    ("wished", "waits"), [pytest.param("60", 60, id="less"), pytest.param("999999999", 300, id="more than there is")]
)
@pytest.mark.spec("standards", "CB-3")
async def test_a_client_may_wait_less_and_not_longer(client: httpx.AsyncClient, wished: str, waits: int) -> None:
    assert (await flow.ask(client, "desk", requested_expiry=wished)).json()["expires_in"] == waits


async def test_what_has_no_meaning_here_is_passed_over(client: httpx.AsyncClient) -> None:
    sent = {"claims": "no JSON", "user_code": "1234", "prompt": "nonsense", "client_notification_token": "short"}
    assert (await flow.ask(client, "desk", **sent)).status_code == 200


@pytest.mark.spec("standards", "CB-8")
async def test_what_a_client_is_pinged_with_is_kept_sealed(site: Service, client: httpx.AsyncClient) -> None:
    auth_req_id = await flow.asked(client, "till", client_notification_token=NOTIFICATION_TOKEN)
    assert await flow.approve(site, auth_req_id)
    [call] = await flow.calls(site)
    assert (call.whom, call.status, call.requests.ciba_endpoint) == (
        "client",
        "approved",
        "https://client.example/ping",
    )
    assert call.notification is not None
    assert NOTIFICATION_TOKEN.encode() not in call.notification
    known = flow.notification(site, call)
    assert known is not None
    assert (known.auth_req_id, known.token) == (auth_req_id, NOTIFICATION_TOKEN)
    assert (await flow.poll(client, "till", auth_req_id)).status_code == 200


def request_object(site: Service, client_id: str = "signer", key: str = "signer", **changes: Any) -> str:
    """A signed request for robin; a change to None leaves a claim out."""
    claims = claims_of(client_id, ISSUER, site.clock(), sub=None, nbf=int(site.clock().timestamp()))
    said = {**claims, "scope": "openid", "login_hint": "robin", **changes}
    return signed({name: value for name, value in said.items() if value is not None}, key_of(key))


async def send_signed(
    site: Service, client: httpx.AsyncClient, request: str, client_id: str = "signer", **beside: str
) -> httpx.Response:
    assertion = form(signed(claims_of(client_id, ISSUER, site.clock()), key_of("signer")))
    return await client.post(PATH, data={"client_id": client_id, "request": request, **assertion, **beside})


@pytest.mark.spec("standards", "CB-4")
async def test_a_signed_request_has_everything_inside_and_counts_once(site: Service, client: httpx.AsyncClient) -> None:
    request = request_object(site, binding_message="4711", requested_expiry=60)
    answer = await send_signed(site, client, request)
    assert answer.status_code == 200, answer.text
    assert answer.json()["expires_in"] == 60
    waiting = await flow.waiting_for(site, answer.json()["auth_req_id"])
    assert waiting is not None
    assert waiting.asked.binding_message == "4711"
    assert error_of(await send_signed(site, client, request)) == (400, "invalid_request")


@pytest.mark.parametrize("claim", ["iss", "aud", "exp", "iat", "nbf", "jti"])
@pytest.mark.spec("standards", "CB-4")
async def test_a_signed_request_says_whose_and_when_it_is(site: Service, client: httpx.AsyncClient, claim: str) -> None:
    claims = claims_of("signer", ISSUER, site.clock(), sub=None, nbf=int(site.clock().timestamp()))
    given = {
        name: value for name, value in {**claims, "scope": "openid", "login_hint": "robin"}.items() if name != claim
    }
    answer = await send_signed(site, client, signed(given, key_of("signer")))
    assert error_of(answer) == (400, "invalid_request")


@pytest.mark.spec("standards", "CB-4")
async def test_a_signed_request_that_is_not_the_clients_own_or_not_alone(
    site: Service, client: httpx.AsyncClient
) -> None:
    foreign = request_object(site, key="stranger")
    assert error_of(await send_signed(site, client, foreign)) == (400, "invalid_request")
    anothers = request_object(site, iss="both")
    assert error_of(await send_signed(site, client, anothers)) == (400, "invalid_request")
    late = request_object(site, exp=int(site.clock().timestamp()) - 60)
    assert error_of(await send_signed(site, client, late)) == (400, "invalid_request")
    beside = await send_signed(site, client, request_object(site), login_hint="sam")
    assert error_of(beside) == (400, "invalid_request")
    secret = b64({"alg": "HS256"}) + "." + b64({"scope": "openid"}) + ".AAAA"
    assert error_of(await send_signed(site, client, secret)) == (400, "invalid_request")


@pytest.mark.spec("standards", "CB-4")
async def test_who_registered_an_algorithm_signs(site: Service, client: httpx.AsyncClient) -> None:
    plain = {"scope": "openid", "login_hint": "robin"}
    assertion = form(signed(claims_of("signer", ISSUER, site.clock()), key_of("signer")))
    answer = await client.post(PATH, data={"client_id": "signer", **plain, **assertion})
    assert error_of(answer) == (400, "invalid_request")
    assert (await send_signed(site, client, request_object(site, "both"), "both")).status_code == 200


@pytest.mark.parametrize(
    ("client_id", "params", "outcome", "failed"),
    [
        pytest.param("desk", {}, "backchannel request", [], id="asked"),
        pytest.param("desk", {"scope": "x"}, "refused: invalid_scope", ["scope"], id="scope"),
        pytest.param("desk", {"login_hint": ""}, "refused: invalid_request", ["hint"], id="hint"),
        pytest.param("desk", {"login_hint_token": "x"}, "refused: unknown_user_id", ["request"], id="person"),
        pytest.param("web", {}, "refused: unauthorized_client", ["grant type"], id="not registered for it"),
    ],
)
async def test_an_operator_can_read_what_was_decided_about_a_request(
    site: Service, client: httpx.AsyncClient, client_id: str, params: dict[str, str], outcome: str, failed: list[str]
) -> None:
    answer = await flow.ask(client, client_id, **params)
    await site.server.traces.flush()
    [entry] = await traces.find(site.database, answer.headers["x-request-id"])
    assert (entry.endpoint, entry.client_id, entry.outcome) == ("ciba", client_id, outcome)
    assert [step.check for step in entry.steps if step.outcome == "refused"] == failed


async def test_asking_and_polling_keep_their_budgets(site: Service, client: httpx.AsyncClient) -> None:
    with remembering(site.database.applications):
        await flow.asked(client, "desk")
        trips = await trips_of(flow.ask(client, "desk"))
        assert [trip for trip in trips if trip in ("find_asked_person", "place_backchannel")] == trips[:1] + trips[-1:]
        assert len(trips) == 4  # whom it means, two counters, the request
        auth_req_id = await flow.asked(client, "desk")
        polled = await trips_of(flow.poll(client, "desk", auth_req_id), 400)
        assert polled == ["gather_backchannel_alone", "note_backchannel_poll"]
        assert await flow.approve(site, auth_req_id)
        paid = await trips_of(flow.poll(client, "desk", auth_req_id))
        assert paid == ["gather_backchannel_alone", "settle_backchannel"]


@pytest.mark.spec("standards", "CB-10")
@pytest.mark.spec("standards", "A7.1 backchannel_authentication_endpoint")
async def test_the_metadata_tells_where_and_how(client: httpx.AsyncClient) -> None:
    document = (await client.get("/.well-known/openid-configuration")).json()
    assert document["backchannel_authentication_endpoint"] == f"{ISSUER}{PATH}"
    assert document["backchannel_token_delivery_modes_supported"] == ["poll", "ping"]
    assert "ES256" in document["backchannel_authentication_request_signing_alg_values_supported"]
    assert "HS256" not in document["backchannel_authentication_request_signing_alg_values_supported"]
    assert document["backchannel_user_code_parameter_supported"] is False
    assert GRANT_TYPE in document["grant_types_supported"]


async def test_switched_off_there_is_nothing_of_it(database: Database) -> None:
    features = {Feature.BACKCHANNEL_AUTHENTICATION.key: False}
    async with service(database, features=features) as off, off.browser() as browser:
        assert (await flow.ask(browser, "desk")).status_code == 404
        document = (await browser.get("/.well-known/openid-configuration")).json()
        assert not [name for name in document if name.startswith("backchannel_") and "logout" not in name]
        assert GRANT_TYPE not in document["grant_types_supported"]


@pytest.mark.spec("standards", "CB-5")
async def test_the_database_knows_no_secret(
    site: Service, client: httpx.AsyncClient, fresh_database: FreshDatabase
) -> None:
    auth_req_id = await flow.asked(client, "till", client_notification_token=NOTIFICATION_TOKEN)
    assert await flow.approve(site, auth_req_id)
    assert (await flow.poll(client, "till", auth_req_id)).status_code == 200
    await site.server.traces.flush()
    connection = await asyncpg.connect(fresh_database.superuser_url)
    try:
        kept = ""
        for table in ("backchannel_request", "audit", "decision_trace", "failure"):
            rows = await connection.fetch(f"select t::text from {table} t")
            kept += " ".join(row[0] for row in rows)
    finally:
        await connection.close()
    assert "backchannel_request.made" in kept
    assert auth_req_id not in kept
    assert NOTIFICATION_TOKEN not in kept
