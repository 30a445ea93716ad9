"""Why the embedded database cannot be had: each error is one sentence with what, which path, and the remedy."""

from pathlib import Path


class EmbeddedError(Exception):
    """The embedded PostgreSQL cannot be started or joined; `str()` is one sentence for the operator."""


class AlreadyRunning(EmbeddedError):
    """Another live process owns the database of this data directory.

    `pid` is that process (0 when it did not say) and `label` what it calls itself, usually the server's URL.
    """

    def __init__(self, data_dir: Path, pid: int, label: str) -> None:
        who = ", ".join(part for part in (f"pid {pid}" if pid else "", label) if part)
        super().__init__(
            f"The database in {data_dir} is already running{f' ({who})' if who else ''}: "
            "stop that server first, or give this one a data directory of its own."
        )
        self.pid = pid
        self.label = label
