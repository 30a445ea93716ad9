"""The embedded PostgreSQL: one cluster in the data directory, owned by the process that starts it (storage.md §1)."""

from app.store.embedded.errors import AlreadyRunning, EmbeddedError
from app.store.embedded.launcher import Cluster, guest, start
from app.store.embedded.layout import default_data_dir
from app.store.embedded.programs import SYSTEM_DIR, Binaries
from app.store.embedded.programs import at as binaries_at
from app.store.embedded.programs import find as find_binaries
from app.store.embedded.targets import ConnectionTarget, ConnectionTargets
from app.store.embedded.template import make as make_template

__all__ = [
    "SYSTEM_DIR",
    "AlreadyRunning",
    "Binaries",
    "Cluster",
    "ConnectionTarget",
    "ConnectionTargets",
    "EmbeddedError",
    "binaries_at",
    "default_data_dir",
    "find_binaries",
    "guest",
    "make_template",
    "start",
]
