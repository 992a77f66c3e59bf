"""Alembic's environment: it runs on the connection, and in the transaction, it is given.

Migrations go forward only: what they would drop on the way back is the audit log and the consents.
"""

from alembic import context

from idp.storage.database import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    compare_type=True,
    compare_server_default=True,
)
with context.begin_transaction():
    context.run_migrations()
