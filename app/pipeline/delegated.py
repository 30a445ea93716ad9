"""What pays for a token without anybody's consent: JWTs of trusted issuers, and tokens that are to be exchanged.

Signatures are checked here, since keys may have to be fetched; whether anything counts is decided later, and for a
known application alone. So a flaw is a fact like others, and nobody is refused before he has said who he is.
"""

import asyncio

from app.crypto import jose
from app.crypto.jose import JoseError, Jwt
from app.pipeline import access_tokens
from app.pipeline.server import Server
from app.protocol import trusted_issuers
from app.protocol.exchange_parties import ExchangeFact, PartyFact, ShownAccessToken
from app.protocol.facts import ClientFact
from app.protocol.fetching import NotFetched
from app.protocol.needs import ExchangeNeed, ShownToken
from app.protocol.trusted_issuers import AssertionFact, Flawed, Signed, TrustedIssuer


async def gather_assertion(server: Server, client_id: str, text: str) -> tuple[ClientFact | None, AssertionFact]:
    """Return the active application that asks, and what is known of a JWT, with the user whom it means.

    One round trip, after the issuer's keys have been fetched if they stand elsewhere.
    """
    signed = await _signed(server, text)
    if isinstance(signed, Flawed):
        return await server.database.hot.find_client(client_id), signed
    issuer, jwt = signed.issuer, signed.jwt
    client, person, used = await server.database.delegated.gather_person(
        client_id,
        issuer.means,
        trusted_issuers.called(jwt, issuer),
        trusted_issuers.use_of(jwt, issuer, server.clock()),
    )
    return client, Signed(jwt, issuer, person, used)


async def gather_exchange(server: Server, client_id: str, need: ExchangeNeed) -> tuple[ClientFact | None, ExchangeFact]:
    """Return the active application that asks, and both tokens; they are looked up at the same time."""
    if need.actor is None:
        client, subject = await _subject(server, client_id, need.subject)
        return client, ExchangeFact(subject)
    (client, subject), actor = await asyncio.gather(
        _subject(server, client_id, need.subject), _actor(server, need.actor)
    )
    return client, ExchangeFact(subject, actor)


async def _subject(server: Server, client_id: str, shown: ShownToken) -> tuple[ClientFact | None, PartyFact]:
    if shown.foreign:
        return await gather_assertion(server, client_id, shown.text)
    found = await access_tokens.find(server, client_id, shown.text)
    if found is None:
        return await server.database.hot.find_client(client_id), None
    return found.caller, ShownAccessToken(found.shown, found.fact)


async def _actor(server: Server, shown: ShownToken) -> PartyFact:
    if shown.foreign:
        return await _signed(server, shown.text)
    found = await access_tokens.find(server, None, shown.text)
    return None if found is None else ShownAccessToken(found.shown, found.fact)


async def _signed(server: Server, text: str) -> AssertionFact:
    """JB-6: the keys are those that were written down for its issuer, whatever its header says."""
    try:
        jwt = jose.peek(text)
    except JoseError as flaw:
        return Flawed(str(flaw))
    named = jwt.claims.get("iss")
    issuer = server.trusted_issuers.get(named) if isinstance(named, str) else None
    return trusted_issuers.untrusted() if issuer is None else await _verified(server, jwt, issuer)


async def _verified(server: Server, jwt: Jwt, issuer: TrustedIssuer) -> AssertionFact:
    try:
        keys = await server.key_sets.keys(issuer.jwks_uri, jwt.kid) if issuer.jwks_uri else issuer.jwks
        return Signed(jose.verify(jwt, keys, issuer.algorithms), issuer)
    except NotFetched as failed:
        return Flawed(
            "the keys of its issuer cannot be had at present; try again", issuer, failed.detail or str(failed)
        )
    except JoseError as flaw:
        return Flawed(str(flaw), issuer)
