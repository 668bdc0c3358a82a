"""Entry point of Alembic: runs the revisions on the connection passed by `consumer.store.migrate`."""

from alembic import context

context.configure(
    connection=context.config.attributes["connection"],
    version_table="alembic_version",
    version_table_schema="migration",
    transaction_per_migration=True,
)
with context.begin_transaction():
    context.run_migrations()
