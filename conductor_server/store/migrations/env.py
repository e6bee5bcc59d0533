"""What alembic runs: on the connection, and in the transaction, that ``store/upgrade.py`` hands it."""

from __future__ import annotations

from alembic import context

from conductor_server.store import schema

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=schema.metadata,
    transactional_ddl=True,
)
context.run_migrations()
