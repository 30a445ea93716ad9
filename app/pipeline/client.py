"""Authenticate a client: the rule, and a note that its secret is in use."""

from app.pipeline.server import Server
from app.protocol import client_auth
from app.protocol.client_auth import Presented
from app.protocol.facts import ClientFact


def authenticate(server: Server, presented: Presented, row: ClientFact | None) -> ClientFact:
    """Return the client that a request proved to come from; raises `invalid_client`."""
    client = client_auth.authenticate(presented, row)
    if presented.method in client_auth.SECRET_METHODS:
        server.last_uses.secret(client.id, presented.digest, server.clock())
    return client
