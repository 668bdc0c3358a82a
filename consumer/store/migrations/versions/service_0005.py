"""Messages about jobs are bounded: those that are longer are cut, and no new one is taken."""

from consumer.store.migrations import run_sql

revision = "service_0005"
down_revision = "service_0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Cut what is too long, then add the constraint for what is written from now on."""
    run_sql(__file__, "service_0005.sql")
