"""What a granted request gives out through the browser: code, access token, ID token, whichever its response type has.

All of it is made before anything is written, and nothing of it leaves unless what belongs to it was written.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any

from app.crypto.hashing import digest
from app.crypto.secrets import new_id, random_bytes
from app.pipeline.encryption import encrypted, require_key
from app.pipeline.server import Server
from app.protocol import openid_tokens, response_types
from app.protocol.authorize.answer import Released
from app.protocol.authorize.decide import Grantable
from app.protocol.facts import Authentication
from app.protocol.openid_tokens import IdTokenRules
from app.protocol.sender import Binding
from app.protocol.token_format import Credential, Prefix, format_credential
from app.protocol.tokens import id_token
from app.store.orders import NewCode, NewFrontToken

_ID_TOKEN = "the ID token"


@dataclass(frozen=True, slots=True)
class Made:
    """What goes to the client, and what the database keeps of it."""

    released: Released
    code: NewCode | None = None
    token: NewFrontToken | None = None


async def make(
    server: Server, granted: Grantable, approved: tuple[str, ...], subject: str | None, now: datetime
) -> Made:
    """Make what the response type of a request names, for the approved scopes.

    `subject` is what the application knows the person by, None: by his own. Raises OAuthError for an ID token that
    cannot be signed or encrypted as its application registered.
    """
    words = response_types.words(granted.accepted.request.response_type)
    made = Made(Released())
    if response_types.CODE in words:
        made = _with_code(server, granted, approved, now, made)
    if response_types.TOKEN in words:
        made = _with_token(server, granted, approved, now, made)
    if response_types.ID_TOKEN in words and server.id_tokens is not None:
        text = await _id_token(server, server.id_tokens, granted, approved, subject, now, made.released)
        made = replace(made, released=replace(made.released, id_token=text))
    return made


def _with_code(server: Server, granted: Grantable, approved: tuple[str, ...], now: datetime, made: Made) -> Made:
    """Add a code; the challenge stays with its row (P-7), and so does all that it is bound to (SR-4)."""
    request, credential = granted.accepted.request, Credential(new_id(now), random_bytes())
    policy = server.policy_for(granted.client)
    code = NewCode(
        id=credential.id,
        digest=digest(credential.secret),
        scopes=approved,
        resources=_identifiers(granted),
        authentication=_authentication(granted),
        redirect_uri=granted.path.as_sent,
        code_challenge=request.code_challenge,
        nonce=request.nonce,
        offline="refresh_token" in granted.client.grant_types,
        binding=Binding(jkt=request.dpop_jkt),
        expires_at=now + policy.authorization_code,
        claims=granted.accepted.claims,
        details=granted.accepted.details,
        grant_action=None if granted.accepted.target is None else granted.accepted.target.action,
    )
    text = format_credential(Prefix.AUTHORIZATION_CODE, credential)
    return replace(made, code=code, released=replace(made.released, code=text))


def _with_token(server: Server, granted: Grantable, approved: tuple[str, ...], now: datetime, made: Made) -> Made:
    """Add an access token: legacy (RFC 6749 §4.2)."""
    client, credential = granted.client, Credential(new_id(now), random_bytes())
    lifetime = server.policy_for(client).access_token
    token = NewFrontToken(
        id=credential.id,
        digest=digest(credential.secret),
        family_id=new_id(now),
        key_version=server.keys.current,
        scopes=approved,
        resources=_identifiers(granted),
        authentication=_authentication(granted),
        expires_at=now + lifetime,
        claims=granted.accepted.claims,
    )
    released = replace(
        made.released,
        access_token=format_credential(Prefix.ACCESS_TOKEN, credential),
        expires_in=int(lifetime.total_seconds()),
        scopes=approved,
    )
    return replace(made, token=token, released=released)


async def _id_token(
    server: Server,
    rules: IdTokenRules,
    granted: Grantable,
    approved: tuple[str, ...],
    subject: str | None,
    now: datetime,
    beside: Released,
) -> str:
    """Return an ID token that vouches for what goes out beside it (RT-5, ID-3, ID-4), and for the state."""
    client, session, settings = granted.client, granted.session, granted.client.openid
    require_key(server, client.policy, settings.id_token_alg, _ID_TOKEN)
    content = openid_tokens.content(
        rules,
        client,
        subject or session.subject,
        _authentication(granted),
        now,
        nonce=granted.accepted.request.nonce,
        claims=await _about_person(server, rules, granted, approved, beside),
    )
    content = replace(content, code=beside.code, access_token=beside.access_token, state=granted.path.state)
    text = id_token.write(content, settings.id_token_alg, partial(server.keyring.sign, now))
    if settings.id_token_encryption is None:
        return text
    return await encrypted(server, client, text, *settings.id_token_encryption, _ID_TOKEN)


async def _about_person(
    server: Server, rules: IdTokenRules, granted: Grantable, approved: tuple[str, ...], beside: Released
) -> Mapping[str, Any]:
    """Return the claims about the person that this ID token carries: one more round trip where it carries any."""
    asked, pairs = granted.accepted.claims, granted.accepted.pairs_of(approved)
    names = openid_tokens.front_channel_claims(
        rules.claims, approved, pairs, asked, code=beside.code is not None, token=beside.access_token is not None
    )
    person = await server.database.hot.gather_person(granted.session.user_id) if names else None
    return {} if person is None else rules.claims.of_person(person, names, asked.locales)


def _identifiers(granted: Grantable) -> tuple[str, ...]:
    return tuple(resource.identifier for resource in granted.accepted.resources)


def _authentication(granted: Grantable) -> Authentication:
    session = granted.session
    return Authentication(auth_time=session.auth_time, acr=granted.acr, amr=session.amr, sid=session.sid)
