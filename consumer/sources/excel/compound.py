"""The compound file (OLE) of .xls and of encrypted workbooks: the names of its streams, and no more."""

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

SIGNATURE = bytes.fromhex("D0CF11E0A1B11AE1")
HEADER_BYTES = 512
HEADER_ENTRIES = 109
"""So many sectors of the allocation table are listed in the header itself: more than enough here."""
ENTRY_BYTES = 128
MAX_SECTORS = 1024
"""How far the directory is followed: 4,096 entries."""
NO_SECTOR = 0xFFFFFFFA
"""Numbers from here on are marks, not sectors."""


class Damaged(Exception):
    """The container is not whole; the text says how."""


def streams(path: Path) -> frozenset[str]:
    """Names of streams and storages, in small letters. Raises Damaged."""
    with path.open("rb") as file:
        header = file.read(HEADER_BYTES)
        if len(header) < HEADER_BYTES:
            raise Damaged("its end is missing, as if it had not been copied or sent whole")
        (shift,) = struct.unpack_from("<H", header, 30)
        if shift not in {9, 12}:
            raise Damaged("its container does not make sense")
        names = frozenset(_names(file, header, 1 << shift))
    if not names:
        raise Damaged("its directory is missing")
    return names


def _names(file: BinaryIO, header: bytes, sector_bytes: int) -> Iterator[str]:
    for sector in _directory(file, header, sector_bytes):
        content = _sector(file, sector, sector_bytes)
        for at in range(0, len(content), ENTRY_BYTES):
            length, kind = struct.unpack_from("<HB", content, at + 64)
            if kind and 2 <= length <= 64:
                yield content[at : at + length - 2].decode("utf-16-le", "replace").lower()


def _directory(file: BinaryIO, header: bytes, sector_bytes: int) -> Iterator[int]:
    """The chain of the directory's sectors."""
    tables = struct.unpack_from(f"<{HEADER_ENTRIES}I", header, 76)
    per_sector = sector_bytes // 4
    (sector,) = struct.unpack_from("<I", header, 48)
    for _ in range(MAX_SECTORS):
        if sector >= NO_SECTOR:
            return
        yield sector
        table, place = divmod(sector, per_sector)
        if table >= HEADER_ENTRIES or tables[table] >= NO_SECTOR:
            return
        (sector,) = struct.unpack_from("<I", _sector(file, tables[table], sector_bytes), place * 4)


def _sector(file: BinaryIO, number: int, sector_bytes: int) -> bytes:
    file.seek((number + 1) * sector_bytes)
    content = file.read(sector_bytes)
    if len(content) < sector_bytes:
        raise Damaged("a part of it is missing, as if it had not been copied or sent whole")
    return content
