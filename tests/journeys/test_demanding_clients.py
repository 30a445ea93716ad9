"""oauth4webapi and openid-client as they come, over https, against two workers, as the demanding profiles have it.

Their requests are pushed, signed, and carry details; their answers are signed, their tokens bound to keys; and they ask
people who are elsewhere. The libraries judge whatever they get.
"""

import shutil
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support import demanding_parties
from tests.support.client_round import CALLBACK, ROBIN
from tests.support.demanding_parties import BANK, DESK, DETAILS, LIBRARIES, MANNERS, SCOPE, VAULT, Manner
from tests.support.login import allow, approve
from tests.support.node_programs import program
from tests.support.server import Server, directory_for_server, running_server

pytestmark = pytest.mark.skipif(shutil.which("node") is None, reason="the clients need Node.js")

each_library = pytest.mark.parametrize("library", LIBRARIES)
MESSAGE = "W4SCT"


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """A server whose certificate comes from an authority of the tests' own."""
    settings, data = demanding_parties.settings(), demanding_parties.data()
    with (
        directory_for_server() as directory,
        running_server(directory, workers=2, tls=True, data=data, settings=settings) as running,
    ):
        yield running


@each_library
@pytest.mark.parametrize("manner", MANNERS, ids=lambda manner: manner.name)
@pytest.mark.spec("standards", "PAR-7")
@pytest.mark.spec("standards", "RO-3")
@pytest.mark.spec("standards", "RT-7")
@pytest.mark.spec("standards", "RT-8")
@pytest.mark.spec("standards", "RA-3")
@pytest.mark.spec("standards", "TR-3")
@pytest.mark.spec("standards", "F-20")
@pytest.mark.spec("standards", "FM-3")
async def test_a_demanding_application_gets_what_was_allowed_and_less_when_it_asks_for_less(
    server: Server, library: str, manner: Manner
) -> None:
    asked = {"issuer": server.issuer, "callback": CALLBACK, "scope": SCOPE, "details": DETAILS}
    async with program(f"{library}/request.mjs", server.environment, server.ca_file) as application:
        await application.tell({**asked, **manner.told, "application": manner.application(library)})
        url = await application.hear()
        await application.tell(await allow(ROBIN, url, callback=CALLBACK, ca_file=str(server.ca_file)))
        seen = await application.hear()

    client_id, signed = manner.client_id(library), manner.told.get("answers_signed", False)
    assert ("request_uri=" in url, "request=" in url) == (manner.told.get("pushes", False), manner is _BY_VALUE)
    assert set(seen["back"]) == ({"response"} if signed else {"code", "state", "iss"})
    first, second = seen["first"], seen["second"]
    assert {token["token_type"] for token in (first, second)} == {"dpop" if manner in (BANK, VAULT) else "bearer"}
    assert (first["authorization_details"], second["authorization_details"]) == (DETAILS, DETAILS[:1])
    assert seen["more"] == "invalid_authorization_details"
    alive = seen["alive"]
    assert (alive["active"], alive["client_id"], alive["username"]) == (True, client_id, ROBIN.username)
    assert alive["authorization_details"] == DETAILS[:1]
    assert ("jkt" in alive.get("cnf", {})) == (manner in (BANK, VAULT))
    assert (seen["claims"]["sub"], seen["userinfo"]["name"]) == (seen["userinfo"]["sub"], "Robin Ashdown")


_BY_VALUE = demanding_parties.SIGNING


@each_library
@pytest.mark.spec("standards", "CB-1")
@pytest.mark.spec("standards", "CB-5")
@pytest.mark.spec("standards", "CB-7")
async def test_a_call_centre_asks_a_person_who_is_elsewhere(server: Server, library: str) -> None:
    asked: dict[str, Any] = {"issuer": server.issuer, "scope": SCOPE, "details": DETAILS[:1]}
    async with program(f"{library}/elsewhere.mjs", server.environment, server.ca_file) as application:
        identity = {"hint": ROBIN.username, "message": MESSAGE, "application": DESK.application(library)}
        await application.tell(asked | identity)
        told = await application.hear()
        assert told["expires_in"] > told["interval"] >= 1
        shown = await approve(ROBIN, server.issuer, ca_file=str(server.ca_file))
        await application.tell("decided")
        seen = {**told, **await application.hear()}

    assert MESSAGE in shown
    assert seen["token"]["authorization_details"] == DETAILS[:1]
    assert (seen["claims"]["iss"], seen["claims"]["aud"]) == (server.issuer, DESK.client_id(library))
    assert seen["claims"]["amr"] == ["pwd"]
    if library == "oauth4webapi":
        assert (seen["early"], seen["again"]) == ("authorization_pending", "invalid_grant")
