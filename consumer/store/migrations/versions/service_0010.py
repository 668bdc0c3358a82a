"""What a record of bounded size does not tell by itself: kinds of cells, cuts, the columns of the source."""

from consumer.store.migrations import run_sql

revision = "service_0010"
down_revision = "service_0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns; replicas of the version before leave them empty."""
    run_sql(__file__, "service_0010.sql")
