"""Tokens that are bound to a certificate, as a proxy forwards it (RFC 8705, RFC 9440; standards B4)."""

from base64 import b64encode
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from app.crypto.certificates import thumbprint
from app.protocol.mtls import SHOWN
from app.store.database import Database
from tests.support.certificates import Issued, issue
from tests.support.dpop import Holder
from tests.support.facts import VERIFIER
from tests.support.service import ISSUER, REDIRECT_URI, SECRET, Service, obtain_code, service
from tests.support.signing import keep_keys

PROXY, STRANGER = "10.0.0.1", "192.0.2.66"
ROOT = issue("root", authority=True)
OWN, OTHER = issue("own", ROOT), issue("other", ROOT)
MACHINE: dict[str, Any] = {"kind": "machine", "redirect_uris": (), "response_types": ()}


@pytest.fixture(scope="module")
async def behind(site: Service, database: Database, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Service]:
    """The same people and applications behind a proxy that forwards certificates; some applications demand them."""
    authorities = tmp_path_factory.mktemp("authorities") / "clients.pem"
    authorities.write_bytes(ROOT.pem)
    bound = {"policy": {"tls_bound": True}}
    await site.application("turbine", **MACHINE, grant_types=("client_credentials",), **bound)
    await site.application("sweeper", **MACHINE, grant_types=("client_credentials",))
    await site.application("native", auth_method="none", kind="native", **bound)
    async with proxied(database, authorities) as running:
        yield running


@asynccontextmanager
async def proxied(database: Database, authorities: Path, **changes: Any) -> AsyncIterator[Service]:
    settings: dict[str, Any] = {
        "features": {"mutual_tls": True},
        "trusted_proxies": (f"{PROXY}/32",),
        "mtls": {"proxy_header": True, "client_ca_file": authorities, "url": "https://mtls.id.example"},
    }
    async with service(database, **settings | changes) as running:
        yield running


def header(shown: Issued | None) -> dict[str, str]:
    return {} if shown is None else {"client-cert": f":{b64encode(shown.der).decode()}:"}


def through(site: Service, address: str = PROXY) -> httpx.AsyncClient:
    """Return a client whose requests come from an address: the proxy's, or anybody's."""
    return httpx.AsyncClient(transport=httpx.ASGITransport(site.app, client=(address, 4711)), base_url=ISSUER)


async def ask(
    site: Service, shown: Issued | None, client_id: str = "turbine", address: str = PROXY, **headers: str
) -> httpx.Response:
    async with through(site, address) as client:
        data, auth = {"grant_type": "client_credentials"}, (client_id, SECRET)
        return await client.post("/oauth/token", data=data, auth=auth, headers=header(shown) | headers)


async def public(site: Service, data: Mapping[str, str], shown: Issued | None) -> httpx.Response:
    async with through(site) as client:
        return await client.post("/oauth/token", data={"client_id": "native", **data}, headers=header(shown))


async def cnf(site: Service, token: str) -> tuple[Any, Any]:
    async with through(site) as client:
        answer = await client.post("/oauth/introspect", data={"token": token}, auth=("web", SECRET))
        return answer.json()["token_type"], answer.json().get("cnf")


@pytest.mark.spec("standards", "MT-1")
@pytest.mark.spec("standards", "MT-6")
async def test_a_token_is_bound_to_the_certificate_and_stays_a_bearer_token(behind: Service) -> None:
    answer = await ask(behind, OWN)
    assert (answer.status_code, answer.json()["token_type"]) == (200, "Bearer")
    assert await cnf(behind, answer.json()["access_token"]) == ("Bearer", {"x5t#S256": thumbprint(OWN.der)})


@pytest.mark.spec("standards", "MT-4")
async def test_an_application_whose_tokens_are_bound_gets_none_without_a_certificate(behind: Service) -> None:
    answer = await ask(behind, None)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")
    assert "certificate" in answer.json()["error_description"]
    other = await ask(behind, OWN, "sweeper")
    assert await cnf(behind, other.json()["access_token"]) == ("Bearer", None)


@pytest.mark.spec("standards", "MT-2")
@pytest.mark.spec("standards", "RF-11")
async def test_the_refresh_token_of_a_public_client_is_for_its_certificate_and_is_not_rotated(behind: Service) -> None:
    async with behind.browser() as browser:
        code = await obtain_code(browser, "native", "robin")
    data = {"grant_type": "authorization_code", "code": code, "redirect_uri": REDIRECT_URI, "code_verifier": VERIFIER}
    assert (await public(behind, data, None)).json()["error"] == "invalid_request"
    first = (await public(behind, data, OWN)).json()
    assert await cnf(behind, first["access_token"]) == ("Bearer", {"x5t#S256": thumbprint(OWN.der)})
    data = {"grant_type": "refresh_token", "refresh_token": first["refresh_token"]}
    assert (await public(behind, data, None)).json()["error"] == "invalid_grant"
    assert (await public(behind, data, OTHER)).json()["error"] == "invalid_grant"
    again = await public(behind, data, OWN)
    assert again.status_code == 200
    assert "refresh_token" not in again.json()


@pytest.mark.spec("standards", "MT-1")
async def test_the_api_takes_a_bound_token_with_its_certificate_alone(behind: Service) -> None:
    token = (await ask(behind, OWN)).json()["access_token"]
    async with through(behind) as client:
        for shown, scheme, status in (
            (OWN, "Bearer", 200),
            (OTHER, "Bearer", 401),
            (None, "Bearer", 401),
            (OWN, "DPoP", 401),
        ):
            answer = await client.get("/api/v1/", headers={"authorization": f"{scheme} {token}", **header(shown)})
            assert answer.status_code == status
            if status == 401:
                assert answer.headers["www-authenticate"].startswith("Bearer ")
                assert 'error="invalid_token"' in answer.headers["www-authenticate"]
    async with through(behind, STRANGER) as client:
        spoofed = await client.get("/api/v1/", headers={"authorization": f"Bearer {token}", **header(OWN)})
        assert spoofed.status_code == 401


@pytest.mark.spec("standards", "MT-5")
async def test_the_header_counts_from_a_trusted_proxy_alone(behind: Service, database: Database, site: Service) -> None:
    for forwarded in ({}, {"x-forwarded-for": PROXY}, {"forwarded": f"for={PROXY}"}):
        spoofed = await ask(behind, OWN, address=STRANGER, **forwarded)
        assert (spoofed.status_code, spoofed.json()["error"]) == (400, "invalid_request")
    async with service(database, features={"mutual_tls": True}, trusted_proxies=(f"{PROXY}/32",)) as unforwarded:
        assert (await ask(unforwarded, OWN)).status_code == 400
    async with service(database, trusted_proxies=(f"{PROXY}/32",)) as off:
        assert (await ask(off, OWN)).status_code == 400


@pytest.mark.spec("standards", "MT-5")
async def test_two_headers_are_refused_because_one_may_be_the_clients_own(behind: Service) -> None:
    async with through(behind) as client:
        headers = [*header(OWN).items(), *header(OTHER).items()]
        data, auth = {"grant_type": "client_credentials"}, ("turbine", SECRET)
        answer = await client.post("/oauth/token", data=data, auth=auth, headers=headers)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")
    assert "twice" in answer.json()["error_description"]


@pytest.mark.spec("standards", "MT-5")
@pytest.mark.parametrize("value", ["garbage", ":Z2FyYmFnZQ==:", "::", f":{b64encode(OWN.der[:-20]).decode()}:"])
async def test_a_header_that_holds_no_certificate_is_refused(behind: Service, value: str) -> None:
    answer = await ask(behind, None, **{"client-cert": value})
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")
    async with through(behind) as client:
        token = (await ask(behind, OWN)).json()["access_token"]
        refused = await client.get("/api/v1/", headers={"authorization": f"Bearer {token}", "client-cert": value})
        assert refused.status_code == 400


@pytest.mark.spec("standards", "MT-5")
async def test_the_certificate_of_the_connection_is_the_clients_and_behind_a_proxy_nobodys(behind: Service) -> None:
    async def with_certificate(scope: Any, receive: Any, send: Any) -> None:
        scope["state"] = {SHOWN: OWN.der}  # as the connection leaves it
        await behind.app(scope, receive, send)

    for address, status in ((STRANGER, 200), (PROXY, 400)):
        transport = httpx.ASGITransport(with_certificate, client=(address, 4711))
        async with httpx.AsyncClient(transport=transport, base_url=ISSUER) as client:
            data, auth = {"grant_type": "client_credentials"}, ("turbine", SECRET)
            assert (await client.post("/oauth/token", data=data, auth=auth)).status_code == status


@pytest.mark.spec("standards", "DP-4")
@pytest.mark.spec("standards", "MT-3")
async def test_a_proof_may_name_the_address_for_certificates(behind: Service) -> None:
    holder = Holder()
    for url, status in (
        ("https://mtls.id.example/oauth/token", 200),
        (f"{ISSUER}/oauth/token", 200),
        ("https://mtls.id.example/oauth/introspect", 400),
    ):
        proof = holder.proof("POST", url, at=behind.clock())
        answer = await ask(behind, OWN, dpop=proof)
        assert answer.status_code == status
    both = (await ask(behind, OWN, dpop=holder.proof("POST", f"{ISSUER}/oauth/token", at=behind.clock()))).json()
    expected = {"jkt": holder.jkt, "x5t#S256": thumbprint(OWN.der)}
    assert await cnf(behind, both["access_token"]) == ("DPoP", expected)


@pytest.mark.spec("standards", "MT-3")
async def test_the_metadata_names_the_second_address(behind: Service) -> None:
    async with through(behind) as client:
        document = (await client.get("/.well-known/oauth-authorization-server")).json()
    assert document["tls_client_certificate_bound_access_tokens"] is True
    assert document["mtls_endpoint_aliases"]["token_endpoint"] == "https://mtls.id.example/oauth/token"
    assert "authorization_endpoint" not in document["mtls_endpoint_aliases"]


@pytest.mark.spec("standards", "UI-8")
async def test_userinfo_takes_a_bound_token_with_its_certificate_alone(behind: Service) -> None:
    await keep_keys(behind.server)
    async with behind.browser() as browser:
        code = await obtain_code(browser, "native", "robin", scope="openid")
    data = {"grant_type": "authorization_code", "code": code, "redirect_uri": REDIRECT_URI, "code_verifier": VERIFIER}
    token = (await public(behind, data, OWN)).json()["access_token"]
    async with through(behind) as client:
        for shown, status, error in ((OWN, 200, ""), (OTHER, 401, "invalid_token"), (None, 401, "invalid_token")):
            answer = await client.get("/oauth/userinfo", headers=header(shown) | {"authorization": f"Bearer {token}"})
            assert answer.status_code == status, answer.text
            assert error in answer.headers.get("www-authenticate", "")
