"""Credentials of an imported system, turned into ours at the door: one trip more, and for nobody else."""

from app.pipeline.server import Server
from app.protocol import legacy


async def canonical(server: Server, text: str) -> str:
    """Return an imported string as a credential of ours, and every other text as it is."""
    if not legacy.may_be_legacy(text):
        return text
    found = await server.database.hot.find_legacy(legacy.lookup_digest(text))
    if found is None:
        return text
    kind, target_id = found
    return legacy.canonical(kind, target_id, text)
