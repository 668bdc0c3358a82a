"""Reads a topic from its end: what changed last is found without reading all there is."""

import time
from collections.abc import AsyncGenerator
from dataclasses import dataclass

from messaging.connection import KafkaConnection
from messaging.errors import KafkaUnavailableError, MessagingError
from messaging.partition_reader import Offsets, PartitionReader
from messaging.records import Record

INITIAL_WINDOW_OFFSETS, MAX_WINDOW_OFFSETS = 250, 2_000
"""Offsets of one partition at once; each window is twice the one before. A status event takes about 1 KB."""
POLL_TIMEOUT_SECONDS = 1.0
SILENCE_TIMEOUT_SECONDS = 90.0
"""So long nothing may move: a broker that was killed needs 20 s to be back, a machine a minute."""


@dataclass(frozen=True, slots=True)
class Window:
    """Records of all partitions, each right before those of the window before.

    `complete_from_ms`: no record that is not in a window yet is younger (Unix time); None once all are read.
    """

    records: list[Record]
    complete_from_ms: int | None


async def read_backwards(
    connection: KafkaConnection, topic: str, *, client_id: str
) -> AsyncGenerator[Window, None]:
    """Windows of a topic, from what is its end now to its beginning.

    Raises KafkaUnavailableError, TopicsMissing. Close the iterator (`contextlib.aclosing`) where it is left early.
    """
    reader = await PartitionReader.open(connection, topic, client_id=client_id, auto_offset_reset="earliest")
    try:
        first, upper = await reader.offset_bounds(range(await reader.partition_count()))
        size = INITIAL_WINDOW_OFFSETS
        oldest: dict[int, int] = {}
        while any(first[one] < upper[one] for one in first):
            lower = {one: max(first[one], upper[one] - size) for one in first}
            records = await _read_range(connection, reader, lower, upper)
            for record in reversed(records):
                oldest[record.partition] = record.timestamp_ms
            upper, size = lower, min(2 * size, MAX_WINDOW_OFFSETS)
            yield Window(
                records, _complete_from_ms(oldest, [one for one in first if first[one] < upper[one]])
            )
    finally:
        await reader.close()


def _complete_from_ms(oldest: dict[int, int], unread: list[int]) -> int | None:
    """The youngest time up to which a partition was read; a window without a record says nothing yet."""
    if not unread:
        return None
    return max(oldest.get(partition, 1 << 62) for partition in unread)


async def _read_range(
    connection: KafkaConnection, reader: PartitionReader, lower: Offsets, upper: Offsets
) -> list[Record]:
    """The records from one offset up to another of each partition, in order; compaction leaves gaps."""
    left = {one: upper[one] for one in lower if lower[one] < upper[one]}
    reader.read_from({one: lower[one] for one in left})
    found: list[Record] = []
    moved = time.monotonic()
    while left:
        records = await _poll(connection, reader)
        found += [record for record in records if record.offset < upper[record.partition]]
        for partition in list(left):
            if (await reader.position(partition) or 0) >= left[partition]:
                del left[partition]
                moved = time.monotonic()
        if records:
            moved = time.monotonic()
        if time.monotonic() - moved > SILENCE_TIMEOUT_SECONDS:
            raise KafkaUnavailableError.for_servers(
                connection.bootstrap_servers, [f"silent for {SILENCE_TIMEOUT_SECONDS:g} s"]
            )
    return found


async def _poll(connection: KafkaConnection, reader: PartitionReader) -> list[Record]:
    try:
        return await reader.poll(POLL_TIMEOUT_SECONDS)
    except MessagingError:
        raise
    except Exception as error:
        raise KafkaUnavailableError.for_servers(connection.bootstrap_servers, [error]) from error
