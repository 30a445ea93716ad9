"""Rows of the statements of backchannel requests as facts, by position: as `hot_rows` reads the others."""

import asyncpg

from app.protocol import granted_details
from app.protocol.ciba_facts import BackchannelRequestFact
from app.store import client_rows, hot_rows, polled_rows


def request(row: asyncpg.Record) -> BackchannelRequestFact | None:
    """Read a request as a person is asked about it, after client and record."""
    at = client_rows.CLIENT_WIDTH + hot_rows.RECORD_WIDTH
    if row[at] is None:
        return None
    return BackchannelRequestFact(
        id=row[at],
        application_id=row[at + 1],
        application_epoch=row[at + 2],
        user_id=row[at + 3],
        user_epoch=row[at + 4],
        status=row[at + 5],
        scopes=tuple(row[at + 6]),
        resources=tuple(row[at + 7]),
        acr_values=tuple(row[at + 8]),
        details=granted_details.read(row[at + 9]),
        target=polled_rows.target(row[at + 10], row[at + 11]),
        record_id=row[at + 12],
        binding_message=row[at + 13],
        address=row[at + 14],
        created_at=row[at + 15],
        expires_at=row[at + 16],
    )
