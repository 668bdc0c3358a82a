"""The service's own tables."""

from consumer.store.migrations import run_sql

revision = "service_0001"
down_revision = None
branch_labels = ("service",)
depends_on = None


def upgrade() -> None:
    """Make them."""
    run_sql(__file__, "service_0001.sql")
