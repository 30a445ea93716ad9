"""The server that runs on this data directory, as other commands find it."""

from app.cli.connection import embedded_data_dir
from app.settings import Settings
from app.store.embedded import layout, locks


def running_issuer(settings: Settings) -> str:
    """Return the issuer: the configured one, else that of the server which owns the embedded database."""
    if settings.issuer is None and settings.database_url is None:
        _pid, label = locks.holder(layout.of(embedded_data_dir(settings)))
        if label.startswith(("http://", "https://")):
            return label
    return settings.issuer_url
