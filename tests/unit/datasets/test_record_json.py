"""Records of rejected rows: bounded, and complete within their bounds."""

import json
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import pytest

from consumer.cells.chunks import ERROR_CELL, FORMULA_WITHOUT_VALUE, Cell
from consumer.datasets.cell_json import kind_lost_in_json, to_json_value
from consumer.datasets.record_json import MAX_UNMAPPED_BYTES, RecordEncoder

ENCODER = RecordEncoder({"name": 500, "note": 40_000})
FIELDS = {"Name": "name", "Note": "note"}


def encode(record: dict[str, Cell]) -> tuple[dict[str, Any], dict[str, str], dict[str, Any]]:
    """Record, kinds and cut, decoded."""
    encoded = ENCODER.encode(record, FIELDS)
    return json.loads(encoded.record), json.loads(encoded.kinds or "{}"), json.loads(encoded.cut or "{}")


def unmapped_bytes(record: dict[str, Cell]) -> int:
    """Bytes that unmapped columns take of the record and of its kinds."""
    complete = ENCODER.encode(record, FIELDS)
    mapped = ENCODER.encode({label: cell for label, cell in record.items() if label in FIELDS}, FIELDS)
    sizes = [len((text or "").encode()) for part in (complete, mapped) for text in (part.record, part.kinds)]
    return sizes[0] + sizes[1] - sizes[2] - sizes[3]


CELLS: list[tuple[Cell, object, str | None]] = [
    ("text", "text", None),
    ("", "", None),
    ("2024-01-02", "2024-01-02", None),
    (None, None, None),
    (12.0, 12, None),
    (1.5, 1.5, None),
    (True, True, None),
    (7, 7, None),
    (2.0**60, str(2.0**60), "number"),
    (10**30, "1" + "0" * 30, "number"),
    (float("nan"), "nan", "number"),
    (Decimal("1.50"), "1.50", "number"),
    (date(2024, 1, 2), "2024-01-02", "date"),
    (datetime(2024, 1, 2, 3, 4), "2024-01-02T03:04:00", "date"),  # noqa: DTZ001 – as workbooks have it
    (time(3, 4), "03:04:00", "time"),
    (timedelta(hours=30), "1 day, 6:00:00", "duration"),
    (ERROR_CELL, None, "error"),
    (FORMULA_WITHOUT_VALUE, None, "formula"),
    ("a\x00\ud83d", "a\\u0000\\ud83d", None),
]


@pytest.mark.parametrize(("cell", "value", "kind"), CELLS)
def test_value_and_kind_identify_the_cell(cell: Cell, value: object, kind: str | None) -> None:
    assert (to_json_value(cell), kind_lost_in_json(cell)) == (value, kind)
    for padding in ("", "x" * 3_000):  # the second record is not small
        record, kinds, cut = encode({"Note": padding, "Other": cell, "Name": cell})
        assert (record["Other"], record["Name"]) == (value, value)
        assert kinds == ({"Other": kind, "Name": kind} if kind else {})
        assert cut == {}


def test_small_and_bounded_records_have_same_format() -> None:
    record: dict[str, Cell] = {f"c{number}": cell for number, (cell, _, _) in enumerate(CELLS)}
    small = ENCODER.encode(record, FIELDS)
    large = ENCODER.encode(record | {"Note": "x" * 30_000}, FIELDS)
    assert large.record == small.record[:-1] + ', "Note": "' + "x" * 30_000 + '"}'
    assert (large.kinds, large.cut) == (small.kinds, None)


def test_mapped_cell_is_complete_up_to_its_limit_and_marked_beyond() -> None:
    record, _, cut = encode({"Name": "x" * 500, "Note": "ж" * 40_000})
    assert (len(record["Name"]), len(record["Note"]), cut) == (500, 40_000, {})
    record, _, cut = encode({"Name": "x" * 501, "Note": "ж" * 40_000})
    assert record["Name"] == "x" * 500 + "…", "a text that is too long stays too long"
    assert (len(record["Note"]), cut) == (40_000, {"cut": ["Name"], "left_out": 0})


LONGEST_CELL = "ж" * 32_767
HOSTILE: dict[str, dict[str, Cell]] = {
    "one long text": {"a": "x" * 1_000_000, "Name": "n"},
    "one text in many cells": {f"c{number}": LONGEST_CELL for number in range(16_384)},
    "escapes": {f"c{number}": "\x00\\\t\ud800" * 8_000 for number in range(50)},
    "long names": {f"{number} " + "ж" * 90: 1.5 for number in range(16_384)},
    "kinds": {f"c{number}": ERROR_CELL if number % 2 else date(2024, 1, 2) for number in range(16_384)},
    "numbers": {f"c{number}": float(number) for number in range(16_384)},
    "four bytes": {f"c{number}": "😀" * 32_767 for number in range(8)},
}


@pytest.mark.parametrize("record", HOSTILE.values(), ids=HOSTILE)
def test_unmapped_columns_share_64_kb(record: dict[str, Cell]) -> None:
    decoded, _, cut = encode(record)
    assert MAX_UNMAPPED_BYTES * 0.4 < unmapped_bytes(record) <= MAX_UNMAPPED_BYTES
    assert len(decoded) + cut["left_out"] == len(record), "omitted cells are counted"
    assert all(label in decoded for label in cut["cut"])
    assert len(cut["cut"]) <= 12
    for label, value in decoded.items():
        cell = to_json_value(record[label])
        complete = label not in cut["cut"]
        assert value == cell if complete else str(cell).startswith(str(value).removesuffix("…")[:-7])


def test_mapped_cells_after_others_are_not_omitted() -> None:
    record: dict[str, Cell] = {f"c{number}": "x" * 32_767 for number in range(100)}
    record |= {"Name": "n", "Note": "y" * 40_000}
    decoded, _, cut = encode(record)
    assert (decoded["Name"], decoded["Note"]) == ("n", "y" * 40_000)
    assert cut["left_out"] > 80


def test_cells_after_one_that_does_not_fit_are_kept() -> None:
    """It gets half of the remaining bytes: a note of a megabyte does not displace all columns after it."""
    decoded, _, cut = encode({"a": "x" * 1_000_000, **{f"c{number}": "short" for number in range(500)}})
    assert (cut, len(decoded)) == ({"cut": ["a"], "left_out": 0}, 501)
