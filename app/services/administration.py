"""Users and applications in the hands of an operator who is signed in: found, switched off and on, checked.

What the command line does is in `accounts` and `applications`; there the operator of the machine acts, whom nobody
can lock out. Here operators are people, and the last of them cannot be shut out by a click.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

from app.protocol.events import Event
from app.protocol.facts import SessionFact
from app.services import application_history as history
from app.services import own_sessions
from app.services.accounts import turned
from app.services.names import MAX_LOGIN_LENGTH, name_key
from app.services.occasion import Occasion
from app.services.sessions import audit_of_end
from app.store import administration, application_states, applications, audit, session_ends, users
from app.store.administration import Holdings, Listed, Person, Wanted
from app.store.database import Database
from app.store.orders import Actor
from app.store.transaction import Transaction

MAX_NOTE_LENGTH = 500
"""Characters of what an operator writes down about a check."""

_Switch = Callable[[Transaction, str, datetime], Awaitable[UUID | None]]


class NotYourself(Exception):
    """Nobody shuts himself out."""


class LastOperator(Exception):
    """Without this one nobody would be left who may operate the server."""


class ApplicationChanged(Exception):
    """It is not what the operator has looked at any more."""


class NoLongerOperator(Exception):
    """The one who acts was shut out meanwhile."""


@dataclass(frozen=True, slots=True)
class Administration:
    """An operator on one occasion."""

    database: Database
    operator: SessionFact
    occasion: Occasion

    async def disable_user(self, user_id: UUID) -> bool:
        """Shut a person out: sessions and tokens are dead at once and for ever, and applications are told. False: he
        was, or there is none.

        Raises `NotYourself`, `LastOperator` and `NoLongerOperator`. Operators who shut each other out at the same
        moment come one after the other, so that one of them stays.
        """
        if user_id == self.operator.user_id:
            raise NotYourself
        async with self.database.transaction() as transaction:
            await users.lock_operators(transaction)
            left = await administration.active_operators(transaction)
            if self.operator.user_id not in left:
                raise NoLongerOperator
            if left == {user_id}:
                raise LastOperator
            disabled = await users.disable(transaction, user_id, self.occasion.now)
            if disabled:
                await self._turned(transaction, Event.USER_DISABLED, user_id)
                await self._end_sessions(transaction, user_id)
        return disabled

    async def enable_user(self, user_id: UUID) -> bool:
        """Let a person sign in again; what was issued before stays dead. False: he may already, or there is none."""
        async with self.database.transaction() as transaction:
            enabled = await users.enable(transaction, user_id, self.occasion.now)
            if enabled:
                await self._turned(transaction, Event.USER_ENABLED, user_id)
        return enabled

    async def end_session(self, user_id: UUID, session_id: UUID) -> bool:
        """Sign a person out on one browser. False: he has no such session, or it is over."""
        occasion = replace(self.occasion, actor=self._actor)
        return await own_sessions.end_one(self.database, user_id, session_id, occasion, own_sessions.BY_OPERATOR)

    async def end_sessions(self, user_id: UUID) -> int:
        """Sign a person out everywhere, but for the session in which the operator does it; return how many ended."""
        occasion = replace(self.occasion, actor=self._actor)
        return await own_sessions.end_all(
            self.database, user_id, occasion, own_sessions.BY_OPERATOR, but=self.operator.id
        )

    async def disable_application(self, client_id: str) -> bool:
        """Shut an application out with all it holds; its owner cannot undo that. False: it was, or there is none."""
        return await self._switch(client_id, application_states.disable, Event.APPLICATION_DISABLED)

    async def enable_application(self, client_id: str) -> bool:
        """Let an application in again; nothing it held lives again. False: it was not shut out, or there is none."""
        return await self._switch(client_id, application_states.enable, Event.APPLICATION_ENABLED)

    async def check_application(self, client_id: str, note: str, version: int | None = None) -> bool:
        """Write down that somebody has looked at what an application says about itself. False: it was so.

        With the `version` that he has looked at, raises `ApplicationChanged` when it is at another one.
        """
        return await self._mark(client_id, Event.APPLICATION_CHECKED, note, version)

    async def uncheck_application(self, client_id: str, note: str) -> bool:
        """Take the check back; consent pages say again that nobody has checked it. False: it was so."""
        return await self._mark(client_id, Event.APPLICATION_UNCHECKED, note)

    async def _turned(self, transaction: Transaction, event: Event, user_id: UUID) -> None:
        await self._write_down(transaction, event, user_id=user_id, subject_id=str(user_id), data=turned(event))

    async def _end_sessions(self, transaction: Transaction, user_id: UUID) -> None:
        audit_of = partial(audit_of_end, replace(self.occasion, actor=self._actor), "disabled")
        await session_ends.end_sessions(transaction, session_ends.by_user(user_id), self.occasion.now, audit_of)

    async def _switch(self, client_id: str, turn: _Switch, event: Event) -> bool:
        async with self.database.transaction() as transaction:
            before = await applications.find(transaction, client_id, lock=True)
            turned = await turn(transaction, client_id, self.occasion.now)
            if before is not None and turned is not None:
                change = history.moved(before, await applications.find(transaction, client_id))
                await self._write_down(transaction, event, application_id=turned, subject_id=client_id, data=change)
        return turned is not None

    async def _mark(self, client_id: str, event: Event, note: str, version: int | None = None) -> bool:
        verified = event is Event.APPLICATION_CHECKED
        async with self.database.transaction() as transaction:
            if version is not None:
                found = await applications.find(transaction, client_id, lock=True)
                if found is not None and found.version != version:
                    raise ApplicationChanged
            application_id = await administration.mark(
                transaction,
                client_id,
                verified=verified,
                by=self.operator.user_id,
                note=note,
                now=self.occasion.now,
            )
            if application_id is not None:
                change = {"before": {"checked": not verified}, "after": {"checked": verified}}
                data = change | ({"note": note} if note else {})
                await self._write_down(
                    transaction, event, application_id=application_id, subject_id=client_id, data=data
                )
        return application_id is not None

    async def _write_down(
        self,
        transaction: Transaction,
        event: Event,
        *,
        subject_id: str,
        user_id: UUID | None = None,
        application_id: UUID | None = None,
        data: Mapping[str, Any],
    ) -> None:
        entry = replace(self.occasion, actor=self._actor).entry(
            event, user_id=user_id, application_id=application_id, subject_id=subject_id, **data
        )
        await audit.record(transaction, entry)

    @property
    def _actor(self) -> Actor:
        return Actor("user", str(self.operator.user_id), self.operator.username)


async def list_users(database: Database, text: str, *, after: UUID | None, limit: int) -> list[Person]:
    """Return people whose username or email address begins with the text, however it is cased, newest first."""
    return await administration.people(database, name_key(text[:MAX_LOGIN_LENGTH]), after=after, limit=limit)


async def find_user(database: Database, user_id: UUID) -> Person | None:
    """Return one person; None: there is none."""
    return await administration.person(database, user_id)


async def holdings(database: Database, user_id: UUID, now: datetime) -> Holdings:
    """Return how much a person has that would end if he were disabled, and what he owns."""
    return await administration.holdings(database, user_id, now)


async def list_applications(database: Database, wanted: Wanted, *, after: UUID | None, limit: int) -> list[Listed]:
    """Return applications that fit, newest first."""
    return await administration.applications(database, wanted, after=after, limit=limit)


async def find_application(database: Database, client_id: str) -> Listed | None:
    """Return one application, unless it was deleted; None: there is none."""
    if "\x00" in client_id:  # no text of the database holds one
        return None
    return await administration.application(database, client_id)


def problem_with_note(note: str) -> str:
    """Return what is wrong with a note, as an instruction; empty when nothing is."""
    if len(note) > MAX_NOTE_LENGTH:
        return f"Use {MAX_NOTE_LENGTH} characters or fewer"
    if any(not character.isprintable() and character not in "\r\n" for character in note):
        return "Leave out control characters"
    return ""
