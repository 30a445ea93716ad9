"""The guard of the server's own API (RFC 6750; original behaviour §4.1): who calls, by which credential.

A credential is looked up by the id in it, in one round trip, and compared in constant time. Nothing is cached: what is
revoked, switched off or disabled is refused with the next request, on every worker (BUG 33). A token that is bound to a
key counts with that key alone, and the note that its proof has been used is one trip more (RFC 9449 §7).
"""

from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

from app.crypto.hashing import digest
from app.pipeline import legacy, system_key
from app.pipeline.http import Request
from app.pipeline.sender import sender_of
from app.pipeline.server import Server
from app.protocol import authorization_header, origins, own_api, step_up, validity
from app.protocol.authorization_header import Challenged, Credentials
from app.protocol.callers import KeyCaller, MachineCaller, PersonalCaller, SystemCaller, TokenCaller
from app.protocol.errors import ErrorCode, OAuthError
from app.protocol.facts import AccessTokenFact, MachineTokenFact
from app.protocol.sender import UNBOUND, Binding, is_bound_key
from app.protocol.token_format import Credential, Prefix, parse_credential
from app.protocol.validity import Fault

CredentialCaller = TokenCaller | MachineCaller | PersonalCaller | KeyCaller | SystemCaller
"""Whoever calls by the Authorization header."""


class OriginRefused(OAuthError):
    """The credential counts, and may not be used from the website that the request comes from.

    403 where the original said 400: the request is well-formed, and no other spelling of it would be answered.
    """

    def __init__(self) -> None:
        super().__init__(
            ErrorCode.ACCESS_DENIED, "its allowed origins do not name the website that the request comes from"
        )


async def identify(server: Server, request: Request) -> CredentialCaller:
    """Return who calls by the Authorization header, which is there; raises `Challenged`, or `OriginRefused`.

    From a website, a credential works only when its allowed origins say so: for a token those of its application, for
    a key its own. Personal tokens and the system key have none.
    """
    shown = authorization_header.read(request.header(b"authorization") or "")
    if (caller := await _by_credential(server, request, shown)) is not None:
        return caller
    if system_key.is_system_key(server, shown.text, request.address):
        authorization_header.check_scheme(shown, UNBOUND)
        _check_origin(server, request, ())
        return await system_key.use(
            server, method=request.method, path=request.path, address=request.address, request_id=request.request_id
        )
    known = replace(shown, text=await legacy.canonical(server, shown.text))
    imported = await _by_credential(server, request, known)
    if imported is None:
        raise _invalid(Fault.UNKNOWN, "credential")
    return imported


def nobody() -> Challenged:
    """Return the refusal of a request without credentials (RFC 6750 §3.1: a challenge without an error)."""
    return Challenged(ErrorCode.INVALID_TOKEN, "a token or key is needed", bare=True)


def allowed_website(server: Server, request: Request) -> str | None:
    """Return the origin of the website that may read the answer, once `identify` has let the request in."""
    origin = request.header(b"origin")
    return None if origin == origins.origin_of(server.issuer) else origin


async def _by_credential(server: Server, request: Request, shown: Credentials) -> CredentialCaller | None:
    """Return who calls with a credential of ours; None for any other text. The prefix tells the kind."""
    text = shown.text
    if (credential := parse_credential(Prefix.ACCESS_TOKEN, text)) is not None:
        return await _by_token(server, request, shown, credential, await _find_token(server, request, credential.id))
    if (credential := parse_credential(Prefix.LEGACY_TOKEN, text)) is not None:
        _, fact, allowed = await server.database.hot.gather_legacy_token(None, credential.id)
        return await _by_token(server, request, shown, credential, (fact, allowed))
    if (credential := parse_credential(Prefix.PERSONAL_TOKEN, text)) is not None:
        authorization_header.check_scheme(shown, UNBOUND)
        return await _by_personal_token(server, request, credential)
    if (credential := parse_credential(Prefix.API_KEY, text)) is not None:
        authorization_header.check_scheme(shown, UNBOUND)
        return await _by_key(server, request, credential)
    return None


async def _by_token(
    server: Server,
    request: Request,
    shown: Credentials,
    credential: Credential,
    found: tuple[AccessTokenFact | None, tuple[str, ...]],
) -> TokenCaller | MachineCaller:
    fact, allowed = found
    in_force = validity.access_token_at(
        digest(credential.secret), fact, server.issuer + own_api.PATH, now=server.clock()
    )
    if fact is None or isinstance(in_force, Fault):
        raise _invalid(in_force, "access token", shown)
    _check_origin(server, request, allowed)
    if fact.binding or shown.by_proof:
        await check_key(server, request, shown, fact.binding)
    if isinstance(fact, MachineTokenFact):
        return MachineCaller(fact, in_force)
    waiting = step_up.waiting(fact, in_force, server.scopes, server.policy.assurance, server.clock())
    return TokenCaller(fact, in_force, waiting)


async def check_key(server: Server, request: Request, shown: Credentials, binding: Binding) -> None:
    """Raise `Challenged` unless the request proves the keys that its token is bound to, by a proof made for this token
    and not used before (DP-14, DP-6), or by the certificate of its connection (MT-1)."""
    authorization_header.check_scheme(shown, binding)
    try:
        sender = await sender_of(server, request, shown.text)
    except OAuthError as refused:
        raise Challenged(refused.code, refused.description, scheme=shown.scheme) from None
    if shown.by_proof and sender.jkt is None:
        raise Challenged(ErrorCode.INVALID_DPOP_PROOF, "the header DPoP with a proof is missing", scheme="DPoP")
    if not is_bound_key(binding, sender):
        raise _invalid(Fault.OTHER_KEY, "access token", shown)
    if sender.proof is not None and not await server.database.hot.note_proof(sender.proof):
        raise Challenged(
            ErrorCode.INVALID_DPOP_PROOF, "the DPoP proof was used before; make one for each request", scheme="DPoP"
        )


async def _find_token(
    server: Server, request: Request, token_id: UUID
) -> tuple[AccessTokenFact | None, tuple[str, ...]]:
    hot = server.database.hot
    if b"origin" in request.headers:
        return await hot.gather_token_for_website(token_id)
    _, fact = await hot.gather_token(None, token_id)
    return fact, ()


async def _by_personal_token(server: Server, request: Request, credential: Credential) -> PersonalCaller:
    _, fact = await server.database.hot.gather_personal_token(None, credential.id)
    now = server.clock()
    in_force = validity.personal_token(credential, fact, roles=server.roles, now=now)
    if fact is None or isinstance(in_force, Fault):
        raise _invalid(in_force, "personal token")
    _check_origin(server, request, ())
    server.last_uses.personal_token(fact.id, now)
    return PersonalCaller(fact, in_force)


async def _by_key(server: Server, request: Request, credential: Credential) -> KeyCaller:
    _, fact = await server.database.hot.gather_key(None, credential.id)
    in_force = validity.api_key(credential, fact)
    if fact is None or isinstance(in_force, Fault):
        raise _invalid(in_force, "API key")
    _check_origin(server, request, fact.allowed_origins)
    server.last_uses.api_key(fact.id, digest(credential.secret), server.clock())
    return KeyCaller(fact, in_force)


def _check_origin(server: Server, request: Request, allowed: Sequence[str]) -> None:
    """Our own pages, such as the API's documentation, are no other website."""
    website = allowed_website(server, request)
    if website is not None and not origins.allows(allowed, website):
        raise OriginRefused()


def _invalid(fault: object, kind: str, shown: Credentials | None = None) -> Challenged:
    """Return the refusal of a credential that does not count; the log gets its kind and the reason (BUG 35)."""
    why = fault if isinstance(fault, Fault) else Fault.UNKNOWN
    scheme = "Bearer" if shown is None else shown.scheme
    return Challenged(ErrorCode.INVALID_TOKEN, why.value, detail=f"{kind}: {why.name.lower()}", scheme=scheme)
