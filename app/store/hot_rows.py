"""Rows of the hot statements as facts, by position: what a statement lists is what a function here reads."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import asyncpg
import orjson

from app.protocol import claims_request, granted_details, sender
from app.protocol.authorize.waiting import InteractionFact
from app.protocol.facts import (
    AccessTokenFact,
    Authentication,
    Basis,
    ClientFact,
    CodeFact,
    FamilyFact,
    KeyFact,
    MachineOrigin,
    MachineStanding,
    MachineTokenFact,
    Origin,
    PersonalTokenFact,
    PersonFact,
    RecordFact,
    SessionFact,
    Standing,
    TokenFact,
)
from app.store.client_rows import CLIENT_WIDTH

CODE_WIDTH = 26
FAMILY_WIDTH = 23
TOKEN_WIDTH = 25
SESSION_WIDTH = 16
RECORD_WIDTH = 7
STANDING_WIDTH = 10


def person(document: str | None) -> PersonFact | None:
    """Read what the function `person_document` returns."""
    if document is None:
        return None
    stored = orjson.loads(document)
    return PersonFact(
        username=stored["username"],
        email=stored["email"] or "",
        claims=stored["claims"],
        updated_at=datetime.fromtimestamp(stored["updated_at"], UTC),
        memberships=tuple((slug, name, role) for slug, name, role in stored["memberships"]),
    )


def code(row: asyncpg.Record, at: int, caller: ClientFact | None) -> CodeFact | None:
    """Read a code from column `at` on; its application stands when the caller is it."""
    if row[at] is None:
        return None
    return CodeFact(
        id=row[at],
        digest=row[at + 1],
        origin=origin(row, at + 2, row[at + 24]),
        authentication=authentication(row, at + 10),
        redirect_uri=row[at + 14],
        code_challenge=row[at + 15],
        nonce=row[at + 16],
        offline=row[at + 17],
        failed_attempts=row[at + 18],
        used_at=row[at + 19],
        family_id=row[at + 20],
        expires_at=row[at + 21],
        binding=sender.read(row[at + 22]),
        claims=claims_request.read(row[at + 23]),
        standing=standing_before(row, at + CODE_WIDTH, caller, row[at + 2]),
        person=person(row[at + CODE_WIDTH + STANDING_WIDTH]),
        grant_action=row[at + 25],
    )


def family(row: asyncpg.Record, at: int, caller: ClientFact | None) -> FamilyFact | None:
    """Read a family from column `at` on; its application stands when the caller is it."""
    if row[at] is None:
        return None
    key_since = row[at + 3]
    return FamilyFact(
        id=row[at],
        digest=row[at + 1],
        generation=row[at + 2],
        key_since=tuple(zip(key_since[::2], key_since[1::2], strict=True)),
        origin=origin(row, at + 4, row[at + 22]),
        authentication=authentication(row, at + 12),
        rotated_at=row[at + 16],
        idle_expires_at=row[at + 17],
        expires_at=row[at + 18],
        revoked_at=row[at + 19],
        binding=sender.read(row[at + 20]),
        claims=claims_request.read(row[at + 21]),
        standing=standing_before(row, at + FAMILY_WIDTH, caller, row[at + 4]),
        person=person(row[at + FAMILY_WIDTH + STANDING_WIDTH]),
    )


def token(row: asyncpg.Record, at: int) -> AccessTokenFact | None:
    """Read an access token with its application, from column `at` on; without person, record and family it is one that
    an application got for itself."""
    if row[at] is None:
        return None
    if row[at + 4] is None and row[at + 5] is None and row[at + 2] is None:
        return _machine_token(row, at)
    return TokenFact(
        id=row[at],
        digest=row[at + 1],
        family_id=row[at + 2],
        origin=_based(origin(row, at + 3, row[at + 24]), row[at + 23]),
        issued_at=row[at + 11],
        expires_at=row[at + 12],
        revoked_at=row[at + 13],
        binding=sender.read(row[at + 14]),
        actor=None if row[at + 15] is None else orjson.loads(row[at + 15]),
        client_id=row[at + 16] or "",
        username=row[at + 19] or "",
        subject=row[at + TOKEN_WIDTH + 7] or "",
        pairwise=row[at + TOKEN_WIDTH + 8],
        auth_time=row[at + 20],
        acr=row[at + 21] or "",
        family_revoked=row[at + 22],
        standing=_standing(
            *(row, at + TOKEN_WIDTH),
            active=row[at + 18],
            epoch=row[at + 17],
            recorded=row[at + 5] is not None or row[at + 6] > 0,  # a token that has lost its record is dead
        ),
    )


def _based(own: Origin, basis: str | None) -> Origin:
    """Add what an exchanged token rests on."""
    if basis is None:
        return own
    stored = orjson.loads(basis)
    applications = {UUID(application): epoch for application, epoch in stored["applications"].items()}
    return replace(own, basis=Basis(stored["pairs"], applications))


def _machine_token(row: asyncpg.Record, at: int) -> MachineTokenFact:
    return MachineTokenFact(
        id=row[at],
        digest=row[at + 1],
        origin=MachineOrigin(
            application_id=row[at + 3],
            application_epoch=row[at + 8],
            scopes=tuple(row[at + 9]),
            resources=tuple(row[at + 10]),
        ),
        client_id=row[at + 16] or "",
        issued_at=row[at + 11],
        expires_at=row[at + 12],
        revoked_at=row[at + 13],
        binding=sender.read(row[at + 14]),
        actor=None if row[at + 15] is None else orjson.loads(row[at + 15]),
        application_active=bool(row[at + 18]),
        application_epoch_now=row[at + 17] or 0,
    )


def machine_standing(row: asyncpg.Record, at: int) -> MachineStanding | None:
    """Read what stands behind a token without a row, from column `at` on; None when its application is gone."""
    return None if row[at] is None else MachineStanding(row[at], row[at + 1], row[at + 2], row[at + 3])


def allowed_origins(row: asyncpg.Record, at: int) -> tuple[str, ...]:
    """Read the allowed origins of the application of a token from column `at` on; they come after it."""
    return tuple(row[at + TOKEN_WIDTH + STANDING_WIDTH] or ())


def personal_token(row: asyncpg.Record, at: int) -> PersonalTokenFact | None:
    """Read a personal token with its person and his roles, from column `at` on."""
    if row[at] is None or row[at + 12] is None:
        return None
    return PersonalTokenFact(
        id=row[at],
        digest=row[at + 1],
        user_id=row[at + 2],
        user_epoch=row[at + 3],
        name=row[at + 4],
        scopes=tuple(row[at + 5]),
        issued_at=row[at + 6],
        expires_at=row[at + 7],
        revoked_at=row[at + 8],
        subject=row[at + 9],
        username=row[at + 10],
        user_active=row[at + 11],
        user_epoch_now=row[at + 12],
        roles=tuple(row[at + 13]),
    )


def key(row: asyncpg.Record, at: int) -> KeyFact | None:
    """Read an API key with its organization, from column `at` on."""
    if row[at] is None or row[at + 10] is None:
        return None
    return KeyFact(
        id=row[at],
        digest=row[at + 1],
        retiring_digest=row[at + 2],
        organization_id=row[at + 3],
        label=row[at + 4],
        last_four=row[at + 5],
        scopes=tuple(row[at + 6]),
        allowed_origins=tuple(row[at + 7]),
        active=row[at + 8] == "active",
        issued_at=row[at + 9],
        organization_slug=row[at + 10],
        organization_active=row[at + 11],
    )


def session(row: asyncpg.Record) -> SessionFact | None:
    """Read the session after the client; None unless it and its user are in force."""
    at = CLIENT_WIDTH
    if row[at] is None or row[at + 10] is None:
        return None
    return SessionFact(
        id=row[at],
        sid=row[at + 9] or row[at],
        digest=row[at + 1],
        user_id=row[at + 2],
        user_epoch=row[at + 3],
        auth_time=row[at + 4],
        amr=tuple(row[at + 5]),
        last_used_at=row[at + 6],
        idle_expires_at=row[at + 7],
        expires_at=row[at + 8],
        subject=row[at + 11],
        username=row[at + 12],
        email=row[at + 13],
        display_name=row[at + 14],
        operator=row[at + 15],
    )


def record(row: asyncpg.Record, at: int = CLIENT_WIDTH + SESSION_WIDTH) -> RecordFact | None:
    """Read the live record, which follows the session unless told otherwise."""
    if row[at] is None:
        return None
    return RecordFact(
        id=row[at],
        version=row[at + 1],
        pairs=tuple(row[at + 2]),
        since=tuple(row[at + 3]),
        subject=row[at + 4] or "",
        details=orjson.loads(row[at + 5]),
        identity=row[at + 6],
    )


def interaction(row: asyncpg.Record) -> InteractionFact | None:
    """Read the interaction after the record."""
    at = CLIENT_WIDTH + SESSION_WIDTH + RECORD_WIDTH
    if row[at] is None:
        return None
    return InteractionFact(
        id=row[at],
        digest=row[at + 1],
        application_id=row[at + 2],
        client_id=row[at + 3],
        params=tuple((name, value) for name, value in orjson.loads(row[at + 4])),
        browser_digest=row[at + 5],
        session_id=row[at + 6],
        login_at=row[at + 7],
        request_id=row[at + 8],
        created_at=row[at + 9],
        expires_at=row[at + 10],
        closed_at=row[at + 11],
        account_at=row[at + 12],
        pushed_id=row[at + 13],
        signed=row[at + 14],
        document=document(row[at + 15]),
    )


def document(text: str | None) -> dict[str, Any] | None:
    """Read the column of that name beside a request."""
    if text is None:
        return None
    stored: dict[str, Any] = orjson.loads(text)
    return stored


def origin(row: asyncpg.Record, at: int, details: str | None = None) -> Origin:
    """Read what a grant, family or token copies, from column `at` on: eight columns; its details stand elsewhere."""
    return Origin(
        application_id=row[at],
        user_id=row[at + 1],
        record_id=row[at + 2],
        record_version=row[at + 3],
        user_epoch=row[at + 4],
        application_epoch=row[at + 5],
        scopes=tuple(row[at + 6]),
        resources=tuple(row[at + 7]),
        details=granted_details.read(details),
    )


def authentication(row: asyncpg.Record, at: int) -> Authentication:
    """Read how the person signed in, from column `at` on: four columns."""
    return Authentication(auth_time=row[at], acr=row[at + 1], amr=tuple(row[at + 2]), sid=row[at + 3])


def standing_before(row: asyncpg.Record, at: int, caller: ClientFact | None, application_id: object) -> Standing | None:
    """Read record and user behind what an application holds, from column `at` on.

    The caller is active, or it would not be here; a stranger's application counts as not standing.
    """
    if caller is None or caller.id != application_id:
        return None
    return _standing(row, at, active=True, epoch=caller.epoch)


def _standing(
    row: asyncpg.Record, at: int, *, active: bool | None, epoch: int | None, recorded: bool = True
) -> Standing | None:
    """Read record and user; None when one of them, or the application, no longer exists.

    Not `recorded`: there never was a record.
    """
    user_epoch = row[at + 6]
    if (recorded and row[at] is None) or user_epoch is None or epoch is None:
        return None
    return Standing(
        record_id=row[at],
        record_version=row[at + 1] or 0,
        pairs=tuple(row[at + 2] or ()),
        since=tuple(row[at + 3] or ()),
        record_revoked=row[at + 4],
        user_active=row[at + 5],
        user_epoch=user_epoch,
        application_active=bool(active),
        application_epoch=epoch,
        subject=row[at + 7],
        refresh_since=row[at + 9] or 0,
    )
