from consumer.worker.outages import MAX_CONSECUTIVE_OUTAGES, OUTAGE_DELAYS_SECONDS, OutageBackoff


def test_waits_grow_and_end() -> None:
    outages = OutageBackoff()
    outages.reset_on_progress(0)
    waits = [outages.next_delay() for _ in range(MAX_CONSECUTIVE_OUTAGES)]
    assert waits == [
        *OUTAGE_DELAYS_SECONDS,
        *[OUTAGE_DELAYS_SECONDS[-1]] * (MAX_CONSECUTIVE_OUTAGES - len(OUTAGE_DELAYS_SECONDS)),
    ]
    assert outages.next_delay() is None


def test_a_row_that_was_stored_begins_them_anew() -> None:
    outages = OutageBackoff()
    for done in (0, 0, 5):
        outages.reset_on_progress(done)
        wait = outages.next_delay()
    assert wait == OUTAGE_DELAYS_SECONDS[0]
