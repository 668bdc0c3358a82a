"""Rows that passed all rules and that Postgres rejected: recorded, so that the next extraction skips them."""

from collections.abc import Mapping

import structlog

from consumer.lifecycle import PermanentFailure
from consumer.store import database_rejections
from consumer.store.database import Database
from consumer.store.leases import FencingToken
from schemas.codes import ErrorCode

log: structlog.stdlib.BoundLogger = structlog.get_logger("worker")

MAX_DATABASE_REJECTIONS = 1_000
"""More rows than this are rejected because of the target tables, not because of single values."""


async def record_rejections(
    database: Database, fence: FencingToken, rows: Mapping[int, str]
) -> PermanentFailure | None:
    """Record rows (position → SQLSTATE) for the next extraction; raises LeaseLostError.

    Returns the end of the job if none of them is new, or there are more than MAX_DATABASE_REJECTIONS.
    """
    async with database.transaction() as connection:
        recorded = await database_rejections.list_database_rejections(connection, fence)
        new = {position: state for position, state in rows.items() if position not in recorded}
        total = len(recorded) + len(new)
        if not new or total > MAX_DATABASE_REJECTIONS:
            return PermanentFailure(
                ErrorCode.DATABASE_REFUSED,
                f"Postgres refuses rows that passed every rule (SQLSTATE {min(rows.values())}, "
                f"{total} so far): see what was added to the tables of the target",
            )
        await database_rejections.record_database_rejections(connection, fence, new)
    log.warning("rows.rejected_by_database", rows=len(new), sqlstates=sorted(set(new.values())))
    return None
