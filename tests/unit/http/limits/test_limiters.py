"""Slots and token buckets, with a fake clock."""

import pytest

from consumer.http.limits.limiters import NoSlotFreeError, Slots, TokenBucket
from tests.support.fake_clock import FakeClock


def _count_taken(bucket: TokenBucket, attempts: int) -> int:
    return sum(bucket.try_take() for _ in range(attempts))


def test_slots_are_limited_and_free_after_release() -> None:
    slots = Slots(2)
    slots.acquire()
    with slots.hold():
        assert slots.free == 0
        with pytest.raises(NoSlotFreeError), slots.hold():
            pytest.fail("a third slot was given")
    assert slots.free == 1
    slots.release()
    assert slots.free == 2


def test_full_slots_raise_the_given_error() -> None:
    slots = Slots(0, full_error=lambda: TimeoutError("full"))
    with pytest.raises(TimeoutError, match="full"), slots.hold():
        pytest.fail("a slot was given")
    assert slots.free == 0


def test_slot_is_released_when_its_holder_fails() -> None:
    slots = Slots(1)
    with pytest.raises(KeyError), slots.hold():
        raise KeyError
    assert slots.free == 1


def test_slot_cannot_be_released_twice() -> None:
    slots = Slots(1)
    slots.acquire()
    slots.release()
    with pytest.raises(ValueError, match="not taken"):
        slots.release()


def test_bucket_allows_burst_then_rate() -> None:
    clock = FakeClock()
    bucket = TokenBucket(20, 20, clock)
    assert _count_taken(bucket, 50) == 20
    clock.now += 0.5
    assert _count_taken(bucket, 50) == 10


def test_bucket_never_holds_more_than_its_burst() -> None:
    clock = FakeClock()
    bucket = TokenBucket(20, 20, clock)
    clock.now += 3600
    assert _count_taken(bucket, 50) == 20


@pytest.mark.parametrize(("per_second", "seconds"), [(20, 1), (1, 1), (0.1, 10), (0.3, 4)])
def test_retry_after_is_whole_seconds(per_second: float, seconds: int) -> None:
    clock = FakeClock()
    bucket = TokenBucket(per_second, 1, clock)
    assert bucket.try_take()
    assert bucket.retry_after() == seconds
    clock.now += seconds
    assert bucket.try_take()
