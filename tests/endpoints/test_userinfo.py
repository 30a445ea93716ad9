"""Userinfo: what is told of a person, to which tokens, and to whom at no cost (standards A6)."""

import json
from dataclasses import replace

import httpx
import pytest

from app.crypto import jose
from app.protocol.tokens.keyring import KeyRing
from app.store.database import Database
from tests.endpoints.test_budgets import trips_of
from tests.support.credentials import bearer
from tests.support.dpop import Holder
from tests.support.facts import VERIFIER
from tests.support.membership import found, join
from tests.support.service import ISSUER, REDIRECT_URI, SECRET, Service, obtain_code, service
from tests.support.userinfo import (
    FILES,
    HERE,
    LEDGER,
    PATH,
    id_of,
    refused,
    token_of,
    tokens_of,
    told,
)
from tests.support.userinfo import browser as browser
from tests.support.userinfo import site as site


@pytest.mark.spec("standards", "UI-1")
@pytest.mark.spec("standards", "UI-3")
@pytest.mark.spec("standards", "HD-1")
@pytest.mark.spec("standards", "BR-1")
async def test_a_person_is_told_of_by_header_and_by_form(site: Service, browser: httpx.AsyncClient) -> None:
    token = await token_of(site, scope="openid email")
    expected = {"email": "ada@example.com", "email_verified": True}
    for answer in (
        await browser.get(PATH, headers=bearer(token)),
        await browser.get(PATH, headers={"Authorization": f"bearer {token}"}, params={"schema": "openid"}),
        await browser.post(PATH, headers=bearer(token)),
        await browser.post(PATH, headers=bearer(token), json={"access_token": "of no account"}),
        await browser.post(PATH, data={"access_token": token}),
    ):
        assert answer.status_code == 200, answer.text
        assert (answer.headers["content-type"], answer.headers["cache-control"]) == ("application/json", "no-store")
        assert {name: value for name, value in answer.json().items() if name != "sub"} == expected
    assert (await browser.head(PATH, headers=bearer(token))).content == b""


@pytest.mark.spec("standards", "UI-3")
@pytest.mark.spec("standards", "UI-4")
@pytest.mark.spec("standards", "UI-5")
async def test_each_scope_delivers_what_is_known(site: Service, browser: httpx.AsyncClient) -> None:
    everything = await told(browser, await token_of(site, scope="openid profile email address phone project:read"))
    assert everything.pop("updated_at") <= site.clock().timestamp()
    assert isinstance(everything.pop("sub"), str)
    assert everything == {
        "name": "Ada Lovelace",
        "preferred_username": "ada",
        "email": "ada@example.com",
        "email_verified": True,
        "address": {"locality": "London"},
        "phone_number": "+44 20 1",
        "phone_number_verified": False,
        "department": "Looms",
    }
    assert (await told(browser, await token_of(site))).keys() == {"sub"}
    little = await told(browser, await token_of(site, "robin", scope="openid profile address phone"))
    assert little.keys() == {"sub", "preferred_username", "updated_at"}


@pytest.mark.spec("standards", "UI-6")
async def test_claims_that_were_asked_for_by_name_are_told(site: Service, browser: httpx.AsyncClient) -> None:
    asked = {"userinfo": {"name": None, "name#ja-Kana-JP": {"essential": True}, "organizations": None, "gender": None}}
    organization = await found(site.database, "saltbarn", site.clock())
    await join(site.database, organization, await id_of(site, "ada"), "member", site.clock())
    token = await token_of(site, claims=json.dumps(asked))
    said = await told(browser, token)
    assert said.pop("sub")
    assert said == {"name": "Ada Lovelace", "name#ja-Kana-JP": "エイダ", "organizations": ["saltbarn"]}
    assert (await told(browser, await token_of(site))).keys() == {"sub"}


@pytest.mark.spec("standards", "UI-6")
async def test_languages_that_were_asked_for_come_along(site: Service, browser: httpx.AsyncClient) -> None:
    token = await token_of(site, scope="openid profile", claims_locales="it ja-Kana-JP")
    assert (await told(browser, token))["name#ja-Kana-JP"] == "エイダ"


@pytest.mark.spec("standards", "UI-3")
async def test_the_subject_is_that_of_the_id_token_also_where_it_is_pairwise(
    site: Service, browser: httpx.AsyncClient
) -> None:
    subjects = []
    for client_id in ("web", "pair"):
        tokens = await tokens_of(site, client_id=client_id)
        subjects.append((await told(browser, tokens["access_token"]))["sub"])
        assert jose.peek(tokens["id_token"]).claims["sub"] == subjects[-1]
    assert subjects[0] != subjects[1]


@pytest.mark.spec("standards", "UI-9")
async def test_a_token_for_another_api_stays_there(site: Service, browser: httpx.AsyncClient) -> None:
    for place in (FILES, LEDGER):
        token = await token_of(site, resource=place, scope="openid email project:read")
        description = refused(await browser.get(PATH, headers=bearer(token)), 401, "invalid_token")
        assert "resource" in description


@pytest.mark.spec("standards", "UI-9")
@pytest.mark.parametrize("places", [[HERE], [HERE, FILES], [ISSUER]], ids=["here", "here too", "the issuer, as a JWT"])
async def test_a_token_for_this_address_opens_it(site: Service, browser: httpx.AsyncClient, places: list[str]) -> None:
    tokens = await tokens_of(site, resource=places, scope="openid email")
    assert (tokens["access_token"].count(".") == 2) is (places == [ISSUER])
    assert (await told(browser, tokens["access_token"]))["email"] == "ada@example.com"


@pytest.mark.spec("standards", "UI-9")
async def test_one_login_gives_tokens_for_an_api_and_for_userinfo(site: Service, browser: httpx.AsyncClient) -> None:
    places = [LEDGER, HERE]
    tokens = await tokens_of(site, resource=places, scope="openid email project:read", send={"resource": LEDGER})
    refused(await browser.get(PATH, headers=bearer(tokens["access_token"])), 401, "invalid_token")
    data = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"], "resource": HERE}
    again = await browser.post("/oauth/token", data=data, auth=("web", SECRET))
    assert (await told(browser, again.json()["access_token"]))["email"] == "ada@example.com"


@pytest.mark.spec("standards", "UI-10")
async def test_a_jwt_whose_key_was_withdrawn_is_invalid(site: Service, browser: httpx.AsyncClient) -> None:
    token = await token_of(site, resource=ISSUER)
    assert (await browser.get(PATH, headers=bearer(token))).status_code == 200
    ring, now = site.server.keyring.ring, site.clock()
    site.server.keyring.ring = KeyRing(tuple(replace(key, retired_at=now) for key in ring.keys), ring.plan)
    refused(await browser.get(PATH, headers=bearer(token)), 401, "invalid_token")
    site.server.keyring.ring = ring


async def bound_token(site: Service, holder: Holder) -> str:
    """Return a token of ada's that is bound to a key."""
    async with site.browser() as browser:
        data = {
            "grant_type": "authorization_code",
            "client_id": "spa",
            "code": await obtain_code(browser, "spa", "ada", scope="openid email"),
            "redirect_uri": REDIRECT_URI,
            "code_verifier": VERIFIER,
        }
        proof = holder.proof("POST", f"{ISSUER}/oauth/token", at=site.clock())
        answer = await browser.post("/oauth/token", data=data, headers={"dpop": proof})
        return str(answer.json()["access_token"])


@pytest.mark.spec("standards", "UI-1")
@pytest.mark.spec("standards", "UI-8")
@pytest.mark.spec("standards", "DP-14")
async def test_a_bound_token_counts_with_a_new_proof_alone(site: Service, browser: httpx.AsyncClient) -> None:
    holder, thief = Holder(), Holder()
    token = await bound_token(site, holder)

    def proof(by: Holder = holder, method: str = "GET", of: str | None = token) -> dict[str, str]:
        return {"Authorization": f"DPoP {token}", "DPoP": by.proof(method, HERE, at=site.clock(), token=of)}

    good = proof()
    assert await trips_of(browser.get(PATH, headers=good)) == ["gather_userinfo_and_memberships", "note_proof"]
    assert (await browser.post(PATH, headers=proof(method="POST"))).json()["email"] == "ada@example.com"
    for headers, error in (
        (good, "invalid_dpop_proof"),
        (proof(of=None), "invalid_dpop_proof"),
        (proof(method="POST"), "invalid_dpop_proof"),
        (proof(thief), "invalid_token"),
        ({"Authorization": f"DPoP {token}"}, "invalid_dpop_proof"),
        (bearer(token), "invalid_token"),
        ({**proof(), **bearer(token)}, "invalid_token"),
    ):
        answer = await browser.get(PATH, headers=headers)
        refused(answer, 401, error)
        assert answer.headers["www-authenticate"].startswith("DPoP ")
    refused(await browser.post(PATH, data={"access_token": token}), 401, "invalid_token")


@pytest.mark.spec("standards", "UI-8")
async def test_a_token_that_is_not_bound_gains_nothing_by_a_proof(site: Service, browser: httpx.AsyncClient) -> None:
    token = await token_of(site)
    headers = {"Authorization": f"DPoP {token}", "DPoP": Holder().proof("GET", HERE, at=site.clock(), token=token)}
    refused(await browser.get(PATH, headers=headers), 401, "invalid_token")


@pytest.mark.spec("standards", "CO-1")
@pytest.mark.spec("standards", "CO-3")
@pytest.mark.spec("standards", "DP-12")
@pytest.mark.spec("standards", "UI-1")
async def test_every_website_can_read_the_answer_and_the_refusal(site: Service, browser: httpx.AsyncClient) -> None:
    origin = {"Origin": "https://spa.example"}
    preflight = await browser.options(PATH, headers={**origin, "Access-Control-Request-Method": "GET"})
    assert preflight.status_code == 204
    assert preflight.headers["access-control-allow-methods"] == "GET, POST, OPTIONS"
    assert {"Authorization", "DPoP"} <= set(preflight.headers["access-control-allow-headers"].split(", "))
    assert int(preflight.headers["access-control-max-age"]) > 0
    token = await token_of(site)
    for answer in (
        await browser.get(PATH, headers={**origin, **bearer(token)}),
        await browser.get(PATH, headers=origin),
        await browser.get(PATH, headers={**origin, **bearer("garbage")}),
        await browser.put(PATH, headers=origin),
        await browser.post(PATH, headers=origin, data={"access_token": "x" * 1_000_001}),
    ):
        assert answer.headers["access-control-allow-origin"] == "*"
        assert "WWW-Authenticate" in answer.headers["access-control-expose-headers"]
        assert "access-control-allow-credentials" not in answer.headers
    assert (await browser.put(PATH)).headers["allow"] == "GET, HEAD, POST, OPTIONS"


async def test_an_answer_takes_one_trip_and_a_text_that_is_no_token_none(
    site: Service, browser: httpx.AsyncClient
) -> None:
    token = await token_of(site, scope="openid profile email")
    assert await trips_of(browser.get(PATH, headers=bearer(token))) == ["gather_userinfo_and_memberships"]
    assert await trips_of(browser.get(PATH, headers=bearer("garbage")), 401) == []


async def test_memberships_are_read_where_a_claim_is_made_of_them(database: Database, site: Service) -> None:
    token = await token_of(site, scope="openid profile email")
    async with service(database) as plain, plain.browser() as browser:
        plain.clock.now = site.clock.now
        assert await trips_of(browser.get(PATH, headers=bearer(token))) == ["gather_userinfo"]


async def test_a_website_session_opens_nothing(site: Service) -> None:
    async with site.browser() as browser:
        await obtain_code(browser, "web", "ada", scope="openid")
        assert (await browser.get(PATH)).status_code == 401
