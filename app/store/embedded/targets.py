"""Where to connect and as whom: what the launcher hands to pools, migrations and command-line programs."""

from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

PORT = 5432
"""Only a part of the socket's name; nothing listens on TCP."""

DATABASE = "assent"
SUPERUSER = "postgres"
OWNER = "assent"
RUNTIME = "assent_runtime"


@dataclass(frozen=True, slots=True)
class ConnectionTarget:
    """One role's way to the database; `host` is the directory of the unix socket. The password is not in the repr."""

    host: str
    port: int
    user: str
    password: str = field(repr=False)
    database: str

    def url(self, driver: str = "postgresql") -> str:
        """Return a URL for libpq, or for SQLAlchemy with `driver="postgresql+asyncpg"`. It carries the password."""
        credentials = f"{quote(self.user, safe='')}:{quote(self.password, safe='')}"
        return f"{driver}://{credentials}@/{self.database}?host={quote(self.host, safe='')}&port={self.port}"

    def asyncpg_kwargs(self) -> dict[str, Any]:
        """Return the arguments for `asyncpg.connect` and `asyncpg.create_pool`."""
        return {
            "host": self.host,
            "port": self.port,
            "user": self.user,
            "password": self.password,
            "database": self.database,
            "ssl": False,  # a unix socket; without this PGSSLMODE of the environment would decide
        }


@dataclass(frozen=True, slots=True)
class ConnectionTargets:
    """The three roles of a cluster: `owner` migrates, `runtime` serves, `superuser` is for bootstrap and upgrades."""

    owner: ConnectionTarget
    runtime: ConnectionTarget
    superuser: ConnectionTarget


def of(socket_dir: str, passwords: dict[str, str]) -> ConnectionTargets:
    """Return the targets behind the socket in `socket_dir`; the superuser's leads to the database `postgres`."""

    def target(role: str, database: str = DATABASE) -> ConnectionTarget:
        return ConnectionTarget(socket_dir, PORT, role, passwords[role], database)

    return ConnectionTargets(target(OWNER), target(RUNTIME), target(SUPERUSER, "postgres"))
