import pytest
from aiokafka.partitioner import DefaultPartitioner
from hypothesis import given
from hypothesis import strategies as st

from messaging.subscription import partition_for

# Hashes of murmur2 from Kafka's UtilsTest.
KNOWN = [
    (b"21", -973932308),
    (b"foobar", -790332482),
    (b"a-little-bit-long-string", -985981536),
    (b"a-little-bit-longer-string", -1486304829),
    (b"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971),
    (b"abc", 479470107),
]


@pytest.mark.parametrize(("key", "hashed"), KNOWN)
def test_partition_matches_java_client(key: bytes, hashed: int) -> None:
    assert partition_for(key, 6) == (hashed & 0x7FFFFFFF) % 6


@given(st.binary(max_size=50), st.integers(1, 50))
def test_partition_matches_producer(key: bytes, partitions: int) -> None:
    numbers = list(range(partitions))
    assert partition_for(key, partitions) == DefaultPartitioner()(key, numbers, numbers)
