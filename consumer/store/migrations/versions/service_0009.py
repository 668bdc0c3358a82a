"""Rejected and refused rows carry the number of their load in their key."""

from alembic import op

from consumer.store.migrations import run_sql, run_sql_outside_transaction

revision = "service_0009"
down_revision = "service_0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the numbers, build the new keys while the replicas work, then exchange the keys.

    Three transactions, each of which may be repeated: one that does not get its locks is rolled back alone.
    """
    with op.get_context().autocommit_block():
        run_sql(__file__, "service_0009_columns.sql")
        run_sql_outside_transaction(__file__, "service_0009_indexes.sql")
    run_sql(__file__, "service_0009_keys.sql")
