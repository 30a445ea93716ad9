"""Whom a client means, who is asked and what comes of his decision, at the wire (CIBA §7.1, §10.1)."""

import httpx
import pytest
from sqlalchemy import text

from app.models import Application
from app.protocol.ciba import PATH
from tests.endpoints.test_budgets import remembering, trips_of
from tests.support import elsewhere as flow
from tests.support.asking_site import ES256
from tests.support.asking_site import client as client
from tests.support.asking_site import site as site
from tests.support.credentials import change
from tests.support.delegation import IDP, STRANGER
from tests.support.details import asking, payment
from tests.support.dpop import Holder
from tests.support.elsewhere import NOTIFICATION_TOKEN, POLLING
from tests.support.service import ISSUER, SECRET, Service
from tests.support.signing import keep_keys


def error_of(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]


async def id_token_of(site: Service, username: str, client_id: str) -> str:
    """Return an ID token of a person that a client got by asking him."""
    async with site.browser() as client:
        auth_req_id = await flow.asked(client, client_id, login_hint=username)
        assert await flow.approve(site, auth_req_id, username)
        return str((await flow.poll(client, client_id, auth_req_id)).json()["id_token"])


@pytest.mark.parametrize(
    "named",
    [
        pytest.param("robin", id="username"),
        pytest.param(" ROBIN ", id="as people type"),
        pytest.param("Robin@Example.com", id="email"),
    ],
)
@pytest.mark.spec("standards", "CB-3")
async def test_a_person_is_named_as_he_signs_in(site: Service, client: httpx.AsyncClient, named: str) -> None:
    assert await flow.approve(site, await flow.asked(client, "desk", login_hint=named))


@pytest.mark.parametrize("client_id", [pytest.param("desk", id="public"), pytest.param("shop", id="pairwise")])
@pytest.mark.spec("standards", "CB-3")
async def test_a_person_is_named_by_what_the_client_has_of_him(
    site: Service, client: httpx.AsyncClient, client_id: str
) -> None:
    hint = await id_token_of(site, "sam", client_id)
    site.clock.forward(86_400)  # it counts as a hint after its end, too
    await keep_keys(site.server)
    assert await flow.approve(site, await flow.asked(client, client_id, id_token_hint=hint), "sam")
    subject = flow.claims_of(hint)["sub"]
    assert await flow.approve(site, await flow.asked(client, client_id, login_hint=subject), "sam")


@pytest.mark.spec("standards", "CB-3")
@pytest.mark.spec("standards", "CB-6")
async def test_an_id_token_of_another_client_says_nothing(site: Service, client: httpx.AsyncClient) -> None:
    hint = await id_token_of(site, "sam", "desk")
    assert error_of(await flow.ask(client, "other", id_token_hint=hint)) == (400, "unknown_user_id")
    pairwise = flow.claims_of(await id_token_of(site, "sam", "shop"))["sub"]
    own = flow.claims_of(hint)["sub"]
    for client_id, subject in (("desk", pairwise), ("shop", own)):  # neither name is one that this client knows
        auth_req_id = await flow.asked(client, client_id, login_hint=subject)
        assert await flow.waiting_for(site, auth_req_id, "sam") is None


@pytest.mark.spec("standards", "CB-3")
@pytest.mark.spec("standards", "CB-6")
async def test_a_trusted_issuer_may_name_a_person(site: Service, client: httpx.AsyncClient) -> None:
    now = int(site.clock().timestamp())
    auth_req_id = await flow.asked(client, "desk", login_hint_token=IDP.says(now, sub="sam"))
    assert await flow.approve(site, auth_req_id, "sam")
    over = IDP.says(now - 7_200, sub="sam")
    assert error_of(await flow.ask(client, "desk", login_hint_token=over)) == (400, "expired_login_hint_token")
    for client_id, token in (
        ("desk", STRANGER.says(now)),
        ("desk", IDP.says(now, exp=None)),
        ("desk", IDP.says(now, exp="soon")),
        ("desk", IDP.says(now, sub="x" * 301)),
        ("other", IDP.says(now)),
        ("other", over),
    ):
        assert error_of(await flow.ask(client, client_id, login_hint_token=token)) == (400, "unknown_user_id")
    nobody = await flow.ask(client, "desk", login_hint_token=IDP.says(now, sub="nobody"))
    assert nobody.status_code == 200


@pytest.mark.spec("standards", "CB-11")
async def test_nobody_learns_who_has_an_account(site: Service, client: httpx.AsyncClient) -> None:
    """Known, unknown and disabled: the same answer, the same statements, and the same when he is asked too often."""
    disabled = await site.user("casey")
    await flow.disable(site, disabled)
    names = ("kim", "nobody-at-all", "casey", "kim\x07")
    trips = {tuple(await trips_of(flow.ask(client, "desk", login_hint=name))) for name in names[:3]}
    assert len(trips) == 1
    answers = {name: [(await flow.ask(client, "other", login_hint=name)) for _ in range(12)] for name in names}
    told = {name: [(answer.status_code, sorted(answer.json())) for answer in got] for name, got in answers.items()}
    assert told["kim"] == told["nobody-at-all"] == told["casey"] == told["kim\x07"]
    assert [status for status, _ in told["kim"]] == [200] * 10 + [403] * 2
    refused = answers["kim"][-1]
    assert (refused.json()["error"], refused.headers["retry-after"]) == ("access_denied", "600")
    polled = [(await flow.poll(client, "other", answers[name][0].json()["auth_req_id"])).json() for name in names]
    assert polled[0] == polled[1] == polled[2] == polled[3]
    assert polled[0]["error"] == "authorization_pending"


@pytest.mark.spec("standards", "CB-11")
async def test_what_a_person_approves_does_not_count_as_a_nuisance(site: Service, client: httpx.AsyncClient) -> None:
    for _ in range(12):
        assert await flow.approve(site, await flow.asked(client, "desk"))
    for _ in range(10):
        assert await flow.deny(site, await flow.asked(client, "desk"))
    assert error_of(await flow.ask(client, "desk")) == (403, "access_denied")
    site.clock.forward(600)
    assert (await flow.ask(client, "desk")).status_code == 200


@pytest.mark.spec("standards", "CB-11")
async def test_a_person_whom_too_many_ask_is_left_in_peace(site: Service, client: httpx.AsyncClient) -> None:
    for client_id in ("desk", "other"):
        for _ in range(10):
            await flow.asked(client, client_id, login_hint="kim@example.com")
    kim = await flow.account(site, "kim")
    assert len(await site.database.backchannel.waiting_for(kim.id, site.clock())) == 20
    token = {"client_notification_token": NOTIFICATION_TOKEN}
    unheard = await flow.asked(client, "till", login_hint="kim", **token)
    assert await flow.waiting_for(site, unheard, "kim") is None
    assert error_of(await flow.poll(client, "till", unheard)) == (400, "authorization_pending")


@pytest.mark.spec("standards", "CB-12")
async def test_a_client_may_ask_for_a_grant_of_its_own(site: Service, client: httpx.AsyncClient) -> None:
    auth_req_id = await flow.asked(client, "desk", grant_management_action="create", scope="openid project:read")
    assert await flow.approve(site, auth_req_id)
    made = (await flow.poll(client, "desk", auth_req_id)).json()
    grown = await flow.asked(
        client, "desk", grant_management_action="merge", grant_id=made["grant_id"], scope="openid event:read"
    )
    assert await flow.approve(site, grown)
    assert (await flow.poll(client, "desk", grown)).json()["grant_id"] == made["grant_id"]
    for client_id, named in (("desk", "0190a0c0-0000-7000-8000-000000000000"), ("other", made["grant_id"])):
        unknown = await flow.ask(client, client_id, grant_management_action="merge", grant_id=named)
        assert error_of(unknown) == (400, "invalid_grant_id")


async def test_details_are_approved_whole_and_come_with_the_token(site: Service, client: httpx.AsyncClient) -> None:
    auth_req_id = await flow.asked(client, "desk", authorization_details=asking(payment()))
    waiting = await flow.waiting_for(site, auth_req_id)
    assert waiting is not None
    assert [detail.content for detail in waiting.wanted.details] == [payment()]
    assert await flow.approve(site, auth_req_id)
    assert (await flow.poll(client, "desk", auth_req_id)).json()["authorization_details"] == [payment()]


async def test_every_deed_is_written_down(site: Service, client: httpx.AsyncClient) -> None:
    allowed, refused = await flow.asked(client, "desk"), await flow.asked(client, "desk")
    assert await flow.approve(site, allowed)
    assert await flow.deny(site, refused)
    assert (await flow.poll(client, "desk", allowed)).status_code == 200
    told = await flow.trail(site, flow.id_of(allowed), flow.id_of(refused))
    assert told == [
        "backchannel_request.made",
        "backchannel_request.made",
        "authorization.granted",
        "authorization.denied",
    ]
    query = "select user_id from audit where event = 'backchannel_request.exchanged' order by at desc, id desc limit 1"
    async with site.database.transaction() as transaction:
        exchanged_for = await transaction.scalar(text(query))
    assert exchanged_for == (await flow.account(site, "robin")).id


async def test_an_application_that_was_turned_off_and_on_again_begins_anew(
    site: Service, client: httpx.AsyncClient
) -> None:
    application = await site.application("radio", openid=ES256, **POLLING)
    waiting, allowed = await flow.asked(client, "radio"), await flow.asked(client, "radio")
    assert await flow.approve(site, allowed)
    await change(site, Application, application, epoch=1, version=2)
    assert await flow.waiting_for(site, waiting) is None
    for auth_req_id in (waiting, allowed):
        assert error_of(await flow.poll(client, "radio", auth_req_id)) == (400, "invalid_grant")


async def test_a_person_who_was_disabled_meanwhile_is_asked_no_more(site: Service, client: httpx.AsyncClient) -> None:
    jamie = await site.user("jamie")
    waiting, allowed = [await flow.asked(client, "desk", login_hint="jamie") for _ in range(2)]
    assert await flow.approve(site, allowed, "jamie")
    await flow.disable(site, jamie)
    assert await site.database.backchannel.waiting_for(jamie, site.clock()) == ()
    assert not await flow.approve(site, waiting, "jamie")
    assert error_of(await flow.poll(client, "desk", waiting)) == (400, "authorization_pending")
    assert error_of(await flow.poll(client, "desk", allowed)) == (400, "invalid_grant")


async def test_nobody_decides_for_another_person(site: Service, client: httpx.AsyncClient) -> None:
    auth_req_id = await flow.asked(client, "desk")
    assert await flow.waiting_for(site, auth_req_id, "sam") is None
    waiting = await flow.waiting_for(site, auth_req_id)
    assert waiting is not None
    assert not await flow.decide_as(site, waiting, "sam", approves=True)
    assert not await flow.decide_as(site, waiting, "sam", approves=False)
    assert await flow.approve(site, auth_req_id)


async def test_a_key_that_the_request_proves_is_the_one_that_gets_the_tokens(
    site: Service, client: httpx.AsyncClient
) -> None:
    holder, thief = Holder(), Holder()
    proof = holder.proof("POST", f"{ISSUER}{PATH}", at=site.clock())
    data = {"scope": "openid", "login_hint": "robin"}
    headers = {"DPoP": proof}
    answer = await client.post(PATH, data=data, headers=headers, auth=("desk", SECRET))
    assert answer.status_code == 200, answer.text
    again = await client.post(PATH, data=data, headers=headers, auth=("desk", SECRET))
    assert error_of(again) == (400, "invalid_dpop_proof")
    auth_req_id = answer.json()["auth_req_id"]
    assert await flow.approve(site, auth_req_id)

    async def poll(who: Holder) -> httpx.Response:
        shown = who.proof("POST", f"{ISSUER}/oauth/token", at=site.clock())
        return await flow.poll(client, "desk", auth_req_id, headers={"DPoP": shown})

    assert error_of(await flow.poll(client, "desk", auth_req_id)) == (400, "invalid_grant")
    assert error_of(await poll(thief)) == (400, "invalid_grant")
    assert (await poll(holder)).json()["token_type"] == "DPoP"


@pytest.mark.spec("standards", "CB-7")
@pytest.mark.spec("standards", "CB-9")
async def test_the_id_token_is_about_the_sign_in_of_whoever_approved(site: Service, client: httpx.AsyncClient) -> None:
    auth_req_id = await flow.asked(client, "desk", acr_values="gold urn:assent:acr:password")
    waiting = await flow.waiting_for(site, auth_req_id)
    assert waiting is not None
    assert waiting.asked.acr_values == ("gold", "urn:assent:acr:password")
    signed_in = site.clock()
    assert await flow.approve(site, auth_req_id, acr="urn:assent:acr:password")
    site.clock.forward(60)
    tokens = (await flow.poll(client, "desk", auth_req_id)).json()
    told = flow.claims_of(tokens["id_token"])
    assert (told["iss"], told["aud"]) == (ISSUER, "desk")
    assert (told["auth_time"], told["acr"]) == (int(signed_in.timestamp()), "urn:assent:acr:password")
    assert told["amr"] == ["pwd"]
    # There is no request of a browser, nor a session there, nor a token that came by itself.
    assert {"nonce", "sid", "urn:openid:params:jwt:claim:auth_req_id"}.isdisjoint(told)


async def test_a_person_may_approve_a_part(site: Service, client: httpx.AsyncClient) -> None:
    auth_req_id = await flow.asked(client, "desk", scope="openid project:read event:read")
    assert await flow.approve(site, auth_req_id, only=["openid", "event:read"])
    tokens = (await flow.poll(client, "desk", auth_req_id)).json()
    assert tokens["scope"] == "openid event:read"


async def test_an_application_that_has_changed_meanwhile_is_read_again(
    site: Service, client: httpx.AsyncClient
) -> None:
    application = await site.application("kiosk", openid=ES256, **POLLING)
    counters = ["find_asked_person", *["counter"] * 2]

    async def trips() -> list[str]:
        sent = await trips_of(flow.ask(client, "kiosk"))
        return ["counter" if " " in trip else trip for trip in sent]

    with remembering(site.database.applications):
        assert await trips() == ["gather_client", *counters, "place_backchannel"]
        assert await trips() == [*counters, "place_backchannel"]
        await change(site, Application, application, version=2)
        # Nobody is counted twice.
        again = ["gather_client", "find_asked_person", "place_backchannel"]
        assert await trips() == [*counters, "place_backchannel", *again]
