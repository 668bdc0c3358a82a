from consumer.worker.outages import IN_A_ROW, WAIT_SECONDS, Outages


def test_waits_grow_and_end() -> None:
    outages = Outages()
    outages.stands(0)
    waits = [outages.wait() for _ in range(IN_A_ROW)]
    assert waits == [*WAIT_SECONDS, *[WAIT_SECONDS[-1]] * (IN_A_ROW - len(WAIT_SECONDS))]
    assert outages.wait() is None


def test_a_row_that_was_stored_begins_them_anew() -> None:
    outages = Outages()
    for done in (0, 0, 5):
        outages.stands(done)
        wait = outages.wait()
    assert wait == WAIT_SECONDS[0]
