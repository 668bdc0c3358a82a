"""All messages about jobs are bounded: what was written before is looked at while the replicas work."""

from consumer.store.migrations import run_sql

revision = "service_0006"
down_revision = "service_0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Cut what came while the constraint was added, and validate it."""
    run_sql(__file__, "service_0006.sql")
