"""Alembic's entry point. The connection comes from `app.migrations.runner`; without one the SQL is only written out."""

from alembic import context
from sqlalchemy import Connection
from sqlmodel import SQLModel

import app.models  # noqa: F401 -- registers the tables

connection: Connection | None = context.config.attributes.get("connection")
if connection is None:
    # With the usual parameter style every % of the SQL would be written twice.
    context.configure(
        dialect_name="postgresql", dialect_opts={"paramstyle": "named"}, target_metadata=SQLModel.metadata
    )
else:
    context.configure(connection=connection, target_metadata=SQLModel.metadata, transaction_per_migration=True)
with context.begin_transaction():
    context.run_migrations()
