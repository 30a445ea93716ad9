"""Who the client of a request is whose client_id is the address of a metadata document: read there, in the copy that
waits with the request, or in the row that it has since somebody allowed it something.

Registered applications go through here untouched, whatever their client_id looks like (CI-2).
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from app.pipeline import document_requests
from app.pipeline.audit import Actor, entry
from app.pipeline.server import Server
from app.protocol import client_documents
from app.protocol.authorize.return_path import NoReturnPath
from app.protocol.errors import ErrorCode, OAuthError
from app.protocol.events import Event
from app.protocol.facts import ClientFact
from app.protocol.fetching import NotFetched, Refused
from app.store.orders import Introduced


async def asking(
    server: Server, client_id: str, row: ClientFact | None, now: datetime, address: str
) -> ClientFact | None:
    """Return the client of a request that comes from an address, as its document has it now; `row` is the active
    application of that client_id, if there is one. None: there is no such client.

    Raises `invalid_client` when the document cannot be had, or is none of such a client (CI-10, CI-14), and 429 when
    too many come from there. An application that was switched off or deleted stays so, and nothing is fetched for it.
    """
    if not _is_meant(client_id, row):
        return row
    if not client_documents.are_offered(server.features):
        return None
    try:
        server.client_documents.check(client_id)
        if row is None and await server.database.documents.is_taken(client_id):
            return None
        fact = _fact(server, await document_requests.fetch(server, client_id, address, now, known=row is not None), row)
    except NotFetched as reason:
        raise _invalid(reason) from reason
    if row is not None and client_documents.is_overtaken(fact, row):
        return await _anew(server, fact, row, now, address)
    return fact


async def _anew(server: Server, fact: ClientFact, row: ClientFact, now: datetime, address: str) -> ClientFact:
    """Read a document again that another worker has seen change, so that all are of one mind; the copy at hand may
    count a while longer where that fails."""
    server.client_documents.forget(fact.client_id)
    try:
        return _fact(server, await document_requests.fetch(server, fact.client_id, address, now, known=True), row)
    except (NotFetched, OAuthError):
        return fact


async def visiting(
    server: Server, client_id: str, row: ClientFact | None, now: datetime, address: str
) -> tuple[ClientFact | None, NoReturnPath | None]:
    """Return the client of an authorization request as `asking` does; where that raises, None and why nobody can be
    answered: neither the client nor where it wants to be answered is known (CI-14)."""
    try:
        return await asking(server, client_id, row, now, address), None
    except OAuthError as refused:
        return None, NoReturnPath("client_document", refused.description, detail=refused.detail, code=refused.code)


async def waiting(
    server: Server, document: Mapping[str, Any] | None, client_id: str, row: ClientFact | None
) -> ClientFact | None:
    """Return the client of a request that was kept with a copy of its document: what it was known by then is what its
    pages show, and what is allowed on them. None: it is no client any more. Nothing is fetched.

    Without a copy it is the application of its row; so it is when the copy is of another client than whoever asks says
    he is: nobody brings together what two clients are known by.
    """
    if document is None or document.get("client_id") != client_id or not _is_meant(client_id, row):
        return row
    if not _counts(server, client_id) or (row is None and await server.database.documents.is_taken(client_id)):
        return None
    try:
        snapshot = client_documents.read_snapshot(document, server.scopes)
    except OAuthError:  # what it says is refused since the server was configured anew
        return None
    return _fact(server, snapshot, row)


async def current(server: Server, row: ClientFact | None, now: datetime, address: str) -> ClientFact | None:
    """Return an application as its document has it: it is read again when its time is over, and what has changed is
    written down. While it cannot be had, what was read last counts as long as that may at all (CI-10).

    Raises `invalid_client` after that, and where documents of its host do not count any more.
    """
    if row is None or not row.by_document or row.document is not None:
        return row
    if not _counts(server, row.client_id):
        raise OAuthError(ErrorCode.INVALID_CLIENT, "client_id is of a kind that does not count here any more")
    read_at, fresh_until = row.introduction.fetched_at, row.introduction.fresh_until
    if fresh_until is not None and now < fresh_until:
        return row
    try:
        snapshot = await document_requests.fetch(server, row.client_id, address, now, known=True)
    except (NotFetched, OAuthError) as reason:
        if read_at is not None and now < read_at + server.client_documents.rules.longest:
            return row
        raise _invalid(reason) if isinstance(reason, NotFetched) else reason from reason
    if read_at is not None and snapshot.fetched_at <= read_at:
        return row  # another worker has read it later, and this one has still got a copy that it may keep
    fact = _fact(server, snapshot, row)
    await server.database.documents.refresh(row.id, _introduced(server, fact, address, "", now), now)
    return await server.database.hot.gather_client(row.client_id)


def introduced(server: Server, client: ClientFact, actor: Actor, now: datetime) -> Introduced | None:
    """Return what a grant writes of a client that was read in its document; None for every other one.

    It was the server that read it, because of what `actor` did.
    """
    if client.document is None:
        return None
    return _introduced(server, client, actor.address, actor.request_id, now)


def _introduced(server: Server, client: ClientFact, address: str, request_id: str, now: datetime) -> Introduced:
    snapshot = client_documents.read_snapshot(client.document or {}, server.scopes)
    return Introduced(
        client_documents.row_of(snapshot, server.registration.scopes),
        entry(
            Actor("server", "client_documents", address, request_id),
            Event.APPLICATION_DOCUMENT_CHANGED,
            now,
            None,
            {},
            subject_id=client.client_id,
            application_id=client.id,
        ),
    )


def _is_meant(client_id: str, row: ClientFact | None) -> bool:
    """CI-2."""
    return client_documents.looks_like(client_id) if row is None else row.by_document


def _counts(server: Server, client_id: str) -> bool:
    """Whether documents of that host count here, as the server is configured now."""
    if not client_documents.are_offered(server.features):
        return False
    try:
        server.client_documents.check(client_id)
    except Refused:
        return False
    return True


def _fact(server: Server, snapshot: client_documents.Snapshot, row: ClientFact | None) -> ClientFact:
    vouched = client_documents.is_vouched(snapshot.client_id, server.client_documents.rules, self_registered=True)
    return client_documents.fact_of(snapshot, server.registration.scopes, row, vouched=vouched)


def _invalid(reason: NotFetched) -> OAuthError:
    return OAuthError(ErrorCode.INVALID_CLIENT, f"client_id {reason}", detail=reason.detail)
