"""ID tokens from the token endpoint, read by another library than the one that wrote them (standards B2.4)."""

import json
import warnings
from collections.abc import AsyncIterator
from functools import cache
from typing import Any

import httpx
import pytest
from joserfc import jwt as other_library
from joserfc.jwk import KeySet, RSAKey

from app.crypto import jose
from app.models import Application
from app.protocol.polling import SLOWER_BY
from app.protocol.tokens.id_token import half_hash
from app.store.database import Database
from app.store.hot_connection import counting_trips
from tests.support import devices as flow
from tests.support.credentials import bearer, change
from tests.support.devices import GRANT_TYPE
from tests.support.service import ISSUER, SECRET, Service, obtain_code, redeem, service
from tests.support.signing import keep_keys

HOST = "https://client.example/callback"
OPENID = "openid project:read"
CLAIMS = json.dumps({"id_token": {"email": None, "nickname": {"essential": True}}})


@cache
def key_for_encryption() -> dict[str, Any]:
    """Return a private key of an application that wants its ID tokens encrypted."""
    key = RSAKey.generate_key(2048)
    return {**key.as_dict(private=True), "use": "enc", "kid": "enc"}


def public_part(jwk: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in jwk.items() if name not in jose.PRIVATE_MEMBERS}


@pytest.fixture(scope="module")
async def site(database: Database) -> AsyncIterator[Service]:
    """A server with keys, and applications that registered how they want their ID tokens."""
    encrypted = {"id_token_encryption": ["RSA-OAEP-256", "A256GCM"]}
    shop, bank = "https://shop.example/cb", "https://bank.example/cb"
    async with service(database, signing={"algorithms": ["ES256", "RS256"]}) as running:
        await keep_keys(running.server)
        await running.user("robin")
        await running.application("web")
        await running.application("es256", openid={"id_token_alg": "ES256"})
        await running.application("ps256", openid={"id_token_alg": "PS256"})
        await running.application(
            "sealed", openid=encrypted, key_material={"jwks": [public_part(key_for_encryption())]}
        )
        await running.application("keyless", openid=encrypted)
        await running.application("shop", openid={"sector": "shop.example"}, redirect_uris=(HOST, shop))
        await running.application("till", openid={"sector": "shop.example"}, redirect_uris=(HOST, shop))
        await running.application("bank", openid={"sector": "bank.example"}, redirect_uris=(HOST, bank))
        await running.application(
            "tv", grant_types=(GRANT_TYPE, "refresh_token"), redirect_uris=(), response_types=(), kind="native"
        )
        yield running


@pytest.fixture
async def browser(site: Service) -> AsyncIterator[httpx.AsyncClient]:
    async with site.browser() as fresh:
        yield fresh


async def signed_in(browser: httpx.AsyncClient, client_id: str = "web", **changes: str) -> dict[str, Any]:
    """Sign in with an application and return what it got."""
    code = await obtain_code(browser, client_id, "robin", **{"scope": OPENID, "redirect_uri": HOST, **changes})
    answer = await redeem(browser, client_id, code)
    assert answer.status_code == 200, answer.text
    got: dict[str, Any] = answer.json()
    return got


async def refreshed(
    browser: httpx.AsyncClient, got: dict[str, Any], client_id: str = "web", **changes: str
) -> dict[str, Any]:
    data = {"grant_type": "refresh_token", "refresh_token": got["refresh_token"], **changes}
    answer = await browser.post("/oauth/token", data=data, auth=(client_id, SECRET))
    assert answer.status_code == 200, answer.text
    later: dict[str, Any] = answer.json()
    return later


async def read(browser: httpx.AsyncClient, text: str, alg: str = "RS256") -> tuple[dict[str, Any], dict[str, Any]]:
    """Check an ID token with the published keys alone; return header and claims."""
    keys = KeySet.import_key_set((await browser.get("/oauth/jwks")).json())
    checked = other_library.decode(text, keys, algorithms=[alg])
    return checked.header, checked.claims


@pytest.mark.spec("standards", "ID-1")
@pytest.mark.spec("standards", "AC-10")
async def test_a_code_of_a_sign_in_brings_an_id_token_with_everything_in_it(
    site: Service, browser: httpx.AsyncClient
) -> None:
    got = await signed_in(browser, nonce="n-0S6")
    header, claims = await read(browser, got["id_token"])
    assert (header["typ"], header["alg"]) == ("JWT", "RS256")
    now = int(site.clock().timestamp())
    sid = claims.pop("sid")
    assert len(sid) == 24
    assert claims == {
        "iss": ISSUER,
        "sub": claims["sub"],
        "aud": "web",
        "exp": now + 3600,
        "iat": now,
        "auth_time": now,
        "acr": "urn:assent:acr:password",
        "amr": ["pwd"],
        "nonce": "n-0S6",
        "at_hash": half_hash(got["access_token"], "RS256"),
    }
    assert 0 < len(claims["sub"]) <= 255


@pytest.mark.spec("standards", "ID-2")
@pytest.mark.spec("standards", "ID-4")
async def test_the_registered_algorithm_signs_and_makes_the_hash(browser: httpx.AsyncClient) -> None:
    got = await signed_in(browser, "es256")
    header, claims = await read(browser, got["id_token"], "ES256")
    assert header["kid"] in {key["kid"] for key in (await browser.get("/oauth/jwks")).json()["keys"]}
    assert claims["at_hash"] == half_hash(got["access_token"], "ES256")
    assert "nonce" not in claims


@pytest.mark.spec("standards", "OC-1")
async def test_without_openid_there_is_no_id_token(browser: httpx.AsyncClient) -> None:
    assert "id_token" not in await signed_in(browser, scope="project:read")


@pytest.mark.spec("standards", "RF-12")
@pytest.mark.spec("standards", "AR-8")
async def test_a_refresh_brings_the_same_sign_in_at_a_later_hour_and_without_its_nonce(
    site: Service, browser: httpx.AsyncClient
) -> None:
    got = await signed_in(browser, nonce="n-0S6")
    _, first = await read(browser, got["id_token"])
    site.clock.forward(900)
    later = await refreshed(browser, got)
    _, second = await read(browser, later["id_token"])
    changed = {"iat", "exp", "at_hash", "nonce"}
    assert {name: second[name] for name in second.keys() - changed} == {
        name: first[name] for name in first.keys() - changed
    }
    assert "nonce" not in second
    assert second["iat"] == first["iat"] + 900
    assert second["at_hash"] == half_hash(later["access_token"], "RS256")
    assert "id_token" not in await refreshed(browser, later, scope="project:read")


@pytest.mark.spec("standards", "OC-13")
@pytest.mark.spec("standards", "ID-8")
@pytest.mark.spec("standards", "UI-5")
async def test_claims_are_in_the_id_token_when_they_were_asked_for_there_and_not_for_their_scope(
    browser: httpx.AsyncClient,
) -> None:
    by_scope = await signed_in(browser, scope="openid email profile")
    assert not {"email", "preferred_username"} & (await read(browser, by_scope["id_token"]))[1].keys()
    asked = await signed_in(browser, scope="openid email", claims=CLAIMS)
    _, claims = await read(browser, asked["id_token"])
    assert (claims["email"], "nickname" in claims) == ("robin@example.com", False)
    again = await refreshed(browser, asked)
    assert (await read(browser, again["id_token"]))[1]["email"] == "robin@example.com"


@pytest.mark.spec("standards", "ID-6")
async def test_an_encrypted_id_token_has_the_signed_one_inside(browser: httpx.AsyncClient) -> None:
    got = await signed_in(browser, "sealed")
    with warnings.catch_warnings(record=True):  # it recommends ours
        from authlib.jose import JsonWebEncryption, JsonWebKey

    opened = JsonWebEncryption().deserialize_compact(got["id_token"], JsonWebKey.import_key(key_for_encryption()))
    header = opened["header"]
    assert (header["alg"], header["enc"], header["cty"], header["kid"]) == ("RSA-OAEP-256", "A256GCM", "JWT", "enc")
    _, claims = await read(browser, opened["payload"].decode())
    assert claims["at_hash"] == half_hash(got["access_token"], "RS256")


@pytest.mark.spec("standards", "ID-2")
@pytest.mark.parametrize(
    ("client_id", "named", "cure"),
    [
        ("ps256", "PS256", {"openid": {"id_token_alg": "ES256"}}),
        ("keyless", "RSA-OAEP-256", {"key_material": {"jwks": [public_part(key_for_encryption())]}}),
    ],
    ids=["no key of the server", "no key of the application"],
)
async def test_an_id_token_that_cannot_be_made_costs_no_code(
    site: Service, browser: httpx.AsyncClient, client_id: str, named: str, cure: dict[str, Any]
) -> None:
    code = await obtain_code(browser, client_id, "robin", scope=OPENID)
    refused = await redeem(browser, client_id, code)
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_request")
    assert named in refused.json()["error_description"]
    client = await site.database.hot.gather_client(client_id)
    assert client is not None
    await change(site, Application, client.id, **cure, version=client.version + 1)
    assert "id_token" in (await redeem(browser, client_id, code)).json()


@pytest.mark.spec("standards", "ID-5")
@pytest.mark.spec("standards", "JV-3")
async def test_no_api_takes_an_id_token_for_an_access_token(browser: httpx.AsyncClient) -> None:
    got = await signed_in(browser)
    browser.cookies.clear()
    for path in ("/api/v1/me", "/oauth/userinfo"):
        assert (await browser.get(path, headers=bearer(got["id_token"]))).status_code == 401
    asked = await browser.post("/oauth/introspect", data={"token": got["id_token"]}, auth=("web", SECRET))
    assert asked.json() == {"active": False}


async def test_a_device_signs_its_person_in_for_longer_than_his_browser_s_session(
    site: Service, browser: httpx.AsyncClient
) -> None:
    async with site.browser() as device:
        begun = (await flow.begin(device, "tv", scope="openid")).json()
        await flow.approve(browser, "robin", begun["user_code"])
        site.clock.forward(SLOWER_BY.total_seconds())
        got = (await flow.poll(device, "tv", begun["device_code"])).json()
        _, claims = await read(device, got["id_token"])
    assert (claims["aud"], claims["acr"], claims["amr"]) == ("tv", "urn:assent:acr:password", ["pwd"])
    assert not {"sid", "nonce"} & claims.keys()
    site.clock.forward(10)
    assert (await read(browser, (await refreshed(browser, got, "tv"))["id_token"]))[1]["sub"] == claims["sub"]


@pytest.mark.spec("standards", "ID-7")
@pytest.mark.spec("standards", "UI-3")
@pytest.mark.spec("standards", "AT-4")
async def test_a_person_has_one_name_in_a_sector_wherever_it_is_told_and_another_elsewhere(
    site: Service, browser: httpx.AsyncClient
) -> None:
    names: dict[str, str] = {}
    for client_id in ("web", "shop", "till", "bank"):
        got = await signed_in(browser, client_id)
        _, claims = await read(browser, got["id_token"])
        names[client_id] = claims["sub"]
        told = await browser.get("/oauth/userinfo", headers=bearer(got["access_token"]))
        asked = await browser.post("/oauth/introspect", data={"token": got["access_token"]}, auth=(client_id, SECRET))
        later = await refreshed(browser, got, client_id)
        seen = {told.json()["sub"], asked.json()["sub"], (await read(browser, later["id_token"]))[1]["sub"]}
        assert seen == {claims["sub"]}
    assert names["shop"] == names["till"]
    assert len(set(names.values())) == 3


@pytest.mark.spec("standards", "ID-7")
async def test_a_pairwise_name_is_looked_up_once_for_each_application(browser: httpx.AsyncClient) -> None:
    await signed_in(browser, "shop")
    with counting_trips() as trips:
        await signed_in(browser, "shop")
    assert "subject_of" not in trips


async def test_a_sign_in_costs_no_trip_more_than_any_exchange(browser: httpx.AsyncClient) -> None:
    code = await obtain_code(browser, "web", "robin", scope=OPENID, claims=CLAIMS)
    with counting_trips() as trips:
        got = (await redeem(browser, "web", code)).json()
        await refreshed(browser, got)
    assert trips == ["gather_code", "settle_code", "gather_family", "settle_refresh.rotate"]
