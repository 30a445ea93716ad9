"""Rows of the statements of pushed requests as facts, by position: as `hot_rows` reads the others."""

import asyncpg
import orjson

from app.protocol.authorize.pushed import PushedFact
from app.store.client_rows import CLIENT_WIDTH
from app.store.hot_rows import RECORD_WIDTH, SESSION_WIDTH, document


def pushed(row: asyncpg.Record) -> PushedFact | None:
    """Read the pushed request after client, session and record."""
    at = CLIENT_WIDTH + SESSION_WIDTH + RECORD_WIDTH
    if row[at] is None:
        return None
    return PushedFact(
        id=row[at],
        digest=row[at + 1],
        application_id=row[at + 2],
        params=tuple((name, value) for name, value in orjson.loads(row[at + 3])),
        signed=row[at + 4],
        expires_at=row[at + 5],
        used_at=row[at + 6],
        document=document(row[at + 7]),
    )
