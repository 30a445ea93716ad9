"""The schema's history (Alembic), and the only code that changes it."""

from app.migrations.runner import (
    MayNotMigrate,
    MigrationBusy,
    Revision,
    SchemaPending,
    SchemaTooNew,
    check,
    pending,
    upgrade,
)

__all__ = ["MayNotMigrate", "MigrationBusy", "Revision", "SchemaPending", "SchemaTooNew", "check", "pending", "upgrade"]
