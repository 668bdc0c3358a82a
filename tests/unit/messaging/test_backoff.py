from messaging.backoff import Backoff


def test_delays_double_up_to_the_maximum() -> None:
    backoff = Backoff(0.5, 3.0)
    assert [backoff.next() for _ in range(5)] == [0.5, 1.0, 2.0, 3.0, 3.0]


def test_reset_starts_again() -> None:
    backoff = Backoff(0.5, 3.0)
    for _ in range(3):
        backoff.next()
    backoff.reset()
    assert [backoff.next(), backoff.next()] == [0.5, 1.0]


def test_initial_delay_does_not_exceed_the_maximum() -> None:
    assert Backoff(5.0, 2.0).next() == 2.0


def test_jitter_shortens_delays_by_at_most_its_share() -> None:
    backoff = Backoff(2.0, 2.0, jitter=0.25)
    delays = [backoff.next() for _ in range(200)]
    assert min(delays) >= 1.5
    assert max(delays) <= 2.0
    assert len(set(delays)) > 100
