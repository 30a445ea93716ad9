"""The one way in which sessions end by somebody's will, and everything that ends with them, in one transaction.

The person signs out here or elsewhere, or an operator signs him out: the rows end, so do the token families that hang
on the session (LB-5, BB-3, RF-9), and every application that it signed him in to gets a notice into the outbox (LB-1).

Not here: signing in again as the same person, which goes on with the session under its `sid`; and the end of a
session's time. Nobody wanted that one, its applications have sessions with times of their own, and what is told to
them is that the person has left (Back-Channel Logout §1): so it is told when somebody says so.

Applications that only got OAuth tokens go on: a program that was allowed something works while nobody is signed in.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Uuid,
    all_,
    and_,
    any_,
    false,
    func,
    insert,
    literal,
    not_,
    or_,
    select,
    update,
)
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.crypto.secrets import new_id
from app.models import (
    Application,
    Authorization,
    BrowserSession,
    GrantCode,
    LogoutDelivery,
    SessionApplication,
    TokenFamily,
)
from app.protocol.logout_delivery import WINDOW
from app.protocol.scopes import OFFLINE_ACCESS, OPENID
from app.store import audit
from app.store.database import NOTICES_WRITTEN
from app.store.expiry import lowest_id
from app.store.orders import AuditEntry

REASON = "session_ended"
"""Why the families are revoked, in their rows."""

_LONG_AGO = timedelta(minutes=10)
"""No code lives longer, whatever the settings say, and no request takes so long: what ended this long before now has
ended for those that are under way, too."""


@dataclass(frozen=True, slots=True)
class EndedSession:
    """A session that was open until now. `sid` names it in families and notices (`protocol.sid`)."""

    id: UUID
    user_id: UUID
    sid: UUID


async def end_sessions(
    transaction: AsyncSession,
    which: ColumnElement[bool],
    now: datetime,
    audit_of: Callable[[EndedSession], AuditEntry],
) -> tuple[EndedSession, ...]:
    """End those of the sessions that have not ended yet, with all that hangs on them; return them, oldest first.

    `which` is what `by_credentials`, `by_ids` or `by_user` return. `audit_of` makes the row of each for the trail. Of
    many that end the same session at once, one does: it is told once to each application.
    """
    ended = await _end(transaction, which, now)
    if ended:
        sids = _among(session.sid for session in ended)
        # Codes first: whoever exchanges one at this moment is waited for, and the family that it began is seen.
        await _end_codes(transaction, now, col(GrantCode.sid) == any_(sids))
        await _revoke_families(transaction, now, col(TokenFamily.sid) == any_(sids))
        await _write_notices(transaction, sids, now)
        await audit.record_all(transaction, [(audit_of(session), None) for session in ended])
    return ended


def by_credentials(shown: Iterable[tuple[UUID, bytes]]) -> ColumnElement[bool]:
    """The sessions whose credentials a browser shows: their ids and the digests of their secrets."""
    of_each = (and_(col(BrowserSession.id) == key, col(BrowserSession.digest) == digest) for key, digest in shown)
    return or_(false(), *of_each)


def by_ids(user_id: UUID, ids: Iterable[UUID]) -> ColumnElement[bool]:
    """These sessions, as far as they are the person's."""
    return and_(col(BrowserSession.user_id) == user_id, col(BrowserSession.id) == any_(_among(ids)))


def by_user(user_id: UUID, *, but: UUID | None = None) -> ColumnElement[bool]:
    """Every session of a person; `but` is one that goes on."""
    everything = col(BrowserSession.user_id) == user_id
    return everything if but is None else and_(everything, col(BrowserSession.id) != but)


async def end_what_worked_offline(transaction: AsyncSession, record_id: UUID, user_id: UUID, now: datetime) -> None:
    """End the codes and families of a person's record that have outlived their session: he has just taken back, in this
    very transaction, that they may. Those whose session goes on end with it."""
    # Whoever ends one of these sessions at this moment is waited for, or waits and finds the record as it is then.
    going_on = (
        select(func.coalesce(col(BrowserSession.sid), col(BrowserSession.id)))
        .where(
            col(BrowserSession.user_id) == user_id,
            col(BrowserSession.ended_at).is_(None),
            col(BrowserSession.idle_expires_at) > now,
            col(BrowserSession.expires_at) > now,
        )
        .order_by(col(BrowserSession.id))
        .with_for_update(read=True)
    )
    sids = _among(await transaction.scalars(going_on))
    recent, his = col(GrantCode.id) >= lowest_id(now - _LONG_AGO), col(TokenFamily.user_id) == user_id
    await _end_codes(transaction, now, recent, *_outlived(GrantCode, record_id, sids))
    await _revoke_families(transaction, now, his, *_outlived(TokenFamily, record_id, sids))


def _outlived(
    table: type[GrantCode] | type[TokenFamily], record_id: UUID, sids: ColumnElement[Any]
) -> tuple[ColumnElement[bool], ...]:
    """What of a record was to work offline, and comes from another session than these."""
    return (
        col(table.authorization_id) == record_id,
        col(table.sid).is_not(None),
        col(table.sid) != all_(sids),
        literal(OFFLINE_ACCESS) == any_(col(table.scopes)),
    )


async def _end(transaction: AsyncSession, which: ColumnElement[bool], now: datetime) -> tuple[EndedSession, ...]:
    """End the rows. They are locked in the order of their ids, so that no two wait for each other."""
    sid = func.coalesce(col(BrowserSession.sid), col(BrowserSession.id))
    open_ones = (
        select(col(BrowserSession.id), col(BrowserSession.user_id), sid)
        .where(which, col(BrowserSession.ended_at).is_(None))
        .order_by(col(BrowserSession.id))
        .with_for_update()
    )
    ended = tuple(EndedSession(*row) for row in await transaction.execute(open_ones))
    if ended:
        rows = col(BrowserSession.id) == any_(_among(session.id for session in ended))
        await transaction.execute(update(BrowserSession).where(rows).values(ended_at=now))
    return ended


async def _end_codes(transaction: AsyncSession, now: datetime, *which: ColumnElement[bool]) -> None:
    """Let the codes run out that are still on their way to such a family: well before now, since whoever exchanges one
    has taken his moment when his request came."""
    await transaction.execute(
        update(GrantCode)
        .where(
            *which,
            col(GrantCode.used_at).is_(None),
            col(GrantCode.expires_at) > now,
            _ends_with_session(GrantCode),
        )
        .values(expires_at=now - _LONG_AGO)
    )


async def _revoke_families(transaction: AsyncSession, now: datetime, *which: ColumnElement[bool]) -> None:
    await transaction.execute(
        update(TokenFamily)
        .where(*which, col(TokenFamily.revoked_at).is_(None), _ends_with_session(TokenFamily))
        .values(revoked_at=now, revoked_reason=REASON)
    )


def _ends_with_session(table: type[GrantCode] | type[TokenFamily]) -> ColumnElement[bool]:
    """What a sign-in led to ends with it unless it is to work offline (LB-5), which its person can take back like any
    permission (AR-9); so does all that a browser keeps, where the next person may sit (BB-3)."""
    scopes = col(table.scopes)
    since = col(Authorization.since)[func.array_position(col(Authorization.pairs), OFFLINE_ACCESS)]
    still_allowed = (
        select(col(Authorization.id))
        .where(col(Authorization.id) == col(table.authorization_id), since <= col(table.record_version))
        .exists()
    )
    in_a_browser = (
        select(col(Application.id))
        .where(col(Application.id) == col(table.application_id), col(Application.kind) == "browser")
        .exists()
    )
    offline = and_(literal(OFFLINE_ACCESS) == any_(scopes), still_allowed)
    return and_(not_(offline), or_(literal(OPENID) == any_(scopes), in_a_browser))


async def _write_notices(transaction: AsyncSession, sids: ColumnElement[Any], now: datetime) -> None:
    """One notice to each application of each session that can be told; the worker's own loop hears of it at once."""
    to_tell = (
        select(
            col(SessionApplication.application_id),
            col(SessionApplication.user_id),
            col(SessionApplication.sid),
            col(SessionApplication.subject),
        )
        .join(Application, col(Application.id) == col(SessionApplication.application_id))
        .where(
            col(SessionApplication.sid) == any_(sids),
            col(Application.openid)["backchannel_logout_uri"].as_string() != "",
            col(Application.deleted_at).is_(None),
        )
        .order_by(col(SessionApplication.sid), col(SessionApplication.application_id))
    )
    moments = {"next_at": now, "created_at": now, "expires_at": now + WINDOW}
    notices = [
        {"id": new_id(now), "application_id": to, "user_id": of, "lane": sid, "sid": sid, "subject": subject, **moments}
        for to, of, sid, subject in await transaction.execute(to_tell)
    ]
    if notices:
        await transaction.execute(insert(LogoutDelivery), notices)
        transaction.info[NOTICES_WRITTEN] = True


def _among(ids: Iterable[UUID]) -> ColumnElement[Any]:
    return literal(list(ids), ARRAY(Uuid()))
