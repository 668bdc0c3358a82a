"""How slowly a body may come: an average with a grace."""

import pytest

from consumer.http.limits.transfer_rate import GRACE_SECONDS, MIN_BYTES_PER_SECOND, MinTransferRate


def _seconds_until_too_slow(bytes_per_second: int, limit: int = 3600) -> float | None:
    """What comes once a second; None where it lasts."""
    pace = MinTransferRate()
    for second in range(limit):
        if pace.credit <= 1:
            return second + pace.credit
        pace.record_wait(1.0, bytes_per_second)
    return None


@pytest.mark.parametrize("rate", [MIN_BYTES_PER_SECOND, 2 * MIN_BYTES_PER_SECOND, 10**7])
def test_a_body_at_the_least_rate_may_go_on_for_ever(rate: int) -> None:
    assert _seconds_until_too_slow(rate) is None


@pytest.mark.parametrize(("rate", "seconds"), [(0, 20), (1, 20), (MIN_BYTES_PER_SECOND // 2, 39)])
def test_a_slower_one_is_ended_after_the_grace(rate: int, seconds: int) -> None:
    assert _seconds_until_too_slow(rate) == pytest.approx(seconds, abs=0.1)


def test_a_pause_is_forgiven_and_the_grace_is_earned_anew() -> None:
    pace = MinTransferRate()
    for _ in range(10):
        pace.record_wait(GRACE_SECONDS - 1, 0)
        assert pace.credit == pytest.approx(1.0)
        pace.record_wait(0.1, 64 * 1024)
        assert pace.credit == GRACE_SECONDS


def test_no_credit_is_saved_beyond_the_grace() -> None:
    pace = MinTransferRate()
    pace.record_wait(0.0, 10**9)
    assert pace.credit == GRACE_SECONDS
