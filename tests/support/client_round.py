"""What every client library goes through, whatever it is called: the parties, and what they must have seen."""

from dataclasses import dataclass, field
from typing import Any

from tests.support.login import Person, allow
from tests.support.server import Server

CALLBACK = "https://client.example/callback"
SCOPE = "project:read team:read"
ROBIN = Person("robin", "seven-quiet-harbours-at-dawn")


@dataclass(frozen=True, slots=True)
class Registration:
    """A registered application; a public one has no secret."""

    client_id: str
    method: str
    client_secret: str | None = field(default=None, repr=False)


BASIC = Registration("reports", "client_secret_basic", "basic-secret-0123456789-abcdefghij")
POST = Registration("deploys", "client_secret_post", "post-secret-0123456789-abcdefghij")
PUBLIC = Registration("board", "none")
APPLICATIONS = (BASIC, POST, PUBLIC)
MACHINE = Registration("sweeper", "client_secret_basic", "sweeping-secret-0123456789-abcdefghij")
MACHINE_BY_POST = Registration("duster", "client_secret_post", "dusting-secret-0123456789-abcdefghij")
MACHINES = (MACHINE, MACHINE_BY_POST)
"""They get tokens for themselves, and send nobody anywhere."""

API = BASIC
"""Who introspects: a public application may not."""

DATA = {
    "users": [{"username": ROBIN.username, "password": ROBIN.password}],
    "applications": [
        {
            "client_id": application.client_id,
            "client_secret": application.client_secret,
            "redirect_uris": [CALLBACK],
            "grant_types": ["authorization_code", "refresh_token"],
            "token_endpoint_auth_method": application.method,
        }
        for application in APPLICATIONS
    ]
    + [
        {
            "client_id": machine.client_id,
            "client_secret": machine.client_secret,
            "grant_types": ["client_credentials"],
            "token_endpoint_auth_method": machine.method,
        }
        for machine in MACHINES
    ],
}
"""What the server must know: apply it at its start."""


@dataclass(frozen=True, slots=True)
class Round:
    """What an application has got: the answers to its exchange and to its refresh, introspection of the second access
    token before and after the refresh token was revoked, and the error of a refresh after that."""

    first: dict[str, Any]
    second: dict[str, Any]
    alive: dict[str, Any]
    dead: dict[str, Any]
    refusal: str


async def allowed(server: Server, url: str) -> str:
    """Send the person to the URL, where he signs in and allows what is asked; returns the URL of the call back."""
    return await allow(ROBIN, url, callback=CALLBACK, ca_file=str(server.ca_file))


def check(seen: Round, application: Registration, issuer: str) -> None:
    """Assert that everything went as the specifications say."""
    for tokens in (seen.first, seen.second):
        assert tokens["token_type"].lower() == "bearer"  # RFC 6749 §7.1: its case does not matter
        assert tokens["scope"] in (SCOPE, SCOPE.split(" "))  # as sent, or as the library has read it
    assert seen.second["access_token"] != seen.first["access_token"]
    assert seen.second["refresh_token"] != seen.first["refresh_token"]
    assert seen.alive["active"] is True
    assert seen.alive["client_id"] == application.client_id
    assert seen.alive["username"] == ROBIN.username
    assert seen.alive["iss"] == issuer
    assert seen.alive["scope"] == SCOPE
    assert seen.dead == {"active": False}
    assert seen.refusal == "invalid_grant"


def check_machine(token: dict[str, Any], alive: dict[str, Any], dead: dict[str, Any], machine: Registration) -> None:
    """Assert what an application sees that gets a token for itself, has it introspected, and revokes it."""
    assert token["token_type"].lower() == "bearer"
    assert token["scope"] in (SCOPE, SCOPE.split(" "))
    assert "refresh_token" not in token
    assert (alive["active"], alive["client_id"], alive["scope"]) == (True, machine.client_id, SCOPE)
    assert not {"username", "sub"} & alive.keys()
    assert dead == {"active": False}
