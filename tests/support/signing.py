"""Signing keys for servers that run in the tests' own process."""

from functools import partial

from app.pipeline.server import Server
from app.services.signing_keys import KeyKeeper, audit_of_key
from app.store.orders import Actor


async def keep_keys(server: Server) -> None:
    """Make the keys that are due, as the parent does before the first worker, and let the server read them."""
    now = server.clock()
    tell = partial(audit_of_key, now, Actor("server", "test"))
    await KeyKeeper(server.database, server.vault, server.keyring.plan).keep(now, tell)
    await server.keyring.refresh()
