"""oauth4webapi and openid-client as they come, over https, against two workers, and jose at the APIs.

The libraries judge the metadata, the media types, the signatures and the claims of what they get; the programs below
`tests/support/node` add what an API would check. Every proof has to carry a nonce of the server, on which both workers
must agree.
"""

import base64
import json
import shutil
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any

import pytest

from tests.support import node_parties
from tests.support.client_round import CALLBACK, ROBIN
from tests.support.far_server import FarServer, answer, far_server, trust
from tests.support.login import allow, connect
from tests.support.node_parties import LIBRARIES, MACHINES, ORDERS, SCOPE, SEALING_KEY, STOCK, gateway, secret_of
from tests.support.node_programs import Program, program
from tests.support.server import Server, directory_for_server, running_server

pytestmark = pytest.mark.skipif(shutil.which("node") is None, reason="the clients need Node.js")

ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"
SIGNED = "application/token-introspection+jwt"

each_library = pytest.mark.parametrize("library", LIBRARIES)
each_machine = pytest.mark.parametrize("machine", MACHINES)


@dataclass(frozen=True, slots=True)
class Place:
    """The server, and the one where an application publishes its keys."""

    server: Server
    keys: FarServer

    def on(self, library: str, name: str) -> AbstractAsyncContextManager[Program]:
        """Run a program on a library, as an application of the server."""
        return program(f"{library}/{name}.mjs", self.server.environment, self.server.ca_file)

    async def connected(self, device: Program) -> dict[str, Any]:
        """Let a device begin and robin connect it; return everything that the device has seen."""
        await device.tell({"issuer": self.server.issuer, "scope": SCOPE, "client_id": "television"})
        shown = await device.hear()
        assert shown["verification_uri"] == f"{self.server.issuer}/device"
        assert shown["user_code"] in shown["verification_uri_complete"]
        await connect(ROBIN, shown["verification_uri_complete"], ca_file=str(self.server.ca_file))
        await device.tell("decided")
        return {**shown, **await device.hear()}


@pytest.fixture(scope="module")
async def place() -> AsyncIterator[Place]:
    """Two servers whose certificates come from two authorities of the tests' own."""
    with directory_for_server() as directory:
        (elsewhere := directory / "elsewhere").mkdir()
        trusted = trust(elsewhere, "127.0.0.1")
        async with far_server(trusted.context) as keys:
            keys.says = answer(node_parties.published())
            where = f"127.0.0.1:{keys.port}"
            settings = node_parties.settings(where, trusted.ca_file)
            data = node_parties.data(f"https://{where}/jwks.json")
            with running_server(directory, workers=2, tls=True, data=data, settings=settings) as server:
                yield Place(server, keys)


@each_library
@each_machine
@pytest.mark.spec("standards", "CA-4")
@pytest.mark.spec("standards", "AT-2")
@pytest.mark.spec("standards", "IN-9")
@pytest.mark.spec("standards", "IN-11")
async def test_a_machine_proves_its_key_and_an_api_verifies_and_introspects_its_token(
    place: Place, library: str, machine: str
) -> None:
    async with place.on(library, "machine") as service:
        await service.tell(
            {
                "issuer": place.server.issuer,
                "scope": SCOPE,
                "resource": ORDERS,
                "application": {"client_id": machine, "jwk": MACHINES[machine]},
                "api": _registration("orders"),
                "signing_api": _registration("orders_signing", alg="ES256"),
                "sealing_api": _registration("orders_sealing", alg="ES256", jwk=SEALING_KEY),
            }
        )
        seen = await service.hear()

    token, claims = seen["token"], seen["claims"]
    assert (token["token_type"], token["scope"]) == ("bearer", SCOPE)
    assert "refresh_token" not in token
    assert _header(token["access_token"])["alg"] == "ES256"
    assert (claims["iss"], claims["aud"], claims["scope"]) == (place.server.issuer, ORDERS, SCOPE)
    assert (claims["sub"], claims["client_id"]) == (machine, machine)
    alive = seen["alive"]
    assert alive.pop("media_type") == "application/json"
    assert (alive["active"], alive["client_id"], alive["jti"]) == (True, machine, claims["jti"])
    assert (alive["aud"], alive["scope"]) == (ORDERS, SCOPE)
    assert seen["signed"] == {**alive, "media_type": SIGNED}
    assert seen["dead"] == {"active": False, "media_type": "application/json"}
    assert seen["dead_signed"] == {"active": False, "media_type": SIGNED}
    if library == "openid_client":
        assert seen["sealed"] == alive
        assert _header(seen["opened"])["typ"] == "token-introspection+jwt"


@pytest.mark.spec("standards", "JW-6")
async def test_keys_at_an_address_are_fetched_once_by_each_worker(place: Place) -> None:
    async with place.on("openid_client", "keys") as service:
        application = {"client_id": "duster", "jwk": MACHINES["duster"]}
        await service.tell({"issuer": place.server.issuer, "application": application, "times": 8})
        assert await service.hear() == {"tokens": 8}
    assert 1 <= place.keys.connections <= 2


@each_library
@pytest.mark.spec("standards", "DV-1")
@pytest.mark.spec("standards", "DV-2")
async def test_a_device_asks_until_its_person_has_connected_it(place: Place, library: str) -> None:
    async with place.on(library, "device") as device:
        seen = await place.connected(device)
    token = seen["token"]
    assert (token["token_type"], token["scope"]) == ("bearer", SCOPE)
    assert token["refresh_token"]
    if library == "oauth4webapi":
        assert (seen["early"], seen["again"]) == ("authorization_pending", "invalid_grant")


@each_library
@pytest.mark.spec("standards", "DP-7")
@pytest.mark.spec("standards", "DP-10")
@pytest.mark.spec("standards", "DP-11")
@pytest.mark.spec("standards", "DP-13")
@pytest.mark.spec("standards", "DP-14")
@pytest.mark.spec("standards", "RF-10")
async def test_a_public_application_is_bound_to_its_key_from_its_request_on(place: Place, library: str) -> None:
    asked = {"issuer": place.server.issuer, "callback": CALLBACK, "scope": SCOPE, "client_id": "phone"}
    async with place.on(library, "bound") as application:
        await application.tell({**asked, "resource": ORDERS})
        url = await application.hear()
        await application.tell(await allow(ROBIN, url, callback=CALLBACK, ca_file=str(place.server.ca_file)))
        seen = await application.hear()

    first, second = seen["first"], seen["second"]
    for token in (first, second):
        assert (token["token_type"], token["scope"]) == ("dpop", SCOPE)
    assert second["access_token"] != first["access_token"]
    assert "refresh_token" not in second
    assert (seen["stolen"], seen["unproved"]) == ("invalid_grant", "invalid_grant")
    assert seen["challenges"] >= 2
    if library == "oauth4webapi":
        claims = seen["claims"]
        assert (claims["aud"], claims["client_id"], claims["cnf"]) == (ORDERS, "phone", {"jkt": seen["jkt"]})
        assert seen["stolen_code"] == "invalid_grant"
    else:
        assert (seen["index"]["user"]["username"], seen["index"]["auth"]["client_id"]) == (ROBIN.username, "phone")
        assert (seen["stolen_token"], seen["revoked"]) == ("invalid_token", "invalid_grant")


@each_library
@pytest.mark.spec("standards", "TX-1")
@pytest.mark.spec("standards", "TX-3")
@pytest.mark.spec("standards", "TX-4")
@pytest.mark.spec("standards", "TX-5")
async def test_a_gateway_exchanges_a_persons_token_for_one_of_its_own_for_another_api(
    place: Place, library: str
) -> None:
    async with place.on(library, "device") as device:
        subject = (await place.connected(device))["token"]["access_token"]
    asked = {"issuer": place.server.issuer, "subject_token": subject, "scope": "project:read", "resource": STOCK}
    async with place.on(library, "exchange") as application:
        await application.tell({**asked, "application": _registration(gateway(library))})
        seen = await application.hear()

    token, claims = seen["token"], seen["claims"]
    assert (token["token_type"], token["scope"]) == ("dpop", "project:read")
    assert token["issued_token_type"] == ACCESS_TOKEN
    assert "refresh_token" not in token
    assert _header(token["access_token"])["alg"] == "RS256"
    assert (claims["iss"], claims["aud"], claims["client_id"]) == (place.server.issuer, STOCK, gateway(library))
    assert claims["sub"] not in (gateway(library), "television")
    assert claims["act"] == {"sub": gateway(library), "client_id": gateway(library)}
    assert claims["cnf"] == {"jkt": seen["jkt"]}
    assert (seen["elsewhere"], seen["challenges"]) == ("invalid_target", 1)


def _registration(client_id: str, **more: Any) -> dict[str, Any]:
    """Return what a program knows of itself."""
    return {"client_id": client_id, "client_secret": secret_of(client_id), **more}


def _header(token: str) -> dict[str, Any]:
    """Return the header of a JWT."""
    header: dict[str, Any] = json.loads(base64.urlsafe_b64decode(token.partition(".")[0] + "=="))
    return header
