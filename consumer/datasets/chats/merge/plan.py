"""Chooses the statements that merge a batch, by source type.

Each file in `sql/` is a statement as it runs. To EXPLAIN one in psql: run `temp_tables.sql` and a line of
`SET_LOAD_SOURCE`, fill the staging tables, run the files before it, and paste it.
"""

from functools import cache
from pathlib import Path

from consumer.datasets.base import MergePlan
from consumer.datasets.chats import staging
from consumer.datasets.chats.source_tags import source_tag

SQL_DIRECTORY = Path(__file__).with_name("sql")

SET_LOAD_SOURCE = {
    "database": "insert into load_source (tag, weaker_tags) values ('admin_panel', '{}')",
    "google_sheets": "insert into load_source (tag, weaker_tags) values ('bot_registrar', '{admin_panel}')",
    "excel": (
        "insert into load_source (tag, weaker_tags) values ('academic_group', '{admin_panel,bot_registrar}')"
    ),
}
"""By source type: its tag, and the tags it replaces (`SOURCE_TAGS`)."""

ORG_UNITS = (
    "insert_universities",
    "set_university_ids",
    "insert_branches",
    "set_branch_ids",
    "insert_faculties",
    "insert_org_unit_ids",
)
WITH_GROUPS = (
    *ORG_UNITS,
    "insert_groups",
    "force_index_scan",
    "insert_chats_with_groups",
    "reset_planner",
    "force_nested_loop",
    "update_universities",
    "update_chats",
    "update_administrators",
    "reset_planner",
)
WITHOUT_GROUPS = (
    *ORG_UNITS,
    "force_index_scan",
    "insert_chats_without_groups",
    "reset_planner",
    "force_nested_loop",
    "update_universities",
    "update_chats",
    "reset_planner",
)


def make_merge_plan(source_type: str) -> MergePlan:
    """The plan for rows of a source type. Raises UnresolvableRequestError for an unknown one."""
    source_tag(source_type)
    names = WITH_GROUPS if staging.has_groups(source_type) else WITHOUT_GROUPS
    return MergePlan(
        create_temp_tables=f"{read_sql('temp_tables')};\n{SET_LOAD_SOURCE[source_type]}",
        staging_tables=staging.staging_tables(source_type),
        statements=tuple(map(read_sql, names)),
        counts_query=read_sql("counts"),
    )


@cache
def read_sql(name: str) -> str:
    """The text of a file in `sql/`, without its last semicolon."""
    return (SQL_DIRECTORY / f"{name}.sql").read_text(encoding="utf-8").rstrip().removesuffix(";")
