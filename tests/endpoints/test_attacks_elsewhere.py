"""Attacks on requests to people elsewhere (CIBA): who finds out what, who is bombed, who takes what is another's."""

import asyncio
import base64

import httpx
import pytest
from sqlalchemy import text

from app.crypto import jose
from tests.endpoints.test_bc_authorize import error_of
from tests.endpoints.test_budgets import trips_of
from tests.support import elsewhere as flow
from tests.support.asking_site import client as client
from tests.support.asking_site import site as site
from tests.support.delegation import IDP
from tests.support.details import asking, payment
from tests.support.service import Service, fields_of, sign_in


async def names_of(site: Service, username: str) -> list[str]:
    """Return everything that a person can be named by."""
    async with site.database.transaction() as transaction:
        [row] = await transaction.execute(
            text("select username, email, sub from user_account where username = :name"), {"name": username}
        )
        return list(row)


async def asked_by_all_names(site: Service, client: httpx.AsyncClient, client_id: str, username: str) -> list[str]:
    """Let an application ask for a person by each of his names as often as it is let."""
    answers = [
        await flow.ask(client, client_id, login_hint=name) for name in await names_of(site, username) for _ in range(11)
    ]
    return [answer.json()["auth_req_id"] for answer in answers if answer.status_code == 200]


async def reached(site: Service, ids: list[str], username: str) -> int:
    """Return how many of these requests the person is asked by."""
    person = await flow.account(site, username)
    waiting = {one.request.id for one in await site.database.backchannel.waiting_for(person.id, site.clock())}
    return len(waiting & {flow.id_of(one) for one in ids})


@pytest.mark.spec("standards", "CB-11")
async def test_a_stranger_who_asks_by_every_name_does_not_keep_a_connected_application_from_a_person(
    site: Service, client: httpx.AsyncClient
) -> None:
    assert await flow.approve(site, await flow.asked(client, "desk", login_hint="sam"), "sam")
    flood = await asked_by_all_names(site, client, "other", "sam")
    assert (len(flood), await reached(site, flood, "sam")) == (30, 20)
    wanted = await flow.asked(client, "desk", login_hint="sam")
    assert await reached(site, [wanted], "sam") == 1
    stranger = await flow.asked(client, "shop", login_hint="sam")
    assert await reached(site, [stranger], "sam") == 0


@pytest.mark.spec("standards", "CB-11")
async def test_an_application_that_a_person_has_connected_asks_him_no_oftener_by_all_his_names(
    site: Service, client: httpx.AsyncClient
) -> None:
    assert await flow.approve(site, await flow.asked(client, "desk", login_hint="kim"), "kim")
    flood = await asked_by_all_names(site, client, "desk", "kim")
    assert await reached(site, flood, "kim") == 10


@pytest.mark.spec("standards", "CB-11")
async def test_nobody_learns_that_a_person_is_asked_no_more(site: Service, client: httpx.AsyncClient) -> None:
    """Neither by an answer nor by what is done for it: it would tell which names are one person's."""
    await asked_by_all_names(site, client, "other", "sam")
    trips = [tuple(await trips_of(flow.ask(client, "desk", login_hint=name))) for name in ("sam", "kim", "nobody")]
    assert len(set(trips)) == 1


@pytest.mark.spec("standards", "CB-11")
async def test_many_requests_at_one_moment_are_no_way_around_the_limits(
    site: Service, client: httpx.AsyncClient
) -> None:
    answers = await asyncio.gather(*(flow.ask(client, "desk") for _ in range(20)))
    assert sorted(answer.status_code for answer in answers) == [200] * 10 + [403] * 10


@pytest.mark.spec("standards", "CB-11")
@pytest.mark.parametrize(
    "message",
    ["\u3164\u3164", "\u2800", "pay\u034f20", "pay\U000e010020", "pay\u200b20", "\u00a0", "a\u0301\u0301\u0301\u0301"],
    ids=["filler", "blank braille", "joiner", "selector", "zero width", "space", "stacked marks"],
)
async def test_a_binding_message_shows_all_that_it_has(client: httpx.AsyncClient, message: str) -> None:
    assert error_of(await flow.ask(client, "desk", binding_message=message)) == (400, "invalid_binding_message")


@pytest.mark.spec("standards", "CB-11")
@pytest.mark.parametrize("message", ["Zahlung über 20 € – Café", "支払い", "תשלום 20", "ชำระเงิน ✔️ 20"])
async def test_a_binding_message_may_be_in_any_script(client: httpx.AsyncClient, message: str) -> None:
    assert (await flow.ask(client, "desk", binding_message=message)).status_code == 200


@pytest.mark.spec("standards", "CB-7")
async def test_an_id_is_worth_nothing_to_another_client_and_its_polls_change_nothing(
    site: Service, client: httpx.AsyncClient
) -> None:
    auth_req_id = await flow.asked(client, "desk")
    for _ in range(3):
        assert error_of(await flow.poll(client, "other", auth_req_id)) == (400, "invalid_grant")
    public = {"grant_type": flow.GRANT_TYPE, "auth_req_id": auth_req_id, "client_id": "desk"}
    assert error_of(await client.post("/oauth/token", data=public)) == (401, "invalid_client")
    assert error_of(await flow.poll(client, "desk", auth_req_id)) == (400, "authorization_pending")
    assert await flow.approve(site, auth_req_id)
    assert error_of(await flow.poll(client, "other", auth_req_id)) == (400, "invalid_grant")
    forged = f"{auth_req_id[:-8]}AAAAAAAA"
    assert error_of(await flow.poll(client, "desk", forged)) == (400, "invalid_grant")
    assert (await flow.poll(client, "desk", auth_req_id)).status_code == 200


@pytest.mark.spec("standards", "CB-7")
async def test_of_many_who_redeem_at_once_one_gets_tokens(site: Service, client: httpx.AsyncClient) -> None:
    auth_req_id = await flow.asked(client, "desk")
    assert await flow.approve(site, auth_req_id)
    answers = await asyncio.gather(*(flow.poll(client, "desk", auth_req_id) for _ in range(20)))
    assert sorted(answer.status_code for answer in answers) == [200] + [400] * 19


@pytest.mark.spec("standards", "CB-7")
async def test_approving_and_denying_at_once_ends_in_one_of_both(site: Service, client: httpx.AsyncClient) -> None:
    auth_req_id = await flow.asked(client, "desk")
    waiting = await flow.waiting_for(site, auth_req_id)
    assert waiting is not None
    votes = [flow.decide_as(site, waiting, "robin", approves=place % 2 == 0) for place in range(20)]
    counted = await asyncio.gather(*votes)
    assert sum(counted) == 1
    answer = await flow.poll(client, "desk", auth_req_id)
    assert answer.status_code == (200 if counted.index(True) % 2 == 0 else 400)


@pytest.mark.spec("standards", "CB-7")
async def test_what_was_approved_can_be_withdrawn_before_it_is_redeemed(
    site: Service, client: httpx.AsyncClient
) -> None:
    by_record = await flow.asked(client, "desk", login_hint="kim")
    assert await flow.approve(site, by_record, "kim")
    async with site.browser() as browser:
        await sign_in(browser, "kim")
        mine = {"Sec-Fetch-Site": "same-origin"}
        listed = (await browser.get("/api/v1/authorizations", headers=mine)).json()["items"]
        for record in listed:
            path = f"/account/applications/{record['id']}/disconnect"
            await browser.post(path, data=fields_of(await browser.get(path)))
    assert error_of(await flow.poll(client, "desk", by_record)) == (400, "invalid_grant")
    await site.user("alex")
    by_person = await flow.asked(client, "desk", login_hint="alex")
    assert await flow.approve(site, by_person, "alex")
    await flow.disable(site, (await flow.account(site, "alex")).id)
    assert error_of(await flow.poll(client, "desk", by_person)) == (400, "invalid_grant")


@pytest.mark.spec("standards", "CB-7")
async def test_a_decision_after_the_end_is_none(site: Service, client: httpx.AsyncClient) -> None:
    auth_req_id = await flow.asked(client, "desk")
    waiting = await flow.waiting_for(site, auth_req_id)
    assert waiting is not None
    site.clock.forward(300)
    assert not await flow.decide_as(site, waiting, "robin", approves=True)
    assert error_of(await flow.poll(client, "desk", auth_req_id)) == (400, "expired_token")


async def test_what_was_approved_on_a_phone_is_in_the_trail_with_its_details(
    site: Service, client: httpx.AsyncClient
) -> None:
    auth_req_id = await flow.asked(client, "desk", authorization_details=asking(payment("12.00")))
    assert await flow.approve(site, auth_req_id)
    async with site.database.transaction() as transaction:
        rows = await transaction.execute(
            text(
                "select data -> 'details' from audit where event = 'authorization.granted' and data ->> 'request' = :id"
            ),
            {"id": str(flow.id_of(auth_req_id))},
        )
        assert [row[0] for row in rows] == [[payment("12.00")]]


@pytest.mark.spec("standards", "CB-3")
@pytest.mark.parametrize("header", [{"alg": "none"}, {"alg": "HS256"}, {"alg": "ES256", "kid": "unknown"}])
async def test_an_id_token_that_nobody_here_signed_names_nobody(
    site: Service, client: httpx.AsyncClient, header: dict[str, str]
) -> None:
    auth_req_id = await flow.asked(client, "desk")
    assert await flow.approve(site, auth_req_id)
    id_token = (await flow.poll(client, "desk", auth_req_id)).json()["id_token"]
    assert (await flow.ask(client, "desk", id_token_hint=id_token)).status_code == 200
    _, claims, signature = id_token.split(".")
    head = base64.urlsafe_b64encode(str(header).replace("'", '"').encode()).rstrip(b"=").decode()
    for forged in (f"{head}.{claims}.", f"{head}.{claims}.{signature}"):
        assert error_of(await flow.ask(client, "desk", id_token_hint=forged)) == (400, "invalid_request")


@pytest.mark.spec("standards", "ID-1")
async def test_the_id_token_says_nothing_of_a_browser_and_carries_no_nonce_that_somebody_sends(
    site: Service, client: httpx.AsyncClient
) -> None:
    auth_req_id = await flow.asked(client, "desk", nonce="somebody's", state="x", redirect_uri="https://evil.example")
    assert await flow.approve(site, auth_req_id, acr="urn:assent:acr:password")
    claims = dict(jose.peek((await flow.poll(client, "desk", auth_req_id)).json()["id_token"]).claims)
    assert {"sid", "nonce"}.isdisjoint(claims)
    assert {"auth_time", "acr", "amr", "aud"} <= claims.keys()


@pytest.mark.spec("standards", "CB-3")
@pytest.mark.spec("standards", "JB-2")
async def test_a_login_hint_token_names_somebody_once_however_many_show_it(
    site: Service, client: httpx.AsyncClient
) -> None:
    hint = IDP.says(int(site.clock().timestamp()), sub="sam", jti="once")
    answers = await asyncio.gather(*(flow.ask(client, "desk", login_hint_token=hint) for _ in range(20)))
    assert sorted(answer.status_code for answer in answers) == [200] + [400] * 19
    assert error_of(await flow.ask(client, "desk", login_hint_token=hint)) == (400, "unknown_user_id")


@pytest.mark.spec("standards", "CB-3")
@pytest.mark.parametrize("client_id", ["desk", "shop"], ids=["public", "pairwise"])
async def test_nobody_is_asked_in_the_place_of_another_whose_subject_he_has_chosen_as_his_name(
    site: Service, client: httpx.AsyncClient, client_id: str
) -> None:
    auth_req_id = await flow.asked(client, client_id, login_hint="kim")
    assert await flow.approve(site, auth_req_id, "kim")
    subject = flow.claims_of((await flow.poll(client, client_id, auth_req_id)).json()["id_token"])["sub"]
    await site.user(subject)
    named = await flow.asked(client, client_id, login_hint=subject)
    assert await flow.waiting_for(site, named, subject.casefold()) is None
    assert await flow.waiting_for(site, named, "kim") is not None


@pytest.mark.spec("standards", "A1-5")
async def test_no_other_site_can_put_a_decision_into_a_frame_or_make_it(
    site: Service, client: httpx.AsyncClient
) -> None:
    auth_req_id = await flow.asked(client, "desk", binding_message="</bdi><script>alert(1)</script>")
    path = f"/approvals/{flow.id_of(auth_req_id)}"
    async with site.browser() as browser:
        await sign_in(browser, "robin")
        for place in (path, "/approvals"):
            page = await browser.get(place)
            assert "frame-ancestors 'none'" in page.headers["content-security-policy"]
            assert page.headers["cache-control"] == "no-store"
            assert "<script>alert" not in page.text
        filled = {**fields_of(await browser.get(path)), "decision": "approve"}
        for headers in ({"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
            assert (await browser.post(path, data=filled, headers=headers)).status_code == 403
        assert (await browser.post(path, data={**filled, "csrf": "x"})).status_code == 403
        assert (await browser.get(path, params=filled)).status_code == 200
    assert error_of(await flow.poll(client, "desk", auth_req_id)) == (400, "authorization_pending")


@pytest.mark.spec("standards", "CB-12")
@pytest.mark.spec("standards", "GM-3")
async def test_one_request_makes_one_grant_however_often_it_is_approved_at_once(
    site: Service, client: httpx.AsyncClient
) -> None:
    await site.user("max")
    auth_req_id = await flow.asked(client, "desk", login_hint="max", grant_management_action="create")
    waiting = await flow.waiting_for(site, auth_req_id, "max")
    assert waiting is not None
    counted = await asyncio.gather(*(flow.decide_as(site, waiting, "max", approves=True) for _ in range(20)))
    assert sum(counted) == 1
    async with site.database.transaction() as transaction:
        made = await transaction.execute(
            text('select count(*) from "authorization" a join user_account u on u.id = a.user_id where username = :it'),
            {"it": "max"},
        )
        assert made.scalar_one() == 1
