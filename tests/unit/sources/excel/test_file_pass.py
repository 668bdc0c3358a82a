"""An encrypted or obfuscated .xls needs a password, also where calamine would read it."""

import struct
from pathlib import Path

import pytest

from consumer.errors import MigrationError
from consumer.sources.excel.containers.ole import stream_head
from consumer.sources.excel.sniff import WorkbookKind, has_file_pass, sniff
from tests.support.workbooks import FIXTURES

BOF = struct.pack("<2H", 0x809, 16) + bytes(16)
XOR = struct.pack("<5H", 0x2F, 6, 0, 1, 2)
WRITE_PROTECT = struct.pack("<2H", 0x86, 0)
OTHER = struct.pack("<2H", 0xE1, 2) + bytes(2)


def xor_obfuscated(path: Path) -> Path:
    """An .xls with the header of XOR obfuscation instead of RC4 (MS-XLS 2.4.117)."""
    content = (FIXTURES / "default_password.xls").read_bytes()
    at = content.index(struct.pack("<3H", 0x2F, 54, 1))
    path.write_bytes(content[: at + 4] + bytes(2) + content[at + 6 :])
    return path


def short_stream(path: Path, content: bytes) -> Path:
    """An OLE file with a short stream «Workbook» in its second mini sector."""
    chain = [0xFFFFFFFD, 0xFFFFFFFE, 0xFFFFFFFE]
    entries = b"".join(
        (name + "\0").encode("utf-16-le").ljust(64, b"\0")
        + struct.pack("<HB", 2 * len(name) + 2, kind).ljust(52, b"\0")
        + struct.pack("<3I", sector, size, 0)
        for name, kind, sector, size in (("Root Entry", 5, 2, 128), ("Workbook", 2, 1, len(content)))
    )
    header = bytes.fromhex("D0CF11E0A1B11AE1") + bytes(16) + struct.pack("<5H", 0x3E, 3, 0xFFFE, 9, 6)
    header += bytes(10) + struct.pack("<2I", 1, 1) + struct.pack("<6I", 0, 4096, 3, 1, 0xFFFFFFFE, 0)
    header += struct.pack("<I", 0).ljust(436, b"\xff")
    table = struct.pack("<3I", *chain).ljust(512, b"\xff")
    mini = (bytes(64) + content).ljust(512, b"\0")
    path.write_bytes(header + table + entries.ljust(512, b"\0") + mini)
    return path


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        (BOF + XOR, True),
        (BOF + WRITE_PROTECT + XOR, True),
        (BOF + OTHER + XOR, False),
        (BOF, False),
        (BOF + XOR[:3], False),
        (b"", False),
        (b"\x2f", False),
    ],
)
def test_file_pass_is_among_the_first_records(head: bytes, expected: bool) -> None:
    assert has_file_pass(head) is expected


def test_xor_obfuscated_xls_is_encrypted(tmp_path: Path) -> None:
    with pytest.raises(MigrationError) as caught:
        sniff(xor_obfuscated(tmp_path / "book.xls"), 1 << 30)
    assert caught.value.code == "workbook_encrypted"


def test_short_stream_is_found(tmp_path: Path) -> None:
    book = short_stream(tmp_path / "book.xls", BOF + XOR)
    assert stream_head(book, "workbook") == BOF + XOR
    with pytest.raises(MigrationError, match="password"):
        sniff(book, 1 << 30)
    assert sniff(short_stream(book, BOF + OTHER), 1 << 30) is WorkbookKind.XLS


def test_plain_xls_is_not_encrypted() -> None:
    assert sniff(FIXTURES / "sample.xls", 1 << 30) is WorkbookKind.XLS
