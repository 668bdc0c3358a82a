"""The merge for one type of source."""

from consumer.datasets.base import Merge
from consumer.datasets.chats import stages
from consumer.datasets.chats.merge import changes, dimensions, rows
from consumer.datasets.chats.merge.conditions import SAME_CHAT, STAYS, same_administrator
from consumer.datasets.chats.merge.links import about_groups
from consumer.datasets.chats.merge.session import SESSION
from consumer.datasets.chats.tags import lower_tags, tag


def merge(source_type: str) -> Merge:
    """The statements with the tag of this type of source; RequestRefused where there is none."""
    statements = (*dimensions.STATEMENTS, *rows.STATEMENTS, *changes.STATEMENTS)
    return Merge(
        session=SESSION,
        stages=stages.of(source_type),
        statements=tuple(_filled_in(statement, source_type) for statement in statements),
        counts=changes.COUNTS,
    )


def _filled_in(statement: str, source_type: str) -> str:
    """The conditions and the tag, put in for their names; tags are ours, never a user's."""
    names = about_groups(source_type) | {
        ":same_chat": SAME_CHAT,
        ":same_administrator": same_administrator(source_type),
        ":stays": STAYS,
        ":lower": "'{" + ",".join(lower_tags(source_type)) + "}'::text[]",
        ":tag": f"'{tag(source_type)}'",
    }
    for name, meaning in names.items():
        statement = statement.replace(name, meaning)
    return statement
