"""Applications that prove themselves with a certificate, as a proxy forwards it (RFC 8705 §2; standards CA-9)."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from cryptography import x509

from app.crypto import certificates
from app.protocol import client_auth
from app.store.database import Database
from tests.endpoints.test_client_assertions import ENDPOINTS
from tests.endpoints.test_mtls import ROOT, STRANGER, header, proxied, through
from tests.support.assertions import claims_of, form, key_of, key_set, register, signed
from tests.support.certificates import Issued, issue
from tests.support.service import ISSUER, Service, service

GRANTS = ["client_credentials", "urn:ietf:params:oauth:grant-type:device_code"]
everywhere = pytest.mark.parametrize("path", ENDPOINTS)
OWN = issue("billing", ROOT, alternatives=(x509.DNSName("billing.example"),))
OTHER = issue("reports", ROOT)
SELF_SIGNED, AGAIN = issue("whoever"), issue("billing")


def jwk(issued: Issued) -> dict[str, Any]:
    found = certificates.read(issued.der).jwk
    assert found is not None
    return found


@pytest.fixture(scope="module")
async def behind(database: Database, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Service]:
    authorities = tmp_path_factory.mktemp("authorities") / "clients.pem"
    authorities.write_bytes(ROOT.pem)
    async with proxied(database, authorities) as running:
        by_name = {"token_endpoint_auth_method": "tls_client_auth", "grant_types": GRANTS}
        await register(running, client_id="by-subject", tls_client_auth_subject_dn="CN=billing", **by_name)
        await register(running, client_id="by-dns", tls_client_auth_san_dns="billing.example", **by_name)
        by_key = {"token_endpoint_auth_method": "self_signed_tls_client_auth", "grant_types": GRANTS}
        await register(running, client_id="by-key", jwks={"keys": [jwk(SELF_SIGNED)]}, **by_key)
        await register(running, client_id="secret", grant_types=GRANTS)
        bound = {"tls_client_certificate_bound_access_tokens": True}
        await register(running, client_id="bound", tls_client_auth_subject_dn="CN=billing", **by_name, **bound)
        yield running


async def ask(
    behind: Service, client_id: str, shown: Issued | None, path: str = "/oauth/token", address: str = "", **more: str
) -> httpx.Response:
    async with through(behind, address) if address else through(behind) as client:
        data = {**ENDPOINTS[path], "client_id": client_id, **more}
        return await client.post(path, data={k: v for k, v in data.items() if v}, headers=header(shown))


def refusal(answer: httpx.Response) -> str:
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client"), answer.text
    description: str = answer.json()["error_description"]
    return description


@everywhere
@pytest.mark.spec("standards", "CA-1")
@pytest.mark.spec("standards", "CA-2")
@pytest.mark.spec("standards", "CA-9")
async def test_the_certificate_that_was_registered_opens_every_endpoint(behind: Service, path: str) -> None:
    for client_id, shown in (("by-subject", OWN), ("by-dns", OWN), ("by-key", SELF_SIGNED)):
        answer = await ask(behind, client_id, shown, path)
        assert answer.status_code == 200, answer.text


@everywhere
@pytest.mark.spec("standards", "CA-2")
@pytest.mark.spec("standards", "CA-9")
@pytest.mark.spec("standards", "CA-10")
@pytest.mark.parametrize(
    ("client_id", "shown"),
    [
        ("by-subject", OTHER),
        ("by-subject", AGAIN),
        ("by-subject", None),
        ("by-dns", OTHER),
        ("by-dns", SELF_SIGNED),
        ("by-key", OWN),
        ("by-key", AGAIN),
        ("by-key", None),
        ("nobody", OWN),
        ("secret", OWN),
    ],
    ids=[
        *(
            "another name",
            "its name, by itself",
            "no certificate",
            "another name for a DNS name",
            "self-signed for PKI",
        ),
        *("PKI for a key", "another key", "no certificate for a key", "unknown client", "registered with a secret"),
    ],
)
async def test_no_other_certificate_does(behind: Service, path: str, client_id: str, shown: Issued | None) -> None:
    assert refusal(await ask(behind, client_id, shown, path)) == client_auth.FAILED


@pytest.mark.spec("standards", "CA-9")
async def test_client_id_is_always_required(behind: Service) -> None:
    assert "client_id" in refusal(await ask(behind, "", OWN))


@pytest.mark.spec("standards", "CA-1")
async def test_who_registered_a_certificate_gets_in_with_nothing_else(behind: Service) -> None:
    assert refusal(await ask(behind, "by-subject", OWN, client_secret="x")) == client_auth.FAILED


@pytest.mark.spec("standards", "CA-9")
@pytest.mark.spec("standards", "MT-5")
async def test_a_certificate_that_anybody_may_have_written_down_proves_nothing(behind: Service) -> None:
    assert refusal(await ask(behind, "by-subject", OWN, address=STRANGER)) == client_auth.FAILED


@pytest.mark.spec("standards", "MT-4")
async def test_tokens_are_bound_to_the_certificate_when_they_are_to_be(behind: Service) -> None:
    for client_id, expected in (("bound", certificates.thumbprint(OWN.der)), ("by-subject", None)):
        token = (await ask(behind, client_id, OWN)).json()["access_token"]
        about = await ask(behind, client_id, OWN, "/oauth/introspect", token=token)
        assert about.json().get("cnf", {}).get("x5t#S256") == expected


@pytest.mark.spec("standards", "CA-1")
async def test_without_the_feature_such_applications_are_refused(behind: Service, database: Database) -> None:
    async with service(database, trusted_proxies=("10.0.0.1/32",)) as off:
        for client_id, shown in (("by-subject", OWN), ("by-key", SELF_SIGNED)):
            assert refusal(await ask(off, client_id, shown)) == client_auth.FAILED
        async with off.browser() as browser:
            metadata = (await browser.get("/.well-known/oauth-authorization-server")).json()
    assert not {"tls_client_auth", "self_signed_tls_client_auth"} & set(
        metadata["token_endpoint_auth_methods_supported"]
    )
    assert metadata["issuer"] == ISSUER


@pytest.mark.spec("standards", "CA-5")
@pytest.mark.spec("standards", "MT-3")
async def test_an_assertion_may_name_the_address_where_certificates_are_shown(behind: Service) -> None:
    keyed = {"token_endpoint_auth_method": "private_key_jwt", "grant_types": GRANTS}
    await register(behind, client_id="keyed", jwks=key_set(key_of("keyed")), **keyed)
    for audience, status in (("https://mtls.id.example/oauth/token", 200), ("https://mtls.id.example", 401)):
        text = signed(claims_of("keyed", audience, behind.clock()), key_of("keyed"))
        async with through(behind) as client:
            answer = await client.post("/oauth/token", data=form(text, **ENDPOINTS["/oauth/token"]))
        assert answer.status_code == status
