"""Cursors of lists of rejected rows."""

import pytest

from consumer.http.problem import ProblemError
from consumer.http.rejected.cursor import FIRST_PAGE, RejectedCursor

LAST = 2**63 - 1


@pytest.mark.parametrize(
    ("text", "load", "row_number"),
    [
        ("1.4711", 1, 4711),
        ("0.-5", 0, -5),
        ("4711", None, 4711),
        ("-1", None, -1),
        (f"{LAST}.{LAST}", LAST, LAST),
        (f"3.-{LAST}", 3, -LAST),
    ],
)
def test_cursor_round_trips(text: str, load: int | None, row_number: int) -> None:
    cursor = RejectedCursor.parse(text)
    assert cursor == RejectedCursor(load, row_number)
    assert str(cursor) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        ".",
        "1.",
        ".1",
        "x",
        "1.x",
        "-1.1",
        "1.1.1",
        " 1",
        "1\n",
        "+1",
        "٣",
        "1_0",
        f"{LAST + 1}",
        f"{LAST + 1}.1",
    ],
)
def test_invalid_cursor_is_rejected(text: str) -> None:
    with pytest.raises(ProblemError) as caught:
        RejectedCursor.parse(text)
    assert caught.value.status == 422
    assert caught.value.problem.code == "invalid_parameter"
    assert [problem.field for problem in caught.value.problem.errors] == ["after (query)"]


def test_first_page_is_before_every_row() -> None:
    assert RejectedCursor(None, -LAST) == FIRST_PAGE
