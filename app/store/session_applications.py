"""Which applications sessions have signed their person in to, as sign-out needs them."""

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select
from sqlmodel import col

from app.models import Application, SessionApplication
from app.protocol import openid_settings
from app.protocol.names import is_vouched_for
from app.protocol.openid_settings import OpenIdSettings
from app.store.database import Database


@dataclass(frozen=True, slots=True)
class SignedInto:
    """One application of one session; `sid` is that of `SessionFact`, `subject` what it knows the person by."""

    sid: UUID
    subject: str
    client_id: str
    name: str
    owner_name: str
    redirect_uris: tuple[str, ...]
    self_registered: bool
    verified: bool
    openid: OpenIdSettings

    @property
    def vouched_for(self) -> bool:
        """Whether somebody here answers for the application's name; see `ClientFact.vouched_for`."""
        return is_vouched_for(verified=self.verified, self_registered=self.self_registered, owner_name=self.owner_name)


async def of_sessions(database: Database, sids: Iterable[UUID]) -> tuple[SignedInto, ...]:
    """Return the applications of these sessions, by name; those that have been deleted are no more."""
    statement = (
        select(
            col(SessionApplication.sid),
            col(SessionApplication.subject),
            col(Application.client_id),
            col(Application.name),
            col(Application.owner_name),
            col(Application.redirect_uris),
            col(Application.self_registered),
            col(Application.verified),
            col(Application.openid),
        )
        .join(Application, col(Application.id) == col(SessionApplication.application_id))
        .where(col(SessionApplication.sid).in_(tuple(sids)), col(Application.deleted_at).is_(None))
        .order_by(col(Application.name), col(Application.client_id))
    )
    async with database.transaction() as transaction:
        rows = (await transaction.execute(statement)).all()
    return tuple(
        SignedInto(
            sid=row.sid,
            subject=row.subject,
            client_id=row.client_id,
            name=row.name,
            owner_name=row.owner_name,
            redirect_uris=tuple(row.redirect_uris),
            self_registered=row.self_registered,
            verified=row.verified,
            openid=openid_settings.read(row.openid),
        )
        for row in rows
    )
