"""Slots and token buckets, by a clock that the test turns."""

import pytest

from consumer.http.limits.limiters import NoSlotFreeError, Slots, TokenBucket
from tests.support.fake_clock import FakeClock


def _taken(bucket: TokenBucket, tries: int) -> int:
    return sum(bucket.try_take() for _ in range(tries))


def test_slots_are_refused_beyond_their_number_and_free_again_after_release() -> None:
    slots = Slots(2)
    slots.acquire()
    with slots.hold():
        assert slots.free == 0
        with pytest.raises(NoSlotFreeError), slots.hold():
            pytest.fail("a third slot was given")
    assert slots.free == 1
    slots.release()
    assert slots.free == 2


def test_a_slot_is_released_when_its_holder_fails() -> None:
    slots = Slots(1)
    with pytest.raises(KeyError), slots.hold():
        raise KeyError
    assert slots.free == 1


def test_a_slot_cannot_be_released_twice() -> None:
    slots = Slots(1)
    slots.acquire()
    slots.release()
    with pytest.raises(ValueError, match="not taken"):
        slots.release()


def test_a_bucket_allows_its_burst_and_then_its_rate() -> None:
    clock = FakeClock()
    bucket = TokenBucket(20, 20, clock)
    assert _taken(bucket, 50) == 20
    clock.now += 0.5
    assert _taken(bucket, 50) == 10


def test_a_bucket_never_holds_more_than_its_burst() -> None:
    clock = FakeClock()
    bucket = TokenBucket(20, 20, clock)
    clock.now += 3600
    assert _taken(bucket, 50) == 20


@pytest.mark.parametrize(("per_second", "seconds"), [(20, 1), (1, 1), (0.1, 10), (0.3, 4)])
def test_an_empty_bucket_says_in_whole_seconds_when_to_come_again(per_second: float, seconds: int) -> None:
    clock = FakeClock()
    bucket = TokenBucket(per_second, 1, clock)
    assert bucket.try_take()
    assert bucket.retry_after() == seconds
    clock.now += seconds
    assert bucket.try_take()
