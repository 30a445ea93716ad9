"""Who asks: what a request shows of its client, and whether that proves it. Every endpoint with clients begins here.

CA-2: the same at all of them, since none does it otherwise.
"""

from datetime import datetime
from functools import lru_cache

from app.crypto.envelope import Purpose
from app.crypto.hashing import digest
from app.pipeline import client_documents
from app.pipeline.certificate import certificate_of
from app.pipeline.http import Request
from app.pipeline.server import Server
from app.protocol import client_auth, uri
from app.protocol.client_assertion import Audience
from app.protocol.client_auth import Means, Presented, client_secret_jwt
from app.protocol.errors import ErrorCode, OAuthError
from app.protocol.facts import ClientFact
from app.protocol.fetching import NotFetched
from app.protocol.key_sets import Jwk
from app.protocol.params import Parameters


async def identify(server: Server, request: Request, params: Parameters) -> Presented:
    """Return what the request shows of its client; raises `invalid_request` and `invalid_client`.

    Nothing has been looked up by then: an assertion whose form is wrong costs neither a trip nor a fetch (CA-10), nor
    does a secret of somebody who has shown too many wrong ones (T-7).
    """
    presented = client_auth.identify(
        request.header(b"authorization"),
        params,
        _audience(server.issuer, server.mtls.url, request.path),
        server.clock(),
        await certificate_of(server, request),
        request.address,
    )
    request.names_client(presented.client_id)
    server.guesses.check(presented, server.clock())
    return presented


async def authenticate(server: Server, presented: Presented, row: ClientFact | None) -> ClientFact:
    """Return the client that a request proved to come from; raises `invalid_client`.

    The row may come from the cache, and its owner have given it another secret a moment ago. So before a client is
    refused it is read again, whether there is such a client or not: the work tells nobody which client_id exists.
    An assertion counts once, and only one that is well signed is noted (CA-7).
    """
    now, guesses = server.clock(), server.guesses
    guesses.check(presented, now)
    if row is not None and row.by_document:
        row = await client_documents.current(server, row, now, presented.address)
    try:
        client, means = await _judge(server, presented, row)
    except OAuthError as refused:
        guesses.begin(presented, now)
        client, means = await _judge_again(server, presented, row, refused, now)
        guesses.withdraw(presented, now)
    used = presented.assertion.use if presented.assertion is not None and not presented.noted else None
    if used is not None and not await server.database.assertions.note(used):
        raise OAuthError(
            ErrorCode.INVALID_CLIENT, "the client assertion was used before; make a new one with another jti"
        )
    _note_use(server, presented, client, means)
    return client


async def _judge_again(
    server: Server, presented: Presented, row: ClientFact | None, refused: OAuthError, now: datetime
) -> tuple[ClientFact, Means]:
    """Judge by what the database says now; a wrong secret counts against whoever shows it (T-7).

    What says the same as before proves the same: signatures, which cost the most, are checked once. A document was read
    a moment ago.
    """
    fresh = row
    if row is None or row.document is None:
        found = await server.database.hot.gather_client(presented.client_id)
        fresh = await client_documents.current(server, found, now, presented.address)
    try:
        if fresh == row:
            raise refused
        return await _judge(server, presented, fresh)
    except OAuthError:
        await server.guesses.failed(presented, now)
        raise


@lru_cache(maxsize=64)
def _audience(issuer: str, alias: str | None, path: str) -> Audience:
    """Return whom an assertion may name here, whatever the request says of its host (CA-5, PAR-3).

    The path may have lost the issuer's own on its way through a proxy. Where clients show certificates the server has
    another address (RFC 8705 §5), and one that uses it may name that.
    """
    endpoints = ("/oauth/token", uri.below(path, issuer))
    addresses = (issuer,) if alias is None else (issuer, alias)
    return Audience(issuer, tuple(base + endpoint for base in addresses for endpoint in endpoints))


async def _judge(server: Server, presented: Presented, client: ClientFact | None) -> tuple[ClientFact, Means]:
    offered = client_auth.offered(server.features)
    if presented.method in client_auth.SHOWING_METHODS:
        means = Means(offered)  # the digest is all there is to judge
    else:
        means = Means(offered, await _keys(server, presented, client), _secrets(server, presented, client))
    return client_auth.authenticate(presented, client, means), means


async def _keys(server: Server, presented: Presented, client: ClientFact | None) -> tuple[Jwk, ...]:
    """Return the public keys of a client that proves itself with one; none when they cannot be had at present."""
    if client is None or client.auth_method not in client_auth.KEY_METHODS:
        return ()
    if client.auth_method != client_auth.method_of(presented, client):
        return ()
    material = client.key_material
    if not material.jwks_uri or (presented.assertion is None and presented.certificate is None):
        return material.jwks
    try:
        kid = presented.assertion.jwt.kid if presented.assertion is not None else None
        return await server.key_sets_for(client).keys(material.jwks_uri, kid)
    except NotFetched:
        return ()


def _secrets(server: Server, presented: Presented, client: ClientFact | None) -> tuple[bytes, ...]:
    """Return the secrets of a client whose MACs they make; one that is valid no longer counts for nothing."""
    if client is None or not client.auth_method == presented.method == client_secret_jwt.NAME:
        return ()
    sealed = client.key_material.sealed_secrets
    opened = (server.vault.unseal(Purpose.CLIENT_SECRET, one, client.id.bytes) for one in sealed)
    return tuple(secret for secret in opened if secret is not None)


def _note_use(server: Server, presented: Presented, client: ClientFact, means: Means) -> None:
    """Tell the owner, some time soon, which of his secrets are still in use."""
    if presented.method in client_auth.SHOWING_METHODS:
        server.last_uses.secret(client.id, presented.digest, server.clock())
    elif presented.assertion is not None:
        for secret in means.secrets:
            if not client_secret_jwt.objection(presented.assertion.jwt, (secret,), ""):
                server.last_uses.secret(client.id, digest(secret), server.clock())
