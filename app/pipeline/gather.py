"""Gather: what a grant type needs to know, in one round trip."""

from app.pipeline.server import Server
from app.protocol.facts import ClientFact, CodeFact, FamilyFact
from app.protocol.needs import ClientNeed, CodeNeed, FamilyNeed, Need


async def gather(server: Server, client_id: str, need: Need) -> tuple[ClientFact | None, CodeFact | FamilyFact | None]:
    """Return the client and the fact that the need names, each None when there is no such thing."""
    hot = server.database.hot
    match need:
        case CodeNeed(code_id):
            return await hot.gather_code(client_id, code_id)
        case FamilyNeed(family_id):
            return await hot.gather_family(client_id, family_id)
        case ClientNeed():
            return await hot.find_client(client_id), None
