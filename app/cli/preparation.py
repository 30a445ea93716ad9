"""Everything that must stand before the first worker: database, schema, root secret, partitions, applied data."""

import asyncio
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from app.cli import apply
from app.cli.banner import Banner, command_as_typed, storage_named
from app.cli.connection import DEFAULT_DATA_DIR, Addresses, embedded_data_dir, external_addresses, secret_of
from app.cli.demo import RunningDemo, settle_demo
from app.cli.flags import Options
from app.crypto.envelope import Vault
from app.protocol.tokens.refresh_chain import ServerKeys
from app.services import bootstrap, data_file
from app.services.operator import Operator
from app.services.passwords import PasswordQueue
from app.services.setup import ensure_setup_link
from app.services.signing_keys import KeyKeeper
from app.settings import Settings
from app.store import condition, embedded, partitions, schema
from app.store.database import Database


@dataclass(frozen=True, slots=True)
class House:
    """The prepared server: what workers need, and what the banner tells."""

    settings: Settings
    addresses: Addresses = field(repr=False)
    keys: ServerKeys = field(repr=False)
    vault: Vault
    data_dir: Path | None
    cluster: embedded.Cluster | None
    setup_link: str | None = field(repr=False)
    demo: RunningDemo | None

    def arguments(self, *, run_jobs: bool) -> tuple[Any, ...]:
        """Return the arguments of `serving.application`. Only the worker that runs the jobs learns the owner's way."""
        owner = self.addresses.owner if run_jobs else None
        return (
            *(self.settings.configuration(), self.addresses.runtime, owner, self.keys, self.vault),
            *(run_jobs, self.settings.workers),
        )

    def database_alive(self) -> bool:
        """Tell whether the embedded database runs; an external one is judged by the readiness endpoint."""
        return self.cluster is None or self.cluster.poll() is None

    def banner(self, seconds: float, workers: int, metrics_url: str | None) -> Banner:
        """Return what to print when the first worker is ready, `seconds` after the command began."""
        return Banner(
            issuer=self.settings.issuer_url,
            seconds=seconds,
            workers=workers,
            storage=storage_named(self.data_dir),
            setup_link=self.setup_link,
            demo=None if self.demo is None else self.demo.told,
            metrics_url=metrics_url,
            command=command_as_typed(sys.argv[0]),
            dangers=_dangers(self.settings),
        )


@contextmanager
def prepare(options: Options, settings: Settings) -> Iterator[House]:
    """Prepare everything and yield it; the embedded database is stopped at the end, after the workers.

    Call it from the main thread: the database ends with the thread that started it.
    """
    cluster, data_dir = None, None
    addresses = external_addresses(settings)
    if addresses is None:
        data_dir = embedded_data_dir(settings)
        cluster = embedded.start(data_dir, owner_label=settings.issuer_url, durable=options.durable)
        addresses = Addresses(cluster.runtime_dsn.url(), cluster.owner_dsn.url())
    try:
        yield asyncio.run(_settle(options, settings, addresses, data_dir, cluster))
    finally:
        if cluster is not None:
            cluster.stop()


async def _settle(
    options: Options,
    settings: Settings,
    addresses: Addresses,
    data_dir: Path | None,
    cluster: embedded.Cluster | None,
) -> House:
    await _settle_schema(addresses, migrate=options.migrate)
    secret = secret_of(settings)
    now = datetime.now(UTC)
    database = await Database.open(addresses.runtime, owner_url=addresses.owner, hot_connections=1, connections=2)
    try:
        root = await bootstrap.settle_secret(database, secret, data_dir)
        vault = bootstrap.vault(root)
        await partitions.ensure_ahead(database, now)
        await bootstrap.settle_signing_keys(KeyKeeper(database, vault, settings.signing.plan()), now)
        for file in options.apply:
            await _apply(database, settings, file, now, vault)
        setup_link = await ensure_setup_link(database, settings.issuer_url, now)
        demo = None
        if options.demo:
            directory = data_dir or _own_directory(settings)
            demo = await settle_demo(database, settings, directory, options.demo_port, options.demo_mcp_port)
    finally:
        await database.close()
    return House(
        settings=settings,
        addresses=addresses,
        keys=bootstrap.server_keys(root),
        vault=vault,
        data_dir=data_dir,
        cluster=cluster,
        setup_link=setup_link,
        demo=demo,
    )


def _dangers(settings: Settings) -> tuple[str, ...]:
    """Return what the settings allow that no people who are real should meet."""
    switches = {"approved": settings.ciba.danger_auto_approve, "denied": settings.ciba.danger_auto_deny}
    named = ((what, ", ".join(people)) for what, people in switches.items() if people)
    return tuple(f"Requests to {people} are {what} by themselves." for what, people in named)


def _own_directory(settings: Settings) -> Path:
    """Return a directory of ours for a server whose database is elsewhere."""
    directory = settings.data_dir or DEFAULT_DATA_DIR
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    return directory


async def _settle_schema(addresses: Addresses, *, migrate: bool) -> None:
    """Apply what is pending when asked to; otherwise refuse to run on a schema that does not serve this version."""
    state = await condition.schema_state(addresses.runtime)
    if migrate and state.revision < schema.CODE_SCHEMA:
        from app import migrations  # Alembic takes a quarter of a second to import, and most starts need none of it

        await migrations.upgrade(addresses.owner, addresses.runtime_role)
    else:
        schema.require_servable(state)


async def _apply(database: Database, settings: Settings, file: Path, now: datetime, vault: Vault) -> None:
    """Apply a data file; what was generated is printed, since it stands nowhere else."""
    passwords = PasswordQueue(threads=1)
    try:
        data = data_file.read(file, settings.scope_registry(), settings.role_set(), settings.signing.algorithms)
        report = await data_file.apply(database, passwords, data, Operator("serve --apply", now), vault=vault)
    finally:
        passwords.close()
    print("\n".join(apply.lines(report, dry_run=False)), flush=True)
