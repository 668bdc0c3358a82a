"""What is kept of a source without a required column, so that a requester can map its headers."""

from collections.abc import Mapping
from typing import Any

from consumer.store import transitions
from consumer.store.database import Database
from consumer.store.header_samples import store_header_sample
from consumer.store.leases import FencingToken
from consumer.worker.extraction_failures import suggested_columns


async def store_missing_columns(database: Database, fence: FencingToken, header: Mapping[str, Any]) -> None:
    """Store the nearest headers and the sample of a FAILED frame, if its header has them.

    The error itself is stored with the outcome of the attempt. Raises LeaseLostError.
    """
    if (nearest := header.get("nearest")) is None:
        return
    async with database.transaction() as connection:
        await transitions.lock_owned_job(connection, fence)
        await store_header_sample(connection, fence, header["sample"], suggested_columns(nearest))
