"""The merge for one type of source."""

from consumer.datasets.base import MergePlan
from consumer.datasets.chats import staging
from consumer.datasets.chats.merge import dimensions, insert_rows, update_rows
from consumer.datasets.chats.merge.conditions import KEEPS_ORG_UNIT, SAME_CHAT, same_administrator
from consumer.datasets.chats.merge.group_clauses import group_clauses
from consumer.datasets.chats.merge.temp_tables import CREATE_TEMP_TABLES
from consumer.datasets.chats.source_tags import source_tag, weaker_tags


def make_merge_plan(source_type: str) -> MergePlan:
    """The statements with the tag of this type of source; RequestRefused where there is none."""
    statements = (*dimensions.STATEMENTS, *insert_rows.STATEMENTS, *update_rows.STATEMENTS)
    return MergePlan(
        create_temp_tables=CREATE_TEMP_TABLES,
        staging_tables=staging.staging_tables(source_type),
        statements=tuple(_render(statement, source_type) for statement in statements),
        counts_query=update_rows.COUNTS_QUERY,
    )


def _render(statement: str, source_type: str) -> str:
    """The conditions and the tag, put in for their names; tags are ours, never a user's."""
    names = group_clauses(source_type) | {
        ":same_chat": SAME_CHAT,
        ":same_administrator": same_administrator(source_type),
        ":stays": KEEPS_ORG_UNIT,
        ":lower": "'{" + ",".join(weaker_tags(source_type)) + "}'::text[]",
        ":tag": f"'{source_tag(source_type)}'",
    }
    for name, meaning in names.items():
        statement = statement.replace(name, meaning)
    return statement
