"""Token exchange at the wire: one's own tokens made narrower, others' tokens by permission (standards A2.9)."""

import pytest

from app.crypto import jose
from app.protocol.token_format import Prefix, parse_credential
from app.store.hot_connection import counting_trips
from tests.endpoints.test_budgets import remembering
from tests.store.scene import fetch
from tests.support import delegated_people as people
from tests.support.database import FreshDatabase
from tests.support.delegation import (
    ACCESS_TOKEN,
    EXCHANGE,
    IDP,
    JWT,
    LEDGER,
    MACHINE,
    ORDERS,
    STOCK,
    Asking,
    refusal,
)
from tests.support.delegation import asking as asking
from tests.support.delegation import site as site
from tests.support.history import entries_about
from tests.support.service import SECRET, Service

GATEWAY = {"sub": "gateway", "client_id": "gateway"}


@pytest.mark.spec("standards", "TX-1")
@pytest.mark.spec("standards", "TX-3")
async def test_an_application_makes_its_own_token_narrower(asking: Asking, site: Service) -> None:
    token = await people.token_of(site, "robin")
    answer = await asking.exchange(token, scope="team:read")
    assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")
    body = answer.json()
    value = body.pop("access_token")
    assert body == {
        "issued_token_type": ACCESS_TOKEN, "token_type": "Bearer", "expires_in": 3600, "scope": "team:read",
    }  # fmt: skip
    about = await asking.about(value)
    before = await asking.about(token)
    assert about == before | {"scope": "team:read", "jti": about["jti"]}
    assert about["jti"] != before["jti"]


@pytest.mark.spec("standards", "TX-6")
async def test_without_a_word_about_scopes_an_own_token_keeps_what_it_carries(asking: Asking, site: Service) -> None:
    assert (await asking.exchange(await people.token_of(site, "robin"))).json()["scope"] == "project:read team:read"


@pytest.mark.spec("standards", "TX-5")
async def test_by_permission_an_application_exchanges_anothers_token_and_acts_for_its_person(
    asking: Asking, site: Service
) -> None:
    token = await people.token_of(site, "robin")
    answer = await asking.exchange(token, "gateway", resource=ORDERS)
    assert answer.json()["scope"] == "project:read"
    jwt = jose.peek(answer.json()["access_token"])
    before = await asking.about(token)
    assert (jwt.typ, jwt.claims["sub"], jwt.claims["client_id"]) == ("at+jwt", before["sub"], "gateway")
    assert (jwt.claims["act"], jwt.claims["aud"], jwt.claims["scope"]) == (GATEWAY, ORDERS, "project:read")
    assert "auth_time" in jwt.claims
    about = await asking.about(answer.json()["access_token"], "orders")
    assert (about["active"], about["act"], about["username"], about["client_id"]) == (True, GATEWAY, "robin", "gateway")


async def test_scopes_turn_into_those_of_the_target(asking: Asking, site: Service) -> None:
    token = await people.token_of(site, "robin")
    answer = await asking.exchange(token, "gateway", resource=STOCK)
    assert answer.json()["scope"] == "project:read event:read"
    assert (await asking.about(answer.json()["access_token"], "stock"))["scope"] == "project:read event:read"
    only_team = await people.token_of(site, "robin", scope="team:read")
    assert "scope" not in (await asking.exchange(only_team, "gateway", resource=STOCK)).json()
    assert refusal(await asking.exchange(only_team, "gateway", resource=STOCK, scope="event:read")) == (
        400, "invalid_scope"
    )  # fmt: skip


@pytest.mark.spec("standards", "TX-5")
async def test_the_chain_of_actors_grows_at_every_hand_and_the_last_stands_outermost(
    asking: Asking, site: Service
) -> None:
    token = await people.token_of(site, "robin")
    second = await asking.exchanged(token, "gateway", resource=ORDERS)
    third = await asking.exchanged(second, "orders", resource=LEDGER)
    about = await asking.about(third, "stock")
    assert about["act"] == {"sub": "orders", "client_id": "orders", "act": GATEWAY}
    fourth = await asking.exchanged(third, "web", resource=STOCK)
    about = await asking.about(fourth, "stock")
    assert about["act"] == {
        "sub": "web",
        "client_id": "web",
        "act": {"sub": "orders", "client_id": "orders", "act": GATEWAY},
    }


async def test_whoever_acts_already_does_not_follow_himself(asking: Asking, site: Service) -> None:
    second = await asking.exchanged(await people.token_of(site, "robin"), "gateway", resource=STOCK)
    again = await asking.exchanged(second, "gateway", scope="event:read")
    about = await asking.about(again, "stock")
    assert (about["act"], about["scope"]) == (GATEWAY, "event:read")


@pytest.mark.spec("standards", "TX-5")
async def test_an_impersonation_names_nobody_unless_an_actor_is_shown(asking: Asking, site: Service) -> None:
    token = await people.token_of(site, "robin")
    silent = await asking.exchanged(token, "support")
    about = await asking.about(silent)
    assert (about["client_id"], about["username"], "act" in about) == ("support", "robin", False)
    own = await asking.own("support")
    told = await asking.exchanged(token, "support", actor_token=own, actor_token_type=ACCESS_TOKEN)
    assert (await asking.about(told))["act"] == {"sub": "support", "client_id": "support"}


@pytest.mark.spec("standards", "TX-5")
async def test_a_person_who_acts_is_named_by_his_own_token(asking: Asking, site: Service) -> None:
    token, actor = await people.token_of(site, "robin"), await people.token_of(site, "sam")
    value = await asking.exchanged(token, actor_token=actor, actor_token_type=ACCESS_TOKEN)
    about, sam = await asking.about(value), await asking.about(actor)
    assert (about["username"], about["act"]) == ("robin", {"sub": sam["sub"], "client_id": "web"})


@pytest.mark.spec("standards", "TX-5")
async def test_a_stranger_who_acts_is_named_with_his_issuer(asking: Asking, site: Service) -> None:
    token = await people.token_of(site, "robin")
    actor = {"actor_token": IDP.says(asking.now, sub="assistant"), "actor_token_type": JWT}
    value = await asking.exchanged(token, "gateway", resource=STOCK, **actor)
    assert (await asking.about(value, "stock"))["act"] == {"iss": IDP.name, "sub": "assistant"}


async def test_a_jwt_of_a_trusted_issuer_is_exchanged_by_permission(asking: Asking) -> None:
    said = IDP.says(asking.now, scope="project:read event:read team:read", act={"sub": "assistant"})
    answer = await asking.exchange(said, "gateway", subject_token_type=JWT, resource=ORDERS)
    assert (answer.json()["scope"], answer.json()["expires_in"]) == ("project:read", 300)
    about = await asking.about(answer.json()["access_token"], "orders")
    assert (about["username"], about["act"]) == ("robin", GATEWAY | {"act": {"iss": IDP.name, "sub": "assistant"}})


@pytest.mark.spec("standards", "TX-5")
@pytest.mark.parametrize(
    ("may_act", "allowed"),
    [
        ({"client_id": "gateway"}, True),
        ({"sub": "gateway", "iss": "https://id.example"}, True),
        ({"client_id": "gateway", "sub": "gateway", "iss": "https://id.example"}, True),
        ({"sub": "gateway"}, False),  # that is a name of the issuer's
        ({"client_id": "support"}, False),
        ({"client_id": "gateway", "sub": "somebody"}, False),
        ({"iss": "https://id.example"}, False),
        ({"client_id": "gateway", "shift": "night"}, False),
        ({}, False),
        ("gateway", False),
        ([{"client_id": "gateway"}], False),
    ],
    ids=str,
)
async def test_an_issuer_can_say_who_may_act(asking: Asking, may_act: object, allowed: bool) -> None:
    said = IDP.says(asking.now, may_act=may_act)
    answer = await asking.exchange(said, "gateway", subject_token_type=JWT, resource=ORDERS)
    assert (answer.status_code == 200) is allowed
    if not allowed:
        assert answer.json()["error"] == "invalid_request"


async def test_a_name_of_the_issuers_own_may_act_with_its_own_token(asking: Asking) -> None:
    for name, allowed in (("assistant", True), ("somebody", False)):
        said = IDP.says(asking.now, may_act={"sub": "assistant"})
        actor = {"actor_token": IDP.says(asking.now, sub=name), "actor_token_type": JWT}
        answer = await asking.exchange(said, "gateway", subject_token_type=JWT, resource=ORDERS, **actor)
        assert (answer.status_code == 200) is allowed


@pytest.mark.spec("standards", "TX-3")
async def test_who_asks_for_a_jwt_gets_one_or_nothing(asking: Asking, site: Service) -> None:
    token = await people.token_of(site, "robin")
    answer = await asking.exchange(token, "gateway", resource=ORDERS, requested_token_type=JWT)
    assert (answer.json()["issued_token_type"], answer.json()["token_type"]) == (JWT, "Bearer")
    assert jose.peek(answer.json()["access_token"]).typ == "at+jwt"
    for resource in (STOCK, None):
        refused = await asking.exchange(
            token, "gateway" if resource else "web", resource=resource, requested_token_type=JWT
        )
        assert refusal(refused) == (400, "invalid_request")


async def test_an_audience_is_a_resource_or_the_application_behind_one(asking: Asking, site: Service) -> None:
    token = await people.token_of(site, "robin")
    for audience in (ORDERS, "orders"):
        value = await asking.exchanged(token, "gateway", audience=audience)
        assert jose.peek(value).claims["aud"] == ORDERS
    for audience in ("stock", "nobody", "web"):  # stock stands behind two
        assert refusal(await asking.exchange(token, "gateway", audience=audience)) == (400, "invalid_target")


@pytest.mark.spec("standards", "TX-6")
async def test_a_new_token_lives_no_longer_than_the_one_it_was_exchanged_for(asking: Asking, site: Service) -> None:
    token = await people.token_of(site, "robin")
    site.clock.forward(3000)
    for client_id, target in (("web", None), ("gateway", STOCK), ("gateway", ORDERS)):
        assert (await asking.exchange(token, client_id, resource=target)).json()["expires_in"] == 600
    actor = IDP.says(asking.now, sub="assistant", exp=asking.now + 100)
    answer = await asking.exchange(token, "gateway", resource=STOCK, actor_token=actor, actor_token_type=JWT)
    assert answer.json()["expires_in"] == 100


async def test_a_token_can_be_made_one_for_fewer_resources(asking: Asking, site: Service) -> None:
    await site.application("wide", **MACHINE, grant_types=("client_credentials", EXCHANGE))
    token = await asking.own("wide", scope="project:read", resource=[STOCK, LEDGER])
    narrow = await asking.exchange(token, "wide", resource=LEDGER)
    assert refusal(await asking.exchange(token, "wide", resource=ORDERS)) == (400, "invalid_target")
    assert narrow.json()["scope"] == "project:read"


@pytest.mark.spec("standards", "AR-16")
async def test_no_record_is_touched_and_the_deed_is_written_down(
    asking: Asking, site: Service, fresh_database: FreshDatabase
) -> None:
    records = 'select count(*), coalesce(sum(version), 0), max(updated_at) from "authorization"'
    token = await people.token_of(site, "robin")
    before = await fetch(fresh_database.superuser_url, records)
    value = await asking.exchanged(token, "gateway", resource=STOCK)
    assert await fetch(fresh_database.superuser_url, records) == before
    parsed, shown = parse_credential(Prefix.ACCESS_TOKEN, value), parse_credential(Prefix.ACCESS_TOKEN, token)
    assert parsed is not None
    assert shown is not None
    [entry] = await entries_about(site.database, str(parsed.id))
    assert (entry.event, entry.actor_id) == ("token.issued", "gateway")
    assert entry.data == {
        "scopes": ["project:read", "event:read"], "resources": [STOCK], "grant": "token_exchange", "rule": "gateway",
        "exchanged": str(shown.id), "subject_client": "web", "actor": "gateway",
    }  # fmt: skip


async def test_it_takes_two_trips_and_one_more_for_an_actor(asking: Asking, site: Service) -> None:
    token = await people.token_of(site, "robin")
    own = await asking.own("gateway")
    with remembering(site.database.applications):
        await site.database.hot.gather_client("gateway")
        with counting_trips() as trips:
            await asking.exchanged(token, "gateway", resource=STOCK)
        assert trips == ["gather_token_alone", "settle_delegated"]
        with counting_trips() as trips:
            await asking.exchanged(token, "gateway", resource=STOCK, actor_token=own, actor_token_type=ACCESS_TOKEN)
        assert sorted(trips) == ["gather_token_alone", "gather_token_alone", "settle_delegated"]
    with counting_trips() as trips:
        await asking.exchanged(token, "gateway", resource=STOCK)
    assert trips == ["gather_token", "settle_delegated"]


@pytest.mark.spec("standards", "AR-9")
async def test_what_stands_behind_the_first_token_stands_behind_all_that_came_of_it(
    asking: Asking, site: Service
) -> None:
    async def chain(username: str) -> tuple[dict[str, str], str, str]:
        first = await people.tokens_of(site, username)
        second = await asking.exchanged(first["access_token"], "gateway", resource=STOCK)
        third = await asking.exchanged(
            await asking.exchanged(first["access_token"], "gateway", resource=ORDERS), "orders", resource=LEDGER
        )
        assert (await asking.about(second, "stock"))["active"]
        assert (await asking.about(third, "stock"))["active"]
        return first, second, third

    async def all_dead(*tokens: str) -> bool:
        return [await asking.about(token, "stock") for token in tokens] == [{"active": False}] * len(tokens)

    disconnected = await people.new_person(site)
    _, second, third = await chain(disconnected)
    await people.disconnect(site, disconnected)
    assert await all_dead(second, third)

    signed_out = await people.new_person(site)
    first, second, third = await chain(signed_out)
    await people.revoke(asking.browser, first["refresh_token"], ("web", SECRET))
    assert await all_dead(second, third)

    disabled = await people.new_person(site)
    _, second, third = await chain(disabled)
    await people.shut_out(site, disabled)
    assert await all_dead(second, third)

    for client_id, dead_second in (("gateway", True), ("web", True), ("orders", False)):
        username = await people.new_person(site)
        first, second, third = await chain(username)
        await people.switch_off(site, client_id, again=True)
        again = await asking.exchange(first["access_token"], "gateway", resource=STOCK)
        assert (again.status_code == 400) is (client_id == "web")
        assert await all_dead(third)
        assert await all_dead(second) is dead_second


@pytest.mark.spec("standards", "AR-6")
async def test_what_is_taken_away_from_the_first_application_is_gone_from_all_that_came_of_it(
    asking: Asking, site: Service
) -> None:
    username = await people.new_person(site)
    first = await people.token_of(site, username)
    second = await asking.exchanged(first, "gateway", resource=STOCK)
    narrow = await asking.exchanged(first, scope="team:read")
    await people.take_away(site, username, "project:read")
    assert await asking.about(second, "stock") == {"active": False}  # event:read rested on it
    assert (await asking.about(narrow))["scope"] == "team:read"
    assert "scope" not in (await asking.exchange(first, "gateway", resource=STOCK)).json()
    await people.token_of(site, username)  # granted again
    assert await asking.about(second, "stock") == {"active": False}


async def test_a_token_of_another_resource_rests_on_its_own_pair(asking: Asking, site: Service) -> None:
    username = await people.new_person(site)
    token = await people.token_of(site, username, scope="project:read", resource=STOCK)
    value = await asking.exchanged(token, "gateway", resource=ORDERS)
    assert (await asking.about(value, "orders"))["scope"] == "project:read"
    await people.take_away(site, username, f"project:read {STOCK}")
    assert await asking.about(value, "orders") == {"active": False}
