"""An outage of Postgres is logged once at its start and once at its end."""

import logging

import pytest
from structlog.testing import capture_logs

from consumer.store.errors import DatabaseUnavailableError
from consumer.store.outage import FAILED_RECONNECT, POOL_LOGGER, OutageLog, drop_failed_reconnect

UNAVAILABLE = DatabaseUnavailableError("no answer from Postgres (ConnectionRefusedError)")


@pytest.fixture(autouse=True)
def reset_pool_logger() -> object:
    """Without the logging filter that other tests may have added."""
    logger = logging.getLogger(POOL_LOGGER)
    before = logger.filters[:]
    yield
    logger.filters[:] = before


def _make_outage_log(clock: list[float]) -> OutageLog:
    outages = OutageLog(lambda: clock[0])
    outages.start_logging()
    return outages


def test_many_failures_are_one_outage() -> None:
    clock = [100.0]
    outages = _make_outage_log(clock)
    with capture_logs() as lines:
        for _ in range(50):
            outages.record_failure(UNAVAILABLE)
        clock[0] = 131.04
        outages.record_success()
        outages.record_success()
    assert lines == [
        {"event": "database.outage_started", "log_level": "warning", "reason": str(UNAVAILABLE)},
        {"event": "database.outage_ended", "log_level": "info", "seconds": 31.0},
    ]


def test_second_outage_is_logged_again() -> None:
    outages = _make_outage_log([0.0])
    with capture_logs() as lines:
        for _ in range(2):
            outages.record_failure(UNAVAILABLE)
            outages.record_success()
    assert [line["event"] for line in lines] == ["database.outage_started", "database.outage_ended"] * 2


def test_failures_while_opening_the_pools_are_not_logged() -> None:
    outages = OutageLog()
    with capture_logs() as lines:
        outages.record_failure(UNAVAILABLE)
        outages.record_success()
    assert lines == []


def test_only_failed_reconnect_line_is_dropped() -> None:
    def record(message: str) -> logging.LogRecord:
        return logging.LogRecord(POOL_LOGGER, logging.WARNING, "", 0, message, (), None)

    assert not drop_failed_reconnect(record(f"{FAILED_RECONNECT}; retrying"))
    assert drop_failed_reconnect(record("Pool.close() is taking over 60 seconds to complete."))
