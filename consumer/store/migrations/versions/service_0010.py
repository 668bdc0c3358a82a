"""What a bounded record does not hold: the kinds of its cells, what was cut, the columns of the source."""

from consumer.store.migrations import run_sql

revision = "service_0010"
down_revision = "service_0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns; replicas of the version before leave them empty."""
    run_sql(__file__, "service_0010.sql")
