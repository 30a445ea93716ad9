"""Rows of grants that clients ask for until a person has decided: what their tables have in common, as facts."""

from uuid import UUID

import asyncpg

from app.protocol import sender
from app.protocol.facts import ClientFact
from app.protocol.grant_management import ACTIONS, GrantTarget
from app.protocol.polling import PolledFact
from app.store import hot_rows

POLLED = (
    "id, digest, application_id, user_id, authorization_id, record_version, user_epoch, application_epoch, scopes, "
    "resources, auth_time, acr, amr, sid, status, polled_at, poll_seconds, expires_at, cnf, grant_action, details"
)
"""The columns that `polled` reads."""

_WIDTH = POLLED.count(",") + 1


def polled(row: asyncpg.Record, at: int, caller: ClientFact | None) -> PolledFact | None:
    """Read a grant from column `at` on; its application stands when the caller is it."""
    if row[at] is None:
        return None
    approved = row[at + 4] is not None
    return PolledFact(
        id=row[at],
        digest=row[at + 1],
        application_id=row[at + 2],
        application_epoch=row[at + 7],
        status=row[at + 14],
        origin=hot_rows.origin(row, at + 2, row[at + 20]) if approved else None,
        authentication=hot_rows.authentication(row, at + 10) if approved else None,
        polled_at=row[at + 15],
        poll_seconds=row[at + 16],
        expires_at=row[at + 17],
        binding=sender.read(row[at + 18]),
        grant_action=row[at + 19],
        standing=hot_rows.standing_before(row, at + _WIDTH, caller, row[at + 2]),
    )


def target(action: str | None, grant_id: UUID | None) -> GrantTarget | None:
    """Read the record that a request asks for."""
    return None if action is None else GrantTarget(ACTIONS[action], grant_id)
