"""The minimum transfer rate: an average with a grace period."""

import pytest

from consumer.http.limits.transfer_rate import GRACE_SECONDS, MIN_BYTES_PER_SECOND, MinTransferRate


def _seconds_until_too_slow(bytes_per_second: int, limit: int = 3600) -> float | None:
    """Seconds until a transfer with one piece each second times out; None if it does not."""
    transfer_rate = MinTransferRate()
    for second in range(limit):
        if transfer_rate.credit <= 1:
            return second + transfer_rate.credit
        transfer_rate.record_wait(1.0, bytes_per_second)
    return None


@pytest.mark.parametrize("rate", [MIN_BYTES_PER_SECOND, 2 * MIN_BYTES_PER_SECOND, 10**7])
def test_minimum_rate_may_last_indefinitely(rate: int) -> None:
    assert _seconds_until_too_slow(rate) is None


@pytest.mark.parametrize(("rate", "seconds"), [(0, 20), (1, 20), (MIN_BYTES_PER_SECOND // 2, 39)])
def test_slower_transfer_ends_after_the_grace(rate: int, seconds: int) -> None:
    assert _seconds_until_too_slow(rate) == pytest.approx(seconds, abs=0.1)


def test_credit_is_earned_back_after_a_pause() -> None:
    transfer_rate = MinTransferRate()
    for _ in range(10):
        transfer_rate.record_wait(GRACE_SECONDS - 1, 0)
        assert transfer_rate.credit == pytest.approx(1.0)
        transfer_rate.record_wait(0.1, 64 * 1024)
        assert transfer_rate.credit == GRACE_SECONDS


def test_credit_is_limited_to_the_grace() -> None:
    transfer_rate = MinTransferRate()
    transfer_rate.record_wait(0.0, 10**9)
    assert transfer_rate.credit == GRACE_SECONDS
