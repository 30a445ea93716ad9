"""The guard of the server's own API (RFC 6750; original behaviour §4.1): who calls, by which credential.

A credential is looked up by the id in it, in one round trip, and compared in constant time. Nothing is cached: what is
revoked, switched off or disabled is refused with the next request, on every worker (BUG 33).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

from app.crypto.hashing import digest
from app.pipeline import legacy, system_key
from app.pipeline.server import Server
from app.protocol import authorization_header, origins, validity
from app.protocol.authorization_header import Challenged
from app.protocol.callers import KeyCaller, MachineCaller, PersonalCaller, SystemCaller, TokenCaller
from app.protocol.errors import ErrorCode, OAuthError
from app.protocol.facts import AccessTokenFact, MachineTokenFact
from app.protocol.token_format import Credential, Prefix, parse_credential
from app.protocol.validity import Fault

CredentialCaller = TokenCaller | MachineCaller | PersonalCaller | KeyCaller | SystemCaller
"""Whoever calls by the Authorization header."""


@dataclass(frozen=True, slots=True)
class Knock:
    """What the guard looks at of a request. `address` is the client's, as the server's trusted proxies name it."""

    authorization: str = field(repr=False)
    origin: str | None
    address: str
    request_id: str
    method: str
    path: str


class OriginRefused(OAuthError):
    """The credential counts, and may not be used from the website that the request comes from.

    403 where the original said 400: the request is well-formed, and no other spelling of it would be answered.
    """

    def __init__(self) -> None:
        super().__init__(
            ErrorCode.ACCESS_DENIED, "its allowed origins do not name the website that the request comes from"
        )


async def identify(server: Server, knock: Knock) -> CredentialCaller:
    """Return who calls; raises `Challenged`, or `OriginRefused`.

    From a website, a credential works only when its allowed origins say so: for a token those of its application, for
    a key its own. Personal tokens and the system key have none.
    """
    shown = authorization_header.read(knock.authorization)
    if (caller := await _by_credential(server, knock, shown)) is not None:
        return caller
    if system_key.is_system_key(server, shown, knock.address):
        _check_origin(server, knock, ())
        return await system_key.use(
            server, method=knock.method, path=knock.path, address=knock.address, request_id=knock.request_id
        )
    imported = await _by_credential(server, knock, await legacy.canonical(server, shown))
    if imported is None:
        raise _invalid(Fault.UNKNOWN, "credential")
    return imported


def nobody() -> Challenged:
    """Return the refusal of a request without credentials (RFC 6750 §3.1: a challenge without an error)."""
    return Challenged(ErrorCode.INVALID_TOKEN, "a token or key is needed", bare=True)


def allowed_website(server: Server, knock: Knock) -> str | None:
    """Return the origin of the website that may read the answer, once `identify` has let the request in."""
    return None if knock.origin == origins.origin_of(server.issuer) else knock.origin


async def _by_credential(server: Server, knock: Knock, shown: str) -> CredentialCaller | None:
    """Return who calls with a credential of ours; None for any other text. The prefix tells the kind."""
    if (credential := parse_credential(Prefix.ACCESS_TOKEN, shown)) is not None:
        return _by_token(server, knock, credential, await _find_token(server, knock, credential.id))
    if (credential := parse_credential(Prefix.PERSONAL_TOKEN, shown)) is not None:
        return await _by_personal_token(server, knock, credential)
    if (credential := parse_credential(Prefix.API_KEY, shown)) is not None:
        return await _by_key(server, knock, credential)
    if (credential := parse_credential(Prefix.LEGACY_TOKEN, shown)) is not None:
        _, fact, allowed = await server.database.hot.gather_legacy_token(None, credential.id)
        return _by_token(server, knock, credential, (fact, allowed))
    return None


def _by_token(
    server: Server, knock: Knock, credential: Credential, found: tuple[AccessTokenFact | None, tuple[str, ...]]
) -> TokenCaller | MachineCaller:
    fact, allowed = found
    in_force = validity.access_token(credential, fact, now=server.clock())
    if fact is None or isinstance(in_force, Fault):
        raise _invalid(in_force, "access token")
    _check_origin(server, knock, allowed)
    return MachineCaller(fact, in_force) if isinstance(fact, MachineTokenFact) else TokenCaller(fact, in_force)


async def _find_token(server: Server, knock: Knock, token_id: UUID) -> tuple[AccessTokenFact | None, tuple[str, ...]]:
    hot = server.database.hot
    if knock.origin is not None:
        return await hot.gather_token_for_website(token_id)
    _, fact = await hot.gather_token(None, token_id)
    return fact, ()


async def _by_personal_token(server: Server, knock: Knock, credential: Credential) -> PersonalCaller:
    _, fact = await server.database.hot.gather_personal_token(None, credential.id)
    now = server.clock()
    in_force = validity.personal_token(credential, fact, roles=server.roles, now=now)
    if fact is None or isinstance(in_force, Fault):
        raise _invalid(in_force, "personal token")
    _check_origin(server, knock, ())
    server.last_uses.personal_token(fact.id, now)
    return PersonalCaller(fact, in_force)


async def _by_key(server: Server, knock: Knock, credential: Credential) -> KeyCaller:
    _, fact = await server.database.hot.gather_key(None, credential.id)
    in_force = validity.api_key(credential, fact)
    if fact is None or isinstance(in_force, Fault):
        raise _invalid(in_force, "API key")
    _check_origin(server, knock, fact.allowed_origins)
    server.last_uses.api_key(fact.id, digest(credential.secret), server.clock())
    return KeyCaller(fact, in_force)


def _check_origin(server: Server, knock: Knock, allowed: Sequence[str]) -> None:
    """Our own pages, such as the API's documentation, are no other website."""
    if allowed_website(server, knock) is not None and not origins.allows(allowed, knock.origin or ""):
        raise OriginRefused()


def _invalid(fault: object, kind: str) -> Challenged:
    """Return the refusal of a credential that does not count; the log gets its kind and the reason (BUG 35)."""
    why = fault if isinstance(fault, Fault) else Fault.UNKNOWN
    return Challenged(ErrorCode.INVALID_TOKEN, why.value, detail=f"{kind}: {why.name.lower()}")
