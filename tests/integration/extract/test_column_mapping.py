"""A workbook with a header that the dataset does not know: its error, and its import once it is mapped."""

from pathlib import Path
from typing import Any

import pytest

from consumer.ipc import FrameType
from tests.support.extractor_driver import ReceivedFrame, make_start_header, start_extractor
from tests.support.workbooks import data_rows, write_xlsx

HEADER = ("ИНН", "Приглашение (ссылка)", "Название чата", "Ссылка")
ROWS = 7


@pytest.fixture
def workbook(inbox: Path) -> Path:
    """Links in a column with another header, and an obsolete column that is known."""
    return write_xlsx(inbox / "chats.xlsx", [HEADER, *((*row, "-") for row in data_rows(ROWS))])


def read(
    workbook: Path, scratch: Path, columns: dict[str, str] | None, **overrides: Any
) -> list[ReceivedFrame]:
    source = {"type": "excel", "file": {"path": workbook.name}, "columns": columns}
    start = make_start_header(workbook, scratch, source=source, dataset="chats", **overrides)
    with start_extractor(start, "consumer.extract") as process:
        return process.read_all()


@pytest.mark.parametrize("low_memory", [False, True])
def test_mapped_column_is_read(workbook: Path, scratch: Path, low_memory: bool) -> None:
    frames = read(workbook, scratch, {"приглашение ссылка": "url"}, low_memory=low_memory)
    opened = next(frame for frame in frames if frame.frame_type is FrameType.OPENED)
    batches = [frame for frame in frames if frame.frame_type is FrameType.BATCH]
    assert {column["name"]: column.get("field") for column in opened.header["columns"]["columns"]} == {
        "ИНН": "inn",
        "Приглашение (ссылка)": "url",
        "Название чата": "name",
        "Ссылка": None,
    }
    assert sum(frame.header["accepted"] for frame in batches) == ROWS
    assert "https://max.ru/join/0\t" in batches[0].sections["stage_chats"]


def test_mapped_header_that_is_missing_fails_with_a_sample(workbook: Path, scratch: Path) -> None:
    failed = read(workbook, scratch, {"Приглашение": "url"})[-1]
    assert failed.frame_type is FrameType.FAILED
    assert (failed.header["code"], failed.header["transient"]) == ("missing_column", False)
    assert failed.header["nearest"] == {"url": "Приглашение (ссылка)"}
    sample = failed.header["sample"]
    assert (sample["row"], sample["missing"]) == (
        1,
        [{"field": "url", "nearest": "Приглашение (ссылка)"}],
    )
    links = [f"https://max.ru/join/{number}" for number in range(5)]
    assert sample["columns"][1] == {
        "column": "B",
        "header": "Приглашение (ссылка)",
        "field": None,
        "samples": links,
    }


def test_unknown_field_fails_the_job(workbook: Path, scratch: Path) -> None:
    (failed,) = read(workbook, scratch, {"Приглашение": "urll"})
    assert (failed.header["code"], failed.header["nearest"]) == ("invalid_request", None)
    assert "«urll»" in failed.header["message"]
