"""The hot path: one method is one round trip, one hand-tuned statement, no ORM object (architecture §5).

Every method raises `StoreUnavailable` when the database is away. For an order to write that means: its fate is
unknown, gather again. The clock is the caller's: `now` is an aware UTC moment.
"""

from datetime import datetime
from uuid import UUID

import orjson

from app.protocol.facts import (
    ClientFact,
    CodeFact,
    FamilyFact,
    InteractionFact,
    RecordFact,
    SessionFact,
    TokenFact,
)
from app.store import gather_sql, hot_rows, settle_sql
from app.store.hot_pool import HotPool, Statement
from app.store.orders import (
    AuditEntry,
    AuthorizationSettlement,
    CodeSettlement,
    NewInteraction,
    NewToken,
    RefreshSettlement,
    SettledAuthorization,
)


class Hot:
    """Gather and settle."""

    def __init__(self, pool: HotPool) -> None:
        self._pool = pool

    async def ping(self) -> None:
        """Return when the database answers."""
        await self._pool.read(gather_sql.PING)

    async def gather_client(self, client_id: str) -> ClientFact | None:
        """Return an active application."""
        row = await self._pool.read(gather_sql.GATHER_CLIENT, _storable(client_id))
        return None if row is None else hot_rows.client(row)

    async def gather_code(self, client_id: str, code_id: UUID | None) -> tuple[ClientFact | None, CodeFact | None]:
        """Return an active application and a code, also one of another application: then it has no standing."""
        row = await self._pool.read(gather_sql.GATHER_CODE, _storable(client_id), code_id)
        if row is None:
            return None, None
        client = hot_rows.client(row)
        return client, hot_rows.code(row, client)

    async def gather_family(
        self, client_id: str, family_id: UUID | None
    ) -> tuple[ClientFact | None, FamilyFact | None]:
        """Return an active application and a family, also one of another application: then it has no standing."""
        row = await self._pool.read(gather_sql.GATHER_FAMILY, _storable(client_id), family_id)
        if row is None:
            return None, None
        client = hot_rows.client(row)
        return client, hot_rows.family(row, client)

    async def gather_token(
        self, client_id: str | None, token_id: UUID | None
    ) -> tuple[ClientFact | None, TokenFact | None]:
        """Return the active application that asks (None: our own API asks) and an access token of whomever."""
        if client_id is None:
            row = await self._pool.read(gather_sql.GATHER_BEARER, token_id)
            return None, None if row is None else hot_rows.token(row, 0)
        row = await self._pool.read(gather_sql.GATHER_TOKEN, _storable(client_id), token_id)
        if row is None:
            return None, None
        return hot_rows.client(row), hot_rows.token(row, hot_rows.CLIENT_WIDTH)

    async def gather_authorize(
        self, client_id: str, session_id: UUID | None, now: datetime
    ) -> tuple[ClientFact | None, SessionFact | None, RecordFact | None]:
        """Return an active application, a session in force with its user, and the live record of the two."""
        row = await self._pool.read(gather_sql.GATHER_AUTHORIZE, _storable(client_id), session_id, now)
        if row is None:
            return None, None, None
        return hot_rows.client(row), hot_rows.session(row), hot_rows.record(row)

    async def gather_interaction(
        self, interaction_id: UUID, session_id: UUID | None, now: datetime
    ) -> tuple[InteractionFact | None, ClientFact | None, SessionFact | None, RecordFact | None]:
        """Return an interaction, also a closed or expired one, with what `gather_authorize` returns for it."""
        row = await self._pool.read(gather_sql.GATHER_INTERACTION, interaction_id, session_id, now)
        if row is None:
            return None, None, None, None
        return hot_rows.interaction(row), hot_rows.client(row), hot_rows.session(row), hot_rows.record(row)

    async def save_interaction(self, order: NewInteraction) -> None:
        """Keep a request until a person has dealt with it."""
        await self._pool.write(
            settle_sql.SAVE_INTERACTION,
            order.id,
            order.digest,
            order.application_id,
            order.client_id,
            _json(order.params),
            order.browser_digest,
            order.session_id,
            order.request_id,
            order.created_at,
            order.expires_at,
        )

    async def close_interaction(self, interaction_id: UUID, now: datetime, audit: AuditEntry | None) -> bool:
        """End an interaction without a code; False when it is over already."""
        if audit is None:
            return await self._pool.write(settle_sql.CLOSE_INTERACTION, interaction_id, now) is not None
        return await self._pool.write(settle_sql.DENY_INTERACTION, interaction_id, now, *_audit(audit)) is not None

    async def settle_authorization(self, order: AuthorizationSettlement) -> SettledAuthorization | None:
        """Close the interaction, merge the record, insert the code that copies the merged version.

        None, and nothing is written, when the interaction is over, or user or application are no longer what they
        were when the order was decided.
        """
        code = order.code
        row = await self._pool.write(
            settle_sql.SETTLE_AUTHORIZATION,
            order.interaction_id,
            order.now,
            order.user_id,
            order.user_epoch,
            order.application_id,
            order.application_epoch,
            order.new_record_id,
            list(dict.fromkeys(order.pairs)),
            code.id,
            code.digest,
            code.scopes,
            code.resources,
            code.authentication.auth_time,
            code.authentication.acr,
            code.authentication.amr,
            code.authentication.sid,
            code.redirect_uri,
            code.code_challenge,
            code.nonce,
            *_audit(order.audit),
            code.offline,
            code.expires_at,
        )
        return None if row is None else SettledAuthorization(row[0], row[1], tuple(row[2]))

    async def settle_code(self, order: CodeSettlement) -> bool:
        """Consume the code, begin its family, insert its token; False, and nothing is written, when it is spent."""
        return await self._won(
            settle_sql.SETTLE_CODE,
            order.grant_id,
            order.now,
            order.family_id,
            order.family_digest,
            order.key_version,
            order.idle_expires_at,
            order.family_expires_at,
            order.family_origin.scopes,
            order.family_origin.resources,
            *_token(order.token),
            *_audit(order.audit),
        )

    async def settle_refresh(self, order: RefreshSettlement) -> bool:
        """Continue the family; False, and nothing is written, when it is no longer as it was when that was decided."""
        family = (order.family_id, order.presented_generation, order.now)
        rest = (*_token(order.token), *_audit(order.audit))
        match order.mode:
            case "rotate":
                moved = (order.idle_expires_at, order.next_digest, order.key_version)
                return await self._won(settle_sql.ROTATE, *family, *moved, *rest)
            case "repeat":
                return await self._won(settle_sql.REPEAT, *family, order.now - order.grace, *rest)
            case "keep" if order.touch:
                return await self._won(settle_sql.KEEP_AND_TOUCH, *family, order.idle_expires_at, *rest)
            case "keep":
                return await self._won(settle_sql.KEEP, *family, *rest)

    async def revoke_family(
        self, family_id: UUID, application_id: UUID | None, now: datetime, reason: str, audit: AuditEntry
    ) -> bool:
        """Revoke a family, only the application's own when one is named; False when there was nothing to revoke."""
        return await self._won(settle_sql.REVOKE_FAMILY, family_id, now, reason, application_id, *_audit(audit))

    async def revoke_token(self, token_id: UUID, now: datetime, audit: AuditEntry) -> bool:
        """Revoke one access token; False when there was nothing to revoke."""
        return await self._won(settle_sql.REVOKE_TOKEN, token_id, now, *_audit(audit))

    async def count_failed_redemption(self, grant_id: UUID, limit: int, now: datetime) -> None:
        """Count a wrong verifier or redirect URI; at `limit` the code expires."""
        await self._pool.write(settle_sql.COUNT_FAILED_REDEMPTION, grant_id, limit, now)

    async def _won(self, statement: Statement, *arguments: object) -> bool:
        row = await self._pool.write(statement, *arguments)
        return row is not None and bool(row[0])


def _storable(text: str) -> str | None:
    """Return a client_id as a parameter; None, which finds nothing, for what RFC 6749 appendix A.1 does not allow.

    PostgreSQL refuses NUL and lone surrogates with an error of its own.
    """
    return text if text.isascii() and "\x00" not in text else None


def _json(value: object) -> str:
    return orjson.dumps(value).decode("utf-8")


def _token(token: NewToken) -> tuple[object, ...]:
    return (
        token.id,
        token.digest,
        token.family_id,
        token.origin.scopes,
        token.origin.resources,
        token.issued_at,
        token.expires_at,
    )


def _audit(entry: AuditEntry) -> tuple[object, ...]:
    return (
        entry.id,
        entry.at,
        entry.event,
        entry.request_id,
        entry.actor_kind,
        entry.actor_id,
        entry.user_id,
        entry.application_id,
        entry.subject_id,
        entry.address,
        _json(dict(entry.data)),
    )
