"""The tables of the dataset `chats`, in schema `directory`."""

from consumer.store.migrations import run_sql

revision = "directory_0001"
down_revision = None
branch_labels = ("directory",)
depends_on = None


def upgrade() -> None:
    """Create the schema and its tables."""
    run_sql(__file__, "directory_0001.sql")
