import pytest
from aiokafka.partitioner import DefaultPartitioner
from hypothesis import given
from hypothesis import strategies as st

from messaging.subscription import partition_for

# The hashes are those that Kafka's own UtilsTest expects of murmur2.
KNOWN = [
    (b"21", -973932308),
    (b"foobar", -790332482),
    (b"a-little-bit-long-string", -985981536),
    (b"a-little-bit-longer-string", -1486304829),
    (b"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971),
    (b"abc", 479470107),
]


@pytest.mark.parametrize(("key", "hashed"), KNOWN)
def test_a_key_goes_where_java_sends_it(key: bytes, hashed: int) -> None:
    assert partition_for(key, 6) == (hashed & 0x7FFFFFFF) % 6


@given(st.binary(max_size=50), st.integers(1, 50))
def test_a_key_goes_where_the_producer_sends_it(key: bytes, partitions: int) -> None:
    numbers = list(range(partitions))
    assert partition_for(key, partitions) == DefaultPartitioner()(key, numbers, numbers)
