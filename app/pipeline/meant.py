"""Whom a client means by a hint (CIBA §7.1).

Nobody learns here who has an account: what could be a person is looked for in one way, in one time, and nobody is
refused because there is none (CB-11). Refused is what says nothing about anybody.
"""

from dataclasses import dataclass, field
from datetime import datetime

from app.crypto.jose import JoseError
from app.pipeline import delegated, hints
from app.pipeline.server import Server
from app.protocol import trusted_issuers
from app.protocol.authorize.backchannel import Hint
from app.protocol.errors import ErrorCode, OAuthError
from app.protocol.facts import ClientFact
from app.protocol.names import name_key
from app.protocol.tokens import jwt_rules
from app.protocol.trusted_issuers import AssertionFact, Distrusted, Signed
from app.store.hot_backchannel import AskedPerson


@dataclass(frozen=True, slots=True)
class Meant:
    """Whom a hint means: the active person, None: nobody. `name` is what the hint says, however it is spelled."""

    person: AskedPerson | None
    name: str = field(repr=False)


async def person_of(
    server: Server, client: ClientFact, hint: Hint, now: datetime, before: Meant | None = None
) -> Meant:
    """Return whom a hint means. One round trip, whoever it is; one more for a `login_hint_token` that counts once, and
    none when it said so `before`.

    Raises `invalid_request` for an `id_token_hint` that is no ID token of this server, `unknown_user_id` for one that
    another application got and for a `login_hint_token` that counts for nothing here, and `expired_login_hint_token`.
    """
    match hint.name:
        case "login_hint":
            return await _named(server, client, hint.text)
        case "id_token_hint":
            return await _hinted(server, client, hint.text, now)
        case "login_hint_token":
            return before or await _vouched(server, client, hint.text, now)


async def _named(server: Server, client: ClientFact, text: str) -> Meant:
    """A username or an email address, as people sign in with it, or the subject that the application knows."""
    key = name_key(text)
    if not key.isprintable():
        return Meant(None, key)  # nobody is called so, and no database is asked such a thing
    sector = client.openid.sector or None
    return Meant(await server.database.backchannel.find_person(client.id, key, text, sector), key)


async def _hinted(server: Server, client: ClientFact, text: str, now: datetime) -> Meant:
    """OC-12: an ID token of ours, also one that has ended; only the application that got it may show it."""
    hinted = await hints.read(server, text, now)
    if hinted.client_id != client.client_id:
        raise _unknown("id_token_hint was issued to another application")
    sector = client.openid.sector or None
    found = await server.database.backchannel.find_person(client.id, None, hinted.subject, sector)
    return Meant(found, hinted.subject)


async def _vouched(server: Server, client: ClientFact, text: str, now: datetime) -> Meant:
    """A JWT of an issuer that the operator trusts for this application, by the rules of the JWT bearer grant: one that
    counts once there counts once here, and once altogether. To whom that issuer names it is no stranger."""
    _, fact = await delegated.gather_assertion(server, client.client_id, text)
    if _has_expired(fact, client, now):
        raise OAuthError(ErrorCode.EXPIRED_LOGIN_HINT_TOKEN, "login_hint_token has expired; get a new one")
    try:
        signed = trusted_issuers.judge(fact, client, server.issuer, now)
    except Distrusted as refused:
        raise _unknown(f"login_hint_token is refused: {refused}", detail=refused.detail) from None
    name = trusted_issuers.called(signed.jwt, signed.issuer)
    if name is None:
        raise _unknown(f"{signed.issuer.claim} of login_hint_token names nobody")
    use = trusted_issuers.use_of(signed.jwt, signed.issuer, now)
    if use is not None and not await server.database.assertions.note(use):
        raise _unknown("login_hint_token was used before; get a new one from its issuer")
    person = signed.person
    known = None if person is None or not person.active else AskedPerson(person.id, person.epoch, connected=True)
    return Meant(known, f"{signed.issuer.issuer} {name}")


def _has_expired(fact: AssertionFact, client: ClientFact, now: datetime) -> bool:
    """Tell whether a JWT that could count here has ended; whoever may not show it learns nothing of it."""
    if not isinstance(fact, Signed) or client.client_id not in fact.issuer.clients:
        return False
    try:
        ends = jwt_rules.moment_of(fact.jwt.claims, "exp")
    except JoseError:
        return False  # it is refused for that
    return ends is not None and ends + jwt_rules.LEEWAY <= now


def _unknown(description: str, *, detail: str = "") -> OAuthError:
    return OAuthError(ErrorCode.UNKNOWN_USER_ID, description, detail=detail)
