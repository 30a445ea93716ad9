"""Userinfo as a JWT, as the application registered it (OpenID Connect Core §5.3.2), read by other libraries."""

import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from joserfc import jwt as other_library
from joserfc.jwk import KeySet
from sqlalchemy import text

from app.store.database import Database
from tests.endpoints.test_budgets import trips_of
from tests.endpoints.test_introspection_signed import encryption_key, opened, public_part
from tests.support.credentials import bearer
from tests.support.service import ISSUER, Service, obtain_code, redeem, service
from tests.support.signing import keep_keys

PATH = "/oauth/userinfo"
OAEP, ECDH = ("RSA-OAEP-256", "A128CBC-HS256"), ("ECDH-ES", "A256GCM")
RSA, EC = [public_part(encryption_key("RSA"))], [public_part(encryption_key("EC"))]
APPLICATIONS: dict[str, dict[str, Any]] = {
    "signed": {"openid": {"userinfo_alg": "ES256"}},
    "both": {"openid": {"userinfo_alg": "RS256", "userinfo_encryption": OAEP}, "key_material": {"jwks": RSA}},
    "sealed": {"openid": {"userinfo_encryption": ECDH}, "key_material": {"jwks": EC}},
    "unfit": {"openid": {"userinfo_encryption": OAEP}, "key_material": {"jwks": EC}},
    "beyond": {"openid": {"userinfo_alg": "PS256"}},
    "weak": {"openid": {"userinfo_alg": "RS256"}},
}


@pytest.fixture(scope="module")
async def site(database: Database) -> AsyncIterator[Service]:
    """A server whose applications registered different forms of the answer."""
    async with service(database, signing={"algorithms": ["ES256", "RS256"]}) as running:
        await keep_keys(running.server)
        await running.user("robin")
        for name, registered in APPLICATIONS.items():
            await running.application(name, **registered)
        yield running


@pytest.fixture
async def browser(site: Service) -> AsyncIterator[httpx.AsyncClient]:
    """A script without cookies."""
    async with site.browser() as fresh:
        yield fresh


async def asked(site: Service, client_id: str) -> tuple[httpx.Response, str]:
    """Sign robin in and ask for him; return the answer and the subject in the ID token."""
    async with site.browser() as browser:
        code = await obtain_code(browser, client_id, "robin", scope="openid email")
        tokens = (await redeem(browser, client_id, code)).json()
        answer = await browser.get(PATH, headers=bearer(tokens["access_token"]))
    return answer, tokens["id_token"]


async def read(browser: httpx.AsyncClient, text: str, alg: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Check a JWT with the published keys alone; return header and claims."""
    keys = KeySet.import_key_set((await browser.get("/oauth/jwks")).json())
    checked = other_library.decode(text, keys, algorithms=[alg])
    return checked.header, checked.claims


def check(claims: dict[str, Any]) -> None:
    assert claims.pop("sub")
    assert claims == {"email": "robin@example.com", "email_verified": False}


@pytest.mark.spec("standards", "UI-3")
@pytest.mark.spec("standards", "UI-7")
@pytest.mark.spec("standards", "HD-7")
async def test_a_signed_answer_names_issuer_and_application(site: Service, browser: httpx.AsyncClient) -> None:
    answer, id_token = await asked(site, "signed")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/jwt")
    assert answer.headers["cache-control"] == "no-store"
    header, claims = await read(browser, answer.text, "ES256")
    assert header["alg"] == "ES256"
    assert (claims.pop("iss"), claims.pop("aud")) == (ISSUER, "signed")
    assert claims["sub"] == (await read(browser, id_token, "RS256"))[1]["sub"]
    check(claims)


@pytest.mark.spec("standards", "UI-7")
@pytest.mark.spec("standards", "HD-7")
async def test_an_answer_is_signed_first_and_then_encrypted(site: Service, browser: httpx.AsyncClient) -> None:
    answer, _ = await asked(site, "both")
    assert answer.headers["content-type"] == "application/jwt"
    outer, content = opened(answer.text, encryption_key("RSA"))
    assert (outer["alg"], outer["enc"], outer["cty"]) == (*OAEP, "JWT")
    _, claims = await read(browser, content, "RS256")
    assert (claims.pop("iss"), claims.pop("aud")) == (ISSUER, "both")
    check(claims)


@pytest.mark.spec("standards", "UI-7")
async def test_an_answer_can_be_encrypted_alone(site: Service) -> None:
    answer, _ = await asked(site, "sealed")
    assert answer.headers["content-type"] == "application/jwt"
    outer, content = opened(answer.text, encryption_key("EC"))
    assert (outer["alg"], outer["enc"], outer["cty"]) == (*ECDH, "json")
    check(json.loads(content))


@pytest.mark.spec("standards", "UI-7")
@pytest.mark.parametrize(("client_id", "named"), [("unfit", "RSA-OAEP-256"), ("beyond", "PS256")])
async def test_what_cannot_be_made_so_is_not_sent_otherwise(site: Service, client_id: str, named: str) -> None:
    answer, _ = await asked(site, client_id)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")
    assert named in answer.json()["error_description"]
    assert "robin" not in answer.text


@pytest.mark.spec("standards", "F-22")
async def test_whoever_is_held_to_fapi_meanwhile_gets_no_weak_signature(
    site: Service, browser: httpx.AsyncClient
) -> None:
    code = await obtain_code(browser, "weak", "robin", scope="openid email")
    token = (await redeem(browser, "weak", code)).json()["access_token"]
    assert (await browser.get(PATH, headers=bearer(token))).status_code == 200
    async with site.server.database.transaction() as transaction:
        held = """update application set policy = '{"fapi": true}' where client_id = 'weak'"""
        await transaction.execute(text(held))
    answer = await browser.get(PATH, headers=bearer(token))
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")
    assert "cannot be signed with RS256" in answer.json()["error_description"]


async def test_a_signature_costs_no_trip_and_encryption_one_at_most(site: Service, browser: httpx.AsyncClient) -> None:
    for client_id, trips in (("signed", ["gather_userinfo"]), ("sealed", ["gather_userinfo", "gather_client"])):
        code = await obtain_code(browser, client_id, "robin", scope="openid")
        token = (await redeem(browser, client_id, code)).json()["access_token"]
        assert await trips_of(browser.get(PATH, headers=bearer(token))) == trips
