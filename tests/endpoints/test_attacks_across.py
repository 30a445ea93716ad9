"""Attacks that combine what is safe alone: keys of one side on the other, tokens of one grant at the next (issue 4)."""

import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from app.crypto.hashing import digest
from app.models import Application
from app.protocol.tokens.jwt_rules import Kind
from app.store.database import Database
from tests.support.assertions import claims_of, form, key_of, key_set, register, signed
from tests.support.credentials import change
from tests.support.delegation import (
    IDP,
    JWT,
    ORDERS,
    Asking,
    delegating_service,
)
from tests.support.dpop import Holder
from tests.support.facts import VERIFIER
from tests.support.service import ISSUER, REDIRECT_URI, SECRET, Service, obtain_code, service

GRANT = {"grant_type": "client_credentials"}
OWNER, THIEF = Holder(), Holder()
SIGNING: dict[str, Any] = {"token_endpoint_auth_method": "private_key_jwt"}


@pytest.fixture(scope="module")
async def site(database: Database) -> AsyncIterator[Service]:
    """Gateways and what they exchange; `mirror` has registered our own public keys as its own."""
    async with delegating_service(database) as running:
        published = json.loads(running.server.keyring.published(running.clock()).body)
        await register(running, client_id="mirror", jwks=published, **SIGNING)
        await register(running, client_id="signer", jwks=key_set(key_of("signer")), **SIGNING)
        yield running


@pytest.fixture
def asking(site: Service, browser: httpx.AsyncClient) -> Asking:
    return Asking(site, browser)


def refusal(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]


def proof(site: Service, holder: Holder = OWNER, url: str = f"{ISSUER}/oauth/token", **claims: Any) -> dict[str, str]:
    return {"DPoP": holder.proof("POST", url, at=site.clock(), **claims)}


async def redeem(
    browser: httpx.AsyncClient, code: str, client_id: str, headers: dict[str, str] | None = None
) -> httpx.Response:
    data = {"grant_type": "authorization_code", "code": code, "redirect_uri": REDIRECT_URI, "code_verifier": VERIFIER}
    return await _ask(browser, data, client_id, headers)


async def refresh(
    browser: httpx.AsyncClient, token: str, client_id: str, headers: dict[str, str] | None = None
) -> httpx.Response:
    return await _ask(browser, {"grant_type": "refresh_token", "refresh_token": token}, client_id, headers)


async def _ask(
    browser: httpx.AsyncClient, data: dict[str, str], client_id: str, headers: dict[str, str] | None
) -> httpx.Response:
    if client_id == "spa":
        return await browser.post("/oauth/token", data={**data, "client_id": "spa"}, headers=headers)
    return await browser.post("/oauth/token", data=data, headers=headers, auth=(client_id, SECRET))


async def id_of(site: Service, client_id: str) -> Any:
    client = await site.database.hot.gather_client(client_id)
    assert client is not None
    return client.id


SPELLINGS = [
    pytest.param(spelled, id=spelled)
    for kind in Kind
    if kind not in (Kind.CLIENT_ASSERTION, Kind.ID_TOKEN)
    for spelled in (kind.typ, f"application/{kind.typ}", kind.typ.upper())
]


@pytest.mark.spec("standards", "JV-3")
@pytest.mark.spec("standards", "CA-6")
@pytest.mark.parametrize("typ", SPELLINGS)
async def test_nothing_that_we_sign_for_something_else_proves_a_client_that_registered_our_keys(
    site: Service, browser: httpx.AsyncClient, typ: str
) -> None:
    """Its claims are right to the letter: only what it says of its kind stands in the way."""
    text = site.server.keyring.sign(site.clock(), "ES256", typ, claims_of("mirror", ISSUER, site.clock()))
    assert refusal(await browser.post("/oauth/token", data=form(text, **GRANT))) == (401, "invalid_client")


@pytest.mark.spec("standards", "JV-3")
async def test_no_jwt_that_a_client_can_get_from_us_is_one_of_another_kind(
    asking: Asking, site: Service, browser: httpx.AsyncClient
) -> None:
    own = await asking.own("orders", resource=ORDERS)
    about = await browser.post(
        "/oauth/introspect",
        data={"token": own},
        auth=("orders", SECRET),
        headers={"accept": "application/token-introspection+jwt"},
    )
    assert about.status_code == 200
    for text in (own, about.text):
        assert refusal(await browser.post("/oauth/token", data=form(text, **GRANT))) == (401, "invalid_client")
        assert refusal(await asking.bearer(text)) == (400, "invalid_grant")
        assert refusal(await asking.exchange(text, "gateway", subject_token_type=JWT)) == (400, "invalid_request")
        header = {"DPoP": text}
        sent = await browser.post("/oauth/token", data=GRANT, auth=("agent", SECRET), headers=header)
        assert refusal(sent) == (400, "invalid_dpop_proof")
        shown = await browser.get("/api/v1/me", headers={"Authorization": f"Bearer {text}"})
        assert shown.status_code == 401
    assert await asking.about(about.text) == {"active": False}
    for text in (signed(claims_of("signer", ISSUER, site.clock()), key_of("signer")), IDP.says(asking.now)):
        assert await asking.about(text) == {"active": False}


@pytest.mark.spec("standards", "CA-5")
@pytest.mark.parametrize(
    "audience",
    [
        f"{ISSUER}/",
        ISSUER.upper(),
        f"{ISSUER}:443",
        ISSUER.replace("https", "http"),
        f"{ISSUER}/oauth/token/",
        f"{ISSUER}//oauth/token",
        f"{ISSUER}/oauth/Token",
        f"{ISSUER}/oauth/token?x=1",
        f"{ISSUER}#",
    ],
)
async def test_an_audience_that_only_resembles_ours_is_not_ours(
    site: Service, browser: httpx.AsyncClient, audience: str
) -> None:
    text = signed(claims_of("signer", audience, site.clock()), key_of("signer"))
    assert refusal(await browser.post("/oauth/token", data=form(text, **GRANT))) == (401, "invalid_client")


@pytest.mark.spec("standards", "CA-5")
@pytest.mark.spec("standards", "DP-4")
async def test_the_path_of_an_issuer_is_no_part_of_a_word(database: Database, site: Service) -> None:
    """At `/o`, the token endpoint of a server at the root begins with the same letters."""
    async with service(database, issuer=f"{ISSUER}/o") as short, short.browser() as browser:
        for audience, status in ((f"{ISSUER}/oauth/token", 401), (f"{ISSUER}/o/oauth/token", 200)):
            text = signed(claims_of("signer", audience, short.clock()), key_of("signer"))
            answer = await browser.post("/oauth/token", data=form(text, **GRANT))
            assert answer.status_code == status, audience
            headers = proof(short, url=audience)
            answer = await browser.post("/oauth/token", data=GRANT, auth=("agent", SECRET), headers=headers)
            assert answer.status_code == (200 if status == 200 else 400), audience


@pytest.mark.spec("standards", "DP-13")
async def test_a_bound_code_is_for_its_client_and_its_key_together(site: Service, browser: httpx.AsyncClient) -> None:
    code = await obtain_code(browser, "spa", "robin", dpop_jkt=OWNER.jkt)
    for client_id, headers in (("web", proof(site)), ("spa", proof(site, THIEF)), ("spa", None)):
        assert refusal(await redeem(browser, code, client_id, headers)) == (400, "invalid_grant")
    assert (await redeem(browser, code, "spa", proof(site))).json()["token_type"] == "DPoP"


@pytest.mark.spec("standards", "DP-9")
@pytest.mark.spec("standards", "RF-10")
async def test_a_bound_family_stays_bound_when_its_client_has_got_a_secret(
    site: Service, browser: httpx.AsyncClient
) -> None:
    code = await obtain_code(browser, "spa", "robin")
    token = (await redeem(browser, code, "spa", proof(site))).json()["refresh_token"]
    spa = await id_of(site, "spa")
    await change(site, Application, spa, auth_method="client_secret_post", secret_digests=[digest(SECRET.encode())])
    form = {"grant_type": "refresh_token", "refresh_token": token, "client_id": "spa", "client_secret": SECRET}
    answers = [
        await browser.post("/oauth/token", data=form, headers=headers)
        for headers in (None, proof(site, THIEF), proof(site))
    ]
    await change(site, Application, spa, auth_method="none", secret_digests=[])
    assert [answer.status_code for answer in answers] == [400, 400, 200]
    assert [answer.json().get("error") for answer in answers[:2]] == ["invalid_grant"] * 2


@pytest.mark.spec("standards", "RF-3")
async def test_an_unbound_family_is_rotated_from_the_moment_on_that_its_client_is_public(
    site: Service, browser: httpx.AsyncClient
) -> None:
    token = (await redeem(browser, await obtain_code(browser, "web", "robin"), "web")).json()["refresh_token"]
    web = await id_of(site, "web")
    await change(site, Application, web, auth_method="none", policy={"rotate_refresh_tokens": False})
    form = {"grant_type": "refresh_token", "refresh_token": token, "client_id": "web"}
    answer = await browser.post("/oauth/token", data=form)
    await change(site, Application, web, auth_method="client_secret_basic", policy={})
    assert answer.status_code == 200
    assert answer.json()["refresh_token"] != token


@pytest.mark.spec("standards", "TX-7")
@pytest.mark.spec("standards", "DP-6")
async def test_a_proof_pays_for_one_exchange_of_a_bound_token(
    asking: Asking, site: Service, browser: httpx.AsyncClient
) -> None:
    code = await obtain_code(browser, "web", "robin")
    bound = (await redeem(browser, code, "web", proof(site))).json()["access_token"]
    once = proof(site)["DPoP"]
    assert (await asking.exchange(bound, dpop=once)).json()["token_type"] == "DPoP"
    assert refusal(await asking.exchange(bound, dpop=once)) == (400, "invalid_dpop_proof")
    assert refusal(await asking.exchange(bound, "gateway", dpop=once, resource=ORDERS)) == (400, "invalid_dpop_proof")
