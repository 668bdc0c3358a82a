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

ALL = (NODES, UNIVERSITIES, PLACES, CHATS)
"""In the order they are filled; the rows come last."""
