"""Where a list of rejected rows goes on."""

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
def test_cursor_is_read_as_it_is_written(text: str, load: int | None, row_number: int) -> None:
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
def test_anything_else_is_refused_with_what_it_must_be(text: str) -> None:
    with pytest.raises(ProblemError) as refused:
        RejectedCursor.parse(text)
    assert refused.value.status == 422
    assert refused.value.problem.code == "invalid_parameter"
    assert [one.field for one in refused.value.problem.errors] == ["after (query)"]


def test_top_is_before_every_row() -> None:
    assert RejectedCursor(None, -LAST) == FIRST_PAGE
