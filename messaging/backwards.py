"""Reads a topic from its end: what changed last is found without reading all there is."""

import time
from collections.abc import AsyncGenerator
from dataclasses import dataclass

from messaging.connection import KafkaConnection
from messaging.errors import KafkaUnavailable, MessagingError
from messaging.reading import Offsets, Reader
from messaging.records import Record

FIRST_WINDOW, LARGEST_WINDOW = 250, 2_000
"""Offsets of one partition at once; each window is twice the one before. A status event takes about 1 KB."""
SLICE_SECONDS = 1.0
OUTAGE_SECONDS = 90.0
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

    Raises KafkaUnavailable, TopicsMissing. Close the iterator (`contextlib.aclosing`) where it is left early.
    """
    reader = await Reader.open(connection, topic, client_id=client_id, lost_offset="earliest")
    try:
        first, upper = await reader.bounds(range(await reader.partitions()))
        size = FIRST_WINDOW
        oldest: dict[int, int] = {}
        while any(first[one] < upper[one] for one in first):
            lower = {one: max(first[one], upper[one] - size) for one in first}
            records = await _between(connection, reader, lower, upper)
            for record in reversed(records):
                oldest[record.partition] = record.timestamp_ms
            upper, size = lower, min(2 * size, LARGEST_WINDOW)
            yield Window(records, _complete_from(oldest, [one for one in first if first[one] < upper[one]]))
    finally:
        await reader.close()


def _complete_from(oldest: dict[int, int], unread: list[int]) -> int | None:
    """The youngest time up to which a partition was read; a window without a record says nothing yet."""
    if not unread:
        return None
    return max(oldest.get(partition, 1 << 62) for partition in unread)


async def _between(
    connection: KafkaConnection, reader: Reader, lower: Offsets, upper: Offsets
) -> list[Record]:
    """The records from one offset up to another of each partition, in order; compaction leaves gaps."""
    left = {one: upper[one] for one in lower if lower[one] < upper[one]}
    reader.read_from({one: lower[one] for one in left})
    found: list[Record] = []
    moved = time.monotonic()
    while left:
        records = await _polled(connection, reader)
        found += [record for record in records if record.offset < upper[record.partition]]
        for partition in list(left):
            if (await reader.position(partition) or 0) >= left[partition]:
                del left[partition]
                moved = time.monotonic()
        if records:
            moved = time.monotonic()
        if time.monotonic() - moved > OUTAGE_SECONDS:
            raise KafkaUnavailable.at(connection.bootstrap_servers, [f"silent for {OUTAGE_SECONDS:g} s"])
    return found


async def _polled(connection: KafkaConnection, reader: Reader) -> list[Record]:
    try:
        return await reader.poll(SLICE_SECONDS)
    except MessagingError:
        raise
    except Exception as error:
        raise KafkaUnavailable.at(connection.bootstrap_servers, [error]) from error
