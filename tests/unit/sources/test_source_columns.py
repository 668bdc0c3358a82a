import json

from consumer.cells.chunks import ERROR_CELL, Cell
from consumer.sources.header import find_header
from consumer.sources.headered_rows import HeaderedRows
from consumer.sources.row_block import RowBlock
from consumer.sources.source_columns import MAX_JSON_BYTES, SourceColumn, columns_to_json
from tests.support.tiny_dataset import FIELDS


def header(*cells: Cell) -> list[SourceColumn]:
    return find_header([(1, ("ИНН", "Ссылка", *cells))], FIELDS).source_columns()


def test_columns_are_in_order_with_their_headers() -> None:
    found = columns_to_json(header(None, "Прочее", "Прочее", 7.0, "", "x\x00"))
    assert found["columns"] == [
        {"name": "ИНН", "field": "inn"},
        {"name": "Ссылка", "field": "url"},
        {"name": "C", "header": None},
        {"name": "Прочее"},
        {"name": "Прочее (2)", "header": "Прочее"},
        {"name": "7"},
        {"name": "G", "header": None},
        {"name": "x\\u0000"},
    ]
    assert found["left_out"] == 0


def test_column_names_match_records() -> None:
    rows = [["ИНН", "Ссылка", "ж" * 5_000, "ж" * 5_000], ["1", "u", "a", "b"]]
    table = HeaderedRows([RowBlock([1, 2], list(map(list, zip(*rows, strict=True))))], FIELDS)
    (chunk,) = table.chunks()
    names = [column.name for column in table.header.source_columns()]
    assert list(chunk.record(0)) == names
    assert len(set(names)) == 4
    assert max(map(len, names)) <= 110
    assert chunk.record_fields == {"ИНН": "inn", "Ссылка": "url"}


def test_long_headers_are_listed_up_to_a_megabyte() -> None:
    found = columns_to_json(header(*["ж" * 32_767] * 16_382))
    assert 0.9 * MAX_JSON_BYTES < len(json.dumps(found, ensure_ascii=False).encode()) < 1.02 * MAX_JSON_BYTES
    assert len(found["columns"]) + found["left_out"] == 16_384


def test_common_headers_of_the_widest_sheet_are_all_listed() -> None:
    found = columns_to_json(header(*[f"Столбец {number}" for number in range(16_382)]))
    assert (len(found["columns"]), found["left_out"]) == (16_384, 0)


def test_error_in_an_unmapped_column_is_in_the_record() -> None:
    columns = [["ИНН", "1"], ["Ссылка", ERROR_CELL], ["x", ERROR_CELL], ["y", ""]]
    table = HeaderedRows([RowBlock([1, 2], columns)], FIELDS)
    (chunk,) = table.chunks()
    record = chunk.record(0)
    assert [(name, cell is ERROR_CELL) for name, cell in record.items()] == [
        ("ИНН", False), ("Ссылка", True), ("x", True)
    ]  # fmt: skip
