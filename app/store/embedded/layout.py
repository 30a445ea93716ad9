"""The data directory: what stands where, with which owner and mode, and where the socket goes when the path is long."""

import contextlib
import hashlib
import os
import stat
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from app.store.embedded import account as accounts
from app.store.embedded import programs
from app.store.embedded.account import Account
from app.store.embedded.errors import EmbeddedError
from app.store.embedded.targets import PORT

SOCKET_PATH_LIMIT = 103 if sys.platform == "darwin" else 107
"""Bytes of a unix socket's path (`sun_path`)."""

SEPARATORS = frozenset(b",:")
"""Clients read a host with one of these as several hosts, or as host and port."""


@dataclass(frozen=True, slots=True)
class Layout:
    """The names below an absolute data directory."""

    data: Path

    @property
    def pg(self) -> Path:
        """The cluster: 0700, of the uid that runs postgres."""
        return self.data / "pg"

    @property
    def draft(self) -> Path:
        """Where a cluster is made; it becomes `pg` as the last act of making it."""
        return self.data / "pg.new"

    @property
    def run(self) -> Path:
        """The socket's directory: 0700, of the uid that runs postgres."""
        return self.data / "run"

    @property
    def passwords(self) -> Path:
        """The passwords of the database roles: 0600, ours."""
        return self.data / "postgres.password"

    @property
    def initdb_password(self) -> Path:
        """The superuser's password while initdb runs: 0600, of the uid that runs it."""
        return self.data / "initdb.password"

    @property
    def log(self) -> Path:
        """What postgres says: 0600, ours."""
        return self.data / "postgres.log"

    @property
    def start_lock(self) -> Path:
        """Held while starting or joining."""
        return self.data / "start.lock"

    @property
    def owner_lock(self) -> Path:
        """Held by the owner and every process of the cluster."""
        return self.data / "owner.lock"

    @property
    def parent_lock(self) -> Path:
        """Held by the owner alone: tells an owner's cluster from an orphan."""
        return self.data / "parent.lock"


def of(data_dir: Path) -> Layout:
    """Return the layout of a data directory; links are resolved, so that two spellings are one directory."""
    data = data_dir.resolve()
    if "\n" in str(data):  # postmaster.pid is read by lines
        raise EmbeddedError(f"The data directory {str(data)!r} contains a line break: choose another name.")
    return Layout(data)


def default_data_dir(preferred: Path, system_dir: Path = programs.SYSTEM_DIR) -> Path:
    """Return `preferred`, or `system_dir/data` when we are root and the uid that runs postgres cannot reach it.

    For an unconfigured data directory only: `start` refuses a configured one that cannot be reached.
    """
    layout = of(preferred)
    if os.geteuid() == 0 and accounts.obstacle(layout.pg, Account(accounts.NOBODY, accounts.NOBODY, dropped=True)):
        return system_dir / "data"
    return preferred


def prepare(layout: Layout) -> None:
    """Make the data directory (0711, since as root a lower uid passes through it); missing parents alike.

    Raises EmbeddedError when it cannot be made, is shared with others, or lies where a dropped uid cannot go.
    """
    account = accounts.for_cluster(layout.pg)
    barrier = accounts.obstacle(layout.data, account)
    if barrier is not None:
        raise EmbeddedError(
            f"The data directory {layout.data} cannot be reached by uid {account.uid}, which runs PostgreSQL, "
            f"because of {barrier} (mode {stat.S_IMODE(barrier.stat().st_mode):04o}): run `chmod o+x {barrier}`, "
            f"or set ASSENT_DATA_DIR to a directory such as {programs.SYSTEM_DIR / 'data'}."
        )
    try:
        for directory in reversed([layout.data, *layout.data.parents]):
            if not directory.exists():
                directory.mkdir()
                directory.chmod(0o711)
        status = layout.data.stat()
        if status.st_mode & stat.S_ISVTX:
            raise EmbeddedError(f"The data directory {layout.data} is shared (sticky bit): choose one of its own.")
        if stat.S_IMODE(status.st_mode) != 0o711:
            layout.data.chmod(0o711)
    except OSError as error:
        raise EmbeddedError(
            f"The data directory {layout.data} cannot be used ({error.strerror}: {error.filename}): "
            f"give it to uid {os.geteuid()}, or set ASSENT_DATA_DIR to another one."
        ) from None


def socket_directory(layout: Layout, account: Account) -> Path:
    """Return the directory for the socket: `run`, or a private one in the temp directory when `run` does not do."""
    for directory in (layout.run, private_directory(layout)):
        name = os.fsencode(socket_path(directory))
        if len(name) <= SOCKET_PATH_LIMIT and not SEPARATORS.intersection(name):
            _make_private(directory, account, inside=directory == layout.run)
            return directory
    raise EmbeddedError(
        f"The socket's path in {private_directory(layout)} is longer than {SOCKET_PATH_LIMIT} bytes "
        "or has a comma or colon in it: set TMPDIR to a short plain directory, or choose such a data directory."
    )


def private_directory(layout: Layout) -> Path:
    """Return the name of this data directory's place in the temp directory."""
    return Path(tempfile.gettempdir()) / f"assent-{hashlib.sha256(os.fsencode(layout.data)).hexdigest()[:16]}"


def socket_path(directory: Path) -> Path:
    """Return the socket that PostgreSQL makes in a directory."""
    return directory / f".s.PGSQL.{PORT}"


def remove_stale(layout: Layout, directory: Path) -> None:
    """Remove what a cluster left behind; only for whoever holds the owner lock, the proof that nobody is in.

    PostgreSQL itself would believe a left-over pid that by now belongs to another process, or to a zombie.
    """
    socket = socket_path(directory)
    for path in (layout.pg / "postmaster.pid", socket, socket.with_name(f"{socket.name}.lock")):
        path.unlink(missing_ok=True)


def forget_private(layout: Layout) -> None:
    """Remove the directory in the temp directory, if there is one and it is empty."""
    with contextlib.suppress(OSError):
        private_directory(layout).rmdir()


def make_owned(directory: Path, account: Account) -> None:
    """Make a directory 0700 for the account."""
    directory.mkdir(mode=0o700)
    accounts.give(directory, account)


def _make_private(directory: Path, account: Account, *, inside: bool) -> None:
    """Make the directory or judge the one that is there: no link, of the account, closed to everybody else.

    `inside` the data directory only we could have made it, and root may give it away again.
    """
    with contextlib.suppress(FileExistsError):
        make_owned(directory, account)
    status = directory.lstat()
    if stat.S_ISDIR(status.st_mode) and (status.st_uid == os.geteuid() or inside):
        accounts.give(directory, account)  # a start was cut short, or the cluster has got another owner
        status = directory.lstat()
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != account.uid or stat.S_IMODE(status.st_mode) != 0o700:
        raise EmbeddedError(
            f"{directory} is not a directory of uid {account.uid} with mode 0700, "
            "so the database's socket is not safe in it: remove it."
        )
