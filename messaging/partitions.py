"""Which partition a key goes to: Kafka's default, murmur2, the same in every client."""

from aiokafka.partitioner import murmur2


def partition_for(key: bytes, partition_count: int) -> int:
    """The partition (from 0) of a key in a topic of so many partitions."""
    return int((murmur2(key) & 0x7FFFFFFF) % partition_count)
