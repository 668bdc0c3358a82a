"""Damaged, encrypted and hostile workbooks: each fails with one code, or is read."""

import signal
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from consumer.ipc import FrameType
from consumer.sources.excel.sheet_limits import MAX_COLUMN, MAX_ROW
from tests.support.extractor_driver import ExtractorDriver, make_start_header, start_extractor
from tests.support.other_workbooks import ods_rows, raw_ods, raw_xlsb, xlsb_number, xlsb_record, xlsb_sheet
from tests.support.workbooks import (
    FIXTURES,
    HEADER,
    data_rows,
    raw_xlsx,
    stray_cell_xlsx,
    text_cell,
    text_row,
    write_sheets,
    write_xlsx,
)

ROWS = [HEADER, *data_rows(20)]
MB = 1 << 20


def code_of(process: ExtractorDriver) -> str:
    """The code of the only frame, FAILED."""
    (failed,) = process.read_all()
    assert failed.frame_type is FrameType.FAILED
    assert failed.header["transient"] is False
    assert failed.header["message"].endswith(".")
    assert process.exit_code() == 0
    return str(failed.header["code"])


def rejected_code(path: Path, scratch: Path, **others: object) -> str:
    with start_extractor(make_start_header(path, scratch, **others)) as process:
        return code_of(process)


def row_count(path: Path, scratch: Path, **others: object) -> int:
    with start_extractor(make_start_header(path, scratch, **others)) as process:
        end = process.read_all()[-1]
    assert end.frame_type is FrameType.END, end.header
    return int(end.header["rows"])


def with_encoding(encoding: str) -> Callable[[bytes], bytes]:
    """Rewrites the XML declaration of a part to this encoding."""

    def declare(content: bytes) -> bytes:
        return f'<?xml version="1.0" encoding="{encoding}"?>'.encode() + content.partition(b"?>")[2]

    return declare


def rewrite_part(
    path: Path,
    part: str,
    changed: Callable[[bytes], bytes] = lambda content: content,
    compression: int = zipfile.ZIP_DEFLATED,
) -> Path:
    """The workbook with one part changed or compressed by another method, as its first part."""
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(part, changed(parts.pop(part)), compression)
        for name, content in parts.items():
            archive.writestr(name, content)
    return path


def write_as(inbox: Path, content: bytes) -> Path:
    path = inbox / "chats.xlsx"
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "not_a_workbook"),
        ("ИНН;Ссылка\n".encode(), "not_a_workbook"),
        (b"%PDF-1.7", "not_a_workbook"),
        ((FIXTURES / "encrypted.xlsx").read_bytes(), "workbook_encrypted"),
    ],
)
def test_files_that_are_no_readable_workbook_fail(
    inbox: Path, scratch: Path, content: bytes, code: str
) -> None:
    assert rejected_code(write_as(inbox, content), scratch) == code


@pytest.mark.parametrize("fraction", [0.05, 0.4, 0.7, 0.95])
@pytest.mark.parametrize("low_memory", [False, True])
def test_truncated_workbook_is_damaged(inbox: Path, scratch: Path, fraction: float, low_memory: bool) -> None:
    complete = write_xlsx(inbox / "chats.xlsx", ROWS).read_bytes()
    path = write_as(inbox, complete[: int(len(complete) * fraction)])
    assert rejected_code(path, scratch, low_memory=low_memory) == "workbook_damaged"


@pytest.mark.parametrize("fraction", [0.2, 0.5, 0.8])
def test_truncated_xls_is_damaged(inbox: Path, scratch: Path, fraction: float) -> None:
    complete = (FIXTURES / "sample.xls").read_bytes()
    path = write_as(inbox, complete[: int(len(complete) * fraction)])
    assert rejected_code(path, scratch) == "workbook_damaged"


def replace_record(kind: int, index: int, content: bytes) -> bytes:
    """An .xls with the record at `index` of its globals replaced."""
    xls = bytearray((FIXTURES / "sample.xls").read_bytes())
    offset = xls.index(b"\x09\x08\x10\x00\x00\x06\x05")
    for _ in range(index):
        offset += 4 + int.from_bytes(xls[offset + 2 : offset + 4], "little")
    xls[offset : offset + 2] = kind.to_bytes(2, "little")
    xls[offset + 4 : offset + 4 + len(content)] = content
    return bytes(xls)


FILEPASS, RC4 = 0x2F, b"\x01\x00"


def test_encrypted_xls_has_its_code(inbox: Path, scratch: Path) -> None:
    assert rejected_code(write_as(inbox, replace_record(FILEPASS, 1, RC4)), scratch) == "workbook_encrypted"


def test_panic_of_a_library_is_an_unreadable_source(inbox: Path, scratch: Path) -> None:
    """Its text, which names source files, is in the standard error of the extractor only."""
    with start_extractor(
        make_start_header(write_as(inbox, replace_record(FILEPASS, 3, b"")), scratch)
    ) as process:
        (failed,) = process.read_all()
        assert process.exit_code() == 0
        assert "panicked" in process.stderr_text()
    assert failed.header["code"] == "source_unreadable"
    assert "Copy the rows into a new one" in failed.header["message"]
    assert not any(word in str(failed.header) for word in ("panick", "Traceback", ".rs", ".py"))


@pytest.mark.parametrize("low_memory", [False, True])
def test_zeroed_bytes_in_the_middle_are_damage(inbox: Path, scratch: Path, low_memory: bool) -> None:
    path = write_xlsx(inbox / "chats.xlsx", [HEADER, *data_rows(2000)])
    content = bytearray(path.read_bytes())
    middle = content.index(b"xl/worksheets/sheet1.xml") + 4000
    content[middle : middle + 200] = bytes(200)
    with start_extractor(
        make_start_header(write_as(inbox, bytes(content)), scratch, low_memory=low_memory)
    ) as process:
        assert process.read_all()[-1].header["code"] == "workbook_damaged"


@pytest.mark.parametrize("low_memory", [False, True])
def test_entities_are_rejected_before_expansion(inbox: Path, scratch: Path, low_memory: bool) -> None:
    entities = "".join(f'<!ENTITY e{i} "{f"&e{i - 1};" * 10 if i else "ha"}">' for i in range(10))
    rows = '<row r="1"><c r="A1" t="str"><v>&e9;</v></c></row>'
    path = raw_xlsx(inbox / "chats.xlsx", rows, before=f"<!DOCTYPE x [{entities}]>")
    assert rejected_code(path, scratch, low_memory=low_memory) == "workbook_damaged"


@pytest.mark.parametrize("encoding", ["UF-8", "GB2312"])
@pytest.mark.parametrize("part", ["xl/workbook.xml", "xl/styles.xml"])
def test_encoding_unknown_to_one_reader_is_read_by_another(
    inbox: Path, scratch: Path, part: str, encoding: str
) -> None:
    path = rewrite_part(write_xlsx(inbox / "chats.xlsx", ROWS), part, with_encoding(encoding))
    assert row_count(path, scratch) == 20


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_damage_in_a_rare_compression_is_damage(inbox: Path, scratch: Path, method: int) -> None:
    path = rewrite_part(write_xlsx(inbox / "chats.xlsx", ROWS), "xl/workbook.xml", compression=method)
    content = bytearray(path.read_bytes())
    start = content.index(b"xl/workbook.xml") + len(b"xl/workbook.xml") + 20
    content[start : start + 40] = bytes(40)
    assert rejected_code(write_as(inbox, bytes(content)), scratch) == "workbook_damaged"


@pytest.mark.parametrize("url", ["https://max.ru/join/{}", "nowhere {}"], ids=["accepted", "rejected"])
def test_long_texts_are_split_into_batches_of_limited_size(inbox: Path, scratch: Path, url: str) -> None:
    """The record of a rejected row also holds its unmapped columns."""
    header = ["ИНН", "Ссылка", "Название", "Примечание"]
    rows = [["7707083893", url.format(number), "ч" * 16_000, "п" * 32_000] for number in range(600)]
    path = write_xlsx(inbox / "chats.xlsx", [header, *rows])
    start = make_start_header(path, scratch, dataset="chats", chunk_rows=10_000)
    with start_extractor(start, "consumer.extract") as process:
        batches = [frame for frame in process.read_all() if frame.frame_type is FrameType.BATCH]
    assert sum(frame.header["accepted"] + frame.header["rejected"] for frame in batches) == 600
    assert max(len(frame.body) for frame in batches) < 20 * MB


def test_zip_bomb_is_rejected_by_its_directory(inbox: Path, scratch: Path) -> None:
    path = raw_xlsx(inbox / "chats.xlsx", text_row(1, *HEADER), extra={"xl/media/zeros": bytes(64 * MB)})
    assert rejected_code(path, scratch, max_inflated_bytes=32 * MB) == "source_too_large"


def test_text_of_many_megabytes_is_one_rejected_row(inbox: Path, scratch: Path) -> None:
    rows = text_row(1, *HEADER) + text_row(2, "7700000000", "https://max.ru/1", "я" * 40_000_000)
    path = raw_xlsx(inbox / "chats.xlsx", rows)
    assert row_count(path, scratch, low_memory=True, memory_bytes=512 * MB) == 1
    assert row_count(path, scratch) == 1


def test_cell_in_the_last_corner_is_read_with_low_memory(inbox: Path, scratch: Path) -> None:
    path = stray_cell_xlsx(inbox / "chats.xlsx", 1000)
    with start_extractor(make_start_header(path, scratch)) as process:
        frames = process.read_all()
        if process.exit_code() == -signal.SIGABRT:  # calamine allocates all cells; other readers may not
            assert frames == []
        else:
            assert frames[-1].header == {"rows": 1001}
    assert row_count(path, scratch, low_memory=True, memory_bytes=512 * MB) == 1001


def test_cell_in_the_last_row_costs_little_with_low_memory(inbox: Path, scratch: Path) -> None:
    far = f'<row r="1048576">{text_cell("A1048576", "x")}</row>'
    path = raw_xlsx(inbox / "chats.xlsx", text_row(1, *HEADER) + text_row(2, "1", "u", "n") + far)
    assert row_count(path, scratch, low_memory=True, memory_bytes=256 * MB, cpu_seconds=5) == 2


def test_xls_cannot_be_read_with_low_memory(inbox: Path, scratch: Path) -> None:
    path = inbox / "x.xls"
    path.write_bytes((FIXTURES / "sample.xls").read_bytes())
    assert rejected_code(path, scratch, low_memory=True) == "source_too_large"


def test_xlsb_is_read_in_little_memory(inbox: Path, scratch: Path) -> None:
    """A cell in the last corner; in memory, all cells before it would take 130 GB."""
    last = xlsb_record(0, struct.pack("<I", MAX_ROW - 1)) + xlsb_number(MAX_COLUMN - 1, 1.0)
    sheet = xlsb_sheet(ROWS).replace(xlsb_record(0x92), last + xlsb_record(0x92))
    path = raw_xlsb(inbox / "x.xlsb", [("worksheet", "Чаты", sheet, 0)])
    assert row_count(path, scratch, low_memory=True, memory_bytes=512 * MB) == 21


def test_ods_is_read_in_little_memory(inbox: Path, scratch: Path) -> None:
    """A cell in the last corner; in memory, all cells before it would take 130 GB."""
    empty = "<table:table-cell/></table:table-row>"
    gap = f'<table:table-row table:number-rows-repeated="{MAX_ROW - len(ROWS) - 1}">{empty}'
    last = ods_rows([(*[None] * (MAX_COLUMN - 1), "x")])
    body = f'<table:table table:name="Чаты">{ods_rows(ROWS)}{gap}{last}</table:table>'
    assert row_count(raw_ods(inbox / "x.ods", body), scratch, low_memory=True, memory_bytes=512 * MB) == 21


def test_cpu_limit_ends_the_extractor(inbox: Path, scratch: Path) -> None:
    rows = "".join(
        text_row(number, *map(str, row)) for number, row in enumerate([HEADER, *data_rows(100_000)], 1)
    )
    path = raw_xlsx(inbox / "chats.xlsx", rows)
    with start_extractor(
        make_start_header(path, scratch, cpu_seconds=1, low_memory=True, credits=10_000)
    ) as process:
        process.read_all(sending_credit=False)
        assert process.exit_code() == -signal.SIGXCPU


def hostile_cells() -> dict[str, dict[str, str]]:
    """Small files with one cell of a million characters or elements; some used to take hours."""
    many, marks = 1_000_000, "\u0301\u0327" * 500_000
    nested = "<x>" * many + "</x>" * many
    shared = '<row r="3"><c r="A3" t="s"><v>0</v></c></row>'
    return {
        "phone": {"rows": text_row(3, "7707083893", "https://a.ru", "1" * many)},
        "marks": {"rows": text_row(3, "7707083893", "https://a.ru", marks)},
        "number": {"rows": f'<row r="3"><c r="C3"><v>{"1" * many}x</v></c></row>'},
        "inline": {"rows": f'<row r="3"><c r="A3" t="inlineStr"><is>{nested}</is></c></row>'},
        "shared": {"rows": shared, "strings": f"<si>{nested}</si>"},
        "attribute": {"rows": f'<row r="3" x="{"a" * 50 * many}">{text_cell("A3", "z")}</row>'},
    }


@pytest.mark.parametrize("low_memory", [False, True])
@pytest.mark.parametrize("name", ["phone", "marks", "number", "inline", "shared", "attribute"])
def test_one_hostile_cell_costs_seconds(inbox: Path, scratch: Path, name: str, low_memory: bool) -> None:
    """Each is read or fails, in less processor time than the limit."""
    parts = hostile_cells()[name]
    rows = text_row(1, "ИНН", "Ссылка", "Телефон") + text_row(2, "7707083893", "https://b.ru", "")
    path = raw_xlsx(inbox / "chats.xlsx", rows + parts["rows"], strings=parts.get("strings"))
    assert path.stat().st_size < 100_000
    start = make_start_header(path, scratch, dataset="chats", low_memory=low_memory, cpu_seconds=20)
    with start_extractor(start, "consumer.extract") as process:
        last = process.read_all()[-1]
        assert process.exit_code() == 0
    assert last.frame_type is FrameType.END or last.header["code"] == "workbook_damaged"


@pytest.mark.parametrize("low_memory", [False, True])
def test_charts_are_skipped_and_a_missing_sheet_fails(inbox: Path, scratch: Path, low_memory: bool) -> None:
    path = write_sheets(inbox / "chats.xlsx", ["Лист1", "чаты "], charts=["График"])
    assert row_count(path, scratch, low_memory=low_memory) == 1
    source = {"type": "excel", "file": {"path": path.name}, "sheet": "Нет"}
    assert rejected_code(path, scratch, low_memory=low_memory, source=source) == "sheet_not_found"


@pytest.mark.parametrize("low_memory", [False, True])
@pytest.mark.parametrize(
    ("rows", "code"),
    [
        ("", "no_header"),
        (text_row(1, "Группа", "Курс"), "no_header"),
        (text_row(1, "ИНН", "Курс"), "missing_column"),
        (text_row(1, "ИНН", "Ссылка", "Ссылка на чат"), "duplicate_column"),
        (text_row(1, "ИНН", "Ссылка"), "no_rows"),
        (text_row(1, "ИНН", "Ссылка") + text_row(9, "\u200b", " "), "no_rows"),
    ],
)
def test_code_of_each_unreadable_layout(
    inbox: Path, scratch: Path, rows: str, code: str, low_memory: bool
) -> None:
    assert rejected_code(raw_xlsx(inbox / "chats.xlsx", rows), scratch, low_memory=low_memory) == code


@pytest.mark.parametrize("path", ["none.xlsx", "../secret.xlsx"])
def test_missing_files_and_files_outside_the_inbox_fail(inbox: Path, scratch: Path, path: str) -> None:
    (inbox.parent / "secret.xlsx").write_bytes(b"secret")
    source = {"type": "excel", "file": {"path": path}}
    assert rejected_code(inbox / "x", scratch, source=source) in {"file_not_found", "file_outside_inbox"}
