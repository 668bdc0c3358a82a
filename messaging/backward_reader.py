"""Reads a topic from its end, so that the latest changes are found without reading all of it."""

import time
from collections.abc import AsyncGenerator
from dataclasses import dataclass

from messaging.connection import KafkaConnection
from messaging.errors import MessagingError
from messaging.partition_reader import Offsets, PartitionReader
from messaging.records import Record

INITIAL_WINDOW_OFFSETS, MAX_WINDOW_OFFSETS = 250, 2_000
"""Offsets per partition; each window is twice as large as the one before. A status event takes about 1 KB."""
POLL_TIMEOUT_SECONDS = 1.0
SILENCE_TIMEOUT_SECONDS = 90.0
"""Without progress: a broker that was killed is back after 20 s, a machine after a minute."""


@dataclass(frozen=True, slots=True)
class Window:
    """Records of all partitions; in each they directly precede those of the previous window.

    Every record later than `complete_from_ms` (Unix time) has been in a window; it is None once all have.
    """

    records: list[Record]
    complete_from_ms: int | None


async def read_backwards(
    connection: KafkaConnection, topic: str, *, client_id: str
) -> AsyncGenerator[Window, None]:
    """Yield windows of a topic, from its current end to its beginning.

    Raises KafkaUnavailableError, TopicsMissingError. Use `contextlib.aclosing` unless it is exhausted.
    """
    reader = await PartitionReader.open(connection, topic, client_id=client_id, auto_offset_reset="earliest")
    try:
        first, upper = await reader.offset_bounds(range(await reader.partition_count()))
        size = INITIAL_WINDOW_OFFSETS
        oldest: dict[int, int] = {}
        while any(first[partition] < upper[partition] for partition in first):
            lower = {partition: max(first[partition], upper[partition] - size) for partition in first}
            records = await _read_range(connection, reader, lower, upper)
            for record in reversed(records):
                oldest[record.partition] = record.timestamp_ms
            upper, size = lower, min(2 * size, MAX_WINDOW_OFFSETS)
            unread = [partition for partition in first if first[partition] < upper[partition]]
            yield Window(records, _complete_from_ms(oldest, unread))
    finally:
        await reader.close()


def _complete_from_ms(oldest: dict[int, int], unread: list[int]) -> int | None:
    """The latest of the times back to which the unread partitions have been read; None if none is unread.

    A partition without a record in a window counts as not read at all.
    """
    if not unread:
        return None
    return max(oldest.get(partition, 1 << 62) for partition in unread)


async def _read_range(
    connection: KafkaConnection, reader: PartitionReader, lower: Offsets, upper: Offsets
) -> list[Record]:
    """The records of each partition from `lower` up to before `upper`, in order; compaction leaves gaps."""
    unfinished = {partition: upper[partition] for partition in lower if lower[partition] < upper[partition]}
    reader.read_from({partition: lower[partition] for partition in unfinished})
    range_records: list[Record] = []
    last_progress = time.monotonic()
    while unfinished:
        polled = await _poll(connection, reader)
        range_records += [record for record in polled if record.offset < upper[record.partition]]
        for partition in list(unfinished):
            if (await reader.position(partition) or 0) >= unfinished[partition]:
                del unfinished[partition]
                last_progress = time.monotonic()
        if polled:
            last_progress = time.monotonic()
        if time.monotonic() - last_progress > SILENCE_TIMEOUT_SECONDS:
            raise connection.unavailable_error(f"silent for {SILENCE_TIMEOUT_SECONDS:g} s")
    return range_records


async def _poll(connection: KafkaConnection, reader: PartitionReader) -> list[Record]:
    try:
        return await reader.poll(POLL_TIMEOUT_SECONDS)
    except MessagingError:
        raise
    except Exception as error:
        raise connection.unavailable_error(error) from error
