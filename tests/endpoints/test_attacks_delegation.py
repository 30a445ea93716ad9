"""What somebody might try with tokens and JWTs that are not his: every way ends in a refusal (standards A2.8, A2.9)."""

from typing import Any

import pytest

from app.crypto import jose
from app.models import Application
from tests.support import delegated_people as people
from tests.support.credentials import api_key, change, personal_token
from tests.support.delegation import (
    ACCESS_TOKEN,
    EXCHANGE,
    IDP,
    JWT,
    LEDGER,
    ORDERS,
    PARTNER,
    STOCK,
    STRANGER,
    TOKEN_ENDPOINT,
    Asking,
    refusal,
)
from tests.support.delegation import asking as asking
from tests.support.delegation import site as site
from tests.support.dpop import Holder
from tests.support.facts import VERIFIER
from tests.support.jose import rewritten
from tests.support.membership import found
from tests.support.service import REDIRECT_URI, SECRET, Service, obtain_code

URN = "urn:ietf:params:oauth:token-type:"


@pytest.fixture(scope="module")
async def token(site: Service) -> str:
    """A token of robin's, issued to web."""
    return await people.token_of(site, "robin")


INVALID_REQUEST, INVALID_TARGET, INVALID_SCOPE = (
    (400, "invalid_request"), (400, "invalid_target"), (400, "invalid_scope")
)  # fmt: skip


@pytest.mark.spec("standards", "TX-1")
@pytest.mark.spec("standards", "TX-2")
@pytest.mark.parametrize(
    "changes",
    [
        {"subject_token": None},
        {"subject_token": ""},
        {"subject_token_type": None},
        {"subject_token_type": f"{URN}saml2"},
        {"subject_token_type": f"{URN}refresh_token"},
        {"subject_token_type": f"{URN}id_token"},
        {"subject_token_type": f"{URN}saml1"},
        {"subject_token_type": "access_token"},
        {"subject_token_type": JWT},
        {"requested_token_type": f"{URN}refresh_token"},
        {"requested_token_type": f"{URN}id-jag"},
        {"actor_token_type": ACCESS_TOKEN},
        {"actor_token": "somebody"},
        {"actor_token": "somebody", "actor_token_type": ACCESS_TOKEN},
        {"actor_token": "somebody", "actor_token_type": JWT},
        {"actor_token": "somebody", "actor_token_type": f"{URN}id_token"},
        {"subject_token": ["one", "two"]},
        {"scope": ["team:read", "project:read"]},
    ],
    ids=str,
)
async def test_a_request_that_is_not_made_as_it_must_be(asking: Asking, token: str, changes: dict[str, Any]) -> None:
    given = {"token": token, **changes}
    value = given.pop("subject_token", token)
    del given["token"]
    assert refusal(await asking.exchange(value, **given)) == INVALID_REQUEST


@pytest.mark.spec("standards", "TX-4")
@pytest.mark.spec("standards", "TX-6")
async def test_a_token_of_another_application_without_permission(asking: Asking, token: str) -> None:
    for client_id in ("agent", "orders", "other"):
        for target in (None, STOCK):
            assert refusal(await asking.exchange(token, client_id, resource=target)) == INVALID_REQUEST
    assert refusal(await asking.exchange(token, "gateway")) == INVALID_TARGET
    assert refusal(await asking.exchange(token, "gateway", resource=LEDGER)) == INVALID_TARGET
    assert refusal(await asking.exchange(token, "gateway", resource=[STOCK, LEDGER])) == INVALID_TARGET
    assert refusal(await asking.exchange(token, "gateway", resource="https://nowhere.example")) == INVALID_TARGET
    assert refusal(await asking.exchange(token, resource=STOCK)) == INVALID_TARGET  # the record says nothing of it
    assert refusal(await asking.exchange(token, audience="stock")) == INVALID_TARGET


@pytest.mark.spec("standards", "TX-6")
async def test_a_token_that_was_meant_for_somebody_elses_api(asking: Asking, site: Service) -> None:
    for resource, status in ((STOCK, 200), (LEDGER, 400)):
        meant = await people.token_of(site, "robin", scope="project:read", resource=resource)
        assert (await asking.exchange(meant, "gateway", resource=ORDERS)).status_code == status


@pytest.mark.spec("standards", "TX-8")
async def test_a_public_application_exchanges_nothing_and_nobody_does(asking: Asking, site: Service) -> None:
    own = await public_token(site)
    assert refusal(await asking.exchange(own, "spa")) == (400, "unauthorized_client")
    anonymous = {"grant_type": EXCHANGE, "subject_token": own, "subject_token_type": ACCESS_TOKEN}
    assert refusal(await asking.browser.post("/oauth/token", data=anonymous)) == (401, "invalid_client")
    wrong = await asking.browser.post("/oauth/token", data=anonymous, auth=("gateway", "a guess"))
    assert refusal(wrong) == (401, "invalid_client")


async def test_an_application_that_is_not_registered_for_it(asking: Asking, site: Service) -> None:
    await site.application("plain")
    own = await people.token_of(site, "robin", "plain")
    assert refusal(await asking.exchange(own, "plain")) == (400, "unauthorized_client")
    assert refusal(await asking.bearer(IDP.says(asking.now), "plain")) == (400, "unauthorized_client")


@pytest.mark.spec("standards", "TX-4")
@pytest.mark.spec("standards", "TX-6")
async def test_a_token_that_counts_no_longer(asking: Asking, site: Service) -> None:
    async def refused(value: str) -> bool:
        own, by_permission = await asking.exchange(value), await asking.exchange(value, "gateway", resource=STOCK)
        return refusal(own) == refusal(by_permission) == INVALID_REQUEST

    revoked = await people.token_of(site, await people.new_person(site))
    await people.revoke(asking.browser, revoked, ("web", SECRET))
    assert await refused(revoked)

    username = await people.new_person(site)
    disconnected = await people.token_of(site, username)
    await people.disconnect(site, username)
    assert await refused(disconnected)

    username = await people.new_person(site)
    shut_out = await people.token_of(site, username)
    await people.shut_out(site, username)
    assert await refused(shut_out)

    emptied = await people.token_of(site, username := await people.new_person(site))
    await people.take_away(site, username, "project:read", "team:read")
    assert await refused(emptied)

    expired = await people.token_of(site, "robin")
    site.clock.forward(3600)
    assert await refused(expired)
    assert await refused(expired[:-1] + ("A" if expired[-1] != "A" else "Q"))


@pytest.mark.spec("standards", "TX-6")
async def test_scopes_that_were_taken_away_and_such_as_were_never_there(asking: Asking, site: Service) -> None:
    username = await people.new_person(site)
    value = await people.token_of(site, username)
    for beyond in ("org:admin", "project:read project:write", "nothing:like-it"):
        assert refusal(await asking.exchange(value, scope=beyond)) == INVALID_SCOPE
        assert refusal(await asking.exchange(value, "gateway", resource=STOCK, scope=beyond)) == INVALID_SCOPE
    assert refusal(await asking.exchange(value, "gateway", resource=STOCK, scope="team:read")) == INVALID_SCOPE
    assert refusal(await asking.exchange(value, "gateway", resource=ORDERS, scope="event:read")) == INVALID_SCOPE
    await people.take_away(site, username, "project:read")
    assert refusal(await asking.exchange(value, scope="project:read")) == INVALID_SCOPE
    assert refusal(await asking.exchange(value, "gateway", resource=STOCK, scope="event:read")) == INVALID_SCOPE


async def test_a_narrow_token_does_not_become_wide_again(asking: Asking, site: Service) -> None:
    narrow = await asking.exchanged(await people.token_of(site, "robin"), scope="team:read")
    assert refusal(await asking.exchange(narrow, scope="project:read")) == INVALID_SCOPE
    assert refusal(await asking.exchange(narrow, "gateway", resource=STOCK, scope="event:read")) == INVALID_SCOPE
    delegated = await asking.exchanged(
        await people.token_of(site, "robin"), "gateway", resource=STOCK, scope="event:read"
    )
    assert refusal(await asking.exchange(delegated, "gateway", scope="project:read")) == INVALID_SCOPE
    assert refusal(await asking.exchange(delegated, "gateway", resource=ORDERS)) == INVALID_TARGET


async def test_an_application_that_may_no_longer_ask_for_a_scope_does_not_get_it_by_exchange(
    asking: Asking, site: Service
) -> None:
    await site.application("narrowed", grant_types=("authorization_code", EXCHANGE))
    value = await people.token_of(site, "robin", "narrowed")
    narrowed = await site.database.hot.gather_client("narrowed")
    assert narrowed is not None
    await change(site, Application, narrowed.id, scopes=["team:read"], version=narrowed.version + 1)
    assert (await asking.exchange(value, "narrowed")).json()["scope"] == "team:read"
    assert refusal(await asking.exchange(value, "narrowed", scope="project:read")) == INVALID_SCOPE


async def test_no_round_of_exchanges_makes_a_token_live_longer(asking: Asking, site: Service) -> None:
    value = await people.token_of(site, "robin")
    for number in range(1, 9):
        site.clock.forward(100)
        answer = await asking.exchange(value)
        assert answer.json()["expires_in"] == 3600 - number * 100
        value = answer.json()["access_token"]
    assert "act" not in await asking.about(value)
    site.clock.forward(2800)
    assert refusal(await asking.exchange(value)) == INVALID_REQUEST


@pytest.mark.spec("standards", "TX-5")
async def test_a_circle_of_exchanges_comes_to_an_end(asking: Asking, site: Service) -> None:
    value, hands = await people.token_of(site, "robin"), 0
    while hands < 20:
        for client_id, target in (("gateway", ORDERS), ("orders", LEDGER), ("web", STOCK)):
            answer = await asking.exchange(value, client_id, resource=target)
            if answer.status_code != 200:
                assert refusal(answer) == INVALID_REQUEST
                assert hands == 5
                return
            value, hands = answer.json()["access_token"], hands + 1
    pytest.fail("it went round and round")


@pytest.mark.spec("standards", "TX-4")
async def test_credentials_that_are_no_access_token_of_an_application(asking: Asking, site: Service) -> None:
    user = await site.user("keyholder")
    _, own = await personal_token(site, user, "project:read")
    _, key = await api_key(site, await found(site.database, "northwind", site.clock()), "project:read")
    refresh = (await people.tokens_of(site, "robin"))["refresh_token"]
    for value in (own, key, refresh, SECRET, "garbage", "asat_", "ä", "a.b.c", "0123456789abcdef" * 2):
        for kind in (ACCESS_TOKEN, JWT):
            assert refusal(await asking.exchange(value, subject_token_type=kind)) == INVALID_REQUEST


@pytest.mark.spec("standards", "TX-6")
async def test_a_token_that_an_application_got_for_itself(asking: Asking, site: Service) -> None:
    own = await asking.own("gateway", scope="project:read team:read")
    narrow = await asking.exchanged(own, "gateway", scope="team:read")
    about = await asking.about(narrow)
    assert (about["client_id"], about["scope"], "sub" in about) == ("gateway", "team:read", False)
    assert refusal(await asking.exchange(own, "gateway", scope="project:write")) == INVALID_SCOPE
    assert refusal(await asking.exchange(own, "gateway", resource=STOCK)) == INVALID_TARGET
    actor = {"actor_token": own, "actor_token_type": ACCESS_TOKEN}
    assert refusal(await asking.exchange(own, "gateway", **actor)) == INVALID_REQUEST
    for client_id in ("orders", "web", "support"):  # onwards: orders may exchange gateway's tokens, and not these
        assert refusal(await asking.exchange(own, client_id, resource=LEDGER)) == INVALID_REQUEST


async def test_an_applications_own_jwt_is_as_good_as_its_signature(asking: Asking, site: Service) -> None:
    own = await asking.own("gateway", scope="project:read", resource=ORDERS)
    assert jose.peek(await asking.exchanged(own, "gateway", scope="project:read")).claims["aud"] == ORDERS
    head, body, _ = own.split(".")
    forged = (f"{head}.{body}.", f"{head}.{body}.{'A' * 86}", rewritten(own, alg="none"), rewritten(own, typ="JWT"))
    for value in forged:
        assert refusal(await asking.exchange(value, "gateway")) == INVALID_REQUEST
    revoked = await asking.browser.post("/oauth/revoke", data={"token": own}, auth=("gateway", SECRET))
    assert revoked.status_code == 200
    assert refusal(await asking.exchange(own, "gateway")) == INVALID_REQUEST


async def test_a_jwt_of_ours_is_known_by_every_letter(asking: Asking, site: Service) -> None:
    value = await asking.exchanged(await people.token_of(site, "robin"), "gateway", resource=ORDERS)
    assert (await asking.exchange(value, "gateway")).status_code == 200
    assert refusal(await asking.exchange(rewritten(value, alg="none"), "gateway")) == INVALID_REQUEST
    assert refusal(await asking.exchange(value, "gateway", subject_token_type=JWT)) == INVALID_REQUEST


@pytest.mark.spec("standards", "TX-7")
async def test_a_bound_token_does_not_become_a_bearer_token(asking: Asking, site: Service) -> None:
    holder, other = Holder(), Holder()

    def proof(of: Holder) -> str:
        return of.proof("POST", TOKEN_ENDPOINT, at=site.clock())

    plain = await people.token_of(site, "robin")
    answer = await asking.exchange(plain, dpop=proof(holder))
    assert answer.json()["token_type"] == "DPoP"  # who wants to may bind what was not
    bound = answer.json()["access_token"]
    assert refusal(await asking.exchange(bound)) == INVALID_REQUEST
    assert refusal(await asking.exchange(bound, dpop=proof(other))) == INVALID_REQUEST
    assert refusal(await asking.exchange(bound, "gateway", resource=STOCK, dpop=proof(other))) == INVALID_REQUEST
    again = await asking.exchange(bound, dpop=proof(holder))
    assert (await asking.about(again.json()["access_token"]))["cnf"] == {"jkt": holder.jkt}

    assert refusal(await asking.exchange(bound, "desk")) == INVALID_REQUEST  # may bind it anew, and not unbind it
    rebound = await asking.exchange(bound, "desk", dpop=proof(other))
    assert (await asking.about(rebound.json()["access_token"]))["cnf"] == {"jkt": other.jkt}
    assert (await asking.exchange(plain, "desk")).json()["token_type"] == "Bearer"


async def test_a_bound_token_of_an_actor_needs_its_key(asking: Asking, site: Service, token: str) -> None:
    holder = Holder()
    own = await asking.own("support", dpop=holder.proof("POST", TOKEN_ENDPOINT, at=site.clock()))
    subject = await people.token_of(site, "robin")
    actor = {"actor_token": own, "actor_token_type": ACCESS_TOKEN}
    assert refusal(await asking.exchange(subject, "support", **actor)) == INVALID_REQUEST
    proof = holder.proof("POST", TOKEN_ENDPOINT, at=site.clock())
    assert (await asking.exchange(subject, "support", dpop=proof, **actor)).status_code == 200


@pytest.mark.spec("standards", "TX-5")
async def test_who_acts_is_who_he_says(asking: Asking, site: Service) -> None:
    subject = await people.token_of(site, "robin")
    delegated = await asking.exchanged(subject, "gateway", resource=STOCK)
    gateways = await asking.own("gateway")
    for actor, client_id, target in (
        (gateways, "support", None),  # somebody else's
        (delegated, "gateway", STOCK),  # somebody acts through it already
        (IDP.says(asking.now, act={"sub": "assistant"}), "gateway", STOCK),
        (IDP.says(asking.now, cnf={"jkt": Holder().jkt}), "gateway", STOCK),
        (IDP.says(asking.now, cnf={"kid": "one"}), "gateway", STOCK),
        (STRANGER.says(asking.now), "gateway", STOCK),
        (PARTNER.says(asking.now), "gateway", STOCK),
    ):
        kind = JWT if actor.count(".") == 2 and actor is not gateways else ACCESS_TOKEN
        shown = {"actor_token": actor, "actor_token_type": kind}
        assert refusal(await asking.exchange(subject, client_id, resource=target, **shown)) == INVALID_REQUEST


@pytest.mark.spec("standards", "TX-4")
@pytest.mark.parametrize(
    "changes",
    [
        {"aud": "gateway"},
        {"aud": ORDERS},
        {"sub": "nobody"},
        {"exp": 1},
        {"act": {"name": "assistant"}},
        {"act": {"sub": "1", "act": {"sub": "2", "act": {"sub": "3", "act": {"sub": "4", "act": {"sub": "5"}}}}}},
        {"cnf": {"jkt": "x"}},
        {"cnf": {}},
        {"cnf": {"jkt": 7}},
        {"scope": ["project:read"]},
        {"client_id": "web"},
    ],
    ids=str,
)
async def test_a_jwt_that_does_not_count(asking: Asking, changes: dict[str, Any]) -> None:
    said = IDP.says(asking.now, **changes)
    answer = await asking.exchange(said, "gateway", subject_token_type=JWT, resource=ORDERS)
    assert refusal(answer) == INVALID_REQUEST


async def test_a_jwt_of_a_trusted_issuer_where_nobody_has_permitted_it(asking: Asking) -> None:
    assert refusal(await asking.exchange(IDP.says(asking.now), "agent", subject_token_type=JWT)) == INVALID_REQUEST
    said = {"subject_token_type": JWT, "resource": STOCK}
    assert refusal(await asking.exchange(IDP.says(asking.now), "gateway", **said)) == INVALID_TARGET
    assert refusal(await asking.exchange(PARTNER.says(asking.now), "gateway", **said)) == INVALID_REQUEST


async def test_a_jwt_is_exchanged_once(asking: Asking) -> None:
    said = IDP.says(asking.now)
    given = {"subject_token_type": JWT, "resource": ORDERS}
    assert (await asking.exchange(said, "gateway", **given)).status_code == 200
    assert refusal(await asking.exchange(said, "gateway", **given)) == INVALID_REQUEST
    assert refusal(await asking.bearer(said)) == (400, "invalid_grant")


async def test_an_exchanged_token_is_no_ticket_for_another_grant(asking: Asking, site: Service) -> None:
    value = await asking.exchanged(await people.token_of(site, "robin"), "gateway", resource=ORDERS)
    assert refusal(await asking.bearer(value)) == (400, "invalid_grant")


async def test_nothing_that_was_sent_comes_back(asking: Asking) -> None:
    said = IDP.says(asking.now, aud="https://elsewhere.example")
    for answer in (await asking.bearer(said), await asking.exchange(said, "gateway", subject_token_type=JWT)):
        assert said not in answer.text
        assert "elsewhere" not in answer.text


async def public_token(site: Service) -> str:
    """A token of the public application."""
    async with site.browser() as browser:
        code = await obtain_code(browser, "spa", "robin")
        data = {"grant_type": "authorization_code", "code": code, "redirect_uri": REDIRECT_URI, "client_id": "spa"}
        answer = await browser.post("/oauth/token", data={**data, "code_verifier": VERIFIER})
    value: str = answer.json()["access_token"]
    return value
