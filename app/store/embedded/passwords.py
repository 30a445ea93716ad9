"""The passwords of the three database roles: made once, kept 0600, compared with what PostgreSQL stored.

The file has the format of libpq's password file, so `PGPASSFILE=data/postgres.password psql -h data/run -U assent`
works for whoever may read it.
"""

import base64
import hashlib
from pathlib import Path

from app.crypto import hashing, secrets
from app.store.embedded.errors import EmbeddedError
from app.store.embedded.private_file import write_private
from app.store.embedded.targets import OWNER, RUNTIME, SUPERUSER

ROLES = (SUPERUSER, OWNER, RUNTIME)
ITERATIONS = 4096


def ensure(path: Path) -> dict[str, str]:
    """Return the password of each role out of `path`, which is made and fsynced when it does not exist."""
    if not path.exists():
        made = {role: base64.urlsafe_b64encode(secrets.random_bytes()).rstrip(b"=").decode() for role in ROLES}
        write_private(path, "".join(f"*:*:*:{role}:{password}\n" for role, password in made.items()))
    return read(path)


def read(path: Path) -> dict[str, str]:
    """Return the password of each role; raises EmbeddedError when the file is lost, unreadable or incomplete."""
    try:
        lines = path.read_text().splitlines()
    except FileNotFoundError:
        raise EmbeddedError(
            f"The database's passwords are lost: put {path} back from a backup, "
            "or move the data directory away to begin with an empty database."
        ) from None
    except OSError as error:
        raise EmbeddedError(
            f"{path} cannot be read ({error.strerror}): run this command as the user who runs the server."
        ) from None
    found = {fields[3]: fields[4] for fields in (line.split(":") for line in lines) if len(fields) == 5}
    if not found.keys() >= set(ROLES):
        raise EmbeddedError(f"{path} lacks the password of one of {', '.join(ROLES)}: restore it from a backup.")
    return {role: found[role] for role in ROLES}


def verifier(password: str, salt: bytes | None = None, iterations: int = ITERATIONS) -> str:
    """Return what PostgreSQL stores for a password (RFC 5803), so that statements and logs never carry the password."""
    salt = secrets.random_bytes(16) if salt is None else salt
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, iterations)
    stored = hashlib.sha256(hashing.keyed(salted, b"Client Key")).digest()
    server = hashing.keyed(salted, b"Server Key")
    encode = base64.b64encode
    return f"SCRAM-SHA-256${iterations}:{encode(salt).decode()}${encode(stored).decode()}:{encode(server).decode()}"


def verifies(stored: str | None, password: str) -> bool:
    """Whether `stored`, out of pg_authid, is the verifier of this password."""
    if stored is None or not stored.startswith("SCRAM-SHA-256$"):
        return False
    iterations, _, salt = stored.split("$")[1].partition(":")
    return hashing.matches(verifier(password, base64.b64decode(salt), int(iterations)).encode(), stored.encode())
