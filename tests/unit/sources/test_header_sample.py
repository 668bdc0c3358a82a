"""What a job keeps of a sheet without a required column: its headers, with values of each column."""

import json
from collections.abc import Sequence
from datetime import date
from typing import Any

import pytest

from consumer.cells.chunks import ERROR_CELL, Cell
from consumer.sources.header_sample import MAX_COLUMNS, MAX_VALUE_CHARS, SAMPLE_ROWS, SAMPLE_VALUES
from consumer.sources.headered_rows import HeaderedRows
from consumer.sources.missing_column import MissingHeaderError
from consumer.sources.row_block import RowBlock
from tests.support.tiny_dataset import FIELDS


def sample(*rows: Sequence[Cell], size: int = 1_000) -> dict[str, Any]:
    width = max(map(len, rows))
    blocks = [
        RowBlock(
            range(start + 1, start + 1 + len(part)),
            [[row[c] if c < len(row) else None for row in part] for c in range(width)],
        )
        for start in range(0, len(rows), size)
        for part in [rows[start : start + size]]
    ]
    with pytest.raises(MissingHeaderError) as caught:
        HeaderedRows(blocks, FIELDS)
    assert caught.value.sample is not None
    return dict(caught.value.sample)


def test_sample_has_headers_fields_and_values() -> None:
    header: list[Cell] = ["ИНН", "Ссылка MAX", None, "Дата"]
    found = sample(["Отчёт"], header, ["1", "https://a", "x", date(2025, 9, 1)], [2.0, "", None, ERROR_CELL])
    assert found == {
        "row": 2,
        "missing": [{"field": "url", "nearest": "Ссылка MAX"}],
        "columns": [
            {"column": "A", "header": "ИНН", "field": "inn", "samples": ["1", "2"]},
            {"column": "B", "header": "Ссылка MAX", "field": None, "samples": ["https://a"]},
            {"column": "D", "header": "Дата", "field": None, "samples": ["2025-09-01"]},
        ],
        "left_out": 0,
    }


@pytest.mark.parametrize("size", [2, 1_000])
def test_sample_has_the_first_values_of_a_column(size: int) -> None:
    rows: list[Sequence[Cell]] = [
        ["ИНН", "MAX"],
        *([str(number), None] for number in range(9)),
        ["9", "last"],
    ]
    columns = sample(*rows, size=size)["columns"]
    assert columns[0]["samples"] == [str(number) for number in range(SAMPLE_VALUES)]
    assert columns[1]["samples"] == (["last"] if size == 1_000 else [])


def test_only_the_rows_below_the_header_are_searched() -> None:
    rows: list[Sequence[Cell]] = [
        ["ИНН", "MAX"],
        *([str(n), None] for n in range(SAMPLE_ROWS)),
        ["x", "late"],
    ]
    assert sample(*rows)["columns"][1]["samples"] == []


def test_sample_is_bounded() -> None:
    header: list[Cell] = ["ИНН", *(f"{number} " + "\U0001f600" * 190 for number in range(16_383))]
    found = sample(header, *([["\U0001f600" * 32_767] * 16_384] * SAMPLE_VALUES))
    assert (len(found["columns"]), found["left_out"]) == (MAX_COLUMNS, 16_384 - MAX_COLUMNS)
    assert max(len(value) for column in found["columns"] for value in column["samples"]) == MAX_VALUE_CHARS
    assert len(json.dumps(found, ensure_ascii=False).encode()) < 600_000


def test_values_are_on_one_line_and_can_be_stored() -> None:
    found = sample(["ИНН", "MAX"], ["a\nb\u200b", "\x00\ud800"])
    assert [column["samples"] for column in found["columns"]] == [["a b\\u200b"], ["\\u0000\\ud800"]]
