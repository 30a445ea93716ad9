"""Whose name is it that an application goes by, of which nobody here knows more than what it says itself (DR-13)?"""

from collections.abc import Iterable
from dataclasses import replace

from app.pipeline.server import Server
from app.protocol import look_alikes
from app.store import look_alikes as stored
from app.store.look_alikes import Known


async def imitated(server: Server, *names: str, besides: str = "") -> str | None:
    """Return whom people would take an application of these names for: the server itself, or an application that
    somebody here answers for, other than the one with the client_id `besides`. None: for nobody.

    Costs a round trip.
    """
    return (await known(server, names, besides)).vouched


async def known(server: Server, names: Iterable[str], client_id: str) -> Known:
    """Return what is known of names, and of the application with this client_id that goes by them; in a round trip.

    A name of which nothing is seen looks like none.
    """
    made = {look_alikes.skeleton(name) for name in names}
    seen = {skeleton for skeleton in made if not look_alikes.says_nothing(skeleton)}
    found = await stored.known(server.database, seen, client_id)
    if look_alikes.skeleton(server.views.service_name) in seen:
        return replace(found, vouched=server.views.service_name)
    return found
