"""The pages of a server on a database of its own, with people, a clock that is set by hand, and browsers."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from uuid import UUID

import pytest
from starlette.types import ASGIApp

from app.crypto.envelope import Vault, open_vault
from app.crypto.passwords import hash_password
from app.crypto.secrets import new_id
from app.main import assemble, furnish, pages_of
from app.pipeline.server import Server
from app.protocol.configuration import SignInLimits
from app.protocol.tokens.refresh_chain import ServerKeys
from app.services.names import name_key
from app.services.passwords import PasswordQueue
from app.settings import Settings
from app.store import users
from app.store.database import Database
from app.store.users import NewUser
from tests.support.browser import Browser
from tests.support.database import FreshDatabase
from tests.support.emptied import empty

PASSWORD = "violet anchor plum taxi"
KEYS = ServerKeys(current=1, by_version={1: b"k" * 32})
VAULT = open_vault(b"root secret of these tests, 32 bytes")

_hashed = cache(hash_password)
"""People with one password share its hash: to make it takes longer than all else that makes a person."""


@dataclass
class Clock:
    """A clock that stands still until it is moved."""

    now: datetime = field(default_factory=lambda: datetime.now(UTC))

    def __call__(self) -> datetime:
        return self.now

    def move(self, **by: float) -> None:
        """Let time pass: `move(minutes=3)`."""
        self.now += timedelta(**by)


@dataclass
class Site:
    """A running set of pages."""

    app: ASGIApp
    server: Server
    clock: Clock

    def browser(self, *, address: str = "203.0.113.7", **headers: str) -> Browser:
        """Return a fresh browser; `headers` override what it says (with `_` for `-`)."""
        spelled = {name.replace("_", "-"): value for name, value in headers.items()}
        return Browser(self.app, self.server.issuer, address, spelled)

    async def add_user(self, username: str = "ada", email: str = "ada@example.org", password: str = PASSWORD) -> UUID:
        """Register a person."""
        user = NewUser(
            id=new_id(self.clock()),
            username=username,
            username_key=name_key(username),
            email=email,
            email_key=name_key(email),
            password_hash=_hashed(password),
            created_at=self.clock(),
        )
        async with self.server.database.transaction() as transaction:
            await users.insert_user(transaction, user)
        return user.id

    async def disable(self, username: str) -> None:
        """Shut a person out."""
        user = await users.find_for_sign_in(self.server.database, name_key(username))
        assert user is not None
        async with self.server.database.transaction() as transaction:
            assert await users.disable(transaction, user.id, self.clock())

    async def enable(self, username: str) -> None:
        """Let a person in again."""
        user = await users.find_for_sign_in(self.server.database, name_key(username))
        assert user is not None
        async with self.server.database.transaction() as transaction:
            assert await users.enable(transaction, user.id, self.clock())

    async def signed_in(self, username: str = "ada", password: str = PASSWORD) -> Browser:
        """Return a browser in which the person has signed in."""
        browser = self.browser()
        answer = await browser.fill("/login", "/login", username=username, password=password)
        assert answer.status_code == 303, answer.text
        return browser


@pytest.fixture
async def pages(database: Database, fresh_database: FreshDatabase) -> Site:
    """The pages on an empty database."""
    await empty(fresh_database)
    return open_site(database)


def open_site(
    database: Database,
    *,
    issuer: str = "http://localhost:8000",
    limits: SignInLimits | None = None,
    passwords: PasswordQueue | None = None,
    clock: Clock | None = None,
    trusted_proxies: tuple[str, ...] = (),
    keys: ServerKeys = KEYS,
    vault: Vault = VAULT,
    features: Mapping[str, bool] | None = None,
) -> Site:
    """Wire the pages to a database."""
    settings = Settings(
        issuer=issuer, service_name="Lumenfold", trusted_proxies=trusted_proxies, features=dict(features or {})
    )
    configured = settings.configuration()
    clock = clock or Clock()
    made = pages_of(configured)
    server = furnish(made, configured, database, keys, clock, vault)
    if passwords is not None:
        made.state.passwords = passwords
    if limits is not None:
        made.state.sign_in_limits = limits
    return Site(assemble(configured, made), server, clock)
