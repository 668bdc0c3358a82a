"""The tables of the dataset `chats`, in schema `directory`."""

from consumer.store.migrations import run_sql

revision = "chats_0001"
down_revision = None
branch_labels = ("chats",)
depends_on = None


def upgrade() -> None:
    """Make them."""
    run_sql(__file__, "chats_0001.sql")
