"""What calamine loses or rejects in an .xls is read from the records, or patched."""

import struct
from pathlib import Path

import pytest

from consumer.errors import MigrationError
from consumer.sources.excel.calamine import open_calamine
from consumer.sources.excel.containers.ole import OleFileError
from consumer.sources.excel.containers.ole_stream import OleStream
from consumer.sources.excel.xls.records import (
    STREAM_NAMES,
    dialog_flags,
    patch_unsupported_values,
    text_formula_cells,
)
from tests.support.other_workbooks import VISIBLE
from tests.support.read_columns import read_columns
from tests.support.workbooks import FIXTURES, HEADER
from tests.support.xls import write_xls_sheets, xls_record, xls_result

KNOWN = (0x00, 0x07, 0x0F, 0x17, 0x1D, 0x24, 0x2A, 0x2B)
UNKNOWN = (0x2C, 0x2D, 0x30, 0x31, 0xFF)
UNUSED_BITS = (0x10, 0x40, 0xFC)
DIALOG = xls_record(0x81, struct.pack("<H", 0x0010 | 0x04C1))
OPTIONS = xls_record(0x81, struct.pack("<H", 0x04C1))


def typed_error(row: int, code: int) -> bytes:
    return xls_record(0x205, struct.pack("<3H2B", row, 2, 0, code, 1))


def error_result(row: int, code: int) -> bytes:
    return xls_record(0x06, struct.pack("<3H3B3xHHIH", row, 2, 0, 2, 0, code, 0xFFFF, 0, 0, 0))


def boolean(row: int, value: int) -> bytes:
    return xls_record(0x205, struct.pack("<3H2B", row, 2, 0, value, 0))


def names(path: Path) -> list[object]:
    return [cell if cell != "" else None for cell in read_columns(path)["name"]]


@pytest.mark.parametrize("cell", [typed_error, error_result])
@pytest.mark.parametrize("code", [*KNOWN, *UNKNOWN])
def test_any_error_cell_is_empty(cell: object, code: int, tmp_path: Path) -> None:
    assert callable(cell)
    rows = [HEADER, (1, "u", cell(1, code)), (2, "v", "Чат"), (3, "w", boolean(3, 1))]
    path = write_xls_sheets(tmp_path / "book.xls", [("S", rows, VISIBLE)])
    assert names(path) == [None, "Чат", True]


def test_calamine_rejects_an_unknown_error(tmp_path: Path) -> None:
    """If this fails, calamine has been fixed, and the patch can go."""
    rows = [HEADER, (1, "u", typed_error(1, 0x2C))]
    with pytest.raises(MigrationError) as caught:
        open_calamine(write_xls_sheets(tmp_path / "book.xls", [("S", rows, VISIBLE)]), 7)
    assert caught.value.code == "workbook_damaged"


def test_only_errors_are_patched_in_many_sectors(tmp_path: Path) -> None:
    rows = [HEADER, *((row, "u" * 100, typed_error(row, 0x2C)) for row in range(1, 150))]
    path = write_xls_sheets(tmp_path / "book.xls", [("S", rows, VISIBLE)])
    before = path.read_bytes()
    assert patch_unsupported_values(path)
    after = path.read_bytes()
    changed = [(old, new) for old, new in zip(before, after, strict=True) if old != new]
    assert changed == [(0x2C, 0x2A)] * 149
    assert not patch_unsupported_values(path)
    assert len(names(path)) == 149


def test_other_damage_is_reported(tmp_path: Path) -> None:
    rows = [HEADER, (1, "u", xls_record(0x205, b"\0"))]
    with pytest.raises(MigrationError) as caught:
        read_columns(write_xls_sheets(tmp_path / "book.xls", [("S", rows, VISIBLE)]))
    assert caught.value.code in {"workbook_damaged", "source_unreadable"}


@pytest.mark.parametrize("bits", UNUSED_BITS)
@pytest.mark.parametrize("state", [0, 1, 2])
def test_unused_bits_of_sheet_state_are_ignored(bits: int, state: int, tmp_path: Path) -> None:
    sheets = [
        ("Первый", [HEADER, (1, "u", "old")], bits | state),
        ("Второй", [HEADER, (1, "u", "new")], VISIBLE),
    ]
    path = write_xls_sheets(tmp_path / "book.xls", sheets)
    assert names(path) == ["old" if state == VISIBLE else "new"]


def test_dialog_is_skipped(tmp_path: Path) -> None:
    sheets = [
        ("Диалог", [(DIALOG, *HEADER), (None, 1, "u", "old")], VISIBLE),
        ("Лист", [(OPTIONS, *HEADER), (None, 1, "u", "new")], VISIBLE),
    ]
    path = write_xls_sheets(tmp_path / "book.xls", sheets)
    assert names(path) == ["new"]
    with pytest.raises(MigrationError, match="is a chart, dialog or macro"):
        read_columns(path, "Диалог")


def test_results_and_typed_texts_are_distinguished(tmp_path: Path) -> None:
    """Also after empty columns, and on the second sheet."""
    first = [HEADER, (1, "u", "Чат")]
    second = [
        (None, *HEADER),
        (None, 1, "u", "#Н/Д"),
        (None, 2, "#N/A", xls_result(2, 3, "#Н/Д")),
        (None, 3, "w", "Чат"),
    ]
    path = write_xls_sheets(tmp_path / "book.xls", [("A", first, VISIBLE), ("B", second, VISIBLE)])
    found = read_columns(path, "B")
    assert [cell or None for cell in found["name"]] == ["#Н/Д", None, "Чат"]
    assert found["url"] == ["u", "#N/A", "w"]
    assert text_formula_cells(path, 1) == {(2, 3)}
    assert text_formula_cells(path, 0) == frozenset()
    with pytest.raises(OleFileError):
        text_formula_cells(path, 2)


def test_stream_in_mini_sectors_is_read(tmp_path: Path) -> None:
    """Streams under 4,096 bytes are in the root's content, in mini sectors of 64 bytes."""
    path = _with_short_stream(tmp_path / "book", b"".join(bytes([number]) * 64 for number in range(1, 14)))
    with path.open("r+b") as file:
        stream = OleStream(file, STREAM_NAMES)
        assert stream.size == 13 * 64 - 30
        assert stream.read(0, 1 << 20) == path.read_bytes()[1536:][: stream.size]
        assert stream.read(100, 3) == b"\2\2\2"
        stream.write_byte(130, 0xAA)
    assert path.read_bytes()[1536 + 130] == 0xAA


@pytest.mark.parametrize("cut", [10, 600, 1_100, 1_600])
def test_truncated_container_is_damaged(cut: int, tmp_path: Path) -> None:
    path = _with_short_stream(tmp_path / "book", bytes(13 * 64))
    path.write_bytes(path.read_bytes()[:cut])
    for read in (dialog_flags, patch_unsupported_values, lambda path: text_formula_cells(path, 0)):
        with pytest.raises(OleFileError):
            read(path)


def test_endless_sector_chain_is_damaged(tmp_path: Path) -> None:
    path = write_xls_sheets(tmp_path / "book.xls", [("S", [HEADER, (1, "u", "Чат")], VISIBLE)])
    content = bytearray(path.read_bytes())
    content[512 + 4 * 2 : 512 + 4 * 3] = struct.pack("<I", 2)
    path.write_bytes(bytes(content))
    assert dialog_flags(path) == [False]


def test_real_workbook(tmp_path: Path) -> None:
    path = tmp_path / "book.xls"
    path.write_bytes((FIXTURES / "sample.xls").read_bytes())
    assert dialog_flags(path)
    assert not patch_unsupported_values(path)
    assert isinstance(text_formula_cells(path, 0), frozenset)


def _with_short_stream(path: Path, content: bytes) -> Path:
    """An OLE file whose stream `Workbook` ends 30 bytes before the end of its last mini sector."""
    free, end, table = 0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFFFD
    short = len(content) // 64
    sectors = -(-len(content) // 512)
    head = bytes.fromhex("D0CF11E0A1B11AE1") + bytes(16) + struct.pack("<5H", 0x3E, 3, 0xFFFE, 9, 6)
    head += bytes(10) + struct.pack("<8I", 1, 1, 0, 4096, 2 + sectors, 1, end, 0)
    header = (head + struct.pack("<I", 0)).ljust(512, b"\xff")
    chain = [table, end, *range(3, 2 + sectors), end, end]
    mini = [*range(1, short), end]

    def entry(name: str, kind: int, child: int, sector: int, size: int) -> bytes:
        text = (name + "\0").encode("utf-16-le")
        start = text.ljust(64, b"\0") + struct.pack("<HBB3I", len(text), kind, 1, free, free, child)
        return start.ljust(116, b"\0") + struct.pack("<IQ", sector, size)

    directory = entry("Root Entry", 5, 1, 2, len(content)) + entry("Workbook", 2, free, 0, len(content) - 30)
    path.write_bytes(
        header
        + struct.pack(f"<{len(chain)}I", *chain).ljust(512, b"\xff")
        + directory.ljust(512, b"\0")
        + content.ljust(sectors * 512, b"\0")
        + struct.pack(f"<{short}I", *mini).ljust(512, b"\xff")
    )
    return path
