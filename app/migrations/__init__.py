"""The schema's history (Alembic), and the only code that changes it."""

from app.migrations.runner import MigrationBusy, Revision, SchemaPending, SchemaTooNew, check, pending, upgrade

__all__ = ["MigrationBusy", "Revision", "SchemaPending", "SchemaTooNew", "check", "pending", "upgrade"]
