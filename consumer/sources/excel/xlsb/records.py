"""Reads the records of a part of an .xlsb: type, size, content (MS-XLSB 2.1.4)."""

import struct
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from enum import IntEnum

from consumer.sources.excel.errors import damaged
from consumer.sources.excel.sheet_limits import MAX_CHARS
from consumer.sources.excel.xml.sax import read_member

MAX_RECORD_BYTES = 1 << 24
"""The longest text has 64 KB; a formula has at most 16 KB."""
LENGTH = struct.Struct("<I")
NULL_LENGTH = 0xFFFFFFFF
MALFORMED_RECORD = "a record of it does not make sense"


class RecordType(IntEnum):
    """The record types that are read (MS-XLSB 2.3.2)."""

    ROW = 0
    BLANK = 1
    RK = 2
    ERROR = 3
    BOOL = 4
    REAL = 5
    TEXT = 6
    SHARED_TEXT = 7
    RESULT_TEXT = 8
    RESULT_NUMBER = 9
    RESULT_BOOL = 10
    RESULT_ERROR = 11
    SHORT_BLANK = 12
    SHORT_RK = 13
    SHORT_ERROR = 14
    SHORT_BOOL = 15
    SHORT_REAL = 16
    SHORT_TEXT = 17
    SHORT_SHARED_TEXT = 18
    SHARED_STRING_ITEM = 19
    FORMAT = 44
    CELL_FORMAT = 47
    SHORT_RICH_TEXT = 61
    RICH_TEXT = 62
    END_ROWS = 146
    WORKBOOK_PROPERTIES = 153
    SHEET = 156
    CALCULATION = 157
    BEGIN_CELL_FORMATS = 617
    END_CELL_FORMATS = 618


def iter_records(pieces: Iterable[bytes]) -> Iterator[tuple[int, bytes]]:
    """Type and content of each record. Raises WorkbookError if one is truncated or too long."""
    source = iter(pieces)
    data, offset = b"", 0
    is_last = False
    while True:
        head = _record_head(data, offset)
        if head is not None:
            kind, start, size = head
            if size > MAX_RECORD_BYTES:
                raise damaged(MALFORMED_RECORD)
            if start + size <= len(data):
                yield kind, data[start : start + size]
                offset = start + size
                continue
        if is_last:
            break
        piece = next(source, None)
        is_last = piece is None
        data, offset = data[offset:] + (piece or b""), 0
    if offset < len(data):
        raise damaged("a record of it is cut off")


@contextmanager
def open_records(archive: zipfile.ZipFile, member: str) -> Iterator[Iterator[tuple[int, bytes]]]:
    """The records of a part; the part is closed at the end of the block."""
    with closing(read_member(archive, member)) as pieces:
        yield iter_records(pieces)


def _record_head(data: bytes, offset: int) -> tuple[int, int, int] | None:
    """Type, offset and size of the content; None if `data` ends before."""
    kind = _varint(data, offset, 2)
    size = kind and _varint(data, kind[1], 4)
    return (kind[0], size[1], size[0]) if kind and size else None


def _varint(data: bytes, offset: int, max_bytes: int) -> tuple[int, int] | None:
    """A number in groups of seven bits, and the offset after it; None if `data` ends before."""
    value = 0
    for n in range(max_bytes):
        if offset + n >= len(data):
            return None
        byte = data[offset + n]
        value |= (byte & 0x7F) << (7 * n)
        if byte < 0x80:
            return value, offset + n + 1
    return value, offset + max_bytes


def unpack(layout: struct.Struct, content: bytes, offset: int = 0) -> tuple[int, ...]:
    """Integers of a record. Raises WorkbookError if it is too short."""
    if len(content) < offset + layout.size:
        raise damaged(MALFORMED_RECORD)
    return layout.unpack_from(content, offset)


def read_wide_string(content: bytes, offset: int) -> tuple[str, int]:
    """A text, cut to MAX_CHARS, and the offset after it; unpaired surrogates are kept."""
    (length,) = unpack(LENGTH, content, offset)
    start = offset + LENGTH.size
    if length == NULL_LENGTH:
        return "", start
    end = start + 2 * length
    if end > len(content):
        raise damaged(MALFORMED_RECORD)
    return content[start : min(end, start + 2 * MAX_CHARS)].decode("utf-16-le", "surrogatepass"), end
