"""The service's own tables, in schema `migration`."""

from consumer.store.migrations import run_sql

revision = "migration_0001"
down_revision = None
branch_labels = ("migration",)
depends_on = None


def upgrade() -> None:
    """Create the tables, their indexes and the trigger."""
    run_sql(__file__, "migration_0001.sql")
