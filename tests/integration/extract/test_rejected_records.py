"""The extractor limits the size of records of rejected rows, whatever its source repeats."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from consumer.datasets.chats.rejected_rows import MAX_REJECTED_BYTES
from consumer.datasets.record_json import MAX_UNMAPPED_BYTES
from consumer.ipc import MAX_FRAME_BYTES, FrameType
from tests.support.extractor_driver import ReceivedFrame, make_start_header, start_extractor
from tests.support.other_workbooks import ods_rows, raw_ods, write_xlsb
from tests.support.wide_workbooks import (
    EXPECTED_KINDS,
    LONG,
    inline_workbook,
    kinds_workbook,
    long_headers_workbook,
    sharing_workbook,
)

MB = 1 << 20
LIMITS = {"chunk_rows": 10_000, "memory_bytes": 1024 * MB, "cpu_seconds": 30}
COLUMNS = ("position", "record_identifier", "errors", "record", "kinds", "record_cut")


def rejected(frame: ReceivedFrame) -> list[dict[str, Any]]:
    """The rejected rows of a batch, decoded as by Postgres."""
    rows = []
    for line in frame.sections.get("stage_rejected_rows", "").splitlines():
        texts = [None if text == "\\N" else text.replace("\\\\", "\\") for text in line.split("\t")]
        row = dict(zip(COLUMNS, texts, strict=True))
        rows.append(
            row | {name: json.loads(row[name] or "null") for name in ("record", "kinds", "record_cut")}
        )
    return rows


def extract(path: Path, scratch: Path, **others: object) -> list[ReceivedFrame]:
    """The frames of an extractor with little memory."""
    start = make_start_header(path, scratch, dataset="chats", **{**LIMITS, **others})
    with start_extractor(start, "consumer.extract") as process:
        frames = process.read_all()
        assert process.exit_code() == 0, process.stderr_text()
    assert frames[-1].frame_type is FrameType.END, frames[-1].header
    return frames


def batches(frames: list[ReceivedFrame]) -> list[ReceivedFrame]:
    return [frame for frame in frames if frame.frame_type is FrameType.BATCH]


def repeated_ods(path: Path) -> Path:
    """One cell repeated 16,000 times."""
    cell = (
        f'<table:table-cell table:number-columns-repeated="16000"><text:p>{LONG}</text:p></table:table-cell>'
    )
    invalid = ods_rows([("12", "https://max.ru/1")]).replace(
        "</table:table-row>", f"{cell}</table:table-row>"
    )
    return raw_ods(
        path, f'<table:table table:name="S">{ods_rows([("ИНН", "Ссылка")])}{invalid}</table:table>'
    )


def binary(path: Path) -> Path:
    wide = [[f"Столбец {n}" for n in range(60)], [LONG] * 60]
    return write_xlsb(path, [["ИНН", "Ссылка", *wide[0]], ["12", "https://max.ru/1", *wide[1]]])


WORKBOOKS: dict[str, tuple[str, Callable[[Path], Path]]] = {
    "4,000 cells that share a text": ("a.xlsx", lambda path: sharing_workbook(path, columns=4_000)),
    "16,382 cells that share a text": ("a.xlsx", lambda path: sharing_workbook(path, columns=16_382)),
    "long headers": ("a.xlsx", long_headers_workbook),
    "texts in place": ("a.xlsx", inline_workbook),
    "repeated in an .ods": ("a.ods", repeated_ods),
    "an .xlsb": ("a.xlsb", binary),
}


@pytest.mark.parametrize(("name", "make"), WORKBOOKS.values(), ids=WORKBOOKS)
def test_record_of_a_hostile_row_is_limited_to_64_kb(
    inbox: Path, scratch: Path, name: str, make: Callable[[Path], Path]
) -> None:
    path = make(inbox / name)
    assert path.stat().st_size < MB
    frames = extract(path, scratch)
    opened = frames[0].header["columns"]
    assert len(json.dumps(opened, ensure_ascii=False).encode()) < 1.1 * MB
    assert [column["field"] for column in opened["columns"][:2]] == ["inn", "url"]
    ((row,),) = map(rejected, batches(frames))
    record = row["record"]
    assert (record.pop("ИНН"), record.pop("Ссылка")[:15]) == ("12", "https://max.ru/")
    size = len(json.dumps(record, ensure_ascii=False).encode())
    assert 0.5 * MAX_UNMAPPED_BYTES < size < 1.01 * MAX_UNMAPPED_BYTES
    assert len(row["record_cut"]["cut"]) + row["record_cut"]["left_out"] >= 39


@pytest.mark.parametrize("low_memory", [False, True])
def test_cell_kinds_are_stored_with_record(inbox: Path, scratch: Path, low_memory: bool) -> None:
    frames = extract(kinds_workbook(inbox / "k.xlsx"), scratch, low_memory=low_memory)
    ((row,),) = map(rejected, batches(frames))
    assert row["kinds"] == EXPECTED_KINDS
    assert row["record"] == {
        "ИНН": "12", "Ссылка": "https://max.ru/join/2", "C": 1.5, "D": "2024-01-02", "E": True,
        "F": None, "G": None, "H": None, "I": "1e+20", "J": "1 day, 12:00:00",
    }  # fmt: skip
    assert row["record_cut"] is None


def test_wide_rejected_rows_are_split_into_consecutive_batches(inbox: Path, scratch: Path) -> None:
    """No batch exceeds MAX_REJECTED_BYTES plus one record; an extraction can resume after each of them."""
    path = sharing_workbook(inbox / "many.xlsx", columns=40, rows=400)
    frames = batches(extract(path, scratch))
    assert (
        max(len(frame.body) for frame in frames)
        < MAX_REJECTED_BYTES + 2 * MAX_UNMAPPED_BYTES
        < MAX_FRAME_BYTES
    )
    assert len(frames) >= 3
    positions = [[row["position"] for row in rejected(frame)] for frame in frames]
    assert [position for part in positions for position in part] == [str(2 + n) for n in range(400)]
    for part, frame in zip(positions, frames, strict=True):
        assert (frame.header["last"], frame.header["rejected"]) == (int(part[-1]), len(part))
    middle = frames[0].header["last"]
    opened = extract(path, scratch)[0].header
    rest = extract(path, scratch, checkpoint=middle, fingerprint=opened["fingerprint"], rows_done=middle - 1)
    assert rejected(batches(rest)[0])[0]["position"] == str(middle + 1)
    assert sum(frame.header["rejected"] for frame in batches(rest)) == 401 - middle
