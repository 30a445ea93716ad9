"""What an application knows a person by: his own subject, or one that is his in its sector alone (ID-7)."""

from datetime import datetime
from uuid import UUID

from app.pipeline.server import Server
from app.protocol import pairwise
from app.protocol.facts import ClientFact, RecordFact


async def subject_for(
    server: Server, client: ClientFact, user_id: UUID, now: datetime, record: RecordFact | None = None
) -> str | None:
    """Return the pairwise subject of a person for an application; None when it knows him by his own.

    `record` is the live record of both, if there is one: what it says is asked of the database no second time.
    """
    sector = client.openid.sector
    if not sector:
        return None
    if record is not None and record.subject:
        return record.subject
    key = server.key_for("pairwise-subjects")
    return await server.database.pairwise.of(sector, user_id, pairwise.subject(key, sector, user_id), now)
