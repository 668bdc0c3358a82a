"""The temp tables that COPY fills, by source type: the interface between validator and merge."""

from consumer.datasets.base import StagingTable

ORG_UNITS = StagingTable("stage_org_units", ("position", "number", "inn", "kpp", "branch", "faculty"))
"""Distinct universities with branch and faculty; kpp is null if the source has no such column."""

UNIVERSITIES = StagingTable(
    "stage_universities", ("position", "org_unit", "name", "foiv", "region", "region_number")
)
"""Attributes of universities that are new in this load; the others are empty."""

GROUPS = StagingTable("stage_groups", ("position", "number", "org_unit", "course", "name"))
"""Distinct groups: an org unit with course and name."""

CHATS = StagingTable(
    "stage_chats",
    (
        "position",
        "org_unit",
        "study_group",
        "first_url",
        "first_phone",
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
"""The rows. `first_url`: the first of its url in this load; `first_phone`: the first of its url and phone."""

DATABASE_CHATS = StagingTable(
    CHATS.name, ("position", "org_unit", "first_url", "first_phone", "url", "name", "phone")
)
"""The rows of a database, which has no further columns; the others keep their defaults."""


def chats_table(source_type: str) -> StagingTable:
    """The staging table of rows, with the columns that this source type fills."""
    return DATABASE_CHATS if source_type == "database" else CHATS


def has_groups(source_type: str) -> bool:
    """Whether rows of this source type can name a group."""
    return "study_group" in chats_table(source_type).columns


def staging_tables(source_type: str) -> tuple[StagingTable, ...]:
    """All staging tables in the order they are filled; the rows come last."""
    return ORG_UNITS, UNIVERSITIES, GROUPS, chats_table(source_type)
