"""Authenticate a client: the rule, and a note that its secret is in use."""

from app.pipeline.server import Server
from app.protocol import client_auth
from app.protocol.client_auth import Presented
from app.protocol.errors import OAuthError
from app.protocol.facts import ClientFact


async def authenticate(server: Server, presented: Presented, row: ClientFact | None) -> ClientFact:
    """Return the client that a request proved to come from; raises `invalid_client`.

    The row may come from the cache, and its owner have given it another secret a moment ago. So before a client is
    refused it is read again, whether there is such a client or not: the work tells nobody which client_id exists.
    """
    try:
        client = client_auth.authenticate(presented, row)
    except OAuthError:
        client = client_auth.authenticate(presented, await server.database.hot.gather_client(presented.client_id))
    if presented.method in client_auth.SECRET_METHODS:
        server.last_uses.secret(client.id, presented.digest, server.clock())
    return client
