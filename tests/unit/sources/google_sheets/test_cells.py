"""Converts cells from responses of the API."""

from typing import Any

import pytest

from consumer.cells.error_texts import ERROR_TEXTS
from consumer.sources.google_sheets.cells import parse_rows
from consumer.sources.google_sheets.errors import RetryableError


def test_values_keep_their_types() -> None:
    (row,) = parse_rows({"values": [[7700000000, 1.5, True, False, 0, "0", "text", " "]]})
    assert [(type(cell), cell) for cell in row] == [
        (int, 7700000000),
        (float, 1.5),
        (bool, True),
        (bool, False),
        (int, 0),
        (str, "0"),
        (str, "text"),
        (str, " "),
    ]


@pytest.mark.parametrize("nothing", ["", *sorted(ERROR_TEXTS)])
def test_error_is_an_empty_cell(nothing: str) -> None:
    assert parse_rows({"values": [[nothing, "x"]]}) == [[None, "x"]]


def test_text_that_contains_an_error_is_kept() -> None:
    assert parse_rows({"values": [["#N/A in the report", "#"]]}) == [["#N/A in the report", "#"]]


def test_rows_are_trimmed_and_empty_rows_are_kept() -> None:
    answer = {"values": [["a", "", None], [], ["", "#N/A"], ["b"], [""], []]}
    assert parse_rows(answer) == [["a"], [], [], ["b"], [], []]


def test_response_without_values_has_no_rows() -> None:
    assert parse_rows({"range": "'Лист1'!A1:B2"}) == []


@pytest.mark.parametrize(
    "answer", [None, [], "x", {"values": None}, {"values": "x"}, {"values": ["x"]}, {"values": [[{}]]}]
)
def test_invalid_response_is_retryable(answer: Any) -> None:
    with pytest.raises(RetryableError):
        parse_rows(answer)
