"""Which of the browser's accounts an application's request goes on with (OpenID Connect Core §3.1.2.1, OC-6)."""

from datetime import datetime
from uuid import UUID

from app.protocol.events import Event
from app.protocol.facts import SessionFact
from app.services.occasion import Occasion
from app.store import audit, interactions
from app.store.database import Database


async def choose(
    database: Database,
    interaction_id: UUID,
    application_id: UUID,
    session: SessionFact,
    occasion: Occasion,
    *,
    seen: datetime | None,
) -> bool:
    """Go on with this session; False when the request is over, or another account was chosen meanwhile.

    `seen` is the moment of the choice before, as the page knew it. The same account chosen twice, by a second click, is
    one choice.
    """
    async with database.transaction() as transaction:
        if await interactions.choose_account(transaction, interaction_id, session.id, occasion.now, seen):
            chosen = occasion.entry(
                Event.SESSION_CHOSEN,
                user_id=session.user_id,
                subject_id=str(session.id),
                application_id=application_id,
            )
            await audit.record(transaction, chosen)
            return True
        return await interactions.is_chosen(transaction, interaction_id, session.id, occasion.now)
