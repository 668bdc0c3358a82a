"""What a job without a required column found: the nearest headers, and a sample of its columns."""

from consumer.store.migrations import run_sql

revision = "migration_0004"
down_revision = "migration_0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add two columns and an index."""
    run_sql(__file__, "migration_0004.sql")
