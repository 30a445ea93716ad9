"""Rows of the statements of backchannel requests as facts, by position: as `hot_rows` reads the others."""

from uuid import UUID

import asyncpg

from app.protocol import granted_details, sender
from app.protocol.ciba_facts import BackchannelFact, BackchannelRequestFact
from app.protocol.facts import ClientFact
from app.protocol.grant_management import ACTIONS, GrantTarget
from app.store import client_rows, hot_rows

_BACKCHANNEL_WIDTH = 21


def backchannel(row: asyncpg.Record, at: int, caller: ClientFact | None) -> BackchannelFact | None:
    """Read a request from column `at` on; its application stands when the caller is it."""
    if row[at] is None:
        return None
    approved = row[at + 4] is not None
    return BackchannelFact(
        id=row[at],
        digest=row[at + 1],
        application_id=row[at + 2],
        application_epoch=row[at + 7],
        status=row[at + 14],
        origin=hot_rows.origin(row, at + 2, row[at + 19]) if approved else None,
        authentication=hot_rows.authentication(row, at + 10) if approved else None,
        polled_at=row[at + 15],
        poll_seconds=row[at + 16],
        expires_at=row[at + 17],
        binding=sender.read(row[at + 18]),
        standing=hot_rows.standing_before(row, at + _BACKCHANNEL_WIDTH, caller, row[at + 2]),
        grant_action=row[at + 20],
    )


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
        target=_target(row[at + 10], row[at + 11]),
        record_id=row[at + 12],
        binding_message=row[at + 13],
        address=row[at + 14],
        created_at=row[at + 15],
        expires_at=row[at + 16],
    )


def _target(action: str | None, grant_id: UUID | None) -> GrantTarget | None:
    return None if action is None else GrantTarget(ACTIONS[action], grant_id)
