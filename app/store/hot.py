"""The hot path: one method is one round trip, one hand-tuned statement, no ORM object (architecture §5).

Every method raises `StoreUnavailable` when the database is away. For an order to write that means: its fate is
unknown, gather again. The clock is the caller's: `now` is an aware UTC moment.
"""

from datetime import datetime
from uuid import UUID

import asyncpg
import orjson

from app.protocol.facts import (
    AccessTokenFact,
    Authentication,
    ClientFact,
    CodeFact,
    FamilyFact,
    InteractionFact,
    KeyFact,
    PersonalTokenFact,
    RecordFact,
    SessionFact,
)
from app.protocol.legacy import CredentialKind
from app.store import gather_sql, hot_rows, settle_sql
from app.store.application_cache import ApplicationCache
from app.store.hot_connection import Statement
from app.store.hot_pool import HotPool
from app.store.orders import (
    AuditEntry,
    AuthorizationSettlement,
    CodeSettlement,
    MachineSettlement,
    NewCode,
    NewFrontToken,
    NewInteraction,
    NewToken,
    RefreshSettlement,
    SettledAuthorization,
)


class Hot:
    """Gather and settle."""

    def __init__(self, pool: HotPool, applications: ApplicationCache) -> None:
        self._pool = pool
        self._applications = applications

    async def ping(self) -> None:
        """Return when the database answers."""
        await self._pool.read(gather_sql.PING)

    async def gather_client(self, client_id: str) -> ClientFact | None:
        """Return an active application, as it is now."""
        _, client = await self._with_client(gather_sql.GATHER_CLIENT, client_id)
        return client

    async def find_client(self, client_id: str) -> ClientFact | None:
        """Return an active application, from the cache if it is there: whoever settles has it checked again."""
        return self._applications.get(client_id) or await self.gather_client(client_id)

    async def gather_code(self, client_id: str, code_id: UUID | None) -> tuple[ClientFact | None, CodeFact | None]:
        """Return an active application and a code, also one of another application: then it has no standing.

        The application may come from the cache: whoever settles has it checked again.
        """
        client = self._applications.get(client_id)
        if client is not None and code_id is not None:
            row = await self._pool.read(gather_sql.GATHER_CODE_ALONE, code_id)
            return client, None if row is None else hot_rows.code(row, 0, client)
        row, client = await self._with_client(gather_sql.GATHER_CODE, client_id, code_id)
        return client, None if row is None else hot_rows.code(row, hot_rows.CLIENT_WIDTH, client)

    async def gather_family(
        self, client_id: str, family_id: UUID | None, *, fresh: bool = False
    ) -> tuple[ClientFact | None, FamilyFact | None]:
        """Return an active application and a family, also one of another application: then it has no standing.

        The application may come from the cache unless it must be `fresh`: whoever settles has it checked again.
        """
        client = None if fresh else self._applications.get(client_id)
        if client is not None and family_id is not None:
            row = await self._pool.read(gather_sql.GATHER_FAMILY_ALONE, family_id)
            return client, None if row is None else hot_rows.family(row, 0, client)
        row, client = await self._with_client(gather_sql.GATHER_FAMILY, client_id, family_id)
        return client, None if row is None else hot_rows.family(row, hot_rows.CLIENT_WIDTH, client)

    async def gather_token(
        self, client_id: str | None, token_id: UUID, *, fresh: bool = False
    ) -> tuple[ClientFact | None, AccessTokenFact | None]:
        """Return the active application that asks (None: our own API asks) and an access token of whomever.

        The application that asks may come from the cache unless it must be `fresh`; the token's own never does.
        """
        client = None if client_id is None or fresh else self._applications.get(client_id)
        if client_id is None or client is not None:
            row = await self._pool.read(gather_sql.GATHER_TOKEN_ALONE, token_id)
            return client, None if row is None else hot_rows.token(row, 0)
        row, client = await self._with_client(gather_sql.GATHER_TOKEN, client_id, token_id)
        return client, None if row is None else hot_rows.token(row, hot_rows.CLIENT_WIDTH)

    async def gather_token_for_website(self, token_id: UUID) -> tuple[AccessTokenFact | None, tuple[str, ...]]:
        """Return an access token, and the origins that its application allows."""
        row = await self._pool.read(gather_sql.GATHER_TOKEN_FOR_WEBSITE, token_id)
        return (None, ()) if row is None else (hot_rows.token(row, 0), hot_rows.allowed_origins(row, 0))

    async def find_legacy(self, digest: bytes) -> tuple[CredentialKind, UUID] | None:
        """Return which row an imported string with this digest belongs to."""
        row = await self._pool.read(gather_sql.FIND_LEGACY, digest)
        return None if row is None else (row[0], row[1])

    async def gather_legacy_token(
        self, client_id: str | None, token_id: UUID
    ) -> tuple[ClientFact | None, AccessTokenFact | None, tuple[str, ...]]:
        """Return the active application that asks (None: our own API), an imported access token, and the origins that
        the token's application allows."""
        row, client = await self._with_client(gather_sql.GATHER_LEGACY_TOKEN, client_id or "", token_id)
        if row is None:
            return client, None, ()
        at = hot_rows.CLIENT_WIDTH
        return client, hot_rows.token(row, at), hot_rows.allowed_origins(row, at)

    async def gather_personal_token(
        self, client_id: str | None, token_id: UUID
    ) -> tuple[ClientFact | None, PersonalTokenFact | None]:
        """Return the active application that asks (None: our own API asks) and a personal token with its person.

        The application may come from the cache; the token, its person and his roles never do.
        """
        client = None if client_id is None else self._applications.get(client_id)
        if client_id is None or client is not None:
            row = await self._pool.read(gather_sql.GATHER_PERSONAL_TOKEN_ALONE, token_id)
            return client, None if row is None else hot_rows.personal_token(row, 0)
        row, client = await self._with_client(gather_sql.GATHER_PERSONAL_TOKEN, client_id, token_id)
        return client, None if row is None else hot_rows.personal_token(row, hot_rows.CLIENT_WIDTH)

    async def gather_key(self, client_id: str | None, key_id: UUID) -> tuple[ClientFact | None, KeyFact | None]:
        """Return the active application that asks (None: our own API asks) and an API key with its organization.

        The application may come from the cache; the key and its organization never do.
        """
        client = None if client_id is None else self._applications.get(client_id)
        if client_id is None or client is not None:
            row = await self._pool.read(gather_sql.GATHER_KEY_ALONE, key_id)
            return client, None if row is None else hot_rows.key(row, 0)
        row, client = await self._with_client(gather_sql.GATHER_KEY, client_id, key_id)
        return client, None if row is None else hot_rows.key(row, hot_rows.CLIENT_WIDTH)

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
        """Close the interaction, merge the record, insert the code (or token) that copies the merged version.

        None, and nothing is written, when the interaction is over, or user or application are no longer what they
        were when the order was decided.
        """
        merged = (
            order.interaction_id,
            order.now,
            order.user_id,
            order.user_epoch,
            order.application_id,
            order.application_epoch,
            order.new_record_id,
            list(dict.fromkeys(order.pairs)),
        )
        answer, audit = order.answer, _audit(order.audit)
        if isinstance(answer, NewCode):
            granted = (*_code(answer), *audit, answer.offline, answer.expires_at)
            row = await self._pool.write(settle_sql.SETTLE_AUTHORIZATION, *merged, *granted)
        else:
            row = await self._pool.write(settle_sql.SETTLE_FRONT_TOKEN, *merged, *_front_token(answer), *audit)
        return None if row is None else SettledAuthorization(row[0], row[1], tuple(row[2]))

    async def settle_code(self, order: CodeSettlement) -> bool:
        """Consume the code, begin its family, insert its token.

        False, and nothing is written, when it is spent, or when the application is no longer what was decided on.
        """
        return await self._paid(
            order.token.origin.application_id,
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
            order.token.origin.application_id,
            order.application_version,
            *_token(order.token),
            *_paid_audit(order.audit),
        )

    async def settle_refresh(self, order: RefreshSettlement) -> bool:
        """Continue the family.

        False, and nothing is written, when family or application are no longer what was decided on.
        """
        application_id = order.token.origin.application_id
        family = (order.family_id, order.presented_generation, order.now, application_id, order.application_version)
        rest = (*_token(order.token), *_paid_audit(order.audit))
        match order.mode:
            case "rotate":
                moved = (order.idle_expires_at, order.next_digest, order.key_version)
                return await self._paid(application_id, settle_sql.ROTATE, *family, *moved, *rest)
            case "repeat":
                return await self._paid(application_id, settle_sql.REPEAT, *family, order.now - order.grace, *rest)
            case "keep" if order.touch:
                return await self._paid(
                    application_id, settle_sql.KEEP_AND_TOUCH, *family, order.idle_expires_at, *rest
                )
            case "keep":
                return await self._paid(application_id, settle_sql.KEEP, *family, *rest)

    async def settle_machine_token(self, order: MachineSettlement) -> bool:
        """Insert the token that an application gets for itself.

        False, and nothing is written, when the application is no longer what was decided on.
        """
        origin = order.origin
        return await self._paid(
            origin.application_id,
            settle_sql.SETTLE_MACHINE_TOKEN,
            origin.application_id,
            order.application_version,
            order.now,
            order.id,
            order.digest,
            origin.scopes,
            origin.resources,
            order.expires_at,
            *_paid_audit(order.audit),
        )

    async def revoke_family(
        self, family_id: UUID, application_id: UUID | None, now: datetime, reason: str, audit: AuditEntry
    ) -> bool:
        """Revoke a family, only the application's own when one is named; False when there was nothing to revoke."""
        return await self._won(settle_sql.REVOKE_FAMILY, family_id, now, reason, application_id, *_audit(audit))

    async def revoke_token(self, token_id: UUID, now: datetime, audit: AuditEntry, *, legacy: bool = False) -> bool:
        """Revoke one access token, an imported one when told so; False when there was nothing to revoke."""
        statement = settle_sql.REVOKE_LEGACY_TOKEN if legacy else settle_sql.REVOKE_TOKEN
        return await self._won(statement, token_id, now, *_audit(audit))

    async def count_failed_redemption(self, grant_id: UUID, limit: int, now: datetime) -> None:
        """Count a wrong verifier or redirect URI; at `limit` the code expires."""
        await self._pool.write(settle_sql.COUNT_FAILED_REDEMPTION, grant_id, limit, now)

    async def _with_client(
        self, statement: Statement, client_id: str, *arguments: object
    ) -> tuple[asyncpg.Record | None, ClientFact | None]:
        """Return a row that begins with an application, and that application, which is kept for the next request."""
        mark = self._applications.mark()
        row = await self._pool.read(statement, _storable(client_id), *arguments)
        client = None if row is None else hot_rows.client(row)
        if client is not None:
            self._applications.keep(client, mark)
        return row, client

    async def _paid(self, application_id: UUID, statement: Statement, *arguments: object) -> bool:
        """Tell whether the order was carried out; if not, the application is read again: it may have changed."""
        won = await self._won(statement, *arguments)
        if not won:
            self._applications.forget(str(application_id))
        return won

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


def _authentication(how: Authentication) -> tuple[object, ...]:
    return how.auth_time, how.acr, how.amr, how.sid


def _code(code: NewCode) -> tuple[object, ...]:
    asked = (code.redirect_uri, code.code_challenge, code.nonce)
    return code.id, code.digest, code.scopes, code.resources, *_authentication(code.authentication), *asked


def _front_token(token: NewFrontToken) -> tuple[object, ...]:
    family = (token.family_id, token.key_version)
    carried = (token.scopes, token.resources, token.expires_at)
    return token.id, token.digest, *family, *carried, *_authentication(token.authentication)


def _token(token: NewToken) -> tuple[object, ...]:
    return token.id, token.digest, token.origin.scopes, token.origin.resources, token.expires_at


def _paid_audit(entry: AuditEntry) -> tuple[object, ...]:
    return (
        entry.id,
        entry.event,
        entry.request_id,
        entry.actor_kind,
        entry.actor_id,
        entry.subject_id,
        entry.address,
        _json(entry.data),
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
        _json(entry.data),
    )
