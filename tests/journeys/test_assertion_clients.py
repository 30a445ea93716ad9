"""Authlib proves itself with assertions, over https, to two workers: everywhere where a client has to.

It names the token endpoint as their audience, and lets them live an hour.
"""

import ssl
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from authlib.common.security import generate_token
from authlib.deprecate import AuthlibDeprecationWarning
from authlib.integrations.base_client import OAuthError
from authlib.oauth2.rfc7523 import ClientSecretJWT, PrivateKeyJWT
from joserfc.jwk import ECKey, OctKey, RSAKey

from app.crypto import jose
from tests.support.assertions import key_of, key_set
from tests.support.client_round import CALLBACK, DATA, SCOPE, allowed
from tests.support.server import Server, directory_for_server, running_server

with warnings.catch_warnings():
    warnings.simplefilter("ignore", AuthlibDeprecationWarning)  # it would rather have httpx2
    from authlib.integrations.httpx_client import AsyncOAuth2Client

SECRET = "the-secret-of-who-makes-macs-0123456789-abcdefghij-ABCDEFGHIJ-klmnopqrst"


@dataclass(frozen=True, slots=True)
class Asserting:
    """An application of this journey; `material` is what Authlib signs with."""

    client_id: str
    method: str
    alg: str
    material: Any = field(repr=False)
    registered: dict[str, Any] = field(default_factory=dict, repr=False)

    def signer(self, token_endpoint: str) -> ClientSecretJWT:
        kind = PrivateKeyJWT if self.method == "private_key_jwt" else ClientSecretJWT
        return kind(token_endpoint, alg=self.alg)


def _key(alg: str) -> dict[str, Any]:
    return key_of("authlib", alg)


CLIENTS = (
    Asserting("es256", "private_key_jwt", "ES256", ECKey.import_key(_key("ES256")), {"jwks": key_set(_key("ES256"))}),
    Asserting(
        "rs256",
        "private_key_jwt",
        "RS256",
        RSAKey.import_key(_key("RS256")),
        {"jwks": key_set(_key("RS256")), "token_endpoint_auth_signing_alg": "RS256"},
    ),
    Asserting("hs256", "client_secret_jwt", "HS256", OctKey.import_key(SECRET), {"client_secret": SECRET}),
    Asserting(
        "hs512",
        "client_secret_jwt",
        "HS512",
        OctKey.import_key(SECRET),
        {"client_secret": SECRET, "token_endpoint_auth_signing_alg": "HS512"},
    ),
)
GRANTS = ["authorization_code", "refresh_token", "client_credentials"]


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    applications = [
        {
            "client_id": client.client_id,
            "token_endpoint_auth_method": client.method,
            "redirect_uris": [CALLBACK],
            "grant_types": GRANTS,
            **client.registered,
        }
        for client in CLIENTS
    ]
    data = {"users": DATA["users"], "applications": applications}
    with directory_for_server() as directory, running_server(directory, workers=2, tls=True, data=data) as running:
        yield running


def session_of(server: Server, client: Asserting, token_endpoint: str) -> AsyncOAuth2Client:
    session = AsyncOAuth2Client(
        client.client_id,
        client.material,
        token_endpoint_auth_method=client.method,
        revocation_endpoint_auth_method=client.method,
        redirect_uri=CALLBACK,
        scope=SCOPE,
        code_challenge_method="S256",
        verify=ssl.create_default_context(cafile=str(server.ca_file)),
    )
    session.register_client_auth_method(client.signer(token_endpoint))
    return session


@pytest.mark.spec("standards", "CA-1")
@pytest.mark.spec("standards", "CA-2")
@pytest.mark.spec("standards", "CA-3")
@pytest.mark.spec("standards", "CA-4")
@pytest.mark.parametrize("client", CLIENTS, ids=lambda client: client.client_id)
async def test_authlib_goes_the_whole_way_with_assertions(server: Server, client: Asserting) -> None:
    with server.client() as plain:
        metadata = plain.get("/.well-known/oauth-authorization-server").json()
    assert client.method in metadata["token_endpoint_auth_methods_supported"]
    assert client.alg in metadata["token_endpoint_auth_signing_alg_values_supported"]
    token_endpoint = metadata["token_endpoint"]
    async with session_of(server, client, token_endpoint) as session:
        verifier = generate_token(48)
        url, state = session.create_authorization_url(metadata["authorization_endpoint"], code_verifier=verifier)
        callback = await allowed(server, url)
        first = await session.fetch_token(
            token_endpoint, authorization_response=callback, state=state, code_verifier=verifier
        )
        second = await session.refresh_token(token_endpoint, refresh_token=first["refresh_token"])
        introspection = metadata["introspection_endpoint"]
        alive = (await session.introspect_token(introspection, token=second["access_token"])).json()
        assert (alive["active"], alive["client_id"], alive["scope"]) == (True, client.client_id, SCOPE)
        revoked = await session.revoke_token(metadata["revocation_endpoint"], token=second["refresh_token"])
        assert revoked.status_code == 200
        assert (await session.introspect_token(introspection, token=second["access_token"])).json() == {"active": False}
        own = await session.fetch_token(token_endpoint, grant_type="client_credentials")
        assert own["scope"] in (SCOPE, SCOPE.split(" "))


@pytest.mark.spec("standards", "CA-10")
@pytest.mark.parametrize("client", CLIENTS, ids=lambda client: client.client_id)
async def test_authlib_with_another_key_is_nobody(server: Server, client: Asserting) -> None:
    token_endpoint = f"{server.issuer}/oauth/token"
    wrong: Any = OctKey.import_key(SECRET[::-1])
    if client.method == "private_key_jwt":
        kind = ECKey if client.alg == "ES256" else RSAKey
        wrong = kind.import_key(key_of("mallory", client.alg))
    stranger = Asserting(client.client_id, client.method, client.alg, wrong)
    async with session_of(server, stranger, token_endpoint) as session:
        with pytest.raises(OAuthError) as refused:
            await session.fetch_token(token_endpoint, grant_type="client_credentials")
    assert refused.value.error == "invalid_client"


def test_no_secret_and_no_key_is_in_the_log(server: Server) -> None:
    said = server.log + server.said
    assert SECRET not in said
    for alg in ("ES256", "RS256"):
        assert _key(alg)["d"] not in said
        assert jose.public_part(_key(alg))["kid"] not in said
    assert "eyJ" not in said
