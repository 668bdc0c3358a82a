"""Waiting jobs whose time is over are found by an index."""

from consumer.store.migrations import run_sql

revision = "service_0007"
down_revision = "service_0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the index."""
    run_sql(__file__, "service_0007.sql")
