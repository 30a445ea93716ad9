"""The JWT bearer grant at the wire: trust per issuer and per application (standards A2.8)."""

from typing import Any
from uuid import UUID

import pytest

from app.crypto import jose
from app.models import Application, User
from app.protocol.token_format import Prefix, parse_credential
from app.store import users
from app.store.hot_connection import counting_trips
from tests.endpoints.test_budgets import remembering
from tests.store.scene import fetch
from tests.support.credentials import change
from tests.support.database import FreshDatabase
from tests.support.delegation import (
    IDP,
    JWT_BEARER,
    OPEN,
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
from tests.support.history import entries_about
from tests.support.jose import b64, rewritten
from tests.support.service import ISSUER, Service


async def user_id(site: Service, username: str) -> UUID:
    user = await users.find_for_sign_in(site.database, username)
    assert user is not None
    return user.id


@pytest.mark.spec("standards", "JB-1")
@pytest.mark.spec("standards", "JB-5")
async def test_an_assertion_buys_one_access_token_and_nothing_to_refresh_it_with(asking: Asking) -> None:
    answer = await asking.bearer(IDP.says(asking.now), scope="project:read team:read")
    assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")
    body = answer.json()
    value = body.pop("access_token")
    assert body == {"token_type": "Bearer", "expires_in": 3600, "scope": "project:read team:read"}
    parsed = parse_credential(Prefix.ACCESS_TOKEN, value)
    assert parsed is not None
    about = await asking.about(value)
    assert about == about | {
        "active": True, "client_id": "agent", "username": "robin", "scope": "project:read team:read",
        "sub": str(await user_id(asking.site, "robin")), "jti": str(parsed.id), "iss": ISSUER,
    }  # fmt: skip
    assert "auth_time" not in about


@pytest.mark.spec("standards", "AR-16")
async def test_no_record_of_the_persons_is_touched_and_the_deed_is_written_down(
    asking: Asking, fresh_database: FreshDatabase
) -> None:
    records = 'select count(*), coalesce(sum(version), 0) from "authorization"'
    before = await fetch(fresh_database.superuser_url, records)
    value = (await asking.bearer(IDP.says(asking.now), scope="project:read")).json()["access_token"]
    assert await fetch(fresh_database.superuser_url, records) == before
    parsed = parse_credential(Prefix.ACCESS_TOKEN, value)
    assert parsed is not None
    [entry] = await entries_about(asking.site.database, str(parsed.id))
    assert (entry.event, entry.actor_id, entry.user_id) == (
        "token.issued", "agent", await user_id(asking.site, "robin")
    )  # fmt: skip
    assert entry.data == {"scopes": ["project:read"], "grant": "jwt_bearer", "issuer": IDP.name}


async def test_it_takes_two_trips(asking: Asking, site: Service) -> None:
    for cached in (False, True):
        with remembering(site.database.applications), counting_trips() as trips:
            assert (await asking.bearer(IDP.says(asking.now))).status_code == 200, cached
        assert trips == ["gather_person.username", "settle_delegated"]


async def test_our_own_api_takes_the_token_for_the_persons(asking: Asking) -> None:
    value = (await asking.bearer(IDP.says(asking.now), scope="project:read")).json()["access_token"]
    answer = await asking.browser.get("/api/v1/me", headers={"Authorization": f"Bearer {value}"})
    assert (answer.status_code, answer.json()["username"]) == (200, "robin")


async def test_a_resource_whose_tokens_are_jwts_gets_one_that_is_known_here_too(asking: Asking) -> None:
    answer = (await asking.bearer(IDP.says(asking.now), scope="project:read", resource=ORDERS)).json()
    jwt = jose.peek(answer["access_token"])
    assert jwt.typ == "at+jwt"
    assert (jwt.claims["aud"], jwt.claims["client_id"], jwt.claims["scope"]) == (ORDERS, "agent", "project:read")
    assert jwt.claims["sub"] == str(await user_id(asking.site, "robin"))
    assert (await asking.about(answer["access_token"], "orders"))["active"]


@pytest.mark.spec("standards", "JB-3")
@pytest.mark.parametrize(
    ("audience", "counts"),
    [
        (ISSUER, True),
        (TOKEN_ENDPOINT, True),
        ([ISSUER], True),
        (["https://api.example", TOKEN_ENDPOINT], True),
        (f"{ISSUER}/", False),
        (f"{ISSUER}/oauth/introspect", False),
        (ISSUER.upper(), False),
        (ISSUER.replace("https", "http"), False),
        ("https://api.example", False),
        ([], False),
        ("", False),
        ([ISSUER, 1], False),
        ({"": ISSUER}, False),
        (None, False),
    ],
    ids=str,
)
async def test_an_assertion_is_for_this_server(asking: Asking, audience: object, counts: bool) -> None:
    answer = await asking.bearer(IDP.says(asking.now, aud=audience))
    assert (answer.status_code == 200) is counts
    if not counts:
        assert answer.json()["error"] == "invalid_grant"


@pytest.mark.spec("standards", "JB-2")
@pytest.mark.spec("standards", "JB-4")
@pytest.mark.parametrize(
    "changes",
    [
        {"iss": None},
        {"iss": "https://stranger.example"},
        {"iss": ["https://idp.example"]},
        {"iss": "https://idp.example/"},
        {"sub": None},
        {"sub": ""},
        {"sub": 7},
        {"sub": "nobody"},
        {"exp": None},
        {"exp": "tomorrow"},
        {"exp": -61},
        {"exp": 100_000},
        {"exp": 100, "iat": -10_000},
        {"iat": 120},
        {"nbf": 120},
        {"exp": 10**18},
        {"client_id": "gateway"},
        {"cnf": {"kid": "somebody"}},
        {"act": "agent"},
        {"scope": 7},
        {"email_verified": True, "sub": {"robin": 1}},
    ],
    ids=str,
)
async def test_whatever_is_wrong_with_an_assertion_is_an_invalid_grant(asking: Asking, changes: dict[str, Any]) -> None:
    times = {
        name: value + asking.now if isinstance(value, int) and name in ("exp", "iat", "nbf") else value
        for name, value in changes.items()
    }
    assert refusal(await asking.bearer(IDP.says(asking.now, **times))) == (400, "invalid_grant")


@pytest.mark.spec("standards", "JB-2")
async def test_what_need_not_be_there_may_be_missing(asking: Asking) -> None:
    bare = IDP.says(asking.now, iat=None, jti=None)
    for _ in range(2):  # nothing says that it counts once
        assert (await asking.bearer(bare)).status_code == 200


@pytest.mark.spec("standards", "JB-2")
async def test_a_jti_counts_once_also_in_another_assertion_and_as_a_subject_token(asking: Asking) -> None:
    first = IDP.says(asking.now, jti="one")
    assert (await asking.bearer(first)).status_code == 200
    assert refusal(await asking.bearer(first)) == (400, "invalid_grant")
    assert refusal(await asking.bearer(IDP.says(asking.now, jti="one", exp=asking.now + 200))) == (
        400, "invalid_grant"
    )  # fmt: skip
    exchange = await asking.exchange(first, "gateway", subject_token_type="urn:ietf:params:oauth:token-type:jwt")
    assert refusal(exchange) == (400, "invalid_request")


async def test_an_assertion_that_was_refused_for_something_else_is_not_used_up(asking: Asking) -> None:
    assertion = IDP.says(asking.now)
    assert refusal(await asking.bearer(assertion, scope="org:admin")) == (400, "invalid_scope")
    assert (await asking.bearer(assertion, scope="project:read")).status_code == 200


async def test_where_the_operator_says_so_an_assertion_counts_until_it_ends(asking: Asking, site: Service) -> None:
    robin = str(await user_id(site, "robin"))
    assertion = OPEN.says(asking.now, sub=robin)
    for client_id in ("agent", "spa", "agent"):
        assert (await asking.bearer(assertion, client_id)).status_code == 200


@pytest.mark.spec("standards", "JB-1")
async def test_a_public_application_presents_only_what_the_operator_lets_it(asking: Asking, site: Service) -> None:
    robin = str(await user_id(site, "robin"))
    assert (await asking.bearer(OPEN.says(asking.now, sub=robin), "spa")).status_code == 200
    untrusted = await asking.bearer(STRANGER.says(asking.now), "spa")
    assert refusal(untrusted) == (400, "invalid_grant")
    assert (await asking.bearer(IDP.says(asking.now), "spa")).text == untrusted.text  # not a word of who is trusted
    agent = await site.server.database.hot.gather_client("agent")
    assert agent is not None
    await change(site, Application, agent.id, auth_method="none")
    form = {"grant_type": JWT_BEARER, "assertion": IDP.says(asking.now), "client_id": "agent"}
    answer = await asking.browser.post("/oauth/token", data=form)
    await change(site, Application, agent.id, auth_method="client_secret_basic")
    assert refusal(answer) == (400, "unauthorized_client")


@pytest.mark.spec("standards", "JB-6")
async def test_an_issuer_is_trusted_for_some_applications_and_the_others_learn_nothing_of_it(asking: Asking) -> None:
    answers = [
        await asking.bearer(STRANGER.says(asking.now), "other"),
        await asking.bearer(IDP.says(asking.now), "other"),
        await asking.bearer(IDP.says(asking.now)[:-6] + "AAAAAA", "other"),
    ]
    assert {(answer.status_code, answer.text) for answer in answers} == {(400, answers[0].text)}
    assert answers[0].json()["error"] == "invalid_grant"


@pytest.mark.spec("standards", "JB-6")
async def test_email_addresses_mean_whom_the_operator_gave_them_to(asking: Asking) -> None:
    named = PARTNER.says(asking.now, sub="7f", email="  Robin@Example.com ")
    answer = await asking.bearer(named, "other", resource=STOCK, scope="event:read")
    assert answer.json()["expires_in"] == 120
    assert (await asking.about(answer.json()["access_token"], "other"))["username"] == "robin"
    for changes in ({"email_verified": False}, {"email_verified": "false"}, {"email": None}, {"email": "a@b.example"}):
        said = PARTNER.says(asking.now, **{"sub": "7f", "email": "robin@example.com", **changes})
        assert refusal(await asking.bearer(said, "other", resource=STOCK)) == (400, "invalid_grant"), changes


@pytest.mark.spec("standards", "JB-6")
async def test_what_an_issuer_may_speak_about_has_to_be_named(asking: Asking) -> None:
    for resource in (None, ORDERS, [STOCK, ORDERS]):
        said = PARTNER.says(asking.now, email="robin@example.com")
        assert refusal(await asking.bearer(said, "other", resource=resource)) == (400, "invalid_target")


@pytest.mark.parametrize(
    ("scope", "error"),
    [
        ("event:read", "invalid_scope"),  # not this issuer's
        ("project:read event:read", "invalid_scope"),
        ("nothing:like-it", "invalid_scope"),
        ('project:read"', "invalid_scope"),
    ],
)
async def test_no_scope_goes_beyond_what_the_issuer_may_give(asking: Asking, scope: str, error: str) -> None:
    assert refusal(await asking.bearer(IDP.says(asking.now), scope=scope)) == (400, error)


async def test_an_assertion_can_name_fewer_scopes_than_its_issuer_may_give(asking: Asking) -> None:
    said = {"scope": "project:read event:read"}
    assert (await asking.bearer(IDP.says(asking.now, **said), scope="project:read")).status_code == 200
    assert refusal(await asking.bearer(IDP.says(asking.now, **said), scope="team:read")) == (400, "invalid_scope")
    assert refusal(await asking.bearer(IDP.says(asking.now, **said), scope="event:read")) == (
        400, "invalid_scope"
    )  # fmt: skip


async def test_no_scope_asked_is_none_granted(asking: Asking) -> None:
    assert "scope" not in (await asking.bearer(IDP.says(asking.now))).json()


async def test_an_application_gets_no_scope_that_it_may_not_ask_for(asking: Asking, site: Service) -> None:
    agent = await site.server.database.hot.gather_client("agent")
    assert agent is not None
    await change(site, Application, agent.id, scopes=["team:read"], version=agent.version + 1)
    assert refusal(await asking.bearer(IDP.says(asking.now), scope="project:read")) == (400, "invalid_scope")
    assert (await asking.bearer(IDP.says(asking.now), scope="team:read")).status_code == 200
    await change(site, Application, agent.id, scopes=None, version=agent.version + 2)


async def test_the_token_dies_with_its_person_and_its_application(asking: Asking, site: Service) -> None:
    value = (await asking.bearer(IDP.says(asking.now), scope="project:read")).json()["access_token"]
    robin = await user_id(site, "robin")
    await change(site, User, robin, disabled_at=site.clock(), epoch=1)
    assert await asking.about(value) == {"active": False}
    assert refusal(await asking.bearer(IDP.says(asking.now))) == (400, "invalid_grant")
    await change(site, User, robin, disabled_at=None)
    assert await asking.about(value) == {"active": False}  # enabling revives nothing
    value = (await asking.bearer(IDP.says(asking.now), scope="project:read")).json()["access_token"]
    assert (await asking.about(value))["active"]
    agent = await site.server.database.hot.gather_client("agent")
    assert agent is not None
    await change(site, Application, agent.id, status="inactive", epoch=agent.epoch + 1, version=agent.version + 1)
    assert await asking.about(value) == {"active": False}
    await change(site, Application, agent.id, status="active")
    assert await asking.about(value) == {"active": False}


@pytest.mark.spec("standards", "JV-2")
@pytest.mark.spec("standards", "JV-3")
async def test_no_other_kind_of_jwt_is_an_assertion(asking: Asking) -> None:
    for typ in ("at+jwt", "dpop+jwt", "client-authentication+jwt", "logout+jwt", "oauth-id-jag+jwt", "secevent+jwt"):
        said = IDP.says(asking.now, typ=typ)
        assert refusal(await asking.bearer(said)) == (400, "invalid_grant"), typ
    for typ in ("authorization-grant+jwt", "application/authorization-grant+JWT", "jwt"):
        assert (await asking.bearer(IDP.says(asking.now, typ=typ))).status_code == 200, typ


@pytest.mark.spec("standards", "JV-1")
@pytest.mark.spec("standards", "JV-2")
async def test_only_the_keys_that_were_written_down_for_an_issuer_sign_for_it(asking: Asking) -> None:
    claims = {"iss": IDP.name}
    forgeries = {
        "another trusted issuer's key": PARTNER.says(asking.now, **claims),
        "that key under the right kid": rewritten(PARTNER.says(asking.now, **claims), kid=IDP.jwk["kid"]),
        "a stranger's key in the header": rewritten(STRANGER.says(asking.now, **claims), jwk=STRANGER.public),
        "a stranger's address of keys": rewritten(STRANGER.says(asking.now, **claims), jku="https://stranger.example"),
        "no algorithm": rewritten(IDP.says(asking.now), alg="none"),
        "a MAC": rewritten(IDP.says(asking.now), alg="HS256"),
        "an algorithm of another key": rewritten(IDP.says(asking.now), alg="RS256"),
        "no signature": IDP.says(asking.now).rpartition(".")[0] + ".",
        "other claims": ".".join((*IDP.says(asking.now).split(".")[:1], b64({"iss": IDP.name}), "AAAA")),
        "two assertions": f"{IDP.says(asking.now)} {IDP.says(asking.now)}",
        "no JWT": "robin",
    }
    for name, forged in forgeries.items():
        assert refusal(await asking.bearer(forged)) == (400, "invalid_grant"), name


@pytest.mark.spec("standards", "JB-1")
async def test_one_assertion_comes_and_only_one(asking: Asking) -> None:
    for sent in (None, "", [IDP.says(asking.now), IDP.says(asking.now)]):
        assert refusal(await asking.bearer(sent)) == (400, "invalid_request")


async def test_an_assertion_that_is_bound_to_a_key_needs_it_and_its_token_stays_bound(asking: Asking) -> None:
    holder, other = Holder(), Holder()
    bound = {"cnf": {"jkt": holder.jkt}}
    assert refusal(await asking.bearer(IDP.says(asking.now, **bound))) == (400, "invalid_grant")
    wrong = other.proof("POST", TOKEN_ENDPOINT, at=asking.site.clock())
    assert refusal(await asking.bearer(IDP.says(asking.now, **bound), dpop=wrong)) == (400, "invalid_grant")
    right = holder.proof("POST", TOKEN_ENDPOINT, at=asking.site.clock())
    answer = await asking.bearer(IDP.says(asking.now, **bound), dpop=right)
    assert answer.json()["token_type"] == "DPoP"
    assert (await asking.about(answer.json()["access_token"]))["cnf"] == {"jkt": holder.jkt}


async def test_a_proof_that_was_used_before_burns_no_assertion(asking: Asking) -> None:
    proof = Holder().proof("POST", TOKEN_ENDPOINT, at=asking.site.clock())
    assert (await asking.bearer(IDP.says(asking.now), dpop=proof)).json()["token_type"] == "DPoP"
    assertion = IDP.says(asking.now)
    assert refusal(await asking.bearer(assertion, dpop=proof)) == (400, "invalid_dpop_proof")
    assert (await asking.bearer(assertion)).status_code == 200


async def test_who_acts_for_the_person_is_told_in_the_token(asking: Asking) -> None:
    answer = await asking.bearer(IDP.says(asking.now, act={"sub": "assistant", "mood": "fine"}))
    about = await asking.about(answer.json()["access_token"])
    assert about["act"] == {"iss": IDP.name, "sub": "assistant"}
