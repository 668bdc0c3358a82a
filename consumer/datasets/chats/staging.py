"""The session temp tables that COPY fills: what crosses from the checker to the merge."""

from consumer.datasets.base import StagingTable

ORG_UNITS = StagingTable("stage_nodes", ("position", "no", "inn", "kpp", "branch", "faculty"))
"""Distinct universities with branch and faculty; kpp is null where the source has no such column."""

UNIVERSITIES = StagingTable(
    "stage_universities", ("position", "node", "name", "foiv", "region", "region_number")
)
"""What a load tells first of a university; empty is what was told before or is not known."""

GROUPS = StagingTable("stage_places", ("position", "no", "node", "course", "name"))
"""Distinct groups: a node with course and name."""

CHATS = StagingTable(
    "stage_chats",
    (
        "position",
        "node",
        "place",
        "first",
        "a_first",
        "url",
        "name",
        "external_chat_id",
        "participants",
        "created_on",
        "creator_id",
        "phone",
        "max_id",
        "add_user",
        "add_admin",
    ),
)
"""The rows. `first`: of its link in this load; `a_first`: of its link and phone."""

DATABASE_CHATS = StagingTable(CHATS.name, ("position", "node", "first", "a_first", "url", "name", "phone"))
"""The rows of a source that has no more columns than these; the others stay empty."""


def chats_table(source_type: str) -> StagingTable:
    """The columns that cross for rows from this type of source."""
    return DATABASE_CHATS if source_type == "database" else CHATS


def staging_tables(source_type: str) -> tuple[StagingTable, ...]:
    """All stage tables in the order they are filled; the rows come last."""
    return ORG_UNITS, UNIVERSITIES, GROUPS, chats_table(source_type)
