"""A cluster in a file, for a uid without a passwd entry: initdb refuses such a uid, postgres does not.

An image build makes the file (`make`); a first start unpacks it. Its superuser password is known to everybody, so the
password is changed before the cluster gets its name.
"""

import gzip
import os
import shutil
import tarfile
import tempfile
import zlib
from pathlib import Path, PurePosixPath

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
    """Unpack the template into `layout.draft` as the account's; its superuser password is PASSWORD.

    Written out by hand, because tarfile's safe extraction came with 3.11.4: plain files and directories only, none
    outside the draft, all of them the account's.
    """
    initdb.discard(layout)
    layouts.make_owned(layout.draft, account)
    try:
        with gzip.open(path) as content, tarfile.open(fileobj=content, mode="r:") as archive:
            for member in archive:
                _unpack_one(archive, member, layout.draft, account)
        if not (layout.draft / "PG_VERSION").is_file():
            raise tarfile.TarError("it holds no PostgreSQL cluster")
    except (OSError, EOFError, zlib.error, tarfile.TarError) as error:
        initdb.discard(layout)
        raise EmbeddedError(
            f"The template cluster {path} cannot be unpacked into {layout.data} ({error}): make the template again."
        ) from None


def _unpack_one(archive: tarfile.TarFile, member: tarfile.TarInfo, draft: Path, account: Account) -> None:
    """Write one member; links, devices and paths that lead elsewhere are an error."""
    name = PurePosixPath(member.name)
    if name.is_absolute() or ".." in name.parts or not (member.isdir() or member.isreg()):
        raise tarfile.TarError(f"{member.name} does not belong in it")
    path = draft / name
    if path == draft:
        return
    if member.isdir():
        layouts.make_owned(path, account)
        return
    content = archive.extractfile(member)
    assert content is not None  # noqa: S101 -- it is None only for what is no regular file
    with content, os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        shutil.copyfileobj(content, file)
        accounts.give(file.fileno(), account)
