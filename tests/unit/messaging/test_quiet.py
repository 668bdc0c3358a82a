import asyncio
import logging
from collections.abc import Iterator

import pytest

from messaging.quiet import LINES_PER_WINDOW, WINDOW_SECONDS, Quiet, cap_logging, causes

CONN = logging.getLogger("aiokafka.conn")


@pytest.fixture
def talkative() -> Iterator[logging.Logger]:
    """A logger of the library that somebody's settings opened wide."""
    before = CONN.level
    CONN.setLevel(logging.DEBUG)
    yield CONN
    CONN.setLevel(before)


def _record(message: str, *arguments: object, level: int = logging.WARNING) -> logging.LogRecord:
    return logging.LogRecord("aiokafka", level, "", 0, message, arguments, None)


def test_debug_lines_never_pass_whatever_settings_say(
    talkative: logging.Logger, caplog: pytest.LogCaptureFixture
) -> None:
    cap_logging()
    talkative.debug("SaslAuthenticateRequest(password)")
    assert not caplog.records


def test_a_flood_is_cut_and_counted() -> None:
    clock = [0.0]
    quiet = Quiet(lambda: clock[0])
    passed = [quiet.filter(_record("broker %s is away", number)) for number in range(100)]
    assert passed.count(True) == LINES_PER_WINDOW
    clock[0] = WINDOW_SECONDS
    later = _record("broker %s is away", 1)
    assert quiet.filter(later)
    assert later.getMessage() == "broker 1 is away [97 more like this left out]"


def test_another_kind_of_line_passes_in_a_flood() -> None:
    quiet = Quiet(lambda: 0.0)
    for _ in range(100):
        quiet.filter(_record("one"))
    assert quiet.filter(_record("another"))


async def test_causes_are_collected_from_tasks_started_within() -> None:
    cap_logging()

    async def connect() -> None:
        CONN.error("SaslAuthenticationFailed")

    with causes() as seen:
        await asyncio.ensure_future(connect())
    assert list(seen) == ["SaslAuthenticationFailed"]


def test_a_cause_without_text_is_named_by_its_type() -> None:
    quiet = Quiet()
    with causes() as seen:
        quiet.filter(_record("Unable connect: %s", TimeoutError()))
    assert list(seen) == ["Unable connect:  TimeoutError"]


def test_causes_outside_are_not_collected() -> None:
    quiet = Quiet()
    with causes() as seen:
        pass
    quiet.filter(_record("later"))
    assert not seen
