"""Client libraries as they come, over https, against two workers: from the metadata to a revoked token.

Each goes as a confidential application with Basic, as one with its secret in the form, and as a public one. The
libraries compare the state; Authlib and requests-oauthlib leave the issuer (RFC 9207) to the application. The
confidential ones go as applications that act for themselves, too.
"""

import asyncio
import json
import shutil
import ssl
import subprocess
import warnings
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from authlib.common.security import generate_token
from authlib.deprecate import AuthlibDeprecationWarning
from authlib.integrations.base_client import OAuthError
from authlib.oauth2.rfc8414 import AuthorizationServerMetadata, get_well_known_url
from oauthlib.oauth2 import BackendApplicationClient, InvalidGrantError, WebApplicationClient
from requests.auth import HTTPBasicAuth
from requests_oauthlib import OAuth2Session

from tests.support import node_packages
from tests.support.client_round import (
    API,
    APPLICATIONS,
    CALLBACK,
    DATA,
    MACHINES,
    PUBLIC,
    SCOPE,
    Registration,
    Round,
    allowed,
    check,
    check_machine,
)
from tests.support.server import Server, directory_for_server, running_server

with warnings.catch_warnings():
    warnings.simplefilter("ignore", AuthlibDeprecationWarning)  # it would rather have httpx2
    from authlib.integrations.httpx_client import AsyncOAuth2Client

each_method = pytest.mark.parametrize("application", APPLICATIONS, ids=lambda application: application.method)


each_machine = pytest.mark.parametrize("machine", MACHINES, ids=lambda machine: machine.method)


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """A server whose certificate comes from an authority of the tests' own."""
    with directory_for_server() as directory, running_server(directory, workers=2, tls=True, data=DATA) as running:
        yield running


def issuer_in(callback: str) -> str:
    return parse_qs(urlsplit(callback).query)["iss"][0]


@each_method
async def test_authlib_goes_the_whole_way(server: Server, application: Registration) -> None:
    trust = ssl.create_default_context(cafile=str(server.ca_file))
    async with (
        AsyncOAuth2Client(
            application.client_id,
            application.client_secret,
            token_endpoint_auth_method=application.method,
            revocation_endpoint_auth_method=application.method,
            redirect_uri=CALLBACK,
            scope=SCOPE,
            code_challenge_method="S256",
            verify=trust,
        ) as client,
        AsyncOAuth2Client(API.client_id, API.client_secret, verify=trust) as api,
    ):
        answer = await client.request("GET", get_well_known_url(server.issuer, external=True), withhold_token=True)
        metadata = AuthorizationServerMetadata(answer.json())
        metadata.validate()
        assert metadata["issuer"] == server.issuer

        verifier = generate_token(48)
        url, state = client.create_authorization_url(metadata["authorization_endpoint"], code_verifier=verifier)
        callback = await allowed(server, url)
        assert issuer_in(callback) == server.issuer
        first = await client.fetch_token(
            metadata["token_endpoint"], authorization_response=callback, state=state, code_verifier=verifier
        )
        second = await client.refresh_token(metadata["token_endpoint"], refresh_token=first["refresh_token"])
        introspection = metadata["introspection_endpoint"]
        alive = await api.introspect_token(introspection, token=second["access_token"])
        revoked = await client.revoke_token(metadata["revocation_endpoint"], token=second["refresh_token"])
        assert revoked.status_code == 200
        dead = await api.introspect_token(introspection, token=second["access_token"])
        with pytest.raises(OAuthError) as refused:
            await client.refresh_token(metadata["token_endpoint"], refresh_token=second["refresh_token"])

    check(Round(first, second, alive.json(), dead.json(), refused.value.error), application, server.issuer)


@each_method
def test_requests_oauthlib_goes_the_whole_way(server: Server, application: Registration) -> None:
    metadata = _metadata(server)
    client = WebApplicationClient(application.client_id)
    with OAuth2Session(client=client, scope=SCOPE.split(" "), redirect_uri=CALLBACK, pkce="S256") as session:
        session.trust_env, session.verify = False, str(server.ca_file)
        url, _state = session.authorization_url(metadata["authorization_endpoint"])
        callback = asyncio.run(allowed(server, url))
        assert issuer_in(callback) == server.issuer
        first = session.fetch_token(
            metadata["token_endpoint"],
            authorization_response=callback,
            client_secret=application.client_secret,
            include_client_id=application.method != "client_secret_basic",
        )
        in_header, in_form = _authentication(application)
        second = session.refresh_token(metadata["token_endpoint"], auth=in_header, **in_form)
        alive = _introspect(server, metadata, second["access_token"])
        revocation, headers, body = client.prepare_token_revocation_request(
            metadata["revocation_endpoint"], second["refresh_token"], "refresh_token", **in_form
        )
        revoked = session.request("POST", revocation, data=body, headers=headers, auth=in_header, withhold_token=True)
        assert revoked.status_code == 200
        dead = _introspect(server, metadata, second["access_token"])
        with pytest.raises(InvalidGrantError) as refused:
            session.refresh_token(metadata["token_endpoint"], auth=in_header, **in_form)

    check(Round(first, second, alive, dead, refused.value.error), application, server.issuer)


@pytest.mark.skipif(shutil.which("node") is None, reason="oauth4webapi needs Node.js")
@each_method
def test_oauth4webapi_goes_the_whole_way(server: Server, application: Registration) -> None:
    node_packages.installed("oauth4webapi")
    script = node_packages.HOME / "oauth4webapi.mjs"
    environment = {**server.environment, "NODE_EXTRA_CA_CERTS": str(server.ca_file)}
    with subprocess.Popen(
        ["node", str(script)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment, text=True, bufsize=1
    ) as node:
        assert node.stdin is not None
        assert node.stdout is not None
        parties = {"application": _as_json(application), "api": _as_json(API)}
        print(json.dumps({"issuer": server.issuer, "callback": CALLBACK, "scope": SCOPE, **parties}), file=node.stdin)
        url = json.loads(node.stdout.readline())
        print(json.dumps(asyncio.run(allowed(server, url))), file=node.stdin)
        seen = Round(**json.loads(node.stdout.readline()))
    assert node.returncode == 0

    check(seen, application, server.issuer)


@each_machine
async def test_authlib_gets_a_token_for_the_application_itself(server: Server, machine: Registration) -> None:
    metadata, trust = _metadata(server), ssl.create_default_context(cafile=str(server.ca_file))
    async with AsyncOAuth2Client(
        machine.client_id,
        machine.client_secret,
        token_endpoint_auth_method=machine.method,
        revocation_endpoint_auth_method=machine.method,
        scope=SCOPE,
        verify=trust,
    ) as client:
        token = await client.fetch_token(metadata["token_endpoint"], grant_type="client_credentials")
        alive = _introspect(server, metadata, token["access_token"])
        index = (await client.get(f"{server.issuer}/api/v1/")).json()
        assert (index["user"], index["auth"]["client_id"]) == (None, machine.client_id)
        await client.revoke_token(metadata["revocation_endpoint"], token=token["access_token"])
    check_machine(token, alive, _introspect(server, metadata, token["access_token"]), machine)


@each_machine
def test_requests_oauthlib_gets_a_token_for_the_application_itself(server: Server, machine: Registration) -> None:
    metadata, (in_header, in_form) = _metadata(server), _authentication(machine)
    with OAuth2Session(client=BackendApplicationClient(machine.client_id, scope=[*SCOPE.split(" ")])) as session:
        session.trust_env, session.verify = False, str(server.ca_file)
        token = session.fetch_token(
            metadata["token_endpoint"],
            auth=in_header,
            client_secret=machine.client_secret,
            include_client_id=in_header is None,
        )
        alive = _introspect(server, metadata, token["access_token"])
        form = {"token": token["access_token"], **in_form}
        session.request("POST", metadata["revocation_endpoint"], data=form, auth=in_header, withhold_token=True)
    check_machine(token, alive, _introspect(server, metadata, token["access_token"]), machine)


@pytest.mark.skipif(shutil.which("node") is None, reason="oauth4webapi needs Node.js")
@each_machine
def test_oauth4webapi_gets_a_token_for_the_application_itself(server: Server, machine: Registration) -> None:
    node_packages.installed("oauth4webapi")
    asked = {"issuer": server.issuer, "scope": SCOPE, "application": _as_json(machine), "api": _as_json(API)}
    node = subprocess.run(
        ["node", str(node_packages.HOME / "client_credentials.mjs")],
        input=json.dumps(asked),
        capture_output=True,
        env={**server.environment, "NODE_EXTRA_CA_CERTS": str(server.ca_file)},
        text=True,
        check=False,
        timeout=60,
    )
    assert node.returncode == 0, node.stderr
    check_machine(**json.loads(node.stdout), machine=machine)


def test_a_public_application_may_not_introspect(server: Server) -> None:
    metadata = _metadata(server)
    form = {"token": "asat_x", "client_id": PUBLIC.client_id}
    answer = requests.post(metadata["introspection_endpoint"], data=form, verify=str(server.ca_file), timeout=60)
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
    assert "none" not in metadata["introspection_endpoint_auth_methods_supported"]


def _metadata(server: Server) -> dict[str, Any]:
    url = f"{server.issuer}/.well-known/oauth-authorization-server"
    metadata: dict[str, Any] = requests.get(url, verify=str(server.ca_file), timeout=60).json()
    assert metadata["issuer"] == server.issuer
    return metadata


def _authentication(application: Registration) -> tuple[HTTPBasicAuth | None, dict[str, Any]]:
    """Return how an application authenticates: what goes into the header, and what into the form."""
    if application.method == "client_secret_basic":
        return HTTPBasicAuth(application.client_id, application.client_secret or ""), {}
    form = {"client_id": application.client_id, "client_secret": application.client_secret or ""}
    return None, {name: value for name, value in form.items() if value}


def _introspect(server: Server, metadata: dict[str, Any], token: str) -> dict[str, Any]:
    in_header, in_form = _authentication(API)
    url = metadata["introspection_endpoint"]
    form = {"token": token, **in_form}
    answer = requests.post(url, data=form, auth=in_header, verify=str(server.ca_file), timeout=60)
    described: dict[str, Any] = answer.json()
    return described


def _as_json(application: Registration) -> dict[str, str | None]:
    return {
        "client_id": application.client_id,
        "method": application.method,
        "client_secret": application.client_secret,
    }
