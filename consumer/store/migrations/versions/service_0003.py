"""What is pruned leaves its request id behind, and is found by its age."""

from consumer.store.migrations import run_sql

revision = "service_0003"
down_revision = "service_0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table and the indexes."""
    run_sql(__file__, "service_0003.sql")
