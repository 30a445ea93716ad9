"""Attacks on sign-in with OpenID Connect: applications that want to know who somebody is without having asked him."""

import json
from collections.abc import AsyncIterator
from functools import partial
from urllib.parse import urlencode

import httpx
import pytest

from app.crypto import jose
from app.protocol.tokens.jwt_rules import Kind
from app.store.database import Database
from tests.support.assertions import form, register
from tests.support.credentials import bearer
from tests.support.front_channel import HYBRID
from tests.support.openid_request import ES256, ask, tokens
from tests.support.service import ISSUER, SECRET, Service, answer_of, decide, follow, redeem, service, sign_in
from tests.support.signing import keep_keys
from tests.support.userinfo import take_away

TYPE = "urn:ietf:params:oauth:token-type:id_token"


@pytest.fixture(scope="module")
async def site(database: Database) -> AsyncIterator[Service]:
    """A server with robin and sam, an application that everybody uses, one that nobody does, and one that knows people
    by names of its own."""
    async with service(database, features={"session_management": True}) as running:
        await keep_keys(running.server)
        for username in ("robin", "sam"):
            await running.user(username)
        await running.application("diary", openid=ES256)
        await running.application("tracker", openid=ES256)
        await running.application("pair", openid={"sector": "client.example"})
        granted = tuple(f"urn:ietf:params:oauth:grant-type:{grant}" for grant in ("token-exchange", "jwt-bearer"))
        await running.application("gateway", openid=ES256, grant_types=granted)
        await running.application("hybrid", **HYBRID)
        yield running


def silently(client_id: str, **changes: str | None) -> str:
    return ask(client_id, prompt="none", **changes)


def named(*subjects: str) -> str:
    """Return the `claims` parameter that asks for one of these people."""
    return json.dumps({"id_token": {"sub": {"values": list(subjects)}}})


async def subject_of(site: Service, username: str) -> str:
    """Return what every application without pairwise subjects calls somebody."""
    async with site.browser() as browser:
        await tokens(browser, "diary", username)
        answer = await browser.get("/api/v1/", headers={"Sec-Fetch-Site": "same-origin"})
        return str(answer.json()["user"]["sub"])


@pytest.mark.spec("standards", "OC-13")
@pytest.mark.parametrize("more", [{}, {"max_age": "0"}], ids=["plain", "max_age"])
async def test_an_application_that_nobody_has_allowed_does_not_learn_who_is_signed_in(
    site: Service, browser: httpx.AsyncClient, more: dict[str, str]
) -> None:
    robin, sam = await subject_of(site, "robin"), await subject_of(site, "sam")
    await sign_in(browser, "robin")
    told = [answer_of(await browser.get(silently("tracker", claims=named(who), **more))) for who in (robin, sam)]
    assert told[0]["error"] == told[1]["error"] == "login_required"
    assert told[0]["error_description"] == told[1]["error_description"]


@pytest.mark.spec("standards", "ID-7")
async def test_an_application_with_names_of_its_own_is_told_the_common_one_nowhere(
    site: Service, browser: httpx.AsyncClient
) -> None:
    common = await subject_of(site, "robin")
    got = await tokens(browser, "pair", "robin")
    held = bearer(got["access_token"])
    told = [
        (await browser.get("/api/v1/me", headers=held)).json(),
        (await browser.get("/api/v1/", headers=held)).json()["user"],
        (await browser.get("/oauth/userinfo", headers=held)).json(),
    ]
    for caller in ("pair", "gateway"):
        body = {"token": got["access_token"]}
        answer = (await browser.post("/oauth/introspect", data=body, auth=(caller, SECRET))).json()
        assert answer["active"] is True
        told.append(answer)
    assert len({answer["sub"] for answer in told}) == 1
    assert not [answer for answer in told if answer.get("username") == "robin" or common in answer.values()]


STATE = "__Host-assent_state"


@pytest.mark.spec("standards", "LS-3")
async def test_an_answer_for_another_account_changes_nothing_for_the_applications_of_the_present_one(
    site: Service, browser: httpx.AsyncClient
) -> None:
    hint = (await tokens(browser, "diary", "robin"))["id_token"]
    page = await browser.get("/login?account=another")
    assert (await sign_in(browser, "sam", page)).status_code == 303
    before = browser.cookies[STATE]
    answer = answer_of(await browser.get(silently("diary", id_token_hint=hint)))
    assert "code" in answer
    assert browser.cookies[STATE] == before


@pytest.mark.spec("standards", "OC-13")
async def test_an_application_gets_by_name_nothing_that_it_may_not_ask_for_by_scope(
    site: Service, browser: httpx.AsyncClient
) -> None:
    await site.application("modest", openid=ES256, scopes=("openid", "profile"))
    wanted = {"email": {"essential": True}, "preferred_username": None}
    page = await follow(browser, await browser.get(ask("modest", claims=json.dumps({"userinfo": wanted}))))
    page = await follow(browser, await sign_in(browser, "robin", page))
    assert "email address" not in page.text
    code = answer_of(await decide(browser, page))["code"]
    held = bearer((await redeem(browser, "modest", code)).json()["access_token"])
    assert (await browser.get("/oauth/userinfo", headers=held)).json().keys() == {"sub", "preferred_username"}


@pytest.mark.spec("standards", "OC-12")
@pytest.mark.spec("standards", "LO-2")
async def test_nothing_else_that_this_server_has_signed_passes_for_an_id_token(
    site: Service, browser: httpx.AsyncClient
) -> None:
    await site.application("signed", openid={"id_token_alg": "ES256", "userinfo_alg": "ES256"})
    got = await tokens(browser, "signed", "robin")
    about = (await browser.get("/oauth/userinfo", headers=bearer(got["access_token"]))).text
    said = jose.peek(got["id_token"]).claims
    sign = partial(site.server.keyring.sign, site.clock(), "ES256")
    for text in (
        about,
        *(sign(kind.typ, said) for kind in Kind if kind is not Kind.ID_TOKEN),
        sign("JWT", {**said, "iss": "https://elsewhere.example"}),
        sign("JWT", {**said, "aud": ["signed", "diary"]}),
        sign("JWT", {name: value for name, value in said.items() if name != "sub"}),
    ):
        refused = answer_of(await browser.get(silently("signed", id_token_hint=text)))
        assert refused["error"] == "invalid_request"
        assert (await browser.get(f"/oauth/logout?{urlencode({'id_token_hint': text})}")).status_code == 400
    assert "code" in answer_of(await browser.get(silently("signed", id_token_hint=got["id_token"])))


@pytest.mark.spec("standards", "ID-5")
async def test_an_id_token_proves_nothing_but_who_signed_in(site: Service, browser: httpx.AsyncClient) -> None:
    """Not even for an application that has registered our own keys as its own."""
    published = json.loads(site.server.keyring.published(site.clock()).body)
    await register(site, client_id="mirror", jwks=published, token_endpoint_auth_method="private_key_jwt")
    token = (await tokens(browser, "diary", "robin"))["id_token"]
    sign = partial(site.server.keyring.sign, site.clock(), "ES256", "JWT")
    for text in (
        token,
        sign({**jose.peek(token).claims, "aud": ISSUER}),
        sign({**jose.peek(token).claims, "aud": "mirror"}),
    ):
        answer = await browser.post("/oauth/token", data={"grant_type": "client_credentials", **form(text)})
        assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
        for grant, name in (("jwt-bearer", "assertion"), ("token-exchange", "subject_token")):
            data = {"grant_type": f"urn:ietf:params:oauth:grant-type:{grant}", name: text, "subject_token_type": TYPE}
            answer = await browser.post("/oauth/token", data=data, auth=("gateway", SECRET))
            assert answer.json()["error"] in ("invalid_grant", "invalid_request"), answer.text


@pytest.mark.spec("standards", "AR-9")
async def test_a_claim_that_was_taken_back_stands_in_no_later_id_token(
    site: Service, browser: httpx.AsyncClient
) -> None:
    person = await site.user("wren")
    got = await tokens(browser, "diary", "wren", claims=json.dumps({"id_token": {"email": None}}))
    assert jose.peek(got["id_token"]).claims["email"] == "wren@example.com"
    await take_away(site, person, "claim:email")
    later = await browser.post("/oauth/token", data=refreshing(got), auth=("diary", SECRET))
    assert "email" not in jose.peek(later.json()["id_token"]).claims
    await tokens(browser, "diary", "wren", claims=json.dumps({"id_token": {"email": None}}))
    again = await browser.post("/oauth/token", data=refreshing(later.json()), auth=("diary", SECRET))
    assert "email" not in jose.peek(again.json()["id_token"]).claims, "what was taken back stays away from old tokens"


def refreshing(got: dict[str, str]) -> dict[str, str]:
    return {"grant_type": "refresh_token", "refresh_token": got["refresh_token"]}
