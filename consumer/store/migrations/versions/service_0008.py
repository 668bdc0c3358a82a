"""A stored batch changes no index of `jobs`."""

from consumer.store.migrations import run_sql

revision = "service_0008"
down_revision = "service_0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Drop the index of what every batch changes; in a transaction that holds no other lock of the table."""
    run_sql(__file__, "service_0008.sql")
