"""However a session ends by somebody's will, its applications are told (LB-1), and the trail says why."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

import pytest
from sqlalchemy import insert, update
from sqlmodel import col

from app.models import SessionApplication, User
from app.protocol.subject_identifiers import BySubject
from app.services import accounts, global_revocation, sessions
from app.services.administration import Administration
from app.services.occasion import Occasion
from app.services.operator import Operator
from app.services.passwords import PasswordQueue
from app.store.database import Database
from app.store.orders import Actor
from app.store.sessions import find_live
from tests.store import scene as scenes
from tests.store.scene import Scene, fetch
from tests.support.database import FreshDatabase

NOW = datetime.now(UTC).replace(microsecond=0)
OCCASION = Occasion(now=NOW, request_id="req_1", address="203.0.113.7")
OPERATOR = Operator("test", NOW)
ACTOR = Actor("system_key", "system")


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A person with a session on one browser, which has signed him in to one application."""

    database: Database
    scene: Scene
    session: UUID

    @property
    def username(self) -> str:
        """As `scenes.begin` names people."""
        return f"user-{self.scene.user_id}"


async def sign_out(one: SignedIn) -> None:
    found = await find_live(one.database, one.session, NOW)
    assert found is not None
    await sessions.end(one.database, found, OCCASION)


async def set_password(one: SignedIn) -> None:
    queue = PasswordQueue()
    await accounts.set_password(one.database, queue, OPERATOR, one.username, None, end_sessions=True)


async def disable(one: SignedIn) -> None:
    assert await accounts.disable(one.database, OPERATOR, one.username)


async def disable_on_the_page(one: SignedIn) -> None:
    operator = await scenes.begin(one.database)
    async with one.database.transaction() as transaction:
        await transaction.execute(update(User).where(col(User.id) == operator.user_id).values(operator=True))
    session = await find_live(one.database, await sign_in(operator), NOW)
    assert session is not None
    assert await Administration(one.database, session, OCCASION).disable_user(one.scene.user_id)


async def revoke_everything(one: SignedIn) -> None:
    assert await global_revocation.revoke(one.database, BySubject(f"sub-{one.scene.user_id}"), OCCASION, ACTOR)


async def revoke_by_name(one: SignedIn) -> None:
    await global_revocation.revoke_by_name(one.database, OPERATOR, one.username)


async def sign_in(scene: Scene) -> UUID:
    """Begin a session that lives today."""
    moments = dict.fromkeys(("auth_time", "created_at", "last_used_at"), NOW)
    return await scenes.sign_in(
        scene, **moments, idle_expires_at=NOW.replace(year=2099), expires_at=NOW.replace(year=2099)
    )


@pytest.fixture
async def one(database: Database) -> SignedIn:
    """Somebody who is signed in to an application that listens."""
    scene = await scenes.begin(database, openid={"backchannel_logout_uri": "https://client.example/logout"})
    await database.ensure_partition("audit", NOW)
    session = await sign_in(scene)
    row = {"sid": session, "application_id": scene.application_id, "user_id": scene.user_id, "subject": "ada"}
    async with database.transaction() as transaction:
        await transaction.execute(insert(SessionApplication).values(**row, first_at=NOW, last_at=NOW))
    return SignedIn(database, scene, session)


@pytest.mark.spec("standards", "LB-1")
@pytest.mark.parametrize(
    ("end", "reason"),
    [
        (sign_out, "signed out"),
        (set_password, "password set"),
        (disable, "disabled"),
        (disable_on_the_page, "disabled"),
        (revoke_everything, "tokens revoked"),
        (revoke_by_name, "tokens revoked"),
    ],
)
async def test_the_applications_of_a_session_that_somebody_ends_are_told(
    one: SignedIn, fresh_database: FreshDatabase, end: Callable[[SignedIn], Awaitable[None]], reason: str
) -> None:
    await end(one)
    url = fresh_database.superuser_url
    assert await find_live(one.database, one.session, NOW) is None
    notices = await fetch(url, "select application_id, sid, subject from logout_delivery where sid = $1", one.session)
    assert [tuple(row) for row in notices] == [(one.scene.application_id, one.session, "ada")]
    trail = "select data ->> 'reason' from audit where event = 'session.ended' and subject_id = $1"
    assert [row[0] for row in await fetch(url, trail, str(one.session))] == [reason]


async def test_a_new_password_alone_ends_no_session(one: SignedIn, fresh_database: FreshDatabase) -> None:
    await accounts.set_password(one.database, PasswordQueue(), OPERATOR, one.username, None)
    assert await find_live(one.database, one.session, NOW) is not None
    assert not await fetch(fresh_database.superuser_url, "select from logout_delivery where sid = $1", one.session)
