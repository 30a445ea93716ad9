"""Rows of the statements of device authorization as facts, by position: as `hot_rows` reads the others."""

import asyncpg

from app.protocol import granted_details
from app.protocol.device_facts import DeviceRequestFact
from app.store import client_rows, hot_rows, polled_rows


def device_request(row: asyncpg.Record) -> DeviceRequestFact | None:
    """Read a device code as a person is asked about it, after client and record."""
    at = client_rows.CLIENT_WIDTH + hot_rows.RECORD_WIDTH
    if row[at] is None:
        return None
    return DeviceRequestFact(
        id=row[at],
        application_id=row[at + 1],
        application_epoch=row[at + 2],
        status=row[at + 3],
        scopes=tuple(row[at + 4]),
        resources=tuple(row[at + 5]),
        decided_by=row[at + 6],
        address=row[at + 7],
        created_at=row[at + 8],
        expires_at=row[at + 9],
        target=polled_rows.target(row[at + 10], row[at + 11]),
        record_id=row[at + 12],
        details=granted_details.read(row[at + 13]),
    )
