"""Waiting jobs whose time is over are found by an index, and a stored batch changes no index."""

from consumer.store.migrations import run_sql

revision = "service_0007"
down_revision = "service_0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the one index and drop the other."""
    run_sql(__file__, "service_0007.sql")
