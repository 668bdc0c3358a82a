"""Buckets of tokens for calls that are counted elsewhere."""

from consumer.store.migrations import run_sql

revision = "service_0002"
down_revision = "service_0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make them."""
    run_sql(__file__, "service_0002.sql")
