"""Metadata documents of clients, for requests behind which nobody is known yet (CI-15)."""

from datetime import datetime

from app.crypto.hashing import keyed
from app.pipeline.server import Server
from app.protocol.addresses import network_of
from app.protocol.client_documents import Snapshot
from app.protocol.errors import ErrorCode, OAuthError, seconds_until
from app.store import failures


async def fetch(server: Server, client_id: str, address: str, now: datetime, *, known: bool = False) -> Snapshot:
    """Return what stands at a client_id, for a request from an address; `known`: there is such a client here.

    What is written in the client_id is judged first, what is at hand is taken, and only what would make us ask somebody
    counts. Raises Refused and Failed as `ClientDocuments.get` does, and OAuthError as `admit` does.
    """
    documents = server.client_documents
    if documents.would_ask(client_id, now):
        documents.check(client_id)
        await admit(server, address, now)
    return await documents.get(client_id, now, asker=network_of(address), known=known)


async def admit(server: Server, address: str, now: datetime) -> None:
    """Count a request of ours that comes of one from this address; an address that is not known (a unix socket) has no
    limit. Raises `OAuthError` (429) when there were too many (CI-15)."""
    network = network_of(address)
    if not network:
        return
    rules = server.client_documents.rules
    key = keyed(server.key_for("document-limits"), b"document/address/", network.encode("ascii"))
    async with server.database.transaction() as transaction:
        full_until = await failures.count_in_window(transaction, key, now, limit=rules.requests, window=rules.window)
    if full_until is not None:
        seconds = seconds_until(full_until, now)
        raise OAuthError(
            ErrorCode.TOO_MANY_FAILURES,
            f"too many clients were introduced from this address; nothing is fetched for {seconds} seconds",
            retry_after=seconds,
        )
