"""How an application proves who it is, in the JSON API."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from app.protocol.client_auth import tls_client_auth
from app.store.database import Database
from tests.support.api_person import assert_problem
from tests.support.assertions import claims_of, form, key_of, key_set, maced, signed
from tests.support.own_applications import Developer, developer, of
from tests.support.service import ISSUER, Service, service

KEYS = key_set(key_of("api"))


@pytest.fixture(scope="module")
async def site(database: Database) -> AsyncIterator[Service]:
    async with service(database) as running:
        await running.user("robin")
        yield running


@pytest.fixture
async def robin(site: Service) -> AsyncIterator[Developer]:
    async with site.browser() as browser:
        yield await developer(browser, "robin")


async def introspected(site: Service, assertion: str) -> httpx.Response:
    async with site.browser() as program:
        return await program.post("/oauth/introspect", data=form(assertion, token="nothing"))


@pytest.mark.spec("standards", "CA-1")
async def test_an_application_is_made_with_keys_and_without_a_secret(site: Service, robin: Developer) -> None:
    members = {"token_endpoint_auth_method": "private_key_jwt", "jwks": KEYS, "dpop_bound_access_tokens": True}
    made = await robin.made(**members)
    assert made["client_secret"] is None
    assert {name: made[name] for name in members} == members
    nothing = ("jwks_uri", "token_endpoint_auth_signing_alg", *tls_client_auth.SUBJECTS)
    assert [made[name] for name in nothing] == [None] * len(nothing)
    assert made["not_served_because_of"] == []
    claims = claims_of(made["client_id"], ISSUER, site.clock())
    assert (await introspected(site, signed(claims, key_of("api")))).status_code == 200
    assert (await introspected(site, signed(claims, key_of("mallory")))).status_code == 401


@pytest.mark.spec("standards", "CA-3")
async def test_one_that_makes_macs_is_told_its_secret_once(site: Service, robin: Developer) -> None:
    made = await robin.made(token_endpoint_auth_method="client_secret_jwt")
    added = (await robin.send("POST", of(made, "/secrets"))).json()
    for secret in (made["client_secret"], added["client_secret"]):
        claims = claims_of(made["client_id"], ISSUER, site.clock())
        assert (await introspected(site, maced(claims, secret.encode()))).status_code == 200
    assert made["client_secret"] not in (await robin.get(of(made))).text
    assert (await robin.send("DELETE", of(made, f"/secrets/{made['secrets'][0]['id']}"))).status_code == 204
    claims = claims_of(made["client_id"], ISSUER, site.clock())
    assert (await introspected(site, maced(claims, made["client_secret"].encode()))).status_code == 401
    assert (await introspected(site, maced(claims, added["client_secret"].encode()))).status_code == 200


async def test_keys_are_replaced_by_what_is_given_and_kept_otherwise(robin: Developer) -> None:
    made = await robin.made(token_endpoint_auth_method="private_key_jwt", jwks=KEYS)
    answer = await robin.send("PATCH", of(made), {"jwks_uri": "https://a.example/jwks"})
    assert (answer.json()["jwks"], answer.json()["jwks_uri"]) == (None, "https://a.example/jwks")
    answer = await robin.send("PATCH", of(made), {"client_name": "Another name"})
    assert answer.json()["jwks_uri"] == "https://a.example/jwks"


async def test_certificates_are_registered_by_one_name(robin: Developer) -> None:
    first = {"token_endpoint_auth_method": "tls_client_auth", "tls_client_auth_subject_dn": "CN=a,O=Example"}
    made = await robin.made(**first)
    answer = await robin.send("PATCH", of(made), {"tls_client_auth_san_dns": "a.example"})
    assert (answer.json()["tls_client_auth_subject_dn"], answer.json()["tls_client_auth_san_dns"]) == (
        None,
        "a.example",
    )


@pytest.mark.parametrize(
    ("members", "field"),
    [
        ({"token_endpoint_auth_method": "tls_client_auth"}, "token_endpoint_auth_method"),
        ({"token_endpoint_auth_method": "private_key_jwt", "jwks": {"keys": []}}, "token_endpoint_auth_method"),
        ({"token_endpoint_auth_method": "private_key_jwt", "jwks": {"keys": [{"kty": "EC"}]}}, "jwks.keys.0"),
        ({"jwks": {"keys": [{"kty": "oct", "k": "AA"}]}}, "jwks"),
        ({"jwks": KEYS, "jwks_uri": "https://a.example/"}, "jwks"),
        ({"jwks_uri": "http://a.example/"}, "jwks_uri"),
        ({"token_endpoint_auth_signing_alg": "none"}, "token_endpoint_auth_signing_alg"),
    ],
)
async def test_what_could_prove_nothing_is_named(robin: Developer, members: dict[str, Any], field: str) -> None:
    made = await robin.made()
    answer = await robin.send("PATCH", of(made), members)
    assert_problem(answer, 400, "invalid-request")
    assert [error["field"] for error in answer.json()["errors"]] == [field]


async def test_an_old_sign_in_changes_no_credentials(site: Service, robin: Developer) -> None:
    made = await robin.made()
    site.clock.forward(16 * 60)
    for members in ({"token_endpoint_auth_method": "client_secret_post"}, {"jwks": KEYS}, {"jwks_uri": None}):
        answer = await robin.send("PATCH", of(made), members)
        assert answer.status_code == 403, answer.text
    assert (await robin.send("PATCH", of(made), {"client_name": "Another name"})).status_code == 200
