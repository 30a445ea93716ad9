"""Several people signed in on one browser: who else is there besides the present one (OpenID Connect Core §3.1.2.1)."""

from dataclasses import dataclass
from uuid import UUID

from app.protocol.facts import SessionFact


@dataclass(frozen=True, slots=True)
class Others:
    """The live sessions of one browser besides the present one, the latest used first.

    `connected` are the ids of those sessions, the present one among them, that have signed their person in to the
    application that asks (OC-4: whether it is clear who is meant).
    """

    sessions: tuple[SessionFact, ...] = ()
    connected: frozenset[UUID] = frozenset()


NOBODY_ELSE = Others()
