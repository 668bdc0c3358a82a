import asyncio
import logging
from collections.abc import Iterator

import pytest

from messaging.log_filter import (
    LINES_PER_WINDOW,
    WINDOW_SECONDS,
    RateLimitFilter,
    capture_warnings,
    install_filter,
)

CONN = logging.getLogger("aiokafka.conn")


@pytest.fixture
def verbose_logger() -> Iterator[logging.Logger]:
    """A logger of the library, set to DEBUG."""
    before = CONN.level
    CONN.setLevel(logging.DEBUG)
    yield CONN
    CONN.setLevel(before)


def _record(message: str, *arguments: object, level: int = logging.WARNING) -> logging.LogRecord:
    return logging.LogRecord("aiokafka", level, "", 0, message, arguments, None)


def test_debug_lines_are_dropped_at_any_level(
    verbose_logger: logging.Logger, caplog: pytest.LogCaptureFixture
) -> None:
    install_filter()
    verbose_logger.debug("SaslAuthenticateRequest(password)")
    assert not caplog.records


def test_flood_is_limited_and_counted() -> None:
    clock = [0.0]
    quiet = RateLimitFilter(lambda: clock[0])
    passed = [quiet.filter(_record("broker %s is away", number)) for number in range(100)]
    assert passed.count(True) == LINES_PER_WINDOW
    clock[0] = WINDOW_SECONDS
    later = _record("broker %s is away", 1)
    assert quiet.filter(later)
    assert later.getMessage() == "broker 1 is away [97 more like this left out]"


def test_other_kind_of_line_passes_during_flood() -> None:
    quiet = RateLimitFilter(lambda: 0.0)
    for _ in range(100):
        quiet.filter(_record("one"))
    assert quiet.filter(_record("another"))


async def test_warnings_of_child_tasks_are_captured() -> None:
    install_filter()

    async def connect() -> None:
        CONN.error("SaslAuthenticationFailed")

    with capture_warnings() as seen:
        await asyncio.ensure_future(connect())
    assert list(seen) == ["SaslAuthenticationFailed"]


def test_error_without_text_is_named_by_its_type() -> None:
    quiet = RateLimitFilter()
    with capture_warnings() as seen:
        quiet.filter(_record("Unable connect: %s", TimeoutError()))
    assert list(seen) == ["Unable connect:  TimeoutError"]


def test_warnings_outside_are_not_captured() -> None:
    quiet = RateLimitFilter()
    with capture_warnings() as seen:
        pass
    quiet.filter(_record("later"))
    assert not seen
