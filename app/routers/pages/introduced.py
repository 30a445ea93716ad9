"""Who asks, where a person is to decide: with what the server knows of it besides what it says itself."""

from dataclasses import replace

from starlette.requests import Request

from app.pipeline import look_alikes
from app.pipeline.server import server_of
from app.protocol.facts import ClientFact
from app.routers.pages import logos
from app.routers.pages.client_answers import application_of
from app.views.pages.identity import Application
from app.views.words import ago


async def introduced(request: Request, client: ClientFact, uri: str) -> Application:
    """Return the application as pages introduce it that ask about it; the host is that of `uri`.

    Where nobody answers for it, a round trip tells whom it could be taken for, and since when it is known (DR-13).
    """
    server, application = server_of(request), application_of(client, uri)
    if not client.vouched_for:
        known = await look_alikes.known(server, [client.name], client.client_id)
        seen = "Not seen here before" if known.since is None else f"First seen {ago(known.since, server.clock())}"
        application = replace(application, first_seen=seen, imitates=known.vouched or "")
    if application.imitates:
        return application  # whatever it shows, it would be another's
    return replace(application, logo=await logos.address_of(server, client))
