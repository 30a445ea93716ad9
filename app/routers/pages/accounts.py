"""The accounts of one browser: who is signed in on it besides the present person, and how they change places.

The present session has a cookie of its own, which everything else goes by. The credentials of the others lie in a
second one: they count for choosing an account, and for nothing else.
"""

from collections.abc import Iterable
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response

from app.crypto.hashing import digest, matches
from app.pipeline.server import Server, server_of
from app.protocol.accounts import NOBODY_ELSE, Others
from app.protocol.facts import ClientFact, SessionFact
from app.protocol.token_format import Credential
from app.routers.pages.cookies import give_others, give_session, others_in, session_of
from app.services import sessions
from app.store.sessions import HeldSession


async def others_of(server: Server, request: Request, client: ClientFact | None) -> Others:
    """Return who else is signed in on the browser, as an authorization request of `client` needs it (OC-4).

    One round trip, and none where the browser holds no other session. Sessions that are over are not among them.
    """
    if not others_in(request):
        return NOBODY_ELSE
    present = session_of(request)
    digests = {credential.id: digest(credential.secret) for credential in held_by(request)}
    found = await server.database.accounts.held(digests, client.id if client is not None else None, server.clock())
    held = [(session, connected) for session, connected in found if matches(digests[session.id], session.digest)]
    return Others(
        sessions=tuple(session for session, _ in held if present is None or session.id != present.id),
        connected=frozenset(session.id for session, connected in held if connected),
    )


def held_by(request: Request) -> tuple[Credential, ...]:
    """Return every session credential that the browser sent, that of the present session first."""
    present = session_of(request)
    return (*((present,) if present is not None else ()), *others_in(request))


async def accounts_on(request: Request) -> list[HeldSession]:
    """Return the accounts of the browser as its person chooses among them: the present one first, those that have to
    sign in again last. No round trip where it holds none."""
    server, present, shown = server_of(request), session_of(request), held_by(request)
    held = await sessions.find_held(server.database, shown, server.clock()) if shown else []
    return sorted(held, key=lambda one: (not one.live, present is None or one.session.id != present.id))


async def signed_in_on(request: Request) -> list[SessionFact]:
    """Return the live sessions of the browser: the present one first, then the others, the latest used first."""
    return [one.session for one in await accounts_on(request) if one.live]


def enter(request: Request, response: Response, session: Credential, others: Iterable[Credential]) -> None:
    """Let the browser hold a session that has just begun, and those of other people besides it."""
    give_session(request, response, session)
    give_others(request, response, others)


def switch(request: Request, response: Response, session_id: UUID) -> None:
    """Make one of the browser's sessions the present one; the one so far takes its place among the others."""
    held = held_by(request)
    for chosen in held:
        if chosen.id == session_id:
            enter(request, response, chosen, (other for other in held if other.id != session_id))
