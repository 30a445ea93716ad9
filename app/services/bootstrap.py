"""What must exist before the first request: the root secret, the keys that follow from it, and partitions.

The root secret is never stored in the database; a keyed check value is, so that a changed or lost secret is noticed at
the start, instead of by every user at once.
"""

import secrets
from datetime import datetime
from functools import partial
from pathlib import Path

from app.crypto.derivation import derive_key
from app.crypto.envelope import Vault, open_vault
from app.crypto.hashing import keyed, matches
from app.protocol.tokens.refresh_chain import ServerKeys
from app.services.signing_keys import KeyKeeper, audit_of_key
from app.store import server_meta
from app.store.database import Database
from app.store.embedded.private_file import write_private
from app.store.orders import Actor

SECRET_FILE = "secret.key"
SHORTEST_SECRET = 32
"""Characters; `assent` makes 43, which are 256 random bits."""

_CHECK = "root_secret.check"
REFRESH_KEY_VERSION = 1


class SecretRefused(Exception):
    """The root secret is missing, unsafe or not the one that this database was begun with; `str()` is a sentence."""


def read_secret(configured: str | None, data_dir: Path | None) -> str | None:
    """Return the root secret: the configured one, else that of the data directory, else None.

    `data_dir` is None without the embedded database: then the secret must be configured. Raises SecretRefused.
    """
    if configured is not None:
        if len(configured) < SHORTEST_SECRET:
            raise SecretRefused(
                f"ASSENT_SECRET_KEY has fewer than {SHORTEST_SECRET} characters: set 32 random bytes, "
                "for example the output of `openssl rand -base64 32`."
            )
        return configured
    if data_dir is None:
        raise SecretRefused(
            "ASSENT_SECRET_KEY is required with ASSENT_DATABASE_URL: set it, or ASSENT_SECRET_KEY_FILE, to 32 random "
            "bytes (`openssl rand -base64 32`), the same for every server on that database."
        )
    path = data_dir / SECRET_FILE
    try:
        secret = path.read_text("ascii").strip()
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise SecretRefused(f"{path} cannot be read ({error}): restore it from your backup.") from error
    if len(secret) < SHORTEST_SECRET:
        raise SecretRefused(f"{path} is damaged: restore it from your backup.")
    return secret


async def settle_secret(database: Database, secret: str | None, data_dir: Path | None) -> bytes:
    """Return the root secret as bytes, after comparing it with the database's check value.

    A database without one begins with this secret; when there is none either, a new one is written into the data
    directory first. Raises SecretRefused when it was lost or changed.
    """
    known = await server_meta.get(database, _CHECK)
    if secret is None:
        if data_dir is None:
            raise SecretRefused("There is no root secret: set ASSENT_SECRET_KEY.")
        if known is not None:
            raise SecretRefused(
                f"{data_dir / SECRET_FILE} is gone, and the tokens and keys in the database depend on it: restore it "
                "from your backup. Without it, everybody has to sign in again: then remove the data directory as well."
            )
        secret = secrets.token_urlsafe(32)
        write_private(data_dir / SECRET_FILE, f"{secret}\n")
    root = secret.encode("utf-8")
    check = check_value(root)
    if known is None:
        known = await server_meta.put_once(database, _CHECK, check)
    if not matches(known.encode("ascii"), check.encode("ascii")):
        raise SecretRefused(
            "The root secret is not the one that this database was begun with: set ASSENT_SECRET_KEY (or restore "
            f"{SECRET_FILE} in the data directory) to what it was before."
        )
    return root


def check_value(root: bytes) -> str:
    """Return what the database may know of the root secret: enough to recognise it, nothing to compute it from."""
    return keyed(derive_key(root, "root-secret-check/1"), b"assent").hex()


def server_keys(root: bytes) -> ServerKeys:
    """Return the keys that make refresh tokens, derived by label and version."""
    versions = range(1, REFRESH_KEY_VERSION + 1)
    return ServerKeys(
        current=REFRESH_KEY_VERSION,
        by_version={version: derive_key(root, f"refresh-key/{version}") for version in versions},
    )


def vault(root: bytes) -> Vault:
    """Return the keys that seal what must be readable again, derived by purpose."""
    return open_vault(root)


async def settle_signing_keys(keeper: KeyKeeper, now: datetime) -> None:
    """Make the signing keys that are missing; raises SecretRefused when those that are there cannot be opened."""
    if unreadable := await keeper.unreadable():
        raise SecretRefused(
            f"The signing keys {', '.join(unreadable)} were sealed under another root secret: set ASSENT_SECRET_KEY to "
            "what it was before. If it is lost, `assent keys retire KID` ends each of them, and tokens with it."
        )
    await keeper.keep(now, partial(audit_of_key, now, Actor("server", "start")))
