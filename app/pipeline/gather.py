"""Gather: what a grant type needs to know, in one round trip."""

from app.pipeline import delegated
from app.pipeline.server import Server
from app.protocol.exchange_parties import ExchangeFact
from app.protocol.facts import ClientFact, CodeFact, FamilyFact
from app.protocol.needs import (
    AssertionNeed,
    BackchannelNeed,
    ClientNeed,
    CodeNeed,
    DeviceNeed,
    ExchangeNeed,
    FamilyNeed,
    Need,
)
from app.protocol.polling import PolledFact
from app.protocol.trusted_issuers import AssertionFact

Fact = CodeFact | FamilyFact | PolledFact | AssertionFact | ExchangeFact


async def gather(server: Server, client_id: str, need: Need) -> tuple[ClientFact | None, Fact | None]:
    """Return the client and the fact that the need names, each None when there is no such thing."""
    hot = server.database.hot
    match need:
        case CodeNeed(code_id):
            return await hot.gather_code(client_id, code_id)
        case FamilyNeed(family_id):
            return await hot.gather_family(client_id, family_id)
        case DeviceNeed(device_id):
            return await server.database.devices.gather(client_id, device_id)
        case BackchannelNeed(request_id):
            return await server.database.backchannel.gather(client_id, request_id)
        case AssertionNeed(assertion):
            return await delegated.gather_assertion(server, client_id, assertion)
        case ExchangeNeed():
            return await delegated.gather_exchange(server, client_id, need)
        case ClientNeed():
            return await hot.find_client(client_id), None
