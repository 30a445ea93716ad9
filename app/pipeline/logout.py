"""A sign-out that an application asks for: everything about the request that does not depend on who is signed in."""

from datetime import datetime

from app.pipeline import hints
from app.pipeline.server import Server
from app.protocol import logout
from app.protocol.facts import ClientFact
from app.protocol.logout import Order
from app.protocol.params import Parameters


async def read(server: Server, params: Parameters, now: datetime) -> Order:
    """Return what the request comes to; raises `invalid_request` for the person alone, never for the sender (LO-6).

    An ID token is believed when we signed it, also after its end (LO-2). At most one round trip.
    """
    request = logout.read(params)
    hinted = None if request.hint is None else await hints.read(server, request.hint, now)
    client_id = logout.client_id_of(request, hinted)
    return logout.order(request, await application(server, client_id), hinted)


async def application(server: Server, client_id: str) -> ClientFact | None:
    """Return the active application of this client_id, as it is now; None for none, and for an empty one."""
    return await server.database.hot.gather_client(client_id) if client_id else None
