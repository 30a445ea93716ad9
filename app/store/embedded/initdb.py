"""Making a cluster: initdb into a draft directory, which gets its name as the last act.

initdb cleans up after its own failure, not after being killed; a draft that is found is thrown away and made again.
"""

import os
import shutil
import signal
from collections.abc import Sequence
from pathlib import Path

from app.store.embedded import account as accounts
from app.store.embedded import process, programs
from app.store.embedded.account import Account
from app.store.embedded.errors import EmbeddedError
from app.store.embedded.layout import Layout, make_owned
from app.store.embedded.programs import Binaries
from app.store.embedded.targets import SUPERUSER

SETTINGS = """\
# Written once by Assent, when this cluster was made.
listen_addresses = ''
unix_socket_permissions = 0700
wal_level = minimal
max_wal_senders = 0
max_logical_replication_workers = 0
log_checkpoints = off
log_error_verbosity = terse  # without the row that an error would quote
max_connections = 60
"""

OPTIONS = (
    f"--username={SUPERUSER}",
    "--auth-local=scram-sha-256",
    "--auth-host=reject",
    "--encoding=UTF8",
    "--locale=C",
    "--no-instructions",
)

NAMELESS = "could not look up effective user ID"
"""What initdb says when the uid has no passwd entry; postgres itself needs none."""


class NamelessUser(EmbeddedError):
    """initdb refuses a uid without a passwd entry."""


def make(
    layout: Layout,
    account: Account,
    binaries: Binaries,
    password: str,
    *,
    lock: int | None = None,
    durable: bool = True,
    prefix: Sequence[str | Path] = (),
) -> None:
    """Run initdb into `layout.draft`, with this superuser password and our settings.

    `prefix` is a command to run initdb under. `lock` is inherited, so that an initdb whose starter was killed holds
    the next start back. Raises NamelessUser or EmbeddedError with initdb's own words.
    """
    discard(layout)
    make_owned(layout.draft, account)
    layout.initdb_password.unlink(missing_ok=True)
    descriptor = os.open(layout.initdb_password, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(password)
        accounts.give(descriptor, account)
    place = [f"--pgdata={layout.draft}", f"--pwfile={layout.initdb_password}"]
    try:
        status, said = accounts.run(
            [*prefix, binaries.initdb, *place, *OPTIONS, *([] if durable else ["--no-sync"])],
            account,
            pass_fds=() if lock is None else (lock,),
            new_session=True,
            before_exec=process.end_with_parent(signal.SIGKILL),
        )
    finally:
        layout.initdb_password.unlink(missing_ok=True)
    if status != 0:
        discard(layout)
        if NAMELESS in said:
            raise NamelessUser(f"initdb cannot run as uid {account.uid}, which has no passwd entry.")
        raise EmbeddedError(
            f"PostgreSQL could not make a database in {layout.data} ({_reason(said)}): "
            "put that right, or set ASSENT_DATABASE_URL to a PostgreSQL of your own."
        )
    _configure(layout.draft, binaries)


def sync(cluster: Path, account: Account, binaries: Binaries) -> None:
    """Bring a cluster that did not come from initdb to the disk as initdb does; this needs no passwd entry."""
    status, said = accounts.run([binaries.initdb, "--sync-only", f"--pgdata={cluster}"], account)
    if status != 0:
        raise EmbeddedError(
            f"{cluster} could not be written to disk ({_reason(said)}): see to the disk and start again."
        )


def discard(layout: Layout) -> None:
    """Remove a draft, however far it came."""
    if os.path.lexists(layout.draft):
        shutil.rmtree(layout.draft)


def _configure(cluster: Path, binaries: Binaries) -> None:
    """Put our settings where ALTER SYSTEM can change them; the file exists and keeps its owner."""
    descriptor = os.open(cluster / "postgresql.auto.conf", os.O_WRONLY | os.O_TRUNC | os.O_NOFOLLOW)
    with os.fdopen(descriptor, "w") as file:
        file.write(SETTINGS + ("io_method = sync\n" if binaries.major >= 18 else ""))
        file.flush()
        os.fsync(descriptor)


def _reason(said: str) -> str:
    """Return the line in which initdb says why, without its closing remarks."""
    telling = (line for line in said.splitlines() if any(word in line for word in ("error:", "FATAL:", "PANIC:")))
    return next(telling, programs.last_line(said)).strip()
