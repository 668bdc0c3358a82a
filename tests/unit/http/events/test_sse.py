"""Server-Sent Events as bytes, and where a stream starts."""

import re

import pytest

from consumer.http.events import sse


@pytest.mark.parametrize(
    ("data", "lines"),
    [
        ('{"a": 1}', b'data: {"a": 1}\n'),
        ("", b"data: \n"),
        ("чаты", "data: чаты\n".encode()),
        ("one\ntwo", b"data: one\ndata: two\n"),
        ("one\r\ntwo\rthree", b"data: one\ndata: two\ndata: three\n"),
        (
            "line separators\u2028do not\u0085end a line",
            "data: line separators\u2028do not\u0085end a line\n".encode(),
        ),
    ],
)
def test_event_has_id_and_each_line_of_data(data: str, lines: bytes) -> None:
    assert sse.format_event(7, data) == b"id: 7\n" + lines + b"\n"


@pytest.mark.parametrize(
    ("last_event_id", "sequence", "terminal", "position"),
    [
        (None, 5, False, 4),
        (None, 5, True, 4),
        (None, 1, False, 0),
        (None, 0, False, 0),
        ("0", 5, False, 0),
        ("0", 5, True, 0),
        ("3", 5, False, 3),
        ("4", 5, True, 4),
        ("5", 5, False, 5),
        ("5", 5, True, None),
        ("6", 5, False, 5),
        ("6", 5, True, None),
        ("0005", 5, True, None),
        ("9" * 19, 5, False, 5),
    ],
)
def test_start_position(
    last_event_id: str | None, sequence: int, terminal: bool, position: int | None
) -> None:
    assert sse.resume_sequence(last_event_id, sequence, terminal=terminal) == position


@pytest.mark.parametrize("text", ["0", "7", "007", "9" * 19])
def test_sequence_is_a_last_event_id(text: str) -> None:
    assert re.search(sse.LAST_EVENT_ID_PATTERN, text)


@pytest.mark.parametrize("text", ["", "9" * 20, "-1", "+1", "1.0", "7 ", "٣", "abc", "1e3", "1_0"])
def test_other_text_is_no_last_event_id(text: str) -> None:
    assert not re.search(sse.LAST_EVENT_ID_PATTERN, text)
