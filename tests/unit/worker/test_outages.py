from consumer.worker.outages import INITIAL_BACKOFF_SECONDS, MAX_CONSECUTIVE_OUTAGES, OutageBackoff


def test_waits_grow_and_end() -> None:
    outages = OutageBackoff()
    outages.reset_on_progress(0)
    waits = [outages.next_delay() for _ in range(MAX_CONSECUTIVE_OUTAGES)]
    assert waits == [0.25, 0.5, 1.0, *[2.0] * (MAX_CONSECUTIVE_OUTAGES - 3)]
    assert outages.next_delay() is None


def test_a_row_that_was_stored_begins_them_anew() -> None:
    outages = OutageBackoff()
    for done in (0, 0, 5):
        outages.reset_on_progress(done)
        wait = outages.next_delay()
    assert wait == INITIAL_BACKOFF_SECONDS
