"""Clients with certificates at a running server over https, on a port of its own, with two workers (RFC 8705)."""

import ssl
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from app.crypto.certificates import thumbprint
from tests.support.certificates import Issued, issue
from tests.support.demo import free_port
from tests.support.server import NotStarted, Server, directory_for_server, running_server
from tests.support.service import SECRET

ROOT = issue("root", authority=True)
OWN, OTHER, STRANGE = issue("turbine", ROOT), issue("windmill", ROOT), issue("turbine")
DATA: dict[str, Any] = {
    "applications": [
        {
            "client_id": "turbine",
            "client_name": "Turbine",
            "token_endpoint_auth_method": "tls_client_auth",
            "tls_client_auth_subject_dn": "CN=turbine",
            "tls_client_certificate_bound_access_tokens": True,
            "grant_types": ["client_credentials"],
        },
        {
            "client_id": "board",
            "client_secret": SECRET,
            "client_name": "Board",
            "grant_types": ["client_credentials"],
            "token_endpoint_auth_method": "client_secret_basic",
        },
    ]
}


@dataclass(frozen=True, slots=True)
class Mutual:
    """A running server, with the address where it asks for certificates."""

    server: Server
    port: int
    directory: Path

    @property
    def url(self) -> str:
        """The address where certificates are asked for."""
        return f"https://localhost:{self.port}"

    def client(self, shown: Issued | None, url: str | None = None) -> httpx.Client:
        """Return a client that shows a certificate, or none."""
        assert self.server.ca_file is not None
        context = ssl.create_default_context(cafile=str(self.server.ca_file))
        if shown is not None:
            context = shown.context(self.server.ca_file, self.directory)
        return httpx.Client(base_url=url or self.url, verify=context, timeout=60)


@pytest.fixture(scope="module")
def mutual() -> Iterator[Mutual]:
    with directory_for_server() as directory:
        authorities = directory / "clients.pem"
        authorities.write_bytes(ROOT.pem)
        port = free_port()
        settings = {
            "FEATURES__MUTUAL_TLS": "true",
            "MTLS__PORT": str(port),
            "MTLS__CLIENT_CA_FILE": str(authorities),
        }
        with running_server(directory, workers=2, tls=True, data=DATA, settings=settings) as server:
            yield Mutual(server, port, directory)


def ask(client: httpx.Client) -> httpx.Response:
    return client.post("/oauth/token", data={"grant_type": "client_credentials", "client_id": "turbine"})


@pytest.mark.spec("standards", "MT-3")
def test_the_metadata_sends_clients_with_certificates_to_the_other_port(mutual: Mutual) -> None:
    with mutual.server.client() as browser:
        document = browser.get("/.well-known/oauth-authorization-server").json()
    aliases = document["mtls_endpoint_aliases"]
    assert aliases["token_endpoint"] == f"{mutual.url}/oauth/token"
    assert aliases["introspection_endpoint"] == f"{mutual.url}/oauth/introspect"
    assert urlsplit(document["token_endpoint"]).port != mutual.port
    assert document["issuer"] == mutual.server.issuer


@pytest.mark.spec("standards", "MT-1")
@pytest.mark.spec("standards", "MT-6")
@pytest.mark.spec("standards", "CA-9")
def test_a_client_proves_itself_and_binds_its_token_by_one_certificate(mutual: Mutual) -> None:
    with mutual.client(OWN) as client:
        answers = [ask(client) for _ in range(3)]  # over one connection
        assert [(answer.status_code, answer.json()["token_type"]) for answer in answers] == [(200, "Bearer")] * 3
        token = answers[0].json()["access_token"]
        assert client.get("/api/v1/", headers={"authorization": f"Bearer {token}"}).status_code == 200
    with mutual.server.client() as client:
        told = client.post("/oauth/introspect", data={"token": token}, auth=("board", SECRET)).json()
        assert told["cnf"] == {"x5t#S256": thumbprint(OWN.der)}
    for shown in (OTHER, None):
        with mutual.client(shown) as thief:
            stolen = thief.get("/api/v1/", headers={"authorization": f"Bearer {token}"})
            assert (stolen.status_code, 'error="invalid_token"' in stolen.headers["www-authenticate"]) == (401, True)


def test_a_resumed_connection_still_has_its_certificate(mutual: Mutual) -> None:
    assert mutual.server.ca_file is not None
    context = OWN.context(mutual.server.ca_file, mutual.directory)
    for _ in range(4):
        with httpx.Client(base_url=mutual.url, verify=context, timeout=60) as client:
            assert ask(client).status_code == 200


@pytest.mark.spec("standards", "CA-9")
def test_another_certificate_or_none_proves_nothing(mutual: Mutual) -> None:
    for shown in (OTHER, None):
        with mutual.client(shown) as client:
            answer = ask(client)
            assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
    with mutual.client(STRANGE) as client, pytest.raises(httpx.TransportError):
        ask(client)


@pytest.mark.spec("standards", "MT-5")
def test_the_front_port_asks_for_no_certificate_and_believes_no_header(mutual: Mutual) -> None:
    with mutual.client(OWN, mutual.server.issuer) as client:
        assert ask(client).status_code == 401
        forged = {"client-cert": f":{b64encode(OWN.der).decode()}:"}
        data = {"grant_type": "client_credentials", "client_id": "turbine"}
        assert client.post("/oauth/token", data=data, headers=forged).status_code == 401


@pytest.mark.slow
def test_a_port_for_certificates_needs_tls() -> None:
    with directory_for_server() as directory:
        authorities = directory / "clients.pem"
        authorities.write_bytes(ROOT.pem)
        settings = {
            "FEATURES__MUTUAL_TLS": "true",
            "MTLS__PORT": str(free_port()),
            "MTLS__CLIENT_CA_FILE": str(authorities),
        }
        with pytest.raises(NotStarted, match=r"mtls\.port needs --tls-cert and --tls-key"):
            running_server(directory, settings=settings).__enter__()
