"""The server that runs on this data directory, as other commands find it."""

from app.cli.connection import DEFAULT_DATA_DIR
from app.settings import Settings
from app.store import embedded
from app.store.embedded import layout, locks


def running_issuer(settings: Settings) -> str:
    """Return the issuer: the configured one, else that of the server which owns the embedded database."""
    if settings.issuer is None and settings.database_url is None:
        data_dir = settings.data_dir or embedded.default_data_dir(DEFAULT_DATA_DIR)
        _pid, label = locks.holder(layout.of(data_dir))
        if label.startswith(("http://", "https://")):
            return label
    return settings.issuer_url
