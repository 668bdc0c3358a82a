"""Alembic's entry: runs the revisions on the connection that `consumer.store.migrate` hands over."""

from alembic import context

context.configure(
    connection=context.config.attributes["connection"],
    version_table="revisions",
    version_table_schema="migration",
    transaction_per_migration=True,
)
with context.begin_transaction():
    context.run_migrations()
