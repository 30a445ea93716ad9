"""The system key: the operator's root credential (original behaviour §1.6, §4.4).

Off unless configured. It counts from the configured networks alone; elsewhere it is a key like any other that nobody
knows. Each use is in the audit trail before anything else happens.
"""

from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_network

from app.crypto.hashing import digest, matches
from app.pipeline.server import Server
from app.protocol.callers import SystemCaller
from app.protocol.events import Event
from app.store import audit
from app.store.orders import Actor, audit_entry
from app.telemetry.forwarded import within

ACTOR = Actor("system_key", "system", "System key")
"""How the audit trail names whoever uses it."""

_LONGEST_PATH = 200


def is_system_key(server: Server, shown: str, address: str) -> bool:
    """Tell whether a request from this address shows the system key."""
    key = server.system_key
    return (
        key is not None
        and matches(digest(shown.encode("utf-8")), key.digest)
        and within(address, _networks(key.networks))
    )


async def use(server: Server, *, method: str, path: str, address: str, request_id: str) -> SystemCaller:
    """Write the use down in a transaction of its own, and return the caller."""
    entry = audit_entry(
        Event.SYSTEM_KEY_USED,
        server.clock(),
        ACTOR,
        request_id=request_id,
        address=address,
        data={"method": method, "path": path[:_LONGEST_PATH]},
    )
    async with server.database.transaction() as transaction:
        await audit.record(transaction, entry)
    return SystemCaller(tuple(definition.name for definition in server.scopes))


@lru_cache(maxsize=4)
def _networks(names: tuple[str, ...]) -> tuple[IPv4Network | IPv6Network, ...]:
    return tuple(ip_network(name, strict=False) for name in names)
