"""Start, join and stop the embedded PostgreSQL; the order of a start is read downwards in `start`."""

import os
import shutil
import threading
from pathlib import Path

from app.store.embedded import account as accounts
from app.store.embedded import bootstrap, initdb, locks, process, programs, targets, template
from app.store.embedded import layout as layouts
from app.store.embedded import passwords as secret
from app.store.embedded.account import Account
from app.store.embedded.errors import EmbeddedError
from app.store.embedded.layout import Layout
from app.store.embedded.locks import Ownership
from app.store.embedded.private_file import sync_directory
from app.store.embedded.process import Postmaster
from app.store.embedded.programs import Binaries
from app.store.embedded.targets import SUPERUSER, ConnectionTarget, ConnectionTargets


class Cluster:
    """A database that this process owns, until `stop` or until this process ends."""

    __slots__ = ("_layout", "_ownership", "_postmaster", "targets")

    def __init__(
        self, layout: Layout, postmaster: Postmaster, ownership: Ownership, targets: ConnectionTargets
    ) -> None:
        self._layout = layout
        self._postmaster = postmaster
        self._ownership: Ownership | None = ownership
        self.targets = targets

    @property
    def owner_dsn(self) -> ConnectionTarget:
        """For migrations and partitions: the role that owns the database."""
        return self.targets.owner

    @property
    def runtime_dsn(self) -> ConnectionTarget:
        """For serving: a role that owns nothing."""
        return self.targets.runtime

    @property
    def superuser_dsn(self) -> ConnectionTarget:
        """For upgrades, and for tests that make databases of their own."""
        return self.targets.superuser

    @property
    def pid(self) -> int:
        """The process id of the postmaster."""
        return self._postmaster.pid

    def poll(self) -> int | None:
        """Return postgres's exit status when it has ended (negative: the signal that ended it), else None."""
        return self._postmaster.poll()

    def stop(self) -> None:
        """Shut postgres down (fast), return when it has ended and give the data directory free; again: nothing."""
        self._postmaster.stop()
        ownership, self._ownership = self._ownership, None
        if ownership is not None:
            layouts.forget_private(self._layout)
            ownership.release()


def start(
    data_dir: Path,
    *,
    owner_label: str = "",
    durable: bool = True,
    binaries: Binaries | None = None,
    system_dir: Path = programs.SYSTEM_DIR,
    die_with_parent: bool = True,
) -> Cluster:
    """Start the database of a data directory, made on first use, and return when it accepts connections.

    Call it from the main thread: with `die_with_parent` the kernel (Linux) shuts postgres down when the *thread* that
    started it ends, and without it an orphan runs until the next start. `owner_label` (the server's URL) is what a
    second start is told. `durable=False` is for tests: a power cut may lose everything. `system_dir` is where copies
    of the programs and the template are. Raises AlreadyRunning or EmbeddedError.
    """
    if die_with_parent and threading.current_thread() is not threading.main_thread():
        raise RuntimeError("the embedded database must be started from the main thread, or it would end with this one")
    layout = layouts.of(data_dir)
    layouts.prepare(layout)
    with locks.starting(layout):
        ownership = locks.become_owner(layout, owner_label)
        try:
            account = accounts.for_cluster(layout.pg)
            chosen = programs.choose(layout.pg, None if binaries is None else (binaries,))
            chosen = programs.within_reach(chosen, account, system_dir)
            socket_dir = layouts.socket_directory(layout, account)
            layouts.remove_stale(layout, socket_dir)
            passwords = _passwords(layout)
            if not layout.pg.exists():
                _make(layout, account, chosen, passwords[SUPERUSER], socket_dir, ownership, durable, system_dir)
            postmaster = process.launch(
                layout.pg,
                socket_dir,
                layout.log,
                account,
                chosen,
                ownership.descriptor,
                durable=durable,
                die_with_parent=die_with_parent,
            )
            try:
                found = targets.of(str(socket_dir), passwords)
                bootstrap.ensure(found.superuser, passwords)
            except BaseException:
                postmaster.stop()
                raise
        except OSError as error:
            ownership.release()
            raise EmbeddedError(
                f"The data directory {layout.data} cannot be used ({error.strerror}: {error.filename}): "
                "put that right and start again."
            ) from error
        except BaseException:
            ownership.release()
            raise
    return Cluster(layout, postmaster, ownership, found)


def guest(data_dir: Path) -> ConnectionTargets:
    """Return the way to the database that another live process owns; waits for a start that is under way.

    Raises EmbeddedError when nobody runs it, or when this user may not join.
    """
    layout = layouts.of(data_dir)
    nobody = EmbeddedError(f"No server runs on {layout.data}: start `assent serve`, or set ASSENT_DATABASE_URL.")
    try:
        layout.start_lock.lstat()
    except (FileNotFoundError, NotADirectoryError):
        raise nobody from None
    except OSError as error:
        raise EmbeddedError(
            f"{layout.data} cannot be reached ({error.strerror}): run as the user who runs the server."
        ) from None
    with locks.starting(layout):
        if not locks.owner_lives(layout):
            raise nobody
        try:
            socket_dir = process.socket_directory_of(layout.pg)
        except PermissionError:
            raise EmbeddedError(f"{layout.pg} cannot be read: run as the user who runs the server.") from None
        if socket_dir is None:
            pid, _ = locks.holder(layout)
            raise EmbeddedError(
                f"The server on {layout.data} (pid {pid}) has lost its database: stop and start it again."
            )
        return targets.of(str(socket_dir), secret.read(layout.passwords))


def _passwords(layout: Layout) -> dict[str, str]:
    """Return the passwords, made before the cluster is: a cluster without them could never be opened."""
    return secret.read(layout.passwords) if layout.pg.exists() else secret.ensure(layout.passwords)


def _make(
    layout: Layout,
    account: Account,
    binaries: Binaries,
    password: str,
    socket_dir: Path,
    ownership: Ownership,
    durable: bool,
    system_dir: Path,
) -> None:
    """Make the cluster by initdb; without a passwd entry from the template, or by initdb under another name."""
    lock = ownership.descriptor
    try:
        initdb.make(layout, account, binaries, password, lock=lock, durable=durable)
    except initdb.NamelessUser:
        path = template.place(binaries, system_dir)
        if path.exists():
            template.unpack(path, layout, account)
            postmaster = process.launch(layout.draft, socket_dir, layout.log, account, binaries, lock, durable=durable)
            try:
                known = ConnectionTarget(str(socket_dir), targets.PORT, SUPERUSER, template.PASSWORD, SUPERUSER)
                bootstrap.change_password(known, password)
            finally:
                postmaster.stop()
            if durable:
                initdb.sync(layout.draft, account, binaries)
        else:
            _make_mapped(layout, account, binaries, password, path, lock=lock, durable=durable)
    os.rename(layout.draft, layout.pg)
    sync_directory(layout.data)


def _make_mapped(
    layout: Layout, account: Account, binaries: Binaries, password: str, path: Path, *, lock: int, durable: bool
) -> None:
    """Run initdb as somebody with a passwd entry, in a user namespace, where the kernel allows it."""
    unshare = shutil.which("unshare")
    try:
        if unshare is None:
            raise EmbeddedError("unshare is not installed")
        prefix = (unshare, "--user", f"--map-user={accounts.NOBODY}", f"--map-group={accounts.NOBODY}")
        initdb.make(layout, account, binaries, password, lock=lock, durable=durable, prefix=prefix)
    except EmbeddedError:
        raise EmbeddedError(
            f"PostgreSQL cannot make a database in {layout.data} as uid {account.uid}, which has no passwd entry: "
            f"add one (`useradd --uid {account.uid} assent`), or let the image build make the template cluster {path}."
        ) from None
