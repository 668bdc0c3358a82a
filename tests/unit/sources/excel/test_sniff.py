"""The format of a workbook is detected by its content, not by its name."""

import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from consumer.errors import MigrationError
from consumer.sources.excel.sniff import sniff
from tests.support.other_workbooks import write_compound, write_ods, write_xlsb
from tests.support.workbooks import FIXTURES, HEADER, data_rows, raw_xlsx, write_xlsx

LIMIT = 64 << 20
ROWS = [HEADER, *data_rows(2)]


def code_of(path: Path, limit: int = LIMIT) -> str:
    with pytest.raises(MigrationError) as caught:
        sniff(path, limit)
    assert caught.value.message.endswith(".")
    return caught.value.code


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (lambda path: write_xlsx(path, ROWS), "xlsx"),
        (lambda path: write_xlsb(path, ROWS), "xlsb"),
        (lambda path: write_ods(path, ROWS), "ods"),
        (lambda path: write_compound(path, ["a", "b", "c", "d", "Workbook"]), "xls"),
        (lambda path: write_compound(path, ["BOOK"]), "xls"),
    ],
)
def test_format_is_detected_by_content(tmp_path: Path, make: Callable[[Path], Path], expected: str) -> None:
    assert sniff(make(tmp_path / "named.csv"), LIMIT) == expected


def test_xls_is_detected_by_its_stream() -> None:
    assert sniff(FIXTURES / "sample.xls", LIMIT) == "xls"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "empty"),
        (b"\xef\xbb\xbf \r\n", "empty"),
        ("ИНН;Ссылка\n7700000000;https://max.ru/1\n".encode(), "CSV"),
        ("ИНН;Ссылка\n".encode("cp1251"), "CSV"),
        ("ИНН\tСсылка\n".encode("utf-16"), "CSV"),
        (b"%PDF-1.7\n", "PDF"),
        (b"<html><table>", "HTML"),
        (b'<?xml version="1.0"?><?mso-application progid="Excel.Sheet"?>', "Excel 2003"),
        (b"\x09\x04\x06\x00\x00\x00\x10\x00", "older than 5.0"),
        (b"PK\x03", "text"),
        (b"\x89PNG\r\n\x1a\n\x00\x00", "unknown format"),
    ],
)
def test_error_describes_other_files(tmp_path: Path, content: bytes, reason: str) -> None:
    (tmp_path / "chats.xlsx").write_bytes(content)
    with pytest.raises(MigrationError, match=reason) as caught:
        sniff(tmp_path / "chats.xlsx", LIMIT)
    assert caught.value.code == "not_a_workbook"


@pytest.mark.parametrize(
    "member", ["word/document.xml", "ppt/presentation.xml", "Index/Document.iwa", "a.txt"]
)
def test_other_archives_are_rejected(tmp_path: Path, member: str) -> None:
    with zipfile.ZipFile(tmp_path / "x.xlsx", "w") as archive:
        archive.writestr(member, "x")
    assert code_of(tmp_path / "x.xlsx") == "not_a_workbook"


@pytest.mark.parametrize("stream", ["WordDocument", "PowerPoint Document", "Contents"])
def test_other_office_files_are_rejected(tmp_path: Path, stream: str) -> None:
    assert code_of(write_compound(tmp_path / "x.xls", [stream])) == "not_a_workbook"


def test_encrypted_workbooks_have_their_own_code(tmp_path: Path) -> None:
    assert code_of(FIXTURES / "encrypted.xlsx") == "workbook_encrypted"
    assert code_of(write_ods(tmp_path / "x.ods", ROWS, encrypted=True)) == "workbook_encrypted"
    content = bytearray(write_xlsx(tmp_path / "x.xlsx", ROWS).read_bytes())
    at = content.index(b"PK\x01\x02")
    content[at + 8] |= 1
    (tmp_path / "x.xlsx").write_bytes(content)
    assert code_of(tmp_path / "x.xlsx") == "workbook_encrypted"


@pytest.mark.parametrize("share", [0.01, 0.3, 0.6, 0.9, 0.99])
@pytest.mark.parametrize("name", ["x.xlsx", "x.ods", "sample.xls", "encrypted.xlsx"])
def test_truncated_file_is_damaged(tmp_path: Path, share: float, name: str) -> None:
    match name:
        case "x.xlsx":
            content = write_xlsx(tmp_path / name, ROWS).read_bytes()
        case "x.ods":
            content = write_ods(tmp_path / name, ROWS).read_bytes()
        case _:
            content = (FIXTURES / name).read_bytes()
    (tmp_path / "cut").write_bytes(content[: int(len(content) * share)])
    if name != "sample.xls":
        assert code_of(tmp_path / "cut") in {"workbook_damaged", "workbook_encrypted"}
    elif share < 0.9:
        assert code_of(tmp_path / "cut") == "workbook_damaged"


def test_too_large_workbook_is_rejected_before_inflating(tmp_path: Path) -> None:
    bomb = raw_xlsx(tmp_path / "bomb.xlsx", "", extra={"xl/media/zeros": bytes(LIMIT)})
    assert bomb.stat().st_size < LIMIT // 500
    assert code_of(bomb) == "source_too_large"
    assert sniff(bomb, LIMIT * 2) == "xlsx"


def test_huge_zip_directory_is_rejected_unread(tmp_path: Path) -> None:
    path = write_xlsx(tmp_path / "x.xlsx", ROWS)
    content = bytearray(path.read_bytes())
    struct.pack_into("<L", content, content.rindex(b"PK\x05\x06") + 12, 500 << 20)
    path.write_bytes(content)
    assert code_of(path) == "source_too_large"


def test_invalid_zip_directory_is_damaged(tmp_path: Path) -> None:
    path = write_xlsx(tmp_path / "x.xlsx", ROWS)
    content = bytearray(path.read_bytes())
    content[content.index(b"PK\x01\x02")] = 0
    path.write_bytes(content)
    assert code_of(path) == "workbook_damaged"
