"""Columns for dry runs, limits of rejected rows, and jobs that store all rows or none."""

from consumer.store.migrations import run_sql

revision = "migration_0003"
down_revision = "migration_0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns, and let the counters of a check differ from those of a load."""
    run_sql(__file__, "migration_0003.sql")
