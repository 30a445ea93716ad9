"""POST /oauth/introspect (RFC 7662): what a resource server may know about a token. One round trip, no write.

A personal token or key that a resource server was sent is in use: that is noted for its owner, in memory.
"""

from datetime import datetime

from app.crypto.hashing import digest
from app.pipeline import access_tokens, legacy
from app.pipeline.certificate import certificate_of
from app.pipeline.client import authenticate, identify
from app.pipeline.http import Request, Response
from app.pipeline.introspection_answers import render
from app.pipeline.server import Server
from app.protocol import introspection, introspection_jwt
from app.protocol.client_auth import Presented
from app.protocol.errors import ErrorCode, OAuthError
from app.protocol.facts import ClientFact
from app.protocol.introspection import Answer
from app.protocol.token_format import Prefix, parse_credential


async def introspect(server: Server, request: Request) -> Response:
    """parse → gather (caller and token in one trip) → authenticate → describe → respond.

    The answer is JSON, or a JWT for whoever asks for one (RFC 9701). The prefix tells the kind of the token, so that
    `token_type_hint` is not needed and never misleads (IN-1).
    """
    params = request.form()
    token = params.get("token")
    if token is None:
        raise OAuthError(ErrorCode.INVALID_REQUEST, "token is missing")
    as_jwt = introspection_jwt.is_offered(server.features) and introspection_jwt.is_asked_for(request.header(b"accept"))
    if as_jwt:
        certificate = await certificate_of(server, request)
        introspection_jwt.require_credentials(
            request.header(b"authorization"), params, certificate=certificate is not None
        )
    presented = await identify(server, request, params)
    now = server.clock()
    caller, answer = await _described(server, presented, token, now)
    return await render(server, caller, answer, now, as_jwt=as_jwt)


async def _described(server: Server, presented: Presented, token: str, now: datetime) -> tuple[ClientFact, Answer]:
    """The prefix tells the kind; a string of an imported system gets one first."""
    hot = server.database.hot
    if (found := await access_tokens.find(server, presented.client_id, token)) is not None:
        caller = await _caller(server, presented, found.caller)
        return caller, introspection.describe(
            *(caller, found.shown, found.fact),
            resources=server.resources.current,
            issuer=server.issuer,
            now=now,
        )
    if (refresh := parse_credential(Prefix.REFRESH_TOKEN, token)) is not None:
        row, family = await hot.gather_family(presented.client_id, refresh.id)
        caller = await _caller(server, presented, row)
        return caller, introspection.describe_refresh(
            caller, refresh, family, keys=server.keys, issuer=server.issuer, now=now
        )
    if (personal := parse_credential(Prefix.PERSONAL_TOKEN, token)) is not None:
        row, own = await hot.gather_personal_token(presented.client_id, personal.id)
        caller = await _caller(server, presented, row)
        answer = introspection.describe_personal(
            *(personal, own if introspection.is_api(caller) else None),
            roles=server.roles,
            issuer=server.issuer,
            now=now,
        )
        if answer["active"]:
            server.last_uses.personal_token(personal.id, now)
        return caller, answer
    if (key := parse_credential(Prefix.API_KEY, token)) is not None:
        row, machine = await hot.gather_key(presented.client_id, key.id)
        caller = await _caller(server, presented, row)
        answer = introspection.describe_key(
            key, machine if introspection.is_api(caller) else None, issuer=server.issuer
        )
        if answer["active"]:
            server.last_uses.api_key(key.id, digest(key.secret), now)
        return caller, answer
    if (canonical := await legacy.canonical(server, token)) != token:
        return await _described(server, presented, canonical, now)
    return await _caller(server, presented, await hot.gather_client(presented.client_id)), introspection.INACTIVE


async def _caller(server: Server, presented: Presented, row: ClientFact | None) -> ClientFact:
    """Return whoever asks, once he has proved who he is."""
    caller = await authenticate(server, presented, row)
    introspection.check_caller(caller)
    return caller
