"""The hot path: one method is one round trip, one hand-tuned statement, no ORM object (architecture §5).

Every method raises `StoreUnavailable` when the database is away. For an order to write that means: its fate is
unknown, gather again. The clock is the caller's: `now` is an aware UTC moment.
"""

from datetime import datetime
from uuid import UUID

from app.protocol.authorize.waiting import InteractionFact
from app.protocol.facts import (
    AccessTokenFact,
    ClientFact,
    CodeFact,
    FamilyFact,
    KeyFact,
    MachineStanding,
    PersonalTokenFact,
    PersonFact,
    RecordFact,
    SessionFact,
)
from app.protocol.legacy import CredentialKind
from app.protocol.sender import Proof
from app.store import client_rows, document_sql, gather_sql, grant_sql, hot_arguments, hot_rows, settle_sql
from app.store.application_cache import ApplicationCache
from app.store.hot_pool import HotPool
from app.store.hot_trips import Trips, storable
from app.store.orders import (
    AuditEntry,
    AuthorizationSettlement,
    CodeSettlement,
    MachineSettlement,
    NewInteraction,
    RefreshSettlement,
    Settled,
    SettledAuthorization,
)


class Hot:
    """Gather and settle."""

    def __init__(self, pool: HotPool, applications: ApplicationCache) -> None:
        self._pool = pool
        self._applications = applications
        self._trips = Trips(pool, applications)

    async def ping(self) -> None:
        """Return when the database answers."""
        await self._pool.read(gather_sql.PING)

    async def gather_client(self, client_id: str) -> ClientFact | None:
        """Return an active application, as it is now."""
        _, client = await self._trips.with_client(gather_sql.GATHER_CLIENT, client_id)
        return client

    async def find_client(self, client_id: str) -> ClientFact | None:
        """Return an active application, from the cache if it is there: whoever settles has it checked again."""
        return self._applications.get(client_id) or await self.gather_client(client_id)

    async def gather_code(self, client_id: str, code_id: UUID | None) -> tuple[ClientFact | None, CodeFact | None]:
        """Return an active application and a code, also one of another application: then it has no standing.

        The application may come from the cache: whoever settles has it checked again.
        """
        statements = gather_sql.GATHER_CODE, gather_sql.GATHER_CODE_ALONE
        row, at, client = await self._trips.asked(client_id, statements, code_id)
        return client, None if row is None else hot_rows.code(row, at, client)

    async def gather_family(
        self, client_id: str, family_id: UUID | None, *, fresh: bool = False
    ) -> tuple[ClientFact | None, FamilyFact | None]:
        """Return an active application and a family, also one of another application: then it has no standing.

        The application may come from the cache unless it must be `fresh`: whoever settles has it checked again.
        """
        statements = gather_sql.GATHER_FAMILY, gather_sql.GATHER_FAMILY_ALONE
        row, at, client = await self._trips.asked(client_id, statements, family_id, fresh=fresh)
        return client, None if row is None else hot_rows.family(row, at, client)

    async def gather_token(
        self, client_id: str | None, token_id: UUID, *, fresh: bool = False
    ) -> tuple[ClientFact | None, AccessTokenFact | None]:
        """Return the active application that asks (None: our own API asks) and an access token of whomever.

        The application that asks may come from the cache unless it must be `fresh`; the token's own never does.
        """
        statements = gather_sql.GATHER_TOKEN, gather_sql.GATHER_TOKEN_ALONE
        row, at, client = await self._trips.asked(client_id, statements, token_id, fresh=fresh)
        return client, None if row is None else hot_rows.token(row, at)

    async def gather_machine_token(
        self, client_id: str | None, own_client_id: str, token_id: UUID, *, fresh: bool = False
    ) -> tuple[ClientFact | None, MachineStanding | None]:
        """Return the active application that asks (None: our own API asks), and what stands behind a token without a
        row that `own_client_id` got for itself. The first may come from the cache unless it must be `fresh`."""
        statements = gather_sql.GATHER_MACHINE_TOKEN, gather_sql.GATHER_MACHINE_TOKEN_ALONE
        named = (storable(own_client_id), token_id)
        row, at, client = await self._trips.asked(client_id, statements, *named, fresh=fresh)
        return client, None if row is None else hot_rows.machine_standing(row, at)

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
        row, client = await self._trips.with_client(gather_sql.GATHER_LEGACY_TOKEN, client_id or "", token_id)
        if row is None:
            return client, None, ()
        at = client_rows.CLIENT_WIDTH
        return client, hot_rows.token(row, at), hot_rows.allowed_origins(row, at)

    async def gather_personal_token(
        self, client_id: str | None, token_id: UUID
    ) -> tuple[ClientFact | None, PersonalTokenFact | None]:
        """Return the active application that asks (None: our own API asks) and a personal token with its person.

        The application may come from the cache; the token, its person and his roles never do.
        """
        statements = gather_sql.GATHER_PERSONAL_TOKEN, gather_sql.GATHER_PERSONAL_TOKEN_ALONE
        row, at, client = await self._trips.asked(client_id, statements, token_id)
        return client, None if row is None else hot_rows.personal_token(row, at)

    async def gather_key(self, client_id: str | None, key_id: UUID) -> tuple[ClientFact | None, KeyFact | None]:
        """Return the active application that asks (None: our own API asks) and an API key with its organization.

        The application may come from the cache; the key and its organization never do.
        """
        statements = gather_sql.GATHER_KEY, gather_sql.GATHER_KEY_ALONE
        row, at, client = await self._trips.asked(client_id, statements, key_id)
        return client, None if row is None else hot_rows.key(row, at)

    async def gather_authorize(
        self, client_id: str, session_id: UUID | None, now: datetime
    ) -> tuple[ClientFact | None, SessionFact | None, RecordFact | None]:
        """Return an active application, a session in force with its user, and the live record of the two."""
        row = await self._pool.read(gather_sql.GATHER_AUTHORIZE, storable(client_id), session_id, now)
        if row is None:
            return None, None, None
        return client_rows.client(row), hot_rows.session(row), hot_rows.record(row)

    async def gather_interaction(
        self, interaction_id: UUID, session_id: UUID | None, now: datetime
    ) -> tuple[InteractionFact | None, ClientFact | None, SessionFact | None, RecordFact | None]:
        """Return an interaction, also a closed or expired one, with what `gather_authorize` returns for it."""
        row = await self._pool.read(gather_sql.GATHER_INTERACTION, interaction_id, session_id, now)
        if row is None:
            return None, None, None, None
        return hot_rows.interaction(row), client_rows.client(row), hot_rows.session(row), hot_rows.record(row)

    async def gather_person(self, user_id: UUID) -> PersonFact | None:
        """Return what is known about a person, for an ID token that carries claims through the browser."""
        row = await self._pool.read(gather_sql.GATHER_PERSON, user_id)
        return None if row is None else hot_rows.person(row[0])

    async def save_interaction(self, order: NewInteraction) -> None:
        """Keep a request until a person has dealt with it."""
        await self._pool.write(
            settle_sql.SAVE_INTERACTION,
            order.id,
            order.digest,
            order.application_id,
            order.client_id,
            hot_arguments.json(order.params),
            order.browser_digest,
            order.session_id,
            order.request_id,
            order.created_at,
            order.expires_at,
            order.pushed_id,
            order.signed,
            hot_arguments.maybe_json(order.document),
        )

    async def close_interaction(
        self, interaction_id: UUID, now: datetime, audit: AuditEntry | None, pushed_id: UUID | None = None
    ) -> bool:
        """End an interaction without a code, and use up the pushed request behind it; False when it is over already."""
        if audit is None:
            return await self._pool.write(settle_sql.CLOSE_INTERACTION, interaction_id, now) is not None
        denied = (interaction_id, now, *hot_arguments.audit(audit), pushed_id)
        return await self._pool.write(settle_sql.DENY_INTERACTION, *denied) is not None

    async def settle_authorization(self, order: AuthorizationSettlement) -> SettledAuthorization | None:
        """Close the interaction, merge the record, insert the code and the token that copy the merged version.

        None, and nothing is written, when the interaction is over, the pushed request used up, user or application are
        no longer what they were when the order was decided, or the record that it aims at is no longer there. An order
        that aims at one always has a code.
        """
        merged = (
            order.interaction_id,
            order.now,
            order.user_id,
            order.user_epoch,
            order.application_id,
            order.application_epoch,
            grant_sql.record_id(order.target, order.new_record_id),
            list(dict.fromkeys(order.pairs)),
        )
        code = () if order.code is None else hot_arguments.code(order.code)
        token = () if order.token is None else hot_arguments.front_token(order.token)
        introduced: tuple[object, ...] = ()
        if order.introduced is not None:
            action = None if order.target is None else order.target.action
            statement = document_sql.settle_authorization(action)
            introduced = (hot_arguments.json(order.introduced.row), *hot_arguments.audit(order.introduced.audit))
        elif order.target is not None:
            statement = grant_sql.settle_authorization(order.target.action, with_token=bool(token))
        else:
            statement = {
                (True, False): settle_sql.SETTLE_AUTHORIZATION,
                (False, True): settle_sql.SETTLE_FRONT_TOKEN,
                (True, True): settle_sql.SETTLE_CODE_AND_TOKEN,
                (False, False): settle_sql.SETTLE_NOTHING,
            }[bool(code), bool(token)]
        further = (order.subject, order.session_id, hot_arguments.json(order.details), order.pushed_id)
        written = (*merged, *hot_arguments.audit(order.audit), *further, *code, *token, *introduced)
        row = await self._pool.write(statement, *written)
        return None if row is None else SettledAuthorization(row[0], row[1], tuple(row[2]))

    async def settle_code(self, order: CodeSettlement) -> Settled:
        """Consume the code, begin its family, insert its token.

        Nothing is written when it is spent, or when the application is no longer what was decided on.
        """
        return await self._trips.paid(
            order.token.origin.application_id,
            (settle_sql.SETTLE_CODE, settle_sql.SETTLE_CODE_PROVED),
            order.proof,
            *hot_arguments.redemption(order),
        )

    async def settle_refresh(self, order: RefreshSettlement) -> Settled:
        """Continue the family.

        Nothing is written when family or application are no longer what was decided on.
        """
        application_id = order.token.origin.application_id
        family = (order.family_id, order.presented_generation, order.now, application_id, order.application_version)
        rest = (*hot_arguments.token(order.token), *hot_arguments.paid_audit(order.audit))
        statements = settle_sql.KEEP, settle_sql.KEEP_PROVED
        moved: tuple[object, ...] = ()
        match order.mode:
            case "rotate":
                statements = settle_sql.ROTATE, settle_sql.ROTATE_PROVED
                moved = (order.idle_expires_at, order.next_digest, order.key_version, order.family_binding.stored)
            case "repeat":
                statements, moved = (settle_sql.REPEAT, settle_sql.REPEAT_PROVED), (order.now - order.grace,)
            case "keep" if order.touch:
                statements = settle_sql.KEEP_AND_TOUCH, settle_sql.KEEP_AND_TOUCH_PROVED
                moved = (order.idle_expires_at,)
        return await self._trips.paid(application_id, statements, order.proof, *family, *moved, *rest)

    async def settle_machine_token(self, order: MachineSettlement) -> Settled:
        """Insert the token that an application gets for itself, or note that it got one that has no row.

        Nothing is written when the application is no longer what was decided on.
        """
        origin = order.origin
        asked = (origin.application_id, order.application_version, order.now, *hot_arguments.paid_audit(order.audit))
        statements = settle_sql.SETTLE_MACHINE_JWT, settle_sql.SETTLE_MACHINE_JWT_PROVED
        row: tuple[object, ...] = ()
        if order.digest is not None:
            statements = settle_sql.SETTLE_MACHINE_TOKEN, settle_sql.SETTLE_MACHINE_TOKEN_PROVED
            carried = (origin.scopes, origin.resources, order.expires_at, order.binding.stored)
            row = (order.id, order.digest, *carried)
        return await self._trips.paid(origin.application_id, statements, order.proof, *asked, *row)

    async def note_proof(self, proof: Proof) -> bool:
        """Note a proof, which counts once; False when it was used before."""
        return await self._trips.won(settle_sql.NOTE_PROOF, proof.at, proof.digest)

    async def revoke_family(
        self, family_id: UUID, application_id: UUID | None, now: datetime, reason: str, audit: AuditEntry
    ) -> bool:
        """Revoke a family, only the application's own when one is named; False when there was nothing to revoke."""
        return await self._trips.won(
            settle_sql.REVOKE_FAMILY, family_id, now, reason, application_id, *hot_arguments.audit(audit)
        )

    async def revoke_token(self, token_id: UUID, now: datetime, audit: AuditEntry, *, legacy: bool = False) -> bool:
        """Revoke one access token, an imported one when told so; False when there was nothing to revoke."""
        statement = settle_sql.REVOKE_LEGACY_TOKEN if legacy else settle_sql.REVOKE_TOKEN
        return await self._trips.won(statement, token_id, now, *hot_arguments.audit(audit))

    async def revoke_machine_jwt(self, token_id: UUID, expires_at: datetime, audit: AuditEntry) -> bool:
        """Revoke an access token without a row; False when it was revoked before."""
        return await self._trips.won(settle_sql.REVOKE_MACHINE_JWT, token_id, expires_at, *hot_arguments.audit(audit))

    async def count_failed_redemption(self, grant_id: UUID, limit: int, now: datetime) -> None:
        """Count a wrong verifier or redirect URI; at `limit` the code expires."""
        await self._pool.write(settle_sql.COUNT_FAILED_REDEMPTION, grant_id, limit, now)
