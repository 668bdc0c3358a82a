"""Needs of jobs, and corrections of rejected rows; only adds, so that replicas of both versions can run."""

from consumer.store.migrations import run_sql

revision = "migration_0002"
down_revision = "migration_0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns, and let the check of completed jobs count rows of corrections."""
    run_sql(__file__, "migration_0002.sql")
