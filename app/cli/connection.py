"""How commands reach the database: an external one, that of a running server, or the embedded one for as long as
the command takes."""

import asyncio
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import NoReturn, TypeVar
from urllib.parse import unquote, urlsplit

import typer

from app.cli import lean_start
from app.cli.refusals import Refused, refusals
from app.crypto.envelope import Vault
from app.services.applications import NoSuchApplication, NotPossible
from app.services.operator import Operator
from app.services.passwords import PasswordQueue
from app.settings import Settings, load
from app.store import condition, embedded, schema
from app.store.applications import ClientIdTaken
from app.store.database import Database, StoreUnavailable

DEFAULT_DATA_DIR = Path("data")
_BAD_INPUT = 2
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Addresses:
    """The ways to the database: as the runtime role, and as the role that owns the schema."""

    runtime: str = field(repr=False)
    owner: str = field(repr=False)

    @property
    def runtime_role(self) -> str | None:
        """The role that serves, which migrations give its rights; None when its URL names none."""
        name = urlsplit(self.runtime).username
        return None if name is None else unquote(name)


@dataclass(frozen=True, slots=True)
class Session:
    """What the work of a command gets."""

    settings: Settings
    database: Database
    passwords: PasswordQueue
    operator: Operator


@contextmanager
def told() -> Iterator[None]:
    """End the command with status 2 and one sentence on standard error for what the operator can repair."""
    try:
        with refusals():
            yield
    except (Refused, NoSuchApplication) as refused:
        fail(str(refused))
    except NotPossible as refused:
        fail(f"the application {refused}.")
    except ClientIdTaken:
        fail("Another application has this client_id; choose another one.")
    except StoreUnavailable:
        fail("The database does not answer: see that it runs, and try again.")


def fail(sentence: str) -> NoReturn:
    """End the command with a sentence and status 2."""
    print(f"assent: {sentence}", file=sys.stderr)
    raise typer.Exit(_BAD_INPUT)


def external_addresses(settings: Settings) -> Addresses | None:
    """Return the ways to the configured database; None when the embedded one serves."""
    if settings.database_url is None:
        return None
    runtime, owner = settings.database_url, settings.database_owner_url or settings.database_url
    return Addresses(runtime.get_secret_value(), owner.get_secret_value())


def data_dir_of(settings: Settings) -> Path | None:
    """Return where the database lies, with the root secret unless that is configured; None with an external one."""
    return embedded_data_dir(settings) if settings.database_url is None else None


def embedded_data_dir(settings: Settings) -> Path:
    """Return where an embedded database lies."""
    return (settings.data_dir or embedded.default_data_dir(DEFAULT_DATA_DIR)).resolve()


def secret_of(settings: Settings) -> str | None:
    """Return the root secret as it is configured or was generated; None where there is none yet."""
    from app.services import bootstrap

    configured = settings.secret_key.get_secret_value() if settings.secret_key else None
    return bootstrap.read_secret(configured, data_dir_of(settings))


@contextmanager
def addresses(settings: Settings) -> Iterator[Addresses]:
    """Yield the ways to the database; an embedded one that nobody runs is started, and stopped at the end.

    Call it from the main thread: the database ends with the thread that started it.
    """
    external = external_addresses(settings)
    if external is not None:
        yield external
        return
    data_dir = embedded_data_dir(settings)
    try:
        cluster = embedded.start(data_dir, owner_label="a command of assent")
    except embedded.AlreadyRunning:
        targets = embedded.guest(data_dir)
        yield Addresses(targets.runtime.url(), targets.owner.url())
        return
    try:
        yield Addresses(cluster.runtime_dsn.url(), cluster.owner_dsn.url())
    finally:
        cluster.stop()


def run(command: str, config: Path | None, work: Callable[[Session], Awaitable[_T]]) -> _T:
    """Do a command's work on the database and return what it returns; ends the command when that cannot be."""
    lean_start.collect_again()  # the work may be an import of millions
    with told():
        settings = load(config)
        with addresses(settings) as ways:
            return asyncio.run(_work(command, settings, ways, work))
    raise AssertionError("told() lets no command go on after a failure")


async def vault_of(session: Session) -> Vault:
    """Return what seals the secrets of this server; raises `SecretRefused` where its root secret is not at hand."""
    from app.services import bootstrap

    secret, data_dir = secret_of(session.settings), data_dir_of(session.settings)
    return bootstrap.vault(await bootstrap.settle_secret(session.database, secret, data_dir))


async def _work(command: str, settings: Settings, ways: Addresses, work: Callable[[Session], Awaitable[_T]]) -> _T:
    schema.require_servable(await condition.schema_state(ways.runtime))
    database = await Database.open(ways.runtime, owner_url=ways.owner, hot_connections=1, connections=2)
    passwords = PasswordQueue(threads=1)
    try:
        return await work(Session(settings, database, passwords, Operator(command, datetime.now(UTC))))
    finally:
        passwords.close()
        await database.close()
