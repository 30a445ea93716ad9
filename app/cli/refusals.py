"""What a command cannot do, as one sentence on standard error instead of a traceback."""

from collections.abc import Iterator
from contextlib import contextmanager


class Refused(Exception):
    """The command ends with status 1; `str()` is what the operator reads."""


@contextmanager
def refusals() -> Iterator[None]:
    """Turn the errors that carry a sentence for the operator into `Refused`."""
    try:
        yield
    except Exception as error:
        if isinstance(error, _sentences()):
            raise Refused(str(error)) from error
        raise


def _sentences() -> tuple[type[Exception], ...]:
    """The errors whose text is such a sentence; imported only when one is judged, because a start has no time."""
    from app.migrations import MayNotMigrate, MigrationBusy, SchemaPending, SchemaTooNew
    from app.services.accounts import Refused as AccountRefused
    from app.services.bootstrap import SecretRefused
    from app.services.data_file.document import DataFileError
    from app.services.legacy_import import ImportStopped, LegacyFileError
    from app.settings import SettingsError
    from app.store.condition import DatabaseAway
    from app.store.embedded import EmbeddedError
    from app.store.legacy_source import LegacyDatabaseAway

    return (
        *(AccountRefused, DatabaseAway, DataFileError, EmbeddedError, ImportStopped, MayNotMigrate, MigrationBusy),
        *(LegacyDatabaseAway, LegacyFileError, SchemaPending, SchemaTooNew, SecretRefused, SettingsError),
    )
