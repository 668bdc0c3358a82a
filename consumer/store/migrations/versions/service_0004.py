"""Keeps attempts, reasons of refusals, requested options, counts of rejected rows; indexes identifiers."""

from consumer.store.migrations import run_sql

revision = "service_0004"
down_revision = "service_0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the tables, columns and the index, and count the rejected rows stored so far."""
    run_sql(__file__, "service_0004.sql")
