"""A cluster in a file, for a uid without a passwd entry: initdb refuses such a uid, postgres does not.

An image build makes the file (`make`); a first start unpacks it. Its superuser password is known to everybody, so the
password is changed before the cluster gets its name.
"""

import gzip
import os
import tarfile
import tempfile
import zlib
from pathlib import Path

from app.store.embedded import account as accounts
from app.store.embedded import initdb, programs
from app.store.embedded import layout as layouts
from app.store.embedded.account import Account
from app.store.embedded.errors import EmbeddedError
from app.store.embedded.layout import Layout
from app.store.embedded.programs import Binaries

PASSWORD = "template"


def place(binaries: Binaries, system_dir: Path) -> Path:
    """Return where a first start looks for the template."""
    return system_dir / f"template-pg{binaries.major}.tar.gz"


def make(path: Path | None = None, binaries: Binaries | None = None, *, system_dir: Path = programs.SYSTEM_DIR) -> Path:
    """Make the template and return its path, by default the one where `start` looks. For image builds.

    Raises EmbeddedError when initdb cannot run here.
    """
    with tempfile.TemporaryDirectory(prefix="assent-template-") as folder:
        layout = layouts.of(Path(folder))
        layouts.prepare(layout)
        account = accounts.for_cluster(layout.pg)
        binaries = binaries or programs.choose(layout.pg)
        path = path or place(binaries, system_dir)
        initdb.make(layout, account, programs.within_reach(binaries, account, system_dir), PASSWORD, durable=False)
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_name(f"{path.name}.new")
        with tarfile.open(unfinished, "w:gz", compresslevel=6) as archive:
            archive.add(layout.draft, arcname=".")
        unfinished.chmod(0o644)  # whoever starts from the image reads it; it holds no secret
        os.replace(unfinished, path)
    return path


def unpack(path: Path, layout: Layout, account: Account) -> None:
    """Unpack the template into `layout.draft` as the account's; its superuser password is PASSWORD."""

    def owned(member: tarfile.TarInfo, destination: str) -> tarfile.TarInfo:
        safe = tarfile.data_filter(member, destination)
        mode = 0o700 if member.isdir() else 0o600
        return safe.replace(uid=account.uid, gid=account.gid, uname="", gname="", mode=mode, deep=False)

    initdb.discard(layout)
    layouts.make_owned(layout.draft, account)
    try:
        with gzip.open(path) as content, tarfile.open(fileobj=content, mode="r:") as archive:
            archive.extractall(layout.draft, numeric_owner=True, filter=owned)  # noqa: S202 -- filtered
    except (OSError, EOFError, zlib.error, tarfile.TarError) as error:
        initdb.discard(layout)
        raise EmbeddedError(
            f"The template cluster {path} cannot be unpacked into {layout.data} ({error}): make the template again."
        ) from None
    if not (layout.draft / "PG_VERSION").is_file():
        initdb.discard(layout)
        raise EmbeddedError(f"{path} holds no PostgreSQL cluster: make the template again.")
