"""The session temp tables that COPY fills: what crosses from the checker to the merge."""

from consumer.datasets.base import StageTable

NODES = StageTable("stage_nodes", ("position", "no", "inn", "kpp", "branch", "faculty"))
"""Distinct universities with branch and faculty; kpp is null where the source has no such column."""

UNIVERSITIES = StageTable(
    "stage_universities", ("position", "node", "name", "foiv", "region", "region_number")
)
"""What a load tells first of a university; empty is what was told before or is not known."""

PLACES = StageTable("stage_places", ("position", "no", "node", "course", "name"))
"""Distinct groups: a node with course and name."""

CHATS = StageTable(
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

LEAN_CHATS = StageTable(CHATS.name, ("position", "node", "first", "a_first", "url", "name", "phone"))
"""The rows of a source that has no more columns than these; the others stay empty."""


def chats(source_type: str) -> StageTable:
    """The columns that cross for rows from this type of source."""
    return LEAN_CHATS if source_type == "database" else CHATS


def of(source_type: str) -> tuple[StageTable, ...]:
    """All stage tables in the order they are filled; the rows come last."""
    return NODES, UNIVERSITIES, PLACES, chats(source_type)
